package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * A random change of an image. Implementations are immutable and have no random state, so any number of threads can
 * share one instance, each with its own generator; equal generators give equal bytes.
 */
@FunctionalInterface
public interface Transform {

    /**
     * Draws the random numbers, then creates the changed image.
     *
     * @param image RGB, {@code CV_8UC3}, at least 1x1; borrowed and not changed. It may be a region of a larger image
     * @param random the only source of random numbers
     * @return a new image of the same size and type, owned; never {@code image} itself, even if nothing was changed
     * @throws IllegalArgumentException if the image is empty or not {@code CV_8UC3}
     */
    Mat apply(Mat image, RandomGenerator random);
}
