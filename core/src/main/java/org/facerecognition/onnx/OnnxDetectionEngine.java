package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.ConvolutionalNet;
import org.facerecognition.vision.DetectionEngine;
import org.facerecognition.weights.WeightsException;

/** Runs the networks of detectors on oneDNN, without the overhead of a general engine. */
public final class OnnxDetectionEngine implements DetectionEngine {
    private static final int LIKELY_PX = 128; // the smallest

    /** For the service loader. */
    public OnnxDetectionEngine() {}

    @Override
    public Optional<Network> open(Path model, List<String> outputs, Input input) {
        try (Graph graph = DetectorGraph.read(model, outputs)) {
            return ConvolutionalNet.of(graph, LIKELY_PX, LIKELY_PX).map(net -> new Detector(net, input));
        } catch (Uncovered | WeightsException | UnsupportedOperationException e) {
            return Optional.empty(); // OpenCV may be able to run it, or says what is wrong
        }
    }

    private record Detector(ConvolutionalNet net, Input input) implements Network {
        @Override
        public float[] run(byte[] pixels, int heightPx, int widthPx, int canvasHeightPx, int canvasWidthPx) {
            return net.run(new Canvas(input, pixels, heightPx, widthPx, canvasHeightPx, canvasWidthPx));
        }

        @Override
        public void close() {
            net.close();
        }
    }

    /** An image, extended with black; its size is that of the canvas. */
    private record Canvas(Input input, byte[] pixels, int imageHeightPx, int imageWidthPx, int heightPx, int widthPx)
            implements ConvolutionalNet.Image {
        @Override
        public void read(float[] values) {
            float[] table = new float[256];
            for (int i = 0; i < table.length; i++) {
                table[i] = (float) ((i - input.mean()) / input.std());
            }
            int area = heightPx * widthPx;
            int first = input.bgr() ? 2 * area : 0; // of red
            int last = 2 * area - first;
            if (imageHeightPx < heightPx || imageWidthPx < widthPx) {
                Arrays.fill(values, table[0]);
            }
            for (int y = 0; y < imageHeightPx; y++) {
                int from = 3 * y * imageWidthPx;
                int to = y * widthPx;
                for (int x = 0; x < imageWidthPx; x++) {
                    values[first + to] = table[pixels[from] & 0xff];
                    values[area + to] = table[pixels[from + 1] & 0xff];
                    values[last + to] = table[pixels[from + 2] & 0xff];
                    from += 3;
                    to++;
                }
            }
        }
    }
}
