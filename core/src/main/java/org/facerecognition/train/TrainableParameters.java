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
    /** The most epochs for which a freezer is tried beforehand, which takes seconds; the others fail as they begin. */
    public static final int MAX_AHEAD = 1000;

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
     *
     * @param epoch from 0
     * @throws IllegalArgumentException when the freezer cannot be applied in it, or leaves nothing to be trained
     */
    public void freeze(@Nullable Freezer freezer, int epoch) {
        if (freezer == null) {
            return;
        }
        try {
            freezer.apply(net, epoch);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("in epoch " + (epoch + 1) + ": " + e.getMessage(), e);
        }
        boolean[] any = new boolean[1];
        forEach((name, parameter) -> {
            if (fixed.contains(name)) {
                parameter.set_requires_grad(false);
            }
            any[0] |= parameter.requires_grad();
        });
        if (!any[0]) {
            throw new IllegalArgumentException("freezer must leave something to be trained, but freezes all"
                    + " parameters of the network in epoch " + (epoch + 1));
        }
    }

    /**
     * Tries the freezer for the first epochs, and restores the recorded state.
     *
     * @throws IllegalArgumentException when it cannot be applied in one of them, or leaves nothing to be trained
     */
    public void check(@Nullable Freezer freezer, int epochs) {
        if (freezer == null) {
            return;
        }
        try {
            for (int epoch = 0; epoch < epochs; epoch++) {
                freeze(freezer, epoch);
            }
        } finally {
            restore();
        }
    }

    /** Restores the recorded state. */
    public void restore() {
        forEach((name, parameter) -> parameter.set_requires_grad(!fixed.contains(name)));
    }
}
