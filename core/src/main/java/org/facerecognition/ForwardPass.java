package org.facerecognition;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.FrozenMemory;
import org.facerecognition.losses.Autocast;
import org.facerecognition.losses.Head;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.RankScore;
import org.facerecognition.train.Score;
import org.jspecify.annotations.Nullable;

/** Images to embeddings to a loss, in a training's precision and with its random numbers. Inside a PointerScope. */
final class ForwardPass {
    private final Recognizer recognizer;
    private final Device device;
    private final Precision precision;
    private final @Nullable FrozenMemory featureCache;

    /** @param featureCache for the layers that are frozen throughout; null to compute all of them every time */
    ForwardPass(Recognizer recognizer, Device device, Precision precision, @Nullable FrozenMemory featureCache) {
        this.recognizer = recognizer;
        this.device = device;
        this.precision = precision;
        this.featureCache = featureCache;
    }

    /**
     * What it gives.
     *
     * @param embeddings [B, D], not normalized
     */
    record Result(Tensor embeddings, Head.Output output) {}

    /**
     * Forward in training.
     *
     * @param images [B, 3, H, W]
     * @param labels [B]
     */
    Result training(Tensor images, Tensor labels, RandomStream random) {
        return drawingFrom(random, () -> evaluation(images, labels));
    }

    /** Forward in evaluation, where nothing is random. */
    Result evaluation(Tensor images, Tensor labels) {
        Tensor embeddings = embed(images); // [B, D]
        return new Result(embeddings, recognizer.head().forward(embeddings, labels));
    }

    /** [B, 3, H, W] to [B, D]. */
    Tensor embed(Tensor images) {
        try (Autocast autocast =
                precision == Precision.BF16 ? Autocast.bfloat16(device.type()) : Autocast.off(device.type())) {
            return featureCache == null ? recognizer.encoder().forward(images) : featureCache.embed(images);
        }
    }

    /** Parts of the caller's own may draw from libtorch's default generators; ours never do. */
    <T> T drawingFrom(RandomStream random, Supplier<T> work) {
        return recognizer.model().isOfOwnParts() ? random.lendDuring(work) : random.during(work);
    }

    /** From ranks where the head gives them: a head of very many identities makes no scores unless asked. */
    static double score(Score score, Head.Output output, Tensor labels) {
        return score instanceof RankScore byRank && output.ranks().isPresent()
                ? byRank.sum(output.ranks().get())
                : score.sum(output.scores(), labels);
    }
}
