package org.facerecognition.graph;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a node does. Few, since networks for faces are made of few; those that work in training only (dropout, stochastic
 * depth) are not among them.
 */
public sealed interface Operation {
    /** How many values it takes. */
    default int inputs() {
        return 1;
    }

    /** The images, [B, 3, H, W]; always a graph's first node, and only that. */
    record Input() implements Operation {
        @Override
        public int inputs() {
            return 0;
        }
    }

    /**
     * (x - mean) / deviation, by channel, of pixels 0..255 in any number type, as float32.
     *
     * @param mean three, of red, green and blue
     * @param std three
     */
    record Normalize(List<Double> mean, List<Double> std) implements Operation {
        public Normalize {
            mean = List.copyOf(mean);
            std = List.copyOf(std);
        }
    }

    /** Rows [B, D] brought to Euclidean length 1; one shorter than 1e-12 is divided by that. */
    record L2Normalize() implements Operation {}

    /**
     * Convolution in two dimensions, the same in both.
     *
     * @param weight [out, in / groups, k, k]
     * @param bias [out]
     */
    record Convolution(Tensor weight, @Nullable Tensor bias, int stride, int padding, int groups)
            implements Operation {}

    /**
     * (x - mean) / sqrt(variance + epsilon) * weight + bias, by channel; of [B, C, H, W] or [B, C].
     *
     * @param mean [C], of training
     * @param variance [C], of training
     * @param weight [C]
     * @param bias [C]
     */
    record BatchNorm(Tensor mean, Tensor variance, Tensor weight, Tensor bias, double epsilon) implements Operation {}

    /**
     * Values below zero are multiplied by a slope.
     *
     * @param slopes [C], or [1] for all
     */
    record PRelu(Tensor slopes) implements Operation {}

    /** A function of each value. */
    enum Activation implements Operation {
        /** max(x, 0). */
        RELU,
        /** min(max(x, 0), 6). */
        RELU6,
        /** x * sigmoid(x). */
        SILU,
        SIGMOID
    }

    /** Sum of two of one shape. */
    record Add() implements Operation {
        @Override
        public int inputs() {
            return 2;
        }
    }

    /** Product of [B, C, H, W] and [B, C, 1, 1]. */
    record Scale() implements Operation {
        @Override
        public int inputs() {
            return 2;
        }
    }

    /** The largest value in each square window; around the image is minus infinity. */
    record MaxPool(int kernel, int stride, int padding) implements Operation {}

    /** [B, C, H, W] to the means [B, C, 1, 1]. */
    record GlobalAveragePool() implements Operation {}

    /** [B, C, H, W] to [B, C * H * W]. */
    record Flatten() implements Operation {}

    /**
     * x * weight' + bias.
     *
     * @param weight [out, in]
     * @param bias [out]
     */
    record Linear(Tensor weight, @Nullable Tensor bias) implements Operation {}
}
