package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.BORDER_CONSTANT;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.copyMakeBorder;
import static org.bytedeco.opencv.global.opencv_core.rotate;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import org.bytedeco.opencv.global.opencv_objdetect;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.NativeLibraries;

/**
 * A face detector: YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023), run by OpenCV. Its file
 * is OpenCV's {@code face_detection_yunet_2023mar.onnx}; provide it, or have it downloaded on request.
 *
 * <p>Thread-safe. Closing it frees its memory: it waits for calls in progress and rejects later ones.
 */
public final class FaceDetector implements AutoCloseable {
    /*
     * An image larger than Settings.largestSidePx is reduced first. Time and memory are then bounded for any input, and
     * YuNet, which was trained on faces of about 10 to 300 pixels, gets large faces at a size it knows. Boxes and
     * landmarks are returned in pixels of the original image.
     *
     * The order of the faces answers who an image shows when only one face is wanted: the large one in the middle, by
     * the rule of facenet's and insightface's scripts, FaceChoice.MOST_PROMINENT. On LFW's View 1, where in 7 of 1,549
     * images a larger face stands beside the labeled one, this rule classifies half a percent more pairs correctly than
     * area alone.
     *
     * An image with a side below 160 pixels is usually the crop of a face, which fills it. YuNet has seen few faces
     * that are cut off by the border and none that fill the image: on the study's crops of 83x100 its landmarks lie 5.2
     * pixels from CelebA's mean landmarks, but 3.5 pixels when the crop is enlarged to twice its size with a black
     * border (300 crops; enlarging three times or extending the edge pixels is no better). So such images are enlarged,
     * for every caller.
     */
    private static final int SMALL_PX = 160;

    private static final int ENLARGEMENT = 2;

    /**
     * Of 1,206 upside-down photographs and crops of faces the highest score was 0.908; most upright ones scored 0.93.
     */
    private static final double MIN_UPRIGHT_SCORE = 0.91;

    /** In the reduced image: of LFW's faces nine in ten are found at 10 pixels, two in ten at 8. */
    private static final int MIN_VISIBLE_PX = 10;

