package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.facerecognition.gallery.FaultyDataSource.Fault;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A gallery in a database without entries used to belong to its first model and mode for ever, unlike a file; {@link
 * EmptyGalleryTest} has those.
 */
class PostgresBindingTest {
    private static final float[] OLD = {1, 0, 0, 0};
    private static final float[] NEW = {0, 1, 0, 0, 0, 0};
    private static final String TOLD = " in the database was bound to another model or embedding mode while it had no"
            + " entries, or its tables were deleted; open it again";

    private TestDatabase database;
    private String name;

    @BeforeEach
    void findDatabase() {
        database = TestDatabase.get();
        name = TestDatabase.newName();
    }

    private DatabaseGallery openOld() {
        return openOld(database.dataSource(), 0);
    }

    private DatabaseGallery openOld(DataSource source, int exactUpTo) {
        return PostgresGallery.connect(source, name, "old", OLD.length, SearchMethod.HNSW, exactUpTo);
    }

    private DatabaseGallery openNew() {
        return PostgresGallery.connect(database.dataSource(), name, "new", NEW.length, SearchMethod.HNSW, 0);
    }

    private DatabaseGallery readNew() {
        return Gallery.connectReadOnly(database.dataSource(), name, "new", NEW.length);
    }

    private GalleryInfo info() {
        return Gallery.info(database.dataSource(), name);
    }

    private String number() {
        return database.query("SELECT id FROM face_gallery WHERE name = '" + name + "'");
    }

    private String tables(String number) {
        return database.query("SELECT count(*) FROM pg_class WHERE relname LIKE 'face\\_gallery\\_%\\_" + number
                + "' OR relname LIKE 'face\\_gallery\\_entry\\_" + number + "\\_hnsw'");
    }

