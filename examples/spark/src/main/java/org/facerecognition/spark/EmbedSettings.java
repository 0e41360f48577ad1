package org.facerecognition.spark;

import java.io.Serializable;
import java.nio.file.Path;
import org.apache.spark.SparkFiles;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * What an executor needs to know to embed images. Two that are equal embed in the same way.
 *
 * @param model name of the file that {@link SharedFile} has sent
 * @param input what pixels an ONNX model takes; null if its file says it, and for other models
 * @param detector name of the file of the detector; null for images that are cropped as in training
 * @param detection settings of the detector; null without one
 * @param choice which of several faces is embedded
 * @param flip whether the embedding of the mirrored image is added
 * @param options of the preparation
 * @param threads number of threads that an executor computes with; 0 for one for each processor that it sees
 */
record EmbedSettings(
        String model,
        @Nullable String input,
        @Nullable String detector,
        FaceDetector.@Nullable Settings detection,
        FaceChoice choice,
        boolean flip,
        PrepareOptions options,
        int threads)
        implements Serializable {

    /** Opens the detector on this executor; null if there is none. The result is owned. */
    @Nullable
    FaceDetector openDetector() {
        return detector == null || detection == null
                ? null
                : FaceDetector.open(Path.of(SparkFiles.get(detector)), detection);
    }

    /** Loads and prepares the model on this executor; owned. */
    PreparedRecognizer load(@Nullable FaceDetector opened) {
        return load(Path.of(SparkFiles.get(model)), input, options, opened, choice, flip);
    }

    static PreparedRecognizer load(
            Path file,
            @Nullable String input,
            PrepareOptions options,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            boolean flip) {
        if (input == null) {
            return PreparedRecognizer.load(file, options, detector, choice, flip);
        }
        try (OnnxModel onnx = OnnxModel.open(file, InputContract.parse(input))) {
            return PreparedRecognizer.load(onnx, options, detector, choice, flip);
        }
    }
}
