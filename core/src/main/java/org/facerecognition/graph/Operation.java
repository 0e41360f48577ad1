package org.facerecognition.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operation of a graph's node. The set is small, because face recognition networks are built from few operations;
 * those that act in training only (dropout, stochastic depth) are not part of it.
 *
 * <p>Code that must handle every operation (running, exporting, inferring shapes) implements {@link Visitor}, so that a
 * new operation does not compile until all of that code handles it. Code that only looks for a pattern (folding,
 * fusing) may test for single types: it leaves operations that it does not know unchanged.
 *
 * <p>Tensors behind an operation's constants are borrowed: the {@link Graph} owns their handles.
 */
public sealed interface Operation {
    /** Returns the number of values that the operation takes. */
    default int inputs() {
        return 1;
    }

    /** Calls the visitor's method for this operation and returns its result. */
    <R> R accept(Visitor<R> visitor);

    /**
     * One method per operation; see {@link #accept}.
     *
     * @param <R> the result
     */
    interface Visitor<R> extends PointwiseVisitor<R> {
        /** Throws by default, because the values of a graph's first node are given and not computed. */
        default R input(Input input) {
            throw new IllegalArgumentException("a graph must have an input as its first node only");
        }

        R normalize(Normalize normalize);

        R l2Normalize(L2Normalize l2Normalize);

        R convolution(Convolution convolution);

        R batchNorm(BatchNorm batchNorm);

        R add(Add add);

        R scale(Scale scale);

        R concat(Concat concat);

        R sliceChannels(SliceChannels slice);

        R shuffleChannels(ShuffleChannels shuffle);

        R upsample(Upsample upsample);

        R maxPool(MaxPool maxPool);

        R averagePool(AveragePool pool);

        R globalAveragePool(GlobalAveragePool pool);

        R flatten(Flatten flatten);

        R unflatten(Unflatten unflatten);

        R linear(Linear linear);
    }

    /**
     * The part of {@link Visitor} that handles pointwise operations.
     *
     * @param <R> the result
     */
    interface PointwiseVisitor<R> {
        R activation(Activation activation);

        R prelu(PRelu prelu);

        R clip(Clip clip);

        R hardSigmoid(HardSigmoid hardSigmoid);
    }

    /** An operation that maps each value on its own and keeps the shape; a convolution can apply it to its result. */
    sealed interface Pointwise extends Operation {
        /** Calls the visitor's method for this operation and returns its result. */
        <R> R acceptPointwise(PointwiseVisitor<R> visitor);

        @Override
        default <R> R accept(Visitor<R> visitor) {
            return acceptPointwise(visitor);
        }
    }

    /** The images, [B, 3, H, W]. It is the first node of every graph, and no other node. */
    record Input() implements Operation {
        @Override
        public int inputs() {
            return 0;
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.input(this);
        }
    }

    /**
     * Computes (x - mean) / std per channel, from pixels 0..255 of any numeric type to float32.
     *
     * @param mean three values, for red, green and blue
     * @param std three values
     */
    record Normalize(List<Double> mean, List<Double> std) implements Operation {
        public Normalize {
            mean = List.copyOf(mean);
            std = List.copyOf(std);
        }

        /** Returns the means in a shape that broadcasts over images: [1, 3, 1, 1]. */
        public Constant meanPerChannel() {
            return perChannel(mean);
        }

        /** Returns the standard deviations in the same way as {@link #meanPerChannel}. */
        public Constant stdPerChannel() {
            return perChannel(std);
        }

