package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.facerecognition.gallery.FaultyDataSource.Fault;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What galleries in a database promise besides; {@link GalleryContractTest} has what all galleries do. */
class PostgresGalleryTest {
    private static final int D = 32;

    private TestDatabase database;
    private String name;

    @BeforeEach
    void findDatabase() {
        database = TestDatabase.get();
        name = TestDatabase.newName();
    }

    private DatabaseGallery connect() {
        return connect(database.dataSource());
    }

    private DatabaseGallery connect(DataSource source) {
        return Gallery.connect(source, name, "model", D);
    }

    private static Enrollment person(int number) {
        return new Enrollment("p" + number, TestFaces.direction(number, D));
    }

    private static float[] face(int number) {
        return TestFaces.direction(number, D);
    }

    @Nested
    class Search {
        /** The index is made when the gallery outgrows an exact search, and finds the same with the same cosines. */
        @Test
        void aLargeGalleryIsIndexedAndFindsTheSame() {
            DataSource source = database.dataSource();
            try (DatabaseGallery indexed = PostgresGallery.connect(source, name, "model", D, SearchMethod.HNSW, 100);
                    DatabaseGallery exact = Gallery.connect(source, name, "model", D, SearchMethod.EXACT)) {
                indexed.enroll(IntStream.range(0, 100).mapToObj(i -> person(i)).toList());
                assertThat(hasIndex()).isFalse();
                indexed.enroll(
                        IntStream.range(100, 400).mapToObj(i -> person(i)).toList());
                assertThat(hasIndex()).isTrue();
                List<float[]> probes =
                        IntStream.range(0, 60).mapToObj(i -> face(7 * i)).toList();
                assertThat(indexed.identify(probes, 1, 0.9)).isEqualTo(exact.identify(probes, 1, 0.9));
                assertThat(usesOfIndex()).isEqualTo(60);
                assertThat(indexed.identify(face(3), 1_000, -1).matches()).hasSize(400);
                indexed.remove("p3");
                assertThat(indexed.identify(face(3), 1, 0.9).isKnown()).isFalse();
                indexed.compact();
                assertThat(indexed.identify(probes, 1, 0.9)).isEqualTo(exact.identify(probes, 1, 0.9));
            }
        }

        /** As the README says. */
        @Test
        void fiveThousandEntriesAreSearchedExactly() {
            assertThat(PostgresGallery.EXACT_UP_TO).isEqualTo(5_000);
        }

        /** Applications may write the column of attributes; a wrong value used to be an error that named no entry. */
        @Test
        void attributesOfAnotherProgramAreReportedWithTheirEntry(@TempDir Path folder) {
            try (DatabaseGallery gallery = connect()) {
                long entry = gallery.enroll(List.of(person(1), person(2)))[1];
                database.run("UPDATE " + table() + " SET attributes = '[]' WHERE id = " + entry);
                assertThatThrownBy(() -> gallery.page(0, 10))
                        .isInstanceOf(GalleryException.class)
                        .hasMessage("entry " + entry + " cannot be read: its attributes must be a JSON object, but are"
                                + " another value; correct its column attributes in the database, or remove the entry");
                database.run("UPDATE " + table() + " SET attributes = jsonb_build_object('x', repeat('a', 5000))"
                        + " WHERE id = " + entry);
                assertThat(gallery.page(0, 10)).hasSize(2);
                assertThatThrownBy(() -> GalleryTransfer.exportTo(gallery, folder.resolve("out"), done -> {}))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageStartingWith("entry " + entry + " cannot be exported: ")
                        .hasMessageEndingWith("; correct them with setAttributes");
                try (DatabaseGallery other = PostgresGallery.connect(
                        database.dataSource(), TestDatabase.newName(), "model", D, SearchMethod.EXACT, 100)) {
                    assertThatThrownBy(() -> GalleryTransfer.copy(gallery, other, AttributesPolicy.KEEP, done -> {}))
                            .isInstanceOf(GalleryException.class)
                            .hasMessageStartingWith("entry " + entry + " cannot be enrolled: ")
                            .hasMessageEndingWith("or correct its attributes with setAttributes");
                    assertThat(other.size()).as("all entries are checked first").isZero();
                }
            }
        }

