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
    void rotationPreservesNormsAndAngles(int dimension) {
        RandomRotation rotation = new RandomRotation(512);
        float[] a = unit(dimension);
        float[] b = unit(dimension);
        assertThat(dot(rotation.apply(a), rotation.apply(a))).isEqualTo(1, within(1e-5));
        assertThat(dot(rotation.apply(a), rotation.apply(b))).isEqualTo(dot(a, b), within(1e-5));
    }

    /** A feature that all embeddings of a model share, for example one large value, is spread over all values. */
    @Test
    void rotationSpreadsASingleValue() {
        float[] one = new float[512];
        one[77] = 1;
        float[] rotated = new RandomRotation(512).apply(one);
        double mean = 1 / Math.sqrt(512);
        double fourth = 0;
        for (float value : rotated) {
            assertThat(Math.abs(value)).isLessThan((float) (5 * mean));
            fourth += Math.pow(value / mean, 4) / 512;
        }
        assertThat(fourth).as("kurtosis, 3 for a normal distribution").isEqualTo(3, within(1.0));
    }

    /** Compared with exact cosines, the mean error is zero, and the deviation is as predicted by the paper. */
    @ParameterizedTest
    @ValueSource(ints = {2, 128, 512, 513, 2048})
    void estimatesAreUnbiased(int dimension) {
        int pairs = 3_000;
        SignCodes codes = new SignCodes(dimension);
        codes.reserve(pairs);
        double bits = Math.max(512, Integer.highestOneBit(2 * dimension - 1));
        double sum = 0;
        double squares = 0;
        for (int row = 0; row < pairs; row++) {
            float[] probe = unit(dimension);
            float[] stored = mixed(probe, unit(dimension), random.nextDouble());
            codes.put(row, stored);
            double cosine = dot(probe, stored);
            double error = codes.probe(probe).cosine(row) - cosine;
            double signError = 0.7555 * Math.sqrt(Math.max(0, 1 - cosine * cosine) / bits); // sqrt(pi / 2 - 1)
            double expected = Math.hypot(signError, quantizationError(probe, (int) bits));
            sum += error;
            squares += error * error / (expected * expected) / pairs;
        }
        assertThat(sum / pairs).as("mean error").isEqualTo(0, within(4 * 0.034 / Math.sqrt(pairs)));
        assertThat(Math.sqrt(squares))
                .as("error relative to the expected error")
                .isBetween(0.85, 1.1);
    }

    /** The standard deviation is a step / sqrt(6) per value, times 1 / (sqrt(2 / pi) sqrt(bits)), over all values. */
    private static double quantizationError(float[] probe, int bits) {
        double max = 0;
        for (float value : new RandomRotation(bits).apply(probe)) {
            max = Math.max(max, Math.abs(value));
        }
        return max / 7.5 / Math.sqrt(6) / Math.sqrt(2 / Math.PI);
    }

    @Test
    void estimatesAVectorAndItsOpposite() {
        SignCodes codes = new SignCodes(512);
        codes.reserve(20_000); // more than a chunk
        float[] row = unit(512);
        codes.put(19_999, row);
        assertThat(codes.probe(row).cosine(19_999)).isEqualTo(1, within(0.05f)); // five times the quantization error
        assertThat(codes.probe(mixed(row, row, -2)).cosine(19_999)).isEqualTo(-1, within(0.05f));
    }

    /** A fraction angle / pi of the signs differs; tested up to the largest dimension of a gallery. */
    @ParameterizedTest
    @ValueSource(ints = {128, 512, 2048, 65536})
    void hammingDistancesAreProportionalToAngles(int dimension) {
        SignCodes codes = new SignCodes(dimension);
        codes.reserve(SignCodes.CHUNK + 3);
        float[] row = unit(dimension);
        float[] other = unit(dimension);
        codes.put(SignCodes.CHUNK, row);
        codes.put(SignCodes.CHUNK + 1, mixed(row, row, -2));
        codes.put(SignCodes.CHUNK + 2, mixed(row, other, 1));
        int[] hammingDistances = new int[3];
        codes.probe(row).hammingDistances(SignCodes.CHUNK, SignCodes.CHUNK + 3, hammingDistances);
        assertThat(hammingDistances[0]).isZero();
        assertThat(hammingDistances[1]).isEqualTo(codes.bits());
        double angle = Math.acos(dot(row, mixed(row, other, 1)));
        assertThat(hammingDistances[2])
                .isCloseTo((int) (codes.bits() * angle / Math.PI), within((int) (2.5 * Math.sqrt(codes.bits()))));
        int last = hammingDistances[2];
        codes.probe(row).hammingDistances(SignCodes.CHUNK + 2, SignCodes.CHUNK + 3, hammingDistances);
        assertThat(hammingDistances[0]).isEqualTo(last);
    }

    private float[] unit(int dimension) {
        float[] values = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return normalized(values);
    }

    private static float[] mixed(float[] a, float[] b, double weight) {
        float[] values = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            values[i] = (float) (a[i] + weight * b[i]);
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
