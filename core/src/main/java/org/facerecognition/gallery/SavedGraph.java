package org.facerecognition.gallery;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.facerecognition.io.ConfidentialFile;

/**
 * The graph of a gallery's file, {@code NAME.hnsw} beside it, so that the next opening need not build it. It can be
 * built again at any time: what is damaged, of another file or cannot be written is done without. It holds numbers of
 * rows and which are neighbors, no names and no embeddings; with the removal of an entry it is erased all the same.
 */
final class SavedGraph {
    private static final long MAGIC = 0x46414345_484E5332L; // FACEHNS2
    private static final int HEADER_BYTES = 8 + 16 + 4;
    private static final int CHECK_BYTES = 4;
    private static final long MAX_BYTES = Integer.MAX_VALUE - 64; // some 15 million rows
    private static final long MAX_BYTES_OF_A_ROW = 2_048; // about 300 in most graphs

    private SavedGraph() {}

    static Path of(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".hnsw");
    }

    /**
     * @param id of the gallery's file
     * @param rows that the graph has
     */
    static void write(Path gallery, UUID id, int rows, HnswSearch graph) {
        try {
            ConfidentialFile.replace(of(gallery), stream -> {
                CheckedOutputStream checked = new CheckedOutputStream(stream, new CRC32C());
                try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(checked, 1 << 16))) {
                    out.writeLong(MAGIC);
                    out.writeLong(id.getMostSignificantBits());
                    out.writeLong(id.getLeastSignificantBits());
                    out.writeInt(rows);
                    graph.save(out);
                    out.flush();
                    out.writeInt((int) checked.getChecksum().getValue());
                }
            });
        } catch (IOException | RuntimeException e) { // JVector's, of a graph that was read and is not quite one
            eraseQuietly(of(gallery));
        }
    }

    /**
     * Reads the graph, if there is one of this file and of no more than these rows. One that is found wrong half-way
     * leaves nothing behind.
     *
     * @param view of all the rows that the file has
     * @return how many rows it has; 0 where it is to be built
     */
    static int read(Path gallery, UUID id, Rows.View view, HnswSearch into) {
        try {
            Path file = of(gallery);
            long longest = Math.min(MAX_BYTES, HEADER_BYTES + (view.rows() + 1) * MAX_BYTES_OF_A_ROW);
            if (!Files.isRegularFile(file) || Files.size(file) > longest) {
                return 0;
            }
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
            if (bytes.remaining() < HEADER_BYTES + CHECK_BYTES || !isWhole(bytes)) {
                return 0;
            }
            boolean same = bytes.getLong() == MAGIC && new UUID(bytes.getLong(), bytes.getLong()).equals(id);
            int saved = bytes.getInt();
            if (!same || saved < 0 || saved > view.rows()) {
                return 0;
            }
            into.load(bytes.slice(HEADER_BYTES, bytes.capacity() - HEADER_BYTES - CHECK_BYTES), saved, view);
            return saved;
        } catch (IOException e) {
            return 0;
        }
    }

    private static boolean isWhole(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        int length = bytes.capacity() - CHECK_BYTES;
        crc.update(bytes.array(), 0, length);
        return bytes.getInt(length) == (int) crc.getValue();
    }

    private static void eraseQuietly(Path file) {
        try {
            ConfidentialFile.erase(file);
        } catch (IOException e) {
            // it is told from a good one by its header and checksum
        }
    }
}
