package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.facerecognition.io.AtomicFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The entries, saved graph and embedding mode of a gallery's file after it is reopened. */
class GalleryFileTest {
    private static final int D = 4;
    private static final float[] X = {1, 0, 0, 0};
    private static final float[] Y = {0, 1, 0, 0};
    private static final float[] Z = {0, 0, 1, 0};

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery open() {
        return Gallery.open(file, "model", D);
    }

    private Gallery read() {
        return Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT);
    }

    @ParameterizedTest
    @EnumSource
    void keepsEntriesAfterReopening(SearchMethod method) throws IOException {
        file = folder.resolve("new folder/людина.gallery");
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            gallery.enroll("Анна", X, "a.jpg");
            gallery.enroll("Boris", Y);
            gallery.enroll("Анна", Z);
            gallery.remove("Boris");
            gallery.remove(3);
        }
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            assertThat(gallery.entries()).containsExactly(new Entry(1, "Анна", "a.jpg"));
            assertThat(gallery.identify(X, 2, -1).matches()).containsExactly(new Match("Анна", 1, 1, "a.jpg"));
            assertThat(gallery.enroll("Clara", Y)).isEqualTo(4);
            long before = Files.size(file);
            gallery.compact();
            assertThat(Files.size(file)).isLessThan(before);
            assertThat(gallery.enroll("Dora", Z)).isEqualTo(5);
            gallery.remove("Dora");
            gallery.compact();
        }
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            assertThat(gallery.enroll("Emil", Z)).as("ids are not reused").isEqualTo(6);
            assertThat(gallery.identities()).isEqualTo(Map.of("Анна", 1, "Clara", 1, "Emil", 1));
            assertThat(gallery.identify(Z, 1, 0.9).best().orElseThrow().identity())
                    .isEqualTo("Emil");
            assertThat(gallery.tornBytes()).isZero();
        }
        try (var files = Files.list(file.getParent())) {
            Set<String> names = new HashSet<>(Set.of("людина.gallery"));
            if (method == SearchMethod.HNSW) {
                names.add("людина.gallery.hnsw");
            }
            if (method == SearchMethod.ON_DISK) {
                names.add("людина.gallery.index");
            }
            assertThat(files.map(path -> path.getFileName().toString())).containsExactlyInAnyOrderElementsOf(names);
        }
    }

    /** The saved graph of the first rows is read and extended; a graph of another file is not read. */
    @Test
    void reusesTheSavedGraph() throws IOException {
        int dimension = 32;
        Path graph = folder.resolve("people.gallery.hnsw");
        List<Enrollment> all = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            all.add(new Enrollment("p" + i, TestFaces.direction(i, dimension)));
        }
        try (Gallery gallery = Gallery.open(file, "model", dimension, SearchMethod.HNSW)) {
            gallery.enroll(all.subList(0, 400));
        }
        byte[] saved = Files.readAllBytes(graph);
        try (Gallery gallery = Gallery.open(file, "model", dimension, SearchMethod.EXACT)) {
            gallery.enroll(all.subList(400, 600));
        }
        assertThat(Files.readAllBytes(graph)).isEqualTo(saved);
        assertFound(all, 600);

        byte[] damaged = saved.clone();
        damaged[damaged.length / 2] ^= 1;
        for (byte[] bytes : new byte[][] {damaged, Arrays.copyOf(saved, 100), new byte[0]}) {
            Files.write(graph, bytes);
            assertFound(all, 600);
        }
        Files.write(graph, saved);
        try (Gallery gallery = Gallery.open(file, "model", dimension)) {
            for (int i = 0; i < 300; i++) {
                gallery.remove("p" + i);
            }
            gallery.compact(); // the rows are renumbered
        }
        assertFound(all.subList(300, 600), 300);
    }

    /** Of more prototypes than are scanned without it. */
    @Test
    void searchesTheSavedGraph() throws IOException {
        int people = 4_500;
        List<Enrollment> all = IntStream.range(0, people)
                .mapToObj(i -> new Enrollment("p" + i, TestFaces.direction(i, 32)))
                .toList();
        try (Gallery gallery = Gallery.open(file, "model", 32, SearchMethod.HNSW)) {
            all.subList(0, 50).forEach(one -> gallery.enroll(List.of(one)));
            gallery.enroll(all.subList(50, people));
        }
        UUID id = LogReader.header(file).id();
        MemorySegment segment = (MemorySegment) new GalleryLoader(file, "model", 32, true)
                .load(SearchMethod.EXACT)
                .segment();
        try (segment;
                HnswSearch graph = new HnswSearch(segment.vectors())) {
            Rows.View rows = segment.rows().view();
            assertThat(SavedGraph.read(file, new UUID(1, 2), rows, graph))
                    .as("rows in the graph of another file")
                    .isZero();
            assertThat(SavedGraph.read(file, id, rows, graph)).isEqualTo(people);
        }
        assertFound(
                IntStream.range(0, people / 10).mapToObj(i -> all.get(10 * i)).toList(), people);
    }

    /** From the removed row on, the graph was that of other rows. */
    @Test
    void theGraphAfterARemovalThatTheRestoredFileLacksIsNotRead() throws IOException {
        List<Enrollment> all = IntStream.range(0, 400)
                .mapToObj(i -> new Enrollment("p" + i, TestFaces.direction(i, 32)))
                .toList();
        try (Gallery gallery = Gallery.open(file, "model", 32)) {
            gallery.enroll(all);
        }
        Path copy = Files.copy(file, file.resolveSibling("copy"));
        try (Gallery gallery = Gallery.open(file, "model", 32)) {
            gallery.remove("p3");
        }
        Gallery.open(file, "model", 32, SearchMethod.HNSW).close();
        assertThat(SavedGraph.of(file)).exists();
        Files.copy(copy, file, StandardCopyOption.REPLACE_EXISTING);
        Gallery.open(file, "model", 32).close();
        assertThat(SavedGraph.of(file)).as("the graph of 399 rows").doesNotExist();
        assertFound(all, 400);
    }

    private void assertFound(List<Enrollment> all, int size) {
        try (Gallery gallery = Gallery.open(file, "model", 32, SearchMethod.HNSW)) {
            assertThat(gallery.size()).isEqualTo(size);
            int missed = 0;
            for (Enrollment one : all) {
                Outcome outcome = gallery.identify(one.embedding(), 1, 0.999);
                missed += outcome.best()
                                .filter(match -> match.identity().equals(one.identity()))
                                .isPresent()
                        ? 0
                        : 1;
            }
            assertThat(missed).isLessThan(all.size() / 100);
        }
    }

    @Test
    void rejectsAGalleryOfAnotherModel() {
        try (Gallery gallery = open()) {
            gallery.enroll("a", X);
        }
        assertThatThrownBy(() -> Gallery.open(file, "other", D))
                .isInstanceOf(GalleryException.class)
                .hasMessage(
                        "gallery " + file + " holds embeddings of the model model, which cannot be compared with those"
                                + " of other; use that model, or enroll the images again into another file");
        assertThatThrownBy(() -> Gallery.open(file, "model", 5))
                .hasMessageContaining("holds embeddings of 4 values, which cannot be compared with those of 5");
        open().close(); // the lock was released
    }

    @Test
    void rejectsOtherFilesAndLeavesThemUnchanged() throws IOException {
        Files.writeString(file, "name,embedding\nAnna,0.1\n");
        assertThatThrownBy(this::open)
                .isInstanceOf(GalleryException.class)
                .hasMessage(
                        "gallery " + file + " must be a gallery file, but does not start like one; name another file");
        assertThat(Files.readString(file)).startsWith("name,embedding");
        Files.write(file, new byte[0]);
        assertThatThrownBy(this::open).hasMessageContaining("is empty, with 0 bytes");
        Files.delete(file);
        assertThatThrownBy(this::read).hasMessage("gallery " + file + " does not exist; check its name");
        assertThatThrownBy(() -> Gallery.info(folder))
                .hasMessage("gallery " + folder + " must be a file, but is a folder; name a file in it");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void saysWhyAFileCannotBeOpened() throws IOException {
        Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
        assertThatThrownBy(() -> Gallery.info(loop))
                .hasMessage("cannot read gallery " + loop + ": Too many levels of symbolic links");
        assertThat(AtomicFile.reason(new FileNotFoundException("a (b) (Permission denied)")))
                .isEqualTo("permission denied");
    }

    @Test
    void interruptedThreadsCanEnroll() {
        try (Gallery gallery = open()) {
            Thread.currentThread().interrupt();
            gallery.enroll("a", X);
            gallery.compact();
            assertThat(Thread.interrupted()).isTrue();
            gallery.enroll("b", Y);
            assertThat(gallery.size()).isEqualTo(2);
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void bindsAnEmbeddingModeOnce() {
        try (Gallery gallery = open()) {
            gallery.enroll("a", X, "note");
            assertThat(gallery.embeddingMode()).isEmpty();
            gallery.bindEmbeddingMode("crop, flip");
            gallery.bindEmbeddingMode("crop, flip");
            assertThat(gallery.enroll("b", Y)).isEqualTo(2);
            assertThatThrownBy(() -> gallery.bindEmbeddingMode(""))
                    .hasMessage("embedding mode must have 1 to 1024 bytes in UTF-8, but has 0");
        }
        assertThat(Gallery.info(file)).isEqualTo(new GalleryInfo("model", D, "crop, flip"));
        for (Gallery gallery : List.of(open(), read())) {
            try (gallery) {
                assertThat(gallery.embeddingMode()).contains("crop, flip");
                assertThat(gallery.identities()).isEqualTo(Map.of("a", 1, "b", 1));
                assertThatThrownBy(() -> gallery.bindEmbeddingMode("crop"))
                        .isInstanceOf(GalleryException.class)
                        .hasMessage(
                                "gallery " + file + " holds embeddings made in the mode \"crop, flip\", which cannot be"
                                        + " compared with those of \"crop\"; use the options that it was made with,"
                                        + " or enroll the images again into another file");
            }
        }
    }

    @Test
    void aReadOnlyGalleryWithoutAModeAcceptsAnyMode() {
        open().close();
        try (Gallery gallery = read()) {
            gallery.bindEmbeddingMode("crop");
            gallery.bindEmbeddingMode("detector");
            assertThat(gallery.embeddingMode()).isEmpty();
        }
    }

    /** Reading the model used to fail while another process replaced the file, unlike opening it. */
    @Test
    void theModelIsReadAgainWhileAWriterReplacesTheFile() throws Exception {
        open().close();
        byte[] whole = Files.readAllBytes(file);
        Files.write(folder.resolve("people.gallery.lock"), new byte[0]);
        boolean read = false;
        for (int round = 0; round < 50 && !read; round++) { // the writer may be too slow for all attempts of a reading
            Files.write(file, new byte[whole.length]);
            AtomicBoolean over = new AtomicBoolean();
            Thread reader = Thread.currentThread();
            Thread writer = new Thread(() -> {
                while (!over.get()) {
                    if (reader.getState() == Thread.State.TIMED_WAITING) { // between two attempts
                        write(whole);
                    }
                }
            });
            writer.start();
            try {
                read = Gallery.info(file).equals(new GalleryInfo("model", D));
            } catch (GalleryException e) {
                // the next round
            } finally {
                over.set(true);
                writer.join();
            }
        }
        assertThat(read).isTrue();
    }

    private void write(byte[] content) {
        try {
            Files.write(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
