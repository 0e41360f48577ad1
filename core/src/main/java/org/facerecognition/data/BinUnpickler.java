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
 * Reads the pickle of a verification set: lists, tuples, bytes, texts, truths, numbers, and NumPy's arrays of bytes and
 * of truths, in which some of insightface's files keep their images and pairs. A pickle that names anything else is
 * refused; nothing is executed.
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
    private long bytesLeft; // to be converted: each character of a text once

    /** @param size of the file, in bytes */
    BinUnpickler(Path file, long size) {
        super(INSTRUCTIONS);
        this.file = file;
        this.bytesLeft = size;
    }

    /** NumPy's types that are read. */
    private enum NumpyType {
        BYTE,
        TRUTH
    }

    /** A NumPy array of bytes or truths; empty until its state is read. */
    static final class NumpyArray {
        private byte[] bytes = new byte[0];
        private NumpyType type = NumpyType.BYTE;

        byte[] bytes() {
            return bytes;
        }

        boolean hasTruths() {
            return type == NumpyType.TRUTH;
        }

        List<Boolean> truths() {
            List<Boolean> truths = new ArrayList<>();
            for (byte truth : bytes) {
                truths.add(truth != 0);
            }
            return truths;
        }
    }

    /** NumPy 2 has moved its own; NumPy 1.20 and later write arrays from a buffer in protocol 5. */
    @Override
    protected Object named(String name) {
        IObjectConstructor function = switch (name.replace("numpy._core.", "numpy.core.")) {
            case "_codecs.encode" -> arguments -> bytes(arguments[0]); // as Python 3 writes bytes for Python 2
            case "numpy.core.multiarray._reconstruct" -> arguments -> new NumpyArray();
            case "numpy.core.numeric._frombuffer" -> arguments -> array(arguments[1], arguments[0]);
            case "numpy.core.multiarray.scalar" -> arguments -> scalar(array(arguments[0], arguments[1]));
            case "numpy.dtype" -> this::type;
            case "numpy.ndarray" ->
                arguments -> {
                    throw refused(); // is only named, as what is to be reconstructed
                };
            default -> throw refused();
        };
        return function;
    }

    private NumpyType type(Object[] arguments) {
        Object name = arguments.length == 0 ? "" : arguments[0];
        if ("u1".equals(name) || "|u1".equals(name)) {
            return NumpyType.BYTE;
        }
        if ("b1".equals(name) || "|b1".equals(name)) {
            return NumpyType.TRUTH;
        }
        throw refused();
    }

    private NumpyArray array(@Nullable Object type, @Nullable Object content) {
        if (!(type instanceof NumpyType known)) {
            throw refused();
        }
        NumpyArray array = new NumpyArray();
        array.type = known;
        array.bytes = bytes(content);
        return array;
    }

    private Object scalar(NumpyArray array) {
        if (array.bytes.length != 1) {
            throw refused();
        }
        return array.hasTruths() ? array.truths().get(0) : (Object) (array.bytes[0] & 0xff);
    }

    /** An array's state is (version, shape, type, whether by columns, bytes). */
    @Override
    protected void build(@Nullable Object target, @Nullable Object state) {
        if (target instanceof NumpyType) {
            return; // byte order and the like
        }
        if (!(target instanceof NumpyArray array) || !(state instanceof Object[] parts) || parts.length != 5) {
            throw refused();
        }
        NumpyArray built = array(parts[2], parts[4]);
        array.type = built.type;
        array.bytes = built.bytes;
    }

    /** Python 3's bytes, or Python 2's text, whose characters are bytes. */
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
        throw refused();
    }

    @Override
    protected RuntimeException refusedInstruction(short instruction) {
        return refused();
    }

    private DataException refused() {
        return new DataException("data file " + file + " is refused: its pickle calls for more than lists of bytes."
                + " Nothing of it was executed; save images as bytes and truths as a list");
    }
}