        /** One result used to have the candidates of all probes, and to be searched once for each probe. */
        @ParameterizedTest
        @ValueSource(ints = {20, 1_000})
        void manyProbesAreSentInParts(int exactUpTo) {
            List<String> plans = new ArrayList<>();
            DataSource source = ExplainedDataSource.of(database.dataSource(), plans);
            try (DatabaseGallery gallery =
                            PostgresGallery.connect(source, name, "model", D, SearchMethod.HNSW, exactUpTo);
                    Gallery memory = Gallery.inMemory("model", D)) {
                List<Enrollment> all = IntStream.range(0, 50)
                        .mapToObj(i -> new Enrollment("p" + i / 2, face(i)))
                        .toList();
                gallery.enroll(all);
                memory.enroll(all);
                List<float[]> probes =
                        IntStream.range(0, 600).mapToObj(i -> face(i % 60)).toList();
                List<Outcome> expected = memory.identify(probes, 3, 0.5);
                List<Outcome> outcomes = gallery.identify(probes, 3, 0.5);
                for (int i = 0; i < probes.size(); i++) {
                    assertThat(outcomes.get(i).matches())
                            .extracting(Match::identity)
                            .isEqualTo(expected.get(i).matches().stream()
                                    .map(Match::identity)
                                    .toList());
                }
                assertThat(plans).hasSize(3);
            }
        }

        /** All embeddings used to be in one statement, which has a limit. */
        @Test
        void aLargeBatchIsComparedInParts() {
            try (DatabaseGallery gallery = connect()) {
                gallery.enroll(
                        IntStream.range(100, 1_200).mapToObj(i -> person(i)).toList());
                long[] added = gallery.enrollMissing(
                        IntStream.range(0, 1_300).mapToObj(i -> person(i)).toList());
                assertThat(added).hasSize(200);
                assertThat(gallery.identityCount()).isEqualTo(1_300);
                assertThat(gallery.identify(face(1_250), 1, 0.9)
                                .best()
                                .orElseThrow()
                                .identity())
                        .isEqualTo("p1250");
            }
        }

        private boolean hasIndex() {
            return database.query("SELECT to_regclass('" + index() + "') IS NOT NULL")
                    .equals("t");
        }

        /** The planner used to convert the probe's text again for each entry, which took most of an exact search. */
        @ParameterizedTest
        @EnumSource(names = {"EXACT", "HNSW"})
        void aSearchConvertsAProbeOnce(SearchMethod method) {
            List<String> plans = new ArrayList<>();
            DataSource source = ExplainedDataSource.of(database.dataSource(), plans);
            try (DatabaseGallery gallery = PostgresGallery.connect(source, name, "model", D, method, 20)) {
                gallery.enroll(IntStream.range(0, 50).mapToObj(i -> person(i)).toList());
                gallery.identify(face(3), 1, 0.9);
            }
            assertThat(plans).hasSize(1);
            assertThat(plans.get(0))
                    .as("double parentheses, or a number in earlier versions, stand for a value that is computed"
                            + " elsewhere in the plan")
                    .containsPattern("embedding <#> (\\$\\d+|\\(\\(given\\.text\\)::vector\\))\\)")
                    .doesNotContain("embedding <#> (given.text)::vector");
        }

        /** An embedding of 512 values used to be moved out of its row, and an exact search took four times as long. */
        @Test
        void embeddingsAreStoredInTheirRowsAfterACompactionAlsoThoseOfEarlierVersions() {
            try (DatabaseGallery gallery = Gallery.connect(database.dataSource(), name, "model", 512)) {
                gallery.enroll("p1", TestFaces.direction(1, 512));
                assertThat(bytesOutsideOfRows()).isZero();
                database.run("ALTER TABLE " + table() + " RESET (toast_tuple_target)");
                gallery.enroll("p2", TestFaces.direction(2, 512));
                assertThat(bytesOutsideOfRows()).isPositive();
                gallery.compact();
                assertThat(bytesOutsideOfRows()).isZero();
                assertThat(gallery.identify(TestFaces.direction(2, 512), 2, -1).matches())
                        .extracting(Match::identity)
                        .containsExactly("p2", "p1");
            }
        }

        private int bytesOutsideOfRows() {
            return Integer.parseInt(database.query(
                    "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = '" + table() + "'"));
        }

        private String table() {
            return "face_gallery_entry_" + database.query("SELECT id FROM face_gallery WHERE name = '" + name + "'");
        }

