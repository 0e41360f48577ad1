package org.facerecognition.gallery;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.facerecognition.io.ConfidentialFile;

/**
 * What a {@link DiskSegment} holds in memory, saved in {@code NAME.index} beside the gallery's file, so that an opening
 * need not read the entries that were there. It can be rebuilt at any time, so one that is damaged or belongs to
 * another file is ignored, and failing to write one is not an error. It contains hashes of names and codes of
 * embeddings; a removal overwrites those of the removed entries.
 */
/*
 * Header: magic (8 bytes), id of the gallery's file (16), length of the file up to which the entries are in the index
 * (8), lowest unused entry id (8), length of the file when this was last changed (8; more if entries were removed),
 * dimension (4), numbers of groups (4), rows (4) and prototypes (4), and a checksum (4). Records of a fixed length
 * follow, each with a checksum (4) of itself and its place in this file: groups (hash of the name's key, 8), rows
 * (entry 8, offset 8, group 4, prototype 4, hash of the content key 4) and prototypes (code, number of rows whose mean
 * it is 4). Numbers are little-endian, checksums are CRC32C.
 *
 * Because each record has its own checksum, one of them can be overwritten. What is left of an erased row is its id and
 * offset, which is that of the row before it if the file was rewritten without it; of an erased group or prototype,
 * zeros.
 */
final class SavedIndex {
    private static final long MAGIC = 0x46414345_49445832L; // FACEIDX2
    private static final int HEADER_BYTES = 8 + 16 + 8 + 8 + 8 + 4 * 4 + 4;
    private static final int CHECK_BYTES = 4;
    private static final int GROUP_BYTES = 8 + CHECK_BYTES;
    private static final int ROW_BYTES = 8 + 8 + 4 + 4 + 4 + CHECK_BYTES;
    private static final int NONE = -1;
    private static final int BUFFER_BYTES = 1 << 18;

    private final Path gallery;
    private final Path file;
    private final DiskSegment segment;
    private final CRC32C crc = new CRC32C();
    private UUID id = new UUID(0, 0);
    private int groups; // in the saved index; 0 if there is none
    private int rows;
    private int prototypes;
    private int dimension;
    private Saved state = new Saved(0, 1);
    private final TreeSet<Integer> rowsToErase = new TreeSet<>();
    private final TreeSet<Integer> prototypesToErase = new TreeSet<>();

    /**
     * What the saved index knew of the gallery's file.
     *
     * @param end of the last batch in it
     * @param nextEntry lowest unused id
     */
    record Saved(long end, long nextEntry) {}

    SavedIndex(Path gallery, DiskSegment segment) {
        this.gallery = gallery;
        this.file = of(gallery);
        this.segment = segment;
    }

