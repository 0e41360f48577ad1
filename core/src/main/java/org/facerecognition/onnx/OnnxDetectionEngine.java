package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.facerecognition.inference.ConvolutionalNet;
import org.facerecognition.vision.DetectionEngine;

/** Runs the networks of detectors on oneDNN, without the overhead of a general engine. */
public final class OnnxDetectionEngine implements DetectionEngine {
    private static final int LIKELY_PX = 128; // the smallest

    /** For the service loader. */
    public OnnxDetectionEngine() {}

    @Override
    public Optional<Network> open(Path model, List<String> outputs, Input input) {
        try (DetectorGraph detector = DetectorGraph.read(model, outputs)) {
            return ConvolutionalNet.of(detector.graph(), LIKELY_PX, LIKELY_PX)
                    .map(net -> new Detector(net, detector.lengths(), table(input), input.bgr()));
        } catch (RuntimeException e) { // also one of oneDNN's: OpenCV may be able to run it, or says what is wrong
            System.getLogger(OnnxDetectionEngine.class.getName())
                    .log(System.Logger.Level.DEBUG, "oneDNN does not run face detector " + model, e);
            return Optional.empty();
        }
    }

    /** Returns what the network takes for each value 0 to 255. */
    private static float[] table(Input input) {
        float[] table = new float[256];
        for (int i = 0; i < table.length; i++) {
            table[i] = (float) ((i - input.mean()) / input.std());
        }
        return table;
    }

    private record Detector(ConvolutionalNet net, List<Long> lengths, float[] table, boolean bgr) implements Network {
        @Override
        public float[] run(byte[] pixels, int heightPx, int widthPx, int canvasHeightPx, int canvasWidthPx) {
            return net.run(new Canvas(table, bgr, pixels, heightPx, widthPx, canvasHeightPx, canvasWidthPx));
        }

        @Override
        public int[] lengths(int canvasHeightPx, int canvasWidthPx) {
            long area = (long) canvasHeightPx * canvasWidthPx;
            return lengths.stream()
                    .mapToInt(length -> Math.toIntExact(length * area / DetectorGraph.AREA_PX))
                    .toArray();
        }

        @Override
        public void close() {
            net.close();
        }
    }

    /** An image, extended with black; its size is that of the canvas. */
    private record Canvas(
            float[] table, boolean bgr, byte[] pixels, int imageHeightPx, int imageWidthPx, int heightPx, int widthPx)
            implements ConvolutionalNet.Image {
        @Override
        public void read(float[] values) {
            int area = heightPx * widthPx;
            int first = bgr ? 2 * area : 0; // of red
            int last = 2 * area - first;
            for (int color = 0; color < 3; color++) {
                blackAround(values, color * area);
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

        /** @param start of a color's values */
        private void blackAround(float[] values, int start) {
            int end = start + imageHeightPx * widthPx;
            if (imageWidthPx < widthPx) {
                for (int row = start; row < end; row += widthPx) {
                    Arrays.fill(values, row + imageWidthPx, row + widthPx, table[0]);
                }
            }
            Arrays.fill(values, end, start + heightPx * widthPx, table[0]);
        }
    }
}