        private String index() {
            return table() + "_hnsw";
        }

        /** Returns how often the index was scanned, once per probe. */
        private int usesOfIndex() {
            database.query("SELECT pg_stat_force_next_flush()");
            return Integer.parseInt(
                    database.query("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '" + index() + "'"));
        }

        @ParameterizedTest
        @ValueSource(ints = {0, 1_000})
        void selectsByAttributes(int exactUpTo) {
            try (DatabaseGallery gallery =
                    PostgresGallery.connect(database.dataSource(), name, "model", D, SearchMethod.HNSW, exactUpTo)) {
                List<Enrollment> all = new ArrayList<>();
                for (int i = 0; i < 40; i++) {
                    all.add(person(i)
                            .withAttributes(Map.of("site", i % 2 == 0 ? "north" : "south'; --", "door", "" + i)));
                }
                long[] ids = gallery.enroll(all);
                Map<String, String> south = Map.of("site", "south'; --");
                assertThat(gallery.identify(face(4), 1, 0.9, south).isKnown()).isFalse();
                assertThat(gallery.identify(face(5), 1, 0.9, south).isKnown()).isTrue();
                assertThat(gallery.identify(face(5), 100, -1, south).matches()).hasSize(20);
                assertThat(gallery.identify(face(5), 100, -1, Map.of("site", "north", "door", "6"))
                                .matches())
                        .extracting(Match::identity)
                        .containsExactly("p6");
                assertThat(gallery.identify(face(5), 1, -1, Map.of("site", "east")))
                        .isEqualTo(new Outcome.Unknown(Optional.empty()));
                assertThat(gallery.setAttributes(ids[5], Map.of("site", "east")))
                        .isTrue();
                assertThat(gallery.attributes(ids[5])).contains(Map.of("site", "east"));
                assertThat(gallery.identify(face(5), 1, 0.9, south).isKnown()).isFalse();
                assertThat(gallery.setAttributes(ids[5] + 1_000, Map.of())).isFalse();
                assertThat(gallery.attributes(ids[5] + 1_000)).isEmpty();
            }
        }

        @Test
        void allServersSeeAChangeAtOnce() {
            try (DatabaseGallery one = connect();
                    DatabaseGallery other = connect();
                    DatabaseGallery reader = Gallery.connectReadOnly(database.dataSource(), name, "model", D)) {
                one.enroll("Anna", face(1));
                assertThat(other.identify(face(1), 1, 0.9).isKnown()).isTrue();
                assertThat(reader.identify(face(1), 1, 0.9).isKnown()).isTrue();
                other.remove("Anna");
                assertThat(one.identify(face(1), 1, 0.9).isKnown()).isFalse();
                one.compact();
                assertThat(database.query("SELECT count(*) FROM face_gallery_person WHERE name = 'Anna'"))
                        .isEqualTo("0");
            }
        }
    }

    @Nested
    class Interruptions {
        private final List<Fault> faults = new ArrayList<>();

        private DataSource faulty() {
            return FaultyDataSource.of(database.dataSource(), () -> faults.isEmpty() ? Fault.NEVER : faults.remove(0));
        }

        /** A commit whose acknowledgment is lost used to be the classic way to store a face twice. */
        @ParameterizedTest
        @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT_ALLOWED")
        void aBrokenConnectionNeitherLosesNorRepeatsAnEnrollment(Fault fault) {
            try (DatabaseGallery gallery = connect(faulty())) {
                faults.addAll(List.of(fault, fault, fault));
                long[] ids = gallery.enroll(List.of(person(1), person(2)));
                assertThat(gallery.entries()).extracting(Entry::id).containsExactly(ids[0], ids[1]);
                Enrollment image = new Enrollment("p3", face(3), null, "image 3");
                assertThat(gallery.enrollNewImages(List.of(image), UniqueIn.GALLERY)[0])
                        .isPositive();
                faults.addAll(List.of(fault, fault, fault));
                Enrollment other = new Enrollment("p3", face(4), null, "image 4");
                long[] images = gallery.enrollNewImages(List.of(image, other), UniqueIn.GALLERY);
                assertThat(images[0]).isZero();
                assertThat(gallery.entry(images[1])).isPresent();
                assertThat(gallery.remove("p3")).isEqualTo(2);
                faults.addAll(List.of(fault, fault));
                assertThat(gallery.remove("p1")).isEqualTo(1);
                faults.addAll(List.of(fault, fault));
                assertThat(gallery.remove(ids[1])).isTrue();
                assertThat(gallery.size()).isZero();
                assertThat(gallery.identities()).isEmpty();
                faults.addAll(List.of(fault, fault));
                assertThat(gallery.identify(face(1), 1, 0).isKnown()).isFalse();
                faults.addAll(List.of(fault, fault));
                gallery.bindEmbeddingMode("mode");
                assertThat(gallery.embeddingMode()).contains("mode");
            }
        }

