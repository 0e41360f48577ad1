package org.facerecognition.gallery;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.facerecognition.io.ConfidentialFile;

/**
 * The saved graph of a gallery's file, {@code NAME.hnsw} beside it, which saves the next opening from building it. The
 * graph can be rebuilt at any time, so a graph that is damaged or belongs to another file is ignored, and failing to
 * write one is not an error. It contains row numbers and which of them are neighbors, but no names or embeddings;
 * nevertheless the removal of an entry erases it.
 */
final class SavedGraph {
    private static final long MAGIC = 0x46414345_484E5333L; // FACEHNS3
    private static final int HEADER_BYTES = 8 + 16 + 8 + 4;
    private static final int ROWS_OFFSET = 8 + 16 + 8;
    private static final int CHECK_BYTES = 4;
    private static final long MAX_BYTES = Integer.MAX_VALUE - 64; // about 15 million rows
    private static final long MAX_BYTES_PER_ROW = 2_048; // most graphs have about 300

    private SavedGraph() {}

    static Path of(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".hnsw");
    }

    /** Erases the graph. */
    static void erase(Path gallery) throws IOException {
        DerivedFiles.erase(of(gallery), MAGIC, ByteOrder.BIG_ENDIAN);
    }

    /** Returns whether the graph's name is not that of another file. */
    static boolean isFree(Path gallery) {
        return DerivedFiles.isFree(of(gallery), MAGIC, ByteOrder.BIG_ENDIAN);
    }

    /**
     * Writes the graph, or erases the old one if that fails.
     *
     * @param id of the gallery's file
     * @param length of the gallery's file
     * @param rows number of rows in the graph
     */
    static void write(Path gallery, UUID id, long length, int rows, HnswSearch graph) {
        if (!isFree(gallery)) {
            return;
        }
        try {
            ConfidentialFile.replace(of(gallery), stream -> {
                CheckedOutputStream checked = new CheckedOutputStream(stream, new CRC32C());
                try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(checked, 1 << 16))) {
                    out.writeLong(MAGIC);
                    out.writeLong(id.getMostSignificantBits());
                    out.writeLong(id.getLeastSignificantBits());
                    out.writeLong(length);
                    out.writeInt(rows);
                    graph.save(out);
                    out.flush();
                    out.writeInt((int) checked.getChecksum().getValue());
                }
            });
        } catch (IOException | RuntimeException e) { // the latter by JVector, if a graph was inconsistent
            eraseQuietly(of(gallery)); // it is free
        }
    }

    /**
     * Reads the graph if one exists that belongs to this file and has no more than its rows. Nothing remains of a graph
     * that turns out to be damaged while it is read.
     *
     * @param view of all rows of the file
     * @return the number of rows in the graph; 0 if it must be built
     */
    static int read(Path gallery, UUID id, Rows.View view, HnswSearch into) {
        try {
            Path file = of(gallery);
            long maxBytes = Math.min(MAX_BYTES, HEADER_BYTES + (view.rows() + 1) * MAX_BYTES_PER_ROW);
            if (!Files.isRegularFile(file) || Files.size(file) > maxBytes) {
                return 0;
            }
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
            if (bytes.remaining() < HEADER_BYTES + CHECK_BYTES || !hasValidChecksum(bytes)) {
                return 0;
            }
            boolean same = bytes.getLong() == MAGIC && new UUID(bytes.getLong(), bytes.getLong()).equals(id);
            long length = bytes.getLong();
            int saved = bytes.getInt();
            if (!same || saved < 0 || saved > view.rows() || !LogReader.endsBatch(gallery, length)) {
                return 0; // the last of them if an older copy of the gallery was restored, also one with removed rows
            }
            into.load(bytes.slice(HEADER_BYTES, bytes.capacity() - HEADER_BYTES - CHECK_BYTES), saved, view);
            return saved;
        } catch (IOException | GalleryException e) {
            return 0;
        }
    }

    /**
     * Erases a graph of more than a gallery has, as after an older copy of the gallery was restored: it would seem to
     * fit once as much else is added.
     */
    static void eraseIfAhead(Path gallery, UUID id, int rows) {
        Path file = of(gallery);
        try (InputStream in = Files.newInputStream(file)) {
            ByteBuffer header = ByteBuffer.wrap(in.readNBytes(HEADER_BYTES));
            boolean same = header.remaining() == HEADER_BYTES
                    && header.getLong() == MAGIC
                    && new UUID(header.getLong(), header.getLong()).equals(id);
            if (!same || LogReader.endsBatch(gallery, header.getLong()) && header.getInt(ROWS_OFFSET) <= rows) {
                return;
            }
        } catch (IOException | GalleryException e) { // there is none, or none that can be used
            return;
        }
        eraseQuietly(file);
    }

    private static boolean hasValidChecksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        int length = bytes.capacity() - CHECK_BYTES;
        crc.update(bytes.array(), 0, length);
        return bytes.getInt(length) == (int) crc.getValue();
    }

    private static void eraseQuietly(Path file) {
        try {
            ConfidentialFile.erase(file);
        } catch (IOException e) {
            // its header or checksum will not match
        }
    }
}
