package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
    void whatWasEnrolledIsThereAgain(SearchMethod method) throws IOException {
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
            assertThat(gallery.enroll("Emil", Z)).as("an id is not given twice").isEqualTo(6);
            assertThat(gallery.identities()).isEqualTo(Map.of("Анна", 1, "Clara", 1, "Emil", 1));
            assertThat(gallery.identify(Z, 1, .9).best().orElseThrow().identity())
                    .isEqualTo("Emil");
            assertThat(gallery.tornBytes()).isZero();
        }
        try (var files = Files.list(file.getParent())) {
            Set<String> names = new HashSet<>(Set.of("людина.gallery"));
            if (method == SearchMethod.HNSW) {
                names.add("людина.gallery.hnsw");
            }
            assertThat(files.map(path -> path.getFileName().toString())).containsExactlyInAnyOrderElementsOf(names);
        }
    }

    /** The first rows' graph is read, the rest is added; a graph of another file is not read. */
    @Test
    void theGraphIsKeptFromOneOpeningToTheNext() throws IOException {
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
            gallery.compact(); // other rows now
        }
        assertFound(all.subList(300, 600), 300);
    }

    private void assertFound(List<Enrollment> all, int size) {
        try (Gallery gallery = Gallery.open(file, "model", 32, SearchMethod.HNSW)) {
            assertThat(gallery.size()).isEqualTo(size);
            int missed = 0;
            for (Enrollment one : all) {
                Outcome outcome = gallery.identify(one.embedding(), 1, .999);
                missed += outcome.best()
                                .filter(match -> match.identity().equals(one.identity()))
                                .isPresent()
                        ? 0
                        : 1;
            }
            assertThat(missed).isLessThan(size / 100);
        }
    }

    @Test
    void anotherModelsGalleryIsRefused() {
        open().close();
        assertThatThrownBy(() -> Gallery.open(file, "other", D))
                .isInstanceOf(GalleryException.class)
                .hasMessage(
                        "gallery " + file + " holds embeddings of the model model, which cannot be compared with those"
                                + " of other; use that model, or embed the images anew into another file");
        assertThatThrownBy(() -> Gallery.open(file, "model", 5))
                .hasMessageContaining("holds embeddings of 4 values, which cannot be compared with those of 5");
        open().close(); // it is not left locked
    }

    @Test
    void whatIsNoGalleryIsRefusedAndUntouched() throws IOException {
        Files.writeString(file, "name,embedding\nAnna,0.1\n");
        assertThatThrownBy(this::open)
                .isInstanceOf(GalleryException.class)
                .hasMessage("gallery " + file
                        + " must be a gallery's file, but does not begin like one; name another file");
        assertThat(Files.readString(file)).startsWith("name,embedding");
        Files.write(file, new byte[0]);
        assertThatThrownBy(this::open).hasMessageContaining("is damaged: its header");
        Files.delete(file);
        assertThatThrownBy(this::read).hasMessageStartingWith("cannot read gallery " + file);
    }

    @Test
    void onlyOneWritesAndOthersMayRead() throws Exception {
        try (Gallery gallery = open()) {
            gallery.enroll("a", X);
            assertThatThrownBy(this::open)
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith(
                            "gallery " + file + " is open for writing in this process already; close that one, or open"
                                    + " this one for reading; the lock is held by process "
                                    + ProcessHandle.current().pid());
            // on Linux the refused opening must not have let go of the lock
            assertThat(lastLine(child(List.of(), 0, 1)))
                    .startsWith("error: gallery " + file
                            + " is open for writing in another process already; close that one, or open this one for"
                            + " reading; the lock is held by process "
                            + ProcessHandle.current().pid())
                    .contains(", a gallery writer since ");
            try (Gallery reader = read()) {
                gallery.enroll("b", Y);
                assertThat(reader.size()).isEqualTo(1);
                assertThatThrownBy(() -> reader.enroll("c", Z))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("gallery " + file + " is open for reading; open it for writing to change it");
            }
        }
        open().close();
    }

    @Test
    void anInterruptedThreadCanEnroll() {
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

    private byte[] small() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll("Anna", X, "note");
            gallery.enroll("Boris", Y);
            gallery.remove("Anna");
            gallery.enroll("Anna", Z);
            gallery.remove(2);
            gallery.enroll("Clara", X);
        }
        return Files.readAllBytes(file);
    }

    @Test
    void everyFlippedByteIsASentence() throws IOException {
        byte[] whole = small();
        for (int mask : new int[] {0xff, 1}) {
            int erased = 0;
            for (int at = 0; at < whole.length; at++) {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) mask;
                Files.write(file, flipped);
                if (catchThrowable(() -> open().close()) == null) { // it was erased again
                    assertThat(Files.readAllBytes(file)).isEqualTo(whole);
                    erased++;
                    continue;
                }
                assertThatThrownBy(() -> open().close())
                        .as("byte %d of %d", at, whole.length)
                        .isInstanceOf(GalleryException.class)
                        .hasMessageStartingWith("gallery " + file)
                        .hasMessageMatching(".* is damaged.*use a copy, or.*|.* must be a gallery's file.*");
                assertThat(Files.readAllBytes(file)).isEqualTo(flipped);
            }
            assertThat(erased)
                    .as("bytes of bodies that were erased, with their checksums")
                    .isEqualTo(43 + 40);
        }
        // the way out that the sentence names
        byte[] flipped = whole.clone();
        flipped[whole.length - 10] ^= 1;
        Files.write(file, flipped);
        String message = catchThrowable(() -> open().close()).getMessage();
        int keep = Integer.parseInt(message.replaceAll(".*cut the file to (\\d+) bytes.*", "$1"));
        Files.write(file, Arrays.copyOf(whole, keep));
        try (Gallery gallery = open()) {
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna", 1));
            assertThat(gallery.tornBytes()).isZero();
        }
    }

    /** A file cut anywhere holds what its whole records say, and goes on from there. */
    @Test
    void aTornEndIsCutOffAndNothingElse() throws IOException {
        byte[] whole = small();
        List<Map<String, Integer>> states = List.of(
                Map.of(),
                Map.of(), // what was removed later is erased, and does not come back
                Map.of(),
                Map.of(),
                Map.of("Anna", 1),
                Map.of("Anna", 1),
                Map.of("Anna", 1, "Clara", 1));
        int state = -1;
        for (int length = 0; length <= whole.length; length++) {
            if (length % 5 != 0
                    && length % BatchMark.BYTES != 0) { // all ends of batches, and a fifth of what is between
                continue;
            }
            Files.write(file, Arrays.copyOf(whole, length));
            if (length == 0 || state < 0 && isHeaderCut()) {
                continue;
            }
            long torn;
            try (Gallery gallery = open()) {
                torn = gallery.tornBytes();
                state += torn == 0 ? 1 : 0;
                assertThat(gallery.identities()).as("%d bytes", length).isEqualTo(states.get(state));
                gallery.enroll("Dora", Y);
            }
            try (Gallery gallery = open()) {
                assertThat(gallery.tornBytes()).isZero();
                assertThat(gallery.identities())
                        .containsEntry("Dora", 1)
                        .hasSize(states.get(state).size() + 1);
            }
            if (torn > 0) { // as a file system may leave it when power is lost
                byte[] zeros = Arrays.copyOf(Arrays.copyOf(whole, length), length + 5_000);
                Files.write(file, zeros);
                try (Gallery gallery = open()) {
                    assertThat(gallery.identities())
                            .as("%d bytes and zeros", length)
                            .isEqualTo(states.get(state));
                }
            }
        }
        assertThat(state).isEqualTo(states.size() - 1);
    }

    private boolean isHeaderCut() {
        try (Gallery gallery = open()) {
            return false;
        } catch (GalleryException e) {
            assertThat(e.getMessage()).contains("is damaged: its header does not fit its checksum");
            return true;
        }
    }

    @Test
    void aCompactionCutShortLeavesTheFormerFile() throws IOException {
        byte[] whole = small();
        for (String name : List.of( // the first two as earlier versions named them
                "people.gallery.tmp",
                "people.gallery.hnsw.tmp",
                ".people.gallery.0123456789abcdef.tmp",
                ".people.gallery.hnsw.0123456789abcdef.tmp")) {
            Files.write(folder.resolve(name), Arrays.copyOf(whole, 60));
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna", 1, "Clara", 1));
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aWriterIsRefusedByEveryPathToTheFile() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("."));
        try (Gallery gallery = Gallery.open(link.resolve("people.gallery"), "model", D)) {
            Path relative = Path.of("").toAbsolutePath().relativize(file.toAbsolutePath());
            for (Path path : List.of(file, relative, link.resolve("link/people.gallery"))) {
                assertThatThrownBy(() -> Gallery.open(path, "model", D))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining(" is open for writing in this process already");
            }
            gallery.enroll("a", X);
            gallery.compact();
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(1);
        }
    }

    /**
     * Before, a garbage collection closed the lock of a gallery that nobody referred to, and another process came in.
     */
    @Test
    void aForgottenGalleryKeepsItsLock() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("."));
        Gallery.open(link.resolve("people.gallery"), "model", EnrollingChild.DIMENSION);
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(lastLine(child(List.of(), 0, 1)))
                .startsWith("error: gallery " + file + " is open for writing in another process already");
        assertThatThrownBy(this::open).hasMessageContaining("is open for writing in this process already");
    }

    @Test
    void anEmbeddingModeIsBoundOnce() {
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
                                        + " compared with those of \"crop\"; use the options that it was made with, or enroll the"
                                        + " images anew into another file");
            }
        }
    }

    @Test
    void aGalleryForReadingThatHasNoModeAcceptsAny() {
        open().close();
        try (Gallery gallery = read()) {
            gallery.bindEmbeddingMode("crop");
            gallery.bindEmbeddingMode("detector");
            assertThat(gallery.embeddingMode()).isEmpty();
        }
    }

    // ---- another process ----

    private Process child(List<String> prefix, int first, int count) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                EnrollingChild.class.getName(),
                file.toString(),
                Integer.toString(first),
                Integer.toString(count)));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static String lastLine(Process process) throws Exception {
        String last = "";
        try (BufferedReader out = process.inputReader()) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return last;
    }

    @Test
    void whatWasAcknowledgedSurvivesKillings() throws Exception {
        Set<Integer> acknowledged = new HashSet<>();
        int lives = Boolean.getBoolean("tests.long") ? 50 : 10; // GalleryKillDrillTest has more kinds of them
        for (int life = 0; life < lives; life++) {
            Process process = child(List.of(), life * 1_000, 1_000);
            try (BufferedReader out = process.inputReader()) {
                remember(out.readLine(), acknowledged); // it has begun
                TimeUnit.MICROSECONDS.sleep(life * 6_119 % 83_000); // in no rhythm that the child's work could have
                process.toHandle().destroyForcibly(); // SIGKILL; leaves what was printed to be read
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    remember(line, acknowledged);
                }
            }
            assertThat(process.waitFor()).as("killed").isEqualTo(128 + 9);
            if (life % 10 == 9) {
                assertAllThere(acknowledged);
            }
        }
        assertThat(acknowledged).hasSizeGreaterThan(EnrollingChild.BATCH);
    }

    private static void remember(String line, Set<Integer> acknowledged) {
        assertThat(line).isNotNull().doesNotStartWith("error");
        if (line.endsWith(";")) {
            String[] numbers = line.replace(";", "").split(" ");
            for (int i = 0; i < Integer.parseInt(numbers[1]); i++) {
                acknowledged.add(Integer.parseInt(numbers[0]) + i);
            }
        }
    }

    /** And that what else is there is whole. */
    private void assertAllThere(Set<Integer> acknowledged) {
        try (Gallery gallery = Gallery.openReadOnly(file, "model", EnrollingChild.DIMENSION, SearchMethod.EXACT)) {
            Set<Integer> there = new HashSet<>();
            for (Entry entry : gallery.entries()) {
                int number = Integer.parseInt(entry.identity().substring("person ".length()));
                Enrollment whole = EnrollingChild.enrollment(number);
                float[] unit = UnitVector.of(whole.embedding(), EnrollingChild.DIMENSION, "expected");
                boolean same = whole.note().equals(entry.note())
                        && Arrays.equals(gallery.embedding(entry.id()).orElseThrow(), unit);
                assertThat(same).as("%d is whole", number).isTrue();
                assertThat(there.add(number)).as("%d is there once", number).isTrue();
            }
            acknowledged.forEach(number ->
                    assertThat(there.contains(number)).as("%d is there", number).isTrue());
        }
    }

    @Test
    void aFullDiskIsOneSentenceAndWhatWasThereStays() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");

        Process limited = child(List.of("/bin/bash", "-c", "ulimit -f 16; exec \"$@\"", "bash"), 0, 10);
        List<String> lines = new ArrayList<>();
        try (BufferedReader out = limited.inputReader()) {
            out.lines().forEach(lines::add);
        }

        assertThat(limited.waitFor()).isEqualTo(1);
        assertThat(lines).hasSize(2); // one alone, and then a batch
        assertThat(lines.get(1))
                .startsWith("error: cannot write gallery " + file + ": ")
                .endsWith("; nothing of this was enrolled or removed, free some space");
        Set<Integer> acknowledged = new HashSet<>();
        remember(lines.get(0), acknowledged);
        assertThat(Files.size(file)).as("cut to whole records").isLessThan(1024);
        assertAllThere(acknowledged);
        assertThat(lastLine(child(List.of(), 10, 3))).isEqualTo(12 * EnrollingChild.BATCH + " 1;");
    }
}
