package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.vision.Heads.Head;
import org.jspecify.annotations.Nullable;

/**
 * SCRFD (Guo, Deng, Lattas, Zafeiriou: "Sample and Computation Redistribution for Efficient Face Detection", ICLR
 * 2022), any of its sizes that predicts five landmarks, run by a {@link DetectionEngine}, or by OpenCV where there is
 * none, and decoded as insightface's {@code scrfd.py} does.
 */
final class Scrfd implements DetectionNetwork {
    /*
     * The network looks at an image on three grids of 8, 16 and 32 pixels. At every place of a grid it has two anchors,
     * and for each a score, the distances from the place to the left, upper, right and lower side of the box, and the
     * offsets of the five landmarks, in units of the grid. Its nine outputs are the scores of the three grids, then the
     * boxes, then the landmarks.
     *
     * The image is padded with black on the right and at the bottom to a multiple of 32 pixels, which moves nothing.
     * Files whose graph works for one size only get all images in that size.
     */
    static final int OUTPUTS = 9;

    private static final String KIND = "SCRFD's .onnx file with five landmarks";

    private static final int ANCHORS = 2;
    private static final int BOX = 4; // numbers of an anchor
    private static final int POINTS = 2 * DetectedFace.POINTS;
    private static final double MEAN = 127.5;
    private static final double STD = 128;

    /** The network takes RGB: insightface's code gives it BGR images with swapRB. */
    static final DetectionEngine.Input INPUT = new DetectionEngine.Input(false, MEAN, STD);

    private static final int SCORES = 0; // the heads
    private static final int BOXES = 1;
    private static final int LANDMARKS = 2;
    private static final int[] NUMBERS = {ANCHORS, ANCHORS * BOX, ANCHORS * POINTS}; // of a place, by head

    private final String name;
    private final FaceDetector.Settings settings;
    private final int fixedWidth; // 0 if the network takes images of any size
    private final int fixedHeight;
    private final int fileSidePx; // the largest integer if the file does not say which size the network takes
    private final DetectionEngine.@Nullable Network engine;
    private final @Nullable OpenCvNetwork openCv; // where there is no engine

    private Scrfd(
            byte[] model,
            OnnxOutline outline,
            String name,
            FaceDetector.Settings settings,
            int fixedWidth,
            int fixedHeight,
            DetectionEngine.@Nullable Network engine) {
        this.engine = engine;
        this.name = name;
        this.settings = settings;
        this.fixedWidth = fixedWidth;
        this.fixedHeight = fixedHeight;
        OnnxOutline.Port input = outline.inputs().get(0);
        boolean ofFile = fixedWidth > 0 && input.size(2) > 0 && input.size(3) > 0;
        this.fileSidePx = ofFile ? Math.max(fixedWidth, fixedHeight) : Integer.MAX_VALUE;
        List<String> outputs =
                outline.outputs().stream().map(OnnxOutline.Port::name).toList();
        this.openCv = engine == null ? new OpenCvNetwork(model, outputs, INPUT, NUMBERS, name, KIND) : null;
    }

    /** Returns whether a graph has SCRFD's input and outputs, those of the landmarks included. */
    static boolean isScrfd(OnnxOutline outline) {
        return hasHeads(outline, 1, BOX, POINTS);
    }

    /** Returns whether a graph has the input and outputs of an SCRFD that predicts no landmarks. */
    static boolean lacksLandmarks(OnnxOutline outline) {
        return hasHeads(outline, 1, BOX);
    }

    /** Returns whether every head has an output for each grid whose last dimension has its size, or an unknown one. */
    private static boolean hasHeads(OnnxOutline outline, int... sizes) {
        List<OnnxOutline.Port> all = outline.outputs();
        if (outline.inputs().size() != 1 || all.size() != sizes.length * Heads.STRIDES.length) {
            return false;
        }
        for (int i = 0; i < all.size(); i++) {
            OnnxOutline.Port output = all.get(i);
            long size = output.size(-1);
            boolean fits = size == OnnxOutline.Port.UNKNOWN || size == sizes[i / Heads.STRIDES.length];
            if (!fits || output.sizes().size() > 3) {
                return false;
            }
        }
        return true;
    }

