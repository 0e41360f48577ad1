package org.facerecognition.gallery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A change to a gallery, as its file holds it. */
/*
 * length of the body (4 bytes), checksum of that and of the record's place in the file (4), body, checksum of the body (4);
 * little endian, CRC32C.
 *
 * A process that is killed while it writes leaves the beginning of a record: fewer bytes than a length and its checksum, or a
 * length that is right and goes beyond the end of the file. Damage looks otherwise: were the length not checked by itself,
 * a damaged one could lead beyond the end too, and an entry that was acknowledged would be taken for one that was never
 * finished. A machine that loses power may also leave zeros at the end, where the file system had made room. What is followed
 * by zeros only, or has them in place of its checksum, was never finished either: a file never ends with zeros otherwise, but
 * for one checksum in four thousand million.
 */
sealed interface LogRecord {
    /** Before and behind the body. */
    int LENGTH_BYTES = 8;

    int CHECK_BYTES = 4;

    /** An embedding. */
    record Enrolled(long entry, String identity, @Nullable String note, float[] unit) implements LogRecord {}

    /** An entry is no longer there. */
    record EntryRemoved(long entry) implements LogRecord {}

    /** An identity is no longer there. */
    record IdentityRemoved(String identity) implements LogRecord {}

    private static int mostBodyBytes(int dimension) {
        return 1 + 8 + 2 + Texts.MOST_NAME_BYTES + 2 + Texts.MOST_NOTE_BYTES + Float.BYTES * dimension;
    }

    /** Room that any record fits in. */
    static int mostBytes(int dimension) {
        return LENGTH_BYTES + mostBodyBytes(dimension) + CHECK_BYTES;
    }

    // ---- writing ----

    /** @param place where in the file the record will begin */
    static void write(LogRecord record, long place, ByteBuffer out) {
        out.order(ByteOrder.LITTLE_ENDIAN);
        int start = out.position();
        int body = start + LENGTH_BYTES;
        out.position(body);
        if (record instanceof Enrolled enrolled) {
            out.put((byte) 1).putLong(enrolled.entry);
            putText(enrolled.identity, out);
            putText(enrolled.note == null ? "" : enrolled.note, out);
            for (float value : enrolled.unit) {
                out.putFloat(value);
            }
        } else if (record instanceof EntryRemoved removed) {
            out.put((byte) 2).putLong(removed.entry);
        } else if (record instanceof IdentityRemoved removed) {
            out.put((byte) 3);
            putText(removed.identity, out);
        }
        int length = out.position() - body;
        out.putInt(start, length).putInt(start + 4, lengthCheck(length, place));
        out.putInt(check(out.array(), body, length));
    }

    private static void putText(String text, ByteBuffer out) {
        byte[] bytes = Texts.encode(text);
        out.putShort((short) bytes.length).put(bytes);
    }

    static int lengthCheck(int length, long place) {
        ByteBuffer both = ByteBuffer.allocate(12).putInt(length).putLong(place);
        return check(both.array(), 0, 12);
    }

    static int check(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    // ---- reading ----

    /** Whether a body can have this length. */
    static boolean canBe(int length, int dimension) {
        return length > 0 && length <= mostBodyBytes(dimension);
    }

    /**
     * @param body whose checksum is right
     * @return null when it is none that this version writes
     */
    static @Nullable LogRecord read(ByteBuffer body, int dimension) {
        body.order(ByteOrder.LITTLE_ENDIAN);
        try {
            LogRecord record = switch (body.get()) {
                case 1 -> enrolled(body, dimension);
                case 2 -> new EntryRemoved(body.getLong());
                case 3 -> new IdentityRemoved(text(body));
                default -> null;
            };
            return body.hasRemaining() ? null : record;
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return null;
        }
    }

    private static LogRecord enrolled(ByteBuffer body, int dimension) {
        long entry = body.getLong();
        String identity = text(body);
        String note = text(body);
        float[] unit = new float[dimension];
        body.asFloatBuffer().get(unit);
        body.position(body.position() + Float.BYTES * dimension);
        return new Enrolled(entry, identity, note.isEmpty() ? null : note, unit);
    }

    private static String text(ByteBuffer body) {
        return Texts.decode(body, Short.toUnsignedInt(body.getShort()));
    }
}
