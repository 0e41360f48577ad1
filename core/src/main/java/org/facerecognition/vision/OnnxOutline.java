package org.facerecognition.vision;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The inputs and outputs of the graph in an .onnx file, by which a network is recognized. Reads Protocol Buffers' wire
 * format by the field numbers of {@code onnx.proto}, without generated classes.
 *
 * @param inputs what the caller must give: inputs without a value in the file
 * @param outputs in the order of the graph
 */
record OnnxOutline(List<Port> inputs, List<Port> outputs) {
    // field numbers: ModelProto, GraphProto, ValueInfoProto, TypeProto, TypeProto.Tensor, TensorShapeProto, Dimension
    private static final int GRAPH = 7;
    private static final int INITIALIZER = 5;
    private static final int INITIALIZER_NAME = 8;
    private static final int INPUT = 11;
    private static final int OUTPUT = 12;
    private static final int NAME = 1;
    private static final int TYPE = 2;
    private static final int TENSOR = 1;
    private static final int SHAPE = 2;
    private static final int DIMENSION = 1;
    private static final int SIZE = 1;

    /**
     * An input or output.
     *
     * @param sizes of its dimensions, {@link #UNKNOWN} for those that the file leaves open; empty when it does not even
     *     say how many there are
     */
    record Port(String name, List<Long> sizes) {
        static final long UNKNOWN = -1;

        /** Returns the size of a dimension, counted from the last if negative; {@link #UNKNOWN} if there is none. */
        long size(int dimension) {
            int index = dimension < 0 ? sizes.size() + dimension : dimension;
            return index >= 0 && index < sizes.size() ? sizes.get(index) : UNKNOWN;
        }
    }

    /** Reads the outline; empty when the bytes are no ONNX file or only a part of one. */
    static Optional<OnnxOutline> of(byte[] model) {
        try {
            UnknownFieldSet graph = message(UnknownFieldSet.parseFrom(model), GRAPH);
            Set<String> given = new HashSet<>();
            for (ByteString tensor : graph.getField(INITIALIZER).getLengthDelimitedList()) {
                given.add(text(UnknownFieldSet.parseFrom(tensor), INITIALIZER_NAME));
            }
            List<Port> inputs = ports(graph, INPUT).stream()
                    .filter(port -> !given.contains(port.name))
                    .toList();
            List<Port> outputs = ports(graph, OUTPUT);
            return outputs.isEmpty() ? Optional.empty() : Optional.of(new OnnxOutline(inputs, outputs));
        } catch (InvalidProtocolBufferException e) {
            return Optional.empty();
        }
    }

    private static List<Port> ports(UnknownFieldSet graph, int number) throws InvalidProtocolBufferException {
        List<Port> ports = new ArrayList<>();
        for (ByteString bytes : graph.getField(number).getLengthDelimitedList()) {
            UnknownFieldSet port = UnknownFieldSet.parseFrom(bytes);
            List<Long> sizes = new ArrayList<>();
            UnknownFieldSet shape = message(message(message(port, TYPE), TENSOR), SHAPE);
            for (ByteString dimension : shape.getField(DIMENSION).getLengthDelimitedList()) {
                List<Long> size =
                        UnknownFieldSet.parseFrom(dimension).getField(SIZE).getVarintList();
                sizes.add(size.isEmpty() || size.get(0) <= 0 ? Port.UNKNOWN : size.get(0));
            }
            ports.add(new Port(text(port, NAME), List.copyOf(sizes)));
        }
        return ports;
    }

    private static UnknownFieldSet message(UnknownFieldSet parent, int number) throws InvalidProtocolBufferException {
        List<ByteString> all = parent.getField(number).getLengthDelimitedList();
        return all.isEmpty() ? UnknownFieldSet.getDefaultInstance() : UnknownFieldSet.parseFrom(all.get(0));
    }

    private static String text(UnknownFieldSet parent, int number) {
        List<ByteString> all = parent.getField(number).getLengthDelimitedList();
        return all.isEmpty() ? "" : all.get(0).toStringUtf8();
    }

    /**
     * Returns a copy of an .onnx file whose only input has other sizes.
     *
     * @param model a file that {@link #of} has read
     */
    static byte[] withInputSizes(byte[] model, long... sizes) {
        UnknownFieldSet.Builder shape = UnknownFieldSet.newBuilder();
        Field.Builder dimensions = Field.newBuilder();
        for (long size : sizes) {
            dimensions.addLengthDelimited(UnknownFieldSet.newBuilder()
                    .addField(SIZE, Field.newBuilder().addVarint(size).build())
                    .build()
                    .toByteString());
        }
        shape.addField(DIMENSION, dimensions.build());
        try {
            UnknownFieldSet whole = UnknownFieldSet.parseFrom(model);
            UnknownFieldSet graph = message(whole, GRAPH);
            UnknownFieldSet input = message(graph, INPUT);
            UnknownFieldSet type = message(input, TYPE);
            UnknownFieldSet tensor = message(type, TENSOR);
            UnknownFieldSet changed = replaced(tensor, SHAPE, shape.build());
            changed = replaced(input, TYPE, replaced(type, TENSOR, changed));
            return replaced(whole, GRAPH, replaced(graph, INPUT, changed)).toByteArray();
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("model must be an ONNX file that has been read before", e);
        }
    }

    private static UnknownFieldSet replaced(UnknownFieldSet parent, int number, UnknownFieldSet child) {
        return UnknownFieldSet.newBuilder(parent)
                .addField(
                        number,
                        Field.newBuilder()
                                .addLengthDelimited(child.toByteString())
                                .build())
                .build();
    }
}
