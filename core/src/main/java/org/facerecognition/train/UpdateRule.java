package org.facerecognition.train;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** How an optimizer updates parameters that have a gradient, and the state it keeps for each. */
interface UpdateRule {
    /** Returns the rule of an optimizer. */
    static UpdateRule of(OptimizerSettings settings) {
        if (settings instanceof AdamW adamW) {
            return adamW.rule();
        }
        return settings instanceof Adam adam ? adam.rule() : ((Sgd) settings).rule();
    }

    /** Names of the state tensors of a parameter, each of its shape. */
    List<String> stateNames();

    /**
     * Updates parameters in place. Call inside a PointerScope and without gradient recording.
     *
     * @param parameters to change
     * @param gradients of the parameters, in their order
     * @param states for each of {@link #stateNames}, the state tensors in the parameters' order
     * @param steps a float scalar for each parameter: its number of updates, including this one
     * @param first whether this is the first update of all of them
     */
    void update(
            List<Tensor> parameters,
            List<Tensor> gradients,
            List<List<Tensor>> states,
            List<Tensor> steps,
            boolean first,
            double rate,
            double weightDecay);
}
