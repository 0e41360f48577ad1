package org.facerecognition.vision;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Runs the networks of detectors. {@link ServiceLoader} finds the one of this library, which is in a package that this
 * one does not depend on; where there is none, or it cannot run a network, OpenCV runs it.
 */
public interface DetectionEngine {
    /**
     * How a network takes the values 0 to 255 of an image.
     *
     * @param bgr whether the first channel is blue; else it is red
     * @param mean is subtracted from each value
     * @param std divides the difference
     */
    record Input(boolean bgr, double mean, double std) {}

    /** A network. Thread-safe. */
    interface Network extends AutoCloseable {
        /**
         * Runs the network on an image that is extended on the right and at the bottom with black.
         *
         * @param pixels [H, W, 3], R, G and B of each pixel
         * @param canvasHeightPx of the extended image, at least {@code heightPx}
         * @param canvasWidthPx of the extended image, at least {@code widthPx}
         * @return the outputs, [C, H, W] each, one behind the other
         */
        float[] run(byte[] pixels, int heightPx, int widthPx, int canvasHeightPx, int canvasWidthPx);

        /**
         * Returns how many numbers each of the outputs of {@link #run} has.
         *
         * @param canvasHeightPx of the extended image
         * @param canvasWidthPx of the extended image
         * @return empty if it is not known
         */
        default int[] lengths(int canvasHeightPx, int canvasWidthPx) {
            return new int[0];
        }

        /** Frees the memory; no call may be in progress. */
        @Override
        void close();
    }

    /**
     * Opens a network.
     *
     * @param model the .onnx file
     * @param outputs the names of the outputs, each of which is made of a feature map by Transpose, Reshape and Sigmoid
     * @return owned; empty where the engine cannot run the network on this machine for images of any size
     */
    Optional<Network> open(Path model, List<String> outputs, Input input);

    /** Opens a network with the first engine that can run it. */
    static Optional<Network> find(Path model, List<String> outputs, Input input) {
        for (DetectionEngine engine :
                ServiceLoader.load(DetectionEngine.class, DetectionEngine.class.getClassLoader())) {
            Optional<Network> network = engine.open(model, outputs, input);
            if (network.isPresent()) {
                return network;
            }
        }
        return Optional.empty();
    }
}
