package org.facerecognition.train;

import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.TensorVector;

/**
 * Keeps layers of a net as they are while others learn. A frozen layer's parameters get no gradient, and it runs in
 * evaluation mode, so that the running statistics of its batch normalization do not drift either.
 */
public interface Freezer {
    /**
     * Freezes and thaws for an epoch. Call after {@code root.train(true)}, which would wake frozen layers up.
     *
     * @param root of the whole net, with the children {@code encoder} and {@code head}
     * @param epoch from 0
     * @return how many layers are frozen now, of those that this counts
     * @throws IllegalArgumentException when the net has no such layers
     */
    int apply(Module root, int epoch);

    /**
     * A freezer with a name, such as a lambda's: trainings with checkpoints tell by the name whether they are the same.
     *
     * @param name what it freezes and when, with all settings
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

    /** Freezes a module and all below it, or thaws them. Inside a PointerScope. */
    static void setFrozen(Module module, boolean frozen) {
        TensorVector parameters = module.parameters();
        for (long i = 0; i < parameters.size(); i++) {
            parameters.get(i).set_requires_grad(!frozen);
        }
        module.train(!frozen);
    }
}
