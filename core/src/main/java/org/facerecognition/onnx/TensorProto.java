package org.facerecognition.onnx;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.function.Consumer;
import org.facerecognition.graph.Constant;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.weights.WeightsException;

/**
 * A constant of an ONNX file. Its values stay in the file until they are read, unless the file holds them one by one.
 *
 * @param name may be empty
 * @param type one of the constants of this class
 * @param shape of the values, row-major; empty for a single number
 * @param values where they are
 */
record TensorProto(String name, int type, long[] shape, Values values) {
    static final int FLOAT = 1;
    static final int UINT8 = 2;
    static final int INT8 = 3;
    static final int INT32 = 6;
    static final int INT64 = 7;
    static final int BOOL = 9;
    static final int FLOAT16 = 10;
    static final int DOUBLE = 11;
    static final int BFLOAT16 = 16;

    private static final int PIECE_BYTES = 256 << 10; // whole values of each type

    /** The values of a tensor. */
    sealed interface Values {}

    /** Little-endian bytes in a file. */
    record InFile(Path file, long offset, long bytes) implements Values {}

    /** Integers that were written one by one, those of 16-bit floats as their bits. */
    record Numbers(long[] numbers) implements Values {}

    /** Floating-point numbers that were written one by one. */
    record Reals(double[] reals) implements Values {}

    /** Returns the size in bytes of a value of a type; 0 for types that this library does not read. */
    static int bytes(int type) {
        return switch (type) {
            case UINT8, INT8, BOOL -> 1;
            case FLOAT16, BFLOAT16 -> 2;
            case FLOAT, INT32 -> 4;
            case INT64, DOUBLE -> 8;
            default -> 0;
        };
    }

    boolean isInteger() {
        return switch (type) {
            case UINT8, INT8, INT32, INT64, BOOL -> true;
            default -> false;
        };
    }

    /** Returns the number of values. */
    long count() {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /** Returns the values as a constant, which reads them whenever they are asked for. */
    Constant constant() {
        return Constant.of(shape, this::copyTo);
    }

    /** Returns the values of a tensor of integers. */
    long[] numbers() {
        long[] result = new long[Math.toIntExact(count())];
        if (values instanceof Numbers written) {
            System.arraycopy(written.numbers, 0, result, 0, result.length);
        } else if (values instanceof InFile bytes) {
            LongBuffer target = LongBuffer.wrap(result);
            read(bytes, raw -> {
                while (raw.hasRemaining()) {
                    target.put(
                            switch (type) {
                                case INT64 -> raw.getLong();
                                case INT32 -> raw.getInt();
                                case INT8 -> raw.get();
                                default -> raw.get() & 0xff;
                            });
                }
            });
        }
        return result;
    }

    private void copyTo(FloatBuffer target) {
        if (values instanceof Reals written) {
            for (double real : written.reals) {
                target.put((float) real);
            }
        } else if (values instanceof Numbers written) {
            for (long number : written.numbers) {
                target.put(
                        switch (type) {
                            case FLOAT16 -> half((short) number);
                            case BFLOAT16 -> brain((short) number);
                            default -> number;
                        });
            }
        } else if (values instanceof InFile bytes) {
            read(bytes, raw -> {
                if (type == FLOAT) {
                    target.put(raw.asFloatBuffer());
                    return;
                }
                while (raw.hasRemaining()) {
                    target.put(
                            switch (type) {
                                case DOUBLE -> (float) raw.getDouble();
                                case FLOAT16 -> half(raw.getShort());
                                case BFLOAT16 -> brain(raw.getShort());
                                case INT64 -> raw.getLong();
                                case INT32 -> raw.getInt();
                                case INT8 -> raw.get();
                                default -> raw.get() & 0xff;
                            });
                }
            });
        }
    }

    /**
     * Reads values piece by piece, each of whole values. For each thread, Java keeps as much memory outside of its heap
     * as the largest piece has.
     *
     * @throws WeightsException when the file cannot be read, or is shorter than when it was opened
     */
    private static void read(InFile part, Consumer<ByteBuffer> pieces) {
        ByteBuffer piece =
                ByteBuffer.allocate((int) Math.min(PIECE_BYTES, part.bytes)).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(part.file, StandardOpenOption.READ)) {
            for (long from = 0; from < part.bytes; from += PIECE_BYTES) {
                piece.clear().limit((int) Math.min(PIECE_BYTES, part.bytes - from));
                while (piece.hasRemaining()) {
                    if (channel.read(piece, part.offset + from + piece.position()) < 0) {
                        throw new EOFException("it became shorter while it was read");
                    }
                }
                pieces.accept(piece.flip());
            }
        } catch (IOException e) {
            throw new WeightsException("cannot read " + part.file + ": " + AtomicFile.reason(e), e);
        }
    }

    /** Returns the value of an IEEE 754 half-precision number. */
    static float half(short bits) {
        int sign = bits & 0x8000;
        int exponent = bits >> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        float value;
        if (exponent == 0) {
            value = fraction * 0x1p-24f;
        } else if (exponent == 0x1f) {
            value = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
        } else {
            value = Float.intBitsToFloat(exponent + 112 << 23 | fraction << 13);
        }
        return sign == 0 ? value : -value;
    }

    /** Returns the value of a bfloat16 number: the upper half of a float32. */
    private static float brain(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
