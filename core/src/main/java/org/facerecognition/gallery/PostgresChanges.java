package org.facerecognition.gallery;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Changes a gallery in PostgreSQL, one transaction per change. */
/*
 * A change first inserts its key into face_gallery_change. If its connection breaks, PostgresSession runs it again with
 * the same key. If the first run was committed, the second finds the key and returns the recorded result; if the server
 * is still busy with the first run, the second waits at the key until that is committed or rolled back.
 *
 * Enrollments take the gallery's advisory lock in shared mode; those that look for entries first, removals, binding and
 * making the index take it in exclusive mode. So an identity cannot lose its last entry while another transaction
 * enrolls it. A compaction takes none: the server locks each table while it rewrites it.
 *
 * Long because all statements that change a gallery are here.
 */
final class PostgresChanges {
    private static final int MAX_FORGOTTEN = 100_000; // keys in one statement
    private static final int ROWS_PER_STATEMENT = 500;

    private final PostgresSession session;
    private final PostgresSchema.Registered gallery;

    PostgresChanges(PostgresSession session, PostgresSchema.Registered gallery) {
        this.session = session;
        this.gallery = gallery;
    }

    private void lockShared(Connection connection) throws SQLException {
        lock(connection, "pg_advisory_xact_lock_shared", gallery);
    }

    private void lockExclusive(Connection connection) throws SQLException {
        lockExclusive(connection, gallery);
    }

    /** Keeps other changes of a gallery out until the end of the transaction. */
    static void lockExclusive(Connection connection, PostgresSchema.Registered gallery) throws SQLException {
        lock(connection, "pg_advisory_xact_lock", gallery);
    }

    private static void lock(Connection connection, String function, PostgresSchema.Registered gallery)
            throws SQLException {
        Sql.query(connection, row -> 0, "SELECT " + function + "(?, ?)", PostgresSchema.LOCKS, gallery.id());
    }

    // ---- keys ----

    /**
     * Records the key of a change, and reserves ids for its entries.
     *
     * @return the ids; empty if the change was applied already
     */
    private Optional<long[]> claim(Connection connection, UUID key, int entries) throws SQLException {
        return Sql.query(
                        connection,
                        row -> Sql.longs(row, 1),
                        "INSERT INTO " + gallery.tables().changes() + " (key, gallery_id, result)"
                                + " SELECT ?::uuid, ?, coalesce(array_agg(nextval(?::text::regclass)), '{}')"
                                + " FROM generate_series(1, ?) ON CONFLICT (key) DO NOTHING RETURNING result",
                        key.toString(),
                        gallery.id(),
                        gallery.tables().entryIds(),
                        entries)
                .stream()
                .findFirst();
    }

    private void setResult(Connection connection, UUID key, long... result) throws SQLException {
        Sql.update(
                connection,
                "UPDATE " + gallery.tables().changes() + " SET result = ?::bigint[] WHERE key = ?::uuid",
                Arrays.stream(result).boxed().toArray(Long[]::new),
                key.toString());
    }

