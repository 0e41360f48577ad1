package org.facerecognition.benchmarks;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * ArcFace in plain libtorch, twice: with the margin on the cosines of the targets alone, as in insightface's
 * arcface_torch, and with the margin on all cosines, a one-hot tensor and where, as in many other implementations. The
 * one-hot tensor is boolean, its smallest form. Scale and margin are 64 and 0.5.
 *
 * <p>Every intermediate tensor is closed after its last use, as C++ and Python do without being told: what remains
 * until the backward pass is what autograd saves.
 */
final class PlainArcFace {
    private static final double S = 64;
    private static final double M = 0.5;

    private PlainArcFace() {}

    /**
     * Maps embeddings [B, D], class centers [C, D] and labels [B], all borrowed, to a scalar loss, which is scoped. The
     * margin costs one copy of the cosines, which is scaled in place.
     */
    static Tensor loss(Tensor embeddings, Tensor centers, Tensor labels) {
        try (Tensor cosine = cosine(embeddings, centers); // [B, C]
                Tensor columns = labels.unsqueeze(1);
                Tensor target = cosine.gather(1, columns); // [B, 1]
                Tensor margin = withMargin(target);
                Tensor logits = cosine.scatter(1, columns, margin)) { // [B, C]
            logits.mul_(new Scalar(S));
            return torch.cross_entropy(logits, labels);
        }
    }

    /** Does the same with the margin on all cosines. */
    static Tensor lossOverAll(Tensor embeddings, Tensor centers, Tensor labels) {
        try (Tensor cosine = cosine(embeddings, centers); // [B, C]
                Tensor margin = withMargin(cosine); // [B, C]
                Tensor oneHot = oneHot(cosine, labels); // [B, C]
                Tensor logits = then(torch.where(oneHot, margin, cosine), x -> x.mul(new Scalar(S)))) {
            return torch.cross_entropy(logits, labels);
        }
    }

    private static Tensor cosine(Tensor embeddings, Tensor centers) {
        try (Tensor x = normalize(embeddings);
                Tensor w = normalize(centers)) {
            return torch.linear(x, w);
        }
    }

    /** Returns cos(t + M), or what replaces it where t + M exceeds pi. */
    private static Tensor withMargin(Tensor cosine) {
        try (Tensor phi = phi(cosine);
                Tensor monotonic = cosine.gt(new Scalar(Math.cos(Math.PI - M)));
                Tensor linear = cosine.sub(new Scalar(Math.sin(M) * M))) {
            return torch.where(monotonic, phi, linear);
        }
    }

    private static Tensor phi(Tensor cosine) {
        try (Tensor sine = sine(cosine);
                Tensor a = cosine.mul(new Scalar(Math.cos(M)));
                Tensor b = sine.mul(new Scalar(Math.sin(M)))) {
            return a.sub(b);
        }
    }

    private static Tensor sine(Tensor cosine) {
        ScalarOptional floor = new ScalarOptional(new Scalar(1e-7));
        Tensor negative = then(cosine.mul(cosine), Tensor::neg);
        Tensor square = then(negative, x -> x.add(new Scalar(1.0)));
        return then(then(square, x -> x.clamp(floor, new ScalarOptional())), Tensor::sqrt);
    }

    private static Tensor oneHot(Tensor cosine, Tensor labels) {
        Tensor zeros;
        try (TensorOptions options = new TensorOptions(ScalarType.Bool);
                DeviceOptional device = new DeviceOptional(cosine.device());
                TensorOptions there = options.device(device)) {
            zeros = torch.zeros(new long[] {cosine.size(0), cosine.size(1)}, there);
        }
        try (Tensor columns = labels.unsqueeze(1)) {
            zeros.scatter_(1, columns, new Scalar(1.0));
        }
        return zeros;
    }

    /** Applies a function to a tensor and closes it. */
    private static Tensor then(Tensor x, UnaryOperator<Tensor> function) {
        try (x) {
            return function.apply(x);
        }
    }

    private static Tensor normalize(Tensor rows) {
        NormalizeFuncOptions options = new NormalizeFuncOptions();
        options.dim().put(1L);
        return torch.normalize(rows, options);
    }
}
