package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
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

    private static final String KIND = "YuNet's .onnx file (face_detection_yunet_2023mar.onnx)";

    /**
     * Of 1,206 upside-down photographs and crops of faces the highest score was 0.908; most upright ones scored 0.93.
     */
    private static final double MIN_UPRIGHT_SCORE = 0.91;

    private final String name;
    private final FaceDetector.Settings settings;
    private final DetectionEngine.@Nullable Network engine;
    private final @Nullable OpenCvNetwork openCv; // where there is no engine

    private YuNet(byte[] model, String name, FaceDetector.Settings settings, DetectionEngine.@Nullable Network engine) {
        this.engine = engine;
        this.name = name;
        this.settings = settings;
        this.openCv =
                engine == null ? new OpenCvNetwork(model, OUTPUTS, INPUT, YuNetDecoder.NUMBERS, name, KIND) : null;
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
        return YuNetDecoder.faces(heads(image), settings);
    }

    private Heads heads(Mat image) {
        if (openCv != null) {
            return openCv.run(image, Heads.padded(image.cols()), Heads.padded(image.rows()));
        }
        return DetectionNetwork.heads(Objects.requireNonNull(engine), name, image, YuNetDecoder.NUMBERS);
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
