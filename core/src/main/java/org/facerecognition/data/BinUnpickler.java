package org.facerecognition.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import org.facerecognition.io.DataUnpickler;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pickle of a verification set: lists, tuples, bytes, byte arrays, strings, booleans, numbers, and NumPy
 * arrays of them and of objects, in which scripts store images and pairs, as Python and NumPy write them in the
 * protocols 0 to 5. A pickle that names anything else is rejected; no code in it is executed.
 */
final class BinUnpickler extends DataUnpickler {
    private static final Set<Short> INSTRUCTIONS = Set.of(
            Opcodes.PROTO,
            Opcodes.STOP,
            Opcodes.FRAME,
            Opcodes.MARK,
            Opcodes.EMPTY_LIST,
            Opcodes.LIST,
            Opcodes.APPEND,
            Opcodes.APPENDS,
            Opcodes.EMPTY_TUPLE,
            Opcodes.TUPLE,
            Opcodes.TUPLE1,
            Opcodes.TUPLE2,
            Opcodes.TUPLE3,
            Opcodes.NONE,
            Opcodes.NEWTRUE,
            Opcodes.NEWFALSE,
            Opcodes.INT,
            Opcodes.BININT,
            Opcodes.BININT1,
            Opcodes.BININT2,
            Opcodes.LONG,
            Opcodes.LONG1,
            Opcodes.LONG4,
            Opcodes.FLOAT,
            Opcodes.BINFLOAT,
            Opcodes.STRING,
            Opcodes.BINSTRING,
            Opcodes.SHORT_BINSTRING,
            Opcodes.UNICODE,
            Opcodes.BINUNICODE,
            Opcodes.BINUNICODE8,
            Opcodes.SHORT_BINUNICODE,
            Opcodes.BINBYTES,
            Opcodes.BINBYTES8,
            Opcodes.SHORT_BINBYTES,
            Opcodes.BYTEARRAY8,
            Opcodes.GET,
            Opcodes.BINGET,
            Opcodes.LONG_BINGET,
            Opcodes.PUT,
            Opcodes.BINPUT,
            Opcodes.LONG_BINPUT,
            Opcodes.MEMOIZE,
            Opcodes.GLOBAL,
            Opcodes.STACK_GLOBAL,
            Opcodes.REDUCE,
            Opcodes.BUILD);

    /** Byte order, kind and size. Objects have the size of a pointer in some versions. */
    private static final Pattern TYPE = Pattern.compile("([<>|=]?)(b(?=1)|[ui](?=[1248])|f(?=[48])|O)([1248]?)");

    private final Path file;
    private long bytesLeft; // that may still be converted from strings, each character of the file once

    /** @param size of the file, in bytes */
    BinUnpickler(Path file, long size) {
        super(INSTRUCTIONS);
        this.file = file;
        this.bytesLeft = size;
    }

    /**
     * A NumPy type.
     *
     * @param kind NumPy's letter: b for booleans, u and i for integers, f for floats, O for objects
     * @param size of a value in bytes; not used for objects
     */
    private record NumpyType(char kind, int size, ByteOrder order) {
        boolean isBytes() {
            return size == 1 && (kind == 'u' || kind == 'i');
        }

        Object read(ByteBuffer values) {
            values.order(order);
            return switch (size) {
                case 1 -> number(values.get(), 0xff);
                case 2 -> number(values.getShort(), 0xffff);
                case 4 -> kind == 'f' ? values.getFloat() : number(values.getInt(), 0xffffffffL);
                default -> kind == 'f' ? values.getDouble() : values.getLong();
            };
        }

        private Object number(long value, long mask) {
            return kind == 'b' ? (Object) (value != 0) : (Object) (kind == 'u' ? value & mask : value);
        }
    }

    /** A dtype object, whose byte order is part of its state. */
    private static final class NumpyDtype {
        private NumpyType type;

        NumpyDtype(NumpyType type) {
            this.type = type;
        }
    }

    /** A NumPy array; empty until its state is read. */
    static final class NumpyArray {
        private List<Object> values = List.of();
        private byte @Nullable [] bytes;

        /** Returns the bytes of an array of them; null for an array of other values. */
        byte @Nullable [] bytes() {
            return bytes;
        }

        /** Returns the values in the order of the file: numbers, booleans or objects. */
        List<Object> values() {
            return values;
        }
    }

