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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.opencv.global.opencv_objdetect;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.NativeLibraries;

/**
 * Finds faces in images by YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023), run by
 * OpenCV. Its file is OpenCV's {@code face_detection_yunet_2023mar.onnx}; bring it, or have it fetched when asked for.
 *
 * <p>May be used from many threads at a time. Close it to free its memory: it waits for uses under way, and later ones
 * are refused.
 */
public final class FaceDetector implements AutoCloseable {
    /*
     * An image larger than Settings.largestSidePx is shrunk first: time and memory are then bounded whatever comes,
     * and YuNet, trained on faces of about 10 to 300 pixels, meets large ones at a size it knows. Boxes and points are
     * given in the image's own pixels.
     *
     * OpenCV's detector keeps the size of its last image, and buffers for it: one must not serve two threads. So
     * there is a pool, of at most as many as there are processors, since more would only wait for one another. What is
     * not in use is kept for the next caller.
     *
     * The order of faces answers whom an image is of, where one face is asked for: large and in the middle, by the
     * rule of facenet's and insightface's scripts, FaceChoice.MOST_PROMINENT. On LFW's View 1, where in 7 of 1,549
     * images a larger face stands beside the one that is meant, half a percent more pairs are told rightly by it than
     * by area alone.
     *
     * An image with a side below 160 pixels is mostly a crop of a face, which then fills it. YuNet has seen few faces
     * that end with the image and none that fill it: on the study's crops of 83x100 its landmarks lie 5.2 pixels from
     * CelebA's mean landmarks, but 3.5 when the crop is enlarged to twice its size with black around it (300 crops;
     * three times as large, or edges that go on, are no better). So such images are enlarged, for every caller.
     */
    private static final int SMALL_PX = 160;

    /**
     * Of 1,206 upside-down photographs and crops of faces the highest score was 0.908; upright ones had 0.93 mostly.
     */
    private static final double SURELY_UPRIGHT = 0.91;

    private static final int ENLARGED = 2;
    private static final int COLUMNS = 15; // x, y, width, height, five times x and y, score
    private static final int PROBE_PX = 64;
    private static final int SMALLEST_SEEN_PX =
            10; // in the shrunk image; of LFW's faces nine in ten are found so, two in ten at 8

    private final byte[] model;
    private final String name;
    private final Settings settings;
    private final String fingerprint;
    private final Deque<FaceDetectorYN> idle = new ArrayDeque<>(); // guarded by itself
    private final Semaphore room =
            new Semaphore(Math.max(2, Runtime.getRuntime().availableProcessors()), true);
    private final Lifetime lifetime;

    /**
     * What is taken for a face.
     *
     * @param scoreThreshold least score, in [0, 1]
     * @param nmsThreshold of two boxes that share more than this part of what they cover together, the better one
     *     stays; in [0, 1]
     * @param topK most faces that are looked at, the best ones
     * @param smallestFacePx faces whose box has a shorter side than this, in pixels of the image, are left out
     * @param largestSidePx images with a longer side are shrunk to it first. Faces then should be 10 pixels or
     *     larger: raise it for a crowd, at a cost in proportion to the area
     */
    public record Settings(
            double scoreThreshold, double nmsThreshold, int topK, int smallestFacePx, int largestSidePx) {
        /** What serves for photographs of people. */
        public static final Settings DEFAULT = new Settings(0.7, 0.3, 5000, 16, 640);

        private static final int LARGEST_SIDE_PX = 10_000;

        /** @throws IllegalArgumentException when a value makes no sense, saying which */
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
            if (largestSidePx < 32 || largestSidePx > LARGEST_SIDE_PX) {
                throw new IllegalArgumentException(
                        "largest side must be 32 to " + LARGEST_SIDE_PX + " px, but was " + largestSidePx);
            }
        }

        /** With another least score. */
        public Settings withScoreThreshold(double threshold) {
            return new Settings(threshold, nmsThreshold, topK, smallestFacePx, largestSidePx);
        }

