package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * One batch on its way through a softmax over margin cosines, some classes at a time: forward, and later backward. Its
 * numbers are those of the plain writing in {@link MarginSoftmax}, up to rounding.
 */
final class ChunkedSoftmax implements AutoCloseable {
    /*
     * With x the embeddings brought to length 1 [B, D], W the centers [C, D], q_j = 1 / |W_j| and c_bj = q_j x_b . W_j:
     *
     *     L = 1/B sum_b (ln sum_j exp(s o_bj) - s o_by)          o_by the margin's, o_bj the others'
     *     G_bj = dL/dc_bj = s/B (p_bj - [j = y]) do_bj/dc_bj     p the softmax
     *     dL/dx_b = sum_j G_bj q_j W_j
     *     dL/dW_j = q_j sum_b G_bj x_b - q_j^2 (sum_b G_bj c_bj) W_j
     *
     * The plain writing makes, beside the three matrix products, a normalized copy of W, the gradient of that copy and the
     * parts of its way back through the division, all of W's size, and a dozen tensors [B, C]. Here q_j scales columns of
     * [B, c] in place of rows of [c, D], and all but W's gradient is of the size of a chunk.
     *
     * Forward goes through the chunks once and keeps ln sum exp of each. Backward needs p, hence the sum over all classes,
     * hence a second pass: over cosines that were kept, or computed again. It adds straight into W's gradient.
     *
     * The target's own cosine is worked out beside the rest, [B], where the margin and its gradient are taken on libtorch's
     * tape; it is put in the place of the matrix product's, so that there is one value of it.
     *
     * With K sub-centers to an identity a chunk's product is [B, c K], its cosines [B, c] the largest of each K, and the
     * gradient goes where that was.
     */
    private static final double SHORTEST = 1e-12; // torch.normalize divides shorter rows by this
    private static final double NEARLY_LONGEST_INVERSE = 0.999 / SHORTEST;

    private final Margin margin;
    private final ClassChunks chunks;
    private final int subCenters; // K
    private final int classes; // C
    private final Tensor centers; // [C * K, D], the parameter itself
    private final Tensor weight; // [C * K, D], its values
    private final Tensor unit; // [B, D]
    private final Tensor column; // [B, 1], labels
    private final Tensor inverse; // [C * K], q
    private final Tensor target; // [B, 1], the target's cosine
    private final @Nullable Tensor[] kept; // [B, c * K] each
    private final List<Tensor> mine = new ArrayList<>(); // to be closed
    private final long version;
    private long freeBytes; // of what may be kept
    private @Nullable Targets targets;
    private @Nullable Tensor targetWithMargin; // [B], what the margin makes of own
    private @Nullable Tensor logSum; // [B, 1]
    private @Nullable Tensor ranks; // [B], int64; the caller's

    /**
     * Some classes.
     *
     * @param row of the centers, where they begin
     * @param inside [B, 1], whether the target is here
     * @param at [B, 1], its column if so
     */
    private record Chunk(int index, int classes, long row, long rows, Tensor inside, Tensor at) {
        /** Of a tensor by rows of the centers, those of this chunk. */
        Tensor of(Tensor all) {
            return all.narrow(0, row, rows);
        }

        /** Puts each sample's value at its target, where that is here. */
        void place(Tensor values, Tensor into) {
            Tensor there = into.gather(1, at); // [B, 1]
            into.scatter_(1, at, where(inside, values, there));
        }
    }

    /**
     * A chunk's cosines, not to be changed.
     *
     * @param all [B, c * K], to each center
     * @param best [B, c], to the nearest center of each identity, the target's own put in
     * @param nearest [B, c, 1], which of the K that was; null for one
     */
    private record Cosines(
            Tensor all, Tensor best, @Nullable Tensor nearest) {
        /** Hands gradients [B, c] of the best on to all. */
        Tensor spread(Tensor gradient, int subCenters) {
            if (nearest == null) {
                return gradient;
            }
            Tensor each = gradient.new_zeros(gradient.size(0), gradient.size(1), subCenters); // [B, c, K]
            return each.scatter_(2, nearest, gradient.unsqueeze(2)).flatten(1, 2);
        }
    }

