package org.facerecognition.augment;

import java.util.Arrays;
import org.bytedeco.opencv.opencv_core.Mat;

/** The absolute differences between the values of two images, in gray levels. */
record Differences(int[] levels) {
    static Differences between(Mat a, Mat b) {
        byte[] left = Images.toBytes(a);
        byte[] right = Images.toBytes(b);
        if (a.rows() != b.rows() || a.cols() != b.cols()) {
            throw new AssertionError("images must be of one size, but were " + a + " and " + b);
        }
        int[] levels = new int[left.length];
        Arrays.setAll(levels, i -> Math.abs((left[i] & 0xff) - (right[i] & 0xff)));
        return new Differences(levels);
    }

    int largest() {
        return Arrays.stream(levels).max().orElseThrow();
    }

    double fractionAbove(int level) {
        return Arrays.stream(levels).filter(d -> d > level).count() / (double) levels.length;
    }
}
