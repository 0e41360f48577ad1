package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;

/** The crop of AdaFace against a loop over bytes, and the distribution of its box against torchvision's. */
class RandomCropOnBlackTest {
    private static final Range SCALE = new Range(0.2, 1);
    private static final Range RATIO = new Range(3 / 4.0, 4 / 3.0);

    @Test
    void hasTheRangesOfAdaFaceByDefault() {
        assertThat(new RandomCropOnBlack()).isEqualTo(new RandomCropOnBlack(SCALE, RATIO));
    }

    @Test
    void keepsThePartInPlaceAndMakesTheRestBlack() {
        for (int[] size : new int[][] {{112, 112}, {7, 31}, {40, 3}, {1, 9}, {1, 1}}) {
            try (Mat image = brightNoise(size[0], size[1])) {
                byte[] in = Images.toBytes(image);
                for (int seed = 0; seed < 20; seed++) {
                    RandomErasing.Box box = new RandomCropOnBlack().draw(size[1], size[0], new SplittableRandom(seed));
                    try (Mat result = new RandomCropOnBlack().apply(image, new SplittableRandom(seed))) {
                        assertThat(Images.toBytes(result)).isEqualTo(cropped(in, size[1], box));
                    }
                }
            }
        }
    }

    /** The crop of an image, byte by byte. */
    private static byte[] cropped(byte[] in, int width, RandomErasing.Box box) {
        byte[] out = new byte[in.length];
        for (int i = 0; i < in.length; i++) {
            int x = i / 3 % width;
            int y = i / 3 / width;
            boolean inside = x >= box.x() && x < box.x() + box.width() && y >= box.y() && y < box.y() + box.height();
            out[i] = inside ? in[i] : 0;
        }
        return out;
    }

    @Test
    void keepsTheWholeImageWithAScaleAndRatioOfOne() {
        try (Mat image = brightNoise(30, 30);
                Mat result =
                        new RandomCropOnBlack(new Range(1, 1), new Range(1, 1)).apply(image, new SplittableRandom(0))) {
            assertThat(Images.toBytes(result)).isEqualTo(Images.toBytes(image));
        }
    }

    @Test
    void keepsTheDarkestPixelsOfThePart() {
        byte[] ones = new byte[3 * 50 * 50];
        Arrays.fill(ones, (byte) 1);
        try (Mat image = Images.ofBytes(ones, 50, 50);
                Mat result = RandomCropOnBlack.keep(image, new RandomErasing.Box(10, 20, 30, 5))) {
            byte[] out = Images.toBytes(result);
            int sum = 0;
            for (byte b : out) {
                assertThat(b).isBetween((byte) 0, (byte) 1);
                sum += b;
            }
            assertThat(sum).isEqualTo(3 * 30 * 5);
        }
    }

    /**
     * Reads the box from the pixels and compares its distribution with that of torchvision's {@code get_params}, which
     * is implemented again below.
     */
    @Test
    void theBoxIsDistributedLikeThatOfTorchvisionsRandomResizedCrop() {
        int draws = 4000;
        SplittableRandom ours = new SplittableRandom(1);
        SplittableRandom reference = new SplittableRandom(2);
        double[][] seen = new double[4][draws];
        double[][] expected = new double[4][draws];
        try (Mat image = brightNoise(112, 112)) {
            for (int i = 0; i < draws; i++) {
                int[] box;
                try (Mat result = new RandomCropOnBlack().apply(image, ours)) {
                    box = bounds(Images.toBytes(result), 112);
                }
                int[] torchvisions = getParams(112, 112, reference);
                for (int k = 0; k < 4; k++) {
                    seen[k][i] = box[k];
                    expected[k][i] = torchvisions[k];
                }
            }
        }
        for (int k = 0; k < 4; k++) {
            // Kolmogorov-Smirnov: two samples of 4,000 differ by more than 0.044 with a probability of 0.001
            assertThat(largestDistance(seen[k], expected[k]))
                    .as("x, y, width, height: " + k)
                    .isLessThan(0.044);
        }
        assertThat(meanArea(seen)).isCloseTo(meanArea(expected), within(0.02));
    }

    /** The mean area as a fraction of the image. */
    private static double meanArea(double[][] boxes) {
        double sum = 0;
        for (int i = 0; i < boxes[2].length; i++) {
            sum += boxes[2][i] * boxes[3][i] / 112 / 112;
        }
        return sum / boxes[2].length;
    }

    private static double largestDistance(double[] a, double[] b) {
        double largest = 0;
        for (int at = 0; at <= 112; at++) {
            double limit = at + 0.5;
            double fractionOfA = Arrays.stream(a).filter(v -> v < limit).count() / (double) a.length;
            double fractionOfB = Arrays.stream(b).filter(v -> v < limit).count() / (double) b.length;
            largest = Math.max(largest, Math.abs(fractionOfA - fractionOfB));
        }
        return largest;
    }

    /** The x, y, width and height of the part that is not black. */
    private static int[] bounds(byte[] rgb, int width) {
        int left = width;
        int right = -1;
        int top = rgb.length;
        int bottom = -1;
        for (int i = 0; i < rgb.length; i += 3) {
            if (rgb[i] != 0) {
                left = Math.min(left, i / 3 % width);
                right = Math.max(right, i / 3 % width);
                top = Math.min(top, i / 3 / width);
                bottom = Math.max(bottom, i / 3 / width);
            }
        }
        return new int[] {left, top, right - left + 1, bottom - top + 1};
    }

    /**
     * Torchvision's algorithm: by rejection, with a uniform area, a log-uniform ratio and a uniform position.
     */
    private static int[] getParams(int width, int height, SplittableRandom random) {
        for (int attempt = 0; attempt < 10; attempt++) {
            double area = random.nextDouble(0.2, 1) * width * height;
            double ratio = Math.pow(4 / 3.0, random.nextDouble(-1, 1));
            long w = Math.round(Math.sqrt(area) * Math.sqrt(ratio));
            long h = Math.round(Math.sqrt(area) / Math.sqrt(ratio));
            if (w <= width && h <= height) {
                return new int[] {
                    (int) random.nextLong(0, width - w + 1), (int) random.nextLong(0, height - h + 1), (int) w, (int) h
                };
            }
        }
        return new int[] {0, 0, width, height}; // the ratio of a square image is within the range
    }

    @Test
    void rejectsRangesOutOfBounds() {
        assertThatThrownBy(() -> new RandomCropOnBlack(new Range(0, 1), RATIO))
                .hasMessage("scale must be in (0, 1], but was (0.0, 1.0)");
        assertThatThrownBy(() -> new RandomCropOnBlack(new Range(0.5, 1.5), RATIO))
                .hasMessage("scale must be in (0, 1], but was (0.5, 1.5)");
        assertThatThrownBy(() -> new RandomCropOnBlack(SCALE, new Range(0, 1)))
                .hasMessage("ratio must be positive, but was (0.0, 1.0)");
    }

    /** Noise without black pixels, so that all black pixels come from the crop. */
    private static Mat brightNoise(int rows, int cols) {
        byte[] bytes = new byte[3 * rows * cols];
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(1, 256);
        }
        return Images.ofBytes(bytes, rows, cols);
    }
}
