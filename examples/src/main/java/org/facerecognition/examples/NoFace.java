package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Photograph;
import org.facerecognition.vision.FaceDetector;

/** Messages for images in which no face was found, or none that can be embedded. */
final class NoFace {
    private static final int STEP = 4; // factor of --max-side that is suggested; detection then takes 16 times as long

    private NoFace() {}

    /**
     * Returns one sentence: where no face was found and, if the image was shrunk first, which faces are lost by that.
     */
    static String sentence(Path file, Photograph image, FaceDetector detector) {
        return "no face was found in " + file + advice(image.widthPx(), image.heightPx(), detector);
    }

    /** Returns one sentence: where a face was found that cannot be embedded. */
    static String unusable(Path file) {
        return "no usable face was found in " + file + ": it is upside down, or its five landmarks cannot be a face's";
    }

    /**
     * Returns one sentence on an image in which no face was found that can be embedded, if there is more to say than
     * that, and it is still there; reads and searches it again.
     */
    static Optional<String> explanation(Path file, FaceDetector detector) {
        try (Photograph image = Photograph.read(ImageSource.of(file), detector)) {
            if (!image.detect().isEmpty()) {
                return Optional.of(unusable(file));
            }
            return isShrunk(image, detector) ? Optional.of(sentence(file, image, detector)) : Optional.empty();
        } catch (DataException e) { // it could be read before
            return Optional.empty();
        }
    }

    /** Returns one sentence: where the most prominent face cannot be embedded, whether or not others can. */
    static String mostProminentUnusable(Path file) {
        return "the most prominent face in " + file + " cannot be used: it is upside down, or its five landmarks cannot"
                + " be a face's";
    }

    /** Returns whether the image was shrunk before detection, so that small faces may have been lost. */
    static boolean isShrunk(Photograph image, FaceDetector detector) {
        return detector.smallestVisibleFacePx(image.widthPx(), image.heightPx()).isPresent();
    }

    /** Returns a clause that begins with a semicolon; empty for an image that was not shrunk. */
    private static String advice(int width, int height, FaceDetector detector) {
        OptionalInt smallest = detector.smallestVisibleFacePx(width, height);
        if (smallest.isEmpty()) {
            return "";
        }
        int longer = Math.max(width, height);
        int used = Math.min(detector.settings().largestSidePx(), detector.maxSidePx());
        int larger = Math.min(Math.min(longer, STEP * used), detector.maxSidePx());
        return "; it was shrunk from " + longer + " to " + used + " px, where faces smaller than about "
                + smallest.getAsInt() + " px are lost; try " + (larger > used ? "--max-side " + larger + " or " : "")
                + "--tiles";
    }
}
