package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** No memory is allocated according to numbers in a file alone, even if their checksum is correct. */
class GalleryBoundsTest {
    private static final int D = 8;
    private static final long ZEROS = 1 << 26;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery open(SearchMethod method) {
        return Gallery.open(file, "model", D, method);
    }

    private void enrollSome(SearchMethod method) {
        try (Gallery gallery = open(method)) {
            gallery.enroll(IntStream.range(0, 30)
                    .mapToObj(i -> Traces.enrollment(i, D))
                    .toList());
        }
    }

    /** Opens a gallery for reading and then for writing, and prints the number of entries and torn bytes each time. */
    static final class Opens {
        private Opens() {}

        public static void main(String[] args) {
            Path file = Path.of(args[0]);
            try (Gallery gallery = Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT)) {
                System.out.print(gallery.size() + " " + gallery.tornBytes());
            }
            try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.EXACT)) {
                System.out.println(", " + gallery.size() + " " + gallery.tornBytes());
            }
        }
    }

    /** The zeros used to be read into memory: a gigabyte of them exhausted it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void cutsOffZerosWithoutKeepingThemInMemory(int version) throws Exception {
        if (version == 1) {
            try (InputStream in = GalleryBoundsTest.class.getResourceAsStream("/gallery/version1.gallery")) {
                Files.copy(in, file);
            }
        } else {
            enrollSome(SearchMethod.EXACT);
        }
        int size = version == 1 ? 6 : 30;
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(ZEROS + 100);
        }
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx" + ZEROS / 4,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Opens.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(EnrollingChild.lastLine(child)).matches(size + " \\d{8}, " + size + " \\d{8}");
        assertThat(Files.size(file)).isLessThan(10_000);
    }

    @ParameterizedTest
    @CsvSource({"2147483647, 1", "-1, 1", "65537, 1", "1, 1", "8, 0", "8, -5", "8, 4611686018427387904"})
    void rejectsImplausibleHeaders(int dimension, long firstEntry) throws IOException {
        Files.write(file, new LogHeader(UUID.randomUUID(), dimension, firstEntry, "model", null).encode());
        assertThatThrownBy(() -> Gallery.info(file))
                .isInstanceOf(GalleryException.class)
                .hasMessageContaining("is damaged: its header");
    }

    /** What was enrolled then could not be read again. */
    @Test
    void refusesEntriesBeyondTheHighestNumber() throws IOException {
        long last = LogRecord.MAX_ENTRY;
        Files.write(file, new LogHeader(UUID.randomUUID(), D, last - 1, "model", null).encode());
        Enrollment[] three = IntStream.range(0, 3)
                .mapToObj(i -> new Enrollment("p" + i, TestFaces.direction(i, D)))
                .toArray(Enrollment[]::new);
        for (int opening = 0; opening < 2; opening++) {
            try (Gallery gallery = open(SearchMethod.EXACT)) {
                assertThatThrownBy(() -> gallery.enroll(List.of(three)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("no more entries can be enrolled: the next entry's number would be");
                if (opening == 0) {
                    assertThat(gallery.enroll(List.of(three[0]))).containsExactly(last - 1);
                } else {
                    assertThat(gallery.size()).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void rejectsLaterVersionsOfTheFormat() throws IOException {
        enrollSome(SearchMethod.EXACT);
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer header =
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(8, 3);
        int checked = 44 + "model".length();
        header.putInt(checked, crc(bytes, checked));
        Files.write(file, bytes);
        assertThatThrownBy(() -> open(SearchMethod.EXACT))
                .hasMessage(
                        "gallery " + file + " must be of format version 1 or 2, but is of 3; use the version of this"
                                + " library that wrote it");
    }

    @ParameterizedTest
    @CsvSource({"9223372036854775776, 1", "64, 2147483647", "0, 2147483647", "-32, 1", "32, -1"})
    void ignoresUncommittedAndRejectsCommittedBatchesWithWrongSizes(long length, int count) throws IOException {
        enrollSome(SearchMethod.EXACT);
        byte[] whole = Files.readAllBytes(file);
        UUID id = LogReader.header(file).id();
        BatchMark batch = new BatchMark(BatchMark.Kind.ENTRIES, whole.length, length, count);
        byte[] longer = Arrays.copyOf(whole, whole.length + 128);
        System.arraycopy(batch.encode(id), 0, longer, whole.length, BatchMark.BYTES);
        Files.write(file, longer);
        try (Gallery gallery = Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT)) {
            assertThat(gallery.size()).isEqualTo(30);
        }
        if (length >= 0 && length <= 64 && count > 0) {
            int commit = (int) (whole.length + BatchMark.BYTES + length);
            System.arraycopy(batch.commit().encode(id), 0, longer, commit, BatchMark.BYTES);
            Files.write(file, longer);
            assertThatThrownBy(() -> open(SearchMethod.EXACT)).hasMessageContaining("is damaged at byte");
        }
    }

    /** Replaces numbers of the saved graph by implausible ones, one at a time and with a correct checksum. */
    @Test
    void rebuildsSavedGraphsWithImplausibleNumbers() throws IOException {
        enrollSome(SearchMethod.HNSW);
        Path graph = folder.resolve("people.gallery.hnsw");
        byte[] whole = Files.readAllBytes(graph);
        for (int at = 24; at + 8 <= whole.length; at += 5 + at / 16) {
            for (int number : new int[] {Integer.MAX_VALUE, -1, 1 << 20}) {
                byte[] changed = whole.clone();
                ByteBuffer.wrap(changed).putInt(at, number);
                ByteBuffer.wrap(changed).putInt(whole.length - 4, crc(changed, whole.length - 4));
                Files.write(graph, changed);
                try (Gallery gallery = Gallery.openReadOnly(file, "model", D, SearchMethod.HNSW)) {
                    assertThat(gallery.identify(TestFaces.direction(7, D), 1, 0.9)
                                    .isKnown())
                            .as("%d at %d", number, at)
                            .isTrue();
                }
            }
        }
        Files.write(graph, new byte[5_000_000]);
        open(SearchMethod.HNSW).close();
        assertThat(Files.size(graph)).as("rewritten").isLessThan(10_000);
    }

    @Test
    void rejectsAStoredEmbeddingThatIsNotUnitNorm() throws IOException {
        open(SearchMethod.EXACT).close();
        LogHeader header = LogReader.header(file);
        try (LogWriter writer =
                LogWriter.open(file, LogFile::open, new LogReader.Result(header, Files.size(file), 0, List.of()))) {
            writer.append(
                    List.of(new LogRecord.Enrolled(1, "a", null, null, new float[D])),
                    BatchMark.Kind.ENTRIES,
                    offset -> {});
        }
        assertThatThrownBy(() -> open(SearchMethod.EXACT)).hasMessageContaining("is damaged at byte 96");
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
