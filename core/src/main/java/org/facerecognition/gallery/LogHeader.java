package org.facerecognition.gallery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * How a gallery's file begins.
 *
 * @param id another one with each compaction: what else is kept about the file's rows is worth nothing then
 * @param dimension of the embeddings
 * @param firstEntry lowest id that was not in use yet
 * @param fingerprint of the model
 */
record LogHeader(UUID id, int dimension, long firstEntry, String fingerprint) {
    /** 8 bytes of which no text file has the last. */
    private static final byte[] MAGIC = {'F', 'A', 'C', 'E', 'G', 'A', 'L', 0};

    private static final int VERSION = 1;
    private static final int FIXED_BYTES = MAGIC.length + 4 + 4 + 8 + 16 + 4;

    /** The most a header can have. */
    static final int MOST_BYTES = FIXED_BYTES + Texts.MOST_FINGERPRINT_BYTES + 4;

    byte[] encode() {
        byte[] text = Texts.encode(fingerprint);
        ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + text.length + 4).order(ByteOrder.LITTLE_ENDIAN);
        out.put(MAGIC).putInt(VERSION).putInt(dimension).putLong(firstEntry);
        out.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        out.putInt(text.length).put(text);
        out.putInt(checksum(out.array(), out.position()));
        return out.array();
    }

    /**
     * @param start of the file, at least the header; left behind it
     * @throws GalleryException when it is none, or damaged
     */
    static LogHeader decode(ByteBuffer start, String file) {
        try {
            start.order(ByteOrder.LITTLE_ENDIAN);
            byte[] magic = new byte[MAGIC.length];
            start.get(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new GalleryException(
                        file + " must be a gallery's file, but does not begin like one; name another file");
            }
            int version = start.getInt();
            int dimension = start.getInt();
            long firstEntry = start.getLong();
            UUID id = new UUID(start.getLong(), start.getLong());
            int length = start.getInt();
            if (length < 0 || length > start.remaining() - 4) {
                throw damaged(file);
            }
            String fingerprint = new String(start.array(), start.position(), length, StandardCharsets.UTF_8);
            start.position(start.position() + length);
            int computed = checksum(start.array(), start.position());
            if (start.getInt() != computed) {
                throw damaged(file);
            }
            if (version != VERSION) {
                throw new GalleryException(file + " must be of format version " + VERSION + ", but is of " + version
                        + "; use the version of this library that wrote it");
            }
            return new LogHeader(id, dimension, firstEntry, fingerprint);
        } catch (BufferUnderflowException e) {
            throw damaged(file);
        }
    }

    private static GalleryException damaged(String file) {
        return new GalleryException(file
                + " is damaged: its header does not fit its checksum; use a copy, or enrol anew into another file");
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
