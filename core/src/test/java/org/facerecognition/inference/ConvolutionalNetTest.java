package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Random;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.junit.jupiter.api.Test;

class ConvolutionalNetTest {
    /** An image of random numbers. */
    private record Noise(int heightPx, int widthPx) implements ConvolutionalNet.Image {
        @Override
        public void read(float[] values) {
            Random random = new Random(31L * heightPx + widthPx);
            for (int i = 0; i < values.length; i++) {
                values[i] = random.nextFloat() - 0.5f;
            }
        }
    }

    private static Convolution convolution(long out, long in, long side, int groups) {
        Random random = new Random(out);
        float[] weights = new float[Math.toIntExact(out * in * side * side)];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (random.nextFloat() - 0.5f) / in;
        }
        return new Convolution(Constant.of(weights, new long[] {out, in, side, side}), null, 1, (int) side / 2, groups);
    }

    /** Returns a network with layers that are cut into channels and rows, and depthwise ones. */
    private static Graph graph() {
        return Graph.of((net, image) -> {
            var x = net.add(Activation.RELU, net.add(convolution(16, 3, 3, 1), image));
            x = net.add(convolution(64, 16, 1, 1), x);
            x = net.add(Activation.RELU, net.add(convolution(64, 1, 3, 64), x));
            x = net.add(convolution(32, 64, 3, 1), x);
            return net.add(new Flatten(), x);
        });
    }

    /** The second image that comes alone makes the calls for parts; the third one uses them. */
    @Test
    void helpersDoNotChangeABit() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
        List<Noise> images = List.of(new Noise(96, 64), new Noise(64, 96), new Noise(40, 72));
        try (Graph graph = graph();
                ConvolutionalNet alone = ConvolutionalNet.of(graph, 64, 64, new ComputeThreads(1))
                        .orElseThrow();
                ConvolutionalNet helped = ConvolutionalNet.of(graph, 64, 64, new ComputeThreads(4))
                        .orElseThrow()) {
            for (Noise image : images) {
                float[] expected = alone.run(image);
                assertThat(expected).hasSize(32 * image.heightPx * image.widthPx);
                for (int i = 0; i < 5; i++) {
                    assertThat(helped.run(image)).as("%s, run %d", image, i).isEqualTo(expected);
                }
            }
            assertThat(alone.sizesInParts()).isZero();
            assertThat(helped.sizesInParts()).isEqualTo(images.size());
        }
    }
}
