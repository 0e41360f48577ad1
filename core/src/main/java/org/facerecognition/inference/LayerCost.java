package org.facerecognition.inference;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.Operation;

/**
 * What a layer of a prepared net costs, with what is done along with it.
 *
 * @param layer what it is, the shape of its weights and of its result
 * @param seconds for a batch
 * @param operations additions and multiplications, of convolutions and linear layers; 0 for others
 */
public record LayerCost(String layer, double seconds, long operations) {

    /** What of it does not depend on the batch. */
    record Kind(String name, long weights) {
        static Kind of(FusedNode node) {
            if (node.operation() instanceof Operation.Convolution c) {
                String name = "convolution " + Arrays.toString(c.weight().shape()) + ", stride " + c.stride()
                        + (node.addend() == FusedNode.NONE ? "" : ", sum")
                        + (node.then() == null ? "" : ", " + node.then());
                return new Kind(name, c.weight().numel());
            } else if (node.operation() instanceof Operation.Linear l) {
                return new Kind(
                        "linear " + Arrays.toString(l.weight().shape()),
                        l.weight().numel());
            } else if (node.operation() instanceof Operation.Activation activation) {
                return new Kind(activation.name(), 0);
            }
            return new Kind(node.operation().getClass().getSimpleName(), 0);
        }

        /** @param result [B, C, H, W] or [B, D] */
        LayerCost of(Tensor result, double seconds) {
            long places = result.size(0) * (result.dim() == 4 ? result.size(2) * result.size(3) : 1);
            return new LayerCost(name + " to " + Arrays.toString(result.shape()), seconds, 2 * weights * places);
        }
    }

    LayerCost taking(double seconds) {
        return new LayerCost(layer, seconds, operations);
    }
}
