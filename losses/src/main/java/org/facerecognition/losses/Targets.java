package org.facerecognition.losses;

import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What a {@link Margin} sees of a batch: the target cosines, the norms of the embeddings and the margin's own state.
 * All tensors are borrowed.
 *
 * @param cosine [B], the cosine between each embedding and the center of its identity, in [-1, 1] up to rounding; with
 *     gradient
 * @param norms [B], the L2 norms of the embeddings before normalization; with gradient
 * @param training whether this is a training step; random numbers may be drawn only in training
 * @param state the margin's {@link Margin#state}, each value a tensor without dimensions and without gradient
 */
public record Targets(Tensor cosine, Tensor norms, boolean training, Map<String, Tensor> state) {
    public Targets {
        state = Map.copyOf(state);
    }

    /**
     * Returns targets with unit-norm embeddings, outside training and without state, for trying out a margin that has
     * no state.
     *
     * @param cosine [B]
     */
    public static Targets of(Tensor cosine) {
        return new Targets(cosine, torch.ones_like(cosine).detach(), false, Map.of());
    }

    /** Returns one of the values of the state, which the margin has declared. */
    Tensor stateTensor(String name) {
        return Objects.requireNonNull(state.get(name), name);
    }
}