    /**
     * @param unit [B, D], embeddings of length 1, of the centers' type
     * @param centers [C * K, D]
     * @param subCenters K
     * @param labels [B], int64
     */
    ChunkedSoftmax(Tensor unit, Tensor centers, int subCenters, Tensor labels, Margin margin, ClassChunks chunks) {
        this.margin = margin;
        this.chunks = chunks;
        this.subCenters = subCenters;
        this.classes = (int) (centers.size(0) / subCenters);
        this.version = centers._version();
        this.freeBytes = chunks.keptBytes();
        try (NoGradGuard noGrad = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            this.centers = mine(new Tensor(centers));
            this.weight = mine(centers.detach());
            this.unit = mine(unit.detach());
            this.column = mine(labels.unsqueeze(1));
            this.inverse = mine(weight.new_empty(centers.size(0)));
            long size = unit.size(1);
            Tensor rows = weight.view(classes, subCenters * size)
                    .index_select(0, labels)
                    .view(-1, subCenters, size); // [B, K, D]
            Tensor q = inverseLengths(rows.view(-1, size)).view(-1, subCenters); // [B, K]
            this.target = mine(unit.unsqueeze(1).mul(rows).sum(2).mul_(q).amax(new long[] {1}, true));
        }
        this.kept = new Tensor[(classes + chunks.classes() - 1) / chunks.classes()];
    }

    /** Takes a tensor out of the scope that is open. */
    private Tensor mine(Tensor tensor) {
        mine.add(tensor.retainReference());
        return tensor;
    }

    private static Tensor inverseLengths(Tensor rows) {
        return Norms.lengths(rows).clamp_min_(new Scalar(SHORTEST)).reciprocal_();
    }

    /** The target's cosine, [B], without gradient. */
    Tensor target() {
        return target.squeeze(1);
    }

    /** [B], int64: how many identities are strictly nearer than the right one; all of them for an embedding of NaN. */
    Tensor ranks() {
        return ranks;
    }

    // ---- chunks ----

    private void each(Consumer<Chunk> work) {
        for (int i = 0; i < kept.length; i++) {
            try (PointerScope scope = new PointerScope()) {
                int from = i * chunks.classes();
                int count = Math.min(chunks.classes(), classes - from);
                Tensor at = column.sub(new Scalar((long) from)); // [B, 1]
                Tensor bounded = at.clamp(optional(0), optional(count - 1));
                long row = (long) from * subCenters;
                work.accept(new Chunk(i, count, row, (long) count * subCenters, at.eq(bounded), bounded));
            }
        }
    }

    private static ScalarOptional optional(long value) {
        return new ScalarOptional(new Scalar(value));
    }

    private Cosines cosines(Chunk chunk) {
        Tensor product = kept[chunk.index]; // [B, c * K]
        if (product == null) {
            product = product(chunk);
            if (product.nbytes() <= freeBytes) {
                freeBytes -= product.nbytes();
                kept[chunk.index] = product.retainReference();
            }
        }
        Tensor all = product.to(target.scalar_type());
        if (subCenters == 1) {
            chunk.place(target, all);
            return new Cosines(all, all, null);
        }
        T_TensorTensor_T largest = all.view(-1, chunk.classes, subCenters).max(2);
        chunk.place(target, largest.get0());
        return new Cosines(all, largest.get0(), largest.get1().unsqueeze(2));
    }

    private Tensor product(Chunk chunk) {
        Tensor rows = chunk.of(weight); // [c * K, D]
        Tensor q = chunk.of(inverse); // [c * K]
        q.copy_(inverseLengths(rows));
        return chunks.bf16Logits()
                ? half(unit).mm(half(rows.mul(q.unsqueeze(1))).t())
                : Products.timesTransposed(unit, rows).mul_(q);
    }

    /** a b^T of [M, K] and [N, K]. */
    private Tensor timesTransposed(Tensor a, Tensor b) {
        return chunks.bf16Logits() ? half(a).mm(half(b).t()).to(target.scalar_type()) : Products.timesTransposed(a, b);
    }

    private static Tensor half(Tensor tensor) {
        return tensor.to(ScalarType.BFloat16);
    }

    // ---- forward ----

    /** [B]: the logarithm of the sum of exp(scale cos) over all identities but each sample's own. */
    Tensor othersLogSum(Tensor scale) {
        Tensor nothing = target.new_full(target.shape(), new Scalar(Double.NEGATIVE_INFINITY));
        return logSum(chunk -> {
            Tensor logits = cosines(chunk).best.mul(scale);
            chunk.place(nothing, logits);
            return logits;
        });
    }

    private Tensor logSum(Function<Chunk, Tensor> logits) {
        Tensor sums = target.new_empty(kept.length, target.size(0)); // [chunks, B]
        each(chunk -> sums.select(0, chunk.index).copy_(logits.apply(chunk).logsumexp(1)));
        return sums.logsumexp(0);
    }

