package org.facerecognition.losses;

import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** L2 norms and directions of the rows of a matrix. */
final class Norms {
    private Norms() {}

    /** Returns the rows L2-normalized: [N, D] to [N, D]. A row of zeros stays zero. */
    static Tensor unit(Tensor rows) {
        try (NormalizeFuncOptions options = new NormalizeFuncOptions()) {
            options.dim().put(1L);
            return torch.normalize(rows, options);
        }
    }

    /** Returns the L2 norm of each row: [N, D] to [N]. */
    static Tensor l2(Tensor rows) {
        try (ScalarOptional two = new ScalarOptional(new Scalar(2.0))) {
            return rows.norm(two, 1);
        }
    }
}
