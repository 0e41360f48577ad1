package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.natives.NativeErrors;
import org.jspecify.annotations.Nullable;

/**
 * YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023), as OpenCV's {@code FaceDetectorYN} runs
 * it: by a {@link DetectionEngine}, or by OpenCV where there is none.
 */
final class YuNet implements DetectionNetwork {
    static final List<String> OUTPUTS = Stream.of("cls", "obj", "bbox", "kps")
            .flatMap(output -> Stream.of(8, 16, 32).map(stride -> output + "_" + stride))
            .toList();

    /** Colors as OpenCV reads them, without a normalization. */
    static final DetectionEngine.Input INPUT = new DetectionEngine.Input(true, 0, 1);

    private static final int COLUMNS = 15; // x, y, width, height, five times x and y, score

    /**
     * Of 1,206 upside-down photographs and crops of faces the highest score was 0.908; most upright ones scored 0.93.
     */
    private static final double MIN_UPRIGHT_SCORE = 0.91;

    private final byte[] model;
    private final String name;
    private final FaceDetector.Settings settings;
    private final DetectionEngine.@Nullable Network engine;
    private final DetectorPool<FaceDetectorYN> pool = new DetectorPool<>(this::create, FaceDetectorYN::close);

    private YuNet(byte[] model, String name, FaceDetector.Settings settings, DetectionEngine.@Nullable Network engine) {
        this.engine = engine;
        this.model = model;
        this.name = name;
        this.settings = settings;
    }

    /** Returns whether a graph has YuNet's outputs, by which OpenCV finds them. */
    static boolean isYuNet(OnnxOutline outline) {
        List<String> names =
                outline.outputs().stream().map(OnnxOutline.Port::name).toList();
        return names.size() == OUTPUTS.size() && names.containsAll(OUTPUTS);
    }

    /**
     * Opens a network and tries it on a blank image.
     *
     * @param model the bytes of YuNet's .onnx file
     * @param name of the file, for messages
     * @param engine runs it; owned. Empty to let OpenCV run it
     * @return owned
     * @throws DetectorException when OpenCV cannot load or run it
     */
    static YuNet open(
            byte[] model, String name, FaceDetector.Settings settings, Optional<DetectionEngine.Network> engine) {
        if (engine.isPresent()) {
            try {
                return tried(new YuNet(model, name, settings, engine.get()));
            } catch (DetectorException e) {
                // OpenCV may be able to run it, or says what is wrong
            }
        }
        return tried(new YuNet(model, name, settings, null));
    }

    private static YuNet tried(YuNet network) {
        try (Scalar black = new Scalar(0.0);
                Mat blank = new Mat(PROBE_PX, PROBE_PX, CV_8UC3, black)) {
            network.detect(blank);
            return network;
        } catch (RuntimeException e) {
            network.close();
            throw e;
        }
    }

    @Override
    public double minUprightScore() {
        return MIN_UPRIGHT_SCORE;
    }

    @Override
    public List<DetectedFace> detect(Mat image) {
        return engine == null ? pool.with(detector -> detect(detector, image)) : detect(engine, image);
    }

    private List<DetectedFace> detect(DetectionEngine.Network network, Mat image) {
        int width = Heads.canvas(image.cols());
        int height = Heads.canvas(image.rows());
        float[] maps = DetectionNetwork.maps(network, name, image, height, width);
        return YuNetDecoder.faces(Heads.ofMaps(maps, width, height, YuNetDecoder.NUMBERS), settings);
    }

    private List<DetectedFace> detect(FaceDetectorYN detector, Mat image) {
        try (Mat bgr = new Mat(); // the channel order that YuNet was trained on
                Mat found = new Mat();
                Size size = new Size(image.cols(), image.rows())) {
            cvtColor(image, bgr, COLOR_RGB2BGR);
            detector.setInputSize(size);
            detector.detect(bgr, found);
            return faces(found);
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " cannot process an image of " + image.cols() + "x" + image.rows()
                            + "; is it YuNet's .onnx file? OpenCV says: " + NativeErrors.reason(e),
                    e);
        }
    }

    private static List<DetectedFace> faces(Mat found) {
        List<DetectedFace> faces = new ArrayList<>();
        if (found.rows() > 0) {
            float[] row = new float[COLUMNS];
            try (FloatIndexer values = found.createIndexer()) {
                for (int i = 0; i < found.rows(); i++) {
                    values.get(i, 0, row);
                    faces.add(face(row));
                }
            }
        }
        return faces;
    }

    private static DetectedFace face(float[] row) {
        List<DetectedFace.Point> points = new ArrayList<>();
        for (int i = 0; i < DetectedFace.POINTS; i++) {
            points.add(new DetectedFace.Point(row[4 + 2 * i], row[5 + 2 * i])); // in the template's order
        }
        return new DetectedFace(new DetectedFace.Box(row[0], row[1], row[2], row[3]), points, row[COLUMNS - 1]);
    }

    private FaceDetectorYN create() {
        try (PointerScope scope = new PointerScope(); // a scope of the caller must not close the detector
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
            OpenCvThreads.bound();
            return detector.retainReference();
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " must be YuNet's .onnx file (face_detection_yunet_2023mar.onnx), but"
                            + " OpenCV says: " + NativeErrors.reason(e),
                    e);
        }
    }

    @Override
    public void close() {
        pool.close();
        if (engine != null) {
            engine.close();
        }
    }
}
