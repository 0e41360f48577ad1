package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/** Placeholder. */
public interface Transform {
    /** Placeholder. */
    Mat apply(Mat image, RandomGenerator random);
}
