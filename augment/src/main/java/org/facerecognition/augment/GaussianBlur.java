package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.BORDER_REFLECT_101;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.CV_8U;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;

/**
 * Blurs with a Gaussian of random width: torchvision's {@code GaussianBlur}. Both axes use the same {@code sigma}, even
 * if the kernel is not square.
 *
 * @param kernelWidth the width of the kernel in pixels, odd; torchvision's {@code kernel_size[0]}
 * @param kernelHeight the height of the kernel in pixels, odd; torchvision's {@code kernel_size[1]}
 * @param sigma the standard deviation in pixels, positive
 */
public record GaussianBlur(int kernelWidth, int kernelHeight, Range sigma) implements Transform {

    private static final int PIXELS_PER_STRIP = 1 << 20;

    public GaussianBlur {
        requireKernel("kernelWidth", kernelWidth);
        requireKernel("kernelHeight", kernelHeight);
        if (sigma.min() <= 0) {
            throw new IllegalArgumentException("sigma must be positive, but was " + sigma);
        }
    }

    /** Creates a blur with {@code sigma} drawn from [{@code sigmaMin}, {@code sigmaMax}]. */
    public GaussianBlur(int kernelWidth, int kernelHeight, double sigmaMin, double sigmaMax) {
        this(kernelWidth, kernelHeight, new Range(sigmaMin, sigmaMax));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return blur(image, kernelWidth, kernelHeight, sigma.draw(random));
    }

    /**
     * Convolves with a normalized Gaussian that is truncated to the size of the kernel. The image is extended by
     * reflection without repeating the edge pixels. An image smaller than half a kernel, which torchvision rejects, is
     * reflected as often as needed, and a single row or column is repeated.
     *
     * @param kernelWidth in pixels, odd
     * @param kernelHeight in pixels, odd
     * @param sigma the standard deviation in pixels, positive
     * @return owned
     */
    public static Mat blur(Mat image, int kernelWidth, int kernelHeight, double sigma) {
        Images.requireRgb(image);
        requireKernel("kernelWidth", kernelWidth);
        requireKernel("kernelHeight", kernelHeight);
        if (!(sigma > 0 && sigma < Double.POSITIVE_INFINITY)) { // OpenCV would choose one
            throw new IllegalArgumentException("sigma must be positive and finite, but was " + sigma);
        }
        // Computed in float and rounded once at the end, as in torchvision; OpenCV's 8-bit GaussianBlur uses fixed
        // point. Floats need four times the memory, so a large image is processed in strips.
        try (Mat x = opencv_imgproc.getGaussianKernel(kernelWidth, sigma, CV_32F);
                Mat y = opencv_imgproc.getGaussianKernel(kernelHeight, sigma, CV_32F)) {
            Mat result = new Mat(image.rows(), image.cols(), CV_8UC3);
            if (image.total() <= PIXELS_PER_STRIP) {
                blur(image, x, y, BORDER_REFLECT_101 | BORDER_ISOLATED, result);
                return result;
            }
            int rows = Math.max(1, PIXELS_PER_STRIP / image.cols());
            // a matrix of its own, so that the edges of a strip see the neighboring strips but nothing around the image
            try (Mat whole = image.isSubmatrix() ? image.clone() : new Mat(image)) {
                for (int top = 0; top < image.rows(); top += rows) {
                    int bottom = Math.min(image.rows(), top + rows);
                    try (Mat strip = whole.rowRange(top, bottom);
                            Mat into = result.rowRange(top, bottom)) {
                        blur(strip, x, y, BORDER_REFLECT_101, into);
                    }
                }
            }
            return result;
        }
    }

    private static void blur(Mat image, Mat x, Mat y, int border, Mat into) {
        try (Mat blurred = new Mat();
                Point center = new Point(-1, -1)) {
            opencv_imgproc.sepFilter2D(image, blurred, CV_32F, x, y, center, 0, border);
            blurred.convertTo(into, CV_8U);
        }
    }

    private static void requireKernel(String name, int size) {
        if (size < 1 || size % 2 == 0) {
            throw new IllegalArgumentException(name + " must be odd and positive, but was " + size);
        }
    }

    @Override
    public String toString() {
        return "GaussianBlur(kernel_size=(" + kernelWidth + ", " + kernelHeight + "), sigma=" + sigma + ")";
    }
}
