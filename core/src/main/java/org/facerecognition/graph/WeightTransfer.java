package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.Operation.BatchNorm;
import org.jspecify.annotations.Nullable;

/** What {@link GraphMatch} found to be copied, and the copying: first all values are read, then all are written. */
final class WeightTransfer {
    private static final double SAME_EPSILON = 1e-9; // an ONNX file has float32 numbers

    private final List<Assignment> assignments;

    WeightTransfer(List<Assignment> assignments) {
        this.assignments = List.copyOf(assignments);
    }

    sealed interface Assignment {}

    /** Copies values of as many elements. */
    record Copy(Constant target, Constant values) implements Assignment {}

    /** @param source has the weights of a batch normalization; null if it is folded into the layer before it */
    record Normalize(int node, BatchNorm target, @Nullable BatchNorm source) implements Assignment {
        /** Returns whether the statistics are those of images. A scale and a shift that are constants have none. */
        boolean hasStatistics() {
            return source != null && !(source.epsilon() == 0 && are(0, source.mean()) && are(1, source.variance()));
        }

        private static boolean are(float number, Constant values) {
            float[] all = values.values();
            return IntStream.range(0, all.length).allMatch(i -> all[i] == number);
        }
    }

    /** @param norm the node of the normalization that takes the bias, which the layer before it has no place for */
    record Shift(int norm, Constant bias) implements Assignment {}

    /** Returns whether scale and shift are tensors of the network: a normalization may be without them. */
    private static boolean isLearned(BatchNorm norm) {
        return norm.weight() instanceof TensorConstant && norm.bias() instanceof TensorConstant;
    }

    Set<Integer> withoutStatistics() {
        return assignments.stream()
                .filter(one -> one instanceof Normalize norm && !norm.hasStatistics() && isLearned(norm.target()))
                .map(one -> ((Normalize) one).node())
                .collect(Collectors.toSet());
    }

