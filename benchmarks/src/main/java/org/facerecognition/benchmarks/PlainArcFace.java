package org.facerecognition.benchmarks;

import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * ArcFace in plain libtorch as most implementations have it: normalize, linear, the margin on all cosines, one-hot,
 * where, cross-entropy. The one-hot tensor is boolean, its smallest form. Scale and margin are 64 and 0.5.
 */
final class PlainArcFace {
    private static final double S = 64;
    private static final double M = 0.5;

    private PlainArcFace() {}

    /** Maps embeddings [B, D], class centers [C, D] and labels [B], all borrowed, to a scalar loss, which is scoped. */
    static Tensor loss(Tensor embeddings, Tensor centers, Tensor labels) {
        Tensor cosine = torch.linear(normalize(embeddings), normalize(centers)); // [B, C]
        ScalarOptional floor = new ScalarOptional(new Scalar(1e-7));
        Tensor sine = cosine.mul(cosine)
                .neg()
                .add(new Scalar(1.0))
                .clamp(floor, new ScalarOptional())
                .sqrt();
        Tensor phi = cosine.mul(new Scalar(Math.cos(M))).sub(sine.mul(new Scalar(Math.sin(M))));
        Tensor monotonic = cosine.gt(new Scalar(Math.cos(Math.PI - M)));
        phi = torch.where(monotonic, phi, cosine.sub(new Scalar(Math.sin(M) * M)));
        Tensor oneHot = torch.zeros_like(cosine.detach())
                .to(ScalarType.Bool)
                .scatter_(1, labels.unsqueeze(1), new Scalar(1.0)); // [B, C]
        return torch.cross_entropy(torch.where(oneHot, phi, cosine).mul(new Scalar(S)), labels);
    }

    private static Tensor normalize(Tensor rows) {
        NormalizeFuncOptions options = new NormalizeFuncOptions();
        options.dim().put(1L);
        return torch.normalize(rows, options);
    }
}
