package org.facerecognition.inference;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Operation.Convolution;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the fastest of oneDNN's implementations of a convolution by timing them on this machine, for one image and
 * for several. oneDNN's first choice is not always the fastest: for four images of 4x4 with AVX-512 it took 1.5 times
 * as long as the second, because it reads the weights again for each image. Where there is another way to compute a
 * convolution ({@link OneDnnWinograd}, {@link OneDnnUnfolding}), that is timed too.
 *
 * <p>The choice is the same for all batch sizes, and {@link KernelChoices} keeps it, so that an image's
 * embedding is the same, bit for bit, in a batch of any size and in every process that finds the choice there: two that
 * start together, before any was kept, may choose differently until they are started again.
 */
final class OneDnnAutotuner {
    private static final int TRIALS = 5; // the first is slow because code and data are not in the caches yet
    private static final double MAX_RATIO = 0.95; // to the time of the first choice: what is measured varies
    private static final double LAYOUT_SECONDS = 5e-10; // to store a value in another layout: 100 us for 200,704
    private static final long MAX_VALUES = 1L << 26; // of all images that are timed together
    private static final int OTHER_BYTES = 4 << 20; // that are in the cache when a layer begins, not its weights

    private static final String YES = "yes";
    private static final String NO = "no";

    private final KernelChoices choices;
    private final @Nullable String onTrial; // the only layer that is computed in another way; null if not decided
    private final boolean measures;

    /** @param choices what is known already; receives what is measured */
    OneDnnAutotuner(KernelChoices choices) {
        this.choices = choices;
        this.onTrial = null;
        this.measures = true;
    }

    private OneDnnAutotuner(String onTrial, boolean measures) {
        this.choices = new KernelChoices(Path.of("")); // of no file
        this.onTrial = onTrial;
        this.measures = measures;
    }

    /** Returns one that takes oneDNN's first choice, for networks that are made for many sizes of images. */
    static OneDnnAutotuner withoutMeasuring() {
        return new OneDnnAutotuner("", false);
    }

    /**
     * Makes an autotuner that measures only oneDNN's implementations, and keeps nothing.
     *
     * @param onTrial the layer that is computed in another way; empty for none
     */
    OneDnnAutotuner(String onTrial) {
        this(onTrial, true);
    }

    /**
     * Returns the fastest implementation, scoped.
     *
     * @param layer a key that is the same for identical layers, whatever the batch size
     * @param values of one image that the convolution reads and writes
     * @param descriptor describes the convolution to oneDNN
     * @param timed describes the same convolution for a number of images, without post-ops that need arguments; this
     *     one is timed
     */
    convolution_forward.primitive_desc best(
            String layer,
            long values,
            Supplier<convolution_forward.primitive_desc> descriptor,
            IntFunction<convolution_forward.primitive_desc> timed) {
        if (!measures) {
            return descriptor.get();
        }
        String name = choices.choose(layer, () -> fastestName(values, timed));
        convolution_forward.primitive_desc implementation = descriptor.get();
        do {
            if (name(implementation).equals(name)) {
                return implementation;
            }
        } while (implementation.next_impl());
        return descriptor.get();
    }

    private static String fastestName(long values, IntFunction<convolution_forward.primitive_desc> described) {
        try (PointerScope scope = new PointerScope()) {
            String first = name(described.apply(1));
            if (instructionSet(first).isEmpty()) { // generic code; optimized implementations would come first
                return first;
            }
            Map<String, Double> alone = seconds(described.apply(1), instructionSet(first));
            int images = together(values);
            Map<String, Double> together = seconds(described.apply(images), instructionSet(first));
            alone.keySet().retainAll(together.keySet());
            String best = first;
            double least = Double.POSITIVE_INFINITY;
            for (Map.Entry<String, Double> one : alone.entrySet()) {
                double seconds = one.getValue() + Objects.requireNonNull(together.get(one.getKey())) / images;
                double comparable =
                        one.getKey().equals(first) ? MAX_RATIO * seconds : seconds + 2 * values * LAYOUT_SECONDS;
                if (comparable < least) {
                    least = comparable;
                    best = one.getKey();
                }
            }
            return best;
        }
    }

    /**
     * Returns how many images a convolution is timed with, beside one alone: fewer of large ones, for which a plan has
     * no more either.
     *
     * @param values of one image that the convolution reads and writes
     */
    static int together(long values) {
        return (int) Math.max(1, Math.min(OneDnnExecution.MAX_SHARE, MAX_VALUES / values));
    }

