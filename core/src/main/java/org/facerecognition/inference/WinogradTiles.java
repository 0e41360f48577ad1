package org.facerecognition.inference;

import java.util.Optional;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Window;

/**
 * The tiles of Winograd's minimal filtering F(m x m, 3x3), m = 2 or 4: Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", CVPR 2016, equation 8, {@code Y = A'[(GgG') * (B'dB)]A}. A tile of m x m results
 * takes (m + 2)^2 multiplications instead of 9 m^2: 16 instead of 36, or 36 instead of 144.
 *
 * <p>The matrices come from polynomial interpolation at m + 1 points and infinity. For m = 4, the points 0, 5/8, -5/8,
 * 3/2 and -3/2 leave an error of about twice that of the definition in float32, which is less than half of what the
 * usual 0, 1, -1, 2 and -2 leave. See Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd
 * Convolution for Deep Neural Networks", ACM TOMS 2020.
 *
 * @param side m, of the results
 */
record WinogradTiles(int side) {
    private static final int KERNEL = 3;

    // Costs in multiplications, as measured on a processor with AVX2; what matters is their ratio.
    private static final int MIN_CHANNELS = 16;
    private static final double PER_TERM = 28; // of a channel of the input or the result, for all transforms
    private static final double PER_WEIGHT = 17; // for reading it from memory, once for one to four images
    private static final double MIN_SPEEDUP = 1.15;

    /**
     * Returns the tiles with which a convolution costs least, if it costs less than by definition. They depend on the
     * convolution alone, not on the machine.
     *
     * @param to [B, C, H, W] of its result
     */
    static Optional<WinogradTiles> of(Convolution c, long[] to) {
        long channels = Math.min(c.weight().size(0), c.weight().size(1));
        if (c.groups() > 1
                || c.weight().size(2) != KERNEL
                || c.weight().size(3) != KERNEL
                || !c.window().equals(Window.of(1, 1))
                || channels < MIN_CHANNELS) {
            return Optional.empty();
        }
        double pairs = c.weight().size(0) * c.weight().size(1);
        double direct = KERNEL * KERNEL * pairs * (to[2] * to[3] + PER_WEIGHT);
        WinogradTiles small = new WinogradTiles(2);
        WinogradTiles large = new WinogradTiles(4);
        WinogradTiles best = small.cost(c, to) < large.cost(c, to) ? small : large;
        return best.cost(c, to) * MIN_SPEEDUP < direct ? Optional.of(best) : Optional.empty();
    }

    private double cost(Convolution c, long[] to) {
        double tiles = count(to[2]) * count(to[3]);
        double in = c.weight().size(1);
        double out = c.weight().size(0);
        return terms() * terms() * (in * out * (tiles + PER_WEIGHT) + PER_TERM * tiles * (in + out));
    }

    /** Returns how many tiles so many pixels take. */
    long count(long pixels) {
        return (pixels + side - 1) / side;
    }

    /** Returns the side of the tile of values that a tile of results depends on. */
    int terms() {
        return side + KERNEL - 1;
    }

    private double[] points() {
        return side == 2 ? new double[] {0, 1, -1} : new double[] {0, 5 / 8.0, -5 / 8.0, 3 / 2.0, -3 / 2.0};
    }

    /**
     * Returns B', [terms, terms], which transforms values: in each row the coefficients of the polynomial that is 1 at
     * one point and 0 at the others, and of the one that is 0 at all of them.
     */
    float[] ofValues() {
        double[] points = points();
        float[] matrix = new float[terms() * terms()];
        for (int row = 0; row < terms(); row++) {
            double[] polynomial = {1};
            for (int i = 0; i < points.length; i++) {
                if (i != row) {
                    double scale = row < points.length ? points[row] - points[i] : 1;
                    polynomial = timesFactor(polynomial, points[i], scale);
                }
            }
            for (int power = 0; power < polynomial.length; power++) {
                matrix[row * terms() + power] = (float) polynomial[power];
            }
        }
        return matrix;
    }

    /** Returns the coefficients of a polynomial times (x - root) / scale. */
    private static double[] timesFactor(double[] polynomial, double root, double scale) {
        double[] product = new double[polynomial.length + 1];
        for (int power = 0; power < polynomial.length; power++) {
            product[power] -= polynomial[power] * root / scale;
            product[power + 1] += polynomial[power] / scale;
        }
        return product;
    }

    /** Returns A', [side, terms], which transforms products to results: the powers of the points. */
    float[] ofResults() {
        float[] matrix = new float[side * terms()];
        for (int power = 0; power < side; power++) {
            for (int point = 0; point < terms(); point++) {
                matrix[power * terms() + point] = (float) power(point, power, side);
            }
        }
        return matrix;
    }

    /** Returns the Kronecker product of G with itself, [terms^2, 9], which transforms the weights of two channels. */
    float[] ofWeights() {
        float[] matrix = new float[terms() * terms() * KERNEL * KERNEL];
        int next = 0;
        for (int row = 0; row < terms() * terms(); row++) {
            for (int column = 0; column < KERNEL * KERNEL; column++) {
                double down = power(row / terms(), column / KERNEL, KERNEL);
                double across = power(row % terms(), column % KERNEL, KERNEL);
                matrix[next++] = (float) (down * across);
            }
        }
        return matrix;
    }

    /** Returns a power of a point; of infinity, 1 for the highest of {@code powers} powers and 0 for the others. */
    private double power(int point, int power, int powers) {
        double[] points = points();
        return point < points.length ? Math.pow(points[point], power) : power == powers - 1 ? 1 : 0;
    }

    @Override
    public String toString() {
        return "F(" + side + "x" + side + ", 3x3)";
    }
}