    /**
     * Returns how many tensors were set.
     *
     * @param beforeWriting is run when all values are read and none is written
     */
    int run(Runnable beforeWriting) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<Integer, Constant> shifts = new HashMap<>();
            for (Assignment assignment : assignments) {
                if (assignment instanceof Shift shift) {
                    shifts.put(shift.norm(), shift.bias());
                }
            }
            List<Copy> copies = new ArrayList<>();
            for (Assignment assignment : assignments) {
                if (assignment instanceof Copy copy) {
                    copies.add(copy);
                } else if (assignment instanceof Normalize norm) {
                    copies.addAll(copies(norm, shifts.get(norm.node())));
                }
            }
            return write(copies, beforeWriting);
        }
    }

    private static List<Copy> copies(Normalize norm, @Nullable Constant shift) {
        BatchNorm target = norm.target();
        BatchNorm source = norm.source();
        if (source != null
                && shift == null
                && isLearned(target)
                && Math.abs(source.epsilon() - target.epsilon()) < SAME_EPSILON) { // it is copied as it is
            return List.of(
                    new Copy(target.mean(), source.mean()),
                    new Copy(target.variance(), source.variance()),
                    new Copy(target.weight(), source.weight()),
                    new Copy(target.bias(), source.bias()));
        }
        int channels = Math.toIntExact(target.mean().count());
        Normalization values = source == null ? Normalization.identity(channels) : Normalization.of(source);
        if (shift != null) {
            values = source == null ? values.plus(shift.values()) : values.after(shift.values());
        }
        return isLearned(target)
                ? values.copies(target)
                : values.withScale(target.weight().values(), target.bias().values())
                        .statistics(target);
    }

    private static int write(List<Copy> copies, Runnable beforeWriting) {
        Map<List<Long>, Tensor> targets = new LinkedHashMap<>(); // by address and size
        Map<List<Long>, Tensor> values = new HashMap<>();
        for (Copy copy : copies) {
            if (!(copy.target() instanceof TensorConstant own)) {
                throw new IllegalArgumentException("the network computes a weight of the shape "
                        + Arrays.toString(copy.target().shape()) + " from others, which cannot be set");
            }
            Tensor read = copy.values().reshape(own.shape()).tensor();
            if (!read.isfinite().all().item_bool()) {
                throw new IllegalArgumentException("a weight of the shape " + Arrays.toString(own.shape())
                        + " contains NaN or infinity; its training has diverged, so use an earlier file");
            }
            Tensor value = copy.values() instanceof TensorConstant ? read.clone() : read; // it may be what is changed
            List<Long> key = List.of(own.address(), own.count());
            targets.put(key, own.shared());
            Tensor former = values.put(key, value);
            if (former != null && !former.equal(value)) {
                throw new IllegalArgumentException("the network uses one tensor of the shape "
                        + Arrays.toString(own.shape()) + " in several layers, for which the file has different ones");
            }
        }
        beforeWriting.run();
        targets.forEach((key, target) -> target.copy_(values.get(key)));
        return targets.size();
    }

    static void normalizeBy(BatchNorm norm, float[] mean, float[] variance) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            List<Copy> copies = Normalization.of(norm)
                    .normalizedBy(mean, variance, norm.epsilon())
                    .copies(norm);
            write(copies, () -> {});
        }
    }

    /** The numbers of a batch normalization; the variances include epsilon. */
    private record Normalization(double[] mean, double[] variance, double[] scale, double[] shift) {
        static Normalization identity(int channels) {
            double[] ones = new double[channels];
            Arrays.fill(ones, 1);
            return new Normalization(new double[channels], ones, ones, new double[channels]);
        }

        static Normalization of(BatchNorm norm) {
            double[] variance = doubles(norm.variance().values());
            for (int i = 0; i < variance.length; i++) {
                variance[i] += norm.epsilon();
            }
            return new Normalization(
                    doubles(norm.mean().values()),
                    variance,
                    doubles(norm.weight().values()),
                    doubles(norm.bias().values()));
        }

        private static double[] doubles(float[] values) {
            double[] doubles = new double[values.length];
            for (int i = 0; i < doubles.length; i++) {
                doubles[i] = values[i];
            }
            return doubles;
        }

        /** Returns the normalization for a layer before it that no longer adds these. */
        Normalization after(float[] bias) {
            double[] means = mean.clone();
            for (int i = 0; i < means.length; i++) {
                means[i] -= bias[i];
            }
            return new Normalization(means, variance, scale, shift);
        }

        Normalization plus(float[] added) {
            double[] shifts = shift.clone();
            for (int i = 0; i < shifts.length; i++) {
                shifts[i] += added[i];
            }
            return new Normalization(mean, variance, scale, shifts);
        }

        /** Returns the same function with other statistics. */
        Normalization normalizedBy(float[] means, float[] variances, double epsilon) {
            double[] scales = scale.clone();
            double[] shifts = shift.clone();
            double[] withEpsilon = doubles(variances);
            for (int i = 0; i < scales.length; i++) {
                double factor = scale[i] / Math.sqrt(variance[i]);
                withEpsilon[i] += epsilon;
                scales[i] = factor * Math.sqrt(withEpsilon[i]);
                shifts[i] += factor * (means[i] - mean[i]);
            }
            return new Normalization(doubles(means), withEpsilon, scales, shifts);
        }

        /**
         * Returns the same function with another scale and shift.
         *
         * @throws IllegalArgumentException where no statistics make up for them
         */
        Normalization withScale(float[] scales, float[] shifts) {
            double[] means = mean.clone();
            double[] variances = variance.clone();
            for (int i = 0; i < means.length; i++) {
                double factor = scale[i] / scales[i];
                if (!(factor > 0)) {
                    throw new IllegalArgumentException("a batch normalization of " + means.length + " in the network"
                            + " has no scale of its own and cannot take the one in the file, " + scale[i]);
                }
                means[i] += (shifts[i] - shift[i]) * Math.sqrt(variance[i]) / scale[i];
                variances[i] /= factor * factor;
            }
            return new Normalization(means, variances, doubles(scales), doubles(shifts));
        }

        List<Copy> statistics(BatchNorm target) {
            double[] withoutEpsilon = variance.clone();
            for (int i = 0; i < withoutEpsilon.length; i++) {
                withoutEpsilon[i] -= target.epsilon();
            }
            return List.of(
                    new Copy(target.mean(), constant(mean)), new Copy(target.variance(), constant(withoutEpsilon)));
        }

        List<Copy> copies(BatchNorm target) {
            List<Copy> all = new ArrayList<>(statistics(target));
            all.add(new Copy(target.weight(), constant(scale)));
            all.add(new Copy(target.bias(), constant(shift)));
            return all;
        }

        private static Constant constant(double[] values) {
            float[] floats = new float[values.length];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) values[i];
            }
            return Constant.of(floats, floats.length);
        }
    }
}
