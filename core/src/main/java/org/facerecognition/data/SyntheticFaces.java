package org.facerecognition.data;

import org.bytedeco.opencv.opencv_core.Mat;

/** Placeholder. */
public record SyntheticFaces(long seed, int sizePx) {
    /** Placeholder. */
    public Mat image(int identity, int index) {
        return new Mat();
    }
}
