package org.facerecognition.gallery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A record of a gallery's file: an entry, the removal of an entry, or what is left of an erased entry. */
/*
 * A record consists of the length of the body (4 bytes), a checksum of the length and of the record's offset in the
 * file (4), the body, and a checksum of the body (4). Numbers are little-endian; checksums are CRC32C. The length has a
 * separate checksum, so that records behind a damaged or erased body can still be found.
 *
 * Removing an entry takes two steps. First a Removal is committed, which holds the offset of the entry. Then the
 * entry's body is overwritten by an Erased body of the same length, which consists of the id and zeros. A process that
 * is killed during the second step may leave a body that does not match its checksum. Because a Removal holds its
 * offset, it is known not to be damage, and the next opening for writing finishes the step. A complete Erased body no
 * longer depends on its Removal.
 *
 * Version 1 of the format had only EntryRemoved and IdentityRemoved records, which left the entry in the file, and the
 * second of which contains a name.
 */
sealed interface LogRecord {
    /** The highest id of an entry. Ids are counted up from 1, and no gallery comes near it. */
    long MAX_ENTRY = Long.MAX_VALUE / 2;

    /** Number of bytes before the body. */
    int LENGTH_BYTES = 8;

    /** Number of bytes behind the body. */
    int CHECK_BYTES = 4;

    /**
     * An enrolled embedding.
     *
     * @param entry its id
     * @param contentKey of the image; null if unknown, as in version 1 of the format
     * @param unit the L2-normalized embedding
     */
    record Enrolled(
            long entry,
            String identity,
            @Nullable String note,
            @Nullable String contentKey,
            float[] unit) implements LogRecord {}

    /** The removal of an entry, whose body at this offset must be erased. */
    record Removal(long entry, long offset) implements LogRecord {}

    /** What is left of an entry after its erasure. */
    record Erased(long entry) implements LogRecord {}

    /** The removal of an entry in version 1 of the format. */
    record EntryRemoved(long entry) implements LogRecord {}

    /** The removal of an identity with all its entries in version 1 of the format. */
    record IdentityRemoved(String identity) implements LogRecord {}

    /** The kind of an entry, the first byte of its body. */
    byte ENROLLED = 4;

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

    /** Returns the length of an entry's record without its texts. */
    static int withoutTextBytes(int dimension) {
        return LENGTH_BYTES + 1 + 8 + 3 * 2 + Float.BYTES * dimension + CHECK_BYTES;
    }

    /** Returns the maximum length of a record. */
    static int maxBytes(int dimension) {
        return LENGTH_BYTES + maxBodyBytes(dimension) + CHECK_BYTES;
    }

    // ---- writing ----

    /** Returns the length of a record in the file. */
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
     * Writes an entry or a removal.
     *
     * @param offset of the record in the file
     */
    static void write(LogRecord record, long offset, ByteBuffer out) {
        out.order(ByteOrder.LITTLE_ENDIAN);
        int start = out.position();
        int body = start + LENGTH_BYTES;
        out.position(body);
        if (record instanceof Enrolled enrolled) {
            out.put(ENROLLED).putLong(enrolled.entry);
            putText(enrolled.identity, out);
            putText(enrolled.note, out);
            putText(enrolled.contentKey, out);
            for (float value : enrolled.unit) {
                out.putFloat(value);
            }
        } else if (record instanceof Removal removal) {
            out.put((byte) 5).putLong(removal.entry).putLong(removal.offset);
        } else {
            throw new IllegalArgumentException("record must be an entry or a removal, but was " + record);
        }
        int length = out.position() - body;
        out.putInt(start, length).putInt(start + 4, lengthCheck(length, offset));
        out.putInt(check(out.array(), body, length));
    }

    private static void putText(@Nullable String text, ByteBuffer out) {
        byte[] bytes = Texts.encode(text == null ? "" : text);
        out.putShort((short) bytes.length).put(bytes);
    }

    /** Returns what overwrites a body of this length, and the checksum behind it. */
    static byte[] erasedBody(long entry, int length) {
        ByteBuffer out = ByteBuffer.allocate(length + CHECK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.put((byte) 6).putLong(entry);
        return out.putInt(length, check(out.array(), 0, length)).array();
    }

    static int lengthCheck(int length, long offset) {
        ByteBuffer both = ByteBuffer.allocate(12).putInt(length).putLong(offset);
        return check(both.array(), 0, 12);
    }

    static int check(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    // ---- reading ----

    /** Returns whether a body can have this length. */
    static boolean isValidLength(int length, int dimension) {
        return length >= 1 + 2 && length <= maxBodyBytes(dimension);
    }

    /** Returns whether a body whose checksum is correct is that of an entry, which ends with the embedding. */
    static boolean isEnrolled(ByteBuffer body) {
        return body.get(body.position()) == ENROLLED;
    }

    /**
     * Decodes a record.
     *
     * @param body whose checksum is correct
     * @return null if this version of the format has no such record
     */
    static @Nullable LogRecord read(ByteBuffer body, int dimension, int version) {
        body.order(ByteOrder.LITTLE_ENDIAN);
        try {
            int kind = body.get();
            @Nullable
            LogRecord record = version == 1 ? version1(kind, body, dimension) : version2(kind, body, dimension);
            return body.hasRemaining() ? null : record;
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable LogRecord version2(int kind, ByteBuffer body, int dimension) {
        return switch (kind) {
            case ENROLLED -> enrolled(body, dimension, true);
            case 5 -> new Removal(entry(body), body.getLong());
            case 6 -> erased(body);
            default -> null;
        };
    }

    private static @Nullable LogRecord version1(int kind, ByteBuffer body, int dimension) {
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
                throw new IllegalArgumentException("an erased body must contain only zeros");
            }
        }
        return new Erased(entry);
    }

    /** Reads an id; values that no gallery has are rejected. */
    private static long entry(ByteBuffer body) {
        long entry = body.getLong();
        if (entry < 1 || entry > MAX_ENTRY) {
            throw new IllegalArgumentException("entry id must be positive and below 2^62, but was " + entry);
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