        private static Constant perChannel(List<Double> values) {
            float[] floats = new float[values.size()];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = values.get(i).floatValue();
            }
            return Constant.of(floats, 1, floats.length, 1, 1);
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.normalize(this);
        }
    }

    /** Divides each row of [B, D] by its Euclidean norm, or by {@link #MIN_NORM} if the norm is smaller. */
    record L2Normalize() implements Operation {
        /** The smallest divisor, which keeps rows of zeros finite. */
        public static final double MIN_NORM = 1e-12;

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.l2Normalize(this);
        }
    }

    /**
     * Two-dimensional convolution with zero padding.
     *
     * @param weight [out, in / groups, height, width]
     * @param bias [out]
     * @param groups the number of equal parts of the input's channels, each of which gives a part of the result's
     */
    record Convolution(Constant weight, @Nullable Constant bias, Window window, int groups) implements Operation {
        /** Describes a convolution with the same stride and the same padding in both dimensions. */
        public Convolution(Constant weight, @Nullable Constant bias, int stride, int padding, int groups) {
            this(weight, bias, Window.of(stride, padding), groups);
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.convolution(this);
        }
    }

    /**
     * Computes (x - mean) / sqrt(variance + epsilon) * weight + bias per channel, for [B, C, H, W] or [B, C].
     *
     * @param mean [C], the running mean from training
     * @param variance [C], the running variance from training
     * @param weight [C]
     * @param bias [C]
     */
    record BatchNorm(Constant mean, Constant variance, Constant weight, Constant bias, double epsilon)
            implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.batchNorm(this);
        }
    }

    /**
     * Multiplies values below zero by a learned slope.
     *
     * @param slopes [C], or [1] for all channels
     */
    record PRelu(Constant slopes) implements Pointwise {
        @Override
        public <R> R acceptPointwise(PointwiseVisitor<R> visitor) {
            return visitor.prelu(this);
        }
    }

    /** Activation functions without parameters. */
    enum Activation implements Pointwise {
        /** max(x, 0). */
        RELU,
        /** min(max(x, 0), 6). */
        RELU6,
        /** x * sigmoid(x). */
        SILU,
        /** 1 / (1 + exp(-x)). */
        SIGMOID,
        /** x * min(max(x / 6 + 1 / 2, 0), 1). */
        HARD_SWISH,
        /** x * (1 + erf(x / sqrt(2))) / 2. */
        GELU,
        /** x * tanh(log(1 + exp(x))). */
        MISH,
        /** The hyperbolic tangent. */
        TANH;

        @Override
        public <R> R acceptPointwise(PointwiseVisitor<R> visitor) {
            return visitor.activation(this);
        }
    }

    /**
     * Computes min(max(x, min), max).
     *
     * @param min the least result; may be negative infinity
     * @param max the greatest result; may be positive infinity
     */
    record Clip(double min, double max) implements Pointwise {
        @Override
        public <R> R acceptPointwise(PointwiseVisitor<R> visitor) {
            return visitor.clip(this);
        }
    }

    /** Computes min(max(alpha * x + beta, 0), 1). */
    record HardSigmoid(double alpha, double beta) implements Pointwise {
        @Override
        public <R> R acceptPointwise(PointwiseVisitor<R> visitor) {
            return visitor.hardSigmoid(this);
        }
    }

    /** Sum of two values of the same shape. */
    record Add() implements Operation {
        @Override
        public int inputs() {
            return 2;
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.add(this);
        }
    }

    /** Product of [B, C, H, W] and one factor per channel, [B, C, 1, 1]; or of two values of the same shape. */
    record Scale() implements Operation {
        @Override
        public int inputs() {
            return 2;
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.scale(this);
        }
    }

    /**
     * Joins values along their channels, which are dimension 1. Their other sizes are the same.
     *
     * @param inputs the number of values, at least 1
     */
    record Concat(int inputs) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.concat(this);
        }
    }

    /**
     * Takes some of the channels of [B, C, H, W].
     *
     * @param from the first channel
     * @param to the end, exclusive
     */
    record SliceChannels(int from, int to) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.sliceChannels(this);
        }
    }

    /**
     * Reorders the channels of [B, C, H, W]: those of {@code groups} equal groups take turns (ShuffleNet, Zhang et al.
     * 2017, arXiv:1707.01083). Channel {@code i * groups + g} of the result is channel {@code g * C / groups + i}.
     *
     * @param channels C, a multiple of {@code groups}
     */
    record ShuffleChannels(int channels, int groups) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.shuffleChannels(this);
        }
    }

    /**
     * Repeats every pixel of [B, C, H, W], to [B, C, factor * H, factor * W].
     *
     * @param factor at least 1
     */
    record Upsample(int factor) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.upsample(this);
        }
    }

    /** The maximum of each window; the image is padded with negative infinity. */
    record MaxPool(int height, int width, Window window) implements Operation {
        /** Describes a pooling of square windows. */
        public MaxPool(int kernel, int stride, int padding) {
            this(kernel, kernel, Window.of(stride, padding));
        }

        /** Returns whether libtorch's pooling can do the padding: opposite sides alike, by half of a window at most. */
        public boolean hasSmallPadding() {
            return window.isSymmetric() && 2 * window.top() <= height && 2 * window.left() <= width;
        }

        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.maxPool(this);
        }
    }

    /**
     * The mean of each window.
     *
     * @param window without dilation
     * @param countsPadding whether the zeros around the image count as values
     */
    record AveragePool(int height, int width, Window window, boolean countsPadding) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.averagePool(this);
        }
    }

    /** Mean over all positions, from [B, C, H, W] to [B, C, 1, 1]. */
    record GlobalAveragePool() implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.globalAveragePool(this);
        }
    }

    /** Reshapes [B, C, H, W] to [B, C * H * W]. */
    record Flatten() implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.flatten(this);
        }
    }

    /** Reshapes [B, C] to images of one pixel, [B, C, 1, 1]. */
    record Unflatten() implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.unflatten(this);
        }
    }

    /**
     * Computes x * weight' + bias.
     *
     * @param weight [out, in]
     * @param bias [out]
     */
    record Linear(Constant weight, @Nullable Constant bias) implements Operation {
        @Override
        public <R> R accept(Visitor<R> visitor) {
            return visitor.linear(this);
        }
    }
}
