package org.facerecognition.gallery;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The gallery in PostgreSQL: checks arguments, reads, and leaves changes to {@link PostgresChanges} and searches to
 * {@link PostgresSearch}.
 */
/*
 * Long because it has one method for each use.
 */
final class PostgresGallery implements DatabaseGallery {
    /** The largest number of entries without an index; an exact search of them takes a few milliseconds. */
    static final int EXACT_UP_TO = 5_000;

    /** The largest number of values of pgvector's type. */
    private static final int MAX_DIMENSION = 16_000;

    private static final long INDEXING_PAUSE_NANOS = TimeUnit.MINUTES.toNanos(10);
    private static final long FORGETTING_PAUSE_NANOS = TimeUnit.HOURS.toNanos(1);

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    private final PostgresSession session;
    private final boolean readOnly;
    private final int exactUpTo;
    private volatile PostgresSchema.Registered gallery; // changes where the gallery is bound anew
    private volatile @Nullable GalleryInfo notCompared; // of a reader, while there are no entries to compare it with
    private volatile int efSearch = GalleryArguments.DEFAULT_EF_SEARCH;
    private final AtomicLong nextIndexing = new AtomicLong(System.nanoTime()); // not to be tried before
    private final AtomicLong nextForgetting = new AtomicLong(System.nanoTime() + FORGETTING_PAUSE_NANOS);
    private volatile boolean indexed; // once true, the gallery has an index
    private volatile boolean closed;

    private PostgresGallery(
            PostgresSession session, PostgresSchema.Registered gallery, boolean readOnly, int exactUpTo) {
        this.session = session;
        this.gallery = gallery;
        this.readOnly = readOnly;
        this.exactUpTo = exactUpTo;
    }

    // ---- connecting ----

    static DatabaseGallery connect(
            DataSource dataSource, String name, String fingerprint, int dimension, SearchMethod method) {
        return connect(dataSource, name, fingerprint, dimension, method, EXACT_UP_TO);
    }

    /** @param exactUpTo the largest number of entries without an index */
    static DatabaseGallery connect(
            DataSource dataSource, String name, String fingerprint, int dimension, SearchMethod method, int exactUpTo) {
        GalleryArguments.checkDimension(dimension, MAX_DIMENSION);
        String checked = storable(Texts.fingerprint(fingerprint));
        int limit = exactUpTo(method, dimension, exactUpTo);
        PostgresSession session = session(dataSource, name);
        PostgresTables tables = new PostgresSchema(PostgresSchema.STEPS).migrate(session);
        PostgresSchema.Registered gallery =
                PostgresBinding.bind(session, tables, name, new GalleryInfo(checked, dimension));
        new PostgresChanges(session, gallery).forgetOldKeys();
        return new PostgresGallery(session, gallery, false, limit);
    }

    static DatabaseGallery connectReadOnly(DataSource dataSource, String name, String fingerprint, int dimension) {
        GalleryArguments.checkDimension(dimension, MAX_DIMENSION);
        String checked = Texts.fingerprint(fingerprint);
        PostgresSession session = session(dataSource, name);
        PostgresSchema.Registered gallery = existing(session, name);
        GalleryInfo wanted = new GalleryInfo(checked, dimension);
        PostgresGallery reader = new PostgresGallery(
                session, gallery.with(wanted), true, exactUpTo(SearchMethod.HNSW, dimension, EXACT_UP_TO));
        if (!PostgresBinding.isBound(gallery, wanted)) {
            reader.compare(wanted);
        }
        return reader;
    }

    static GalleryInfo info(DataSource dataSource, String name) {
        return existing(session(dataSource, name), name).info();
    }

