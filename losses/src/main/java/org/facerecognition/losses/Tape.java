package org.facerecognition.losses;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** {@code torch.autograd.grad}. */
final class Tape {
    private Tape() {}

    /**
     * The gradient of one tensor only; the tape is kept, and no leaf's gradient is added to.
     *
     * @param of a function of {@code by}
     * @param weights that its values count with, of its shape
     * @return of {@code by}'s shape; zeros when {@code of} does not depend on it
     */
    static Tensor gradient(Tensor of, Tensor by, Tensor weights) {
        if (!of.requires_grad()) {
            return torch.zeros_like(by);
        }
        try (TensorVector outputs = new TensorVector(of);
                TensorVector inputs = new TensorVector(by);
                TensorVector factors = new TensorVector(weights);
                BoolOptional keep = new BoolOptional(true);
                TensorVector gradients = torch.grad(outputs, inputs, factors, keep, false, true)) {
            Tensor gradient = new Tensor(gradients.get(0));
            return gradient.defined() ? gradient : torch.zeros_like(by);
        }
    }
}
