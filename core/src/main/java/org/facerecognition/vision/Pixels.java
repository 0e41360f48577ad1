package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;

/** The values of an image: their type, and a copy of them in the Java heap. */
public final class Pixels {
    private static final String[] DEPTHS = {"8U", "8S", "16U", "16S", "32S", "32F", "64F", "16F"};

    private Pixels() {}

    /**
     * Requires a valid image, since other layouts would silently be read as other pixels.
     *
     * @throws IllegalArgumentException unless the image is RGB, CV_8UC3, and not empty
     */
    public static void require(Mat image) {
        if (image.isNull() || image.empty() || image.dims() != 2 || image.type() != CV_8UC3) {
            throw new IllegalArgumentException("image must be RGB, CV_8UC3, but was " + describe(image));
        }
    }

    /** Describes an image for messages, such as {@code CV_32FC3} or {@code empty}. */
    public static String describe(Mat image) {
        if (image.isNull()) {
            return "closed";
        }
        if (image.empty()) {
            return "empty";
        }
        if (image.dims() != 2) {
            return "of " + image.dims() + " dimensions";
        }
        String type = "CV_" + DEPTHS[image.depth()] + "C" + image.channels();
        return image.type() == CV_8UC3 ? type + " of " + image.cols() + "x" + image.rows() : type;
    }

    /**
     * Copies an image's values.
     *
     * @param image CV_8UC3; may be a region of a larger image. Borrowed
     * @return [H, W, 3]
     * @throws IllegalArgumentException when it is closed, empty or of another type
     */
    public static byte[] of(Mat image) {
        require(image);
        if (!image.isContinuous()) {
            try (Mat dense = image.clone()) {
                return of(dense);
            }
        }
        byte[] values = new byte[Math.toIntExact(3 * image.total())];
        try (BytePointer data = image.data()) {
            data.get(values);
        }
        Reference.reachabilityFence(image); // the pointer alone does not keep it
        return values;
    }
}