    /**
     * The cross-entropy of the batch.
     *
     * @param targets without gradient, for the margin's view on the others; the pass's own, with a state that stays
     * @param targetWithMargin [B], what the margin makes of the targets, without gradient
     * @return a scalar without gradient
     */
    Tensor forward(Targets targets, Tensor targetWithMargin) {
        this.targets = targets;
        mine(targets.norms());
        targets.state().values().forEach(this::mine);
        this.targetWithMargin = mine(targetWithMargin);
        this.ranks = torch.zeros_like(column).squeeze(1);
        Tensor target = times(targetWithMargin, margin.s()).unsqueeze(1); // [B, 1]
        Tensor logSum = logSum(chunk -> {
            Tensor cosines = cosines(chunk).best; // [B, c]
            ranks.add_(cosines.gt(target).sum(1));
            Tensor logits = times(margin.negatives(cosines, targetWithMargin, targets), margin.s());
            chunk.place(target, logits);
            return logits;
        });
        Ranks.maskNonFinite(ranks, target(), classes);
        this.logSum = mine(logSum.unsqueeze(1));
        return logSum.sub(times(targetWithMargin, margin.s())).mean();
    }

    /** [B]: the gradient of the cross-entropy with respect to what the margin made of the targets. */
    Tensor harderGradient() {
        Tensor p = times(targetWithMargin, margin.s()).sub_(logSum.squeeze(1)).exp_(); // [B]
        return times(plus(p, -1), margin.s() / p.numel());
    }

    // ---- backward ----

    /** Like {@link #backward}, adding to the gradient that the centers have. */
    Tensor backwardIntoCenters(double factor, Tensor ownGradient) {
        if (centers._version() != version) {
            throw new IllegalStateException(
                    "the centers must not be changed between forward and backward, but were; call forward again");
        }
        boolean add = centers.grad().defined();
        if (centers.requires_grad() && !add) {
            centers.mutable_grad().put(torch.empty_like(weight));
        }
        return backward(factor, ownGradient, centers.requires_grad() ? centers.grad() : null, add);
    }

    /**
     * The gradients of the loss, times a factor.
     *
     * @param ownGradient [B], of the loss with respect to the target's cosine, without the factor
     * @param toCenters [C * K, D], to be filled; null when the centers want no gradient
     * @param add whether to add to what is there
     * @return [B, D], with respect to the embeddings of length 1
     */
    Tensor backward(double factor, Tensor ownGradient, @Nullable Tensor toCenters, boolean add) {
        double scale = margin.s() / target.size(0); // of all of G
        Tensor scaled = times(unit, factor * scale).t().contiguous(); // [D, B]
        Tensor toUnit = torch.zeros_like(unit);
        Tensor ofOwn = times(ownGradient.unsqueeze(1), 1 / scale); // [B, 1]
        each(chunk -> {
            Cosines cosines = cosines(chunk);
            Tensor ofBest = gradient(chunk, cosines.best); // [B, c]
            chunk.place(ofOwn, ofBest);
            Tensor g = cosines.spread(ofBest, subCenters); // [B, c * K]
            Tensor pull = g.mul(cosines.all).sum(0); // [c * K], sum of G c
            Tensor rows = chunk.of(weight); // [c * K, D]
            Tensor q = chunk.of(inverse); // [c * K]
            g.mul_(q);
            toUnit.add_(timesTransposed(g, rows.t()));
            if (toCenters != null) {
                Tensor free = q.lt(new Scalar(NEARLY_LONGEST_INVERSE)); // a clamped length has no gradient
                Tensor along = pull.mul_(q).mul_(q).mul_(free).mul_(new Scalar(-factor * scale)); // [c * K]
                Tensor across = timesTransposed(g.t().contiguous(), scaled); // [c * K, D]
                Tensor gradient = chunk.of(toCenters);
                if (add) {
                    across.add_(gradient);
                }
                torch.addcmul_out(gradient, across, rows, along.unsqueeze(1));
            }
        });
        return toUnit.mul_(new Scalar(factor * scale));
    }

    /** B/s G, but for the targets. */
    private Tensor gradient(Chunk chunk, Tensor cosines) {
        if (!margin.changesNegatives()) {
            return times(cosines, margin.s()).sub_(logSum).exp_();
        }
        try (AutoGradMode taping = new AutoGradMode(true)) {
            Tensor leaf = cosines.detach(); // [B, c]
            leaf.set_requires_grad(true);
            Tensor moved = margin.negatives(leaf, targetWithMargin, targets);
            Tensor p = times(moved.detach(), margin.s()).sub_(logSum).exp_();
            chunk.place(torch.zeros_like(target), p);
            return Tape.gradient(moved, leaf, p);
        }
    }

    /** Frees what was kept; it is computed again if need be. */
    void dropKept() {
        for (int i = 0; i < kept.length; i++) {
            if (kept[i] != null) {
                kept[i].close();
                kept[i] = null;
            }
        }
        freeBytes = 0; // nothing more
    }

    @Override
    public void close() {
        dropKept();
        mine.forEach(Tensor::close);
        mine.clear();
    }
}
