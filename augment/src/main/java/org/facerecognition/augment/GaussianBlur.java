package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.BORDER_REFLECT_101;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.CV_8U;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;

/**
 * Blurs with a Gaussian whose width is random: torchvision's {@code GaussianBlur}. One {@code sigma} serves both axes,
 * even when the kernel is not square.
 *
 * @param kernelWidth pixels along x, odd; torchvision's {@code kernel_size[0]}
 * @param kernelHeight pixels along y, odd; torchvision's {@code kernel_size[1]}
 * @param sigma the standard deviation in pixels, positive
 */
public record GaussianBlur(int kernelWidth, int kernelHeight, Range sigma) implements Transform {

    public GaussianBlur {
        requireKernel("kernelWidth", kernelWidth);
        requireKernel("kernelHeight", kernelHeight);
        if (sigma.min() <= 0) {
            throw new IllegalArgumentException("sigma must be positive, but was " + sigma);
        }
    }

    /** With {@code sigma} drawn from [{@code sigmaMin}, {@code sigmaMax}]. */
    public GaussianBlur(int kernelWidth, int kernelHeight, double sigmaMin, double sigmaMax) {
        this(kernelWidth, kernelHeight, new Range(sigmaMin, sigmaMax));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return blur(image, kernelWidth, kernelHeight, sigma.draw(random));
    }

    /**
     * Convolves with the normalised Gaussian of {@code sigma} pixels cut to the kernel's size. Outside the image its
     * reflection counts, edge pixels not repeated; an image smaller than half a kernel, which torchvision refuses, is
     * reflected to and fro as often as needed, and a single row or column is repeated.
     */
    public static Mat blur(Mat image, int kernelWidth, int kernelHeight, double sigma) {
        Images.requireRgb(image);
        requireKernel("kernelWidth", kernelWidth);
        requireKernel("kernelHeight", kernelHeight);
        // In float and rounded once at the end, as torchvision does; OpenCV's own 8-bit GaussianBlur works in fixed
        // point.
        try (Mat x = opencv_imgproc.getGaussianKernel(kernelWidth, sigma, CV_32F);
                Mat y = opencv_imgproc.getGaussianKernel(kernelHeight, sigma, CV_32F);
                Mat blurred = new Mat();
                Point centre = new Point(-1, -1)) {
            opencv_imgproc.sepFilter2D(image, blurred, CV_32F, x, y, centre, 0, BORDER_REFLECT_101 | BORDER_ISOLATED);
            Mat result = new Mat();
            blurred.convertTo(result, CV_8U);
            return result;
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
