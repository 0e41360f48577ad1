package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SignCodesTest {
    private final Random random = new Random(3);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 128, 511, 512})
    void turningKeepsLengthsAndAngles(int dimension) {
        RandomRotation rotation = new RandomRotation(512);
        float[] a = unit(dimension);
        float[] b = unit(dimension);
        assertThat(dot(rotation.of(a), rotation.of(a))).isEqualTo(1, within(1e-5));
        assertThat(dot(rotation.of(a), rotation.of(b))).isEqualTo(dot(a, b), within(1e-5));
    }

    /** What all embeddings of a model have in common, one strong value for instance, is spread over all of them. */
    @Test
    void turningSpreadsWhatIsInOneValue() {
        float[] one = new float[512];
        one[77] = 1;
        float[] turned = new RandomRotation(512).of(one);
        double mean = 1 / Math.sqrt(512);
        double fourth = 0;
        for (float value : turned) {
            assertThat(Math.abs(value)).isLessThan((float) (5 * mean));
            fourth += Math.pow(value / mean, 4) / 512;
        }
        assertThat(fourth).as("of a normal distribution 3").isEqualTo(3, within(1.0));
    }

    /** Against the exact cosine: right in the mean, and no further away than the theory of the codes has it. */
    @ParameterizedTest
    @ValueSource(ints = {2, 128, 512, 513, 2048})
    void estimatesAreRightInTheMean(int dimension) {
        int pairs = 3_000;
        SignCodes codes = new SignCodes(dimension);
        codes.reserve(pairs);
        double bits = Math.max(512, Integer.highestOneBit(2 * dimension - 1));
        double sum = 0;
        double squares = 0;
        for (int row = 0; row < pairs; row++) {
            float[] probe = unit(dimension);
            float[] kept = mixed(probe, unit(dimension), random.nextDouble());
            codes.put(row, kept);
            double cosine = dot(probe, kept);
            double error = codes.probe(probe).cosine(row) - cosine;
            double ofSigns = .7555 * Math.sqrt(Math.max(0, 1 - cosine * cosine) / bits); // sqrt(pi / 2 - 1)
            double expected = Math.hypot(ofSigns, ofRounding(probe, (int) bits));
            sum += error;
            squares += error * error / (expected * expected) / pairs;
        }
        assertThat(sum / pairs).as("mean error").isEqualTo(0, within(4 * .034 / Math.sqrt(pairs)));
        assertThat(Math.sqrt(squares)).as("error over the expected one").isBetween(.85, 1.1);
    }

    /** Each value by a step / sqrt(6), times 1 / (sqrt(2 / pi) sqrt(bits)), for all of them together. */
    private static double ofRounding(float[] probe, int bits) {
        double most = 0;
        for (float value : new RandomRotation(bits).of(probe)) {
            most = Math.max(most, Math.abs(value));
        }
        return most / 7.5 / Math.sqrt(6) / Math.sqrt(2 / Math.PI);
    }

    @Test
    void ofItselfAndItsOpposite() {
        SignCodes codes = new SignCodes(512);
        codes.reserve(20_000); // more than a chunk
        float[] row = unit(512);
        codes.put(19_999, row);
        assertThat(codes.probe(row).cosine(19_999)).isEqualTo(1, within(.05f)); // five times what rounding does
        assertThat(codes.probe(mixed(row, row, -2)).cosine(19_999)).isEqualTo(-1, within(.05f));
    }

    /** Of a vector at an angle, angle / pi of the signs; up to the largest embeddings that a gallery takes. */
    @ParameterizedTest
    @ValueSource(ints = {128, 512, 2048, 65536})
    void signsThatDifferTellTheAngle(int dimension) {
        SignCodes codes = new SignCodes(dimension);
        codes.reserve(SignCodes.CHUNK + 3);
        float[] row = unit(dimension);
        float[] other = unit(dimension);
        codes.put(SignCodes.CHUNK, row);
        codes.put(SignCodes.CHUNK + 1, mixed(row, row, -2));
        codes.put(SignCodes.CHUNK + 2, mixed(row, other, 1));
        int[] differing = new int[3];
        codes.probe(row).differing(SignCodes.CHUNK, SignCodes.CHUNK + 3, differing);
        assertThat(differing[0]).isZero();
        assertThat(differing[1]).isEqualTo(codes.bits());
        double angle = Math.acos(dot(row, mixed(row, other, 1)));
        assertThat(differing[2])
                .isCloseTo((int) (codes.bits() * angle / Math.PI), within((int) (2.5 * Math.sqrt(codes.bits()))));
        int last = differing[2];
        codes.probe(row).differing(SignCodes.CHUNK + 2, SignCodes.CHUNK + 3, differing);
        assertThat(differing[0]).isEqualTo(last);
    }

    private float[] unit(int dimension) {
        float[] values = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return normalized(values);
    }

    private static float[] mixed(float[] a, float[] b, double share) {
        float[] values = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            values[i] = (float) (a[i] + share * b[i]);
        }
        return normalized(values);
    }

    private static float[] normalized(float[] values) {
        double length = Math.sqrt(dot(values, values));
        for (int i = 0; i < values.length; i++) {
            values[i] /= (float) length;
        }
        return values;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
