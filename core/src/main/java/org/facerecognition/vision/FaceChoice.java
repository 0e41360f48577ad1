package org.facerecognition.vision;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Which face of an image is meant where one is asked for and several are found. */
public enum FaceChoice {
    /**
     * Large and near the middle: area less twice the squared distance of the box's center from the image's, as in
     * facenet's and insightface's scripts.
     */
    MOST_PROMINENT {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(
                    face -> face.box().area() - 2 * squaredDistanceFromCenter(face, widthPx, heightPx));
        }
    },

    /** The one whose box has the largest area. */
    LARGEST {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(face -> face.box().area());
        }
    },

    /** The one whose box is centered nearest to the middle of the image. */
    MOST_CENTRAL {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(face -> -squaredDistanceFromCenter(face, widthPx, heightPx));
        }
    },

    /** The one that the detector is surest of. */
    HIGHEST_SCORE {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(DetectedFace::score);
        }
    },

    /** The face of an image that shows one face only; images with several are rejected. */
    ONLY {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return MOST_PROMINENT.order(widthPx, heightPx);
        }
    };

    /** Ascending: the face that is meant comes last. */
    abstract Comparator<DetectedFace> order(int widthPx, int heightPx);

    /**
     * Chooses a face.
     *
     * @param faces of one image
     * @param widthPx of the image
     * @param heightPx of the image
     * @return empty where there are none; with {@link #ONLY} the most prominent one, whose company the caller rejects
     */
    public Optional<DetectedFace> of(List<DetectedFace> faces, int widthPx, int heightPx) {
        return faces.stream().max(order(widthPx, heightPx));
    }

    static double squaredDistanceFromCenter(DetectedFace face, int widthPx, int heightPx) {
        DetectedFace.Box box = face.box();
        double x = box.x() + (box.width() - widthPx + 1) / 2;
        double y = box.y() + (box.height() - heightPx + 1) / 2;
        return x * x + y * y;
    }

    /** The name on the command line: {@code most-prominent}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
