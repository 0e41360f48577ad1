package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The beginning of a batch in a gallery's file, or the record that the batch is committed.
 *
 * @param place of the batch's beginning in the file
 * @param length of the records between the beginning and the commit, with the padding
 * @param count of the records
 */
/*
 * A batch is: beginning (32 bytes), records, zeros up to a multiple of 32, commit (32). A mark is its kind (4 bytes),
 * count (4), place (8), length (8), checksum of these and of the file's id (4), the letters ZZZZ (4); little endian,
 * CRC32C.
 *
 * A batch is written in two steps. First all of it, with zeros instead of the commit, and the disk confirms that. Then
 * the commit, and the disk confirms that too. Only then is the batch acknowledged. Hence, whatever a loss of power does
 * to pages that the disk has not confirmed:
 *
 * - Where a commit is, all before it was on the disk. What does not fit its checksum there is damage, and refused.
 * - What no commit follows was acknowledged to nobody, and is cut off whatever it looks like, with one exception: where
 *   all records of the last batch are in order, the second step may have begun, and the place of the commit can only
 *   hold zeros, or the beginning of the commit and zeros. Anything else there is damage. (ZZZZ is there so that a
 *   commit with one damaged byte does not look like that.)
 *
 * Places are multiples of 32, so that a mark lies within one sector of a disk.
 */
record BatchMark(Kind kind, long place, long length, int count) {
    static final int BYTES = 32;
    private static final int CHECKED_BYTES = 24;
    private static final int END = 0x5a5a5a5a;

    /** What a mark says, and how it begins. */
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

    static long aligned(long place) {
        return (place + BYTES - 1) / BYTES * BYTES;
    }

    BatchMark commit() {
        return new BatchMark(Kind.COMMIT, place, length, count);
    }

    long commitPlace() {
        return place + BYTES + length;
    }

    long end() {
        return commitPlace() + BYTES;
    }

    byte[] encode(UUID file) {
        ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(kind.code).putInt(count).putLong(place).putLong(length);
        return out.putInt(checksum(out.array(), file)).putInt(END).array();
    }

    /**
     * Reads a mark.
     *
     * @param bytes of which the first 32 are the mark
     * @param at place in the file where it was found
     * @param size of the file
     * @return null where there is none: it does not fit its checksum, its place or the file
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
        boolean fits = mark.length >= 0
                && mark.length <= size
                && mark.length % BYTES == 0
                && mark.count >= 0
                && (kind == Kind.COMMIT
                        ? mark.place >= 0 && mark.place < at && mark.commitPlace() == at
                        : mark.place == at);
        return fits
                        && bytes.getInt(start + CHECKED_BYTES) == checksum(copy, file)
                        && bytes.getInt(start + BYTES - 4) == END
                ? mark
                : null;
    }

    /**
     * Whether what is in the place of this mark is its beginning, or nothing of it, and zeros.
     *
     * @param there up to 32 bytes
     */
    boolean isUnfinished(ByteBuffer there, UUID file) {
        byte[] bytes = new byte[there.remaining()];
        there.get(bytes);
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
