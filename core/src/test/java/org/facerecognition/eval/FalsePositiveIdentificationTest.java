package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.facerecognition.Threshold;
import org.facerecognition.data.EmbeddingMode;
import org.junit.jupiter.api.Test;

class FalsePositiveIdentificationTest {
    private static final int D = 24;

    @Test
    void followsTheFormulas() {
        FalsePositiveIdentification found = FalsePositiveIdentification.of(1_000, 3_000, 1e-6, 2e-5);
        assertThat(found.rate()).isCloseTo(1 - Math.pow(1 - 1e-6, 3_000), within(1e-12));
        assertThat(found.rateIfEntriesAgree()).isCloseTo(1 - Math.pow(1 - 1e-6, 1_000), within(1e-12));
        assertThat(found.upperBound()).isCloseTo(0.06, within(1e-12));
        assertThat(found)
                .hasToString(
                        "a stranger is taken for an enrolled person about once in 334 probes (once in 1,000 probes if"
                                + " entries"
                                + " of a person agree; at most once in 17 probes, 95 %)");
        assertThat(FalsePositiveIdentification.of(1, 1, 1e-17, 1e-17).rate()).isEqualTo(1e-17);
        assertThat(FalsePositiveIdentification.of(5, 5, 0.5, 0.6))
                .hasToString(
                        "a stranger is taken for an enrolled person about once in 1.0 probes (the bound allows every"
                                + " probe,"
                                + " 95 %)");
        assertThat(FalsePositiveIdentification.of(100, 100, 0, 1e-4))
                .hasToString("a stranger is taken for an enrolled person at most once in 100 probes (95 %), since no"
                        + " impostor pair of the calibration reached the threshold");
        assertThat(FalsePositiveIdentification.of(0, 0, 0.1, 0.2).rate()).isZero();
        assertThat(FalsePositiveIdentification.of(3, 3, 1, 1).rate()).isEqualTo(1);
        assertThatThrownBy(() -> FalsePositiveIdentification.of(2, 1, 0.1, 0.2))
                .hasMessage("identities must be 0 to entries, but was 2 where entries was 1");
        assertThatThrownBy(() -> FalsePositiveIdentification.of(1, 1, Double.NaN, 0.2))
                .hasMessage("falseMatchRate must be in [0, 1], but was NaN");
    }

    @Test
    void needsEvidence() {
        EmbeddingMode mode = new EmbeddingMode(null, true, EmbeddingMode.FLOAT32);
        Threshold measured = new Threshold(
                0.4, OptionalDouble.of(1e-3), Optional.of(new Threshold.Evidence(40_000, 20, 300, 1e-3, mode)));
        assertThat(measured.falsePositives(10, 20).orElseThrow())
                .isEqualTo(FalsePositiveIdentification.of(10, 20, 5e-4, 1e-3));
        assertThat(new Threshold(0.4, OptionalDouble.of(1e-3)).falsePositives(10, 20))
                .isEmpty();
        assertThat(Threshold.of(0.4).falsePositives(10, 20)).isEmpty();
    }

    /** People are directions, images are noisy versions of them; calibration, gallery and strangers are others each. */
    @Test
    void strangersAreMistakenAsOftenAsEstimated() {
        Random random = new Random(11);
        float[][] faces = new float[300 * 3][];
        int[] labels = new int[faces.length];
        for (int person = 0, row = 0; person < 300; person++) {
            double[] center = direction(random);
            for (int image = 0; image < 3; image++, row++) {
                faces[row] = image(center, random);
                labels[row] = person;
            }
        }
        Calibration.Point point =
                Calibration.of(new Embedded(faces, labels)).at(1e-3).orElseThrow();
        int people = 40;
        int images = 4;
        float[][] gallery = new float[people * images][];
        for (int person = 0; person < people; person++) {
            double[] center = direction(random);
            for (int image = 0; image < images; image++) {
                gallery[person * images + image] = image(center, random);
            }
        }
        int strangers = 4_000;
        int alarms = 0;
        for (int i = 0; i < strangers; i++) {
            float[] stranger = image(direction(random), random);
            boolean alarm = false;
            for (float[] entry : gallery) {
                alarm |= Verification.dot(entry, stranger) >= point.cosine();
            }
            alarms += alarm ? 1 : 0;
        }
        double measured = (double) alarms / strangers;
        FalsePositiveIdentification estimate = FalsePositiveIdentification.of(
                people, people * images, (double) point.falseAccepts() / point.impostorPairs(), point.upperBound());
        assertThat(measured)
                .isBetween(0.8 * estimate.rateIfEntriesAgree(), 1.1 * estimate.rate())
                .isLessThan(estimate.upperBound());
    }

    private static double[] direction(Random random) {
        double[] values = new double[D];
        for (int i = 0; i < D; i++) {
            values[i] = random.nextGaussian();
        }
        return values;
    }

    private static float[] image(double[] center, Random random) {
        double[] noisy = new double[D];
        double squares = 0;
        for (int i = 0; i < D; i++) {
            noisy[i] = center[i] + 0.6 * random.nextGaussian();
            squares += noisy[i] * noisy[i];
        }
        float[] unit = new float[D];
        for (int i = 0; i < D; i++) {
            unit[i] = (float) (noisy[i] / Math.sqrt(squares));
        }
        return unit;
    }
}
