package org.facerecognition.losses;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The function {@code torch.autograd.grad} for one output and one input. */
final class Autograd {
    private Autograd() {}

    /**
     * Returns a vector-Jacobian product. The graph is retained, and no leaf's gradient is accumulated.
     *
     * @param output a function of {@code input}
     * @param weights the vector, of the shape of {@code output}
     * @return of the shape of {@code input}, scoped; zeros if {@code output} does not depend on it
     */
    static Tensor gradient(Tensor output, Tensor input, Tensor weights) {
        if (!output.requires_grad()) {
            return torch.zeros_like(input);
        }
        try (TensorVector outputs = new TensorVector(output);
                TensorVector inputs = new TensorVector(input);
                TensorVector vectors = new TensorVector(weights);
                BoolOptional retainGraph = new BoolOptional(true);
                TensorVector gradients = torch.grad(outputs, inputs, vectors, retainGraph, false, true)) {
            Tensor gradient = new Tensor(gradients.get(0));
            return gradient.defined() ? gradient : torch.zeros_like(input);
        }
    }
}
