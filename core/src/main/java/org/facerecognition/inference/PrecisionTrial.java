package org.facerecognition.inference;

import java.util.Locale;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.PrepareOptions.Arithmetic;

/**
 * Chooses the arithmetic of a prepared model: prepares it in float32 and in half precision, and keeps half precision if
 * it is faster and the embeddings of synthetic faces are close enough.
 */
public final class PrecisionTrial {
    private static final int TRIALS = 3;
    private static final int MATRIX_SIZE = 256;
    private static final double MIN_SPEEDUP = 1.1; // of half precision over float32

    private final PrepareOptions options;
    private final Device device;
    private final int imageSizePx;
    private final Supplier<Tensor> images;

    /**
     * Creates a trial.
     *
     * @param options what to choose from
     * @param device where the model will run; borrowed
     * @param imageSizePx the side of the square input in pixels
     * @param images returns a batch to compare embeddings of, [B, 3, S, S], scoped
     */
    public PrecisionTrial(PrepareOptions options, Device device, int imageSizePx, Supplier<Tensor> images) {
        this.options = options;
        this.device = device;
        this.imageSizePx = imageSizePx;
        this.images = images;
    }

    /**
     * A prepared network and the reason for its arithmetic.
     *
     * @param net owned
     * @param reason the arithmetic and what was measured
     */
    public record Result(PreparedNet net, String reason) {
        /** Returns the type of the values between layers: {@code float32}, {@code bfloat16} or {@code float16}. */
        public String precision() {
            return net.type() == ScalarType.Float ? "float32" : net.type() == ScalarType.Half ? "float16" : "bfloat16";
        }
    }

    /**
     * Prepares a network.
     *
     * @param graph borrowed; may be closed afterwards
     * @return a result whose network is owned
     * @throws IllegalStateException when half precision was requested and is not close enough to float32
     */
    public Result prepare(Graph graph) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            PreparedNet full = net(graph, ScalarType.Float);
            try {
                return choose(graph, full);
            } catch (RuntimeException e) {
                full.close();
                throw e;
            }
        }
    }

    private PreparedNet net(Graph graph, ScalarType type) {
        return PreparedNet.of(graph, options.batchSize(), imageSizePx, type, device);
    }

    private Result choose(Graph graph, PreparedNet full) {
        Arithmetic wanted = options.arithmetic();
        if (wanted == Arithmetic.FP32) {
            return new Result(full, "float32, as asked");
        }
        ScalarType type = device.is_cpu() ? ScalarType.BFloat16 : ScalarType.Half;
        String name = device.is_cpu() ? "bfloat16" : "float16";
        if (wanted == Arithmetic.AUTO && device.is_cpu() && !PreparedNet.isFast(type)) {
            double speedup = matrixProductSeconds(ScalarType.Float) / matrixProductSeconds(type);
            if (speedup < MIN_SPEEDUP) { // preparing a second network would take seconds for nothing
                return new Result(
                        full, format("float32: this processor multiplies %s %.2f times as fast", name, speedup));
            }
        }
        PreparedNet half = net(graph, type);
        boolean keepHalf = false;
        try (PointerScope scope = new PointerScope()) {
            Tensor faces = images.get();
            double cosine = minCosine(half.forward(faces), full.forward(faces));
            double speedup = seconds(() -> full.forward(faces)) / seconds(() -> half.forward(faces));
            String measured = format("%s %.2f times as fast, minimum cosine to float32 %.7f", name, speedup, cosine);
            boolean close = cosine >= options.minCosine(); // false for NaN
            if (wanted == Arithmetic.HALF && !close) {
                throw new IllegalStateException(format(
                        "embeddings in %s must have a cosine of at least %s to those in float32, but had %.7f;"
                                + " prepare with arithmetic FP32",
                        name, options.minCosine(), cosine));
            }
            keepHalf = close && (wanted == Arithmetic.HALF || speedup >= MIN_SPEEDUP);
            return keepHalf ? new Result(half, name + ": " + measured) : new Result(full, "float32: " + measured);
        } finally {
            (keepHalf ? full : half).close();
        }
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static double matrixProductSeconds(ScalarType type) {
        try (PointerScope scope = new PointerScope()) {
            Tensor a = torch.ones(MATRIX_SIZE, MATRIX_SIZE).to(type);
            return seconds(() -> torch.mm(a, a));
        }
    }

    /** Returns the minimum time of several executions. */
    private static double seconds(Supplier<Tensor> work) {
        double min = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIALS; i++) {
            long start = System.nanoTime();
            try (Tensor result = work.get()) {
                result.sum().item_double(); // reading a value waits for the GPU
            }
            min = Math.min(min, (System.nanoTime() - start) / 1e9);
        }
        return min;
    }

    private static double minCosine(Tensor a, Tensor b) {
        return torch.normalize(a.to(ScalarType.Double))
                .mul(torch.normalize(b.to(ScalarType.Double)))
                .sum(1)
                .min()
                .item_double();
    }
}
