package org.facerecognition.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ForeignText;
import org.facerecognition.onnx.ModelProto.ValueProto;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Reads ONNX files: the wire format of Protocol Buffers, field by field. Raw weights are skipped and read from the file
 * when they are needed. A length that a file claims never makes this class allocate more than the file has.
 *
 * <p>Field numbers are those of onnx.proto, version 1.16; the comments name the fields.
 *
 * Long because each message of the format is read by a method.
 */
final class ProtoReader {
    /** The most nodes, inputs and outputs of nodes, initializers and attributes: real models have thousands. */
    private static final int MAX_PARTS = 200_000;

    private static final long MAX_VALUES = 1L << 31; // of a tensor
    private static final long MAX_WRITTEN_VALUES = Runtime.getRuntime().maxMemory() / 48; // 8 bytes each, and growing
    private static final long MIN_OPSET = 7;

    private final Path file;
    private final CodedInputStream in;
    private int parts;
    private long values;
    private long opset;
    private final List<NodeProto> nodes = new ArrayList<>();
    private final Map<String, TensorProto> initializers = new LinkedHashMap<>();
    private final List<ValueProto> inputs = new ArrayList<>();
    private final List<ValueProto> outputs = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private boolean hasGraph;

    private ProtoReader(Path file, CodedInputStream in) {
        this.file = file;
        this.in = in;
    }

