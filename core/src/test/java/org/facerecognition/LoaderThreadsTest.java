package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.Normalization;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoaderThreadsTest {
    private final String former = System.getProperty(Processors.PROPERTY);

    @AfterEach
    void restore() {
        if (former == null) {
            System.clearProperty(Processors.PROPERTY);
        } else {
            System.setProperty(Processors.PROPERTY, former);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "8, 2"})
    void areTwoWhereThereAreProcessorsForThem(String processors, int threads) {
        System.setProperty(Processors.PROPERTY, processors);
        assertThat(BatchLoader.Settings.of(112, Normalization.SYMMETRIC).threads())
                .isEqualTo(threads);
        assertThat(TrainerArgs.builder().build().loading().loaderThreads()).isEqualTo(threads);
        assertThat(TrainerArgs.builder().loaderThreads(5).build().loading().loaderThreads())
                .isEqualTo(5);
    }
}
