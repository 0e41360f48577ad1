package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.cross_entropy;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.where;

import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Softmax over the cosines between an embedding and the centre of each identity, made harder by a {@link Margin}: the
 * head of ArcFace, CosFace and their family.
 *
 * <p>logits = s * cos(theta_j), with the target's cosine replaced by what the margin makes of it; the loss is their
 * cross-entropy. The one parameter is {@code weight} [C, D], drawn from N(0, 0.01) like insightface's; only its rows'
 * directions matter.
 *
 * <p>The head always computes in the type of its centres, float32 unless converted, also inside autocast: bfloat16
 * rounds a cosine of .999 to 1, and everything a well-trained net still has to learn lies above that.
 */
public final class MarginSoftmax extends Head {
    private static final double CENTRE_DEVIATION = 0.01;

    private final Tensor centres; // [C, D]
    private final Map<String, Tensor> state;
    private Margin margin;

    /**
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @param margin what happens to the target's cosine
     * @throws IllegalArgumentException when a size is less than 1
     */
    public MarginSoftmax(int classes, int embeddingSize, Margin margin) {
        super("MarginSoftmax", classes, embeddingSize);
        this.margin = margin;
        try (Tensor drawn = torch.randn(classes, embeddingSize);
                Scalar deviation = new Scalar(CENTRE_DEVIATION)) {
            this.centres = register_parameter("weight", drawn.mul_(deviation));
        }
        this.state = stateOf(margin, centres);
    }

    /** The margin in use. */
    public Margin margin() {
        return margin;
    }

    /** Uses another margin from now on. What the former has learnt stays, for one of the same kind. */
    public void setMargin(Margin margin) {
        this.margin = margin;
        stateOf(margin, centres);
    }

    /**
     * Sets the identities' centres, to begin where embeddings are already: their means, say.
     *
     * @param means [C, D]; only their directions matter. A row of zeros has none: that identity keeps its centre
     * @throws IllegalArgumentException when the shape differs
     */
    public void setCentres(Tensor means) {
        if (!Shapes.of(means).equals(Shapes.of(centres))) {
            throw new IllegalArgumentException(
                    "centres must be " + Shapes.of(centres) + ", but were " + Shapes.of(means));
        }
        try (NoGradGuard noGrad = new NoGradGuard();
                Tensor directions = normalized(means);
                Scalar nought = new Scalar(0.0);
                Scalar length = new Scalar(CENTRE_DEVIATION * Math.sqrt(embeddingSize()))) { // as if drawn
            try (Tensor given = means.ne(nought).any(1, true); // [C, 1]
                    Tensor chosen = where(given, directions.mul_(length), centres)) {
                centres.copy_(chosen);
            }
        }
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels);
        try (Autocast off = Autocast.off(embeddings.device().type());
                Scalar s = new Scalar(margin.s())) {
            Tensor x = embeddings.to(centres.scalar_type()); // [B, D]
            Tensor cosines = cosines(x); // [B, C]
            Tensor column = labels.unsqueeze(1); // [B, 1]
            Tensor own = cosines.gather(1, column).squeeze(1); // [B]
            Targets targets = new Targets(own, lengths(x), is_training(), state);
            if (targets.training()) {
                observe(targets, cosines, column);
            }
            Tensor harder = margin.apply(targets); // [B]
            Tensor others = margin.others(cosines, harder, targets); // [B, C]
            Tensor logits = others.scatter(1, column, harder.unsqueeze(1)).mul(s); // [B, C]
            Tensor loss = cross_entropy(logits, labels);
            Tensor penalty = margin.penalty(targets);
            return new Output(
                    penalty == null ? loss : loss.add(penalty), cosines.detach().mul(s));
        }
    }

    private void observe(Targets targets, Tensor cosines, Tensor column) {
        try (NoGradGuard noGrad = new NoGradGuard();
                Scalar s = new Scalar(margin.s());
                Scalar nothing = new Scalar(Double.NEGATIVE_INFINITY)) {
            margin.observe(
                    targets, () -> cosines.mul(s).scatter(1, column, nothing).logsumexp(1));
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        try (Autocast off = Autocast.off(embeddings.device().type());
                Scalar s = new Scalar(margin.s())) {
            return cosines(embeddings.to(centres.scalar_type())).mul(s);
        }
    }

    /** The cosine between each embedding and each centre: [B, D] to [B, C]. */
    private Tensor cosines(Tensor x) {
        return linear(normalized(x), normalized(centres));
    }

    /** [B, D] to [B]. */
    private static Tensor lengths(Tensor rows) {
        try (ScalarOptional two = new ScalarOptional(new Scalar(2.0))) {
            return rows.norm(two, 1);
        }
    }

    private static Tensor normalized(Tensor rows) {
        try (NormalizeFuncOptions options = new NormalizeFuncOptions()) {
            options.dim().put(1L);
            return torch.normalize(rows, options);
        }
    }

    @Override
    public void close() {
        centres.close();
        super.close();
    }
}
