package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.facerecognition.backbone.Encoder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightsCacheTest {
    private static final int SIZE = 300_000;
    private static final int PARTIAL = 100_000;

    @TempDir
    Path folder;

    private final byte[] bytes = new byte[SIZE];
    private LyingServer server;
    private WeightsCache cache;

    @BeforeEach
    void serve() throws IOException {
        new Random(0).nextBytes(bytes);
        server = new LyingServer();
        cache = new WeightsCache(folder.resolve("cache"));
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    /** Java says "?" of a user id without an account, as containers have; that became a folder of the present one. */
    @ParameterizedTest
    @ValueSource(strings = {"?", "", " "})
    void aUserWithoutAHomeMustNameAFolder(String home) {
        assumeThat(System.getenv("FACE_RECOGNITION_CACHE")).isNull();
        String former = System.setProperty("user.home", home);
        try {
            assertThatThrownBy(WeightsCache::standard)
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(
                            "there is no folder for downloaded weights, because this user has no home; name one with"
                                    + " the environment variable FACE_RECOGNITION_CACHE");
        } finally {
            System.setProperty("user.home", former);
        }
    }

    private static String sum(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private RemoteFile remote() throws Exception {
        return new RemoteFile(server.address("a/net.pth"), sum(bytes), "MIT");
    }

    private List<Path> filesKept() throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith(".lock"))
                    .toList();
        }
    }

    @Test
    void downloadsOnceAndReportsTheLicenseOnce() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, SIZE);
        List<String> licenses = new ArrayList<>();
        List<Long> progress = new ArrayList<>();
        FetchListener listener = new FetchListener() {
            @Override
            public void begins(RemoteFile remote) {
                licenses.add(remote.license());
            }

            @Override
            public void progressed(long received, long total) {
                assertThat(total).isEqualTo(SIZE);
                progress.add(received);
            }
        };
        Path file = cache.fetch(remote(), listener);
        Path again = cache.fetch(remote(), listener);
        assertThat(file).hasBinaryContent(bytes).isEqualTo(again);
        assertThat(licenses).containsExactly("MIT");
        assertThat(progress).isSorted().contains(0L, (long) SIZE);
        assertThat(server.ranges()).containsExactly("");
        assertThat(WeightsCache.origin(file)).containsEntry("license", "MIT").containsEntry("sha256", sum(bytes));
    }

    /** A lock was taken first, although nothing had to be written: images with weights in them are read-only. */
    @Test
    void needsNothingWrittenForAFileThatIsThere() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, SIZE);
        Path file = cache.fetch(remote(), FetchListener.NONE);
        Files.deleteIfExists(file.resolveSibling(".lock"));
        Files.createDirectory(file.resolveSibling(".lock")); // where no lock can be taken
        assertThat(cache.fetch(remote(), FetchListener.NONE)).isEqualTo(file);
        Thread.currentThread().interrupt();
        try {
            assertThat(cache.fetch(remote(), FetchListener.NONE)).isEqualTo(file);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    /** The server has no bytes behind the last one, and a whole file was deleted and fetched again. */
    @Test
    void aWholeFileThatWasNotMovedYetIsNotFetchedAgain() throws Exception {
        server.answering("416 Range Not Satisfiable", 0, bytes, 0, 0).answering("200 OK", SIZE, bytes, 0, SIZE);
        Path part = folder.resolve("cache").resolve(sum(bytes).substring(0, 8)).resolve("net.pth.part");
        Files.createDirectories(part.getParent());
        Files.write(part, bytes);
        Path file = cache.fetch(remote(), FetchListener.NONE);
        assertThat(file).hasBinaryContent(bytes);
        assertThat(server.ranges()).isEmpty();
        assertThat(filesKept()).containsExactlyInAnyOrder(file, file.resolveSibling("net.pth.json"));
    }

    /** Chroots and sandboxes have no mount point to ask, and some mounts report no bytes. */
    @Test
    void anUnknownAmountOfFreeSpaceStopsNoDownload() throws IOException {
        Download.requireSpace(folder.resolve("missing"), 1);
        if (Files.isDirectory(Path.of("/proc/self"))) { // which has no bytes
            Download.requireSpace(Path.of("/proc/self"), 1);
        }
        assertThatThrownBy(() -> Download.requireSpace(folder, Long.MAX_VALUE))
                .isInstanceOf(IOException.class)
                .hasMessageMatching("the download needs 9223372036854775807 bytes, but only \\d+ are free");
    }

    @Test
    void resumesAnInterruptedDownload() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, PARTIAL)
                .answering("206 Partial Content", SIZE - PARTIAL, bytes, PARTIAL, SIZE);
        assertThat(cache.fetch(remote(), FetchListener.NONE)).hasBinaryContent(bytes);
        assertThat(server.ranges()).containsExactly("", "bytes=" + PARTIAL + "-");
    }

    @Test
    void failsWithoutProgressAndResumesInTheNextCall() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, PARTIAL).answering("503 Later", 0, bytes, 0, 0);
        assertThatThrownBy(() -> cache.fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("answers 503")
                .hasMessageContaining(PARTIAL + " bytes were received and kept; try again later");
        try (LyingServer repaired = new LyingServer()) {
            repaired.answering("206 Partial Content", SIZE - PARTIAL, bytes, PARTIAL, SIZE);
            RemoteFile elsewhere = new RemoteFile(repaired.address("b/net.pth"), sum(bytes), "MIT");
            assertThat(cache.fetch(elsewhere, FetchListener.NONE)).hasBinaryContent(bytes);
            assertThat(repaired.ranges()).containsExactly("bytes=" + PARTIAL + "-");
        }
    }

    @Test
    void startsOverWhenTheServerCannotResume() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, PARTIAL).answering("200 OK", SIZE, bytes, 0, SIZE);
        assertThat(cache.fetch(remote(), FetchListener.NONE)).hasBinaryContent(bytes);
    }

    /** Every second answer was longer than the one before it, which counted as progress without end. */
    @Test
    @Timeout(60)
    void aServerThatAlwaysBreaksOffIsGivenUp() throws Exception {
        for (int i = 0; i < 50; i++) {
            server.answering("200 OK", SIZE, bytes, 0, PARTIAL).answering("200 OK", SIZE, bytes, 0, PARTIAL / 2);
        }
        assertThatThrownBy(() -> cache.fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("the connection broke");
        assertThat(server.ranges()).hasSize(4); // one that had more bytes than before, and three that had not
    }

    @Test
    void discardsAPartialFileOfAnotherDownload() throws Exception {
        Path part = folder.resolve("cache").resolve(sum(bytes).substring(0, 8)).resolve("net.pth.part");
        Files.createDirectories(part.getParent());
        Files.write(part, new byte[PARTIAL]);
        server.answering("206 Partial Content", SIZE - PARTIAL, bytes, PARTIAL, SIZE)
                .answering("200 OK", SIZE, bytes, 0, SIZE);
        assertThat(cache.fetch(remote(), FetchListener.NONE)).hasBinaryContent(bytes);

        Files.delete(part.resolveSibling("net.pth"));
        Files.write(part, new byte[SIZE + 1]);
        try (LyingServer strict = new LyingServer()) {
            strict.answering("416 Range Not Satisfiable", 0, bytes, 0, 0).answering("200 OK", SIZE, bytes, 0, SIZE);
            RemoteFile remote = new RemoteFile(strict.address("net.pth"), sum(bytes), "MIT");
            assertThat(cache.fetch(remote, FetchListener.NONE)).hasBinaryContent(bytes);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, PARTIAL}) // other bytes of the right length; more bytes than the length claims
    void rejectsOtherBytesAndKeepsNothing(int claimed) throws Exception {
        byte[] other = new byte[SIZE];
        server.answering("200 OK", claimed, other, 0, SIZE);
        assertThatThrownBy(() -> cache.fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("must have the sha256 " + sum(bytes))
                .hasMessageContaining("nothing was kept");
        assertThat(filesKept()).isEmpty();
    }

    @Test
    void rejectsAnAbsurdLengthBeforeWritingAnything() throws Exception {
        server.answering("200 OK", 1L << 50, bytes, 0, SIZE);
        assertThatThrownBy(() -> cache.fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("announces " + (1L << 50) + " bytes");
        assertThat(filesKept()).isEmpty();
    }

    @Test
    void reportsAWrongAddress() throws Exception {
        server.answering("404 Not Found", 0, bytes, 0, 0);
        assertThatThrownBy(() -> cache.fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("answers 404; check the address");
        assertThat(server.ranges()).hasSize(1);
    }

    @Test
    void reportsAnUnreachableServer() throws Exception {
        RemoteFile remote = remote();
        server.close();
        assertThatThrownBy(() -> cache.fetch(remote, FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("cannot fetch http://127.0.0.1")
                .hasMessageContaining("try again later");
    }

    @Test
    void downloadsADamagedFileAgain() throws Exception {
        server.answering("200 OK", SIZE, bytes, 0, SIZE);
        Path file = cache.fetch(remote(), FetchListener.NONE);
        Files.write(file, new byte[10]);
        assertThat(cache.fetch(remote(), FetchListener.NONE)).hasBinaryContent(bytes);
    }

    @Test
    void copiesALocalFileAndKeepsItsLicense() throws Exception {
        Path original = WeightsTest.resource("zip.pth");
        RemoteFile remote = new RemoteFile(
                original.toUri(), sum(Files.readAllBytes(original)).substring(0, 8), "CC0");
        Weights weights = Weights.read(cache.fetch(remote, FetchListener.NONE));
        assertThat(weights.names()).isEqualTo(Weights.read(original).names());
        assertThat(weights.metadata()).containsEntry("license", "CC0");
    }

    @Test
    void reportsACacheThatCannotBeWritten() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        server.answering("200 OK", SIZE, bytes, 0, SIZE);
        assertThatThrownBy(() -> new WeightsCache(file).fetch(remote(), FetchListener.NONE))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("choose another cache folder");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"http://example.org/net.pth", "ftp://example.org/net.pth", "net.pth", "https://example.org/"})
    void rejectsOtherAddresses(String address) {
        assertThatThrownBy(() -> new RemoteFile(URI.create(address), "0123abcd", "MIT"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("address must be");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0123abc", "0123abcx", "sha256:0123abcd"})
    void rejectsInvalidChecksums(String sum) {
        assertThatThrownBy(() -> new RemoteFile(URI.create("https://example.org/net.pth"), sum, "MIT"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sha256 must be");
    }

    @Test
    void sanitizesTheFileName() {
        RemoteFile remote = new RemoteFile(URI.create("https://example.org/a/..%2F..%2Fb%20c.pth"), "0123abcd", "MIT");
        assertThat(remote.fileName()).isEqualTo("b_c.pth");
        assertThat(new RemoteFile(URI.create("https://example.org/.."), "0123abcd", "MIT").fileName())
                .isEqualTo("_");
    }

    @Test
    void hasImageNetWeightsOfAllTorchvisionEncodersOnly() {
        for (Encoder encoder : Encoder.values()) {
            if (encoder.origin() == Encoder.Origin.TORCHVISION) {
                RemoteFile remote = ImageNetWeights.of(encoder.id());
                assertThat(remote.address().toString())
                        .startsWith("https://download.pytorch.org/models/" + encoder.id())
                        .endsWith(remote.sha256() + ".pth");
                assertThat(remote.license()).contains("BSD-3-Clause").contains("ImageNet");
            } else {
                assertThatThrownBy(() -> ImageNetWeights.of(encoder.id()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("to start from ImageNet, but was " + encoder.id());
            }
        }
    }
}
