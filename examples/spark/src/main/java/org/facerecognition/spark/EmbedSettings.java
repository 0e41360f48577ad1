package org.facerecognition.spark;

import java.io.Serializable;
import java.nio.file.Path;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * How images become embeddings, apart from the files of model and detector.
 *
 * @param input what pixels an ONNX model takes; null if its file says it, and for other models
 * @param choice which of several faces is embedded
 * @param flip whether the embedding of the mirrored image is added
 * @param options of the preparation
 */
record EmbedSettings(@Nullable String input, FaceChoice choice, boolean flip, PrepareOptions options)
        implements Serializable {

    EmbedSettings withOptions(PrepareOptions newOptions) {
        return new EmbedSettings(input, choice, flip, newOptions);
    }

    /** Loads and prepares a model; owned. */
    PreparedRecognizer load(Path file, @Nullable FaceDetector detector) {
        if (input == null) {
            return PreparedRecognizer.load(file, options, detector, choice, flip);
        }
        try (OnnxModel onnx = OnnxModel.open(file, InputContract.parse(input))) {
            return PreparedRecognizer.load(onnx, options, detector, choice, flip);
        }
    }
}
