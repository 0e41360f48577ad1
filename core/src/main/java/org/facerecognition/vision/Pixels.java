package org.facerecognition.vision;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;

/** The values of an image in the Java heap. */
public final class Pixels {
    private Pixels() {}

    /**
     * Copies an image's values.
     *
     * @param image CV_8UC3; may be a region of a larger image. Borrowed
     * @return [H, W, 3]
     */
    public static byte[] of(Mat image) {
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
