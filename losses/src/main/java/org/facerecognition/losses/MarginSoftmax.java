package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;

import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Autocast;
import org.facerecognition.natives.Initialization;
import org.jspecify.annotations.Nullable;

/**
 * Softmax over the cosines between an embedding and the center of each identity, made harder by a {@link Margin}: the
 * head of ArcFace, CosFace and their family.
 *
 * <p>The logits are s * cos(theta_j), where the target cosine cos(theta_y) is replaced by the result of the margin; the
 * loss is their cross-entropy. The only parameter is {@code weight} [C, D], initialized from N(0, 0.01) like
 * insightface's; only the directions of its rows matter.
 *
 * <p>Sub-centers: with {@code K > 1} each identity has K centers, and its cosine is that to the nearest one. Mislabeled
 * images gather at a sub-center of their own and leave the others undisturbed. Deng et al., "Sub-center ArcFace:
 * Boosting Face Recognition by Large-Scale Noisy Web Faces", ECCV 2020, section 3.2, where K = 3. The weight is then [C
 * * K, D], with the centers of one identity in consecutive rows. Implemented as published, for any margin.
 *
 * <p>The head always computes in the type of its centers, float32 unless converted, even inside autocast: bfloat16
 * rounds a cosine of 0.999 to 1, and everything that a well-trained network still has to learn lies above that.
 */
public final class MarginSoftmax extends Head {
    private static final double INITIAL_STD = 0.01;
    private static final long MIN_SCORES_FOR_CHUNKS = 1 << 20;

    private final int subCenters; // K
    private final CrossEntropy crossEntropy;
    private final Tensor centers; // [C * K, D]
    private final Map<String, Tensor> state;
    private final ChunkedPasses passes = new ChunkedPasses(true);
    private Margin margin;
    private @Nullable ClassChunks chunks;
    private @Nullable PartialFc partial;
    private @Nullable SampledRows sampled;
    private @Nullable ClassShard shard; // null if all centers are here

    /**
     * Creates a head with one center per identity and plain cross-entropy.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param margin what is done to the target cosine
     * @throws IllegalArgumentException if a size is less than 1, or the margin is for another number of identities
     */
    public MarginSoftmax(int classes, int embeddingSize, Margin margin) {
        this(classes, embeddingSize, margin, 1, CrossEntropy.PLAIN);
    }

    /**
     * Creates a head.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param margin what is done to the target cosine
     * @param subCenters the number of centers per identity, at least 1
     * @param crossEntropy with or without label smoothing and focal weighting
     * @throws IllegalArgumentException if a size is less than 1, or the margin is for another number of identities
     */
    public MarginSoftmax(int classes, int embeddingSize, Margin margin, int subCenters, CrossEntropy crossEntropy) {
        super(checked("MarginSoftmax", classes, margin, subCenters), classes, embeddingSize);
        this.margin = margin;
        this.subCenters = subCenters;
        this.crossEntropy = crossEntropy;
        try (Tensor initial = initialCenters((long) classes * subCenters, embeddingSize)) {
            this.centers = register_parameter("weight", initial);
        }
        this.state = stateOf(margin, centers);
    }

    /** Checks the settings before a libtorch module is allocated; returns the name. */
    private static String checked(String name, int classes, Margin margin, int subCenters) {
        if (subCenters < 1) {
            throw new IllegalArgumentException("subCenters must be at least 1, but was " + subCenters);
        }
        Checks.isFor(classes, margin);
        return name;
    }

    private static Tensor initialCenters(long rows, long embeddingSize) {
        if (Initialization.isSkipped()) {
            return torch.empty(rows, embeddingSize);
        }
        try (Scalar std = new Scalar(INITIAL_STD)) {
            return torch.randn(rows, embeddingSize).mul_(std);
        }
    }

    /** Returns the number of centers per identity, K. */
    public int subCenters() {
        return subCenters;
    }

    /**
     * Returns the number of centers per identity, K.
     *
     * @deprecated renamed to {@link #subCenters()}
     */
    @Deprecated
    public int subCentres() {
        return subCenters();
    }

    /**
     * Returns the centers of the identities, [C * K, D], not normalized; those of this process's share if the head is
     * {@linkplain #shard sharded}. Borrowed, and not to be changed.
     */
    public Tensor centers() {
        return centers;
    }

    /**
     * Returns the centers of the identities, [C * K, D]; borrowed.
     *
     * @deprecated renamed to {@link #centers()}
     */
    @Deprecated
    public Tensor centres() {
        return centers();
    }

    /** Returns the margin in use. */
    public Margin margin() {
        return margin;
    }

    /**
     * Replaces the margin. What the previous one has learned is kept and is used by a margin of the same kind.
     *
     * @throws IllegalArgumentException if the margin is for another number of identities
     */
    public void setMargin(Margin margin) {
        Checks.isFor(classes(), margin);
        this.margin = margin;
        stateOf(margin, centers);
    }

