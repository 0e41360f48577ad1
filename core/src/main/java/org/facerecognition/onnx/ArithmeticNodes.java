package org.facerecognition.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.Clip;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
import org.facerecognition.graph.Value;
import org.facerecognition.onnx.Computed.View;
import org.facerecognition.onnx.Converter.Affine;
import org.jspecify.annotations.Nullable;

/**
 * Converts arithmetic: activations, and sums and products of values with one another and with constants. Activations
 * that exporters write as several nodes become one again.
 */
final class ArithmeticNodes {
    private static final double ROOT_HALF = Math.sqrt(0.5);

    private final Nodes node;
    private final NodeProto proto;
    private final Converter converter;

    private ArithmeticNodes(Nodes node) {
        this.node = node;
        this.proto = node.node();
        this.converter = node.converter();
    }

    static List<? extends Datum> convert(Nodes node) {
        Computed result = new ArithmeticNodes(node).result();
        return result == null ? List.of() : List.of(result);
    }

    private @Nullable Computed result() {
        return switch (proto.type()) {
            case "Relu" -> map(Activation.RELU);
            case "Sigmoid" -> map(Activation.SIGMOID);
            case "HardSwish" -> map(Activation.HARD_SWISH);
            case "Mish" -> map(Activation.MISH);
            case "Gelu" -> {
                node.require(proto.text("approximate", "none").equals("none"), "it is approximated");
                yield map(Activation.GELU);
            }
            case "HardSigmoid" -> map(new HardSigmoid(proto.real("alpha", 0.2f), proto.real("beta", 0.5)));
            case "LeakyRelu" -> map(new PRelu(Constant.of(new float[] {(float) proto.real("alpha", 0.01f)}, 1)));
            case "PRelu" -> prelu();
            case "Clip" -> clip(bound("min", 1, Double.NEGATIVE_INFINITY), bound("max", 2, Double.POSITIVE_INFINITY));
            case "Max" -> clip(constant(), Double.POSITIVE_INFINITY);
            case "Min" -> clip(Double.NEGATIVE_INFINITY, constant());
            case "Tanh" -> {
                Computed x = node.computed(0);
                yield x.view() == View.SOFTPLUS ? x.as(View.TANH_SOFTPLUS, x.shape()) : map(Activation.TANH);
            }
            case "Softplus" ->
                converter
                        .requireValues(node.computed(0))
                        .as(View.SOFTPLUS, node.computed(0).shape());
            case "Erf" -> erf();
            case "Neg" -> affine(node.computed(0), -1, 0);
            case "Add" -> add();
            case "Sub" -> sub();
            case "Mul" -> mul();
            case "Div" -> div();
            case "Expand" -> {
                Computed x = node.computed(0);
                node.require(x.view() == View.NORM, "it repeats values");
                yield x;
            }
            default -> null;
        };
    }

    private Computed map(Operation operation) {
        return converter.map(operation, node.computed(0));
    }

    private Computed affine(Computed x, double scale, double shift) {
        return converter.affine(x, Affine.uniform(Math.toIntExact(x.base()[1]), scale, shift));
    }

    // ---- activations ----

    private Computed prelu() {
        Known slopes = node.known(1);
        Computed x = node.computed(0);
        if (slopes.count() == 1) {
            return converter.map(new PRelu(slopes.constant().reshape(1)), x);
        }
        Computed images = converter.materialized(x);
        float[] perChannel = perChannel(shaped(x, images), inPlaceOfChannels(images, slopes));
        Computed result = converter.add(new PRelu(Constant.of(perChannel, perChannel.length)), images.base(), images);
        return result.flatAs(x);
    }

    /** MXNet writes slopes of channels without the dimensions after them; they may not be meant for columns then. */
    private static Known inPlaceOfChannels(Computed images, Known slopes) {
        long[] shape = images.shape();
        boolean ofChannels = shape.length == 4
                && slopes.shape().length == 1
                && slopes.count() == shape[1]
                && slopes.count() != shape[3];
        return ofChannels ? slopes.reshaped(slopes.count(), 1, 1) : slopes;
    }

    private double bound(String attribute, int input, double otherwise) {
        return node.has(input) ? node.known(input).scalar() : proto.real(attribute, otherwise);
    }

