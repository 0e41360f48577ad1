package org.facerecognition.gallery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** One record of a gallery's file. */
/*
 * Length of the body (4 bytes), checksum of that and of the record's place in the file (4), body, checksum of the body
 * (4); little endian, CRC32C. The length has a checksum of its own, so that records behind a damaged or erased body can
 * still be found.
 *
 * Removing an entry takes two steps. First a Removal is committed, which says where the entry lies. Then the entry's
 * body is overwritten by an Erased one of the same length: its id and zeros. A process that is killed in the second
 * step leaves a body that may fit nothing; as a Removal names its place it is known to be no damage, and the next
 * opening for writing finishes the step. An Erased body stands by itself afterwards.
 *
 * Version 1 of the format had Removed records alone, which left the entry in the file and may hold its name.
 */
sealed interface LogRecord {
    /** Before the body. */
    int LENGTH_BYTES = 8;

    /** Behind the body. */
    int CHECK_BYTES = 4;

    /**
     * An embedding.
     *
     * @param contentKey of the image; null where unknown, as in version 1 of the format
     */
    record Enrolled(
            long entry,
            String identity,
            @Nullable String note,
            @Nullable String contentKey,
            float[] unit) implements LogRecord {}

    /** An entry is no longer there, and its body at this place is to be erased. */
    record Removal(long entry, long place) implements LogRecord {}

    /** An entry was here. */
    record Erased(long entry) implements LogRecord {}

    /** Version 1: an entry is no longer there. */
    record EntryRemoved(long entry) implements LogRecord {}

    /** Version 1: an identity is no longer there. */
    record IdentityRemoved(String identity) implements LogRecord {}

    private static int maxBodyBytes(int dimension) {
        return 1
                + 8
                + 2
                + Texts.MAX_NAME_BYTES
                + 2
                + Texts.MAX_NOTE_BYTES
                + 2
                + Texts.MAX_CONTENT_KEY_BYTES
                + Float.BYTES * dimension;
    }

    /** Room that any record fits in. */
    static int maxBytes(int dimension) {
        return LENGTH_BYTES + maxBodyBytes(dimension) + CHECK_BYTES;
    }

    // ---- writing ----

    /** How many bytes a record has in the file. */
    static int bytes(LogRecord record) {
        if (record instanceof Enrolled enrolled) {
            int texts = textBytes(enrolled.identity) + textBytes(enrolled.note) + textBytes(enrolled.contentKey);
            return LENGTH_BYTES + 1 + 8 + texts + Float.BYTES * enrolled.unit.length + CHECK_BYTES;
        }
        return LENGTH_BYTES + 1 + 8 + 8 + CHECK_BYTES;
    }

    private static int textBytes(@Nullable String text) {
        return 2 + (text == null ? 0 : Texts.encode(text).length);
    }

    /**
     * Writes an entry or its removal.
     *
     * @param place where in the file the record will begin
     */
    static void write(LogRecord record, long place, ByteBuffer out) {
        out.order(ByteOrder.LITTLE_ENDIAN);
        int start = out.position();
        int body = start + LENGTH_BYTES;
        out.position(body);
        if (record instanceof Enrolled enrolled) {
            out.put((byte) 4).putLong(enrolled.entry);
            putText(enrolled.identity, out);
            putText(enrolled.note, out);
            putText(enrolled.contentKey, out);
            for (float value : enrolled.unit) {
                out.putFloat(value);
            }
        } else if (record instanceof Removal removal) {
            out.put((byte) 5).putLong(removal.entry).putLong(removal.place);
        } else {
            throw new IllegalArgumentException("only entries and removals are added, but this was a " + record);
        }
        int length = out.position() - body;
        out.putInt(start, length).putInt(start + 4, lengthCheck(length, place));
        out.putInt(check(out.array(), body, length));
    }

    private static void putText(@Nullable String text, ByteBuffer out) {
        byte[] bytes = Texts.encode(text == null ? "" : text);
        out.putShort((short) bytes.length).put(bytes);
    }

    /** What takes the place of a body of this length, and of the checksum behind it. */
    static byte[] erasedBody(long entry, int length) {
        ByteBuffer out = ByteBuffer.allocate(length + CHECK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.put((byte) 6).putLong(entry);
        return out.putInt(length, check(out.array(), 0, length)).array();
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
        return length >= 1 + 2 && length <= maxBodyBytes(dimension);
    }

    /**
     * @param body whose checksum is right
     * @return null when it is none that this version of the format has
     */
    static @Nullable LogRecord read(ByteBuffer body, int dimension, int version) {
        body.order(ByteOrder.LITTLE_ENDIAN);
        try {
            int kind = body.get();
            @Nullable LogRecord record = version == 1 ? former(kind, body, dimension) : todays(kind, body, dimension);
            return body.hasRemaining() ? null : record;
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable LogRecord todays(int kind, ByteBuffer body, int dimension) {
        return switch (kind) {
            case 4 -> enrolled(body, dimension, true);
            case 5 -> new Removal(entry(body), body.getLong());
            case 6 -> erased(body);
            default -> null;
        };
    }

    private static @Nullable LogRecord former(int kind, ByteBuffer body, int dimension) {
        return switch (kind) {
            case 1 -> enrolled(body, dimension, false);
            case 2 -> new EntryRemoved(body.getLong());
            case 3 -> new IdentityRemoved(text(body, Texts.MAX_NAME_BYTES));
            default -> null;
        };
    }

    private static Enrolled enrolled(ByteBuffer body, int dimension, boolean withContentKey) {
        long entry = entry(body);
        String identity = text(body, Texts.MAX_NAME_BYTES);
        String note = text(body, Texts.MAX_NOTE_BYTES);
        String contentKey = withContentKey ? text(body, Texts.MAX_CONTENT_KEY_BYTES) : "";
        if (identity.isEmpty() || body.remaining() != Float.BYTES * dimension) {
            throw new BufferUnderflowException();
        }
        float[] unit = new float[dimension];
        body.asFloatBuffer().get(unit);
        body.position(body.limit());
        UnitVector.check(unit);
        return new Enrolled(
                entry, identity, note.isEmpty() ? null : note, contentKey.isEmpty() ? null : contentKey, unit);
    }

    private static Erased erased(ByteBuffer body) {
        long entry = entry(body);
        while (body.hasRemaining()) {
            if (body.get() != 0) {
                throw new IllegalArgumentException("what was erased must be zeros");
            }
        }
        return new Erased(entry);
    }

    /** Ids are counted up from 1; what is far above any gallery's was not counted. */
    private static long entry(ByteBuffer body) {
        long entry = body.getLong();
        if (entry < 1 || entry > Long.MAX_VALUE / 2) {
            throw new IllegalArgumentException("an entry's id must be counted up from 1, but was " + entry);
        }
        return entry;
    }

    private static String text(ByteBuffer body, int maxBytes) {
        int length = Short.toUnsignedInt(body.getShort());
        if (length > maxBytes || length > body.remaining()) {
            throw new BufferUnderflowException();
        }
        return Texts.decode(body, length);
    }
}
