package org.facerecognition.data;

import org.bytedeco.opencv.global.opencv_core;
import org.facerecognition.natives.NativeLibraries;

/**
 * Keeps OpenCV to one thread while somebody works on many images side by side, and restores its number of threads when
 * the last of them is done: the number is one for the whole process.
 */
final class OpenCvThreads {
    private static int users;
    private static int former;

    private OpenCvThreads() {}

    static synchronized void restrict() {
        NativeLibraries.load(opencv_core.class, "OpenCV");
        if (users++ == 0) {
            former = opencv_core.getNumThreads();
            opencv_core.setNumThreads(1);
        }
    }

    static synchronized void release() {
        if (--users == 0) {
            opencv_core.setNumThreads(former);
        }
    }
}
