package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.linear;
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
 * <p>logits = s * cos(theta_j), with the target's cosine replaced by what the margin makes of it; the loss is their
 * cross-entropy. The one parameter is {@code weight} [C, D], drawn from N(0, 0.01) like insightface's; only its rows'
 * directions matter.
 *
 * <p>Sub-centers: with K > 1 each identity has K centers, and its cosine is that to the nearest: photographs under a wrong
 * name gather at a center of their own and leave the others alone. Deng et al., "Sub-center ArcFace: Boosting Face Recognition
 * by Large-Scale Noisy Web Faces", ECCV 2020, section 3.2; K = 3 there. The weight is then [C * K, D], an identity's centers
 * one after another. As published; any margin will do.
 *
 * <p>The head always computes in the type of its centers, float32 unless converted, also inside autocast: bfloat16
 * rounds a cosine of .999 to 1, and everything a well-trained net still has to learn lies above that.
 */
public final class MarginSoftmax extends Head {
    private static final double CENTRE_DEVIATION = 0.01;
    private static final long SCORES_THAT_PAY = 1 << 20;

    private final int subCenters; // K
    private final CrossEntropy crossEntropy;
    private final Tensor centers; // [C * K, D]
    private final Map<String, Tensor> state;
    private final ChunkedPasses passes = new ChunkedPasses(true);
    private Margin margin;
    private @Nullable ClassChunks chunks;
    private @Nullable PartialFc partial;
    private @Nullable SampledRows sampled;

    /**
     * With one center for each identity and plain cross-entropy.
     *
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @param margin what happens to the target's cosine
     * @throws IllegalArgumentException when a size is less than 1
     */
    public MarginSoftmax(int classes, int embeddingSize, Margin margin) {
        this(classes, embeddingSize, margin, 1, CrossEntropy.PLAIN);
    }

    /**
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @param margin what happens to the target's cosine
     * @param subCenters centers for each identity, at least 1
     * @param crossEntropy with or without smoothing and focal weighting
     * @throws IllegalArgumentException when a size is less than 1
     */
    public MarginSoftmax(int classes, int embeddingSize, Margin margin, int subCenters, CrossEntropy crossEntropy) {
        super("MarginSoftmax", classes, embeddingSize);
        if (subCenters < 1) {
            throw new IllegalArgumentException("subCentres must be at least 1, but was " + subCenters);
        }
        this.margin = margin;
        this.subCenters = subCenters;
        this.crossEntropy = crossEntropy;
        try (Tensor initial = initialCenters((long) classes * subCenters, embeddingSize)) {
            this.centers = register_parameter("weight", initial);
        }
        this.state = stateOf(margin, centers);
    }

    private static Tensor initialCenters(long rows, long embeddingSize) {
        if (Initialization.isSkipped()) {
            return torch.empty(rows, embeddingSize);
        }
        try (Scalar std = new Scalar(CENTRE_DEVIATION)) {
            return torch.randn(rows, embeddingSize).mul_(std);
        }
    }

    /** Centers for each identity, K. */
    public int subCenters() {
        return subCenters;
    }

    /** The identities' centers, [C * K, D], of any length; the head's own, not to be changed or closed. */
    public Tensor centers() {
        return centers;
    }

    /** The margin in use. */
    public Margin margin() {
        return margin;
    }

    /** Uses another margin from now on. What the former has learned stays, for one of the same kind. */
    public void setMargin(Margin margin) {
        this.margin = margin;
        stateOf(margin, centers);
    }

    /**
     * Goes through the identities in chunks from now on, however many there are. Without this it does so, by {@link
     * ClassChunks#DEFAULT}, where there are many; with label smoothing or focal weighting never. The numbers are the same
     * up to rounding. Backward must then be called before the centers are changed, once, and without create_graph.
     *
     * <p>With {@link ClassChunks#bf16Logits} the three matrix products are in bfloat16. Centers, the target's own cosine, the
     * softmax and the sums of gradients stay in float32. Measured against float32 at 500, 10,572 and 85,742 identities (ArcFace,
     * s = 10, m = .1 and s = 64, m = .5, batch 128, embeddings of 512, target cosines of 0 to .9 on average): the loss differed
     * by at most 5e-4, the gradients of embeddings and centers by .3 to .7 % of their length, and by 2 % where the loss was below
     * 1e-6. It is faster only on processors with bfloat16 products (AMX, AVX512-BF16).
     */
    public void setChunks(ClassChunks chunks) {
        this.chunks = chunks;
    }

