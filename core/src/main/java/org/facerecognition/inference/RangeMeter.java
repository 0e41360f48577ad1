package org.facerecognition.inference;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.facerecognition.inference.Int8Ranges.Range;

/**
 * Finds the range of each value that a convolution with 8-bit integers takes: the one with the least squared error on
 * some images, of rounding inside and cutting off outside. A few large magnitudes, which would make all integers
 * coarse, are cut off.
 */
final class RangeMeter {
    private static final int BINS = 2048; // of a histogram of magnitudes
    private static final int CANDIDATES = 100; // limits that are tried, from the maximum down
    private static final float MIN_MAGNITUDE = 1e-30f;

    private final List<FusedNode> nodes;
    private final Set<Integer> wanted;

    /** @param nodes of the network */
    RangeMeter(List<FusedNode> nodes) {
        this.nodes = nodes;
        this.wanted = nodes.stream()
                .filter(OneDnnInt8::isCandidate)
                .map(node -> node.inputs().get(0))
                .collect(Collectors.toSet());
    }

    /** Returns the numbers of the values whose ranges are needed. */
    Set<Integer> wanted() {
        return wanted;
    }

    /** What is known of one value: first its extremes, then how often each magnitude occurs. */
    private static final class Magnitudes {
        private float min;
        private float max; // of magnitudes
        private final long[] counts = new long[BINS];

        void widen(float[] values) {
            for (float value : values) {
                min = Math.min(min, value);
                max = Math.max(max, Math.abs(value));
            }
        }

        void count(float[] values) {
            float perBin = BINS / max;
            for (float value : values) {
                counts[Math.min(BINS - 1, (int) (Math.abs(value) * perBin))]++;
            }
        }

        Range range() {
            boolean signed = min < 0;
            if (max < MIN_MAGNITUDE) {
                return new Range(1, signed); // always zero, or as good as that: its steps would be zero in float32
            }
            double best = Double.POSITIVE_INFINITY;
            double limit = max;
            for (int candidate = CANDIDATES; candidate > 0; candidate--) {
                double tried = (double) max * candidate / CANDIDATES;
                double error = squaredError(tried, signed);
                if (error < best) {
                    best = error;
                    limit = tried;
                }
            }
            return new Range((float) limit, signed);
        }

        /** Returns the sum of the squared errors with a limit; rounding errors are uniformly distributed. */
        private double squaredError(double limit, boolean signed) {
            double step = new Range((float) limit, signed).scale();
            double rounding = step * step / 12;
            double sum = 0;
            for (int bin = 0; bin < BINS; bin++) {
                double beyond = (bin + 0.5) * max / BINS - limit;
                sum += counts[bin] * (beyond > 0 ? beyond * beyond : rounding);
            }
            return sum;
        }
    }

    /**
     * Finds the ranges.
     *
     * @param run runs the network on the images and shows an observer the values that are wanted; called twice
     * @throws IllegalArgumentException when a value is not finite
     */
    Int8Ranges measure(Consumer<OneDnnWorkspace.Observer> run) {
        Map<Integer, Magnitudes> all = new HashMap<>();
        wanted.forEach(value -> all.put(value, new Magnitudes()));
        run.accept((number, values) -> Objects.requireNonNull(all.get(number)).widen(values));
        if (!all.values().stream().allMatch(magnitudes -> Float.isFinite(magnitudes.max))) {
            throw new IllegalArgumentException("values between the layers are not finite, so they have no ranges");
        }
        run.accept((number, values) -> Objects.requireNonNull(all.get(number)).count(values));
        return new Int8Ranges(
                Int8Ranges.digest(nodes),
                all.entrySet().stream()
                        .collect(Collectors.toMap(
                                Map.Entry::getKey, entry -> entry.getValue().range())));
    }
}
