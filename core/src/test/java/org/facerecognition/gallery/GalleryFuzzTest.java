package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Galleries and saved graphs with random mutations are either read or rejected with a clear message. Each build tests
 * 400 of them, or 20,000 with {@code -Dtests.long=true}.
 */
class GalleryFuzzTest {
    private static final int D = 8;
    private static final int[] NUMBERS = {0, 1, -1, 31, 64, 255, 1 << 16, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE
    };

    @TempDir
    Path folder;

    private Path file;
    private Path graph;
    private final List<byte[]> seeds = new ArrayList<>();

    @Test
    void readsOrRejectsMutatedFiles() throws IOException {
        file = folder.resolve("people.gallery");
        graph = folder.resolve("people.gallery.hnsw");
        byte[] savedGraph = makeSeeds();
        loadNatives();
        int cases = Boolean.getBoolean("tests.long") ? 20_000 : 400;
        Random random = new Random(Long.getLong("tests.seed", 3));
        int read = 0;
        long slowest = 0;
        for (int i = 0; i < cases; i++) {
            Files.write(file, mutated(seeds.get(random.nextInt(seeds.size())), random, false));
            Files.write(graph, random.nextBoolean() ? savedGraph : mutated(savedGraph, random, true));
            long start = System.nanoTime();
            read += canBeRead(random, i) ? 1 : 0;
            slowest = Math.max(slowest, System.nanoTime() - start);
        }
        System.out.printf("%d mutated galleries: %d read, slowest %d ms%n", cases, read, slowest / 1_000_000);
        assertThat(read).isBetween(1, cases - 1);
    }

    private byte[] makeSeeds() throws IOException {
        for (String name : List.of("version1.gallery", "version1-graph.gallery")) {
            try (InputStream in = GalleryFuzzTest.class.getResourceAsStream("/gallery/" + name)) {
                seeds.add(in.readAllBytes());
            }
        }
        try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.HNSW)) {
            gallery.enroll(IntStream.range(0, 25)
                    .mapToObj(i -> Traces.enrollment(i, D))
                    .toList());
        }
        byte[] savedGraph = Files.readAllBytes(graph);
        seeds.add(Files.readAllBytes(file));
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            gallery.remove(3);
            gallery.enroll(IntStream.range(30, 33)
                    .mapToObj(i -> Traces.enrollment(i, D))
                    .toList());
            gallery.remove(Traces.name(9));
            gallery.enroll("last", TestFaces.direction(77, D));
        }
        seeds.add(Files.readAllBytes(file));
        return savedGraph;
    }

    /** Loads libtorch before the time is measured, which takes as long as a thousand galleries. */
    private static void loadNatives() {
        try (Gallery gallery = Gallery.inMemory("model", D)) {
            gallery.enroll("a", TestFaces.direction(1, D));
            gallery.identify(TestFaces.direction(1, D), 1, 0);
        }
    }

    private boolean canBeRead(Random random, int i) {
        SearchMethod method = SearchMethod.values()[random.nextInt(SearchMethod.values().length)];
        try (Gallery gallery =
                i % 4 == 0 ? Gallery.open(file, "model", D, method) : Gallery.openReadOnly(file, "model", D, method)) {
            gallery.identify(TestFaces.direction(5, D), Integer.MAX_VALUE, -1);
            assertThat(gallery.entries()).hasSize(gallery.size());
            return true;
        } catch (GalleryException e) {
            assertThat(e).hasMessageContaining("gallery " + file);
            assertThat(e.getMessage()).doesNotContain("null", "Exception");
            return false;
        }
    }

    private static byte[] mutated(byte[] seed, Random random, boolean withChecksum) {
        byte[] bytes = seed.clone();
        for (int change = 1 + random.nextInt(3); change > 0 && bytes.length > 64; change--) {
            int at = random.nextInt(bytes.length);
            int length = Math.min(bytes.length - at, 1 + random.nextInt(200));
            switch (random.nextInt(7)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> Arrays.fill(bytes, at, at + length, (byte) 0);
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                case 3 -> bytes = Arrays.copyOf(bytes, bytes.length + random.nextInt(20_000));
                case 4 ->
                    System.arraycopy(
                            seed, random.nextInt(seed.length - 64), bytes, at, Math.min(64, bytes.length - at));
                case 5 -> {
                    for (int i = at; i < at + length; i++) {
                        bytes[i] = (byte) random.nextInt();
                    }
                }
                default -> putNumber(bytes, at / 4 * 4, NUMBERS[random.nextInt(NUMBERS.length)], withChecksum);
            }
        }
        if (withChecksum && bytes.length > 8) {
            ByteBuffer.wrap(bytes).putInt(bytes.length - 4, crc(bytes, 0, bytes.length - 4));
        }
        return bytes;
    }

    /** Writes a number. If it is the length of a record, its checksum is adjusted. */
    private static void putNumber(byte[] bytes, int at, int number, boolean bigEndian) {
        if (at + 8 > bytes.length) {
            return;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        int length = buffer.getInt(at);
        if (!bigEndian && buffer.getInt(at + 4) == LogRecord.lengthCheck(length, at)) {
            buffer.putInt(at + 4, LogRecord.lengthCheck(number, at));
        }
        buffer.putInt(at, number);
    }

    private static int crc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }
}
