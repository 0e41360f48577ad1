package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What a database still has of removed people. */
class PostgresErasureTest {
    private static final int D = 32;
    private static final String SECRET = "Mustermann";

    private TestDatabase database;
    private String name;

    @BeforeEach
    void findDatabase() {
        database = TestDatabase.get();
        name = TestDatabase.newName();
    }

    private DatabaseGallery connect() {
        return Gallery.connect(database.dataSource(), name, "model", D);
    }

    private static Enrollment person(String identity, int number) {
        return new Enrollment(identity, TestFaces.direction(number, D), "note of " + identity, "key of " + identity);
    }

    private String table(String kind) {
        return "face_gallery_" + kind + "_" + database.query("SELECT id FROM face_gallery WHERE name = '" + name + "'");
    }

    @Nested
    class OlderTransactions {
        @BeforeEach
        void needsThemToOverlap() {
            assumeTrue(TestDatabase.isServer(), "needs transactions that overlap: -Dtests.postgres=JDBC_URL");
        }

        /** Begins a transaction that sees what is committed now, without a lock on any table. */
        private Connection snapshot() throws SQLException {
            Connection connection = database.dataSource().getConnection();
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            Sql.query(connection, row -> 0, "SELECT 1");
            return connection;
        }

        private boolean inFiles(String text) {
            for (String table : List.of(table("person"), table("entry"))) {
                String found = database.query("SELECT position('" + text + "'::bytea IN"
                        + " pg_read_binary_file(pg_relation_filepath('" + table + "')))");
                if (!found.equals("0")) {
                    return true;
                }
            }
            return false;
        }

        /** Such a compaction used to be a success, though the server had copied the removed rows. */
        @Test
        void aCompactionThatKeepsRemovedRowsIsNoSuccess() throws Exception {
            try (DatabaseGallery gallery = connect()) {
                gallery.enroll(List.of(person("Anna", 1), person(SECRET, 2), person("Carol", 3)));
                try (Connection older = snapshot()) {
                    assertThat(gallery.remove(SECRET)).isEqualTo(1);
                    assertThatThrownBy(gallery::compact)
                            .isInstanceOf(GalleryException.class)
                            .hasMessage("gallery " + name + " in the database was compacted, but removed entries remain"
                                    + " in the files of the database, because older transactions may still see them;"
                                    + " end those that backend_xmin or backend_xid of pg_stat_activity (also of"
                                    + " standbys), pg_prepared_xacts or xmin of pg_replication_slots shows, and compact"
                                    + " again");
                    assertThat(inFiles(SECRET)).isTrue();
                    assertThat(gallery.identities()).containsOnlyKeys("Anna", "Carol");
                    older.rollback();
                }
                gallery.compact();
                assertThat(inFiles(SECRET)).isFalse();
                assertThat(inFiles("Anna")).isTrue();
            }
        }

        /** An entry may be removed from the middle of an identity, whose row stays. */
        @Test
        void aTransactionThatEndsSoonIsWaitedFor() throws Exception {
            try (DatabaseGallery gallery = connect()) {
                gallery.enroll(List.of(person("Anna", 1), person("Anna", 2)));
                long entry = gallery.enroll(List.of(new Enrollment("Anna", TestFaces.direction(3, D), SECRET)))[0];
                Connection older = snapshot();
                ExecutorService later = Executors.newSingleThreadExecutor();
                try {
                    assertThat(gallery.remove(entry)).isTrue();
                    Future<?> ended = later.submit(() -> {
                        TimeUnit.SECONDS.sleep(2);
                        older.close();
                        return null;
                    });
                    gallery.compact();
                    ended.get(10, TimeUnit.SECONDS);
                    assertThat(inFiles(SECRET)).isFalse();
                } finally {
                    later.shutdownNow();
                    older.close();
                }
            }
        }

        @Test
        void aTransactionThatBeganAfterTheRemovalMayGoOn() throws Exception {
            try (DatabaseGallery gallery = connect()) {
                long[] ids = gallery.enroll(List.of(person("Anna", 1), person(SECRET, 2)));
                gallery.remove(SECRET);
                try (Connection younger = snapshot()) {
                    gallery.setAttributes(ids[0], Map.of("site", "north")); // leaves a dead row that is not removed
                    gallery.compact();
                    younger.rollback();
                }
                assertThat(inFiles(SECRET)).isFalse();
            }
        }

        @Test
        void withoutRemovalsEveryCompactionIsASuccess() throws Exception {
            try (Connection older = snapshot();
                    DatabaseGallery gallery = connect()) {
                gallery.enroll(List.of(person("Anna", 1)));
                assertThat(gallery.remove("Carol")).isZero();
                gallery.compact();
                older.rollback();
            }
        }

        /** Tables of the former version do not say when something was removed last. */
        @Test
        void removalsBeforeAStepCountAsOneOfIt() {
            database.dropTables();
            PostgresSession session = new PostgresSession(database.dataSource(), "gallery x");
            new PostgresSchema(PostgresSchema.STEPS.subList(0, 1)).migrate(session);
            database.run("INSERT INTO face_gallery (name, fingerprint, dimension) VALUES ('" + name + "', 'model', " + D
                    + ")");
            new PostgresSchema(PostgresSchema.STEPS).migrate(session);
            assertThat(database.query("SELECT removed_at IS NOT NULL FROM face_gallery"))
                    .isEqualTo("t");
            database.dropTables();
        }

        /** Others' enrollments and changes leave deleted rows of their own, and short transactions all the time. */
        @Test
        void writersDoNotMakeACompactionFail() throws Exception {
            AtomicBoolean over = new AtomicBoolean();
            ExecutorService writers = Executors.newFixedThreadPool(3);
            try (DatabaseGallery gallery = connect();
                    DatabaseGallery another =
                            Gallery.connect(database.dataSource(), TestDatabase.newName(), "model", D)) {
                long kept = gallery.enroll(List.of(person("Anna", 1)))[0];
                List<Future<?>> all = List.of(
                        writers.submit(() -> writing(over, i -> {
                            gallery.setAttributes(kept, Map.of("n", "" + i));
                        })),
                        writers.submit(() -> writing(over, i -> {
                            gallery.enroll(List.of(person("x" + i % 7, i)));
                            gallery.remove("x" + (i + 3) % 7);
                        })),
                        writers.submit(() -> writing(over, i -> another.enroll(List.of(person("y" + i, i))))));
                for (int i = 0; i < 5; i++) {
                    gallery.enroll(List.of(person(SECRET, 2)));
                    gallery.remove(SECRET);
                    assertThatCode(gallery::compact).doesNotThrowAnyException();
                    assertThat(inFiles(SECRET)).isFalse();
                }
                over.set(true);
                for (Future<?> one : all) {
                    one.get(30, TimeUnit.SECONDS);
                }
            } finally {
                over.set(true);
                writers.shutdownNow();
            }
        }

        private static void writing(AtomicBoolean over, IntConsumer change) {
            for (int i = 0; !over.get(); i++) {
                change.accept(i);
            }
        }
    }
}
