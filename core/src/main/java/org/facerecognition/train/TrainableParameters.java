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
 * Which parameters of a network may learn: remembers it as it is before a training, so that what a freezer does in one
 * training decides nothing in the next.
 */
public final class TrainableParameters {
    private final Module net;
    private final Set<String> fixed = new HashSet<>(); // those that may not

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
     * Freezes and thaws for an epoch. What the network itself holds fixed, such as an IResNet's last scale, stays so.
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

    /** As it was at first. */
    public void restore() {
        forEach((name, parameter) -> parameter.set_requires_grad(!fixed.contains(name)));
    }
}
