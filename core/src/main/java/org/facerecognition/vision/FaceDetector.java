package org.facerecognition.vision;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Finds faces and their five landmarks. {@link #open(Path)} opens the file of a detector that this library runs; a
 * detector of your own implements this interface, and everything that takes a detector takes it.
 *
 * <p>YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023) is OpenCV's
 * {@code face_detection_yunet_2023mar.onnx}; provide the file, or have it downloaded on request. SCRFD (Guo, Deng,
 * Lattas, Zafeiriou: "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022) is insightface's,
 * such as {@code scrfd_500m_bnkps.onnx} or {@code det_10g.onnx}; provide a file of any of its sizes that predicts five
 * landmarks, and observe the license of its weights.
 *
 * <p>Implementations are thread-safe. Closing one frees its memory: it waits for calls in progress and rejects later
 * ones.
 */
public interface FaceDetector extends AutoCloseable {
    /**
     * The settings of detection.
     *
     * @param scoreThreshold minimum score of a face, in [0, 1]
     * @param nmsThreshold maximum intersection over union of two boxes, in [0, 1]; of two that overlap more, only the
     *     one with the higher score is kept
     * @param topK maximum number of candidates, those with the highest scores, that are examined
     * @param smallestFacePx minimum shorter side of a face's box, in pixels of the image; smaller faces are dropped
     * @param largestSidePx maximum side of an image; larger images are reduced to it before detection. Faces should
     *     then still have 10 pixels or more: raise it for crowds, at a cost proportional to the area
     * @param rotations whether faces are also looked for in the image turned by 90, 180 and 270 degrees, where the
     *     upright image gives no clear face: it shows no face, or one whose score an upside-down face could have too. A
     *     turned face replaces an upright one in the same place if its score is higher. Its landmarks are in the
     *     face's own order, so that {@link FaceAligner} turns it upright. Takes up to four times as long
     * @param tiles whether an image that is larger than {@code largestSidePx} is also examined in overlapping tiles of
     *     that side, without being reduced, so that small faces are found too. Takes time in proportion to the area
     */
    record Settings(
            double scoreThreshold,
            double nmsThreshold,
            int topK,
            int smallestFacePx,
            int largestSidePx,
            boolean rotations,
            boolean tiles)
            implements Serializable {
        /** Defaults for photographs of people with YuNet, and with detectors of which nothing else is known. */
        public static final Settings DEFAULT = new Settings(0.7, 0.3, 5000, 16, 640);

        /**
         * Defaults for photographs of people with SCRFD: the minimum score and the overlap of insightface's code. SCRFD
         * gives lower scores than YuNet: on LFW (517 images) half of the faces have 0.84 or more instead of 0.93, and a
         * minimum of 0.5 finds as many other faces in the background as YuNet's 0.7.
         */
        public static final Settings SCRFD = new Settings(0.5, 0.4, 5000, 16, 640);

        /** In the reduced image: of LFW's faces nine in ten are found at 10 pixels, two in ten at 8. */
        private static final int MIN_VISIBLE_PX = 10;

        private static final int MIN_SIDE_PX = 32;
        private static final int MAX_SIDE_PX = 10_000;

        /** @throws IllegalArgumentException when a value is out of its range */
        public Settings {
            if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) {
                throw new IllegalArgumentException("score threshold must be in [0, 1], but was " + scoreThreshold);
            }
            if (!(nmsThreshold >= 0 && nmsThreshold <= 1)) {
                throw new IllegalArgumentException("nms threshold must be in [0, 1], but was " + nmsThreshold);
            }
            if (topK < 1) {
                throw new IllegalArgumentException("top-k must be at least 1, but was " + topK);
            }
            if (smallestFacePx < 1) {
                throw new IllegalArgumentException("smallest face must be at least 1 px, but was " + smallestFacePx);
            }
            if (largestSidePx < MIN_SIDE_PX || largestSidePx > MAX_SIDE_PX) {
                throw new IllegalArgumentException(
                        "largest side must be " + MIN_SIDE_PX + " to " + MAX_SIDE_PX + " px, but was " + largestSidePx);
            }
        }

        /** Settings without rotations and tiles. */
        public Settings(double scoreThreshold, double nmsThreshold, int topK, int smallestFacePx, int largestSidePx) {
            this(scoreThreshold, nmsThreshold, topK, smallestFacePx, largestSidePx, false, false);
        }

        /** Returns these settings with another minimum score. */
        public Settings withScoreThreshold(double threshold) {
            return new Settings(threshold, nmsThreshold, topK, smallestFacePx, largestSidePx, rotations, tiles);
        }

        /** Returns these settings with another minimum size of faces. */
        public Settings withSmallestFacePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, px, largestSidePx, rotations, tiles);
        }

        /** Returns these settings with another maximum size of images, to which larger ones are reduced. */
        public Settings withLargestSidePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, smallestFacePx, px, rotations, tiles);
        }

        /** Returns these settings with or without looking for faces in the turned image. */
        public Settings withRotations(boolean tried) {
            return new Settings(scoreThreshold, nmsThreshold, topK, smallestFacePx, largestSidePx, tried, tiles);
        }

        /** Returns these settings with or without looking for faces in tiles. */
        public Settings withTiles(boolean tried) {
            return new Settings(scoreThreshold, nmsThreshold, topK, smallestFacePx, largestSidePx, rotations, tried);
        }

        /** As that of the detector, which reduces larger images to a side. */
        OptionalInt smallestVisibleFacePx(int width, int height, int largestSide) {
            double reduction = (double) Math.max(width, height) / largestSide;
            return reduction > 1 && !tiles
                    ? OptionalInt.of((int) Math.ceil(MIN_VISIBLE_PX * reduction))
                    : OptionalInt.empty();
        }
    }

    /**
     * Opens a detector with the default settings of its kind, {@link Settings#DEFAULT} or {@link Settings#SCRFD}. What
     * kind of detector a file holds is told by the inputs and outputs of its graph, not by its name.
     *
     * @param file the .onnx file of YuNet, or of an SCRFD with five landmarks
     * @return owned
     * @throws DetectorException when the file is missing, unreadable or another
     */
    static FaceDetector open(Path file) {
        return open(file, defaults -> defaults);
    }

    /**
     * Opens a detector; as {@link #open(Path)}.
     *
     * @param file the .onnx file of YuNet, or of an SCRFD with five landmarks
     * @return owned
     * @throws DetectorException when the file is missing, unreadable or another
     */
    static FaceDetector open(Path file, Settings settings) {
        return open(file, defaults -> settings);
    }

    /**
     * Opens a detector with settings that are derived from the default ones of its kind; as {@link #open(Path)}.
     *
     * @param file the .onnx file of YuNet, or of an SCRFD with five landmarks
     * @param settings such as {@code defaults -> defaults.withLargestSidePx(1280)}
     * @return owned
     * @throws DetectorException when the file is missing, unreadable or another
     */
    static FaceDetector open(Path file, UnaryOperator<Settings> settings) {
        return OnnxFaceDetector.open(file, settings);
    }

    /**
     * Returns the identity of the detector: thresholds that were measured with one do not hold for another.
     *
     * @return for a detector that was opened from a file, the first 8 hexadecimal digits of the file's SHA-256
     */
    String fingerprint();

    /** Returns the settings of detection. */
    Settings settings();

    /**
     * Finds the faces in an image.
     *
     * @param image RGB, CV_8UC3, of any size; borrowed and not changed
     * @return the faces in pixels of {@code image}, the most prominent (large and near the middle) first; empty when
     *     there is none
     * @throws IllegalArgumentException when the image is closed, empty or of another type
     * @throws IllegalStateException when the detector is closed
     */
    List<DetectedFace> detect(Mat image);

    /**
     * Returns the largest side of an image that the detector can look at: larger images are reduced to it, so that a
     * {@link Settings#largestSidePx} above it has no effect.
     *
     * @return in pixels; for a detector whose file is for images of one size only, the larger side of that
     */
    default int maxSidePx() {
        return Settings.MAX_SIDE_PX;
    }

    /**
     * Returns the side of the smallest face that is likely to be found in an image that is reduced before detection.
     *
     * @param width of the image, in pixels
     * @param height of the image, in pixels
     * @return in pixels of the image; empty when the image is not larger than {@link Settings#largestSidePx} and
     *     {@link #maxSidePx} and is therefore not reduced, or is examined in tiles
     */
    default OptionalInt smallestVisibleFacePx(int width, int height) {
        return settings()
                .smallestVisibleFacePx(width, height, Math.min(settings().largestSidePx(), maxSidePx()));
    }

    /**
     * Returns whether a face is upside down in the image while its landmarks are those of an upright one: its crop is
     * then upside down too, and its embedding is meaningless.
     *
     * @param image RGB, CV_8UC3; borrowed and not changed
     * @param face that was found in {@code image}
     * @return false, unless the implementation knows better
     */
    default boolean isUpsideDown(Mat image, DetectedFace face) {
        return false;
    }

    /**
     * Returns whether a face can be embedded: it is not upside down, and its landmarks can be a face's.
     *
     * @param image RGB, CV_8UC3; borrowed and not changed
     * @param face that was found in {@code image}
     */
    default boolean isUsable(Mat image, DetectedFace face) {
        return face.isPlausible() && !isUpsideDown(image, face);
    }

    /** Waits for calls in progress and frees the memory. Closing twice has no further effect. */
    @Override
    void close();
}
