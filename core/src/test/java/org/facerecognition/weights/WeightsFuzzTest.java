package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bytedeco.javacpp.PointerScope;

/** Damaged files are read or refused with a sentence that names them; nothing else ever comes out. */
class WeightsFuzzTest {
    private static Path folder;

    @BeforeContainer
    static void makeFolder() throws IOException {
        folder = Files.createTempDirectory("weights-fuzz");
    }

    @AfterContainer
    static void deleteFolder() throws IOException {
        Files.deleteIfExists(folder.resolve("mutated"));
        Files.delete(folder);
    }

    @Provide
    static Arbitrary<String> files() {
        return Arbitraries.of(
                "zip.pth", "odd.pth", "old.pth", "odd-old.pth", "nested.pth", "evil.pth", "compressed.pth");
    }

    @Property(tries = 20_000, shrinking = ShrinkingMode.OFF)
    void mutatedFilesAreReadOrRefused(@ForAll("files") String name, @ForAll long seed) throws IOException {
        byte[] bytes = mutated(Files.readAllBytes(WeightsTest.resource(name)), new Random(seed));
        Path file = Files.write(folder.resolve("mutated"), bytes);
        try (PointerScope scope = new PointerScope()) {
            Weights weights = Weights.read(file);
            weights.names().forEach(weights::read);
        } catch (WeightsException e) {
            assertThat(e.getMessage()).contains(file.toString()).hasSizeLessThan(2000);
        }
    }

    /** Some bytes overwritten, a stretch left out or doubled, or the end cut off; mostly near the start, where the sense is. */
    private static byte[] mutated(byte[] bytes, Random random) {
        byte[] result = bytes;
        for (int times = 1 + random.nextInt(4); times > 0; times--) {
            int at = random.nextInt(random.nextBoolean() ? Math.min(result.length, 700) : result.length);
            switch (random.nextInt(6)) {
                case 0 -> result = spliced(result, at, at + random.nextInt(20), 0);
                case 1 -> result = spliced(result, at, at, random.nextInt(20));
                case 2 -> result = spliced(result, at, result.length, 0);
                default -> {
                    result = result.clone();
                    result[at] = random.nextBoolean()
                            ? (byte) random.nextInt(256)
                            : (byte) (result[at] ^ 1 << random.nextInt(8));
                }
            }
            if (result.length == 0) {
                return result;
            }
        }
        return result;
    }

    private static byte[] spliced(byte[] bytes, int from, int to, int repeated) {
        int end = Math.min(to, bytes.length);
        int extra = Math.min(repeated, bytes.length - from);
        byte[] result = new byte[bytes.length - (end - from) + extra];
        System.arraycopy(bytes, 0, result, 0, from);
        System.arraycopy(bytes, from, result, from, extra);
        System.arraycopy(bytes, end, result, from + extra, bytes.length - end);
        return result;
    }
}
