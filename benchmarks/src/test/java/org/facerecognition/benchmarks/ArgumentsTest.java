package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.augment.Presets;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.LibraryReduction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {
    @Test
    void readsNumbersAndDefaults() {
        Arguments arguments = new Arguments(new String[] {"3"});
        assertThat(arguments.number(0, "ROUNDS", 1, 5)).isEqualTo(3);
        assertThat(arguments.number(1, "STEPS", 1, 8)).isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "three", "1.5", ""})
    void rejectsOtherNumbers(String word) {
        assertThatThrownBy(() -> Arguments.atLeast(1, "ROUNDS", word))
                .isInstanceOf(ArgumentException.class)
                .hasMessage("ROUNDS must be a whole number of at least 1, but was " + word);
    }

    @Test
    void readsNamesWhateverTheirCase() {
        assertThat(Arguments.oneOf(Encoder.values(), Encoder::id, "ENCODER", "ResNet34"))
                .isEqualTo(Encoder.RESNET34);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "parts=troughput",
                "peers=Prepared",
                "nets=resnet",
                "batches=0",
                "neighbors=-1",
                "threads=0",
                "part=start",
                "0",
                "x"
            })
    void rejectsWrongArgumentsOfInference(String argument) {
        assertThatThrownBy(() -> InferenceBenchmark.run(new String[] {argument}))
                .isInstanceOf(ArgumentException.class)
                .hasMessageContaining("but was");
    }

    @Test
    void rejectsWrongArgumentsOfOtherBenchmarks() {
        rejects(() -> HeadsBenchmark.run(new String[] {"0"}), "ROUNDS");
        rejects(() -> HeadsBenchmark.run(new String[] {"1", "501"}), "CLASSES");
        rejects(() -> WeightsBenchmark.run(new String[] {"0"}), "ROUNDS");
        rejects(() -> GalleryBenchmark.run(new String[] {"7", "5"}), "N");
        rejects(() -> LargeGalleryBenchmark.run(new String[] {"folder", "3000000", "1000000"}), "N");
        rejects(() -> TrainingBenchmark.run(new String[] {"1", "1", "tpu"}), "DEVICE");
        rejects(() -> RecognitionBenchmark.run(new String[] {"a", "b", "c", "1", "int4"}), "precision");
        rejects(() -> ExportsBenchmark.run(new String[] {"resnet"}), "ENCODER");
    }

    private interface Run {
        void run() throws Exception;
    }

    private static void rejects(Run run, String name) {
        assertThatThrownBy(run::run).isInstanceOf(ArgumentException.class).hasMessageStartingWith(name + " must be");
    }

    @ParameterizedTest
    @CsvSource({
        "jdbc:postgresql://localhost/faces, true",
        "'jdbc:postgresql://127.0.0.1:5432,localhost/faces?user=x', true",
        "jdbc:postgresql://[::1]:5432/faces, true",
        "jdbc:postgresql:faces, true",
        "jdbc:postgresql:///faces, true",
        "jdbc:postgresql://192.0.2.1:5432/faces, false"
    })
    void tellsDatabasesOfThisMachine(String address, boolean here) throws Exception {
        assertThat(GalleryDatabaseBenchmark.isOnThisMachine(address)).isEqualTo(here);
    }

    @Test
    void fewDurationsHaveNo99thPercentile() {
        assertThat(GalleryBenchmark.p99(new double[99])).isEqualTo("–");
        assertThat(GalleryBenchmark.p99(IntStream.range(0, 100).asDoubleStream().toArray()))
                .isEqualTo("99");
    }

    @Test
    void growingSizesAreAccepted() {
        assertThat(LargeGalleryBenchmark.sizes(new String[] {"folder", "1000", "3000"}))
                .isEqualTo(List.of("1000", "3000"));
    }

    /** A cell that was measured in whole numbers got a decimal place. */
    @ParameterizedTest
    @CsvSource({
        "92 (89 to 93), 92",
        "63.3 (56.3 to 65.5), 63.3",
        "835.5 (792.8 to 917.1), 836",
        "1234 (1 to 2), '1,234'"
    })
    void theSummaryShowsMediansAsMeasured(String cell, String shown) {
        assertThat(Summary.shown(cell)).isEqualTo(shown);
    }

    @Test
    void stepsThatAreTimedFitIntoAnEpoch() {
        assertThat(TrainingBenchmark.imagesEach(TrainerLoop.images(8, 16))).isEqualTo(8);
        int images = TrainerLoop.images(40, 128);
        int copies = 100 * (1 + Presets.fiveColor().size());
        assertThat(TrainingBenchmark.imagesEach(images) * copies).isGreaterThanOrEqualTo(images);
    }

    @ParameterizedTest
    @ValueSource(ints = {250, 1919, 1920, 3000, 3840, 7680})
    void theCarefulUserReducesAsTheLibraryDoes(int side) {
        assertThat(CarefulUser.reduction(side)).isEqualTo(LibraryReduction.of(side));
    }
}