    /**
     * Makes the head process the identities in chunks, however many there are. By default it does so only if there are
     * many, with {@link ClassChunks#DEFAULT}; with label smoothing or focal weighting it never does. The results are
     * the same up to rounding. Backward must then be called before the centers are changed, only once, and without
     * create_graph.
     *
     * <p>With {@link ClassChunks#bf16Logits} the three matrix products run in bfloat16. The centers, the target cosine,
     * the softmax and the sums of gradients stay in float32. Measured against float32 with 500, 10,572 and 85,742
     * identities (ArcFace, s = 10, m = 0.1 and s = 64, m = 0.5, batches of 128, embeddings of 512, mean target cosines
     * from 0 to 0.9): the loss differed by at most 5e-4, the gradients of embeddings and centers by 0.3 to 0.7 % of
     * their norm, and by 2 % where the loss was below 1e-6. It is faster only on processors with bfloat16 products
     * (AMX, AVX512-BF16).
     */
    public void setChunks(ClassChunks chunks) {
        this.chunks = chunks;
    }

    /**
     * Makes each training step use a random fraction of the identities: Partial FC, An et al., CVPR 2022. The
     * identities of the batch are always among them, the others are sampled anew in each step. Outside training all
     * identities count.
     *
     * <p>Only the sampled rows of {@code weight} are to be updated, by their own gradient, which {@link #sampled} has;
     * {@code weight} itself gets none. Ranks and accuracy in training are those among the sampled identities, and label
     * smoothing spreads its part of the target over these alone.
     *
     * @param fraction in (0, 1]
     * @throws IllegalArgumentException if the fraction is not in (0, 1]
     */
    public void setPartialFraction(double fraction) {
        this.partial = new PartialFc(fraction);
    }

    /**
     * The rows of {@code weight} that a training step used. Both tensors are scoped to that step.
     *
     * @param rows [R], int64, ascending
     * @param values [R, D], a copy of these rows, which has their gradient after backward
     */
    public record SampledRows(Tensor rows, Tensor values) {}

    /**
     * Returns the rows that the last forward pass in training used; empty unless a {@link #setPartialFraction fraction}
     * is set.
     */
    public Optional<SampledRows> sampled() {
        return Optional.ofNullable(sampled);
    }

    // ---- in several processes ----

    /**
     * Spreads the centers over processes: this one keeps those of its share, and {@link #centers} has no others. Loss,
     * ranks and gradients remain those of the whole head, up to rounding, in every process. The memory of the centers,
     * their gradient and their optimizer state is then a share too, while each process still sees the embeddings of
     * all. The head always processes its identities in chunks then.
     *
     * @param shard this process's share; the shares of all processes make up [0, C)
     * @throws IllegalArgumentException with label smoothing or focal weighting, for which there is no chunked form
     * @throws IllegalStateException if the head is sharded already
     */
    public void shard(ClassShard shard) {
        requireWhole();
        if (!crossEntropy.equals(CrossEntropy.PLAIN)) {
            throw new IllegalArgumentException(
                    "a head that is spread over processes must have plain cross-entropy, but had " + crossEntropy
                            + "; leave label smoothing and focal weighting out, or shardHead");
        }
        long from = (long) shard.from() * subCenters;
        long rows = (long) shard.to() * subCenters - from;
        try (NoGradGuard noGrad = new NoGradGuard();
                Tensor all = centers.detach();
                Tensor mine = all.narrow(0, from, rows);
                Tensor copy = mine.clone()) {
            centers.set_data(copy);
        }
        this.shard = shard;
    }

    /** Returns whether the centers are spread over processes. */
    public boolean isSharded() {
        return shard != null;
    }

    /**
     * Ends a {@link #shard} with the centers of all identities.
     *
     * @param all [C * K, D], of the type of the centers and on their device; the head keeps a reference to it
     * @throws IllegalArgumentException if the shape differs
     */
    public void unshard(Tensor all) {
        String shape = "[" + (long) classes() * subCenters + ", " + embeddingSize() + "]";
        if (!Shapes.of(all).equals(shape)) {
            throw new IllegalArgumentException("centers must be " + shape + ", but were " + Shapes.of(all));
        }
        centers.set_data(all);
        shard = null;
    }

    private void requireWhole() {
        if (shard != null) {
            throw new IllegalStateException(
                    "the centers must be all in this process, but are spread over several; call unshard first");
        }
    }

    // ---- start ----