    /** Returns the result of a change that was applied already. */
    private long[] result(Connection connection, UUID key) throws SQLException {
        return Sql.query(
                        connection,
                        row -> {
                            if (row.getInt(1) != gallery.id()) {
                                throw new IllegalArgumentException(
                                        "key must be new, but " + key + " was used for another gallery");
                            }
                            return Sql.longs(row, 2);
                        },
                        "SELECT gallery_id, result FROM " + gallery.tables().changes() + " WHERE key = ?::uuid",
                        key.toString())
                .stream()
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "key must be new, or of a change of the last 7 days, but " + key + " is of an older one"));
    }

    /** Forgets keys of changes that nobody repeats any more, a limited number at a time. */
    void forgetOldKeys() {
        String keys = gallery.tables().changes();
        session.change(connection -> Sql.update(
                connection,
                "DELETE FROM " + keys + " WHERE key IN (SELECT key FROM " + keys
                        + " WHERE made_at < now() - interval '7 days' LIMIT ?)",
                MAX_FORGOTTEN));
    }

    // ---- enrolling ----

    /**
     * Enrolls a batch, unless its key shows that it was enrolled already.
     *
     * @return the ids, in order
     */
    long[] enroll(PostgresBatch batch, UUID key) {
        int size = batch.records().size();
        return session.change(connection -> {
            lockShared(connection);
            Optional<long[]> claimed = claim(connection, key, size);
            if (claimed.isEmpty()) {
                long[] before = result(connection, key);
                if (before.length != size) {
                    throw new IllegalArgumentException("key must be new, but " + key + " was used for a batch of "
                            + before.length + " entries, and this one has " + size);
                }
                return before;
            }
            return add(connection, claimed.get(), batch);
        });
    }

    /**
     * Enrolls the entries that are not there yet; no two calls do so at the same time.
     *
     * @param batch without entries that are the same
     * @return the ids of the new entries, in order
     */
    long[] enrollMissing(PostgresBatch batch) {
        UUID key = UUID.randomUUID();
        return session.change(connection -> {
            lockExclusive(connection);
            PostgresBatch missing = batch.select(missing(connection, batch.records()));
            Optional<long[]> claimed = claim(connection, key, missing.records().size());
            return claimed.isPresent() ? add(connection, claimed.get(), missing) : result(connection, key);
        });
    }

    /**
     * Enrolls the images that are not there yet; no two calls do so at the same time.
     *
     * @return the ids, in order, with 0 for the images that are there
     */
    long[] enrollNewImages(PostgresBatch batch, UniqueIn uniqueIn) {
        UUID key = UUID.randomUUID();
        List<LogRecord.Enrolled> records = batch.records();
        return session.change(connection -> {
            lockExclusive(connection);
            List<Entry> there = new PostgresListing(gallery).withContentKeys(connection, NewImages.keys(records));
            int[] indices = NewImages.of(records, uniqueIn, there);
            Optional<long[]> claimed = claim(connection, key, indices.length);
            if (claimed.isEmpty()) {
                return result(connection, key);
            }
            long[] added = add(connection, claimed.get(), batch.select(indices));
            long[] ids = NewImages.ids(records.size(), indices, added);
            setResult(connection, key, ids);
            return ids;
        });
    }

    /** Returns which of the records are not there. */
    private int[] missing(Connection connection, List<LogRecord.Enrolled> records) throws SQLException {
        IntStream.Builder missing = IntStream.builder();
        for (int from = 0; from < records.size(); from += ROWS_PER_STATEMENT) { // a message has a limit of 1 GB
            int first = from;
            int to = Math.min(records.size(), from + ROWS_PER_STATEMENT);
            Arrays.stream(missingOf(connection, records.subList(from, to))).forEach(i -> missing.add(first + i));
        }
        return missing.build().toArray();
    }

    private int[] missingOf(Connection connection, List<LogRecord.Enrolled> records) throws SQLException {
        return Sql.query(
                        connection,
                        row -> row.getInt(1),
                        "SELECT new.number FROM unnest(?, ?, ?, ?, ?)"
                                + " AS new (number, key, embedding, note, content_key)"
                                + " WHERE NOT EXISTS (SELECT FROM " + person("new.key") + " p JOIN "
                                + gallery.entries() + " e ON e.person_id = p.id WHERE"
                                + " e.note IS NOT DISTINCT FROM new.note"
                                + " AND e.content_key IS NOT DISTINCT FROM new.content_key"
                                + " AND e.embedding = new.embedding::vector) ORDER BY new.number",
                        LongStream.range(0, records.size()).boxed().toArray(Long[]::new),
                        records.stream()
                                .map(record -> digest(Names.key(record.identity())))
                                .toArray(String[]::new),
                        records.stream()
                                .map(record -> Sql.vector(record.unit()))
                                .toArray(String[]::new),
                        texts(records.stream().map(LogRecord.Enrolled::note).toArray()),
                        texts(records.stream()
                                .map(LogRecord.Enrolled::contentKey)
                                .toArray()),
                        gallery.id())
                .stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private long[] add(Connection connection, long[] ids, PostgresBatch batch) throws SQLException {
        Arrays.sort(ids); // ties are decided by the order of enrollment
        String[] keys = addPersons(connection, batch.records());
        for (int from = 0; from < ids.length; from += ROWS_PER_STATEMENT) {
            int to = Math.min(ids.length, from + ROWS_PER_STATEMENT);
            addEntries(
                    connection,
                    Arrays.copyOfRange(ids, from, to),
                    Arrays.copyOfRange(keys, from, to),
                    batch.part(from, to));
        }
        return ids;
    }

    /** Adds the identities that the gallery does not have yet; returns the key of each record's name. */
    private String[] addPersons(Connection connection, List<LogRecord.Enrolled> records) throws SQLException {
        Map<String, String> nameOfKey = new TreeMap<>(); // sorted, so that two transactions do not block each other
        String[] keys = new String[records.size()];
        for (int i = 0; i < keys.length; i++) {
            String name = records.get(i).identity();
            keys[i] = digest(Names.key(name));
            nameOfKey.putIfAbsent(keys[i], name);
        }
        Sql.update(
                connection,
                "INSERT INTO " + gallery.tables().persons() + " (gallery_id, name_key, name)"
                        + " SELECT ?, key, name FROM unnest(?, ?) AS new (key, name)"
                        + " WHERE NOT EXISTS (SELECT FROM " + gallery.tables().persons()
                        + " WHERE gallery_id = ? AND name_key = new.key OFFSET 0)"
                        + " ORDER BY key ON CONFLICT (gallery_id, name_key) DO NOTHING",
                gallery.id(),
                nameOfKey.keySet().toArray(String[]::new),
                nameOfKey.values().toArray(String[]::new),
                gallery.id());
        return keys;
    }

    private void addEntries(Connection connection, long[] ids, String[] keys, PostgresBatch batch) throws SQLException {
        List<LogRecord.Enrolled> records = batch.records();
        int added = Sql.update(
                connection,
                "INSERT INTO " + gallery.tables().entries()
                        + " (gallery_id, id, person_id, embedding, note, content_key, attributes)"
                        + " SELECT p.gallery_id, e.id, p.id, e.embedding::vector, e.note, e.content_key,"
                        + " e.attributes::jsonb"
                        + " FROM unnest(?, ?, ?, ?, ?, ?) AS e (id, key, embedding, note, content_key, attributes)"
                        + " CROSS JOIN LATERAL " + person("e.key") + " p",
                Arrays.stream(ids).boxed().toArray(Long[]::new),
                keys,
                records.stream().map(record -> Sql.vector(record.unit())).toArray(String[]::new),
                texts(records.stream().map(LogRecord.Enrolled::note).toArray()),
                texts(records.stream().map(LogRecord.Enrolled::contentKey).toArray()),
                batch.attributes().toArray(String[]::new),
                gallery.id());
        if (added != ids.length) {
            throw new IllegalStateException(added + " of " + ids.length + " entries were added to " + session.name());
        }
    }

    /**
     * Returns the identity with a key, as a table that is read for one key at a time. The database has no statistics of
     * keys, and would read the whole table to join some of them. Its parameter is the gallery.
     */
    private String person(String key) {
        return "(SELECT gallery_id, id FROM " + gallery.tables().persons() + " WHERE gallery_id = ? AND name_key = "
                + key + " LIMIT 1)";
    }

    private static @Nullable String[] texts(@Nullable Object[] values) {
        return Arrays.copyOf(values, values.length, String[].class);
    }

    /** Returns a key of a fixed size, because an index entry has a largest one. */
    private static String digest(String key) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must support SHA-256", e);
        }
    }

    // ---- removing ----

    /** Removes an identity; returns how many entries it had. */
    int remove(String identity) {
        UUID key = UUID.randomUUID();
        return (int) removal(key, connection -> {
            List<Long> person = Sql.query(
                    connection,
                    row -> row.getLong(1),
                    "SELECT id FROM " + gallery.tables().persons() + " WHERE gallery_id = ? AND name_key = ?",
                    gallery.id(),
                    digest(Names.key(identity)));
            if (person.isEmpty()) {
                return 0L;
            }
            long removed =
                    Sql.update(connection, "DELETE FROM " + gallery.entries() + " WHERE person_id = ?", person.get(0));
            removePersonWithoutEntries(connection, person.get(0));
            return removed;
        });
    }

    /** Removes an entry; returns whether it existed. */
    boolean remove(long entry) {
        UUID key = UUID.randomUUID();
        return removal(key, connection -> {
                    List<Long> person = Sql.query(
                            connection,
                            row -> row.getLong(1),
                            "DELETE FROM " + gallery.entries() + " WHERE gallery_id = ? AND id = ? RETURNING person_id",
                            gallery.id(),
                            entry);
                    if (!person.isEmpty()) {
                        removePersonWithoutEntries(connection, person.get(0));
                    }
                    return (long) person.size();
                })
                > 0;
    }

    private void removePersonWithoutEntries(Connection connection, long person) throws SQLException {
        Sql.update(
                connection,
                "DELETE FROM " + gallery.persons() + " WHERE gallery_id = ? AND id = ? AND NOT EXISTS (SELECT FROM "
                        + gallery.entries() + " WHERE person_id = ?)",
                gallery.id(),
                person,
                person);
    }

    private long removal(UUID key, PostgresSession.Work<Long> work) {
        return session.change(connection -> {
            lockExclusive(connection);
            if (claim(connection, key, 0).isEmpty()) {
                return result(connection, key)[0];
            }
            long removed = work.run(connection);
            setResult(connection, key, removed);
            if (removed > 0) {
                PostgresErasure.record(connection, gallery); // last, so that nothing is removed later
            }
            return removed;
        });
    }

    // ---- other changes ----

    /** Replaces an entry's attributes; returns whether the entry exists. */
    boolean setAttributes(long entry, String attributes) {
        return session.change(connection -> Sql.update(
                        connection,
                        "UPDATE " + gallery.entries() + " SET attributes = ?::jsonb WHERE gallery_id = ? AND id = ?",
                        attributes,
                        gallery.id(),
                        entry))
                > 0;
    }

    /**
     * Makes the index if the gallery has more entries than an exact search is meant for.
     *
     * @param exactUpTo the largest number of entries without an index
     * @return whether there is an index now
     */
    boolean indexIfLarge(int exactUpTo) {
        return session.change(connection -> {
            if (PostgresSearch.isIndexed(connection, gallery)) {
                return true;
            }
            long counted = Sql.query(
                            connection,
                            row -> row.getLong(1),
                            "SELECT count(*) FROM (SELECT FROM " + gallery.entries() + " LIMIT ?) counted",
                            exactUpTo + 1L)
                    .get(0);
            if (counted <= exactUpTo) {
                return false;
            }
            lockExclusive(connection);
            if (PostgresSearch.isIndexed(connection, gallery)) { // another server has made it meanwhile
                return true;
            }
            Sql.run(connection, "DROP INDEX IF EXISTS " + gallery.entries() + "_hnsw"); // one that is not valid
            Sql.run(
                    connection,
                    "CREATE INDEX " + gallery.index() + " ON " + gallery.entries() + " USING hnsw (("
                            + PostgresSearch.halves(gallery, "embedding") + ") halfvec_ip_ops)");
            Sql.run(connection, "ALTER INDEX " + gallery.entries() + "_hnsw ALTER COLUMN 1 SET STATISTICS 0");
            return true;
        });
    }

    /**
     * Rewrites the gallery's tables and indexes without removed rows.
     *
     * @throws GalleryException if removed rows remain, as {@link PostgresErasure} says
     */
    void compact() {
        forgetOldKeys();
        if (mayStoreWholeRows()) {
            session.runOutsideTransactions("ALTER TABLE " + gallery.entries() + " SET " + PostgresSchema.WHOLE_ROWS);
        }
        new PostgresErasure(session, gallery).run();
    }

    /** Returns whether an earlier version made the table of entries, and this user may change it. */
    private boolean mayStoreWholeRows() {
        return session.read(connection -> Sql.query(
                        connection,
                        row -> row.getBoolean(1),
                        "SELECT pg_has_role(relowner, 'MEMBER') AND"
                                + " coalesce(array_to_string(reloptions, ','), '') NOT LIKE '%toast_tuple_target%'"
                                + " FROM pg_class WHERE oid = to_regclass(?)",
                        gallery.entries())
                .contains(true));
    }
}