    /**
     * Reads a file.
     *
     * @throws WeightsException when it is missing, damaged, no ONNX model, or of a version that is too old
     */
    static ModelProto read(Path file) {
        try (InputStream stream = Files.newInputStream(file)) {
            long bytes = Files.size(file);
            if (bytes > Integer.MAX_VALUE) {
                throw new WeightsException(file + " must be smaller than 2 GiB, the limit of ONNX files, but had "
                        + bytes + " bytes; keep its weights in a file beside it (external data)");
            }
            CodedInputStream in = CodedInputStream.newInstance(stream);
            in.pushLimit((int) bytes);
            return new ProtoReader(file, in).model();
        } catch (InvalidProtocolBufferException | IllegalArgumentException | ArithmeticException e) {
            throw damaged(file, "it is not in the format of ONNX", e);
        } catch (IOException e) {
            throw new WeightsException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private static WeightsException damaged(Path file, String reason, @Nullable Exception cause) {
        String what = ForeignText.describe(file, "an ONNX model", "the .onnx file")
                .orElse("is damaged or no ONNX model: " + reason + "; use another copy");
        return new WeightsException(file + " " + what, cause);
    }

    private WeightsException damaged(String reason) {
        return damaged(file, reason, null);
    }

    /** Reads one field of a message; one that it does not know is skipped. */
    private interface Field {
        void read(int number, int tag) throws IOException;
    }

    /** Reads the fields of the present message until its end. */
    private void fields(Field field) throws IOException {
        for (int tag; (tag = in.readTag()) != 0; ) {
            field.read(WireFormat.getTagFieldNumber(tag), tag);
        }
        in.checkLastTagWas(0);
    }

    private void message(int tag, Field field) throws IOException {
        require(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        int limit = in.pushLimit(in.readRawVarint32());
        fields(field);
        in.popLimit(limit);
    }

    private void require(int tag, int wireType) {
        if (WireFormat.getTagWireType(tag) != wireType) {
            throw damaged("field " + WireFormat.getTagFieldNumber(tag) + " of a message is of another type");
        }
    }

    private void countPart() {
        if (++parts > MAX_PARTS) {
            throw damaged("it has more than " + MAX_PARTS + " nodes, inputs and outputs of nodes, constants and"
                    + " attributes");
        }
    }

    private long number(int tag) throws IOException {
        require(tag, WireFormat.WIRETYPE_VARINT);
        return in.readInt64();
    }

    /** Reads a name; messages contain it, so that it must be of one line. */
    private String name(int tag) throws IOException {
        return text(tag).replaceAll("\\p{Cntrl}", "?");
    }

    private String text(int tag) throws IOException {
        require(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        return new String(in.readByteArray(), StandardCharsets.UTF_8);
    }

    /** Reads a value of a packed field. */
    private interface Packed {
        double read() throws IOException;
    }

    /** Counts a value that is not among raw bytes: it takes more memory than in the file. */
    private void countValue() {
        if (++values > MAX_WRITTEN_VALUES) {
            throw new WeightsException(file + " is refused: it must have at most " + MAX_WRITTEN_VALUES
                    + " numbers outside of raw data in this Java heap, but has more; give Java more memory (-Xmx)");
        }
    }

    /** Reads a repeated field of integers, which may be packed. */
    private void numbers(int tag, Growing target) throws IOException {
        if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            countValue();
            target.add(number(tag));
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            countValue();
            target.add(in.readInt64());
        }
        in.popLimit(limit);
    }

    /** Reads a repeated field of real numbers, which may be packed. */
    private void reals(int tag, int wireType, Packed value, Growing target) throws IOException {
        if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            require(tag, wireType);
            countValue();
            target.add(value.read());
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            countValue();
            target.add(value.read());
        }
        in.popLimit(limit);
    }

    // ---- messages ----

    private ModelProto model() throws IOException {
        fields((number, tag) -> {
            switch (number) {
                case 7 -> message(tag, this::graph);
                case 8 -> message(tag, operatorSet()); // opset_import
                case 14 -> entry(tag, metadata); // metadata_props
                default -> in.skipField(tag);
            }
        });
        if (!hasGraph) {
            throw damaged("it has no graph");
        }
        if (opset < MIN_OPSET) {
            throw new WeightsException(file + " must be of operator set " + MIN_OPSET + " or a later one, but was of "
                    + opset + "; export it again with opset_version=17");
        }
        inputs.removeIf(input -> initializers.containsKey(input.name())); // old files list constants as inputs too
        return new ModelProto(opset, nodes, initializers, inputs, outputs, metadata);
    }

    private Field operatorSet() {
        String[] domain = {""};
        long[] version = {0};
        return (number, tag) -> {
            switch (number) {
                case 1 -> domain[0] = text(tag);
                case 2 -> version[0] = number(tag);
                default -> in.skipField(tag);
            }
            if (domain[0].isEmpty() || domain[0].equals("ai.onnx")) {
                opset = Math.max(opset, version[0]);
            }
        };
    }

    /** Reads a StringStringEntryProto. */
    private void entry(int tag, Map<String, String> entries) throws IOException {
        String[] pair = {"", ""};
        message(tag, (number, inner) -> {
            switch (number) {
                case 1 -> pair[0] = text(inner);
                case 2 -> pair[1] = text(inner);
                default -> in.skipField(inner);
            }
        });
        countPart();
        entries.put(pair[0], pair[1]);
    }

    private void graph(int number, int tag) throws IOException {
        hasGraph = true;
        switch (number) {
            case 1 -> nodes.add(node(tag));
            case 5 -> {
                TensorProto tensor = tensor(tag);
                initializers.put(tensor.name(), tensor);
            }
            case 11 -> inputs.add(value(tag));
            case 12 -> outputs.add(value(tag));
            default -> in.skipField(tag);
        }
    }

    private NodeProto node(int tag) throws IOException {
        countPart();
        String[] texts = {"", "", ""}; // name, op_type, domain
        List<String> from = new ArrayList<>();
        List<String> to = new ArrayList<>();
        Map<String, NodeProto.Attribute> attributes = new LinkedHashMap<>();
        message(tag, (number, inner) -> {
            switch (number) {
                case 1 -> {
                    countPart();
                    from.add(name(inner));
                }
                case 2 -> {
                    countPart();
                    to.add(name(inner));
                }
                case 3 -> texts[0] = name(inner);
                case 4 -> texts[1] = name(inner);
                case 5 -> attribute(inner, attributes);
                case 7 -> texts[2] = name(inner);
                default -> in.skipField(inner);
            }
        });
        boolean standard = texts[2].isEmpty() || texts[2].equals("ai.onnx");
        return new NodeProto(texts[0], standard ? texts[1] : texts[2] + "." + texts[1], from, to, attributes);
    }

    private void attribute(int tag, Map<String, NodeProto.Attribute> attributes) throws IOException {
        countPart();
        String[] texts = {"", ""}; // name, s
        float[] real = {0};
        long[] integer = {0};
        Growing reals = new Growing();
        Growing integers = new Growing();
        @Nullable TensorProto[] tensor = {null};
        message(tag, (number, inner) -> {
            switch (number) {
                case 1 -> texts[0] = name(inner);
                case 2 -> {
                    require(inner, WireFormat.WIRETYPE_FIXED32);
                    real[0] = in.readFloat();
                }
                case 3 -> integer[0] = number(inner);
                case 4 -> texts[1] = name(inner);
                case 5 -> tensor[0] = tensor(inner);
                case 7 -> reals(inner, WireFormat.WIRETYPE_FIXED32, in::readFloat, reals);
                case 8 -> numbers(inner, integers);
                default -> in.skipField(inner); // graphs, which only operators that are not covered have
            }
        });
        attributes.put(
                texts[0],
                new NodeProto.Attribute(real[0], integer[0], texts[1], reals.floats(), integers.numbers(), tensor[0]));
    }

    private ValueProto value(int tag) throws IOException {
        countPart();
        String[] name = {""};
        long[] type = {0};
        Growing shape = new Growing();
        message(tag, (number, inner) -> {
            switch (number) {
                case 1 -> name[0] = name(inner);
                case 2 ->
                    message(inner, (kind, tensorType) -> { // type
                        if (kind != 1) { // tensor_type
                            in.skipField(tensorType);
                            return;
                        }
                        message(tensorType, (part, field) -> {
                            switch (part) {
                                case 1 -> type[0] = number(field); // elem_type
                                case 2 -> message(field, (one, dimension) -> dimension(dimension, shape)); // shape: dim
                                default -> in.skipField(field);
                            }
                        });
                    });
                default -> in.skipField(inner);
            }
        });
        return new ValueProto(name[0], (int) type[0], shape.numbers());
    }

    private void dimension(int tag, Growing shape) throws IOException {
        long[] size = {ValueProto.FREE};
        message(tag, (number, inner) -> {
            if (number == 1) { // dim_value
                size[0] = number(inner);
            } else {
                in.skipField(inner);
            }
        });
        shape.add(size[0] > 0 ? size[0] : ValueProto.FREE);
    }

    // ---- tensors ----

    private TensorProto tensor(int tag) throws IOException {
        countPart();
        String[] name = {""};
        int[] type = {0};
        Growing shape = new Growing();
        Growing numbers = new Growing();
        Growing reals = new Growing();
        TensorProto.@Nullable InFile[] raw = {null};
        boolean[] outside = {false};
        Map<String, String> external = new LinkedHashMap<>();
        message(tag, (number, inner) -> {
            switch (number) {
                case 1 -> numbers(inner, shape); // dims
                case 2 -> type[0] = (int) number(inner); // data_type
                case 4 -> reals(inner, WireFormat.WIRETYPE_FIXED32, in::readFloat, reals); // float_data
                case 5, 7 -> numbers(inner, numbers); // int32_data, int64_data
                case 8 -> name[0] = name(inner);
                case 9 -> raw[0] = raw(inner); // raw_data
                case 10 -> reals(inner, WireFormat.WIRETYPE_FIXED64, in::readDouble, reals); // double_data
                case 13 -> entry(inner, external); // external_data
                case 14 -> outside[0] = number(inner) == 1; // data_location
                default -> in.skipField(inner);
            }
        });
        long[] sizes = shape.numbers();
        long count = count(name[0], sizes);
        TensorProto.Values values = raw[0] != null
                ? raw[0]
                : outside[0]
                        ? ExternalData.of(file, name[0], external)
                        : reals.count() > 0
                                ? new TensorProto.Reals(reals.reals())
                                : new TensorProto.Numbers(numbers.numbers());
        requireCount(name[0], type[0], count, values);
        return new TensorProto(name[0], type[0], sizes, values);
    }

    private TensorProto.InFile raw(int tag) throws IOException {
        require(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        int bytes = in.readRawVarint32();
        long offset = in.getTotalBytesRead();
        in.skipRawBytes(bytes);
        return new TensorProto.InFile(file, offset, bytes);
    }

    private long count(String name, long[] shape) {
        long count = 1;
        for (long size : shape) {
            if (size < 0 || size > MAX_VALUES || (count *= size) > MAX_VALUES) {
                throw damaged("its constant " + name + " is of the shape " + Arrays.toString(shape));
            }
        }
        return count;
    }

    /** Checks that a tensor has as many values as its shape says; those of unknown types are not read. */
    private void requireCount(String name, int type, long count, TensorProto.Values values) {
        int size = TensorProto.bytes(type);
        if (size == 0) {
            return;
        }
        long found;
        if (values instanceof TensorProto.InFile bytes) {
            found = bytes.bytes() % size == 0 ? bytes.bytes() / size : -1;
        } else if (values instanceof TensorProto.Reals reals) {
            found = reals.reals().length;
        } else {
            found = ((TensorProto.Numbers) values).numbers().length;
        }
        if (found != count) {
            throw damaged("its constant " + name + " must have " + count + " values, but has "
                    + (found < 0 ? "part of one" : found));
        }
    }
}
