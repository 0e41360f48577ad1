package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A mark in a gallery's file: the beginning of a batch of records, or the commit of the batch.
 *
 * @param offset of the batch's beginning in the file
 * @param length in bytes of the records and the padding, between the beginning and the commit
 * @param count number of records
 */
/*
 * A batch consists of its beginning (32 bytes), the records, zeros up to a multiple of 32, and its commit (32 bytes). A
 * mark consists of its kind (4 bytes), count (4), offset (8), length (8), a checksum of these and of the file's id (4),
 * and the letters ZZZZ (4). Numbers are little-endian; the checksum is CRC32C.
 *
 * A batch is written in two steps. First all of it is written, with zeros in place of the commit, and the disk confirms
 * that. Then the commit is written, and the disk confirms that too. Only then is the batch acknowledged. Hence,
 * whatever a power failure does to pages that the disk has not confirmed:
 *
 * - If there is a commit, everything before it was on the disk. Anything there that does not match its checksum is
 * damage, and the file is rejected.
 * - A batch without a commit was never acknowledged. It is cut off whatever it looks like, with one exception: if all
 * records of the last batch are intact, the second step may have begun, and the commit's place can hold only zeros, or
 * the beginning of the commit followed by zeros. Anything else there is damage. (The ZZZZ ensures that a commit with
 * one damaged byte does not look like an incomplete one.)
 *
 * Offsets are multiples of 32, so that a mark lies within one sector of a disk.
 */
record BatchMark(Kind kind, long offset, long length, int count) {
    static final int BYTES = 32;
    private static final int CHECKED_BYTES = 24;
    private static final int TRAILER = 0x5a5a5a5a; // ZZZZ

    /** What a mark stands for, and its first four bytes. */
    enum Kind {
        /** A batch of entries begins. */
        ENTRIES(0x42544e45), // ENTB
        /** A batch of removals begins. */
        REMOVALS(0x424d4552), // REMB
        /** A batch is committed. */
        COMMIT(0x544d4d43); // CMMT

        final int code;

        Kind(int code) {
            this.code = code;
        }

        private static @Nullable Kind of(int code) {
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            return null;
        }
    }

    /** Rounds an offset up to a multiple of 32. */
    static long aligned(long offset) {
        return (offset + BYTES - 1) / BYTES * BYTES;
    }

    BatchMark commit() {
        return new BatchMark(Kind.COMMIT, offset, length, count);
    }

    long commitOffset() {
        return offset + BYTES + length;
    }

    long end() {
        return commitOffset() + BYTES;
    }

    byte[] encode(UUID file) {
        ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(kind.code).putInt(count).putLong(offset).putLong(length);
        return out.putInt(checksum(out.array(), file)).putInt(TRAILER).array();
    }

    /**
     * Decodes a mark.
     *
     * @param bytes whose first 32 may be a mark
     * @param at offset in the file where the bytes were read
     * @param size of the file
     * @param file id of the file
     * @return null if there is no mark: it does not match its checksum, its offset or the size of the file
     */
    static @Nullable BatchMark decode(ByteBuffer bytes, long at, long size, UUID file) {
        if (bytes.remaining() < BYTES) {
            return null;
        }
        int start = bytes.position();
        @Nullable Kind kind = Kind.of(bytes.getInt(start));
        if (kind == null) {
            return null;
        }
        BatchMark mark =
                new BatchMark(kind, bytes.getLong(start + 8), bytes.getLong(start + 16), bytes.getInt(start + 4));
        byte[] copy = new byte[BYTES];
        bytes.get(start, copy);
        boolean plausible = mark.length >= 0
                && mark.length <= size
                && mark.length % BYTES == 0
                && mark.count >= 0
                && (kind == Kind.COMMIT
                        ? mark.offset >= 0 && mark.offset < at && mark.commitOffset() == at
                        : mark.offset == at);
        return plausible
                        && bytes.getInt(start + CHECKED_BYTES) == checksum(copy, file)
                        && bytes.getInt(start + BYTES - 4) == TRAILER
                ? mark
                : null;
    }

    /**
     * Returns whether the bytes in this mark's place are an incomplete write of it: its beginning, which may be empty,
     * followed by zeros.
     *
     * @param found up to 32 bytes
     */
    boolean isIncompleteIn(ByteBuffer found, UUID file) {
        byte[] bytes = new byte[found.remaining()];
        found.get(bytes);
        int last = bytes.length - 1;
        while (last >= 0 && bytes[last] == 0) {
            last--;
        }
        return last < BYTES - 1 && Arrays.equals(bytes, 0, last + 1, encode(file), 0, last + 1);
    }

    private static int checksum(byte[] bytes, UUID file) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, CHECKED_BYTES);
        crc.update(ByteBuffer.allocate(16)
                .putLong(file.getMostSignificantBits())
                .putLong(file.getLeastSignificantBits())
                .flip());
        return (int) crc.getValue();
    }
}
