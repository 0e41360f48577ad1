package org.facerecognition.gallery;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The header of a gallery's file.
 *
 * @param version of the format: 1 is read, 2 is read and written
 * @param id changes whenever the file is rewritten, which invalidates a saved graph of the file's rows
 * @param dimension number of values of an embedding
 * @param firstEntry lowest entry id that was unused when the file was written
 * @param fingerprint identifies the model that computes the embeddings
 * @param embeddingMode how images were turned into embeddings; null if no mode was bound
 */
/*
 * Layout: magic (8 bytes), version (4), dimension (4), first entry (8), id (16), length of the fingerprint (4),
 * fingerprint, checksum of everything before it (4). Version 2 continues with the length of the embedding mode (4; 0 if
 * there is none), embedding mode, checksum of everything before it (4), and zeros up to a multiple of 32. All numbers
 * are little-endian; the checksum is CRC32C.
 *
 * Version 1 ends with the first checksum. A library that knows only version 1 therefore finds the header of a version 2
 * file intact and can report which version it would need.
 */
record LogHeader(
        int version,
        UUID id,
        int dimension,
        long firstEntry,
        String fingerprint,
        @Nullable String embeddingMode) {
    /** 8 bytes, the last of which does not occur in text files. */
    private static final byte[] MAGIC = {'F', 'A', 'C', 'E', 'G', 'A', 'L', 0};

    static final int VERSION = 2;
    private static final int FIXED_BYTES = MAGIC.length + 4 + 4 + 8 + 16 + 4;

    /** The maximum length of a header. */
    static final int MAX_BYTES =
            FIXED_BYTES + Texts.MAX_FINGERPRINT_BYTES + 4 + 4 + Texts.MAX_MODE_BYTES + 4 + BatchMark.BYTES;

    /** Creates a header in the current version of the format. */
    LogHeader(UUID id, int dimension, long firstEntry, String fingerprint, @Nullable String embeddingMode) {
        this(VERSION, id, dimension, firstEntry, fingerprint, embeddingMode);
    }

    GalleryInfo info() {
        return new GalleryInfo(fingerprint, dimension, embeddingMode);
    }

    byte[] encode() {
        byte[] text = Texts.encode(fingerprint);
        byte[] mode = Texts.encode(embeddingMode == null ? "" : embeddingMode);
        ByteBuffer out = ByteBuffer.allocate(MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.put(MAGIC).putInt(VERSION).putInt(dimension).putLong(firstEntry);
        out.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        out.putInt(text.length).put(text);
        out.putInt(checksum(out.array(), out.position()));
        out.putInt(mode.length).put(mode);
        out.putInt(checksum(out.array(), out.position()));
        return Arrays.copyOf(out.array(), (int) BatchMark.aligned(out.position()));
    }

    /**
     * Decodes a header.
     *
     * @param start the beginning of the file; its position is behind the header when this method returns
     * @param file name of the file for messages
     * @throws GalleryException if it is not a header, or a damaged one
     */
    static LogHeader decode(ByteBuffer start, String file) {
        try {
            start.order(ByteOrder.LITTLE_ENDIAN);
            int begin = start.position();
            byte[] magic = new byte[MAGIC.length];
            start.get(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw GalleryException.damage( // or a file that was replaced, whose content is being overwritten
                        file + " must be a gallery file, but does not start like one; name another file");
            }
            int version = start.getInt();
            int dimension = start.getInt();
            long firstEntry = start.getLong();
            UUID id = new UUID(start.getLong(), start.getLong());
            String fingerprint = text(start, Texts.MAX_FINGERPRINT_BYTES, file);
            check(start, begin, file);
            if (version < 1 || version > VERSION) {
                throw new GalleryException(file + " must be of format version 1 or " + VERSION + ", but is of "
                        + version + "; use the version of this library that wrote it");
            }
            if (dimension < GalleryArguments.MIN_DIMENSION
                    || dimension > GalleryArguments.MAX_DIMENSION
                    || firstEntry < 1
                    || firstEntry > LogRecord.MAX_ENTRY) {
                throw damaged(file);
            }
            String mode = "";
            if (version > 1) {
                mode = text(start, Texts.MAX_MODE_BYTES, file);
                check(start, begin, file);
                checkPadding(start, begin, file);
            }
            return new LogHeader(version, id, dimension, firstEntry, fingerprint, mode.isEmpty() ? null : mode);
        } catch (BufferUnderflowException e) {
            throw damaged(file);
        }
    }

    private static String text(ByteBuffer start, int maxBytes, String file) {
        int length = start.getInt();
        if (length < 0 || length > maxBytes || length > start.remaining()) {
            throw damaged(file);
        }
        return Texts.decode(start, length);
    }

    private static void check(ByteBuffer start, int begin, String file) {
        byte[] bytes = new byte[start.position() - begin];
        start.get(begin, bytes);
        if (start.getInt() != checksum(bytes, bytes.length)) {
            throw damaged(file);
        }
    }

    private static void checkPadding(ByteBuffer start, int begin, String file) {
        while ((start.position() - begin) % BatchMark.BYTES != 0) {
            if (start.get() != 0) {
                throw damaged(file);
            }
        }
    }

    private static GalleryException damaged(String file) {
        return GalleryException.damage(file
                + " is damaged: its header does not match its checksum;"
                + " restore a copy, or enroll again into another file");
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
