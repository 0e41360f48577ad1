package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        return entries(view -> view.rowsWith(contentKeys));
    }

    private List<Entry> entries(Function<Rows.View, int[]> rows) {
        return contents.read(snapshot -> Arrays.stream(rows.apply(snapshot.view()))
                .mapToObj(snapshot.view()::entry)
                .toList());
    }

    @Override
    public List<StoredEntry> page(long after, int limit) {
        GalleryArguments.checkLimit(limit);
        return contents.read(snapshot -> Arrays.stream(snapshot.view().rowsAfter(after, limit))
                .mapToObj(row -> new StoredEntry(
                        snapshot.view().entry(row), snapshot.segment().vectors().get(row), Map.of(), null))
                .toList());
    }

    @Override
    public Optional<Entry> entry(long id) {
        return contents.read(snapshot -> snapshot.row(id).map(snapshot.view()::entry));
    }

    @Override
    public Optional<float[]> embedding(long entry) {
        return contents.read(
                snapshot -> snapshot.row(entry).map(snapshot.segment().vectors()::get));
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
