package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoadingPlanTest {
    /** The processor that converts to floats was not counted. */
    @ParameterizedTest
    @CsvSource({
        "'BatchLoader, files, 1 loader thread', 8, 2",
        "'BatchLoader, files, 2 loader threads', 8, 3",
        "'BatchLoader, files, 2 loader threads', 2, 2",
        "'Python torchvision 0.29 on PIL, DataLoader with 1 worker', 8, 1"
    })
    void countsTheProcessorsThatAContestantKeepsBusy(String name, int available, int busy) {
        assertThat(LoadingBenchmark.processors(name, available)).isEqualTo(busy);
    }
}
