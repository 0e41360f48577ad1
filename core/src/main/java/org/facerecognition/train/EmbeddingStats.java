package org.facerecognition.train;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MarginSoftmax;

/**
 * Measures angles and norms of a batch's embeddings. It costs one product of embeddings and centers, so it is done only
 * for listeners that ask for it.
 */
public final class EmbeddingStats {
    private static final double BELOW_ANY_COSINE = -2;

    private EmbeddingStats() {}

    /**
     * @param embeddings [B, D], not normalized
     * @param labels [B]
     */
    public static BatchEmbeddingStats of(Head head, Tensor embeddings, Tensor labels) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor x = embeddings.detach().to(ScalarType.Float); // [B, D]
            double[] norms = doubles(x.mul(x).sum(1).sqrt());
            if (!(head instanceof MarginSoftmax margins)) {
                return new BatchEmbeddingStats(new double[0], new double[0], norms);
            }
            Tensor cosines = margins.scores(x).div(new Scalar(margins.margin().s())); // [B, C]
            Tensor column = labels.unsqueeze(1); // [B, 1]
            double[] own = degrees(doubles(cosines.gather(1, column).squeeze(1)));
            if (margins.classes() == 1) {
                return new BatchEmbeddingStats(own, new double[0], norms);
            }
            Tensor others = cosines.scatter(1, column, new Scalar(BELOW_ANY_COSINE)); // [B, C]
            return new BatchEmbeddingStats(own, degrees(doubles(others.max(1).get0())), norms);
        }
    }

    private static double[] degrees(double[] cosines) {
        for (int i = 0; i < cosines.length; i++) {
            cosines[i] = Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, cosines[i]))));
        }
        return cosines;
    }

    private static double[] doubles(Tensor vector) {
        double[] values = new double[(int) vector.numel()];
        vector.to(new Device("cpu"), ScalarType.Double)
                .contiguous()
                .data_ptr_double()
                .get(values);
        return values;
    }
}