    private double constant() {
        node.require(node.inputs().size() == 2 && node.input(1) instanceof Known, "it compares values");
        return node.known(1).scalar();
    }

    private Computed clip(double min, double max) {
        Computed x = node.computed(0);
        if (x.view() == View.NORM) {
            boolean small = min <= 1e-6 && max == Double.POSITIVE_INFINITY;
            node.require(small, "it bounds the norms of rows by more than what keeps zeros finite");
            return x;
        }
        node.require(min <= max, "its bounds are exchanged");
        if (min == 0 && max == 6) {
            return map(Activation.RELU6);
        }
        return min == 0 && max >= Float.MAX_VALUE ? map(Activation.RELU) : map(new Clip(min, max));
    }

    private Computed erf() {
        Computed x = converter.requireValues(node.computed(0));
        Converter.Made by = converter.made(x.value());
        boolean scaled = by != null && converter.isAffine(x.value(), by.inputs().get(0), ROOT_HALF, 0);
        node.require(scaled, "it is no part of a GELU");
        return new Computed(Objects.requireNonNull(by).inputs().get(0), x.base(), x.shape(), View.ERF);
    }

    // ---- sums and products ----

    private Computed add() {
        if (node.input(0) instanceof Known constant) {
            return plus(node.computed(1), constant);
        }
        if (node.input(1) instanceof Known constant) {
            return plus(node.computed(0), constant);
        }
        return sum(node.computed(0), node.computed(1));
    }

    private Computed plus(Computed x, Known constant) {
        if (x.view() == View.ERF) {
            node.require(constant.count() == 1 && constant.scalar() == 1, "it is no part of a GELU");
            return x.as(View.ONE_PLUS_ERF, x.shape());
        }
        return affine(x, constant, (c, i) -> 1, (c, i) -> c);
    }

    private Computed sum(Computed a, Computed b) {
        return both(new Add(), a, b);
    }

    /** Combines two values of the same shape. */
    private Computed both(Operation operation, Computed a, Computed b) {
        converter.requireValues(a);
        converter.requireValues(b);
        node.require(
                Arrays.equals(a.shape(), b.shape()),
                "its inputs are of the shapes " + Converter.text(a.shape()) + " and " + Converter.text(b.shape()));
        boolean alike = a.view() == b.view() && Arrays.equals(a.base(), b.base());
        Computed left = alike ? a : converter.materialized(a);
        Computed right = alike ? b : converter.materialized(b);
        Computed result = converter.add(operation, left.base(), left, right);
        return new Computed(result.value(), left.base(), a.shape(), left.view());
    }

    private Computed sub() {
        if (node.input(1) instanceof Known constant) {
            return affine(node.computed(0), constant, (c, i) -> 1, (c, i) -> -c);
        }
        if (node.input(0) instanceof Known constant) {
            return affine(node.computed(1), constant, (c, i) -> -1, (c, i) -> c);
        }
        return sum(node.computed(0), affine(node.computed(1), -1, 0));
    }

    private Computed mul() {
        if (node.input(0) instanceof Known constant) {
            return times(node.computed(1), constant);
        }
        if (node.input(1) instanceof Known constant) {
            return times(node.computed(0), constant);
        }
        Computed a = node.computed(0);
        Computed b = node.computed(1);
        Computed known = pattern(a, b);
        known = known == null ? pattern(b, a) : known;
        return known == null ? product(a, b) : known;
    }

    private Computed times(Computed x, Known constant) {
        return affine(x, constant, (c, i) -> c, (c, i) -> 0);
    }

