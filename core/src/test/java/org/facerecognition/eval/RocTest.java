package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RocTest {
    @Test
    void aucIsTheShareOfPairingsWonTiesHalf() {
        assertThat(Roc.of(new double[] {3, 4}, new double[] {1, 2}).auc()).isEqualTo(1);
        assertThat(Roc.of(new double[] {1, 2}, new double[] {3, 4}).auc()).isZero();
        assertThat(Roc.of(new double[] {5, 5}, new double[] {5, 5, 5}).auc()).isEqualTo(0.5);
        assertThat(Roc.of(new double[] {1, 3}, new double[] {2, 3}).auc()).isEqualTo((0 + 0 + 1 + 0.5) / 4);
    }

    @Test
    void aucEqualsCountingAllPairings() {
        Random random = new Random(1);
        double[] same = random.doubles(80).map(d -> Math.round(d * 20) + 4).toArray();
        double[] different = random.doubles(120).map(d -> Math.round(d * 20)).toArray();
        double wins = 0;
        for (double s : same) {
            for (double d : different) {
                wins += s > d ? 1 : s == d ? 0.5 : 0;
            }
        }
        assertThat(Roc.of(same, different).auc()).isCloseTo(wins / (80 * 120), within(1e-15));
    }

    @Test
    void ratesAtAThreshold() {
        Roc roc = Roc.of(new double[] {0.2, 0.6, 0.8}, new double[] {0.1, 0.3, 0.6, 0.7});
        assertThat(roc.tar(0.6)).isEqualTo(2 / 3.0);
        assertThat(roc.far(0.6)).isEqualTo(0.5);
        assertThat(roc.tar(0.9)).isZero();
        assertThat(roc.far(-1)).isEqualTo(1);
    }

    @Test
    void theThresholdForAFalseAcceptRateKeepsIt() {
        double[] different = new Random(2).doubles(1000).toArray();
        Roc roc = Roc.of(new double[] {2}, different);
        for (double far : new double[] {0, 0.001, 0.01, 0.1, 1}) {
            double threshold = roc.thresholdAt(far);
            assertThat(roc.far(threshold)).isLessThanOrEqualTo(far).isGreaterThan(far - 0.0011);
        }
        assertThatThrownBy(() -> roc.thresholdAt(1.1)).hasMessage("far must be in [0, 1], but was 1.1");
    }

    @Test
    void theEqualErrorRateIsWhereBothErrorsMeet() {
        assertThat(Roc.of(new double[] {3, 4}, new double[] {1, 2}).equalErrorRate())
                .isZero();
        // of four, one of each kind is on the wrong side of 2.5
        assertThat(Roc.of(new double[] {1, 4, 5, 6}, new double[] {0, 1, 2, 5}).equalErrorRate())
                .isCloseTo(0.25, within(1e-12));
        assertThat(Roc.of(new double[] {7, 7}, new double[] {7, 7}).equalErrorRate())
                .isCloseTo(0.5, within(1e-12));
    }

    @Test
    void tenMillionScoresAreASecond() {
        double[] same = new Random(3).doubles(5_000_000).toArray();
        assertThat(Roc.of(same, same).auc()).isCloseTo(0.5, within(1e-6));
    }

    @Test
    void oneKindMissingAndNanAreASentence() {
        assertThatThrownBy(() -> Roc.of(new double[0], new double[] {1}))
                .hasMessage("scores must have pairs of both kinds, but had none of the same person");
        assertThatThrownBy(() -> Roc.of(new double[] {1}, new double[0]))
                .hasMessage("scores must have pairs of both kinds, but had none of the different people");
        assertThatThrownBy(() -> Roc.of(new double[] {1, Double.NaN}, new double[] {1}))
                .hasMessage("scores must be numbers, but one of the same pairs' was NaN");
    }
}
