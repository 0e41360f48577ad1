package org.facerecognition.data;

import org.bytedeco.opencv.global.opencv_core;
import org.facerecognition.natives.NativeLibraries;

/**
 * Restricts OpenCV to one thread while batch loaders process images in parallel, and restores its number of threads
 * when the last of them is closed: the number is global to the process.
 */
final class OpenCvThreads {
    private static int users;
    private static int previous;

    private OpenCvThreads() {}

    static synchronized void restrict() {
        NativeLibraries.load(opencv_core.class, "OpenCV");
        if (users++ == 0) {
            previous = opencv_core.getNumThreads();
            opencv_core.setNumThreads(1);
        }
    }

    static synchronized void release() {
        if (--users == 0) {
            opencv_core.setNumThreads(previous);
        }
    }
}