        /** The entries are stored when the index is made; a failure used to look as if they were not. */
        @Test
        void anIndexThatCannotBeMadeDoesNotFailTheEnrollment() {
            try (DatabaseGallery gallery = PostgresGallery.connect(faulty(), name, "model", D, SearchMethod.HNSW, 1)) {
                faults.addAll(List.of(Fault.NEVER, Fault.NOT_ALLOWED));
                assertThat(gallery.enroll(List.of(person(1), person(2)))).hasSize(2);
                assertThat(gallery.identify(face(2), 1, 0.9).isKnown()).isTrue();
                faults.add(Fault.NOT_ALLOWED);
                assertThatThrownBy(gallery::compact)
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("permission denied");
                gallery.compact();
                assertThat(gallery.identify(face(2), 1, 0.9).isKnown()).isTrue();
            }
        }

        /** As the README says; a gallery forgets older ones when it is opened. */
        @Test
        void aKeyIsKnownForSevenDays() {
            UUID key = UUID.randomUUID();
            long[] ids;
            try (DatabaseGallery gallery = connect()) {
                ids = gallery.enroll(List.of(person(1)), key);
                makeOlder(key, "167 hours");
            }
            try (DatabaseGallery gallery = connect()) {
                assertThat(gallery.enroll(List.of(person(1)), key)).isEqualTo(ids);
                makeOlder(key, "169 hours");
            }
            try (DatabaseGallery gallery = connect()) {
                assertThat(gallery.enroll(List.of(person(1)), key)).isNotEqualTo(ids);
                assertThat(gallery.size()).isEqualTo(2);
            }
        }

        private void makeOlder(UUID key, String age) {
            database.run("UPDATE face_gallery_change SET made_at = now() - interval '" + age + "' WHERE key = '" + key
                    + "'");
        }

        @Test
        void aBatchIsEnrolledOnceForEachKey() {
            UUID key = UUID.randomUUID();
            try (DatabaseGallery gallery = connect()) {
                long[] ids = gallery.enroll(List.of(person(1), person(2)), key);
                try (DatabaseGallery other = connect()) {
                    assertThat(other.enroll(List.of(person(1), person(2)), key)).isEqualTo(ids);
                    assertThatThrownBy(() -> other.enroll(List.of(person(1)), key))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("key must be new, but " + key
                                    + " was used for a batch of 2 entries, and this one has 1");
                }
                assertThat(gallery.size()).isEqualTo(2);
                try (DatabaseGallery another =
                        Gallery.connect(database.dataSource(), TestDatabase.newName(), "model", D)) {
                    assertThatThrownBy(() -> another.enroll(List.of(person(1), person(2)), key))
                            .hasMessage("key must be new, but " + key + " was used for another gallery");
                }
            }
        }

        @Test
        void givesUpInOneSentenceWithoutCredentials() {
            DataSource away = FaultyDataSource.of(database.dataSource(), () -> Fault.ON_CONNECTING);
            PostgresSession session = new PostgresSession(away, "gallery x in the database", 100_000_000);
            assertThatThrownBy(() -> session.read(connection -> 0))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageMatching(
                            "cannot reach gallery x in the database after \\d+ attempts: connection to \\*\\*\\*"
                                    + " failed; password=\\*\\*\\* was used; check that the database runs and accepts connections,"
                                    + " and try again")
                    .matches(e -> ((GalleryException) e).isUnreachable())
                    .satisfies(Interruptions::isWithoutCredentials);
            DataSource breaking = FaultyDataSource.of(database.dataSource(), () -> Fault.AFTER_COMMIT);
            PostgresSession changing = new PostgresSession(breaking, "gallery x in the database", 0);
            assertThatThrownBy(() -> changing.change(connection -> 0))
                    .hasMessageEndingWith("it is not known whether the last change was applied, so compare the entries"
                            + " first, or enroll with a key");
        }

