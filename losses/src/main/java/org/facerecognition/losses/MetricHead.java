package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Autocast;

/**
 * A head for losses that compare the samples of a batch ({@link PairLoss}). It has no parameters.
 *
 * <p>To report an accuracy, it keeps the mean direction of the embeddings of each identity, updated by every training
 * batch, in the buffer {@code centres} [C, D] (the spelling of existing files); scores are the cosines to these means.
 * They do not influence the loss. An identity that was not seen yet scores negative infinity: nobody is recognized as
 * one.
 */
public final class MetricHead extends Head {
    private static final double DECAY = 0.9; // of a mean, in each batch that contains its identity

    private final PairLoss pairLoss;
    private final Tensor centers; // [C, D], unit-norm rows; 0 before their identity is seen

    /**
     * Creates a head.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param pairLoss the loss to train with
     * @throws IllegalArgumentException if a size is less than 1
     */
    public MetricHead(int classes, int embeddingSize, PairLoss pairLoss) {
        super("MetricHead", classes, embeddingSize);
        this.pairLoss = pairLoss;
        this.centers = register_buffer("centres", torch.zeros(classes, embeddingSize));
    }

    /** Returns the loss that the head trains with. */
    public PairLoss pairLoss() {
        return pairLoss;
    }

    @Override
    public Map<String, String> settings() {
        return settings("loss", pairLoss);
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels, centers);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            Tensor unit = unit(embeddings); // [B, D]
            Tensor loss = pairLoss.of(Pairs.of(unit, labels));
            Tensor scores = cosines(unit.detach()); // [B, C], before this batch updates the centers
            if (is_training()) {
                updateCenters(unit.detach(), labels);
            }
            return new Output(loss, scores);
        }
    }

    /**
     * Updates the means of the identities in a batch. All samples of one identity compute the same new mean, bit for
     * bit, so it does not matter whose result is stored; sums by index would depend on the order of a GPU's threads.
     */
    private void updateCenters(Tensor unit, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor equal = labels.unsqueeze(1).eq(labels.unsqueeze(0)).to(unit.scalar_type()); // [B, B]
            Tensor means = Norms.unit(torch.mm(equal, unit)); // [B, D]
            Tensor former = centers.index_select(0, labels); // [B, D]
            Tensor updated = times(former, DECAY).add(times(means, 1 - DECAY));
            update(former, Norms.unit(updated));
            centers.index_copy_(0, labels, former);
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        checkEmbeddings(embeddings, centers);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            return cosines(unit(embeddings));
        }
    }

    /** Returns the scores of unit-norm embeddings: [B, D] to [B, C]. */
    private Tensor cosines(Tensor unit) {
        try (Scalar zero = new Scalar(0.0);
                Scalar minusInfinity = new Scalar(Double.NEGATIVE_INFINITY)) {
            Tensor unseen = Norms.l2(centers).eq(zero); // [C]
            return torch.mm(unit, centers.t()).masked_fill_(unseen, minusInfinity);
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