        /** With another least size of faces. */
        public Settings withSmallestFacePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, px, largestSidePx);
        }

        /** With another size to which images are shrunk. */
        public Settings withLargestSidePx(int px) {
            return new Settings(scoreThreshold, nmsThreshold, topK, smallestFacePx, px);
        }
    }

    private FaceDetector(byte[] model, String name, Settings settings) {
        this.model = model;
        this.name = name;
        this.settings = settings;
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
     * Opens a detector with the usual settings.
     *
     * @param model YuNet's .onnx file
     * @throws DetectorException when it is missing, unreadable or no YuNet
     */
    public static FaceDetector open(Path model) {
        return open(model, Settings.DEFAULT);
    }

    /**
     * Opens a detector.
     *
     * @param model YuNet's .onnx file
     * @throws DetectorException when it is missing, unreadable or no YuNet
     */
    public static FaceDetector open(Path model, Settings settings) {
        NativeLibraries.load(opencv_objdetect.class, "OpenCV");
        FaceDetector detector = new FaceDetector(bytes(model), model.toString(), settings);
        try (Scalar black = new Scalar(0.0);
                Mat blank = new Mat(PROBE_PX, PROBE_PX, CV_8UC3, black)) {
            detector.detect(blank); // another net fails here, not at the first photograph
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
                throw new DetectorException("face detector " + model + " is empty; bring YuNet's .onnx file");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw new DetectorException("face detector " + model + " does not exist", e);
        } catch (IOException e) {
            throw new DetectorException("face detector " + model + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Tells detectors apart: thresholds that were measured with one hold for no other.
     *
     * @return the first 8 hexadecimal digits of the SHA-256 of its file
     */
    public String fingerprint() {
        return fingerprint;
    }

    /** What is taken for a face. */
    public Settings settings() {
        return settings;
    }

    /**
     * The side of the smallest face that can be expected to be found in an image that is shrunk before detection.
     *
     * @param width of the image, in pixels
     * @param height of the image, in pixels
     * @return in pixels of the image; empty where it is not larger than {@link Settings#largestSidePx} and not shrunk
     */
    public OptionalInt smallestVisibleFacePx(int width, int height) {
        double shrink = (double) Math.max(width, height) / settings.largestSidePx();
        return shrink > 1 ? OptionalInt.of((int) Math.ceil(SMALLEST_SEEN_PX * shrink)) : OptionalInt.empty();
    }

    /**
     * Finds the faces.
     *
     * @param image RGB, CV_8UC3, of any size; untouched
     * @return the most prominent first: large and near the middle; in pixels of {@code image}; empty where there is
     *     none
     * @throws IllegalArgumentException when the image is empty or of another type
     * @throws IllegalStateException when it is closed
     */
    public List<DetectedFace> detect(Mat image) {
        if (image.empty() || image.type() != CV_8UC3) {
            throw new IllegalArgumentException("image must be RGB, CV_8UC3, but was "
                    + (image.empty() ? "empty" : "of OpenCV's type " + image.type()));
        }
        List<DetectedFace> faces = new ArrayList<>(isEnlarged(image) ? inEnlarged(image) : in(image));
        faces.removeIf(
                face -> { // those of NaN too
                    double shorter = Math.min(face.box().width(), face.box().height());
                    return !(shorter >= settings.smallestFacePx());
                });
        faces.sort(FaceChoice.MOST_PROMINENT.order(image.cols(), image.rows()).reversed());
        return List.copyOf(faces);
    }

    /**
     * Whether a face is upside down. YuNet finds most of those as well, at a lower score, and invents upright landmarks
     * for them: the crop is then upside down, and its embedding means nothing. So a face of a low score is looked at
     * both ways.
     *
     * @param image RGB, CV_8UC3; untouched
     * @param face that was found in it
     */
    public boolean isUpsideDown(Mat image, DetectedFace face) {
        if (face.score() >= SURELY_UPRIGHT) {
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
                Mat turned = new Mat()) {
            rotate(upright, turned, ROTATE_180);
            return bestScore(turned) > Math.max(face.score(), bestScore(upright));
        }
    }

    private double bestScore(Mat image) {
        return detect(image).stream().mapToDouble(DetectedFace::score).max().orElse(0);
    }

    /** Where the result is not shrunk below the image's own size again. */
    private boolean isEnlarged(Mat image) {
        int margin = image.cols() / 2;
        int longer = ENLARGED * (Math.max(image.cols(), image.rows()) + 2 * margin);
        return Math.min(image.cols(), image.rows()) < SMALL_PX && longer <= ENLARGED * settings.largestSidePx();
    }

    private List<DetectedFace> inEnlarged(Mat image) {
        int margin = image.cols() / 2;
        try (Mat wide = new Mat();
                Scalar black = new Scalar(0.0);
                Size size = new Size(ENLARGED * (image.cols() + 2 * margin), ENLARGED * (image.rows() + 2 * margin))) {
            copyMakeBorder(image, wide, margin, margin, margin, margin, BORDER_CONSTANT, black);
            resize(wide, wide, size, 0, 0, INTER_LINEAR);
            return in(wide).stream()
                    .map(face -> face.mapped(1.0 / ENLARGED, -margin))
                    .toList();
        }
    }

    private List<DetectedFace> in(Mat image) {
        try (Lifetime.Use use = lifetime.enter();
                Mat input = input(image)) {
            double scaleX = (double) image.cols() / input.cols();
            double scaleY = (double) image.rows() / input.rows();
            return Arrays.stream(rows(input))
                    .map(row -> face(row, scaleX, scaleY))
                    .toList();
        }
    }

    /** Not larger than asked for, in the order of colors that OpenCV's nets were trained on. */
    private Mat input(Mat image) {
        double shrink = (double) settings.largestSidePx() / Math.max(image.cols(), image.rows());
        Mat input = new Mat();
        if (shrink >= 1) {
            cvtColor(image, input, COLOR_RGB2BGR);
            return input;
        }
        int width = Math.max(1, (int) Math.round(image.cols() * shrink));
        int height = Math.max(1, (int) Math.round(image.rows() * shrink));
        try (Size size = new Size(width, height)) {
            resize(image, input, size, 0, 0, INTER_AREA);
        }
        cvtColor(input, input, COLOR_RGB2BGR);
        return input;
    }

    private float[][] rows(Mat input) {
        FaceDetectorYN detector = borrow();
        try (Mat found = new Mat();
                Size size = new Size(input.cols(), input.rows())) {
            detector.setInputSize(size);
            detector.detect(input, found);
            float[][] rows = new float[found.rows()][COLUMNS];
            if (rows.length > 0) {
                try (FloatIndexer values = found.createIndexer()) {
                    for (int i = 0; i < rows.length; i++) {
                        values.get(i, 0, rows[i]);
                    }
                }
            }
            return rows;
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " cannot look at an image of " + input.cols() + "x" + input.rows()
                            + "; is it YuNet's .onnx file? OpenCV says: " + firstLine(e),
                    e);
        } finally {
            giveBack(detector);
        }
    }

    private static DetectedFace face(float[] row, double scaleX, double scaleY) {
        List<DetectedFace.Point> points = new ArrayList<>();
        for (int i = 0; i < DetectedFace.POINTS; i++) {
            points.add(new DetectedFace.Point(
                    scaled(row[4 + 2 * i], scaleX), scaled(row[5 + 2 * i], scaleY))); // YuNet's order is the template's
        }
        var box =
                new DetectedFace.Box(scaled(row[0], scaleX), scaled(row[1], scaleY), row[2] * scaleX, row[3] * scaleY);
        return new DetectedFace(box, points, row[COLUMNS - 1]);
    }

    /** Centers of pixels are whole numbers, before and after. */
    private static double scaled(double place, double scale) {
        return (place + 0.5) * scale - 0.5;
    }

    // ---- the pool ----

    private FaceDetectorYN borrow() {
        room.acquireUninterruptibly();
        try {
            synchronized (idle) {
                if (!idle.isEmpty()) {
                    return idle.pop();
                }
            }
            return create();
        } catch (RuntimeException e) {
            room.release();
            throw e;
        }
    }

    private void giveBack(FaceDetectorYN detector) {
        synchronized (idle) {
            idle.push(detector);
        }
        room.release();
    }

    private FaceDetectorYN create() {
        try (PointerScope scope = new PointerScope(); // a scope of the caller's must not end it
                Size size = new Size(PROBE_PX, PROBE_PX)) {
            FaceDetectorYN detector = FaceDetectorYN.create(
                    "onnx",
                    model,
                    new byte[0],
                    size,
                    (float) settings.scoreThreshold(),
                    (float) settings.nmsThreshold(),
                    settings.topK(),
                    0, // OpenCV's own backend
                    0); // on the CPU
            return detector.retainReference();
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " must be YuNet's .onnx file (face_detection_yunet_2023mar.onnx), but"
                            + " OpenCV says: " + firstLine(e),
                    e);
        }
    }

    private static String firstLine(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
    }

    /** Waits for uses under way and frees the memory. A second time does nothing. */
    @Override
    public void close() {
        lifetime.close(() -> idle.forEach(FaceDetectorYN::close));
    }
}
