package org.facerecognition.train;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** What an optimizer does with parameters that have a gradient, and what it remembers of each. */
interface UpdateRule {
    /** Names of the tensors remembered for each parameter, of its shape. */
    List<String> memories();

    /**
     * Updates parameters in place; inside a PointerScope, without gradient.
     *
     * @param parameters to change
     * @param gradients theirs
     * @param memories for each of {@link #memories}, the tensors by parameter
     * @param steps a float scalar for each parameter: how many updates it has had, this one included
     * @param first whether this is the first update of all of them
     */
    void update(
            List<Tensor> parameters,
            List<Tensor> gradients,
            List<List<Tensor>> memories,
            List<Tensor> steps,
            boolean first,
            double rate,
            double weightDecay);
}