    private static PostgresSession session(DataSource dataSource, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("name of a gallery must have 1 to 63 letters (A to Z), digits, dots,"
                    + " hyphens and underscores, and begin with a letter or digit, but was \"" + name + "\"");
        }
        return new PostgresSession(dataSource, "gallery " + name + " in the database");
    }

    private static PostgresSchema.Registered existing(PostgresSession session, String name) {
        return session.read(connection -> {
            PostgresTables tables = new PostgresSchema(PostgresSchema.STEPS).check(connection, session.name());
            return PostgresSchema.find(connection, tables, name)
                    .orElseThrow(() -> new GalleryException(session.name()
                            + " does not exist; check its name, or open it for writing, which makes it"));
        });
    }

    private static int exactUpTo(SearchMethod method, int dimension, int exactUpTo) {
        if (method != SearchMethod.EXACT && method != SearchMethod.HNSW) {
            throw new IllegalArgumentException("method must be EXACT or HNSW in a database, but was " + method);
        }
        boolean canBeIndexed = dimension <= PostgresSearch.MAX_INDEXED_DIMENSION;
        return method == SearchMethod.EXACT || !canBeIndexed ? Integer.MAX_VALUE : exactUpTo;
    }

    /** Returns a text if PostgreSQL can store it. */
    static String storable(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "texts in a database must not have the character U+0000, but \"" + text + "\" has");
        }
        return text;
    }

    // ---- changing ----

    private PostgresChanges changes() {
        checkOpen();
        if (readOnly) {
            throw new IllegalStateException(session.name() + " is open for reading; open it for writing to change it");
        }
        PostgresChanges changes = new PostgresChanges(session, gallery);
        forgetOldKeysNowAndThen(changes);
        return changes;
    }

    /** A server may be connected for months, and each change adds a key. */
    private void forgetOldKeysNowAndThen(PostgresChanges changes) {
        long due = nextForgetting.get();
        long now = System.nanoTime();
        if (now - due >= 0 && nextForgetting.compareAndSet(due, now + FORGETTING_PAUSE_NANOS)) {
            try {
                changes.forgetOldKeys();
            } catch (GalleryException e) {
                // the change that follows says what is wrong with the database; the keys can wait
            }
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException(session.name() + " is closed");
        }
    }

    @Override
    public long[] enroll(List<Enrollment> enrollments) {
        return enroll(enrollments, UUID.randomUUID());
    }

    @Override
    public long[] enroll(List<Enrollment> enrollments, UUID key) {
        return enroll(enrollments, batch -> batch, (writable, batch) -> writable.enroll(batch, key));
    }

    @Override
    public long[] enrollMissing(List<Enrollment> enrollments) {
        return enroll(enrollments, PostgresBatch::distinct, PostgresChanges::enrollMissing);
    }

    @Override
    public long[] enrollNewImages(List<Enrollment> enrollments, UniqueIn uniqueIn) {
        return enroll(enrollments, batch -> batch, (writable, batch) -> writable.enrollNewImages(batch, uniqueIn));
    }

    private long[] enroll(
            List<Enrollment> enrollments,
            UnaryOperator<PostgresBatch> selection,
            BiFunction<PostgresChanges, PostgresBatch, long[]> change) {
        PostgresBatch batch =
                selection.apply(PostgresBatch.of(enrollments, gallery.info().dimension()));
        PostgresChanges writable = changes();
        if (batch.records().isEmpty()) {
            return new long[0];
        }
        long[] ids = change.apply(writable, batch);
        indexIfLarge(writable);
        return ids;
    }

    private void indexIfLarge(PostgresChanges writable) {
        if (indexed || exactUpTo == Integer.MAX_VALUE || System.nanoTime() - nextIndexing.get() < 0) {
            return;
        }
        try {
            indexed = writable.indexIfLarge(exactUpTo);
        } catch (GalleryException e) {
            // The entries are enrolled, and searched exactly without an index. An enrollment after a while tries again,
            // since each attempt waits for all other enrollments, and compact, which reports it.
            nextIndexing.set(System.nanoTime() + INDEXING_PAUSE_NANOS);
        }
    }

    @Override
    public int remove(String identity) {
        Names.checkReadable(identity);
        return changes().remove(identity);
    }

    @Override
    public boolean remove(long entry) {
        return changes().remove(entry);
    }

    @Override
    public void makeIndex() {
        PostgresChanges writable = changes();
        if (exactUpTo < Integer.MAX_VALUE) {
            indexed = writable.indexIfLarge(exactUpTo);
        }
    }

    @Override
    public void compact() {
        GalleryException withoutIndex = null;
        try {
            makeIndex();
        } catch (GalleryException e) { // such as of a user who does not own the tables
            withoutIndex = e;
        }
        changes().compact();
        if (withoutIndex != null) {
            throw withoutIndex;
        }
    }

    @Override
    public boolean setAttributes(long entry, Map<String, String> attributes) {
        String json = Attributes.json(attributes);
        return changes().setAttributes(entry, json);
    }

    @Override
    public Optional<String> embeddingMode() {
        return read(listing()::embeddingMode);
    }

    @Override
    public void bindEmbeddingMode(String mode) {
        String checked = storable(Texts.embeddingMode(mode));
        GalleryInfo wanted = new GalleryInfo(fingerprint(), dimension(), checked);
        if (readOnly) {
            compare(wanted);
        } else if (!embeddingMode().equals(Optional.of(checked))) {
            gallery = PostgresBinding.bind(session, gallery.tables(), gallery.name(), wanted);
            indexed = false;
        }
    }

    /** Compares the gallery with what its reader wants, now or as soon as there are entries. */
    private void compare(GalleryInfo wanted) {
        boolean compared = read(connection -> PostgresBinding.compare(connection, session.name(), gallery, wanted));
        notCompared = compared ? null : wanted;
    }

    // ---- searching and listing ----

    private <T> T read(PostgresSession.Work<T> work) {
        checkOpen();
        @Nullable GalleryInfo wanted = notCompared;
        return session.read(connection -> {
            if (wanted != null && PostgresBinding.compare(connection, session.name(), gallery, wanted)) {
                notCompared = null;
            }
            return work.run(connection);
        });
    }

    private PostgresListing listing() {
        return new PostgresListing(gallery);
    }

    @Override
    public void setEfSearch(int efSearch) {
        this.efSearch = GalleryArguments.efSearch(efSearch);
    }

    @Override
    public List<Outcome> identify(List<float[]> probes, int topK, double threshold) {
        return identify(probes, topK, threshold, Map.of());
    }

    @Override
    public List<Outcome> identify(List<float[]> probes, int topK, double threshold, Map<String, String> attributes) {
        GalleryArguments.checkQuery(topK, threshold);
        List<float[]> units = GalleryArguments.units(probes, gallery.info().dimension());
        PostgresSearch.Query query = new PostgresSearch.Query(
                units, topK, efSearch, attributes.isEmpty() ? null : Attributes.json(attributes));
        checkOpen();
        if (units.isEmpty()) {
            return List.of();
        }
        PostgresSearch search = new PostgresSearch(gallery);
        return read(connection ->
                        isIndexed(connection) ? search.indexed(connection, query) : search.exact(connection, query))
                .stream()
                .map(nearest -> Outcomes.of(nearest, threshold))
                .toList();
    }

    private boolean isIndexed(Connection connection) throws SQLException {
        if (exactUpTo == Integer.MAX_VALUE) {
            return false;
        }
        if (!indexed) {
            indexed = PostgresSearch.isIndexed(connection, gallery);
        }
        return indexed;
    }

    @Override
    public int size() {
        return read(listing()::size);
    }

    @Override
    public int identityCount() {
        return read(listing()::identityCount);
    }

    @Override
    public Map<String, Integer> identities() {
        return read(listing()::identities);
    }

    @Override
    public List<Entry> entries() {
        return read(listing()::entries);
    }

    @Override
    public List<StoredEntry> page(long after, int limit) {
        GalleryArguments.checkLimit(limit);
        return read(connection -> listing().page(connection, after, limit));
    }

    @Override
    public List<Entry> newest(int limit) {
        GalleryArguments.checkLimit(limit);
        return read(connection -> listing().newest(connection, limit));
    }

    @Override
    public List<Entry> withContentKeys(Collection<String> contentKeys) {
        return read(connection -> listing().withContentKeys(connection, Texts.composed(contentKeys)));
    }

    @Override
    public List<Entry> withoutContentKey() {
        return read(listing()::withoutContentKey);
    }

    @Override
    public List<Entry> withoutContentKey(Collection<String> notes) {
        return read(connection -> listing().withoutContentKey(connection, Texts.composed(notes)));
    }

    @Override
    public Optional<Entry> entry(long id) {
        return read(connection -> listing().entry(connection, id));
    }

    @Override
    public Optional<float[]> embedding(long entry) {
        return read(connection -> listing().embedding(connection, entry));
    }

    @Override
    public Optional<Map<String, String>> attributes(long entry) {
        return read(connection -> listing().attributes(connection, entry));
    }

    @Override
    public String fingerprint() {
        return gallery.info().fingerprint();
    }

    @Override
    public int dimension() {
        return gallery.info().dimension();
    }

    @Override
    public long tornBytes() {
        return 0;
    }

    @Override
    public void close() {
        closed = true;
    }

    /** Says nothing about the entries, which would need a query. */
    @Override
    public String toString() {
        return "Gallery" + session.name().substring("gallery".length()) + (closed ? ": closed" : "");
    }
}
