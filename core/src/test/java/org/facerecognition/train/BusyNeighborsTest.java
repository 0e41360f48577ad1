package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BusyNeighborsTest {
    private static final int HERTZ = 100;
    private static final int PROCESSORS = 4;

    private double seconds = 1000; // of a machine that is on already
    private double waited = 30;
    private double busy = 500;
    private double own = 100;

    /** A training of 1.5 processors for some time. */
    private void pass(double time, double waiting, double others) {
        seconds += time;
        waited += waiting * time;
        own += 1.5 * time;
        busy += (1.5 + others) * time;
    }

    private BusyNeighbors watch(int threads) {
        return new BusyNeighbors(
                threads,
                () -> seconds,
                () -> Optional.of(new BusyNeighbors.Use(
                        waited,
                        (long) (seconds * HERTZ * PROCESSORS),
                        (long) (busy * HERTZ),
                        (long) (own * HERTZ),
                        PROCESSORS)));
    }

    @Test
    void saysOnceThatFewerThreadsMayBeFaster() {
        BusyNeighbors neighbors = watch(2);
        assertThat(neighbors.afterStep()).isEmpty();
        pass(19, 0.9, 1);
        assertThat(neighbors.afterStep()).as("in the window").isEmpty();
        pass(2, 0.9, 1);
        assertThat(neighbors.afterStep())
                .hasValue(
                        "other programs use 1.0 processors, and the 2 threads of this training wait for one another in"
                                + " every layer: it may be faster with 1 (--compute-threads 1, also when it is resumed;"
                                + " in Java, Libtorch.setThreads)");
        pass(30, 0.9, 1);
        assertThat(neighbors.afterStep()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"4, 0.4, 3", "4, 1.6, 2", "4, 5, 1", "2, 3, 1"})
    void suggestsAThreadLessForEachThatWaits(int threads, double waiting, int fewer) {
        BusyNeighbors neighbors = watch(threads);
        neighbors.afterStep();
        pass(20, waiting, 2);
        assertThat(neighbors.afterStep())
                .hasValueSatisfying(note -> assertThat(note).contains("--compute-threads " + fewer + ","));
    }

    @ParameterizedTest
    @CsvSource({
        "0.05, 0", // alone
        "0.5, 0.1", // the training's own threads wait for one another
        "0.1, 2" // there are processors for all
    })
    void saysNothingWithoutNeed(double waiting, double others) {
        BusyNeighbors neighbors = watch(2);
        for (int i = 0; i < 5; i++) {
            assertThat(neighbors.afterStep()).isEmpty();
            pass(25, waiting, others);
        }
    }

    @Test
    void noticesAProgramThatBeginsLater() {
        BusyNeighbors neighbors = watch(2);
        neighbors.afterStep();
        pass(3600, 0.05, 0);
        assertThat(neighbors.afterStep()).isEmpty();
        pass(20, 0.7, 1);
        assertThat(neighbors.afterStep()).isPresent();
    }

    @Test
    void looksOnlyWhereThereAreSeveralThreadsAndTheSystemTells() {
        BusyNeighbors one = new BusyNeighbors(
                1,
                () -> {
                    throw new AssertionError("nothing to watch");
                },
                Optional::empty);
        assertThat(one.afterStep()).isEmpty();
        int[] asked = {0};
        BusyNeighbors elsewhere = new BusyNeighbors(2, () -> seconds, () -> {
            asked[0]++;
            return Optional.empty();
        });
        for (int i = 0; i < 3; i++) {
            assertThat(elsewhere.afterStep()).isEmpty();
            pass(25, 0.9, 1);
        }
        assertThat(asked[0]).isEqualTo(1);
    }

    @Test
    void measuresOtherPrograms() throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/proc/thread-self/schedstat")), "needs Linux's statistics of threads");
        BusyNeighbors.Use before = BusyNeighbors.Use.measure().orElseThrow();
        Process loop = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
        try {
            Thread.sleep(1500);
        } finally {
            loop.destroyForcibly().waitFor();
        }
        BusyNeighbors.Use after = BusyNeighbors.Use.measure().orElseThrow();
        assertThat(after.ofOthers(before)).isGreaterThan(0.3).isLessThan(after.processors() + 0.2);
        assertThat(after.waitedSeconds()).isGreaterThanOrEqualTo(before.waitedSeconds());
        assertThat(after.processors())
                .isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
    }
}
