package org.facerecognition.benchmarks;

import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * ArcFace as it is mostly written: normalize, linear, the margin on all cosines, one-hot, where, cross-entropy; in bare
 * libtorch. The one-hot is of booleans, the smallest.
 */
final class PlainArcFace {
    private static final double S = 64;
    private static final double M = 0.5;

    private PlainArcFace() {}

    /** [B, D], [C, D], [B] to a scalar; inside a scope. */
    static Tensor loss(Tensor embeddings, Tensor centers, Tensor labels) {
        Tensor cosine = torch.linear(unit(embeddings), unit(centers)); // [B, C]
        ScalarOptional floor = new ScalarOptional(new Scalar(1e-7));
        Tensor sine = cosine.mul(cosine)
                .neg()
                .add(new Scalar(1.0))
                .clamp(floor, new ScalarOptional())
                .sqrt();
        Tensor phi = cosine.mul(new Scalar(Math.cos(M))).sub(sine.mul(new Scalar(Math.sin(M))));
        Tensor before = cosine.gt(new Scalar(Math.cos(Math.PI - M)));
        phi = torch.where(before, phi, cosine.sub(new Scalar(Math.sin(M) * M)));
        Tensor oneHot = torch.zeros_like(cosine.detach())
                .to(ScalarType.Bool)
                .scatter_(1, labels.unsqueeze(1), new Scalar(1.0)); // [B, C]
        return torch.cross_entropy(torch.where(oneHot, phi, cosine).mul(new Scalar(S)), labels);
    }

    private static Tensor unit(Tensor rows) {
        NormalizeFuncOptions options = new NormalizeFuncOptions();
        options.dim().put(1L);
        return torch.normalize(rows, options);
    }
}
