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
        double[][] values = random(tiles.terms());
        double[][] kernel = random(3);
        double[][] left = matrix(tiles.ofValues(), tiles.terms());
        double[][] back = matrix(tiles.ofResults(), tiles.terms());
        double[][] weights = matrix(tiles.ofWeights(), 9);
        double[][] transformed = times(times(left, values), transposed(left));
        double[][] products = new double[tiles.terms()][tiles.terms()];
        for (int i = 0; i < tiles.terms(); i++) {
            for (int j = 0; j < tiles.terms(); j++) {
                for (int k = 0; k < 9; k++) {
                    products[i][j] += weights[i * tiles.terms() + j][k] * kernel[k / 3][k % 3] * transformed[i][j];
                }
            }
        }
        double[][] result = times(times(back, products), transposed(back));
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                double expected = 0;
                for (int k = 0; k < 9; k++) {
                    expected += kernel[k / 3][k % 3] * values[y + k / 3][x + k % 3];
                }
                assertThat(result[y][x]).isCloseTo(expected, within(1e-5)); // the matrices are rounded to float32
            }
        }
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

    private static double[][] random(int side) {
        Random random = new Random(side);
        double[][] values = new double[side][side];
        for (double[] row : values) {
            for (int i = 0; i < side; i++) {
                row[i] = random.nextGaussian();
            }
        }
        return values;
    }

    private static double[][] matrix(float[] values, int columns) {
        double[][] matrix = new double[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            matrix[i / columns][i % columns] = values[i];
        }
        return matrix;
    }

    private static double[][] transposed(double[][] a) {
        double[][] result = new double[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                result[j][i] = a[i][j];
            }
        }
        return result;
    }

    private static double[][] times(double[][] a, double[][] b) {
        double[][] result = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    result[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return result;
    }
}
