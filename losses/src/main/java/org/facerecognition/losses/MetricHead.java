package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Autocast;

/**
 * A head for losses that compare the samples of a batch ({@link PairLoss}). It has no parameters.
 *
 * <p>So that there is an accuracy to look at, it remembers for each identity the mean direction of its embeddings, moved by
 * each training batch, in the buffer {@code centers} [C, D]: scores are the cosines to them. They take no part in the loss. An
 * identity not yet seen scores 0.
 */
public final class MetricHead extends Head {
    private static final double KEPT = 0.9; // of a mean, at each batch that shows its identity

    private final PairLoss pairLoss;
    private final Tensor centers; // [C, D], rows of length 1, or 0 before their identity is seen

    /**
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @param pairLoss what to train with
     * @throws IllegalArgumentException when a size is less than 1
     */
    public MetricHead(int classes, int embeddingSize, PairLoss pairLoss) {
        super("MetricHead", classes, embeddingSize);
        this.pairLoss = pairLoss;
        this.centers = register_buffer("centres", torch.zeros(classes, embeddingSize));
    }

    /** What it trains with. */
    public PairLoss pairLoss() {
        return pairLoss;
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            Tensor unit = unit(embeddings); // [B, D]
            Tensor loss = pairLoss.of(Pairs.of(unit, labels));
            Tensor scores = torch.mm(unit.detach(), centers.t()); // [B, C], before these labels are learned
            if (is_training()) {
                learn(unit.detach(), labels);
            }
            return new Output(loss, scores);
        }
    }

    /**
     * Moves the means of the identities in a batch. Samples of one identity all compute its new mean, the same to the last
     * digit, and so it does not matter which is written: sums by index would depend on the order of a GPU's threads.
     */
    private void learn(Tensor unit, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor equal = labels.unsqueeze(1).eq(labels.unsqueeze(0)).to(unit.scalar_type()); // [B, B]
            Tensor means = Norms.unit(torch.mm(equal, unit)); // [B, D]
            Tensor former = centers.index_select(0, labels); // [B, D]
            Tensor moved = times(former, KEPT).add(times(means, 1 - KEPT));
            centers.index_copy_(0, labels, Norms.unit(moved));
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            return torch.mm(unit(embeddings), centers.t());
        }
    }

    private Tensor unit(Tensor embeddings) {
        return Norms.unit(embeddings.to(centers.scalar_type()));
    }

    @Override
    public void close() {
        centers.close();
        super.close();
    }
}