    /**
     * Sets the centers of the identities, so that training starts where the embeddings are already, for example at
     * their means. Of several sub-centers the first is set and the others keep their random values: of equal
     * sub-centers only one would ever learn.
     *
     * <p>The centers become unit-norm, which is about nine times the norm of randomly initialized ones in 128
     * dimensions. Adam's step has the size of the learning rate whatever the gradient, so it turns a short center far:
     * right for a random center, while one that starts at the mean of its faces would lose its place in the first
     * steps.
     *
     * @param means [C, D], on any device; only their directions matter. An identity whose row is zero keeps its center
     * @throws IllegalArgumentException if the shape differs
     * @throws IllegalStateException if the head is {@linkplain #shard sharded}
     */
    public void setCenters(Tensor means) {
        requireWhole();
        String shape = "[" + classes() + ", " + embeddingSize() + "]";
        if (!Shapes.of(means).equals(shape)) {
            throw new IllegalArgumentException("centers must be " + shape + ", but were " + Shapes.of(means));
        }
        try (NoGradGuard noGrad = new NoGradGuard();
                Tensor converted = means.to(centers.device(), centers.scalar_type());
                Tensor directions = Norms.unit(converted);
                Scalar zero = new Scalar(0.0);
                Tensor first =
                        centers.view(classes(), subCenters, embeddingSize()).select(1, 0)) { // [C, D]
            try (Tensor hasDirection = converted.ne(zero).any(1, true); // [C, 1]
                    Tensor updated = where(hasDirection, directions, first)) {
                first.copy_(updated);
            }
        }
    }

    /**
     * Sets the centers of the identities.
     *
     * @param means [C, D]
     * @deprecated renamed to {@link #setCenters(Tensor)}
     */
    @Deprecated
    public void setCentres(Tensor means) {
        setCenters(means);
    }

    @Override
    public Map<String, String> settings() {
        PartialFc sampling = partial == null || partial.isOfAll() ? null : partial;
        Map<String, String> settings =
                settings("margin", margin, "sub-centers", subCenters, "softmax", crossEntropy, "sampling", sampling);
        settings.put("bf16 logits", Boolean.toString(chunks != null && chunks.bf16Logits()));
        return settings;
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels, centers);
        sampled = null; // those of the step before are closed
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            Tensor x = embeddings.to(centers.scalar_type()); // [B, D]
            if (partial == null || !is_training()) {
                return forward(x, centers, shard == null ? labels : labels.sub(new Scalar((long) shard.from())));
            }
            PartialFc.Sample sample = partial.draw(labels, classes(), centers, subCenters, shard);
            sampled = new SampledRows(sample.rows(), sample.values());
            return forward(x, sample.values(), sample.labels());
        }
    }

    private Output forward(Tensor x, Tensor centers, Tensor labels) {
        long scores = x.size(0) * (centers.size(0) / subCenters);
        boolean many = shard != null || chunks != null || scores >= MIN_SCORES_FOR_CHUNKS;
        return many && crossEntropy.equals(CrossEntropy.PLAIN)
                ? forwardInChunks(x, centers, labels)
                : forwardAtOnce(x, centers, labels);
    }

    private Output forwardInChunks(Tensor x, Tensor centers, Tensor labels) {
        var mode = new ChunkedPasses.Mode(margin, state, is_training(), subCenters, shard);
        ChunkedPasses.Result result =
                passes.forward(x, centers, labels, mode, chunks == null ? ClassChunks.DEFAULT : chunks);
        return Output.ofRanks(
                result.loss(), result.ranks(), () -> scores(x.detach()).detach());
    }

    private Output forwardAtOnce(Tensor x, Tensor centers, Tensor labels) {
        try (Scalar s = new Scalar(margin.s())) {
            Tensor cosines = CenterCosines.of(x, centers, subCenters); // [B, C]
            Tensor column = labels.unsqueeze(1); // [B, 1]
            Tensor target = cosines.gather(1, column).squeeze(1); // [B]
            Targets targets = new Targets(target, Norms.l2(x), is_training(), state);
            if (targets.training()) {
                observe(targets, cosines, column);
            }
            Tensor targetWithMargin = margin.apply(targets); // [B]
            Tensor negatives = margin.negatives(cosines, targetWithMargin, targets); // [B, C]
            Tensor logits =
                    negatives.scatter(1, column, targetWithMargin.unsqueeze(1)).mul(s); // [B, C]
            Tensor loss = crossEntropy.of(logits, labels);
            Tensor penalty = margin.penalty(targets);
            if (penalty != null) {
                loss = loss.add(penalty);
            }
            Tensor scores = cosines.detach().mul(s);
            return centers == this.centers
                    ? new Output(loss, scores)
                    : Output.ofRanks(
                            loss,
                            Ranks.of(scores, labels),
                            () -> scores(x.detach()).detach());
        }
    }

    private void observe(Targets targets, Tensor cosines, Tensor column) {
        try (NoGradGuard noGrad = new NoGradGuard();
                Scalar minusInfinity = new Scalar(Double.NEGATIVE_INFINITY)) {
            margin.observe(
                    targets,
                    scale ->
                            cosines.mul(scale).scatter(1, column, minusInfinity).logsumexp(1));
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        checkEmbeddings(embeddings, centers);
        try (Autocast off = Autocast.off(embeddings.device().type());
                Scalar s = new Scalar(margin.s())) {
            Tensor x = embeddings.to(centers.scalar_type());
            Tensor cosines = shard == null
                    ? CenterCosines.of(x, centers, subCenters)
                    : CenterCosines.ofAll(classes(), x, centers, subCenters, shard);
            return cosines.mul(s);
        }
    }

    @Override
    public void forgetForward() {
        passes.close();
    }

    @Override
    public void close() {
        passes.close();
        centers.close();
        super.close();
    }
}
