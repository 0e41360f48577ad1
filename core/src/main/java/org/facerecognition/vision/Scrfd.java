package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.BORDER_CONSTANT;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.copyMakeBorder;
import static org.bytedeco.opencv.global.opencv_dnn.blobFromImage;
import static org.bytedeco.opencv.global.opencv_dnn.readNetFromONNX;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.MatVector;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_core.StringVector;
import org.bytedeco.opencv.opencv_dnn.Net;

/**
 * SCRFD (Guo, Deng, Lattas, Zafeiriou: "Sample and Computation Redistribution for Efficient Face Detection", ICLR
 * 2022), any of its sizes that predicts five landmarks, run by OpenCV and decoded as insightface's {@code scrfd.py}
 * does.
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

    private static final int[] STRIDES = {8, 16, 32};
    private static final int ANCHORS = 2;
    private static final int BOX = 4; // numbers of an anchor
    private static final int POINTS = 2 * DetectedFace.POINTS;
    private static final int GRID_PX = 32;
    private static final double MEAN = 127.5;
    private static final double STD = 128;

    private final String name;
    private final FaceDetector.Settings settings;
    private final List<String> outputs;
    private final byte[] model;
    private final int fixedWidth; // 0 if the network takes images of any size
    private final int fixedHeight;
    private final DetectorPool<Net> pool = new DetectorPool<>(this::create, Net::close);

    private Scrfd(
            byte[] model,
            OnnxOutline outline,
            String name,
            FaceDetector.Settings settings,
            int fixedWidth,
            int fixedHeight) {
        this.model = model;
        this.outputs = outline.outputs().stream().map(OnnxOutline.Port::name).toList();
        this.name = name;
        this.settings = settings;
        this.fixedWidth = fixedWidth;
        this.fixedHeight = fixedHeight;
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
        if (outline.inputs().size() != 1 || all.size() != sizes.length * STRIDES.length) {
            return false;
        }
        for (int i = 0; i < all.size(); i++) {
            OnnxOutline.Port output = all.get(i);
            long size = output.size(-1);
            boolean fits = size == OnnxOutline.Port.UNKNOWN || size == sizes[i / STRIDES.length];
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
     * @return owned
     * @throws DetectorException when OpenCV cannot load or run it
     */
    static Scrfd open(byte[] model, OnnxOutline outline, String name, FaceDetector.Settings settings) {
        try {
            return tried(new Scrfd(model, outline, name, settings, 0, 0));
        } catch (DetectorException e) { // its graph does not work for any size
            OnnxOutline.Port input = outline.inputs().get(0);
            int side = padded(settings.largestSidePx());
            int height = (int) input.size(2) > 0 ? (int) input.size(2) : side;
            int width = (int) input.size(3) > 0 ? (int) input.size(3) : side;
            byte[] fixed = OnnxOutline.withInputSizes(model, 1, 3, height, width);
            return tried(new Scrfd(fixed, outline, name, settings, width, height));
        }
    }

    private static Scrfd tried(Scrfd network) {
        try (Scalar black = new Scalar(0.0);
                Mat blank = new Mat(PROBE_PX, PROBE_PX + GRID_PX, CV_8UC3, black)) {
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
        int width = fixedWidth == 0 ? padded(image.cols()) : fixedWidth;
        int height = fixedHeight == 0 ? padded(image.rows()) : fixedHeight;
        try (Mat canvas = new Mat();
                Scalar black = new Scalar(0.0)) {
            copyMakeBorder(image, canvas, 0, height - image.rows(), 0, width - image.cols(), BORDER_CONSTANT, black);
            return pool.with(net -> detect(net, canvas));
        }
    }

    private static int padded(int side) {
        return (side + GRID_PX - 1) / GRID_PX * GRID_PX;
    }

    private List<DetectedFace> detect(Net net, Mat canvas) {
        try (PointerScope scope = new PointerScope();
                MatVector results = new MatVector()) {
            // the network takes RGB: insightface's code gives it BGR images with swapRB
            Mat blob = blobFromImage(canvas, 1 / STD, new Size(), Scalar.all(MEAN), false, false, CV_32F);
            net.setInput(blob);
            net.forward(results, new StringVector(outputs.toArray(String[]::new)));
            List<DetectedFace> candidates = new ArrayList<>();
            for (int grid = 0; grid < STRIDES.length; grid++) {
                addCandidates(results, grid, canvas, candidates);
            }
            candidates.sort(Comparator.comparingDouble(DetectedFace::score).reversed());
            int count = Math.min(candidates.size(), settings.topK());
            return Overlap.suppress(candidates.subList(0, count), settings.nmsThreshold());
        } catch (RuntimeException e) {
            if (e instanceof DetectorException) {
                throw e;
            }
            throw new DetectorException(
                    "face detector " + name + " cannot process an image of " + canvas.cols() + "x" + canvas.rows()
                            + "; is it SCRFD's .onnx file? OpenCV says: " + DetectorException.firstLine(e),
                    e);
        }
    }

    private void addCandidates(MatVector results, int grid, Mat canvas, List<DetectedFace> candidates) {
        int stride = STRIDES[grid];
        int columns = canvas.cols() / stride;
        int anchors = ANCHORS * columns * (canvas.rows() / stride);
        FloatBuffer scores = values(results.get(grid), anchors);
        FloatBuffer boxes = values(results.get(STRIDES.length + grid), BOX * anchors);
        FloatBuffer points = values(results.get(2 * STRIDES.length + grid), POINTS * anchors);
        for (int i = 0; i < anchors; i++) {
            if (scores.get(i) >= settings.scoreThreshold()) {
                int place = i / ANCHORS;
                candidates.add(face(place % columns, place / columns, stride, i, scores.get(i), boxes, points));
            }
        }
    }

    /** Returns the numbers of an output; scoped. */
    private FloatBuffer values(Mat result, int count) {
        if (result.total() != count || result.type() != CV_32F) {
            throw new DetectorException("face detector " + name + " must have SCRFD's outputs, but one has "
                    + result.total() + " numbers instead of " + count);
        }
        return new FloatPointer(result.data()).capacity(count).asBuffer();
    }

    private static DetectedFace face(
            int column, int row, int stride, int anchor, double score, FloatBuffer boxes, FloatBuffer points) {
        double x = (double) column * stride;
        double y = (double) row * stride;
        double left = x - (double) boxes.get(BOX * anchor) * stride;
        double top = y - (double) boxes.get(BOX * anchor + 1) * stride;
        double right = x + (double) boxes.get(BOX * anchor + 2) * stride;
        double bottom = y + (double) boxes.get(BOX * anchor + 3) * stride;
        List<DetectedFace.Point> all = new ArrayList<>();
        for (int i = 0; i < POINTS; i += 2) {
            all.add(new DetectedFace.Point(
                    x + (double) points.get(POINTS * anchor + i) * stride,
                    y + (double) points.get(POINTS * anchor + i + 1) * stride));
        }
        return new DetectedFace(new DetectedFace.Box(left, top, right - left, bottom - top), all, score);
    }

    private Net create() {
        try (PointerScope scope = new PointerScope()) { // a scope of the caller must not close the network
            Net net = readNetFromONNX(model);
            OpenCvThreads.bound();
            return net.retainReference();
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " looks like SCRFD's .onnx file, but OpenCV cannot load it: "
                            + DetectorException.firstLine(e),
                    e);
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
