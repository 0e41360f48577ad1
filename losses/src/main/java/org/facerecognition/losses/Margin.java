package org.facerecognition.losses;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The margin of a margin-softmax loss: it changes the cosine between an embedding and the center of its own identity,
 * the target cosine. A margin contains only what distinguishes it from other margins; the centers, the cosines and the
 * cross-entropy belong to {@link MarginSoftmax}.
 *
 * <p>A margin is an immutable record of settings. The values that some margins learn during training are not part of
 * the record: the head keeps them as named buffers, so they are saved with the head, move to a device with it, and are
 * not lost when the margin is {@link #scaledBy scaled}.
 *
 * <p>In each step a head calls {@link #observe} (in training only), then {@link #apply}, then {@link #negatives} and
 * {@link #penalty}. Most margins implement only {@link #s}, {@code apply} and {@code scaledBy}. Tensors passed in are
 * borrowed, tensors returned are scoped.
 */
public interface Margin {
    /** Returns the scale that all cosines are multiplied by before the softmax; positive. */
    double s();

    /**
     * Applies the margin to the target cosines. It lowers them, so that training has to raise them further.
     *
     * @param targets the batch; its cosines are [B]
     * @return [B], differentiable, of the type of the cosines; not multiplied by the scale
     */
    Tensor apply(Targets targets);

    /**
     * Returns this margin at a fraction of its strength, for warming a margin up at the start of a training. What the
     * margin has learned stays in the head.
     *
     * @param factor in [0, 1]; 0 gives no margin at all (normalized softmax), 1 gives an equal margin
     */
    Margin scaledBy(double factor);

    /**
     * Returns the number of identities that the margin is for; a head of another number refuses it. By default 0, for
     * any.
     */
    default int classes() {
        return 0;
    }

    /** Returns the names and initial values of the numbers that the margin carries from step to step. */
    default Map<String, Double> state() {
        return Map.of();
    }

    /**
     * Updates the {@link #state} from a training batch. It is called without gradient, before the margin is applied.
     *
     * @param targets the batch, whose state is changed in place
     * @param negativesLogSumExp maps a scale (a tensor without dimensions) to [B]: for each sample, the logarithm of
     *     the sum of exp(scale * cos) over all identities except its own. Every call costs a pass over the cosines
     */
    default void observe(Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {}

    /** Returns whether {@link #negatives} changes any cosine. A head does less work when it does not. */
    default boolean changesNegatives() {
        return false;
    }

    /**
     * Changes the cosines to the other identities. Each result must depend on its cosine and its sample alone, because
     * a head may pass a part of the identities at a time. The results for a sample's own identity are not used.
     *
     * @param cosines [B, c], the cosines to any c identities
     * @param targetWithMargin [B], the result of {@link #apply}
     * @param targets the batch
     * @return [B, c], differentiable, of the same type; not multiplied by the scale
     */
    default Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        return cosines;
    }

    /**
     * Returns a term that is added to the cross-entropy.
     *
     * @param targets the batch
     * @return a scalar with gradient, averaged over the batch; null for no such term
     */
    default @Nullable Tensor penalty(Targets targets) {
        return null;
    }
}
