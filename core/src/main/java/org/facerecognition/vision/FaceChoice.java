package org.facerecognition.vision;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The rule for choosing one of several faces in an image. */
public enum FaceChoice {
    /**
     * Large and near the middle: the face with the greatest area minus twice the squared distance of the box's center
     * from the image's, as in facenet's and insightface's scripts.
     */
    MOST_PROMINENT {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(
                    face -> face.box().area() - 2 * squaredDistanceFromCenter(face, widthPx, heightPx));
        }
    },

    /** The face whose box has the largest area. */
    LARGEST {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(face -> face.box().area());
        }
    },

    /** The face whose box has its center nearest to the middle of the image. */
    MOST_CENTRAL {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(face -> -squaredDistanceFromCenter(face, widthPx, heightPx));
        }
    },

    /** The face with the highest score. */
    HIGHEST_SCORE {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return Comparator.comparingDouble(DetectedFace::score);
        }
    },

    /** The face in an image that shows only one; images with several faces are rejected. */
    ONLY {
        @Override
        Comparator<DetectedFace> order(int widthPx, int heightPx) {
            return MOST_PROMINENT.order(widthPx, heightPx);
        }
    };

    /** Returns the order in which the chosen face is the greatest. */
    abstract Comparator<DetectedFace> order(int widthPx, int heightPx);

    /**
     * Chooses a face.
     *
     * @param faces all faces of one image
     * @param widthPx of the image
     * @param heightPx of the image
     * @return empty when there are none; with {@link #ONLY} the most prominent one: it is up to the caller to reject
     *     images with several faces
     */
    public Optional<DetectedFace> of(List<DetectedFace> faces, int widthPx, int heightPx) {
        return faces.stream().max(order(widthPx, heightPx));
    }

    /** Returns the squared distance of a box's center from the image's, in square pixels. */
    static double squaredDistanceFromCenter(DetectedFace face, int widthPx, int heightPx) {
        DetectedFace.Box box = face.box();
        double x = box.x() + (box.width() - widthPx + 1) / 2;
        double y = box.y() + (box.height() - heightPx + 1) / 2;
        return x * x + y * y;
    }

    /** Returns the name on the command line, such as {@code most-prominent}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
