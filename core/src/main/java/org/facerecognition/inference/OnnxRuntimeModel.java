package org.facerecognition.inference;

import java.nio.file.Path;

/**
 * A network that ONNX Runtime runs, and how it takes images.
 *
 * @param file the ONNX model
 * @param input the name of its input
 * @param type of the input's values
 * @param channelsLast whether the input is [B, S, S, 3] and not [B, 3, S, S]
 * @param blueFirst whether the input's colors are in the order blue, green, red
 * @param batchSize the number of images that the input has; 0 for any
 * @param output the name of the output that is the embeddings
 */
public record OnnxRuntimeModel(
        Path file,
        String input,
        InputType type,
        boolean channelsLast,
        boolean blueFirst,
        int batchSize,
        String output) {

    /** Types of an input's values. */
    public enum InputType {
        /** 32-bit floats. */
        FLOAT,
        /** 16-bit floats. */
        FLOAT16,
        /** Bytes: pixels 0..255. */
        UINT8
    }

    /** Returns whether ONNX Runtime is on the class path; it is an optional dependency. */
    public static boolean isAvailable() {
        try {
            Class.forName("ai.onnxruntime.OrtEnvironment", false, OnnxRuntimeModel.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }
}