    /** Recognizes activations that are written as x times a function of x. */
    private @Nullable Computed pattern(Computed x, Computed factor) {
        if (factor.view() == View.TANH_SOFTPLUS) {
            return x.value().equals(factor.value()) ? converter.map(Activation.MISH, x) : null;
        }
        if (factor.view() == View.ONE_PLUS_ERF) {
            Value z = factor.value();
            Affine scaled = converter.affine(x.value());
            Converter.Made by = converter.made(x.value());
            boolean same = x.value().equals(z);
            double scale = same ? 1 : scaled == null ? 0 : scaled.scale()[0];
            if (!same && (by == null || !converter.isAffine(x.value(), z, scale, 0))) {
                return null;
            }
            return affine(converter.map(Activation.GELU, new Computed(z, x.base(), x.shape(), x.view())), 2 * scale, 0);
        }
        Converter.Made by = converter.made(factor.value());
        if (by == null || factor.view() != x.view() || !by.inputs().get(0).equals(x.value())) {
            return null;
        }
        if (by.operation() == Activation.SIGMOID) {
            return converter.map(Activation.SILU, x);
        }
        boolean hard =
                by.operation() instanceof HardSigmoid h && Math.abs(h.alpha() - 1.0 / 6) < 1e-6 && h.beta() == 0.5;
        return hard ? converter.map(Activation.HARD_SWISH, x) : null;
    }

    private Computed product(Computed a, Computed b) {
        converter.requireValues(a);
        converter.requireValues(b);
        if (Arrays.equals(a.shape(), b.shape())) {
            return both(new Scale(), a, b);
        }
        boolean factorsFirst = isFactors(a, b);
        node.require(
                factorsFirst || isFactors(b, a),
                "its inputs are of the shapes " + Converter.text(a.shape()) + " and " + Converter.text(b.shape()));
        Computed images = converter.images(factorsFirst ? b : a);
        return converter.add(new Scale(), images.base(), images, converter.images(factorsFirst ? a : b));
    }

    /** Returns whether a value has one factor per channel of images. */
    private static boolean isFactors(Computed factors, Computed images) {
        long[] shape = factors.shape();
        return images.isImages() && shape.length == 4 && shape[1] == images.base()[1] && shape[2] == 1 && shape[3] == 1;
    }

    private Computed div() {
        if (node.input(1) instanceof Known constant) {
            return affine(node.computed(0), constant, (c, i) -> 1 / c, (c, i) -> 0);
        }
        Computed given = node.computed(0);
        Computed norms = node.computed(1);
        Computed x = converter.rows(given);
        node.require(
                norms.view() == View.NORM
                        && norms.value().equals(x.value())
                        && norms.shape().length == given.shape().length,
                "it divides by other than a constant or the norms of rows");
        return converter.add(new L2Normalize(), x.base(), x).as(View.SAME, given.shape());
    }

    // ---- constants ----

    /** Computes a scale or a shift from a constant. */
    private interface Coefficient {
        double of(double constant, int channel);
    }

    private Computed affine(Computed x, Known constant, Coefficient scale, Coefficient shift) {
        converter.requireValues(x);
        boolean oneForAll = constant.count() == 1 && constant.shape().length <= x.shape().length;
        Computed with = oneForAll || x.view() == View.CHANNELS_LAST ? x : converter.materialized(x);
        float[] perChannel;
        if (oneForAll) {
            perChannel = new float[Math.toIntExact(with.base()[1])];
            Arrays.fill(perChannel, constant.floats()[0]);
        } else {
            perChannel = perChannel(shaped(x, with), constant);
        }
        float[] scales = new float[perChannel.length];
        float[] shifts = new float[perChannel.length];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (float) scale.of(perChannel[i], i);
            shifts[i] = (float) shift.of(perChannel[i], i);
        }
        return converter.affine(with, new Affine(scales, shifts)).flatAs(x);
    }

    /** Returns a value to broadcast constants to: [B, C, N] as it is given, others as they were made images or rows. */
    private static Computed shaped(Computed given, Computed made) {
        return given.shape().length == 3 ? given : made;
    }

    /** Returns a constant's value for each channel of a value that it is broadcast to. */
    private float[] perChannel(Computed x, Known constant) {
        long[] shape = x.shape();
        long[] given = constant.shape();
        int channelAxis = x.view() == View.CHANNELS_LAST ? shape.length - 1 : 1;
        boolean fits = given.length <= shape.length;
        for (int i = 1; i <= given.length && fits; i++) {
            int axis = shape.length - i;
            long size = given[given.length - i];
            fits = size == 1 || (axis == channelAxis && size == shape[axis]);
        }
        node.require(
                fits && constant.count() == shape[channelAxis],
                "a constant of the shape " + Arrays.toString(given) + " is not one number per channel of "
                        + Converter.text(shape));
        return constant.floats();
    }
}
