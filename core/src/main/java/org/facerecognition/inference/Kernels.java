package org.facerecognition.inference;

import org.bytedeco.pytorch.Tensor;

/** Makes kernels; inside the scope of their owner, to which all that they keep belongs. */
interface Kernels {
    /**
     * A kernel for inputs like these.
     *
     * @param inputs examples
     */
    Kernel of(FusedNode node, Tensor[] inputs);
}
