package org.facerecognition.inference;

import java.util.Arrays;
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
                        + (node.then() == null ? "" : ", " + name(node.then()));
                return new Kind(name, c.weight().numel());
            } else if (node.operation() instanceof Operation.Linear l) {
                return new Kind(
                        "linear " + Arrays.toString(l.weight().shape()),
                        l.weight().numel());
            }
            return new Kind(name(node.operation()), 0);
        }

        private static String name(Operation operation) {
            return operation instanceof Operation.Activation activation
                    ? activation.name()
                    : operation.getClass().getSimpleName();
        }

        /** @param result its shape: [B, C, H, W] or [B, D] */
        LayerCost of(long[] result, double seconds) {
            long places = result[0] * (result.length == 4 ? result[2] * result[3] : 1);
            return new LayerCost(name + " to " + Arrays.toString(result), seconds, 2 * weights * places);
        }
    }
}
