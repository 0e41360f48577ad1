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

/** Chooses the arithmetic of a prepared model by trying it, on drawn faces. */
public final class PrecisionTrial {
    private static final int TRIES = 3;
    private static final int SIDE = 256; // of the matrices that are multiplied to see whether trying is worth it
    private static final double WORTH_IT = 1.1; // times as fast

    private final PrepareOptions options;
    private final Device device;
    private final int imageSizePx;
    private final Supplier<Tensor> images;

    /**
     * @param imageSizePx side of the square input
     * @param images makes a batch to try it on, [B, 3, S, S], in the scope around the call
     */
    public PrecisionTrial(PrepareOptions options, Device device, int imageSizePx, Supplier<Tensor> images) {
        this.options = options;
        this.device = device;
        this.imageSizePx = imageSizePx;
        this.images = images;
    }

    /** A prepared net and why it is as it is. */
    public record Result(PreparedNet net, String reason) {
        /** Of the values between layers: {@code float32}, {@code bfloat16} or {@code float16}. */
        public String precision() {
            return net.type() == ScalarType.Float ? "float32" : net.type() == ScalarType.Half ? "float16" : "bfloat16";
        }
    }

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
            double speed = product(ScalarType.Float) / product(type);
            if (speed < WORTH_IT) {
                return new Result(full, say("float32: this processor multiplies %s %.2f times as fast", name, speed));
            }
        }
        PreparedNet half = net(graph, type);
        boolean keep = false;
        try (PointerScope scope = new PointerScope()) {
            Tensor faces = images.get();
            double cosine = minCosine(half.forward(faces), full.forward(faces));
            double speed = seconds(() -> full.forward(faces)) / seconds(() -> half.forward(faces));
            String measured = say("%s %.2f times as fast, least cosine to float32 %.7f", name, speed, cosine);
            boolean close = cosine >= options.minCosine(); // not when NaN
            if (wanted == Arithmetic.HALF && !close) {
                throw new IllegalStateException(say(
                        "embeddings in %s must have a cosine of at least %s to those in float32, but had %.7f;"
                                + " prepare with arithmetic FP32",
                        name, options.minCosine(), cosine));
            }
            keep = close && (wanted == Arithmetic.HALF || speed >= WORTH_IT);
            return keep ? new Result(half, name + ": " + measured) : new Result(full, "float32: " + measured);
        } finally {
            (keep ? full : half).close();
        }
    }

    private static String say(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** Seconds for a product of small matrices, the best of some. */
    private static double product(ScalarType type) {
        try (PointerScope scope = new PointerScope()) {
            Tensor a = torch.ones(SIDE, SIDE).to(type);
            return seconds(() -> torch.mm(a, a));
        }
    }

    private static double seconds(Supplier<Tensor> work) {
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            try (Tensor result = work.get()) {
                result.sum().item_double(); // a GPU's work is done only when something is read
            }
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }

    private static double minCosine(Tensor a, Tensor b) {
        return torch.normalize(a.to(ScalarType.Double))
                .mul(torch.normalize(b.to(ScalarType.Double)))
                .sum(1)
                .min()
                .item_double();
    }
}
