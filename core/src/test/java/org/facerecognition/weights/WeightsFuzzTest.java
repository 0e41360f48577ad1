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
import net.jqwik.api.statistics.Statistics;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.Mutations;

/**
 * Checks that damaged files are either read or rejected with a message that names them, and never have another outcome.
 * {@code DamagedFilesTest} tries twenty thousand more.
 */
class WeightsFuzzTest {
    private static Path folder;

    @BeforeContainer
    static void createFolder() throws IOException {
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

    @Property(tries = 2_000, shrinking = ShrinkingMode.OFF)
    void readsOrRejectsMutatedFiles(@ForAll("files") String name, @ForAll long seed) throws IOException {
        byte[] bytes = Mutations.of(Files.readAllBytes(WeightsTest.resource(name)), new Random(seed));
        Path file = Files.write(folder.resolve("mutated"), bytes);
        try (PointerScope scope = new PointerScope()) {
            Weights weights = Weights.read(file);
            weights.names().forEach(weights::read);
            Statistics.collect("read");
        } catch (WeightsException e) {
            assertThat(e.getMessage()).contains(file.toString()).hasSizeLessThan(2000);
            Statistics.collect("rejected");
        }
        Statistics.coverage(coverage -> {
            coverage.check("read").count(count -> count > 0);
            coverage.check("rejected").count(count -> count > 0);
        });
    }
}
