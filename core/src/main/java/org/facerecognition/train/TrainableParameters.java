package org.facerecognition.train;

import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * Which parameters of a network are trained. It records the state before a training and restores it afterwards, so that
 * a freezer of one training has no effect on the next.
 */
public final class TrainableParameters {
    private final Module net;
    private final Set<String> fixed = new HashSet<>(); // names of parameters without gradient

    public TrainableParameters(Module net) {
        this.net = net;
        forEach((name, parameter) -> {
            if (!parameter.requires_grad()) {
                fixed.add(name);
            }
        });
    }

    private void forEach(BiConsumer<String, Tensor> action) {
        try (PointerScope scope = new PointerScope()) {
            NamedTensors.parameters(net).forEach(action);
        }
    }

    /**
     * Freezes and unfreezes for an epoch. Parameters that the network itself keeps fixed, such as the last scale of an
     * IResNet, stay fixed.
     */
    public void freeze(@Nullable Freezer freezer, int epoch) {
        if (freezer == null) {
            return;
        }
        freezer.apply(net, epoch);
        forEach((name, parameter) -> {
            if (fixed.contains(name)) {
                parameter.set_requires_grad(false);
            }
        });
    }

    /** Restores the recorded state. */
    public void restore() {
        forEach((name, parameter) -> parameter.set_requires_grad(!fixed.contains(name)));
    }
}
