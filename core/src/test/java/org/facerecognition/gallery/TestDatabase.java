package org.facerecognition.gallery;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A PostgreSQL database with pgvector: PGlite in a process of Node, which this class starts on a free port, once per
 * JVM; or the one that {@code -Dtests.postgres=jdbc:postgresql://...} names, in which the tables of galleries are
 * dropped. Tests are skipped without either. The process ends when its standard input does, that is, with this JVM at
 * the latest.
 *
 * <p>PGlite has one backend, which the connections take in turns, so that transactions do not overlap. What needs them
 * to overlap runs with {@code -Dtests.postgres} only.
 */
final class TestDatabase {
    private static final Path PGLITE = Path.of("src/test/pglite");
    private static final long LOCK = 4_242_001;
    private static @Nullable TestDatabase shared;

    private final String url;
    private @Nullable Connection lock;

    private TestDatabase(String url) {
        this.url = url;
    }

    /** Returns the database; skips the test if there is none. */
    static synchronized TestDatabase get() {
        if (shared == null) {
            @Nullable String own = System.getProperty("tests.postgres");
            TestDatabase database = new TestDatabase(own != null ? own : startPglite());
            if (own != null) {
                database.keepOtherProcessesOut();
            }
            shared = database;
            shared.run("CREATE EXTENSION IF NOT EXISTS vector");
            shared.dropTables();
        }
        return shared;
    }

    /** Skips the test where transactions take turns. */
    static void assumeTransactionsOverlap() {
        assumeTrue(
                System.getProperty("tests.postgres") != null,
                "needs transactions that overlap: -Dtests.postgres=JDBC_URL");
    }

    /** Two that test in one database would drop each other's tables. The lock is held until this process ends. */
    private void keepOtherProcessesOut() {
        try {
            lock = dataSource().getConnection();
            if (!Sql.query(lock, row -> row.getBoolean(1), "SELECT pg_try_advisory_lock(?)", LOCK)
                    .get(0)) {
                throw new IllegalStateException("another process tests in this database; run with -Dtest.forks=1");
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String startPglite() {
        assumeTrue(
                Files.isDirectory(PGLITE.resolve("node_modules")),
                "skipped because PGlite is not installed; run npm ci --prefix core/src/test/pglite");
        try {
            Process process = new ProcessBuilder(
                            "node", PGLITE.resolve("server.mjs").toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            String line = out.readLine();
            if (line == null || !line.startsWith("listening on ")) {
                throw new IllegalStateException("PGlite did not start, but said " + line);
            }
            return "jdbc:postgresql://127.0.0.1:" + line.substring("listening on ".length())
                    + "/postgres?user=postgres&password=secret-word&sslmode=disable&prepareThreshold=0";
        } catch (IOException e) {
            assumeTrue(false, "skipped because Node cannot be run: " + e.getMessage());
            throw new IllegalStateException(e);
        }
    }

    DataSource dataSource() {
        return dataSource(url);
    }

    static DataSource dataSource(String url) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(url);
        return source;
    }

    String url() {
        return url;
    }

    /** Returns a name that no gallery has. */
    static String newName() {
        return "g-" + UUID.randomUUID();
    }

    /** Runs a statement. */
    void run(String sql) {
        try (Connection connection = dataSource().getConnection()) {
            Sql.run(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the first column of the only row of a query. */
    String query(String sql) {
        try (Connection connection = dataSource().getConnection()) {
            return Sql.query(connection, row -> String.valueOf(row.getString(1)), sql)
                    .get(0);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Drops the tables of galleries, as if there had never been any. */
    void dropTables() {
        run("DROP TABLE IF EXISTS face_gallery_schema, face_gallery_change, face_gallery_entry, face_gallery_person,"
                + " face_gallery CASCADE");
        run("DROP SEQUENCE IF EXISTS face_gallery_entry_id, face_gallery_person_id");
    }
}
