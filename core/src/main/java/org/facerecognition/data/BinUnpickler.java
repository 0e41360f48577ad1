package org.facerecognition.data;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import org.facerecognition.io.DataUnpickler;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pickle of a verification set: lists, tuples, bytes, strings, booleans, numbers, and NumPy arrays of bytes
 * and of booleans, in which some of insightface's files store their images and pairs. A pickle that names anything else
 * is rejected; no code in it is executed.
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

    private final Path file;
    private long bytesLeft; // that may still be converted from strings, each character of the file once

    /** @param size of the file, in bytes */
    BinUnpickler(Path file, long size) {
        super(INSTRUCTIONS);
        this.file = file;
        this.bytesLeft = size;
    }

    /** The supported NumPy types. */
    private enum NumpyType {
        BYTE,
        BOOLEAN
    }

    /** A NumPy array of bytes or booleans; empty until its state is read. */
    static final class NumpyArray {
        private byte[] bytes = new byte[0];
        private NumpyType type = NumpyType.BYTE;

        byte[] bytes() {
            return bytes;
        }

        boolean hasBooleans() {
            return type == NumpyType.BOOLEAN;
        }

        List<Boolean> booleans() {
            List<Boolean> booleans = new ArrayList<>();
            for (byte value : bytes) {
                booleans.add(value != 0);
            }
            return booleans;
        }
    }

    /** Resolves the names that NumPy and Python write: NumPy 2 moved some, protocol 5 writes arrays from a buffer. */
    @Override
    protected Object named(String name) {
        IObjectConstructor function = switch (name.replace("numpy._core.", "numpy.core.")) {
            case "_codecs.encode" -> arguments -> bytes(arguments[0]); // Python 3's bytes in protocol 2
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

    private NumpyType type(Object[] arguments) {
        Object name = arguments.length == 0 ? "" : arguments[0];
        if ("u1".equals(name) || "|u1".equals(name)) {
            return NumpyType.BYTE;
        }
        if ("b1".equals(name) || "|b1".equals(name)) {
            return NumpyType.BOOLEAN;
        }
        throw rejected();
    }

    private NumpyArray array(@Nullable Object type, @Nullable Object content) {
        if (!(type instanceof NumpyType known)) {
            throw rejected();
        }
        NumpyArray array = new NumpyArray();
        array.type = known;
        array.bytes = bytes(content);
        return array;
    }

    private Object scalar(NumpyArray array) {
        if (array.bytes.length != 1) {
            throw rejected();
        }
        return array.hasBooleans() ? array.booleans().get(0) : (Object) (array.bytes[0] & 0xff);
    }

    /** Sets an array's state: (version, shape, type, whether in Fortran order, bytes). */
    @Override
    protected void build(@Nullable Object target, @Nullable Object state) {
        if (target instanceof NumpyType) {
            return; // byte order and similar details
        }
        if (!(target instanceof NumpyArray array) || !(state instanceof Object[] parts) || parts.length != 5) {
            throw rejected();
        }
        NumpyArray built = array(parts[2], parts[4]);
        array.type = built.type;
        array.bytes = built.bytes;
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

    private DataException rejected() {
        return new DataException("data file " + file + " was rejected: its pickle needs more than lists of bytes."
                + " Nothing in it was executed; save images as bytes and the labels of pairs as a list of booleans");
    }
}
