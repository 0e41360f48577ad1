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
import java.util.stream.Collectors;

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
 *
 * Statements name the schema of each table, so that connections with different search paths mean the same tables. New
 * partitions lie beside the registry; those of earlier versions may lie in another schema of the search path.
 *
 * Columns with personal data have no statistics, which would contain values of people who were removed. The planner
 * knows nothing of them, so statements that look them up read one row at a time. Attributes keep theirs: they decide
 * whether a search takes the index of embeddings or that of attributes.
 */
final class PostgresSchema {
    /** The first key of all advisory locks of galleries; the second is 0, or the number of a gallery. */
    static final int LOCKS = 0x66616365;

    /**
     * Storage of entries. Rows as long as a page may be are stored whole: an embedding that is moved to another table,
     * as PostgreSQL moves values of rows of more than 2 kB, takes several times as long to read as to compare.
     */
    static final String WHOLE_ROWS = "(toast_tuple_target = 8160)";

    /** Columns of the tables of identities and entries of which the database must keep no values as statistics. */
    private static final List<String> PERSONAL = List.of("name_key", "name");

    private static final List<String> PERSONAL_OF_ENTRIES = List.of("embedding", "note", "content_key");

    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
    private static final int MIN_MINOR = 8;

    /** The numbered steps that make the tables; each is SQL, with statements that end with ";" and a line break. */
    static final List<String> STEPS = List.of(script("postgres-1.sql"), script("postgres-2.sql"));

    private final List<String> steps;

    /** @param steps the steps, the first of which has the number 1 */
    PostgresSchema(List<String> steps) {
        this.steps = List.copyOf(steps);
    }

    /**
     * A registered gallery.
     *
     * @param id its number
     * @param name that the user chose
     * @param tables of all galleries of its schema
     * @param persons the table of its identities, with its schema
     * @param entries the table of its entries, with its schema
     */
    record Registered(int id, String name, GalleryInfo info, PostgresTables tables, String persons, String entries) {
        /** Returns the name of its index, which lies in the schema of its entries. */
        String index() {
            return "face_gallery_entry_" + id + "_hnsw";
        }

