package org.facerecognition.losses;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a margin-softmax loss does to the cosine between an embedding and the center of its own identity. A margin holds
 * only what makes it itself; the centers, the cosines and the cross-entropy are {@link MarginSoftmax}'s.
 *
 * <p>A margin is an immutable record of settings. What some of them learn on the way is not in it but in the head, as
 * named buffers: so it is saved with the head, moves to a device with it, and stays when the margin is {@link #scaledBy}.
 * In each step a head calls {@link #observe} (in training only), then {@link #apply}, then {@link #negatives} and {@link
 * #penalty}. Most margins are {@link #s}, {@code apply} and {@code scaledBy} alone.
 */
public interface Margin {
    /** The scale that all cosines are multiplied with before the softmax; positive. */
    double s();

    /**
     * Lowers the cosines of the right identities, so that training has to raise them further.
     *
     * @param targets the batch; its cosines are [B]
     * @return [B], differentiable, of the cosines' type; not scaled
     */
    Tensor apply(Targets targets);

    /**
     * The same margin made smaller, to begin a training with. What it has learned stays.
     *
     * @param share in [0, 1]; 0 for no margin at all: normalized softmax
     */
    Margin scaledBy(double share);

    /** Numbers that it carries from step to step, by name, as they are at the start of a training. */
    default Map<String, Double> state() {
        return Map.of();
    }

    /**
     * Moves the {@link #state} by what a training batch shows; called without gradient, before the margin is applied.
     *
     * @param targets the batch, with the state to be changed in place
     * @param othersLogSum from a scale (a tensor without dimensions) to [B]: for each sample, the logarithm of the sum of
     *     exp(scale cos) over all identities but its own. It costs a pass over the cosines: only to be called by who needs it
     */
    default void observe(Targets targets, UnaryOperator<Tensor> othersLogSum) {}

    /** Whether {@link #negatives} changes anything, for heads that do less when not. */
    default boolean changesNegatives() {
        return false;
    }

    /**
     * What becomes of the cosines to the wrong identities. A function of each cosine and its sample alone, so that a head
     * may call it for some identities at a time; what it makes of a sample's own identity is not used.
     *
     * @param cosines [B, c], of any c identities
     * @param targetWithMargin [B], what {@link #apply} gave
     * @param targets the batch
     * @return [B, c], differentiable, of the same type; not scaled
     */
    default Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        return cosines;
    }

    /**
     * What is added to the loss beside the cross-entropy.
     *
     * @param targets the batch
     * @return a scalar with gradient, the batch's mean; null for nothing
     */
    default @Nullable Tensor penalty(Targets targets) {
        return null;
    }
}
