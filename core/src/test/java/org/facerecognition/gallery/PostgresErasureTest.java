package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.stream.IntStream;
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
    class Statistics {
        private String withValues(String text) {
            return database.query("SELECT coalesce(string_agg(tablename || '.' || attname, ', '), '') FROM pg_stats"
                    + " WHERE concat(most_common_vals, histogram_bounds, most_common_elems) LIKE '%" + text + "%'");
        }

        private String ofColumns(String columns) {
            return database.query(
                    "SELECT count(*) FROM pg_stats WHERE tablename LIKE 'face\\_gallery\\_%' AND attname IN (" + columns
                            + ")");
        }

        /** The database used to keep names, notes and keys of removed people, also when nobody was left. */
        @Test
        void keepNothingOfRemovedPeople() {
            try (DatabaseGallery gallery =
                    PostgresGallery.connect(database.dataSource(), name, "model", D, SearchMethod.HNSW, 4)) {
                for (int i = 0; i < 6; i++) {
                    gallery.enroll(List.of(person(SECRET + i, i), person(SECRET + i, 10 + i)));
                }
                database.run("ANALYZE");
                assertThat(withValues(SECRET)).isEmpty();
                assertThat(ofColumns("'embedding', 'halfvec'")).isEqualTo("0");
                assertThat(ofColumns("'person_id'")).isNotEqualTo("0");
                for (int i = 0; i < 6; i++) {
                    gallery.remove(SECRET + i);
                }
                gallery.compact();
                assertThat(withValues(SECRET)).isEmpty();
                gallery.enroll(List.of(person("Anna", 1), person("Bob", 2)));
                gallery.compact();
                database.run("ANALYZE");
                assertThat(ofColumns("'embedding', 'halfvec'")).isEqualTo("0"); // the index was made again
            }
        }

        /** The database does not change the type of a column that a view uses, not even to the same type. */
        @Test
        void viewsDoNotKeepTablesFromBeingUpdated() {
            database.dropTables();
            PostgresSession session = new PostgresSession(database.dataSource(), "gallery x");
            new PostgresSchema(PostgresSchema.STEPS.subList(0, 1)).migrate(session);
            database.run("CREATE VIEW face_report AS SELECT p.name, e.note FROM face_gallery_person p"
                    + " JOIN face_gallery_entry e ON e.person_id = p.id");
            new PostgresSchema(PostgresSchema.STEPS).migrate(session);
            assertThat(database.query("SELECT count(*) FROM face_gallery_schema"))
                    .isEqualTo("" + PostgresSchema.STEPS.size());
            database.run("DROP VIEW face_report");
            database.dropTables();
        }

        @Test
        void ofFormerVersionsAreDeleted() {
            database.dropTables();
            PostgresSession session = new PostgresSession(database.dataSource(), "gallery x");
            new PostgresSchema(PostgresSchema.STEPS.subList(0, 1)).migrate(session);
            database.run("INSERT INTO face_gallery (name, fingerprint, dimension) VALUES ('" + name + "', 'model', 3)");
            database.run("CREATE TABLE face_gallery_person_1 PARTITION OF face_gallery_person FOR VALUES IN (1);"
                    + " CREATE TABLE face_gallery_entry_1 PARTITION OF face_gallery_entry FOR VALUES IN (1);"
                    + " CREATE INDEX face_gallery_entry_1_hnsw ON face_gallery_entry_1"
                    + " USING hnsw ((embedding::halfvec(3)) halfvec_ip_ops);"
                    + " INSERT INTO face_gallery_person (gallery_id, id, name_key, name)"
                    + " SELECT 1, i, 'Mustermann key ' || i, 'Mustermann ' || i FROM generate_series(1, 5) i;"
                    + " INSERT INTO face_gallery_entry (gallery_id, person_id, embedding, note, content_key)"
                    + " SELECT 1, i, '[0, 0, 1]', 'Mustermann', 'Mustermann ' || i FROM generate_series(1, 5) i;"
                    + " ANALYZE");
            assertThat(withValues(SECRET)).contains("face_gallery_person.name", "face_gallery_entry_1.content_key");
            String file = "SELECT pg_relation_filenode('face_gallery_entry_1_hnsw')";
            String before = database.query(file);
            try (DatabaseGallery gallery = Gallery.connect(database.dataSource(), name, "model", 3)) {
                assertThat(database.query(file)).isEqualTo(before); // making it again would take long
                assertThat(withValues(SECRET)).isEmpty();
                database.run("DELETE FROM pg_statistic");
                database.run("ANALYZE");
                assertThat(withValues(SECRET)).isEmpty();
                assertThat(ofColumns("'embedding', 'halfvec'")).isEqualTo("0");
                assertThat(gallery.size()).isEqualTo(5);
            }
            database.dropTables();
        }

        /** Without statistics, the planner would read whole tables to find some people. */
        @Test
        void areNotNeededToReadFewRows() {
            try (DatabaseGallery gallery =
                    PostgresGallery.connect(database.dataSource(), name, "model", D, SearchMethod.EXACT, 4)) {
                gallery.enroll(List.of(person("Anna", 1)));
                database.run("INSERT INTO face_gallery_person (gallery_id, name_key, name) SELECT gallery_id,"
                        + " 'key' || i, 'name' || i FROM " + table("person") + ", generate_series(1, 20000) i");
                database.run("INSERT INTO face_gallery_entry (gallery_id, person_id, embedding, content_key)"
                        + " SELECT p.gallery_id, p.id, e.embedding, p.name FROM " + table("person") + " p, "
                        + table("entry") + " e");
                database.run("ANALYZE " + table("person"));
                database.run("ANALYZE " + table("entry"));
                int before = wholeReadings();
                List<Enrollment> people = IntStream.range(0, 500)
                        .mapToObj(i -> person("p" + i, i))
                        .toList();
                gallery.enroll(people.subList(0, 250));
                gallery.enrollMissing(people);
                assertThat(gallery.enrollNewImages(people, UniqueIn.GALLERY)).containsOnly(0);
                assertThat(gallery.withContentKeys(IntStream.range(0, 500)
                                .mapToObj(i -> "name" + i)
                                .toList()))
                        .hasSize(499);
                gallery.remove("p3");
                assertThat(wholeReadings()).isEqualTo(before);
            }
        }

        private int wholeReadings() {
            database.query("SELECT pg_stat_force_next_flush()");
            return Integer.parseInt(database.query("SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('"
                    + table("person") + "', '" + table("entry") + "')"));
        }
    }

    @Nested
    class OlderTransactions {
        @BeforeEach
        void needsThemToOverlap() {
            TestDatabase.assumeTransactionsOverlap();
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
