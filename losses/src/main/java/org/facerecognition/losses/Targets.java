package org.facerecognition.losses;

import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What a {@link Margin} may look at: a batch, from the side of its right identities.
 *
 * @param cosine [B], between each embedding and its own center, in [-1, 1] up to rounding; with gradient
 * @param norms [B], Euclidean lengths of the embeddings before they were normalized; with gradient
 * @param training whether this is a training step: only then may chance be drawn
 * @param state the margin's {@link Margin#state}, each a tensor without dimensions; without gradient
 */
public record Targets(Tensor cosine, Tensor norms, boolean training, Map<String, Tensor> state) {
    public Targets {
        state = Map.copyOf(state);
    }

    /** Cosines alone, not in training, embeddings of length 1: to try a margin out that has no state. */
    public static Targets of(Tensor cosine) {
        return new Targets(cosine, torch.ones_like(cosine).detach(), false, Map.of());
    }
}
