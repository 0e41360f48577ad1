package org.facerecognition.losses;

import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Lengths and directions of a matrix's rows. */
final class Norms {
    private Norms() {}

    /** [N, D] to [N, D]: rows of length 1; a row of zeros stays one. */
    static Tensor unit(Tensor rows) {
        try (NormalizeFuncOptions options = new NormalizeFuncOptions()) {
            options.dim().put(1L);
            return torch.normalize(rows, options);
        }
    }

    /** [N, D] to [N]. */
    static Tensor lengths(Tensor rows) {
        try (ScalarOptional two = new ScalarOptional(new Scalar(2.0))) {
            return rows.norm(two, 1);
        }
    }
}