    static Path of(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".index");
    }

    /** Returns the number of rows in it. */
    int rows() {
        return rows;
    }

    private int prototypeBytes() {
        return segment.prototypes().codes().bytes() + 4 + CHECK_BYTES;
    }

    private long rowsOffset() {
        return HEADER_BYTES + (long) groups * GROUP_BYTES;
    }

    private long prototypesOffset() {
        return rowsOffset() + (long) rows * ROW_BYTES;
    }

    /** Erases the index of a gallery. */
    static void erase(Path gallery) throws IOException {
        DerivedFiles.erase(of(gallery), MAGIC, ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns whether the index's name is not that of another file. */
    static boolean isFree(Path gallery) {
        return DerivedFiles.isFree(of(gallery), MAGIC, ByteOrder.LITTLE_ENDIAN);
    }

    // ---- writing ----

    /**
     * Writes all of the segment, or erases the old index if that fails.
     *
     * @param header of the gallery's file
     */
    void write(LogHeader header, Saved saved) {
        if (!isFree(gallery)) {
            return;
        }
        id = header.id();
        dimension = header.dimension();
        state = saved;
        groups = segment.rows().groupCount();
        rows = segment.rows().count();
        prototypes = segment.prototypes().searchable();
        rowsToErase.clear();
        prototypesToErase.clear();
        try {
            ConfidentialFile.replace(file, stream -> {
                try (OutputStream out = new BufferedOutputStream(stream, BUFFER_BYTES)) {
                    writeAll(out);
                }
            });
        } catch (IOException e) {
            eraseQuietly();
        }
    }

    private void writeAll(OutputStream out) throws IOException {
        out.write(header(state.end));
        ByteBuffer record = buffer(GROUP_BYTES);
        for (int group = 0; group < groups; group++) {
            out.write(group(group, record).array());
        }
        record = buffer(ROW_BYTES);
        Rows.View view = segment.rows().view();
        for (int row = 0; row < rows; row++) {
            out.write(row(row, view, record).array());
        }
        record = buffer(prototypeBytes());
        for (int number = 0; number < prototypes; number++) {
            out.write(prototype(number, record).array());
        }
    }

    /** @param lastChange length of the gallery's file */
    private byte[] header(long lastChange) {
        ByteBuffer record = buffer(HEADER_BYTES);
        record.putLong(MAGIC).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        record.putLong(state.end).putLong(state.nextEntry).putLong(lastChange).putInt(dimension);
        return finish(record.putInt(groups).putInt(rows).putInt(prototypes), 0).array();
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private ByteBuffer group(int group, ByteBuffer record) {
        boolean live = segment.rows().isLive(group);
        return finish(record.clear().putLong(live ? segment.texts().hash(group) : 0), group);
    }

    private ByteBuffer row(int row, Rows.View view, ByteBuffer record) {
        record.clear().putLong(view.id(row)).putLong(segment.offsets().get(row));
        boolean live = view.has(row);
        record.putInt(live ? view.group(row) : NONE)
                .putInt(live ? segment.prototypes().of(row) : NONE)
                .putInt(live ? segment.rows().keyHash(row) : 0);
        return finish(record, row);
    }

    private ByteBuffer prototype(int number, ByteBuffer record) {
        record.clear();
        if (segment.prototypes().isCurrent(number)) {
            segment.prototypes().codes().write(number, record);
            record.putInt(segment.prototypes().averaged(number));
        } else {
            record.put(new byte[record.remaining() - CHECK_BYTES]);
        }
        return finish(record, number);
    }

    private ByteBuffer finish(ByteBuffer record, int number) {
        return record.putInt(check(record, number));
    }

    private int check(ByteBuffer record, int number) {
        crc.reset();
        crc.update(record.array(), 0, record.capacity() - CHECK_BYTES);
        long place = (id.getMostSignificantBits() + number) * 0x9e3779b97f4a7c15L; // of this record in this file
        return (int) crc.getValue() ^ (int) (place >>> Integer.SIZE);
    }

    /** Is called when others erase the file, so that closing writes it again. */
    void forget() {
        rows = 0;
        groups = 0;
        prototypes = 0;
    }

    private void eraseQuietly() {
        forget();
        try {
            erase(gallery);
        } catch (IOException e) {
            // its header will not match
        }
    }

    // ---- erasing ----

    /** Notes what {@link #eraseRemoved} must overwrite. */
    void mustErase(int[] removedRows, int[] replacedPrototypes) {
        for (int row : removedRows) {
            rowsToErase.add(row);
        }
        for (int number : replacedPrototypes) {
            prototypesToErase.add(number);
        }
    }

    /**
     * Overwrites what was noted, if it is in the saved index; the disk has confirmed it when this method returns.
     *
     * @param length of the gallery's file, with the removals
     */
    void eraseRemoved(long length) throws IOException {
        rowsToErase.tailSet(rows).clear();
        prototypesToErase.tailSet(prototypes).clear();
        if (rowsToErase.isEmpty() && prototypesToErase.isEmpty() || !Files.exists(file) || !isFree(gallery)) {
            return;
        }
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            Rows.View view = segment.rows().view();
            ByteBuffer row = buffer(ROW_BYTES);
            TreeSet<Integer> emptied = new TreeSet<>();
            for (int number : rowsToErase) {
                out.seek(rowsOffset() + (long) number * ROW_BYTES);
                out.write(row(number, view, row).array());
                if (!segment.rows().isLive(view.group(number))) {
                    emptied.add(view.group(number));
                }
            }
            ByteBuffer group = buffer(GROUP_BYTES);
            for (int number : emptied.headSet(groups)) {
                out.seek(HEADER_BYTES + (long) number * GROUP_BYTES);
                out.write(group(number, group).array());
            }
            ByteBuffer prototype = buffer(prototypeBytes());
            byte[] erased = finish(prototype.put(new byte[prototypeBytes() - CHECK_BYTES]), 0)
                    .array();
            for (int number : prototypesToErase) {
                prototype.putInt(prototype.capacity() - CHECK_BYTES, check(prototype, number));
                out.seek(prototypesOffset() + (long) number * prototypeBytes());
                out.write(erased);
            }
            out.seek(0);
            out.write(header(length));
            out.getFD().sync();
        }
        rowsToErase.clear();
        prototypesToErase.clear();
    }

    // ---- reading ----

    /**
     * Fills the segment, which must be empty, if an index exists that belongs to its file.
     *
     * @return what it knew of the file
     * @throws IOException if there is none that can be used; the segment must be thrown away then
     */
    Saved read(LogHeader header) throws IOException {
        id = header.id();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES)) {
            ByteBuffer record = next(in, buffer(HEADER_BYTES), 0);
            boolean same = record.getLong() == MAGIC && new UUID(record.getLong(), record.getLong()).equals(id);
            state = new Saved(record.getLong(), record.getLong());
            long lastChange = record.getLong();
            dimension = header.dimension();
            require(same && record.getInt() == dimension);
            require(isOf(gallery, state.end, lastChange));
            groups = record.getInt();
            rows = record.getInt();
            prototypes = record.getInt();
            require(groups >= 0 && rows >= 0 && prototypes >= 0);
            require(Files.size(file) == prototypesOffset() + (long) prototypes * prototypeBytes());
            readGroups(in);
            segment.reserve(rows);
            segment.prototypes().loadNumbers(prototypes, groups);
            readRows(in, state);
            readPrototypes(in);
            segment.prototypes().finishLoading(segment.rows().view(), segment::vectors);
            return state;
        }
    }

    /**
     * Erases an index that knows more of a gallery than there is, as after an older copy of the gallery was restored:
     * what is added next, by whatever way to search, could end where the index says that its entries end.
     */
    static void eraseIfAhead(Path gallery) {
        Path file = of(gallery);
        try (InputStream in = Files.newInputStream(file)) {
            ByteBuffer header = ByteBuffer.wrap(in.readNBytes(HEADER_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
            boolean same = header.remaining() == HEADER_BYTES
                    && header.getLong() == MAGIC
                    && new UUID(header.getLong(), header.getLong())
                            .equals(LogReader.header(gallery).id());
            long end = same ? header.getLong() : 0;
            if (!same || isOf(gallery, end, header.getLong(header.position() + Long.BYTES))) {
                return;
            }
        } catch (IOException | GalleryException e) { // there is none, or none that can be used
            return;
        }
        try {
            erase(gallery);
        } catch (IOException e) {
            // it is ignored as long as the gallery has no batch that ends there
        }
    }

    /** Returns whether a gallery's file has the batches that an index knows: not if an older copy was restored. */
    private static boolean isOf(Path gallery, long end, long lastChange) {
        return LogReader.endsBatch(gallery, end) && LogReader.endsBatch(gallery, lastChange);
    }

    private void readGroups(InputStream in) throws IOException {
        ByteBuffer record = buffer(GROUP_BYTES);
        for (int group = 0; group < groups; group++) {
            segment.texts().groupLoaded(group, next(in, record, group).getLong());
            segment.rows().addGroup();
        }
    }

    private void readRows(InputStream in, Saved state) throws IOException {
        ByteBuffer record = buffer(ROW_BYTES);
        long entry = 0;
        long offset = 0;
        for (int row = 0; row < rows; row++) {
            next(in, record, row);
            boolean ascending = record.getLong(0) > entry && record.getLong(8) >= offset;
            boolean sameOffset = record.getLong(8) == offset;
            entry = record.getLong();
            offset = record.getLong();
            int group = record.getInt();
            require(ascending && (group < 0 || !sameOffset));
            int prototype = record.getInt();
            require(entry < state.nextEntry && offset < state.end && group < groups && prototype < prototypes);
            segment.offsets().put(row, offset);
            if (group < 0) {
                segment.rows().addErased(entry);
                segment.prototypes().load(row, NONE, segment.rows());
            } else {
                require(prototype >= 0 && segment.texts().hash(group) != 0);
                segment.rows().add(entry, group, record.getInt());
                require(segment.prototypes().load(row, prototype, segment.rows()));
            }
        }
    }

    private void readPrototypes(InputStream in) throws IOException {
        ByteBuffer record = buffer(prototypeBytes());
        for (int number = 0; number < prototypes; number++) {
            next(in, record, number);
            segment.prototypes().codes().read(number, record);
            int averaged = record.getInt();
            require(averaged >= 0 && averaged <= Prototypes.MAX_ROWS);
            segment.prototypes().loadAveraged(number, averaged);
        }
    }

    /** Reads a record and checks it. */
    private ByteBuffer next(InputStream in, ByteBuffer record, int number) throws IOException {
        if (in.readNBytes(record.array(), 0, record.capacity()) < record.capacity()) {
            throw new EOFException("the saved index is truncated");
        }
        require(record.clear().getInt(record.capacity() - CHECK_BYTES) == check(record, number));
        return record;
    }

    private static void require(boolean valid) throws IOException {
        if (!valid) {
            throw new IOException("the saved index does not belong to this gallery");
        }
    }
}