    /** Returns the times of the implementations that use an instruction set, in oneDNN's order. */
    private static Map<String, Double> seconds(
            convolution_forward.primitive_desc implementation, String instructionSet) {
        Map<String, Double> seconds = new LinkedHashMap<>();
        do {
            if (instructionSet(name(implementation)).equals(instructionSet)) {
                seconds.put(name(implementation), secondsIfItRuns(implementation));
            } else if (!seconds.isEmpty()) {
                break; // slower instruction sets follow
            }
        } while (implementation.next_impl());
        return seconds;
    }

    /**
     * Returns whether another way to compute a convolution is faster than oneDNN's own, by timing both; false where
     * the other way fails.
     *
     * @param way names it
     * @param from [B, C, H, W] of the input
     * @param to [B, C, H, W] of the result
     */
    boolean prefers(String way, Convolution c, long[] from, long[] to) {
        String layer = layer(way, c, to);
        if (onTrial != null) {
            return onTrial.equals(layer);
        }
        return choices.choose(layer, () -> isFaster(layer, c, from, to) ? YES : NO)
                .equals(YES);
    }

    /** Returns whether another way takes less time; false where it fails: no trial makes a network unusable. */
    private static boolean isFaster(String layer, Convolution c, long[] from, long[] to) {
        try {
            return new OneDnnTrial(layer, c, from, to).isFaster();
        } catch (RuntimeException e) {
            System.getLogger(OneDnnAutotuner.class.getName())
                    .log(System.Logger.Level.DEBUG, "oneDNN does not compute " + layer, e);
            return false;
        }
    }

    /** Returns the key of the decision for or against another way to compute a convolution. */
    static String layer(String way, Convolution c, long[] to) {
        return way + " for " + Arrays.toString(c.weight().shape()) + ", stride " + c.window() + " to "
                + Arrays.toString(Arrays.copyOfRange(to, 1, to.length));
    }

    /** Returns whether an implementation is oneDNN's reference code, which is slow. */
    static boolean isReference(convolution_forward.primitive_desc implementation) {
        return isReference(name(implementation));
    }

    private static boolean isReference(String name) {
        return name.startsWith("ref");
    }

    private static String name(convolution_forward.primitive_desc implementation) {
        return implementation.impl_info_str().getString();
    }

    /** Returns what follows the colon of a name: avx512_core for jit:avx512_core. */
    private static String instructionSet(String name) {
        return isReference(name) ? "" : name.substring(name.indexOf(':') + 1);
    }

    /** Returns the time of an implementation, infinite for one that fails: no trial makes a network unusable. */
    private static double secondsIfItRuns(convolution_forward.primitive_desc implementation) {
        try {
            return seconds(implementation);
        } catch (RuntimeException e) {
            System.getLogger(OneDnnAutotuner.class.getName())
                    .log(System.Logger.Level.DEBUG, "oneDNN does not run " + name(implementation), e);
            return Double.POSITIVE_INFINITY;
        }
    }

    /** Returns the minimum time of several executions on zeros, each after other work. */
    private static double seconds(convolution_forward.primitive_desc implementation) {
        try (PointerScope scope = new PointerScope()) {
            List<memory> operands = new ArrayList<>();
            int[] kinds = {
                dnnl.DNNL_ARG_SRC,
                dnnl.DNNL_ARG_WEIGHTS,
                dnnl.DNNL_ARG_BIAS,
                dnnl.DNNL_ARG_DST,
                dnnl.DNNL_ARG_SCRATCHPAD
            };
            for (memory.desc layout : List.of(
                    implementation.src_desc(),
                    implementation.weights_desc(),
                    implementation.bias_desc(),
                    implementation.dst_desc(),
                    implementation.scratchpad_desc())) {
                memory operand = new memory(layout, OneDnn.engine());
                if (layout.get_size() > 0) {
                    Pointer.memset(operand.get_data_handle(), 0, layout.get_size());
                }
                operands.add(operand);
            }
            dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(kinds.length);
            for (int i = 0; i < kinds.length; i++) {
                arguments.getPointer(i).arg(kinds[i]).memory(operands.get(i).get());
            }
            convolution_forward primitive = new convolution_forward(implementation);
            stream stream = new stream(OneDnn.engine());
            double minSeconds = Double.POSITIVE_INFINITY;
            BytePointer others = new BytePointer(OTHER_BYTES);
            for (int i = 0; i < TRIALS; i++) {
                Pointer.memset(others, i, OTHER_BYTES);
                long start = RunningTime.nanos();
                int status = dnnl.dnnl_primitive_execute(primitive.get(), stream.get(), kinds.length, arguments);
                if (status != dnnl.dnnl_success) {
                    return Double.POSITIVE_INFINITY;
                }
                minSeconds = Math.min(minSeconds, (RunningTime.nanos() - start) / 1e9);
            }
            return minSeconds;
        }
    }
}