        /** The server restarts after a commit that it did not acknowledge, as in a failover. */
        @ParameterizedTest
        @EnumSource(names = {"ON_CONNECTING", "NOT_ALLOWED"})
        void saysThatAChangeMayBeAppliedWhateverTheLastAttemptSays(Fault last) {
            faults.addAll(List.of(Fault.AFTER_COMMIT, last, last, last));
            PostgresSession session = new PostgresSession(faulty(), "gallery x", 0);
            assertThatThrownBy(() -> session.change(connection -> 0))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining("it is not known whether the last change was applied");
            faults.clear();
            faults.addAll(List.of(last, last, last, last));
            assertThatThrownBy(() -> session.change(connection -> 0))
                    .hasMessageNotContaining("it is not known whether the last change was applied");
        }

        /** A standby, which becomes the primary server in a failover, rejects the beginning of a change. */
        @Test
        void waitsForAStandbyThatBecomesThePrimaryServer() {
            AtomicInteger rejections = new AtomicInteger(3);
            DataSource standby = beginning(database.dataSource(), sql -> {
                if (sql.contains("READ WRITE") && rejections.getAndDecrement() > 0) {
                    throw new SQLException("ERROR: cannot set transaction read-write mode during recovery", "0A000");
                }
            });
            try (DatabaseGallery gallery = connect(standby)) {
                rejections.set(3);
                assertThat(gallery.enroll("p1", face(1))).isPositive();
                assertThat(rejections).hasNegativeValue();
            }
        }

        /** A connection that the network forgot used to hang, and a limit for all statements would cut searches. */
        @ParameterizedTest
        @ValueSource(ints = {0, 90_000})
        void onlyTheBeginningOfATransactionHasALimit(int ofTheDataSource) {
            List<Integer> limits = new ArrayList<>();
            AtomicInteger limit = new AtomicInteger(ofTheDataSource);
            DataSource limited = FaultyDataSource.proxy(DataSource.class, (method, args) -> {
                Object connection = FaultyDataSource.call(database.dataSource(), method, args);
                return FaultyDataSource.proxy(Connection.class, (called, values) -> switch (called.getName()) {
                    case "getNetworkTimeout" -> limit.get();
                    case "setNetworkTimeout" -> {
                        limit.set((int) values[1]);
                        yield null;
                    }
                    default -> {
                        if (called.getName().endsWith("Statement")) {
                            limits.add(limit.get());
                        }
                        yield FaultyDataSource.call(connection, called, values);
                    }
                });
            });
            PostgresSession session = new PostgresSession(limited, "gallery x");
            session.read(connection -> Sql.query(connection, row -> row.getInt(1), "SELECT 1"));
            assertThat(limits).containsExactly(ofTheDataSource == 0 ? 20_000 : ofTheDataSource, ofTheDataSource);
        }

        interface Check {
            void of(String sql) throws SQLException;
        }

        /** Returns connections that check each statement without parameters before it is executed. */
        private static DataSource beginning(DataSource real, Check check) {
            return FaultyDataSource.proxy(DataSource.class, (method, args) -> {
                Object connection = FaultyDataSource.call(real, method, args);
                return !(connection instanceof Connection)
                        ? connection
                        : FaultyDataSource.proxy(Connection.class, (called, values) -> {
                            Object statement = FaultyDataSource.call(connection, called, values);
                            return !called.getName().equals("createStatement")
                                    ? statement
                                    : FaultyDataSource.proxy(Statement.class, (executed, sql) -> {
                                        if (executed.getName().equals("execute")) {
                                            check.of(sql[0].toString());
                                        }
                                        return FaultyDataSource.call(statement, executed, sql);
                                    });
                        });
            });
        }