    /**
     * Opens a network and tries it on a blank image.
     *
     * @param outline of the file; {@link #isScrfd} must hold
     * @param name of the file, for messages
     * @param engine runs it; owned. Empty to let OpenCV run it
     * @return owned
     * @throws DetectorException when OpenCV cannot load or run it
     */
    static Scrfd open(
            byte[] model,
            OnnxOutline outline,
            String name,
            FaceDetector.Settings settings,
            Optional<DetectionEngine.Network> engine) {
        if (engine.isPresent()) {
            try {
                return tried(new Scrfd(model, outline, name, settings, 0, 0, engine.get()));
            } catch (DetectorException e) {
                // OpenCV may be able to run it, or says what is wrong
            }
        }
        try {
            return tried(new Scrfd(model, outline, name, settings, 0, 0, null));
        } catch (DetectorException e) { // its graph does not work for any size
            OnnxOutline.Port input = outline.inputs().get(0);
            int side = Heads.padded(settings.largestSidePx());
            int height = (int) input.size(2) > 0 ? (int) input.size(2) : side;
            int width = (int) input.size(3) > 0 ? (int) input.size(3) : side;
            byte[] fixed = OnnxOutline.withInputSizes(model, 1, 3, height, width);
            return tried(new Scrfd(fixed, outline, name, settings, width, height, null));
        }
    }

    private static Scrfd tried(Scrfd network) {
        try (Scalar black = new Scalar(0.0);
                Mat blank = new Mat(PROBE_PX, PROBE_PX + Heads.GRID_PX, CV_8UC3, black)) {
            network.detect(blank);
            return network;
        } catch (RuntimeException e) {
            network.close();
            throw e;
        }
    }

    /** The scores of upright and of upside-down faces overlap, and differ between the network's sizes. */
    @Override
    public double minUprightScore() {
        return Double.POSITIVE_INFINITY;
    }

    @Override
    public int largestSidePx() {
        return fileSidePx;
    }

    @Override
    public List<DetectedFace> detect(Mat image) {
        double reduction =
                fixedWidth == 0 ? 1 : Math.max((double) image.cols() / fixedWidth, (double) image.rows() / fixedHeight);
        if (reduction <= 1) {
            return detectPadded(image);
        }
        int width = Math.max(1, (int) (image.cols() / reduction));
        int height = Math.max(1, (int) (image.rows() / reduction));
        try (Mat reduced = new Mat();
                Size size = new Size(width, height)) {
            resize(image, reduced, size, 0, 0, INTER_AREA);
            return detectPadded(reduced).stream()
                    .map(face -> face.scaled((double) image.cols() / width, (double) image.rows() / height))
                    .toList();
        }
    }

    private List<DetectedFace> detectPadded(Mat image) {
        if (engine != null) {
            return faces(DetectionNetwork.heads(engine, name, image, NUMBERS));
        }
        int width = fixedWidth == 0 ? Heads.padded(image.cols()) : fixedWidth;
        int height = fixedHeight == 0 ? Heads.padded(image.rows()) : fixedHeight;
        return faces(Objects.requireNonNull(openCv).run(image, width, height));
    }

    private List<DetectedFace> faces(Heads heads) {
        List<DetectedFace> candidates = new ArrayList<>();
        for (int grid = 0; grid < Heads.STRIDES.length; grid++) {
            Head scores = heads.head(SCORES, grid);
            for (int place = 0; place < heads.places(grid); place++) {
                for (int anchor = 0; anchor < ANCHORS; anchor++) {
                    float score = scores.at(place, anchor);
                    if (score >= settings.scoreThreshold()) {
                        candidates.add(face(heads, grid, place, anchor, score));
                    }
                }
            }
        }
        candidates.sort(Comparator.comparingDouble(DetectedFace::score).reversed());
        int count = Math.min(candidates.size(), settings.topK());
        return Overlap.suppress(candidates.subList(0, count), settings.nmsThreshold());
    }

    private static DetectedFace face(Heads heads, int grid, int place, int anchor, double score) {
        double stride = Heads.STRIDES[grid];
        double x = place % heads.columns(grid) * stride;
        double y = place / heads.columns(grid) * stride;
        Head boxes = heads.head(BOXES, grid);
        Head points = heads.head(LANDMARKS, grid);
        double left = x - boxes.at(place, BOX * anchor) * stride;
        double top = y - boxes.at(place, BOX * anchor + 1) * stride;
        double right = x + boxes.at(place, BOX * anchor + 2) * stride;
        double bottom = y + boxes.at(place, BOX * anchor + 3) * stride;
        List<DetectedFace.Point> all = new ArrayList<>();
        for (int i = POINTS * anchor; i < POINTS * (anchor + 1); i += 2) {
            all.add(new DetectedFace.Point(x + points.at(place, i) * stride, y + points.at(place, i + 1) * stride));
        }
        return new DetectedFace(new DetectedFace.Box(left, top, right - left, bottom - top), all, score);
    }

    @Override
    public void close() {
        if (openCv != null) {
            openCv.close();
        }
        if (engine != null) {
            engine.close();
        }
    }
}
