package org.facerecognition.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleException;
import net.razorvine.pickle.PickleUtils;
import net.razorvine.pickle.Unpickler;
import net.razorvine.pickle.objects.ByteArrayConstructor;

/**
 * Reads the pickle of a verification set: lists, tuples, bytes, texts, truths, numbers, and NumPy's arrays of bytes, in which
 * some of insightface's files keep their images. A pickle that names anything else is refused; nothing is executed.
 */
final class BinUnpickler extends Unpickler {
    private final Path file;

    BinUnpickler(Path file) {
        this.file = file;
    }

    /** A NumPy array of bytes; empty until its state is read. */
    static final class NumpyBytes {
        private byte[] bytes = new byte[0];

        byte[] bytes() {
            return bytes;
        }
    }

    /** NumPy's type of a byte. */
    private static final class NumpyByte {}

    @Override
    protected Object dispatch(short instruction) throws PickleException, IOException {
        switch (instruction) {
            case Opcodes.GLOBAL -> {
                String module = PickleUtils.readline(input);
                stack.add(named(module, PickleUtils.readline(input)));
                return NO_RETURN_VALUE;
            }
            case Opcodes.STACK_GLOBAL -> {
                Object name = stack.pop();
                stack.add(named(String.valueOf(stack.pop()), String.valueOf(name)));
                return NO_RETURN_VALUE;
            }
            case Opcodes.BUILD -> {
                build(stack.pop());
                return NO_RETURN_VALUE;
            }
            case Opcodes.INST,
                    Opcodes.OBJ,
                    Opcodes.NEWOBJ,
                    Opcodes.NEWOBJ_EX,
                    Opcodes.EXT1,
                    Opcodes.EXT2,
                    Opcodes.EXT4,
                    Opcodes.PERSID,
                    Opcodes.BINPERSID -> throw refused();
            case Opcodes.BINBYTES, Opcodes.BINSTRING, Opcodes.BINUNICODE -> checkLength(Integer.BYTES);
            case Opcodes.BINBYTES8, Opcodes.BINUNICODE8, Opcodes.BYTEARRAY8 -> checkLength(Long.BYTES);
            default -> {}
        }
        return super.dispatch(instruction);
    }

    /** What a name stands for. NumPy 2 has moved its own. */
    private IObjectConstructor named(String module, String name) {
        return switch (module + "." + name) {
            case "_codecs.encode" -> new ByteArrayConstructor(); // how Python 3 writes bytes for Python 2
            case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct" ->
                args -> new NumpyBytes();
            case "numpy.dtype" -> this::type;
            case "numpy.ndarray" ->
                args -> {
                    throw refused(); // is only named, as what is to be reconstructed
                };
            default -> throw refused();
        };
    }

    private NumpyByte type(Object[] args) {
        if (args.length == 0 || !(args[0].equals("u1") || args[0].equals("|u1"))) {
            throw refused();
        }
        return new NumpyByte();
    }

    /** An array's state is (version, shape, type, whether by columns, bytes). */
    private void build(Object state) {
        Object target = stack.peek();
        if (target instanceof NumpyByte) {
            return; // byte order and the like
        }
        if (!(target instanceof NumpyBytes array)
                || !(state instanceof Object[] parts)
                || parts.length != 5
                || !(parts[2] instanceof NumpyByte)) {
            throw refused();
        }
        if (parts[4] instanceof byte[] bytes) {
            array.bytes = bytes;
        } else if (parts[4] instanceof String text) { // Python 2's
            array.bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        } else {
            throw refused();
        }
    }

    private DataException refused() {
        return new DataException("data file " + file + " is refused: its pickle calls for more than lists of bytes."
                + " Nothing of it was executed; save images as bytes and truths as a list");
    }

    /** A length that reaches past the end must not be allocated first. */
    private void checkLength(int bytes) throws IOException {
        input.mark(bytes);
        byte[] raw = PickleUtils.readbytes(input, bytes);
        long length = bytes == Integer.BYTES ? PickleUtils.bytes_to_uint(raw, 0) : PickleUtils.bytes_to_long(raw, 0);
        if (length < 0 || length > input.available()) {
            throw new IOException("a length reaches past the end");
        }
        input.reset();
    }
}
