package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RocTest {
    @Test
    void aucCountsTiesAsHalf() {
        assertThat(Roc.of(new double[] {3, 4}, new double[] {1, 2}).auc()).isEqualTo(1);
        assertThat(Roc.of(new double[] {1, 2}, new double[] {3, 4}).auc()).isZero();
        assertThat(Roc.of(new double[] {5, 5}, new double[] {5, 5, 5}).auc()).isEqualTo(0.5);
        assertThat(Roc.of(new double[] {1, 3}, new double[] {2, 3}).auc()).isEqualTo((0 + 0 + 1 + 0.5) / 4);
    }

    @Test
    void aucEqualsCountingAllCombinations() {
        Random random = new Random(1);
        double[] genuine = random.doubles(80).map(d -> Math.round(d * 20) + 4).toArray();
        double[] impostor = random.doubles(120).map(d -> Math.round(d * 20)).toArray();
        double wins = 0;
        for (double g : genuine) {
            for (double i : impostor) {
                wins += g > i ? 1 : g == i ? 0.5 : 0;
            }
        }
        assertThat(Roc.of(genuine, impostor).auc()).isCloseTo(wins / (80 * 120), within(1e-15));
    }

    @Test
    void computesRatesAtAThreshold() {
        Roc roc = Roc.of(new double[] {0.2, 0.6, 0.8}, new double[] {0.1, 0.3, 0.6, 0.7});
        assertThat(roc.tar(0.6)).isEqualTo(2 / 3.0);
        assertThat(roc.far(0.6)).isEqualTo(0.5);
        assertThat(roc.tar(0.9)).isZero();
        assertThat(roc.far(-1)).isEqualTo(1);
    }

    @Test
    void theThresholdForAFalseAcceptRateStaysWithinIt() {
        double[] impostor = new Random(2).doubles(1000).toArray();
        Roc roc = Roc.of(new double[] {2}, impostor);
        for (double far : new double[] {0, 0.001, 0.01, 0.1, 1}) {
            double threshold = roc.thresholdAt(far);
            assertThat(roc.far(threshold)).isLessThanOrEqualTo(far).isGreaterThan(far - 0.0011);
        }
        assertThatThrownBy(() -> roc.thresholdAt(1.1)).hasMessage("far must be in [0, 1], but was 1.1");
    }

    @Test
    void theEqualErrorRateIsWhereBothErrorRatesMeet() {
        assertThat(Roc.of(new double[] {3, 4}, new double[] {1, 2}).equalErrorRate())
                .isZero();
        // of four pairs of each kind, one is on the wrong side of 2.5
        assertThat(Roc.of(new double[] {1, 4, 5, 6}, new double[] {0, 1, 2, 5}).equalErrorRate())
                .isCloseTo(0.25, within(1e-12));
        assertThat(Roc.of(new double[] {7, 7}, new double[] {7, 7}).equalErrorRate())
                .isCloseTo(0.5, within(1e-12));
    }

    @Test
    void tenMillionScoresTakeSecondsAndOneCopy() {
        int each = 5_000_000;
        double[] genuine = new double[each];
        double[] impostor = new double[each];
        Random random = new Random(3);
        for (int i = 0; i < each; i++) {
            genuine[i] = random.nextDouble() + 0.5;
            impostor[i] = random.nextDouble();
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocatedBefore = threads.getCurrentThreadAllocatedBytes();
        assertTimeout(Duration.ofMinutes(2), () -> {
            Roc roc = Roc.of(genuine, impostor);
            assertThat(roc.auc()).isCloseTo(1 - 0.125, within(1e-3));
            assertThat(roc.equalErrorRate()).isCloseTo(0.25, within(1e-3));
            assertThat(roc.bestAccuracy().accuracy()).isCloseTo(0.75, within(1e-3));
            assertThat(roc.tarAtFar(1e-4)).isCloseTo(0.5, within(2e-3));
            Bootstrap.Interval interval = Bootstrap.DEFAULT.tarOverPairs(roc, 1e-4);
            assertThat(interval.high() - interval.low()).isLessThan(2e-3);
        });
        long allocated = threads.getCurrentThreadAllocatedBytes() - allocatedBefore;
        assertThat(allocated).as("one sorted copy, 8 bytes per score").isLessThan(2L * each * Double.BYTES + (8 << 20));
    }

    @Test
    void equalScoresSeparateNothing() {
        Roc roc = Roc.of(new double[] {1, 1, 1}, new double[] {1});
        assertThat(roc.auc()).isEqualTo(0.5);
        assertThat(roc.equalErrorRate()).isEqualTo(0.5);
        assertThat(roc.tarAtFar(0.5)).isZero();
        assertThat(roc.tarAtFar(1)).isEqualTo(1);
        assertThat(roc.bestAccuracy()).isEqualTo(new Roc.Best(1, 0.75)); // all accepted
        assertThat(Roc.of(new double[] {1}, new double[] {1, 1}).bestAccuracy().threshold())
                .as("none accepted")
                .isGreaterThan(1);
        assertThat(roc.curve().far()).containsExactly(0, 1);
    }

    @Test
    void theBestThresholdIsHalfwayBetweenScores() {
        Roc roc = Roc.of(new double[] {0.9, 0.7}, new double[] {0.1, 0.3});
        assertThat(roc.bestAccuracy()).isEqualTo(new Roc.Best(0.5, 1));
        double next = Math.nextUp(0.5);
        assertThat(Roc.of(new double[] {next}, new double[] {0.5}).bestAccuracy())
                .as("there is no double between adjacent ones")
                .isEqualTo(new Roc.Best(next, 1));
        double most = Double.MAX_VALUE;
        assertThat(Roc.of(new double[] {most}, new double[] {-most}).bestAccuracy())
                .isEqualTo(new Roc.Best(most, 1));
    }

    @Test
    void rejectsAMissingKindOfPairs() {
        assertThatThrownBy(() -> Roc.of(new double[0], new double[] {1}))
                .hasMessage("scores must be of genuine and impostor pairs, but there were no genuine pairs");
        assertThatThrownBy(() -> Roc.of(new double[] {1}, new double[0]))
                .hasMessage("scores must be of genuine and impostor pairs, but there were no impostor pairs");
    }

    /** The threshold above an infinite impostor score is infinite too and accepts it: asked for 0, the rate was 1. */
    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void rejectsScoresThatAreNotFinite(double score) {
        assertThatThrownBy(() -> Roc.of(new double[] {1, score}, new double[] {1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("scores must be finite, but that of at least one of the genuine pairs was " + score);
        assertThatThrownBy(() -> Roc.of(new double[] {1}, new double[] {score, 1}))
                .hasMessage("scores must be finite, but that of at least one of the impostor pairs was " + score);
    }

    @Test
    void winsOverMoreThanABillionImpostorPairsDoNotOverflow() {
        assertThat(Roc.wins(1_500_000_000, 1_500_000_001)).isEqualTo(1_500_000_000.5);
    }
}
