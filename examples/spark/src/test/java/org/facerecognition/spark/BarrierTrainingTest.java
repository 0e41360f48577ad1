package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rejects ranks that share a process; {@link LocalClusterTest} trains. */
class BarrierTrainingTest {
    /** In a local master, to set the number of processors of a task does not help. */
    @ParameterizedTest
    @CsvSource({
        "driver, 'a local master has one process for all: use local-cluster or a cluster, or one rank'",
        "7, set spark.task.cpus to the value of spark.executor.cores"
    })
    void saysHowEachRankGetsAnExecutor(String executor, String advice) {
        assertThatThrownBy(() -> BarrierTraining.requireOneRankEach(new String[] {executor, executor}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("each rank must have an executor of its own, but ranks 0 and 1 are both in executor "
                        + executor + "; " + advice);
    }
}
