package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundsTest {
    private static final double STEP_SECONDS = 0.002; // at least: a thread sleeps no shorter

    @Test
    void runsEachContestantForSecondsAfterItHasWarmedUp() {
        Sleeper fast = new Sleeper("fast", 1);
        Sleeper slow = new Sleeper("slow", 10);

        Rounds rounds = Rounds.run(List.of(fast, slow), 2, 0.2, 0.1, new PrintStream(OutputStream.nullOutputStream()));

        for (Sleeper sleeper : List.of(fast, slow)) {
            int ofRounds = sleeper.steps.size() - 4; // in each round one step, then those that are measured
            int warmUp =
                    sleeper.steps.subList(0, ofRounds).stream().mapToInt(i -> i).sum();
            List<Integer> measured = sleeper.steps.subList(ofRounds, sleeper.steps.size());
            assertThat(measured.get(0)).as("before a round").isEqualTo(1);
            assertThat(measured.get(1)).as("in a round").isBetween(1, warmUp).isEqualTo(measured.get(3));
            assertThat(measured.get(1) * sleeper.each * STEP_SECONDS).isLessThanOrEqualTo(0.1 + STEP_SECONDS * 10);
        }
        assertThat(rounds.median("fast")).isGreaterThan(rounds.median("slow"));
    }

    @Test
    void runsAsManyStepsAsAreAskedFor() {
        Sleeper contestant = new Sleeper("any", 1);

        Rounds.run(List.of(contestant), 2, 3, new PrintStream(OutputStream.nullOutputStream()));

        assertThat(contestant.steps).containsExactly(2, 1, 3, 1, 3);
    }

    @Test
    void aRatioIsTheMedianOfTheRatiosOfTheRounds() {
        assertThat(Rounds.medianOfRatios(List.of(1.0, 4.0, 9.0), List.of(2.0, 1.0, 3.0)))
                .as("not 4 / 2, the ratio of the medians")
                .isEqualTo(3);
    }

    /** Sleeps for some steps' time in each step. */
    private static final class Sleeper implements Contestant {
        private final String name;
        private final int each;
        private final List<Integer> steps = new ArrayList<>();

        Sleeper(String name, int each) {
            this.name = name;
            this.each = each;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public double imagesPerSecond(int count) {
            steps.add(count);
            long start = System.nanoTime();
            try {
                Thread.sleep(Math.round(count * each * STEP_SECONDS * 1e3));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return count / ((System.nanoTime() - start) / 1e9);
        }

        @Override
        public void close() {
            // nothing is open
        }
    }
}
