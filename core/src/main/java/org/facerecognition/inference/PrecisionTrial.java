package org.facerecognition.inference;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the arithmetic of a prepared model: prepares it in float32 and in half precision, and keeps half precision if
 * it is faster and the embeddings of synthetic faces are close enough.
 */
public final class PrecisionTrial {
    private static final int TRIALS = 3;
    private static final int MATRIX_SIZE = 256;
    private static final double MIN_SPEEDUP = 1.1; // of half precision over float32

    private final PrepareOptions options;
    private final @Nullable Device gpu;
    private final Supplier<InputImages> images;
    private final int imageSizePx;
    private final String model;
    private final @Nullable Int8Calibration calibration;

    /**
     * Creates a trial.
     *
     * @param options what to choose from
     * @param gpu where the model will run, borrowed; null for the CPU
     * @param model identifies the model: a choice between precisions is remembered for the next time
     * @param calibration of the model for int8; null if there is none
     * @param imageSizePx the side S of the square input in pixels
     * @param pixels returns images to compare embeddings of, [S, S, 3] each, RGB
     * @param table the normalized value of each pixel value, [3, 256]
     */
    public PrecisionTrial(
            PrepareOptions options,
            @Nullable Device gpu,
            String model,
            @Nullable Int8Calibration calibration,
            int imageSizePx,
            Supplier<List<byte[]>> pixels,
            float[][] table) {
        this.options = options;
        this.gpu = gpu;
        this.model = model;
        this.calibration = calibration;
        this.imageSizePx = imageSizePx;
        this.images = () -> new InputImages.Pixels(pixels.get(), table, imageSizePx, false);
    }

    /**
     * A prepared network and the reason for its arithmetic.
     *
     * @param net owned
     * @param reason the arithmetic and what was measured
     */
    public record Result(PreparedNet net, String reason) {
        /**
         * Returns the type of the values between layers: {@code float32}, {@code bfloat16}, {@code float16}, or {@code
         * int8-} and a digest of the ranges.
         */
        public String precision() {
            if (net.ranges().isPresent()) {
                return "int8-" + net.ranges().get().digest();
            }
            return net.type() == ScalarType.Float ? "float32" : net.type() == ScalarType.Half ? "float16" : "bfloat16";
        }
    }

    /**
     * Prepares a network.
     *
     * @param graph borrowed; may be closed afterwards
     * @return a result whose network is owned
     * @throws IllegalArgumentException when weights or embeddings are not finite
     * @throws IllegalStateException when half precision or int8 was requested and is not close enough to float32, or
     *     int8 is not possible
     */
    public Result prepare(Graph graph) {
        if (options.arithmetic() == Arithmetic.INT8) {
            return int8(graph);
        }
        if (options.arithmetic() == Arithmetic.FP32) {
            return new Result(net(graph, ScalarType.Float), "float32, as asked");
        }
        Optional<String> known = remembers() ? KernelChoices.shared().known(key()) : Optional.empty();
        if (known.isPresent()) {
            boolean half = known.get().startsWith(halfName());
            return new Result(net(graph, half ? halfType() : ScalarType.Float), known.get());
        }
        PreparedNet full = net(graph, ScalarType.Float);
        try {
            return choose(graph, full);
        } catch (RuntimeException | Error e) {
            full.close();
            throw e;
        }
    }

    private Result int8(Graph graph) {
        if (gpu != null) {
            throw new IllegalStateException(
                    "int8 is for CPUs; move the model to the CPU or prepare with arithmetic HALF");
        }
        if (calibration == null) {
            throw new IllegalStateException(
                    "the model must have been calibrated for int8; call calibrateInt8 with about"
                            + " 200 faces (command: quantize), or prepare with arithmetic AUTO");
        }
        if (!(calibration.minCosine() >= options.minCosine())) { // true for NaN
            throw new IllegalStateException(format(
                    "embeddings in int8 must have a cosine of at least %s to those in float32, but the calibration says:"
                            + " %s; prepare with arithmetic AUTO, or with a lower minCosine (--min-cosine)",
                    options.minCosine(), calibration));
        }
        try {
            PreparedNet net = PreparedNet.int8(graph, options.batchSize(), imageSizePx, calibration.ranges());
            return calibration.isOfThisProcessor()
                    ? new Result(net, "int8, " + calibration)
                    : measured(net, graph, calibration);
        } catch (NonFiniteWeightsException e) {
            throw e;
        } catch (IllegalArgumentException e) { // a batch size is checked already
            throw new IllegalStateException(e.getMessage() + "; calibrate the model again", e);
        } catch (UnsupportedOperationException e) {
            throw new IllegalStateException(e.getMessage() + "; prepare with arithmetic AUTO", e);
        }
    }

