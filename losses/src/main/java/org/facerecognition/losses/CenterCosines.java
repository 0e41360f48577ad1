package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.linear;

import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;

/** The cosines between embeddings and the centers of identities, of which each may have several. */
final class CenterCosines {
    private CenterCosines() {}

    /**
     * Returns the cosine between each embedding and each identity's nearest center.
     *
     * @param x [B, D], of the type of the centers and on their device
     * @param centers [C * K, D]
     * @param subCenters K
     * @return [B, C]
     */
    static Tensor of(Tensor x, Tensor centers, int subCenters) {
        Tensor all = linear(Norms.unit(x), Norms.unit(centers)); // [B, C * K]
        if (subCenters == 1) {
            return all;
        }
        try (T_TensorTensor_T largest =
                all.view(x.size(0), centers.size(0) / subCenters, subCenters).max(2)) {
            return new Tensor(largest.get0()); // get0 returns a part of the pair, which is closed
        }
    }

    /**
     * Returns the cosines to the centers of all processes.
     *
     * @param classes C, of all processes
     * @param centers those of this process's share
     * @return [B, C]
     */
    static Tensor ofAll(int classes, Tensor x, Tensor centers, int subCenters, ClassShard shard) {
        Tensor all = x.new_zeros(x.size(0), classes); // [B, C]
        if (shard.from() < shard.to()) {
            all.narrow(1, shard.from(), shard.to() - shard.from()).copy_(of(x, centers, subCenters));
        }
        shard.sum(all);
        return all;
    }
}
