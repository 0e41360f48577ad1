package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;
import org.jspecify.annotations.Nullable;

/**
 * A segment whose embeddings, names and notes stay in the gallery's file. In memory there are the ids and offsets of
 * the entries, and hashes and {@link SignCodes}, which select the entries that a search reads from the file.
 */
final class DiskSegment implements Segment {
    private static final int SCANNED_TOGETHER = 64; // probes
    private static final int PART = 1_024; // rows that are indexed together

    private final RowFile file;
    private final FileTexts texts;
    private final Rows rows;
    private final CodedPrototypes prototypes;
    private final CodeScan scan;
    private final SavedIndex saved;

    /**
     * Opens the file.
     *
     * @param offsets of the rows in the file, which the owner of the file adds before the rows
     * @throws GalleryException if the file cannot be opened
     */
    DiskSegment(Path path, int dimension, LongColumn offsets) {
        this.file = new RowFile(new EntryFile(path, dimension), offsets);
        this.texts = new FileTexts(file);
        this.rows = new Rows(texts);
        SignCodes codes = new SignCodes(dimension);
        this.prototypes = new CodedPrototypes(codes);
        this.scan = new CodeScan(codes);
        this.saved = new SavedIndex(path, this);
    }

    private DiskSegment(DiskSegment from, RowFile file, Path path) {
        this.file = file;
        this.texts = from.texts;
        this.rows = from.rows;
        this.prototypes = from.prototypes;
        this.scan = from.scan;
        this.saved = new SavedIndex(path, this);
    }

    /**
     * Returns a segment of the same rows, which shares the memory of this one, in the file that has replaced the file
     * of this one. This one can be read until it is closed, but no longer be changed.
     *
     * @param offsets of the rows in the new file
     * @throws GalleryException if the file cannot be opened
     */
    DiskSegment movedTo(Path path, int dimension, LongColumn offsets) {
        RowFile moved = new RowFile(new EntryFile(path, dimension), offsets);
        texts.moveTo(moved);
        return new DiskSegment(this, moved, path);
    }

    /** Returns the header of the file that this segment reads. */
    LogHeader header() {
        return file.file().header();
    }

    /** Returns the copy of this segment on the disk. */
    SavedIndex saved() {
        return saved;
    }

    FileTexts texts() {
        return texts;
    }

    LongColumn offsets() {
        return file.offsets();
    }

    CodedPrototypes prototypes() {
        return prototypes;
    }

    @Override
    public Rows rows() {
        return rows;
    }

    // ---- changing ----

    @Override
    public void reserve(int count) {
        file.offsets().reserve(count);
        rows.reserve(count);
        prototypes.reserveRows(count);
    }

    @Override
    public void append(List<LogRecord.Enrolled> entries) {
        for (int from = 0; from < entries.size(); from += PART) {
            List<LogRecord.Enrolled> part = entries.subList(from, Math.min(entries.size(), from + PART));
            int first = rows.count();
            part.forEach(entry -> rows.add(entry.entry(), entry.identity(), entry.note(), entry.contentKey()));
            List<float[]> units = part.stream().map(LogRecord.Enrolled::unit).toList();
            prototypes.add(first, units, rows.view(), this::vectors);
        }
    }

    /** Returns the embeddings of rows, in ascending order, that are not erased. */
    List<float[]> vectors(int[] ofRows) {
        return file.vectors(ofRows);
    }

    @Override
    public void removeLoaded(int row) {
        remove(new int[] {row}).run();
    }

    @Override
    public void indexFrom(int first) {
        // rows are indexed as they are appended
    }

    @Override
    public Runnable remove(int[] removed) {
        rows.remove(removed);
        int[] replaced = prototypes.of(removed, rows.view());
        saved.mustErase(removed, replaced); // before remaining rows are read, which may fail
        prototypes.replace(replaced, rows.view(), this::vectors);
        return () -> {
            Arrays.stream(replaced).forEach(prototypes::erase);
            rows.erase(removed);
        };
    }

    // ---- reading ----

    @Override
    public LogRecord.@Nullable Enrolled record(Rows.View view, int row) {
        return file.read(row);
    }

    @Override
    public List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch) {
        if (view.live() == 0) {
            return probes.stream().map(probe -> List.<Hit>of()).toList();
        }
        List<List<Hit>> all = new ArrayList<>(probes.size());
        for (int from = 0; from < probes.size(); from += SCANNED_TOGETHER) {
            int end = Math.min(probes.size(), from + SCANNED_TOGETHER);
            all.addAll(nearestOfSome(probes.subList(from, end), view, k, efSearch));
        }
        return all;
    }

    private List<List<Hit>> nearestOfSome(List<float[]> units, Rows.View view, int k, int efSearch) {
        List<SignCodes.Probe> probes =
                units.stream().map(prototypes.codes()::probe).toList();
        int searchable = prototypes.searchable();
        int requested = (int) Math.min(searchable, Math.max(efSearch, PrototypeSearch.MIN_PROTOTYPES + 4L * k));
        int[][] near = scan.near(probes, searchable, requested);
        return ParallelStreams.compute(
                IntStream.range(0, near.length),
                all -> all.mapToObj(i -> {
                            int[] ranked = scan.rank(
                                    probes.get(i), near[i], requested, number -> prototypes.has(number, view));
                            List<Hit> best = bestOfGroups(ranked, units.get(i), view);
                            return best.size() >= Math.min(k, view.liveGroups())
                                    ? best.subList(0, Math.min(best.size(), k))
                                    : nearestOfMore(probes.get(i), units.get(i), view, k, 4L * requested);
                        })
                        .toList());
    }

    /** Searches for more and more prototypes until they belong to enough identities, or there are no more. */
    private List<Hit> nearestOfMore(SignCodes.Probe probe, float[] unit, Rows.View view, int k, long requested) {
        int all = prototypes.searchable();
        int limit = (int) Math.min(all, requested);
        int[] ranked = scan.nearest(probe, all, limit, number -> prototypes.has(number, view));
        List<Hit> best = bestOfGroups(ranked, unit, view);
        return limit == all || best.size() >= Math.min(k, view.liveGroups())
                ? best.subList(0, Math.min(best.size(), k))
                : nearestOfMore(probe, unit, view, k, 4L * limit);
    }

    /** Compares the rows of prototypes, and returns the best one of each group, the best first. */
    private List<Hit> bestOfGroups(int[] ofPrototypes, float[] unit, Rows.View view) {
        int[] candidates = Arrays.stream(ofPrototypes)
                .flatMap(number -> Arrays.stream(prototypes.rows(number, view)))
                .sorted()
                .distinct()
                .toArray();
        Map<Integer, Hit> best = new HashMap<>();
        float[] vector = new float[unit.length];
        file.readVectors(candidates, (at, values) -> {
            values.asFloatBuffer().get(vector);
            Hit hit = new Hit(candidates[at], UnitVector.cosine(vector, unit));
            best.merge(view.group(hit.row()), hit, (a, b) -> b.cosine() > a.cosine() ? b : a);
        });
        return best.values().stream().sorted(Candidates.BEST_FIRST).toList();
    }

    @Override
    public void close() {
        file.file().close();
    }
}
