package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * One random change of an image. Implementations are immutable and hold no random state, so one instance serves any
 * number of threads, each with its own generator; equal generators give equal bytes.
 */
@FunctionalInterface
public interface Transform {

    /**
     * Draws what is random, then makes the changed image.
     *
     * @param image RGB, {@code CV_8UC3}, at least 1x1; left untouched. It may be a region of a larger image
     * @param random the only source of chance
     * @return a new image of the same size and type, never {@code image} itself, even when nothing was changed; the caller
     *     closes it
     * @throws IllegalArgumentException if the image is empty or not {@code CV_8UC3}
     */
    Mat apply(Mat image, RandomGenerator random);
}
