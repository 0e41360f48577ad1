package org.facerecognition.gallery;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads what a gallery in PostgreSQL contains. */
final class PostgresListing {
    private static final String ENTRY = "e.id, p.name, e.note, e.content_key";

    private final PostgresSchema.Registered gallery;

    PostgresListing(PostgresSchema.Registered gallery) {
        this.gallery = gallery;
    }

    Optional<String> embeddingMode(Connection connection) throws SQLException {
        return first(Sql.query(
                        connection,
                        row -> Optional.ofNullable(row.getString(1)),
                        "SELECT embedding_mode FROM " + gallery.tables().galleries() + " WHERE id = ?",
                        gallery.id()))
                .orElseThrow(PostgresErrors::unregistered);
    }

    int size(Connection connection) throws SQLException {
        return Sql.query(connection, row -> row.getInt(1), "SELECT count(*) FROM " + gallery.entries())
                .get(0);
    }

    int identityCount(Connection connection) throws SQLException {
        return Sql.query(connection, row -> row.getInt(1), "SELECT count(*) FROM " + gallery.persons())
                .get(0);
    }

    Map<String, Integer> identities(Connection connection) throws SQLException {
        Map<String, Integer> counts = new TreeMap<>();
        Sql.query(
                        connection,
                        row -> Map.entry(row.getString(1), row.getInt(2)),
                        "SELECT p.name, count(*) FROM " + gallery.entries() + " e JOIN " + gallery.persons()
                                + " p ON p.id = e.person_id GROUP BY p.id, p.name")
                .forEach(one -> counts.put(one.getKey(), one.getValue()));
        return counts;
    }

    List<Entry> entries(Connection connection) throws SQLException {
        return Sql.query(connection, PostgresListing::entry, select(ENTRY) + " ORDER BY e.id");
    }

    /** Returns entries with a larger id, in the order of ids. */
    List<StoredEntry> page(Connection connection, long after, int limit) throws SQLException {
        return Sql.query(
                connection,
                row -> new StoredEntry(
                        entry(row),
                        Sql.vector(row, 5),
                        attributesOf(row.getLong(1), row.getString(6)),
                        Instant.EPOCH.plus(row.getLong(7), ChronoUnit.MICROS)),
                select(ENTRY + ", vector_send(e.embedding), e.attributes::text,"
                                + " (extract(epoch FROM e.enrolled_at) * 1000000)::bigint")
                        + " WHERE e.gallery_id = ? AND e.id > ? ORDER BY e.id LIMIT ?",
                gallery.id(),
                after,
                limit);
    }

    /** Returns the entries with the largest ids, the largest first. */
    List<Entry> newest(Connection connection, int limit) throws SQLException {
        return Sql.query(
                connection,
                PostgresListing::entry,
                select(ENTRY) + " WHERE e.gallery_id = ? ORDER BY e.id DESC LIMIT ?",
                gallery.id(),
                limit);
    }

    List<Entry> withContentKeys(Connection connection, Collection<String> contentKeys) throws SQLException {
        return Sql.query(
                connection,
                PostgresListing::entry,
                // one key at a time: the database has no statistics of them, and would read the whole table
                "SELECT " + ENTRY
                        + " FROM (SELECT DISTINCT unnest(?::text[])) k (key) CROSS JOIN LATERAL (SELECT * FROM "
                        + gallery.entries() + " WHERE content_key = k.key OFFSET 0) e CROSS JOIN LATERAL (SELECT name"
                        + " FROM " + gallery.persons()
                        + " WHERE gallery_id = e.gallery_id AND id = e.person_id LIMIT 1) p"
                        + " ORDER BY e.id",
                storable(contentKeys));
    }

    /** Returns the texts that can be stored, as one parameter. */
    private static Object storable(Collection<String> texts) {
        return texts.stream().filter(PostgresListing::isStorable).toArray(String[]::new);
    }

    /** Returns whether a text can be stored, so that an entry may have it. */
    private static boolean isStorable(String text) {
        return text.indexOf('\0') < 0 && StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    List<Entry> withoutContentKey(Connection connection) throws SQLException {
        return Sql.query(
                connection, PostgresListing::entry, select(ENTRY) + " WHERE e.content_key IS NULL ORDER BY e.id");
    }

    List<Entry> withoutContentKey(Connection connection, Collection<String> notes) throws SQLException {
        return Sql.query(
                connection,
                PostgresListing::entry,
                select(ENTRY) + " WHERE e.content_key IS NULL AND e.note = ANY (?) ORDER BY e.id",
                storable(notes));
    }

    Optional<Entry> entry(Connection connection, long id) throws SQLException {
        return first(Sql.query(
                connection,
                PostgresListing::entry,
                select(ENTRY) + " WHERE e.gallery_id = ? AND e.id = ?",
                gallery.id(),
                id));
    }

    Optional<float[]> embedding(Connection connection, long entry) throws SQLException {
        return first(Sql.query(
                connection,
                row -> Sql.vector(row, 1),
                "SELECT vector_send(embedding) FROM " + gallery.entries() + " WHERE gallery_id = ? AND id = ?",
                gallery.id(),
                entry));
    }

    Optional<Map<String, String>> attributes(Connection connection, long entry) throws SQLException {
        return first(Sql.query(
                connection,
                row -> attributesOf(entry, row.getString(1)),
                "SELECT attributes::text FROM " + gallery.entries() + " WHERE gallery_id = ? AND id = ?",
                gallery.id(),
                entry));
    }

    /** Another program may have written any JSON. */
    private static Map<String, String> attributesOf(long entry, String json) {
        try {
            return Attributes.of(json);
        } catch (IllegalArgumentException e) {
            throw new GalleryException(
                    "entry " + entry + " cannot be read: its " + e.getMessage()
                            + "; correct its column attributes in the database, or remove the entry",
                    e);
        }
    }

    private String select(String columns) {
        return "SELECT " + columns + " FROM " + gallery.entries() + " e JOIN " + gallery.persons()
                + " p ON p.gallery_id = e.gallery_id AND p.id = e.person_id";
    }

    private static Entry entry(ResultSet row) throws SQLException {
        @Nullable String note = row.getString(3);
        @Nullable String contentKey = row.getString(4);
        return new Entry(row.getLong(1), row.getString(2), note, contentKey);
    }

    private static <T> Optional<T> first(List<T> rows) {
        return rows.stream().findFirst();
    }
}