        /** The server only warns a user who may not rewrite a table, and leaves what was removed in its files. */
        @Test
        void aCompactionThatTheServerSkipsIsNoSuccess() {
            database.run("DROP ROLE IF EXISTS face_limited");
            database.run("CREATE ROLE face_limited");
            try (DatabaseGallery owner = connect()) {
                owner.enroll(List.of(person(1), person(2)));
                owner.remove("p1");
                database.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO face_limited");
                database.run("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO face_limited");
                DataSource limited = FaultyDataSource.proxy(DataSource.class, (method, args) -> {
                    Object result = FaultyDataSource.call(database.dataSource(), method, args);
                    return result instanceof Connection connection ? asLimited(connection) : result;
                });
                try (DatabaseGallery gallery =
                        PostgresGallery.connect(limited, name, "model", D, SearchMethod.HNSW, 2)) {
                    gallery.enroll(List.of(person(3), person(4))); // an index is for its owner to make
                    gallery.enroll(List.of(person(5)));
                    assertThatThrownBy(gallery::compact)
                            .isInstanceOf(GalleryException.class)
                            .hasMessageContaining(" was not compacted: ")
                            .hasMessageContaining("removed entries remain in the files of the database");
                }
                owner.compact();
            } finally {
                database.run("DROP OWNED BY face_limited");
                database.run("DROP ROLE face_limited");
            }
        }

        private static Connection asLimited(Connection real) throws SQLException {
            Sql.run(real, "SET ROLE face_limited");
            return FaultyDataSource.proxy(Connection.class, (method, args) -> {
                if (method.getName().equals("close")) {
                    Sql.run(real, "RESET ROLE"); // connections of a test database may share a session
                }
                return FaultyDataSource.call(real, method, args);
            });
        }

        /** Pools wrap what the database said, and call it transient. */
        @Test
        void doesNotRepeatWhatAPoolCallsTransient() {
            SQLException rejected = new SQLException("password authentication failed for user \"carol\"", "28P01");
            SQLException wrapped = new SQLTransientConnectionException("not available after 5000ms", rejected);
            assertThat(PostgresSession.isTransient(wrapped)).isFalse();
            assertThat(PostgresSession.isTransient(new SQLTransientConnectionException("not available")))
                    .isTrue();
            assertThat(PostgresErrors.explained("gallery x", wrapped, 0, false))
                    .hasMessage("the database of gallery x rejects the user or the password; check them");
        }

        private static void isWithoutCredentials(Throwable error) {
            for (Throwable e = error; e != null; e = e.getCause()) {
                assertThat(e.toString()).doesNotContain("hunter2").doesNotContain("carol");
            }
        }

        @Test
        void hidesAddressesOfEveryForm() {
            for (String secret : List.of(
                    "No suitable driver found for jdbc:postgres://u:hunter2@db/x",
                    "jdbc:postgresql://db/x?user=carol&password=hunter2",
                    "postgresql://carol:hunter2@db:5432/x?sslmode=require is wrong",
                    "{user=carol, password=hunter2}",
                    "PASSWORD = hunter2; more")) {
                assertThat(PostgresErrors.redacted(secret))
                        .doesNotContain("hunter2")
                        .doesNotContain("carol");
            }
            assertThat(PostgresErrors.redacted("relation \"face_gallery\" does not exist"))
                    .isEqualTo("relation \"face_gallery\" does not exist");
        }

        /** The driver and the server name hosts and users in their own messages, which used to be passed on. */
        @Test
        void hidesHostsAndUsers() {
            for (String host :
                    List.of("db.internal:5432", "db:5432", "10.1.2.3:5432", "[fd00::12]:5432", "fd00::12:5432")) {
                assertThat(PostgresErrors.redacted("Connection to " + host + " refused. Check that it is correct"))
                        .isEqualTo("Connection to *** refused. Check that it is correct");
            }
            assertThat(PostgresErrors.redacted("Verbindung mit db.internal:5432 verweigert"))
                    .isEqualTo("Verbindung mit *** verweigert");
            assertThat(PostgresErrors.redacted("FATAL: no pg_hba.conf entry for host \"10.1.2.3\", user \"carol\","
                            + " database \"faces\", no encryption"))
                    .isEqualTo("FATAL: no pg_hba.conf entry for host ***, user ***, database \"faces\", no encryption");
            assertThat(PostgresErrors.redacted("not available after 5000ms at 12:30:05: ERROR: 3 rows"))
                    .isEqualTo("not available after 5000ms at 12:30:05: ERROR: 3 rows");
            assertThat(PostgresErrors.explained(
                            "gallery x",
                            new SQLException("Connection to db.internal:5432 refused. Check it.", "08001"),
                            4,
                            false))
                    .hasMessage("cannot reach gallery x after 4 attempts: Connection to *** refused. Check it; check"
                            + " that the database runs and accepts connections, and try again")
                    .hasRootCauseMessage("Connection to *** refused. Check it.");
        }

