package org.facerecognition.inference;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Does the work of one fused node; from any number of threads. */
@FunctionalInterface
interface Kernel {
    /**
     * @param inputs the node's
     * @param addend the node's, which may be overwritten where it says so
     * @return in the caller's scope
     */
    Tensor run(Tensor[] inputs, @Nullable Tensor addend);
}