        /** Returns the same gallery for a reader, whose model may be another one while there are no entries. */
        Registered with(GalleryInfo other) {
            return new Registered(id, name, other, tables, persons, entries);
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
     * @return the tables
     * @throws GalleryException if the database lacks what galleries need, or a later version of this library made them
     */
    PostgresTables migrate(PostgresSession session) {
        return session.change(connection -> {
            PostgresTables tables = PostgresTables.of(connection, session.name());
            boolean complete = version(connection, tables, session.name()) == steps.size();
            if (!complete) {
                Sql.query(connection, row -> 0, "SELECT pg_advisory_xact_lock(" + LOCKS + ", 0)");
                checkDatabase(connection, session.name());
                tables = PostgresTables.of(connection, session.name()); // another server may have made them meanwhile
            }
            checkType(connection, tables, session.name());
            if (!complete) {
                applySteps(connection, tables, session.name());
            }
            return tables;
        });
    }

    /** Applies the steps that were not applied yet; their tables are those of the first schema of the search path. */
    private void applySteps(Connection connection, PostgresTables tables, String name) throws SQLException {
        Sql.query(
                connection,
                row -> 0,
                "SELECT set_config('search_path', ? || ', ' || current_setting('search_path'), true)",
                tables.schema());
        try {
            Sql.run(
                    connection,
                    "CREATE TABLE IF NOT EXISTS " + tables.versions() + " (version integer PRIMARY KEY,"
                            + " applied_at timestamptz NOT NULL DEFAULT now())");
        } catch (SQLException e) {
            throw PostgresErrors.notPermitted(
                    "cannot make the tables of " + name,
                    e,
                    "grant the user CREATE and USAGE on schema " + tables.schema() + ", or connect once as a user who"
                            + " has them and grant this one the tables and sequences named face_gallery...");
        }
        for (int step = version(connection, tables, name) + 1; step <= steps.size(); step++) {
            for (String statement : steps.get(step - 1).split(";\\R")) {
                Sql.run(connection, statement);
            }
            Sql.update(connection, "INSERT INTO " + tables.versions() + " (version) VALUES (?)", step);
        }
    }

    /**
     * Checks that the tables are of this version, without changing them.
     *
     * @return the tables
     */
    PostgresTables check(Connection connection, String name) throws SQLException {
        PostgresTables tables = PostgresTables.of(connection, name);
        int version = version(connection, tables, name);
        if (version == 0) {
            throw new GalleryException(
                    name + " does not exist: the database has no galleries; check its address, or enroll somebody");
        }
        if (version < steps.size()) {
            throw new GalleryException(name + " is in tables of version " + version + ", which must be changed to "
                    + steps.size() + "; open it for writing once");
        }
        checkType(connection, tables, name);
        return tables;
    }

    /** Returns the number of the last step that was applied; 0 if there are no tables. */
    private int version(Connection connection, PostgresTables tables, String name) throws SQLException {
        boolean exists = Sql.query(connection, row -> row.getString(1), "SELECT to_regclass(?)", tables.versions())
                        .get(0)
                != null;
        int version = exists
                ? Sql.query(connection, row -> row.getInt(1), "SELECT max(version) FROM " + tables.versions())
                        .get(0)
                : 0;
        if (version > steps.size()) {
            throw new GalleryException(name + " is in tables of version " + version + ", but this library knows only "
                    + steps.size() + "; use the version of this library that made them");
        }
        return version;
    }

    /** Checks that statements find the types of the extension, which may be in any schema. */
    private static void checkType(Connection connection, PostgresTables tables, String name) throws SQLException {
        Sql.query(
                        connection,
                        row -> String.valueOf(row.getString(1)),
                        "SELECT quote_ident(n.nspname) FROM pg_extension e"
                                + " JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector' AND to_regtype('vector') IS NULL")
                .forEach(schema -> {
                    throw new GalleryException("the search path of the database of " + name
                            + " must have schema " + schema + " of the extension vector, but does not have it, or the"
                            + " user may not use it; add it with the connection's parameter currentSchema="
                            + tables.schema() + "," + schema + ", or grant the user USAGE on it");
                });
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
        try {
            Sql.run(connection, "CREATE EXTENSION IF NOT EXISTS vector");
        } catch (SQLException e) {
            throw PostgresErrors.notPermitted(
                    "cannot use " + name,
                    e,
                    "ask an administrator of the database to run CREATE EXTENSION vector once");
        }
    }

    /** Returns the registered gallery of a name; empty if there is none. */
    static Optional<Registered> find(Connection connection, PostgresTables tables, String gallery) throws SQLException {
        return Sql.query(
                        connection,
                        row -> new Registered(
                                row.getInt(1),
                                gallery,
                                new GalleryInfo(row.getString(2), row.getInt(3), row.getString(4)),
                                tables,
                                row.getString(5),
                                row.getString(6)),
                        "SELECT g.id, g.fingerprint, g.dimension, g.embedding_mode, "
                                + partition("face_gallery_person_") + ", " + partition("face_gallery_entry_")
                                + " FROM " + tables.galleries() + " g WHERE g.name = ?",
                        tables.persons(),
                        tables.schema(),
                        tables.entries(),
                        tables.schema(),
                        gallery)
                .stream()
                .findFirst();
    }

    /**
     * Returns an expression for a gallery's partition, with its schema. Its parameters are the table, and the schema of
     * a partition that is to be made.
     *
     * @param prefix of its name, before the number of the gallery
     */
    private static String partition(String prefix) {
        String table = "'" + prefix + "' || g.id";
        return "coalesce((SELECT quote_ident(n.nspname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                + " JOIN pg_namespace n ON n.oid = c.relnamespace"
                + " WHERE i.inhparent = to_regclass(?) AND c.relname = " + table + "), ?) || '.' || " + table;
    }

    /**
     * Returns the registered gallery of a name, and registers it if there is none.
     *
     * @param name names the gallery in messages
     */
    static Registered findOrCreate(
            Connection connection,
            PostgresTables tables,
            String name,
            String gallery,
            String fingerprint,
            int dimension)
            throws SQLException {
        Optional<Registered> existing = find(connection, tables, gallery);
        if (existing.isPresent()) {
            return existing.get();
        }
        Sql.query(connection, row -> 0, "SELECT pg_advisory_xact_lock(" + LOCKS + ", 0)");
        int created = Sql.update(
                connection,
                "INSERT INTO " + tables.galleries()
                        + " (name, fingerprint, dimension) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                gallery,
                fingerprint,
                dimension);
        Registered registered = find(connection, tables, gallery).orElseThrow();
        if (created > 0) {
            try {
                createPartitions(connection, registered);
            } catch (SQLException e) {
                throw partitionsNotPermitted(tables, name, e);
            }
        }
        return registered;
    }

    private static GalleryException partitionsNotPermitted(PostgresTables tables, String name, SQLException e)
            throws SQLException {
        return PostgresErrors.notPermitted(
                "cannot make the tables of " + name,
                e,
                "connect once as the owner of face_gallery_entry, who needs CREATE and USAGE on schema "
                        + tables.schema() + ", and grant this user the new tables");
    }

    /**
     * Gives a gallery without entries another number, model and mode, and new tables; drops its own. The caller has its
     * lock.
     *
     * @param name names the gallery in messages
     */
    static void replace(Connection connection, String name, Registered old, GalleryInfo info) throws SQLException {
        PostgresTables tables = old.tables();
        try {
            Sql.run( // in the order of enrollments, which would wait for this one and it for them
                    connection,
                    "LOCK TABLE ONLY " + tables.persons() + ", ONLY " + tables.entries() + " IN ACCESS EXCLUSIVE MODE");
            Sql.run(connection, "DROP TABLE " + old.entries());
            Sql.run( // the foreign key of all entries refers to it
                    connection, "ALTER TABLE " + tables.persons() + " DETACH PARTITION " + old.persons());
            Sql.run(connection, "DROP TABLE " + old.persons());
            Sql.update(
                    connection,
                    "WITH bound AS (UPDATE " + tables.galleries() + " SET id = DEFAULT, fingerprint = ?, dimension = ?,"
                            + " embedding_mode = ?, removed_at = NULL WHERE id = ? RETURNING id)"
                            + " UPDATE " + tables.changes()
                            + " SET gallery_id = (SELECT id FROM bound) WHERE gallery_id = ?",
                    info.fingerprint(),
                    info.dimension(),
                    info.embeddingMode(),
                    old.id(),
                    old.id());
            createPartitions(connection, find(connection, tables, old.name()).orElseThrow());
        } catch (SQLException e) {
            throw partitionsNotPermitted(tables, name, e);
        }
    }

    private static void createPartitions(Connection connection, Registered gallery) throws SQLException {
        Sql.run(
                connection,
                String.format(
                        Locale.ROOT,
                        "CREATE TABLE %s PARTITION OF %s FOR VALUES IN (%d)",
                        gallery.persons(),
                        gallery.tables().persons(),
                        gallery.id()));
        Sql.run(
                connection,
                String.format(
                        Locale.ROOT,
                        "CREATE TABLE %s PARTITION OF %s (CHECK (vector_dims(embedding) = %d))"
                                + " FOR VALUES IN (%d) WITH %s",
                        gallery.entries(),
                        gallery.tables().entries(),
                        gallery.info().dimension(),
                        gallery.id(),
                        WHOLE_ROWS));
        Sql.run(connection, withoutStatistics(gallery.persons(), PERSONAL)); // partitions do not inherit it
        Sql.run(connection, withoutStatistics(gallery.entries(), PERSONAL_OF_ENTRIES));
    }

    private static String withoutStatistics(String table, List<String> columns) {
        return columns.stream()
                .map(column -> "ALTER COLUMN " + column + " SET STATISTICS 0")
                .collect(Collectors.joining(", ", "ALTER TABLE " + table + " ", ""));
    }
}
