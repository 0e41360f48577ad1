package org.facerecognition.train;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.FrozenFeatureCache;
import org.facerecognition.losses.Head;
import org.facerecognition.natives.Autocast;
import org.facerecognition.natives.Precision;
import org.facerecognition.natives.RandomStream;
import org.jspecify.annotations.Nullable;

/**
 * From images to embeddings to the loss, in the precision of a training and with its random numbers; all tensors are
 * scoped.
 */
public final class ForwardPass {
    private final Backbone encoder;
    private final Head head;
    private final boolean customParts;
    private final Device device;
    private final Precision precision;
    private final @Nullable FrozenFeatureCache featureCache;

    /**
     * @param customParts whether encoder and head are the caller's own, which may draw from libtorch's default
     *     generators
     * @param featureCache for the layers that are frozen throughout; null to compute all of them every time
     */
    public ForwardPass(
            Backbone encoder,
            Head head,
            boolean customParts,
            Device device,
            Precision precision,
            @Nullable FrozenFeatureCache featureCache) {
        this.encoder = encoder;
        this.head = head;
        this.customParts = customParts;
        this.device = device;
        this.precision = precision;
        this.featureCache = featureCache;
    }

    /** The head that gives the loss. */
    public Head head() {
        return head;
    }

    /**
     * The result of a forward pass.
     *
     * @param embeddings [B, D], not normalized
     * @param labels [B]
     */
    public record Result(Tensor embeddings, Tensor labels, Head.Output output) {}

    /**
     * Runs a forward pass of a training step.
     *
     * @param images [B, 3, H, W]
     * @param labels [B]
     */
    public Result training(Tensor images, Tensor labels, RandomStream random) {
        return drawingFrom(random, () -> evaluation(images, labels));
    }

    /** Runs a forward pass of an evaluation, which is deterministic. */
    public Result evaluation(Tensor images, Tensor labels) {
        return ofHead(embed(images), labels);
    }

    /**
     * Runs the head's part of a training step on embeddings that were computed before.
     *
     * @param embeddings [B, D], not normalized
     * @param labels [B]
     */
    Result headTraining(Tensor embeddings, Tensor labels, RandomStream random) {
        return drawingFrom(random, () -> ofHead(embeddings, labels));
    }

    /**
     * Runs the head on embeddings that were computed before.
     *
     * @param embeddings [B, D], not normalized
     * @param labels [B]
     */
    Result ofHead(Tensor embeddings, Tensor labels) {
        return new Result(embeddings, labels, head.forward(embeddings, labels));
    }

    /**
     * Runs the head on those embeddings whose labels are not negative.
     *
     * @param embeddings [B, D], not normalized
     * @param labels [B]
     * @return null when there are none
     */
    @Nullable
    Result ofLabeled(Tensor embeddings, Tensor labels) {
        Tensor rows = labels.ge(new Scalar(0L)).nonzero().view(-1); // [B'] of B
        return rows.numel() == 0 ? null : ofHead(embeddings.index_select(0, rows), labels.index_select(0, rows));
    }

    /** Embeds [B, 3, H, W] into [B, D], not normalized. */
    public Tensor embed(Tensor images) {
        try (Autocast autocast =
                precision == Precision.BF16 ? Autocast.bfloat16(device.type()) : Autocast.off(device.type())) {
            return featureCache == null ? encoder.forward(images) : featureCache.embed(images);
        }
    }

    /**
     * Runs work with the training's random numbers; custom parts draw from libtorch's default generators, ours never
     * do.
     */
    public <T> T drawingFrom(RandomStream random, Supplier<T> work) {
        return customParts ? random.lendDuring(work) : random.during(work);
    }

    /**
     * Returns the sum of a score over a batch; from ranks where the head has computed them, since a head of very many
     * identities does not store scores.
     */
    public static double score(Score score, Head.Output output, Tensor labels) {
        return score instanceof RankScore byRank && output.ranks().isPresent()
                ? byRank.sum(output.ranks().get())
                : score.sum(output.scores(), labels);
    }
}