    @Test
    void takesAnotherModelDimensionAndMode() {
        try (Gallery gallery = openOld()) {
            gallery.bindEmbeddingMode("flip");
        }
        try (Gallery gallery = openNew()) {
            assertThat(gallery.embeddingMode()).isEmpty();
            gallery.bindEmbeddingMode("no flip");
            gallery.enroll("a", NEW);
        }
        assertThat(info()).isEqualTo(new GalleryInfo("new", NEW.length, "no flip"));
        try (Gallery gallery = openNew()) {
            assertThat(gallery.identify(NEW, 1, 0.9).isKnown()).isTrue();
        }
        assertThatThrownBy(this::openOld)
                .hasMessageContaining("holds embeddings of the model new, which cannot be compared with those of old");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 10})
    void takesAnotherModelWhenEverybodyWasRemoved(int exactUpTo) {
        long last;
        try (Gallery gallery = openOld(database.dataSource(), exactUpTo)) {
            gallery.enroll("a", OLD);
            last = gallery.enroll("b", OLD);
            gallery.remove("b");
            gallery.bindEmbeddingMode("flip");
        }
        assertThatThrownBy(this::openNew).hasMessageContaining("holds embeddings of the model old");
        assertThat(info()).as("unchanged").isEqualTo(new GalleryInfo("old", OLD.length, "flip"));
        String before = number();
        assertThat(tables(before)).isEqualTo(exactUpTo == 0 ? "3" : "2");
        try (Gallery gallery = openOld()) {
            gallery.remove("a");
        }
        try (Gallery gallery = openNew()) {
            assertThat(gallery.enroll("c", NEW)).as("ids are not reused").isGreaterThan(last);
            gallery.compact();
            assertThat(gallery.identify(NEW, 1, 0.9).isKnown()).isTrue();
        }
        assertThat(tables(before)).as("with what was removed").isEqualTo("0");
        assertThat(tables(number())).isEqualTo("3");
    }

    @Test
    void takesAnotherModeWhileItIsEmpty() {
        try (Gallery gallery = openOld()) {
            gallery.bindEmbeddingMode("flip");
            gallery.bindEmbeddingMode("no flip");
            assertThat(gallery.embeddingMode()).contains("no flip");
            gallery.enroll("a", OLD);
            assertThatThrownBy(() -> gallery.bindEmbeddingMode("flip"))
                    .hasMessageContaining("holds embeddings made in the mode \"no flip\"");
            gallery.remove("a");
            gallery.bindEmbeddingMode("flip");
            gallery.enroll("b", OLD);
            assertThat(gallery.identify(OLD, 1, 0.9).isKnown()).isTrue();
        }
        assertThat(info()).isEqualTo(new GalleryInfo("old", OLD.length, "flip"));
    }

    @Test
    void isReadWithAnyModelAndLeftAsItIs() {
        try (Gallery gallery = openOld()) {
            gallery.enroll("a", OLD);
            gallery.bindEmbeddingMode("flip");
            gallery.remove("a"); // which leaves the index
        }
        try (Gallery gallery = readNew()) {
            gallery.bindEmbeddingMode("no flip");
            assertThat(gallery.identify(List.of(NEW), 1, 0).get(0).isKnown()).isFalse();
            assertThat(gallery.entries()).isEmpty();
            assertThat(gallery.page(0, 10)).isEmpty();
            assertThat(gallery.fingerprint()).isEqualTo("new");
        }
        assertThat(info()).isEqualTo(new GalleryInfo("old", OLD.length, "flip"));
    }

    /** Unlike a snapshot of a file, a reader sees what others enroll. */
    @Test
    void readersAreToldOfEntriesOfAnotherModelOrMode() {
        try (Gallery writer = openOld()) {
            writer.bindEmbeddingMode("flip");
            try (Gallery ofModel = readNew();
                    Gallery ofMode = Gallery.connectReadOnly(database.dataSource(), name, "old", OLD.length);
                    Gallery right = Gallery.connectReadOnly(database.dataSource(), name, "old", OLD.length)) {
                ofMode.bindEmbeddingMode("no flip");
                right.bindEmbeddingMode("flip");
                assertThat(ofMode.size() + ofModel.size() + right.size()).isZero();
                writer.enroll("a", OLD);
                assertThatThrownBy(() -> ofModel.identify(NEW, 1, 0))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("holds embeddings of the model old");
                assertThatThrownBy(ofModel::size).hasMessageContaining("holds embeddings of the model old");
                assertThatThrownBy(() -> ofMode.identify(OLD, 1, 0))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("holds embeddings made in the mode \"flip\"");
                assertThat(right.identify(OLD, 1, 0.9).isKnown()).isTrue();
            }
        }
        assertThatThrownBy(this::readNew).hasMessageContaining("holds embeddings of the model old");
    }

    /** They must neither write embeddings of the former model nor search with them. */
    @Test
    void serversThatHaveItOpenAreTold() {
        List<Consumer<DatabaseGallery>> calls = List.of(
                gallery -> gallery.enroll("a", OLD),
                gallery -> gallery.enrollMissing(List.of(new Enrollment("a", OLD))),
                gallery -> gallery.enrollNewImages(List.of(new Enrollment("a", OLD, null, "key")), UniqueIn.GALLERY),
                gallery -> gallery.remove("a"),
                gallery -> gallery.remove(1),
                gallery -> gallery.setAttributes(1, Map.of("x", "y")),
                gallery -> gallery.bindEmbeddingMode("flip"),
                DatabaseGallery::makeIndex,
                DatabaseGallery::compact,
                gallery -> gallery.identify(OLD, 1, 0),
                DatabaseGallery::size,
                DatabaseGallery::entries,
                DatabaseGallery::embeddingMode);
        try (DatabaseGallery old = openOld();
                Gallery other = openNew()) {
            for (Consumer<DatabaseGallery> call : calls) {
                assertThatThrownBy(() -> call.accept(old))
                        .isInstanceOf(GalleryException.class)
                        .hasMessage("gallery " + name + TOLD);
            }
            assertThat(other.size()).isZero();
        }
        try (DatabaseGallery flip = openOld();
                DatabaseGallery other = openOld()) {
            flip.bindEmbeddingMode("flip");
            other.bindEmbeddingMode("no flip");
            assertThatThrownBy(() -> flip.enroll("a", OLD)).hasMessage("gallery " + name + TOLD);
        }
    }

    /** A batch whose people were removed since is not enrolled again. */
    @Test
    void keysOfChangesStay() {
        List<Enrollment> batch = List.of(new Enrollment("a", OLD));
        UUID key = UUID.randomUUID();
        long[] ids;
        try (DatabaseGallery gallery = openOld()) {
            ids = gallery.enroll(batch, key);
            gallery.remove("a");
        }
        openNew().close();
        try (DatabaseGallery gallery = openOld()) {
            assertThat(gallery.enroll(batch, key)).containsExactly(ids);
            assertThat(gallery.size()).isZero();
        }
    }

    @Test
    void aBindingWhoseAcknowledgmentIsLostIsDoneOnce() {
        AtomicInteger connections = new AtomicInteger();
        openNew().close();
        String first = number();
        DataSource faulty = FaultyDataSource.of(
                database.dataSource(), // the first connection looks at the tables, the second binds
                () -> connections.incrementAndGet() == 2 ? Fault.AFTER_COMMIT : Fault.NEVER);
        try (Gallery gallery = openOld(faulty, 0)) {
            assertThat(Integer.parseInt(number())).isEqualTo(Integer.parseInt(first) + 1);
            gallery.enroll("a", OLD);
        }
    }

    /** Binding makes tables; a user who may only use those that exist leaves the gallery as it is. */
    @Test
    void saysWhoMayBindIt() {
        openNew().close();
        database.run("DROP ROLE IF EXISTS face_user");
        database.run("CREATE ROLE face_user");
        database.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO face_user");
        DataSource limited = FaultyDataSource.proxy(DataSource.class, (method, args) -> {
            Object result = FaultyDataSource.call(database.dataSource(), method, args);
            return result instanceof Connection connection ? asUser(connection) : result;
        });
        try {
            assertThatThrownBy(() -> openOld(limited, 0))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("cannot make the tables of gallery " + name + " in the database: must be")
                    .hasMessageContaining("; connect once as the owner of face_gallery_entry, who needs CREATE");
        } finally {
            database.run("DROP OWNED BY face_user");
            database.run("DROP ROLE face_user");
        }
        assertThat(info()).isEqualTo(new GalleryInfo("new", NEW.length));
    }

    private static Connection asUser(Connection real) throws SQLException {
        Sql.run(real, "SET ROLE face_user");
        return FaultyDataSource.proxy(Connection.class, (method, args) -> {
            if (method.getName().equals("close")) {
                Sql.run(real, "RESET ROLE"); // connections of a test database may share a session
            }
            return FaultyDataSource.call(real, method, args);
        });
    }

    @Test
    void manyServersMayBindItAtOnce() throws Exception {
        TestDatabase.assumeTransactionsOverlap();
        openOld().close();
        ExecutorService servers = Executors.newFixedThreadPool(8);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int server = 0; server < 8; server++) {
                String person = "p" + server;
                running.add(servers.submit(() -> {
                    try (Gallery gallery = openNew()) {
                        gallery.enroll(person, NEW);
                    }
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        } finally {
            servers.shutdownNow();
        }
        try (Gallery gallery = readNew()) {
            assertThat(gallery.size()).isEqualTo(8);
        }
    }
}
