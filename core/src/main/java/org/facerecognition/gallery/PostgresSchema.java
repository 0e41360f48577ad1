package org.facerecognition.gallery;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tables of galleries in PostgreSQL: makes them, changes those of earlier versions, and registers galleries in
 * them.
 */
/*
 * The table face_gallery_schema records which of the numbered steps were applied. Servers that start at the same time
 * wait for one another at an advisory lock, and each step is applied once, in the same transaction as its record.
 *
 * A gallery is a row of face_gallery and a partition of face_gallery_person and face_gallery_entry, so that its index
 * contains nothing of other galleries and compaction does not touch them. Partitions are named by the gallery's number;
 * its name, which the user chooses, is only ever a parameter.
 */
final class PostgresSchema {
    /** The first key of all advisory locks of galleries; the second is 0, or the number of a gallery. */
    static final int LOCKS = 0x66616365;

    /**
     * Storage of entries. Rows as long as a page may be are stored whole: an embedding that is moved to another table,
     * as PostgreSQL moves values of rows of more than 2 kB, takes several times as long to read as to compare.
     */
    static final String WHOLE_ROWS = "(toast_tuple_target = 8160)";

    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
    private static final int MIN_MINOR = 8;

    /** The numbered steps that make the tables; each is SQL, with statements that end with ";" and a line break. */
    static final List<String> STEPS = List.of(script("postgres-1.sql"));

    private final List<String> steps;

    /** @param steps the steps, the first of which has the number 1 */
    PostgresSchema(List<String> steps) {
        this.steps = List.copyOf(steps);
    }

    /**
     * A registered gallery.
     *
     * @param id its number
     */
    record Registered(int id, GalleryInfo info) {
        /** Returns the table of its entries. */
        String entries() {
            return "face_gallery_entry_" + id;
        }

        /** Returns the table of its identities. */
        String persons() {
            return "face_gallery_person_" + id;
        }

        /** Returns the name of its index. */
        String index() {
            return entries() + "_hnsw";
        }
    }

    private static String script(String file) {
        try (InputStream in = PostgresSchema.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(file + " is missing beside " + PostgresSchema.class);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    /**
     * Makes the tables, or changes those of an earlier version.
     *
     * @throws GalleryException if the database lacks what galleries need, or a later version of this library made them
     */
    void migrate(PostgresSession session) {
        session.change(connection -> {
            if (version(connection, session.name()) < steps.size()) {
                Sql.query(connection, row -> 0, "SELECT pg_advisory_xact_lock(" + LOCKS + ", 0)");
                checkDatabase(connection, session.name());
                Sql.run(
                        connection,
                        "CREATE TABLE IF NOT EXISTS face_gallery_schema (version integer PRIMARY KEY,"
                                + " applied_at timestamptz NOT NULL DEFAULT now())");
                for (int step = version(connection, session.name()) + 1; step <= steps.size(); step++) {
                    for (String statement : steps.get(step - 1).split(";\\R")) {
                        Sql.run(connection, statement);
                    }
                    Sql.update(connection, "INSERT INTO face_gallery_schema (version) VALUES (?)", step);
                }
            }
            return steps.size();
        });
    }

    /** Checks that the tables are of this version, without changing them. */
    void check(Connection connection, String name) throws SQLException {
        int version = version(connection, name);
        if (version == 0) {
            throw new GalleryException(
                    name + " does not exist: the database has no galleries; check its address, or enroll somebody");
        }
        if (version < steps.size()) {
            throw new GalleryException(name + " is in tables of version " + version + ", which must be changed to "
                    + steps.size() + "; open it for writing once");
        }
    }

    /** Returns the number of the last step that was applied; 0 if there are no tables. */
    private int version(Connection connection, String name) throws SQLException {
        boolean exists = Sql.query(connection, row -> row.getString(1), "SELECT to_regclass('face_gallery_schema')")
                        .get(0)
                != null;
        int version = exists
                ? Sql.query(connection, row -> row.getInt(1), "SELECT max(version) FROM face_gallery_schema")
                        .get(0)
                : 0;
        if (version > steps.size()) {
            throw new GalleryException(name + " is in tables of version " + version + ", but this library knows only "
                    + steps.size() + "; use the version of this library that made them");
        }
        return version;
    }

    private static void checkDatabase(Connection connection, String name) throws SQLException {
        String encoding = Sql.query(connection, row -> row.getString(1), "SHOW server_encoding")
                .get(0);
        if (!encoding.equals("UTF8")) {
            throw new GalleryException("the database of " + name + " must be in UTF8, but is in " + encoding
                    + "; create one with ENCODING 'UTF8'");
        }
        List<String> available = Sql.query(
                connection,
                row -> String.valueOf(row.getString(1)),
                "SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'vector'), default_version)"
                        + " FROM pg_available_extensions WHERE name = 'vector'");
        if (available.isEmpty()) {
            throw new GalleryException("the database of " + name
                    + " must have the extension vector, but its server does not have it; install pgvector 0."
                    + MIN_MINOR
                    + " or later on the server");
        }
        Matcher version = VERSION.matcher(available.get(0));
        if (version.matches()
                && Integer.parseInt(version.group(1)) == 0
                && Integer.parseInt(version.group(2)) < MIN_MINOR) {
            throw new GalleryException("the database of " + name + " must have pgvector 0." + MIN_MINOR
                    + " or later, but has " + version.group()
                    + "; install a later one and run ALTER EXTENSION vector UPDATE");
        }
        Sql.run(connection, "CREATE EXTENSION IF NOT EXISTS vector");
    }

    /** Returns the registered gallery of a name; empty if there is none. */
    static Optional<Registered> find(Connection connection, String gallery) throws SQLException {
        return Sql.query(
                        connection,
                        row -> new Registered(
                                row.getInt(1), new GalleryInfo(row.getString(2), row.getInt(3), row.getString(4))),
                        "SELECT id, fingerprint, dimension, embedding_mode FROM face_gallery WHERE name = ?",
                        gallery)
                .stream()
                .findFirst();
    }

    /** Returns the registered gallery of a name, and registers it if there is none. */
    static Registered findOrCreate(Connection connection, String gallery, String fingerprint, int dimension)
            throws SQLException {
        Optional<Registered> existing = find(connection, gallery);
        if (existing.isPresent()) {
            return existing.get();
        }
        Sql.query(connection, row -> 0, "SELECT pg_advisory_xact_lock(" + LOCKS + ", 0)");
        int created = Sql.update(
                connection,
                "INSERT INTO face_gallery (name, fingerprint, dimension) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                gallery,
                fingerprint,
                dimension);
        Registered registered = find(connection, gallery).orElseThrow();
        if (created > 0) {
            createPartitions(connection, registered);
        }
        return registered;
    }

    private static void createPartitions(Connection connection, Registered gallery) throws SQLException {
        Sql.run(
                connection,
                String.format(
                        Locale.ROOT,
                        "CREATE TABLE %s PARTITION OF face_gallery_person FOR VALUES IN (%d)",
                        gallery.persons(),
                        gallery.id()));
        Sql.run(
                connection,
                String.format(
                        Locale.ROOT,
                        "CREATE TABLE %s PARTITION OF face_gallery_entry (CHECK (vector_dims(embedding) = %d))"
                                + " FOR VALUES IN (%d) WITH %s",
                        gallery.entries(),
                        gallery.info().dimension(),
                        gallery.id(),
                        WHOLE_ROWS));
    }
}
