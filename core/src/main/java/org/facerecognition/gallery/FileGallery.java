package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** The gallery in memory, with or without a file. Checks arguments; {@link GalleryContents} does the rest. */
final class FileGallery implements Gallery {
    private final String fingerprint;
    private final int dimension;
    private final GalleryContents contents;
    private volatile int efSearch = GalleryArguments.DEFAULT_EF_SEARCH;

    private FileGallery(String fingerprint, int dimension, GalleryContents contents) {
        this.fingerprint = fingerprint;
        this.dimension = dimension;
        this.contents = contents;
    }

    // ---- opening ----

    static Gallery inMemory(String fingerprint, int dimension, SearchMethod method) {
        GalleryArguments.checkDimension(dimension);
        if (method == SearchMethod.ON_DISK) {
            throw new IllegalArgumentException("a gallery in memory cannot keep its embeddings on a disk;"
                    + " open a file, or choose another search method");
        }
        String checked = Texts.fingerprint(fingerprint);
        return new FileGallery(checked, dimension, GalleryContents.inMemory(dimension, method));
    }

    /** @param opener opens the file that batches are written to */
    static Gallery open(Path file, String fingerprint, int dimension, SearchMethod method, LogFile.Opener opener) {
        GalleryArguments.checkDimension(dimension);
        String checked = Texts.fingerprint(fingerprint);
        GalleryStore store = GalleryStore.forWriting(file, checked, dimension, opener);
        return new FileGallery(checked, dimension, GalleryContents.load(store, dimension, method, false));
    }

    static Gallery openReadOnly(Path file, String fingerprint, int dimension, SearchMethod method) {
        GalleryArguments.checkDimension(dimension);
        String checked = Texts.fingerprint(fingerprint);
        GalleryStore store = GalleryStore.forReading(file, checked, dimension);
        return new FileGallery(checked, dimension, GalleryContents.load(store, dimension, method, true));
    }

    // ---- changing ----

    @Override
    public long[] enroll(List<Enrollment> enrollments) {
        GalleryArguments.checkWithoutAttributes(enrollments);
        return contents.enroll(GalleryArguments.records(enrollments, dimension));
    }

    @Override
    public long[] enrollMissing(List<Enrollment> enrollments) {
        GalleryArguments.checkWithoutAttributes(enrollments);
        return contents.enrollMissing(GalleryArguments.records(enrollments, dimension));
    }

    @Override
    public long[] enrollNewImages(List<Enrollment> enrollments, UniqueIn uniqueIn) {
        GalleryArguments.checkWithoutAttributes(enrollments);
        return contents.enrollNewImages(GalleryArguments.records(enrollments, dimension), uniqueIn);
    }

    @Override
    public int remove(String identity) {
        Names.checkReadable(identity);
        return contents.remove(identity);
    }

    @Override
    public boolean remove(long entry) {
        return contents.remove(entry);
    }

    @Override
    public void compact() {
        contents.compact();
    }

    @Override
    public Optional<String> embeddingMode() {
        return Optional.ofNullable(contents.embeddingMode());
    }

    @Override
    public void bindEmbeddingMode(String mode) {
        contents.bindEmbeddingMode(Texts.embeddingMode(mode));
    }

    // ---- searching and listing ----

    @Override
    public void setEfSearch(int efSearch) {
        this.efSearch = GalleryArguments.efSearch(efSearch);
    }

    @Override
    public List<Outcome> identify(List<float[]> probes, int topK, double threshold) {
        GalleryArguments.checkQuery(topK, threshold);
        List<float[]> units = GalleryArguments.units(probes, dimension);
        return contents.read(snapshot -> snapshot.identify(units, topK, efSearch, threshold));
    }

    @Override
    public int size() {
        return contents.snapshot().view().live();
    }

    @Override
    public int identityCount() {
        return contents.snapshot().view().liveGroups();
    }

    @Override
    public List<Entry> entries() {
        return entries(Rows.View::liveRows);
    }

    @Override
    public List<Entry> newest(int limit) {
        GalleryArguments.checkLimit(limit);
        return entries(view -> view.lastRows(limit));
    }

    @Override
    public List<Entry> withContentKeys(Collection<String> contentKeys) {
        return entries(view -> view.rowsWith(Texts.composed(contentKeys)));
    }

    @Override
    public List<Entry> withoutContentKey() {
        return entries(view -> view.rowsWithoutKey(entry -> true));
    }

    @Override
    public List<Entry> withoutContentKey(Collection<String> notes) {
        Set<String> wanted = Set.copyOf(Texts.composed(notes));
        return wanted.isEmpty()
                ? List.of()
                : entries(view -> view.rowsWithoutKey(entry -> entry.note() != null && wanted.contains(entry.note())));
    }

    @Override
    public Map<String, Integer> identities() {
        return contents.read(snapshot -> {
            Map<String, Integer> counts = new TreeMap<>();
            for (int row : snapshot.view().liveRows()) {
                Entry entry = snapshot.view().entry(row);
                if (entry != null) {
                    counts.merge(entry.identity(), 1, Integer::sum);
                }
            }
            return counts;
        });
    }

    private List<Entry> entries(Function<Rows.View, int[]> rows) {
        return contents.read(snapshot -> Arrays.stream(rows.apply(snapshot.view()))
                .mapToObj(snapshot.view()::entry)
                .filter(Objects::nonNull)
                .toList());
    }

    @Override
    public List<StoredEntry> page(long after, int limit) {
        GalleryArguments.checkLimit(limit);
        return contents.read(snapshot -> {
            List<StoredEntry> page = List.of();
            int[] rows = snapshot.view().rowsAfter(after, limit);
            while (page.isEmpty() && rows.length > 0) { // another process may have erased all of a page
                page = stored(snapshot, rows);
                rows = snapshot.view().rowsAfter(snapshot.view().id(rows[rows.length - 1]), limit);
            }
            return page;
        });
    }

    private static List<StoredEntry> stored(Snapshots.Snapshot snapshot, int[] rows) {
        List<StoredEntry> stored = new ArrayList<>(rows.length);
        for (int row : rows) {
            LogRecord.Enrolled one = snapshot.segment().record(snapshot.view(), row);
            if (one != null) {
                Entry entry = new Entry(one.entry(), one.identity(), one.note(), one.contentKey());
                stored.add(new StoredEntry(entry, one.unit(), Map.of(), null));
            }
        }
        return stored;
    }

    @Override
    public Optional<Entry> entry(long id) {
        return contents.read(snapshot -> snapshot.row(id).map(snapshot.view()::entry));
    }

    @Override
    public Optional<float[]> embedding(long entry) {
        return contents.read(snapshot -> snapshot.row(entry)
                .map(row -> snapshot.segment().record(snapshot.view(), row))
                .map(LogRecord.Enrolled::unit));
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public int dimension() {
        return dimension;
    }

    @Override
    public long tornBytes() {
        return contents.tornBytes();
    }

    @Override
    public void close() {
        contents.close();
    }

    @Override
    public String toString() {
        return contents.toString();
    }
}
