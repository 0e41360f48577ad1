package org.facerecognition.train;

import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.TensorVector;

/**
 * Freezes layers of a network while others are trained. The parameters of a frozen layer get no gradient, and it runs
 * in evaluation mode, so that the running statistics of its batch normalization do not change either.
 */
public interface Freezer {
    /**
     * Freezes and unfreezes layers for an epoch. Call after {@code root.train(true)}, which sets all layers to training
     * mode.
     *
     * @param root of the whole network, with the children {@code encoder} and {@code head}
     * @param epoch from 0
     * @return the number of frozen layers, in this freezer's own count
     * @throws IllegalArgumentException when the network has no such layers
     */
    int apply(Module root, int epoch);

    /**
     * Gives a freezer a name, for example a lambda. A training is resumed only if the name is the same.
     *
     * @param name describes what is frozen and when, with all settings
     */
    static Freezer named(String name, Freezer freezer) {
        return new Freezer() {
            @Override
            public int apply(Module root, int epoch) {
                return freezer.apply(root, epoch);
            }

            @Override
            public String toString() {
                return name;
            }
        };
    }

    /** Freezes or unfreezes a module and all of its descendants. Call inside a PointerScope. */
    static void setFrozen(Module module, boolean frozen) {
        TensorVector parameters = module.parameters();
        for (long i = 0; i < parameters.size(); i++) {
            parameters.get(i).set_requires_grad(!frozen);
        }
        module.train(!frozen);
    }
}