        @Test
        void saysWhatToDoWhenTheUserIsRejected() {
            for (Map.Entry<String, String> one : Map.of(
                            "28P01",
                            "the database of gallery x rejects the user or the password; check them",
                            "42501",
                            "cannot use gallery x: no; grant the user the tables and sequences named"
                                    + " face_gallery..., or connect as their owner")
                    .entrySet()) {
                assertThat(PostgresErrors.explained("gallery x", new SQLException("no", one.getKey()), 0, false))
                        .hasMessage(one.getValue());
            }
        }
    }

    @Nested
    class Tables {
        @Test
        void manyServersMayStartAtOnce() throws Exception {
            TestDatabase.assumeTransactionsOverlap();
            database.dropTables();
            runAtOnce(8, () -> {
                try (DatabaseGallery gallery = connect()) {
                    gallery.bindEmbeddingMode("mode");
                    return gallery.enroll("p", face(1));
                }
            });
            try (DatabaseGallery gallery = connect()) {
                assertThat(gallery.identities()).isEqualTo(Map.of("p", 8));
            }
            assertThat(database.query("SELECT count(*) FROM face_gallery_schema"))
                    .isEqualTo("" + PostgresSchema.STEPS.size());
        }

        /** As a later version of the library would do. */
        @Test
        void laterStepsAreAppliedOnceAndKeepTheEntries() throws Exception {
            database.dropTables();
            long id;
            try (DatabaseGallery gallery = connect()) {
                id = gallery.enroll("Anna", face(1));
            }
            List<String> later = new ArrayList<>(PostgresSchema.STEPS);
            later.add("ALTER TABLE face_gallery_entry ADD COLUMN quality real;\n"
                    + "UPDATE face_gallery_entry SET quality = 0.5;\n");
            PostgresSession session = new PostgresSession(database.dataSource(), "gallery x");
            runAtOnce(4, () -> {
                new PostgresSchema(later).migrate(session);
                return null;
            });
            assertThat(database.query("SELECT quality FROM face_gallery_entry WHERE id = " + id))
                    .isEqualTo("0.5");
            assertThatThrownBy(PostgresGalleryTest.this::connect)
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("gallery " + name + " in the database is in tables of version " + later.size()
                            + ", but this library knows only " + PostgresSchema.STEPS.size()
                            + "; use the version of this library that made them");
            database.dropTables();
        }

        @Test
        void aFailedStepLeavesTheTablesAsTheyWere() {
            database.dropTables();
            connect().close();
            List<String> broken = new ArrayList<>(PostgresSchema.STEPS);
            broken.add("ALTER TABLE face_gallery_entry ADD COLUMN quality real;\nSELECT nonsense;\n");
            PostgresSession session = new PostgresSession(database.dataSource(), "gallery x");
            assertThatThrownBy(() -> new PostgresSchema(broken).migrate(session))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("cannot use gallery x: column \"nonsense\" does not exist");
            try (DatabaseGallery gallery = connect()) {
                gallery.enroll("Anna", face(1));
            }
        }
    }

    @Nested
    class Arguments {
        @ParameterizedTest
        @ValueSource(strings = {"", "a b", "x;DROP TABLE face_gallery", "-a", "ä", "a\"b"})
        void rejectsOtherNames(String wrong) {
            assertThatThrownBy(() -> Gallery.connect(database.dataSource(), wrong, "model", D))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("name of a gallery must have 1 to 63 letters");
        }

        @Test
        void rejectsWhatADatabaseCannotStore() {
            try (DatabaseGallery gallery = connect()) {
                assertThatThrownBy(() -> gallery.enroll("a", face(1), "x\0y"))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("U+0000");
                assertThatThrownBy(() -> gallery.enroll(List.of(person(1).withAttributes(Map.of("a", "\0")))))
                        .hasMessageContaining("U+0000");
                assertThatThrownBy(() -> gallery.enroll(List.of(person(1).withAttributes(Map.of("", "a")))))
                        .hasMessage("name of an attribute must have 1 to 256 bytes in UTF-8, but has 0");
                assertThat(gallery.size()).isZero();
            }
            assertThatThrownBy(() -> Gallery.connect(database.dataSource(), name, "model", 16_001))
                    .hasMessage("dimension must be 2 to 16000 values, but was 16001");
            assertThatThrownBy(() -> Gallery.connect(database.dataSource(), name, "model", D, SearchMethod.RABITQ))
                    .hasMessage("method must be EXACT or HNSW in a database, but was RABITQ");
        }

