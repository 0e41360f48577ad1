package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.BORDER_CONSTANT;
import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.copyMakeBorder;
import static org.bytedeco.opencv.global.opencv_core.rotate;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ForeignText;
import org.facerecognition.natives.Lifetime;

/** A detector from an .onnx file: a {@link DetectionNetwork} and what surrounds it, the same for all networks. */
final class OnnxFaceDetector implements FaceDetector {
    /*
     * An image larger than Settings.largestSidePx is reduced first. Time and memory are then bounded for any input, and
     * a network, which was trained on faces of about 10 to 300 pixels, gets large faces at a size it knows. Boxes and
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

    /*
     * The largest side of a face's surroundings when they are examined a second time, so that the face has about 64
     * pixels. Of 1,390 faces of LFW's View 1 that YuNet finds upside down, 1,383 are known as such, and 1,387 were
     * where they were examined at full size and neighbors counted too; of 589 that SCRFD (500M) finds in half of the
     * images, 587 and 584.
     */
    private static final int EXAMINED_PX = 128;

    private static final double SAME_FACE_IOU = 0.2; // the box of an upside-down face lies elsewhere than upright

    private static final String RULE = "face detector %s must be YuNet's .onnx file (face_detection_yunet_2023mar.onnx)"
            + " or SCRFD's with five landmarks (such as scrfd_500m_bnkps.onnx), but ";

    private static final String FETCH =
            ", or fetch YuNet: WeightsCache.standard().fetch(RemoteFile.faceDetector()), --detector fetch";

    private static final int MAX_NAMES = 3;
    private static final long MAX_BYTES = 100 << 20; // SCRFD's largest has 40 MiB

    private final DetectionNetwork network;
    private final Settings settings;
    private final String fingerprint;
    private final Lifetime lifetime;

    private OnnxFaceDetector(DetectionNetwork network, Settings settings, byte[] model, String name) {
        this.network = network;
        this.settings = settings;
        this.fingerprint = sha256(model).substring(0, 8);
        this.lifetime = new Lifetime("face detector " + name);
    }

    /** Opens a detector; see {@link FaceDetector#open(Path, UnaryOperator)}. */
    static FaceDetector open(Path file, UnaryOperator<Settings> settings) {
        OpenCvThreads.bound();
        byte[] model = bytes(file);
        String name = file.toString();
        OnnxOutline outline = OnnxOutline.of(model).orElseThrow(() -> new DetectorException(noOnnxFile(model, name)));
        if (YuNet.isYuNet(outline)) {
            Settings own = settings.apply(Settings.DEFAULT);
            return new OnnxFaceDetector(
                    YuNet.open(model, name, own, DetectionEngine.find(file, YuNet.OUTPUTS, YuNet.INPUT)),
                    own,
                    model,
                    name);
        }
        if (Scrfd.isScrfd(outline)) {
            Settings own = settings.apply(Settings.SCRFD);
            List<String> outputs =
                    outline.outputs().stream().map(OnnxOutline.Port::name).toList();
            return new OnnxFaceDetector(
                    Scrfd.open(model, outline, name, own, DetectionEngine.find(file, outputs, Scrfd.INPUT)),
                    own,
                    model,
                    name);
        }
        throw new DetectorException(refusal(outline, name));
    }

    private static String noOnnxFile(byte[] bytes, String name) {
        return RULE.formatted(name) + "it "
                + ForeignText.describe(bytes, "a detector", "the detector's .onnx file")
                        .map(what -> what + FETCH)
                        .orElse("is not an ONNX file or only a part of one");
    }

    private static String refusal(OnnxOutline outline, String name) {
        if (Scrfd.lacksLandmarks(outline)) {
            return "face detector " + name + " is an SCRFD without landmarks (6 outputs), which alignment needs; give"
                    + " one with five landmarks (9 outputs), such as scrfd_500m_bnkps.onnx";
        }
        List<String> outputs =
                outline.outputs().stream().map(OnnxOutline.Port::name).toList();
        return RULE.formatted(name) + "it is an ONNX file with other outputs: "
                + String.join(", ", outputs.subList(0, Math.min(MAX_NAMES, outputs.size())))
                + (outputs.size() > MAX_NAMES ? ", ..." : "");
    }

