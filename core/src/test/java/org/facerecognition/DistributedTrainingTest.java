package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Trains the same in one process and in several, on synthetic faces. */
class DistributedTrainingTest {
    @TempDir
    Path folder;

    private RankProcesses processes;

    @BeforeEach
    void create() {
        processes = new RankProcesses(folder);
    }

    @AfterEach
    void end() {
        processes.close();
    }

    private static void assertSame(Map<Integer, Double> losses, Map<Integer, Double> expected) {
        assertThat(losses.keySet()).isEqualTo(expected.keySet());
        losses.forEach((step, loss) ->
                assertThat(loss).as("step " + step).isCloseTo(expected.get(step), within(1e-5 * expected.get(step))));
    }

    @Nested
    class SameLosses {
        /** 24 samples in batches of 7: the last batch has 3, fewer than there are ranks, and two slices are unequal. */
        @ParameterizedTest
        @ValueSource(ints = {2, 4})
        void asInOneProcess(int ranks) throws IOException, InterruptedException {
            String[] options = {"steps=10", "batch=7", "sync=true"};
            Map<Integer, Double> alone = processes.run(1, options).losses();
            assertThat(alone).hasSize(10);
            assertSame(processes.run(ranks, options).losses(), alone);
        }
    }
}