    private final Settings settings;
    private final String fingerprint;
    private final DetectorPool pool;
    private final Lifetime lifetime;

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
     */
    public record Settings(
            double scoreThreshold, double nmsThreshold, int topK, int smallestFacePx, int largestSidePx) {
        /** Defaults for photographs of people. */
        public static final Settings DEFAULT = new Settings(0.7, 0.3, 5000, 16, 640);

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

        /** Returns these settings with another minimum score. */
        public Settings withScoreThreshold(double threshold) {
            return new Settings(threshold, nmsThreshold, topK, smallestFacePx, largestSidePx);
        }

        /** Returns these settings with another minimum size of faces. */
        public Settings withSmallestFacePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, px, largestSidePx);
        }

        /** Returns these settings with another maximum size of images, to which larger ones are reduced. */
        public Settings withLargestSidePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, smallestFacePx, px);
        }
    }

    private FaceDetector(byte[] model, String name, Settings settings) {
        this.settings = settings;
        this.pool = new DetectorPool(model, name, settings);
        this.lifetime = new Lifetime("face detector " + name);
        this.fingerprint = sha256(model).substring(0, 8);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * Opens a detector with {@link Settings#DEFAULT}.
     *
     * @param model YuNet's .onnx file
     * @return owned
     * @throws DetectorException when the file is missing, unreadable or not YuNet
     */
    public static FaceDetector open(Path model) {
        return open(model, Settings.DEFAULT);
    }

    /**
     * Opens a detector.
     *
     * @param model YuNet's .onnx file
     * @return owned
     * @throws DetectorException when the file is missing, unreadable or not YuNet
     */
    public static FaceDetector open(Path model, Settings settings) {
        NativeLibraries.load(opencv_objdetect.class, "OpenCV");
        FaceDetector detector = new FaceDetector(bytes(model), model.toString(), settings);
        try (Scalar black = new Scalar(0.0);
                Mat blank = new Mat(DetectorPool.PROBE_PX, DetectorPool.PROBE_PX, CV_8UC3, black)) {
            detector.detect(blank); // another network fails here rather than at the first photograph
            return detector;
        } catch (RuntimeException e) {
            detector.close();
            throw e;
        }
    }

    private static byte[] bytes(Path model) {
        try {
            byte[] bytes = Files.readAllBytes(model);
            if (bytes.length == 0) {
                throw new DetectorException("face detector " + model + " is empty; give YuNet's .onnx file");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw new DetectorException("face detector " + model + " does not exist", e);
        } catch (IOException e) {
            throw new DetectorException("face detector " + model + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Returns the identity of the detector: thresholds that were measured with one do not hold for another.
     *
     * @return the first 8 hexadecimal digits of the SHA-256 of its file
     */
    public String fingerprint() {
        return fingerprint;
    }

    /** Returns the settings of detection. */
    public Settings settings() {
        return settings;
    }

    /**
     * Returns the side of the smallest face that is likely to be found in an image that is reduced before detection.
     *
     * @param width of the image, in pixels
     * @param height of the image, in pixels
     * @return in pixels of the image; empty when the image is not larger than {@link Settings#largestSidePx} and is
     *     therefore not reduced
     */
    public OptionalInt smallestVisibleFacePx(int width, int height) {
        double reduction = (double) Math.max(width, height) / settings.largestSidePx();
        return reduction > 1 ? OptionalInt.of((int) Math.ceil(MIN_VISIBLE_PX * reduction)) : OptionalInt.empty();
    }

    /**
     * Finds the faces in an image.
     *
     * @param image RGB, CV_8UC3, of any size; borrowed and not changed
     * @return the faces in pixels of {@code image}, the most prominent (large and near the middle) first; empty when
     *     there is none
     * @throws IllegalArgumentException when the image is empty or of another type
     * @throws IllegalStateException when the detector is closed
     */
    public List<DetectedFace> detect(Mat image) {
        if (image.empty() || image.type() != CV_8UC3) {
            throw new IllegalArgumentException("image must be RGB, CV_8UC3, but was "
                    + (image.empty() ? "empty" : "of OpenCV's type " + image.type()));
        }
        List<DetectedFace> faces = isEnlarged(image) ? detectEnlarged(image) : detectReduced(image);
        return faces.stream()
                .filter(this::isLargeEnough)
                .sorted(FaceChoice.MOST_PROMINENT
                        .order(image.cols(), image.rows())
                        .reversed())
                .toList();
    }

    /** Returns whether a box has the minimum size; false for NaN. */
    private boolean isLargeEnough(DetectedFace face) {
        return Math.min(face.box().width(), face.box().height()) >= settings.smallestFacePx();
    }

    /**
     * Returns whether a face is upside down. YuNet finds most upside-down faces too, with a lower score, but returns
     * upright landmarks for them: the crop is then upside down, and its embedding is meaningless. So the surroundings
     * of a face with a low score are rotated by 180 degrees and examined a second time.
     *
     * @param image RGB, CV_8UC3; borrowed and not changed
     * @param face that was found in {@code image}
     */
    public boolean isUpsideDown(Mat image, DetectedFace face) {
        if (face.score() >= MIN_UPRIGHT_SCORE) {
            return false;
        }
        DetectedFace.Box box = face.box();
        int x = (int) Math.max(0, box.x() - box.width() / 2);
        int y = (int) Math.max(0, box.y() - box.height() / 2);
        int width = (int) Math.min(image.cols() - x, 2 * box.width());
        int height = (int) Math.min(image.rows() - y, 2 * box.height());
        if (width < 1 || height < 1) {
            return false;
        }
        try (Rect around = new Rect(x, y, width, height);
                Mat upright = new Mat(image, around);
                Mat rotated = new Mat()) {
            rotate(upright, rotated, ROTATE_180);
            return bestScore(rotated) > Math.max(face.score(), bestScore(upright));
        }
    }

    /**
     * Returns whether a face can be embedded: it is not upside down, and its landmarks can be a face's.
     *
     * @param image RGB, CV_8UC3; borrowed and not changed
     * @param face that was found in {@code image}
     */
    public boolean isUsable(Mat image, DetectedFace face) {
        return face.isPlausible() && !isUpsideDown(image, face);
    }

    private double bestScore(Mat image) {
        return detect(image).stream().mapToDouble(DetectedFace::score).max().orElse(0);
    }

    /**
     * Returns whether an image is enlarged: it is small, and the result would not be reduced below the original size
     * again.
     */
    private boolean isEnlarged(Mat image) {
        int margin = image.cols() / 2;
        int longer = ENLARGEMENT * (Math.max(image.cols(), image.rows()) + 2 * margin);
        return Math.min(image.cols(), image.rows()) < SMALL_PX && longer <= ENLARGEMENT * settings.largestSidePx();
    }

    /** Detects in an image that is enlarged, with a black border. */
    private List<DetectedFace> detectEnlarged(Mat image) {
        int margin = image.cols() / 2;
        try (Mat wide = new Mat();
                Scalar black = new Scalar(0.0);
                Size size = new Size(
                        ENLARGEMENT * (image.cols() + 2 * margin), ENLARGEMENT * (image.rows() + 2 * margin))) {
            copyMakeBorder(image, wide, margin, margin, margin, margin, BORDER_CONSTANT, black);
            resize(wide, wide, size, 0, 0, INTER_LINEAR);
            return detectReduced(wide).stream()
                    .map(face -> face.mapped(1.0 / ENLARGEMENT, -margin))
                    .toList();
        }
    }

    /** Detects in an image that is reduced if it is too large. */
    private List<DetectedFace> detectReduced(Mat image) {
        try (Lifetime.Use use = lifetime.enter();
                Mat input = input(image)) {
            double scaleX = (double) image.cols() / input.cols();
            double scaleY = (double) image.rows() / input.rows();
            return Arrays.stream(pool.detect(input))
                    .map(row -> face(row, scaleX, scaleY))
                    .toList();
        }
    }

    /** Returns the image in BGR, the channel order that YuNet was trained on, reduced if it is too large; owned. */
    private Mat input(Mat image) {
        double scale = (double) settings.largestSidePx() / Math.max(image.cols(), image.rows());
        Mat input = new Mat();
        if (scale >= 1) {
            cvtColor(image, input, COLOR_RGB2BGR);
            return input;
        }
        int width = Math.max(1, (int) Math.round(image.cols() * scale));
        int height = Math.max(1, (int) Math.round(image.rows() * scale));
        try (Size size = new Size(width, height)) {
            resize(image, input, size, 0, 0, INTER_AREA);
        }
        cvtColor(input, input, COLOR_RGB2BGR);
        return input;
    }

    private static DetectedFace face(float[] row, double scaleX, double scaleY) {
        List<DetectedFace.Point> points = new ArrayList<>();
        for (int i = 0; i < DetectedFace.POINTS; i++) {
            points.add(new DetectedFace.Point(
                    scaled(row[4 + 2 * i], scaleX), scaled(row[5 + 2 * i], scaleY))); // in the template's order
        }
        var box =
                new DetectedFace.Box(scaled(row[0], scaleX), scaled(row[1], scaleY), row[2] * scaleX, row[3] * scaleY);
        return new DetectedFace(box, points, row[DetectorPool.COLUMNS - 1]);
    }

    /** Scales a coordinate; centers of pixels are whole numbers before and after. */
    private static double scaled(double coordinate, double scale) {
        return (coordinate + 0.5) * scale - 0.5;
    }

    /** Waits for calls in progress and frees the memory. Closing twice has no further effect. */
    @Override
    public void close() {
        lifetime.close(pool::close);
    }
}