    private static byte[] bytes(Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new DetectorException(RULE.formatted(file) + "it has " + (size >> 20) + " MiB, while those have "
                        + (MAX_BYTES >> 20) + " at most; is it the model of an encoder?");
            }
            byte[] bytes = Files.readAllBytes(file);
            if (bytes.length == 0) {
                throw new DetectorException("face detector " + file + " is empty; give YuNet's or SCRFD's .onnx file");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw new DetectorException("face detector " + file + " does not exist", e);
        } catch (IOException e) {
            throw new DetectorException("face detector " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public Settings settings() {
        return settings;
    }

    @Override
    public List<DetectedFace> detect(Mat image) {
        Pixels.require(image);
        try (Lifetime.Use use = lifetime.enter()) {
            return (settings.rotations() ? detectTurned(image) : detectUpright(image))
                    .stream()
                            .sorted(FaceChoice.MOST_PROMINENT
                                    .order(image.cols(), image.rows())
                                    .reversed())
                            .toList();
        }
    }

    /** Returns the largest side of an image that the network looks at: that of its file, if it is for one size only. */
    private int largestSidePx() {
        return Math.min(settings.largestSidePx(), maxSidePx());
    }

    @Override
    public int maxSidePx() {
        return Math.min(FaceDetector.super.maxSidePx(), network.largestSidePx());
    }

    @Override
    public OptionalInt smallestVisibleFacePx(int width, int height) {
        return settings.smallestVisibleFacePx(width, height, largestSidePx());
    }

    /** Returns whether a box has the minimum size; false for NaN. */
    private static boolean isLargeEnough(DetectedFace face, Settings settings) {
        return Math.min(face.box().width(), face.box().height()) >= settings.smallestFacePx();
    }

    private static List<DetectedFace> largeEnough(List<DetectedFace> faces, Settings settings) {
        return faces.stream().filter(face -> isLargeEnough(face, settings)).toList();
    }

    /**
     * Returns whether a face is upside down. A detector finds most upside-down faces too, with a lower score, but
     * returns upright landmarks for them. So the surroundings of a face with a low score are rotated by 180 degrees and
     * examined a second time.
     */
    @Override
    public boolean isUpsideDown(Mat image, DetectedFace face) {
        Pixels.require(image);
        if (settings.rotations() || face.score() >= network.minUprightScore()) {
            return false; // with rotations, the turned image has been examined already
        }
        DetectedFace.Box box = face.box();
        int x = (int) Math.max(0, box.x() - box.width() / 2);
        int y = (int) Math.max(0, box.y() - box.height() / 2);
        int width = (int) Math.min(image.cols(), box.x() + 1.5 * box.width()) - x;
        int height = (int) Math.min(image.rows(), box.y() + 1.5 * box.height()) - y;
        if (width < 1 || height < 1) {
            return false;
        }
        DetectedFace.Box here = new DetectedFace.Box(box.x() - x, box.y() - y, box.width(), box.height());
        DetectedFace.Box there = new DetectedFace.Box(
                width - here.x() - here.width(), height - here.y() - here.height(), box.width(), box.height());
        try (Lifetime.Use use = lifetime.enter();
                Rect around = new Rect(x, y, width, height);
                Mat upright = new Mat(image, around);
                Mat rotated = new Mat()) {
            rotate(upright, rotated, ROTATE_180);
            boolean enlarge = isEnlarged(image); // a part is examined like the whole image
            double turned = bestScore(rotated, there, enlarge);
            return turned > face.score() && turned > bestScore(upright, here, enlarge);
        }
    }

    /** Returns the best score of a face at a place, not of its neighbors; 0 if there is none. */
    private double bestScore(Mat surroundings, DetectedFace.Box place, boolean enlarge) {
        return (enlarge ? detectUpright(surroundings) : largeEnough(detectReduced(surroundings, EXAMINED_PX), settings))
                .stream()
                        .filter(face -> Overlap.iou(face.box(), place) > SAME_FACE_IOU)
                        .mapToDouble(DetectedFace::score)
                        .max()
                        .orElse(0);
    }

    /**
     * Detects in an image and, where that leaves a doubt, in the turned image too. Of several positions of a face the
     * one with the highest score is right: for 388 faces of LFW, YuNet and SCRFD (500M) gave the upright position a
     * higher score than the other three, without exception.
     */
    private List<DetectedFace> detectTurned(Mat image) {
        List<DetectedFace> upright = detectUpright(image);
        if (!upright.isEmpty() && upright.stream().allMatch(face -> face.score() >= network.minUprightScore())) {
            return upright;
        }
        List<DetectedFace> all = new ArrayList<>(upright);
        for (Turn turn : Turn.values()) {
            try (Mat turned = turn.apply(image)) {
                detectUpright(turned).forEach(face -> all.add(turn.back(face, image.cols(), image.rows())));
            }
        }
        return merged(all, settings);
    }

    /**
     * Joins what several views of an image show, of faces in the same place the best. One that is too small is none: it
     * must not take the place of a large face.
     *
     * @param faces in pixels of the image
     */
    static List<DetectedFace> merged(List<DetectedFace> faces, Settings settings) {
        List<DetectedFace> large = new ArrayList<>(largeEnough(faces, settings));
        large.sort(Comparator.comparingDouble(DetectedFace::score).reversed());
        return Overlap.merge(large, settings.nmsThreshold());
    }

    /** Returns the faces that are large enough. */
    private List<DetectedFace> detectUpright(Mat image) {
        if (settings.tiles() && Math.max(image.cols(), image.rows()) > largestSidePx()) {
            List<DetectedFace> all = new ArrayList<>(detectReduced(image));
            all.addAll(new Tiling(largestSidePx(), network::detect).detect(image));
            return merged(all, settings);
        }
        return largeEnough(isEnlarged(image) ? detectEnlarged(image) : detectReduced(image), settings);
    }

    /**
     * Returns whether an image is enlarged: it is small, and the result would not be reduced below the original size
     * again.
     */
    private boolean isEnlarged(Mat image) {
        int margin = image.cols() / 2;
        int longer = ENLARGEMENT * (Math.max(image.cols(), image.rows()) + 2 * margin);
        return Math.min(image.cols(), image.rows()) < SMALL_PX && longer <= ENLARGEMENT * largestSidePx();
    }

    /** Detects in an image that is enlarged, with a black border. */
    private List<DetectedFace> detectEnlarged(Mat image) {
        int margin = image.cols() / 2;
        try (Mat wide = new Mat();
                Scalar black = new Scalar(0.0);
                Size size = new Size(
                        ENLARGEMENT * (image.cols() + 2 * margin), ENLARGEMENT * (image.rows() + 2 * margin))) {
            int border = BORDER_CONSTANT | BORDER_ISOLATED; // of a region, not the image around it
            copyMakeBorder(image, wide, margin, margin, margin, margin, border, black);
            resize(wide, wide, size, 0, 0, INTER_LINEAR);
            return detectReduced(wide).stream()
                    .map(face ->
                            face.scaled(1.0 / ENLARGEMENT, 1.0 / ENLARGEMENT).shifted(-margin, -margin))
                    .toList();
        }
    }

    private List<DetectedFace> detectReduced(Mat image) {
        return detectReduced(image, largestSidePx());
    }

    /** Detects in an image that is reduced if it is too large. */
    private List<DetectedFace> detectReduced(Mat image, int largestSidePx) {
        double scale = (double) largestSidePx / Math.max(image.cols(), image.rows());
        if (scale >= 1) {
            return network.detect(image);
        }
        int width = Math.max(1, (int) Math.round(image.cols() * scale));
        int height = Math.max(1, (int) Math.round(image.rows() * scale));
        try (Mat reduced = new Mat();
                Size size = new Size(width, height)) {
            resize(image, reduced, size, 0, 0, INTER_AREA);
            return network.detect(reduced).stream()
                    .map(face -> face.scaled((double) image.cols() / width, (double) image.rows() / height))
                    .toList();
        }
    }

    @Override
    public void close() {
        lifetime.close(network::close);
    }
}
