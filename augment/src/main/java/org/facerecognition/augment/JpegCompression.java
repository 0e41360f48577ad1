package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Compresses the image as JPEG and decodes it again, which gives the artifacts that images from the web have.
 *
 * @param quality the JPEG quality, from 1 (worst) to 100
 */
public record JpegCompression(Range quality) implements Transform {
    private static final int MAX_SIDE_PX = 65_500; // of libjpeg

    public JpegCompression {
        if (!quality.within(1, 100)) {
            throw new IllegalArgumentException("quality must be in [1, 100], but was " + quality);
        }
    }

    /** Creates a compression from poor to good quality: 20 to 90. */
    public JpegCompression() {
        this(new Range(20, 90));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return compress(image, (int) Math.rint(quality.draw(random)));
    }

    /**
     * Compresses and decodes an image.
     *
     * @param image of at most 65,500 pixels on a side
     * @param quality the JPEG quality, from 1 (worst) to 100
     * @return owned
     * @throws IllegalArgumentException if the image is larger or the quality out of range
     */
    public static Mat compress(Mat image, int quality) {
        Images.requireRgb(image);
        new JpegCompression(new Range(quality, quality)); // checks it
        if (Math.max(image.rows(), image.cols()) > MAX_SIDE_PX) {
            throw new IllegalArgumentException("image must have at most " + MAX_SIDE_PX
                    + " px on a side to be compressed as JPEG, but was " + image.cols() + "x" + image.rows());
        }
        try (BytePointer jpeg = new BytePointer();
                IntPointer settings = new IntPointer(IMWRITE_JPEG_QUALITY, quality)) {
            try (Mat bgr = new Mat()) {
                cvtColor(image, bgr, COLOR_RGB2BGR);
                imencode(".jpg", bgr, jpeg, settings);
            }
            try (Mat bytes = new Mat(1, Math.toIntExact(jpeg.limit()), CV_8UC1, jpeg)) {
                Mat result = imdecode(bytes, IMREAD_COLOR);
                cvtColor(result, result, COLOR_RGB2BGR); // swapping the channels again
                return result;
            }
        }
    }

    @Override
    public String toString() {
        return "JpegCompression(quality=" + quality + ")";
    }
}