    /** Resolves the names that NumPy and Python write: NumPy 2 moved some, protocol 5 writes arrays from a buffer. */
    @Override
    protected Object named(String name) {
        IObjectConstructor function = switch (name.replace("numpy._core.", "numpy.core.")) {
            case "_codecs.encode" -> arguments -> bytes(arguments[0]); // Python 3's bytes in protocol 2
            case "builtins.bytearray", "__builtin__.bytearray", "builtins.bytes", "__builtin__.bytes" ->
                arguments -> arguments.length == 0 ? new byte[0] : bytes(arguments[0]);
            case "numpy.core.multiarray._reconstruct" -> arguments -> new NumpyArray();
            case "numpy.core.numeric._frombuffer" -> arguments -> array(arguments[1], arguments[0]);
            case "numpy.core.multiarray.scalar" -> arguments -> scalar(array(arguments[0], arguments[1]));
            case "numpy.dtype" -> this::type;
            case "numpy.ndarray" ->
                arguments -> {
                    throw rejected(); // it is only named, as the type to reconstruct
                };
            default -> throw rejected();
        };
        return function;
    }

    /** Takes a name such as {@code u1}, {@code <i8} or {@code |b1}. */
    private NumpyDtype type(Object[] arguments) {
        Object name = arguments.length == 0 ? "" : arguments[0];
        Matcher known = TYPE.matcher(String.valueOf(name instanceof String ? name : ""));
        if (!known.matches()) {
            throw rejected();
        }
        int size = known.group(3).isEmpty() ? Long.BYTES : Integer.parseInt(known.group(3));
        return new NumpyDtype(new NumpyType(known.group(2).charAt(0), size, order(known.group(1))));
    }

    private static ByteOrder order(@Nullable Object sign) {
        return ">".equals(sign) ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    }

    private NumpyArray array(@Nullable Object dtype, @Nullable Object content) {
        NumpyArray array = new NumpyArray();
        fill(array, dtype, content);
        return array;
    }

    private void fill(NumpyArray array, @Nullable Object dtype, @Nullable Object content) {
        if (!(dtype instanceof NumpyDtype known)) {
            throw rejected();
        }
        NumpyType type = known.type;
        if (type.kind() == 'O') {
            if (!(content instanceof List<?> objects)) {
                throw rejected();
            }
            count(objects.size());
            array.values = new ArrayList<>(objects);
            return;
        }
        byte[] bytes = bytes(content);
        if (bytes.length % type.size() != 0) {
            throw rejected();
        }
        if (type.isBytes()) {
            array.bytes = bytes;
        }
        count(type.isBytes() ? 0 : bytes.length / type.size());
        array.values = new Values(type, bytes);
    }

    /** The values of an array, read when they are asked for: an image has one for each of its bytes. */
    private static final class Values extends AbstractList<Object> {
        private final NumpyType type;
        private final byte[] bytes;

        Values(NumpyType type, byte[] bytes) {
            this.type = type;
            this.bytes = bytes;
        }

        @Override
        public Object get(int index) {
            return type.read(ByteBuffer.wrap(bytes, index * type.size(), type.size()));
        }

        @Override
        public int size() {
            return bytes.length / type.size();
        }
    }

    private Object scalar(NumpyArray array) {
        if (array.values.size() != 1) {
            throw rejected();
        }
        return array.values.get(0);
    }

    /**
     * Sets the state of an array, which is (version, shape, type, whether in Fortran order, bytes or objects), or of a
     * type, which is (version, byte order, ...).
     */
    @Override
    protected void build(@Nullable Object target, @Nullable Object state) {
        if (!(state instanceof Object[] parts)) {
            throw rejected();
        }
        if (target instanceof NumpyDtype dtype && parts.length > 1) {
            dtype.type = new NumpyType(dtype.type.kind(), dtype.type.size(), order(parts[1]));
        } else if (target instanceof NumpyArray array && parts.length == 5) {
            fill(array, parts[2], parts[4]);
        } else {
            throw rejected();
        }
    }

    /** Returns Python 3's bytes, or those of Python 2's string, whose characters are bytes. */
    private byte[] bytes(@Nullable Object value) {
        if (value instanceof byte[] bytes) {
            return bytes;
        }
        if (value instanceof String text) {
            bytesLeft -= text.length();
            if (bytesLeft >= 0) {
                return text.getBytes(StandardCharsets.ISO_8859_1);
            }
        }
        throw rejected();
    }

    @Override
    protected RuntimeException refusedInstruction(short instruction) {
        return rejected();
    }

    @Override
    protected RuntimeException refusedSize(String reason) {
        return new DataException("data file " + file + " was rejected: its pickle " + reason);
    }

    private DataException rejected() {
        return new DataException("data file " + file + " was rejected: its pickle has more than lists and"
                + " arrays of bytes, numbers and booleans. Nothing in it was executed; save images as bytes and the"
                + " labels of pairs as a list of booleans");
    }
}
