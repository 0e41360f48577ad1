package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.OptionalInt;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.FaceDetector;

/** What is said of an image in which no face was found. */
final class NoFace {
    private static final int STEP = 4; // of --max-side: sixteen times the work

    private NoFace() {}

    /** One sentence: where no face was found and, where the image was shrunk first, what that hides and what to do. */
    static String sentence(Path file, Mat image, FaceDetector detector) {
        return "no face was found in " + file + wayOut(image.cols(), image.rows(), detector);
    }

    /** Whether the image was shrunk before detection, so that small faces may have been lost. */
    static boolean isShrunk(Mat image, FaceDetector detector) {
        return detector.smallestVisibleFacePx(image.cols(), image.rows()).isPresent();
    }

    /** Begins with a semicolon; empty for an image that was not shrunk. */
    static String wayOut(int width, int height, FaceDetector detector) {
        OptionalInt smallest = detector.smallestVisibleFacePx(width, height);
        if (smallest.isEmpty()) {
            return "";
        }
        int longer = Math.max(width, height);
        int used = detector.settings().largestSidePx();
        return "; it was shrunk from " + longer + " to " + used + " px, where faces smaller than about "
                + smallest.getAsInt() + " px are lost; try --max-side " + Math.min(longer, STEP * used);
    }
}