        /** Larger than what an index or one row of a page takes. */
        @Test
        void takesTheLongestNamesAndEmbeddings() {
            try (DatabaseGallery gallery = Gallery.connect(database.dataSource(), name, "model", 16_000)) {
                String longName = "\ufdfa".repeat(341);
                gallery.enroll(longName, TestFaces.direction(1, 16_000), "n".repeat(4096));
                assertThat(gallery.identify(TestFaces.direction(1, 16_000), 1, 0.999999)
                                .best()
                                .orElseThrow()
                                .identity())
                        .isEqualTo(longName);
            }
        }
    }

    @Nested
    class Concurrency {
        /** Names that people cannot tell apart, enrolled by many servers at once, are one identity. */
        @Test
        void enrollmentsOverlap() throws Exception {
            TestDatabase.assumeTransactionsOverlap();
            AtomicInteger next = new AtomicInteger();
            runAtOnce(8, () -> {
                try (DatabaseGallery gallery = connect()) {
                    for (int i = 0; i < 5; i++) {
                        int number = next.getAndIncrement();
                        String form = number % 2 == 0 ? "Anna" : "ANNA";
                        gallery.enroll(List.of(
                                new Enrollment(form, face(number)), new Enrollment("p" + number % 7, face(number))));
                        gallery.identify(face(number), 3, 0.5);
                    }
                    return null;
                }
            });
            try (DatabaseGallery gallery = connect()) {
                assertThat(gallery.size()).isEqualTo(80);
                assertThat(gallery.identities()).hasSize(8);
                Set<Long> ids =
                        new HashSet<>(gallery.entries().stream().map(Entry::id).toList());
                assertThat(ids).hasSize(80);
            }
        }

        /** Two servers used to find an image new at the same time, and to enroll it under two names. */
        @Test
        void oneOfManyServersEnrollsAnImage() throws Exception {
            TestDatabase.assumeTransactionsOverlap();
            AtomicInteger next = new AtomicInteger();
            AtomicInteger enrolled = new AtomicInteger();
            runAtOnce(8, () -> {
                try (DatabaseGallery gallery = connect()) {
                    String person = "p" + next.getAndIncrement();
                    for (int i = 0; i < 10; i++) {
                        Enrollment image = new Enrollment(person, face(i), null, "image " + i);
                        long id = gallery.enrollNewImages(List.of(image), UniqueIn.GALLERY)[0];
                        enrolled.addAndGet(id == 0 ? 0 : 1);
                    }
                    return null;
                }
            });
            try (DatabaseGallery gallery = connect()) {
                assertThat(enrolled).hasValue(10);
                assertThat(gallery.entries())
                        .extracting(Entry::contentKey)
                        .hasSize(10)
                        .doesNotHaveDuplicates();
            }
        }

        /** Removals and enrollments of one identity at once leave neither an entry without a name nor the reverse. */
        @Test
        void removalsAndEnrollmentsOfOnePersonOverlap() throws Exception {
            TestDatabase.assumeTransactionsOverlap();
            AtomicInteger next = new AtomicInteger();
            AtomicInteger removed = new AtomicInteger();
            runAtOnce(8, () -> {
                try (DatabaseGallery gallery = connect()) {
                    for (int i = 0; i < 30; i++) {
                        int number = next.getAndIncrement();
                        if (number % 3 == 0) {
                            removed.addAndGet(gallery.remove("Anna"));
                        } else {
                            gallery.enroll("Anna", face(number));
                        }
                    }
                    return null;
                }
            });
            try (DatabaseGallery gallery = connect()) {
                assertThat(removed.get() + gallery.size()).isEqualTo(160);
                assertThat(gallery.remove("Anna") + removed.get()).isEqualTo(160);
                assertThat(gallery.identities()).isEmpty();
            }
        }
    }

    private static void runAtOnce(int threads, Callable<?> task) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                all.add(pool.submit(task));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } finally {
            pool.shutdownNow();
        }
    }
}