    /**
     * Trains from now on with a share of the identities in each step: Partial FC, An et al., CVPR 2022. The batch's own are
     * among them, the others are drawn anew each time. Outside training all identities count.
     *
     * <p>Only the sampled rows of {@code weight} are to be changed, by their own gradient: {@link #sampled} has it, {@code
     * weight} itself gets none. Ranks and accuracy in training are those among the sampled identities.
     *
     * @param fraction in (0, 1]
     * @throws IllegalArgumentException when it is not
     */
    public void setPartialFraction(double fraction) {
        this.partial = new PartialFc(fraction);
    }

    /**
     * The rows of {@code weight} that a step worked with.
     *
     * @param rows [S], int64, ascending
     * @param values [S, D], a copy of them: has their gradient after backward
     */
    public record SampledRows(Tensor rows, Tensor values) {}

    /** What the last forward in training worked with; empty unless a {@link #setPartialFraction fraction} is set. */
    public Optional<SampledRows> sampled() {
        return Optional.ofNullable(sampled);
    }

    /**
     * Sets the identities' centers, to begin where embeddings are already: their means, say. Of several sub-centers the first
     * is set, and the others stay as drawn: of equal ones only one would ever learn.
     *
     * <p>They get length 1, some nine times that of drawn ones in 128 dimensions. Adam's step is as long as the rate whatever
     * the gradient's length, so it turns a short center far: right for one that was drawn, while one that begins where its
     * faces are would lose its place in the first steps.
     *
     * @param means [C, D], on any device; only their directions matter. A row of zeros has none: that identity keeps
     *     its center
     * @throws IllegalArgumentException when the shape differs
     */
    public void setCenters(Tensor means) {
        String shape = "[" + classes() + ", " + embeddingSize() + "]";
        if (!Shapes.of(means).equals(shape)) {
            throw new IllegalArgumentException("centers must be " + shape + ", but were " + Shapes.of(means));
        }
        try (NoGradGuard noGrad = new NoGradGuard();
                Tensor here = means.to(centers.device(), centers.scalar_type());
                Tensor directions = Norms.unit(here);
                Scalar nought = new Scalar(0.0);
                Tensor first =
                        centers.view(classes(), subCenters, embeddingSize()).select(1, 0)) { // [C, D]
            try (Tensor given = here.ne(nought).any(1, true); // [C, 1]
                    Tensor chosen = where(given, directions, first)) {
                first.copy_(chosen);
            }
        }
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            Tensor x = embeddings.to(centers.scalar_type()); // [B, D]
            if (partial == null || !is_training()) {
                return of(x, centers, labels);
            }
            PartialFc.Sample sample = partial.draw(labels, centers, subCenters);
            sampled = new SampledRows(sample.rows(), sample.values());
            return of(x, sample.values(), sample.labels());
        }
    }

    private Output of(Tensor x, Tensor centers, Tensor labels) {
        long scores = x.size(0) * (centers.size(0) / subCenters);
        boolean many = chunks != null || scores >= SCORES_THAT_PAY;
        return many && crossEntropy.equals(CrossEntropy.PLAIN)
                ? inChunks(x, centers, labels)
                : atOnce(x, centers, labels);
    }

    private Output inChunks(Tensor x, Tensor centers, Tensor labels) {
        var mode = new ChunkedPasses.Mode(margin, state, is_training(), subCenters);
        ChunkedPasses.Result result =
                passes.forward(x, centers, labels, mode, chunks == null ? ClassChunks.DEFAULT : chunks);
        return Output.ofRanks(
                result.loss(), result.ranks(), () -> scores(x.detach()).detach());
    }

    private Output atOnce(Tensor x, Tensor centers, Tensor labels) {
        try (Scalar s = new Scalar(margin.s())) {
            Tensor cosines = cosines(x, centers); // [B, C]
            Tensor column = labels.unsqueeze(1); // [B, 1]
            Tensor target = cosines.gather(1, column).squeeze(1); // [B]
            Targets targets = new Targets(target, Norms.lengths(x), is_training(), state);
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
                Scalar nothing = new Scalar(Double.NEGATIVE_INFINITY)) {
            margin.observe(
                    targets,
                    scale -> cosines.mul(scale).scatter(1, column, nothing).logsumexp(1));
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        try (Autocast off = Autocast.off(embeddings.device().type());
                Scalar s = new Scalar(margin.s())) {
            return cosines(embeddings.to(centers.scalar_type()), centers).mul(s);
        }
    }

    /** The cosine between each embedding and each identity's nearest center: [B, D] and [C * K, D] to [B, C]. */
    private Tensor cosines(Tensor x, Tensor centers) {
        Tensor all = linear(Norms.unit(x), Norms.unit(centers)); // [B, C * K]
        return subCenters == 1
                ? all
                : all.view(x.size(0), centers.size(0) / subCenters, subCenters)
                        .max(2)
                        .get0();
    }

    @Override
    public void close() {
        passes.close();
        centers.close();
        super.close();
    }
}
