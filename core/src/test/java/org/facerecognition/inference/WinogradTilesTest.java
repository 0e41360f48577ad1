package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Window;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WinogradTilesTest {

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void matricesComputeAConvolution(int side) {
        WinogradTiles tiles = new WinogradTiles(side);
        float[][][] values = {random(tiles.terms())};
        float[][][] kernels = {random(3)};
        float[][] result = inFloats(tiles, values, kernels);
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                double expected = 0;
                for (int k = 0; k < 9; k++) {
                    expected += (double) kernels[0][k / 3][k % 3] * values[0][y + k / 3][x + k % 3];
                }
                assertThat((double) result[y][x]).isCloseTo(expected, within(1e-5));
            }
        }
    }

    /** One tile of 64 channels after a ReLU, in float32 with sums in order, many times. */
    @ParameterizedTest
    @CsvSource({"2, 1.5", "4, 3"})
    void roundingErrorIsCloseToThatOfTheDefinition(int side, double most) {
        WinogradTiles tiles = new WinogradTiles(side);
        Random random = new Random(1);
        double[] squares = new double[2]; // of the errors of the definition and of the tiles
        for (int trial = 0; trial < 200; trial++) {
            float[][][] values = new float[64][tiles.terms()][tiles.terms()];
            float[][][] kernels = new float[64][3][3];
            for (int channel = 0; channel < 64; channel++) {
                for (float[] row : values[channel]) {
                    for (int i = 0; i < row.length; i++) {
                        row[i] = (float) Math.max(0, random.nextGaussian());
                    }
                }
                for (float[] row : kernels[channel]) {
                    for (int i = 0; i < 3; i++) {
                        row[i] = (float) random.nextGaussian();
                    }
                }
            }
            float[][] result = inFloats(tiles, values, kernels);
            for (int y = 0; y < side; y++) {
                for (int x = 0; x < side; x++) {
                    double exact = 0;
                    float inOrder = 0;
                    for (int channel = 0; channel < 64; channel++) {
                        for (int k = 0; k < 9; k++) {
                            float value = values[channel][y + k / 3][x + k % 3];
                            exact += (double) value * kernels[channel][k / 3][k % 3];
                            inOrder += value * kernels[channel][k / 3][k % 3];
                        }
                    }
                    squares[0] += Math.pow(inOrder - exact, 2);
                    squares[1] += Math.pow(result[y][x] - exact, 2);
                }
            }
        }
        assertThat(Math.sqrt(squares[1] / squares[0])).isLessThan(most);
    }

    private static float[][] inFloats(WinogradTiles tiles, float[][][] values, float[][][] kernels) {
        int terms = tiles.terms();
        float[][] sums = new float[terms][terms];
        for (int channel = 0; channel < values.length; channel++) {
            float[][] left = floats(tiles.ofValues(), terms);
            float[][] transformed = times(times(left, values[channel]), transposed(left));
            float[] nine = new float[9];
            for (int k = 0; k < 9; k++) {
                nine[k] = kernels[channel][k / 3][k % 3];
            }
            float[][] weights = floats(tiles.ofWeights(), 9);
            for (int i = 0; i < terms * terms; i++) {
                float weight = 0;
                for (int k = 0; k < 9; k++) {
                    weight += weights[i][k] * nine[k];
                }
                sums[i / terms][i % terms] += transformed[i / terms][i % terms] * weight;
            }
        }
        float[][] back = floats(tiles.ofResults(), terms);
        return times(times(back, sums), transposed(back));
    }

    private static float[][] floats(float[] values, int columns) {
        float[][] matrix = new float[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            matrix[i / columns][i % columns] = values[i];
        }
        return matrix;
    }

    private static float[][] transposed(float[][] a) {
        float[][] result = new float[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                result[j][i] = a[i][j];
            }
        }
        return result;
    }

    private static float[][] times(float[][] a, float[][] b) {
        float[][] result = new float[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    result[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return result;
    }

    @ParameterizedTest
    @CsvSource({
        "64, 64, 28, 4", // ResNet-34 at 112 pixels
        "128, 128, 14, 2",
        "256, 256, 7, 0",
        "512, 512, 4, 0",
        "64, 64, 56, 4", // IResNet-50
        "128, 128, 28, 4",
        "256, 256, 14, 2",
        "8, 8, 112, 0"
    })
    void areChosenByWhatTheyCost(int in, int out, int px, int side) {
        Convolution c = convolution(in, out, Window.of(1, 1), 1);
        assertThat(WinogradTiles.of(c, new long[] {1, out, px, px})
                        .map(WinogradTiles::side)
                        .orElse(0))
                .isEqualTo(side);
    }

    @Test
    void areOnlyForOrdinaryConvolutions() {
        long[] to = {1, 64, 28, 28};
        assertThat(WinogradTiles.of(convolution(64, 64, Window.of(2, 1), 1), to))
                .isEmpty();
        assertThat(WinogradTiles.of(convolution(64, 64, Window.of(1, 0), 1), to))
                .isEmpty();
        assertThat(WinogradTiles.of(convolution(64, 64, Window.of(1, 1), 2), to))
                .isEmpty();
    }

    private static Convolution convolution(int in, int out, Window window, int groups) {
        return new Convolution(Constant.of(new long[] {out, in / groups, 3, 3}, target -> {}), null, window, groups);
    }

    private static float[][] random(int side) {
        Random random = new Random(side);
        float[][] values = new float[side][side];
        for (float[] row : values) {
            for (int i = 0; i < side; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return values;
    }
}