    /** Returns a network whose weights are rounded in another way than the calibration's, if it is close enough. */
    private Result measured(PreparedNet net, Graph graph, Int8Calibration calibration) {
        boolean close = false;
        try (PreparedNet full = net(graph, ScalarType.Float)) {
            InputImages faces = images.get();
            double cosine = Cosines.min(net.embed(faces), finite(full.embed(faces)));
            close = cosine >= options.minCosine(); // false for NaN
            if (!close) {
                throw new IllegalStateException(format(
                        "embeddings in int8 must have a cosine of at least %s to those in float32, but had %.7f on this"
                                + " processor, which is of another kind than that of the calibration; calibrate the"
                                + " model here, or prepare with arithmetic AUTO",
                        options.minCosine(), cosine));
            }
            return new Result(
                    net, format("int8, minimum cosine to float32 %.7f here; elsewhere: %s", cosine, calibration));
        } finally {
            if (!close) {
                net.close();
            }
        }
    }

    /** Returns whether a choice is kept for the next time: on a processor for which oneDNN's own choices are kept. */
    private boolean remembers() {
        return gpu == null && PreparedNet.isFast(ScalarType.Float);
    }

    private String key() {
        return KernelChoices.PRECISION + model + " " + options.minCosine() + " " + options.batchSize()
                + (options.arithmetic() == Arithmetic.HALF ? " half" : "");
    }

    private PreparedNet net(Graph graph, ScalarType type) {
        return gpu == null
                ? PreparedNet.onCpu(graph, options.batchSize(), imageSizePx, type)
                : PreparedNet.of(graph, options.batchSize(), imageSizePx, type, gpu);
    }

    private ScalarType halfType() {
        return gpu == null ? ScalarType.BFloat16 : ScalarType.Half;
    }

    private String halfName() {
        return gpu == null ? "bfloat16" : "float16";
    }

    private Result choose(Graph graph, PreparedNet full) {
        boolean required = options.arithmetic() == Arithmetic.HALF;
        String name = halfName();
        if (!required && gpu == null && !PreparedNet.isFast(halfType())) {
            if (PreparedNet.isFast(ScalarType.Float)) { // oneDNN has kernels for this processor, but none for halves
                return new Result(full, "float32: this processor has no instructions for " + name);
            }
            double speedup = productSpeedup(halfType());
            if (speedup < MIN_SPEEDUP) { // preparing a second network would take seconds for nothing
                return new Result(
                        full, format("float32: this processor multiplies %s %.2f times as fast", name, speedup));
            }
        }
        PreparedNet half = net(graph, halfType());
        boolean keepHalf = false;
        try {
            InputImages faces = images.get();
            double cosine = Cosines.min(half.embed(faces), finite(full.embed(faces)));
            boolean close = cosine >= options.minCosine(); // false for NaN
            if (required && !close) {
                throw new IllegalStateException(format(
                        "embeddings in %s must have a cosine of at least %s to those in float32, but had %.7f;"
                                + " prepare with arithmetic FP32",
                        name, options.minCosine(), cosine));
            }
            String measured = format("minimum cosine to float32 %.7f", cosine);
            keepHalf = required;
            if (!required) {
                double speedup = speedup(() -> half.embed(faces), () -> full.embed(faces));
                measured = format("%s %.2f times as fast, %s", name, speedup, measured);
                keepHalf = close && speedup >= MIN_SPEEDUP;
            }
            String reason = (keepHalf ? name : "float32") + ": " + measured;
            if (remembers()) {
                String kept = KernelChoices.shared().keep(key(), reason);
                if (close) { // another process may have been faster to measure
                    reason = kept;
                    keepHalf = reason.startsWith(name);
                }
            }
            return new Result(keepHalf ? half : full, reason);
        } finally {
            (keepHalf ? full : half).close();
        }
    }

    /** @throws NonFiniteWeightsException when a value is not finite: then no cosine says how close half precision is */
    private static float[][] finite(float[][] embeddings) {
        for (float[] embedding : embeddings) {
            for (float value : embedding) {
                if (!Float.isFinite(value)) {
                    throw NonFiniteWeightsException.ofEmbeddings();
                }
            }
        }
        return embeddings;
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** Returns how many times as fast products of matrices are as in float32. */
    private static double productSpeedup(ScalarType type) {
        Libtorch.load();
        try (PointerScope scope = new PointerScope()) {
            Tensor full = torch.ones(MATRIX_SIZE, MATRIX_SIZE);
            Tensor half = full.to(type);
            return speedup(() -> product(half), () -> product(full));
        }
    }

    private static double product(Tensor a) {
        return torch.mm(a, a).sum().item_double();
    }

    /** Returns how many times as fast some work is as other; by turns, so that a neighbor slows both down. */
    private static double speedup(Supplier<?> work, Supplier<?> other) {
        double seconds = Double.POSITIVE_INFINITY;
        double otherSeconds = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIALS; i++) {
            seconds = Math.min(seconds, seconds(work));
            otherSeconds = Math.min(otherSeconds, seconds(other));
        }
        return otherSeconds / seconds;
    }

    private static double seconds(Supplier<?> work) {
        long start = System.nanoTime();
        work.get();
        return (System.nanoTime() - start) / 1e9;
    }
}
