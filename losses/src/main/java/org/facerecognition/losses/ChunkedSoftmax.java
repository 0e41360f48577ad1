package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.ArrayList;
import java.util.List;
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
     * With x the embeddings brought to length 1 [B, D], W the centres [C, D], q_j = 1 / |W_j| and c_bj = q_j x_b . W_j:
     *
     *     L = 1/B sum_b (ln sum_j exp(s o_bj) - s o_by)          o_by the margin's, o_bj the others'
     *     G_bj = dL/dc_bj = s/B (p_bj - [j = y]) do_bj/dc_bj     p the softmax
     *     dL/dx_b = sum_j G_bj q_j W_j
     *     dL/dW_j = q_j sum_b G_bj x_b - q_j^2 (sum_b G_bj c_bj) W_j
     *
     * The plain writing makes, beside the three matrix products, a normalised copy of W, the gradient of that copy and the
     * parts of its way back through the division, all of W's size, and a dozen tensors [B, C]. Here q_j scales columns of
     * [B, c] in place of rows of [c, D], and all but W's gradient is of the size of a chunk.
     *
     * Forward goes through the chunks once and keeps ln sum exp of each. Backward needs p, hence the sum over all classes,
     * hence a second pass: over cosines that were kept, or computed again. It adds straight into W's gradient. G takes the
     * cosines' place in memory.
     *
     * Two sizes: a chunk is what is multiplied at once; what is done to each cosine goes through it in tiles that stay in the
     * processor's cache. Multiplying each tile by itself would need less memory, and takes twice the time and more: BLAS and
     * OpenMP have threads of their own, which spin for some milliseconds when they have done, in each other's way.
     *
     * The target's own cosine is worked out beside the rest, [B], where the margin and its gradient are taken on libtorch's
     * tape; it is put in the place of the matrix product's, so that there is one value of it.
     *
     * With K sub-centres to an identity a chunk's product is [B, c K], its cosines [B, c] the largest of each K, and the
     * gradient goes where that was.
     */
    private static final int TILE = 2048; // classes
    private static final double SHORTEST = 1e-12; // torch.normalize divides shorter rows by this
    private static final double NEARLY_LONGEST_INVERSE = 0.999 / SHORTEST;

    private final Margin margin;
    private final ClassChunks chunks;
    private final int subCentres; // K
    private final int classes; // C
    private final Tensor centres; // [C * K, D], the parameter itself
    private final Tensor weight; // [C * K, D], its values
    private final Tensor unit; // [B, D]
    private final Tensor column; // [B, 1], labels
    private final Tensor inverse; // [C * K], q
    private final Tensor own; // [B, 1], the target's cosine
    private final List<Chunk> parts = new ArrayList<>();
    private final @Nullable Tensor[] kept; // [B, c * K] each
    private final List<Tensor> mine = new ArrayList<>(); // to be closed
    private final long version;
    private long freeBytes; // of what may be kept
    private @Nullable Targets targets;
    private @Nullable Tensor harder; // [B], what the margin makes of own
    private @Nullable Tensor logSum; // [B, 1]
    private @Nullable Tensor ranks; // [B], int64; the caller's

    /** Some classes and their rows. */
    private record Chunk(int index, int from, int classes, long row, long rows) {
        /** Of a tensor by rows of the centres, those of this chunk. */
        Tensor of(Tensor all) {
            return all.narrow(0, row, rows);
        }
    }

    /**
     * Some classes of a chunk.
     *
     * @param index counted over all chunks
     * @param all [B, t * K], cosines to each centre: a view
     * @param best [B, t], to the nearest centre of each identity, the target's own put in; not to be changed
     * @param nearest [B, t, 1], which of the K that was; null for one
     * @param inside [B, 1], whether the target is here
     * @param at [B, 1], its column if so
     */
    private record Tile(
            int index,
            int row,
            Tensor all,
            Tensor best,
            @Nullable Tensor nearest,
            Tensor inside,
            Tensor at) {
        /** Puts each sample's value at its target, where that is here. */
        void place(Tensor values, Tensor into) {
            Tensor there = into.gather(1, at); // [B, 1]
            into.scatter_(1, at, where(inside, values, there));
        }

        /** Hands gradients [B, t] of the best on to all. */
        Tensor spread(Tensor gradient, int subCentres) {
            if (nearest == null) {
                return gradient;
            }
            Tensor each = gradient.new_zeros(gradient.size(0), gradient.size(1), subCentres); // [B, t, K]
            return each.scatter_(2, nearest, gradient.unsqueeze(2)).flatten(1, 2);
        }
    }

    /** What is done with a tile. */
    private interface Work {
        void on(Tile tile);
    }

    /**
     * @param unit [B, D], embeddings of length 1, of the centres' type
     * @param centres [C * K, D]
     * @param subCentres K
     * @param labels [B], int64
     */
    ChunkedSoftmax(Tensor unit, Tensor centres, int subCentres, Tensor labels, Margin margin, ClassChunks chunks) {
        this.margin = margin;
        this.chunks = chunks;
        this.subCentres = subCentres;
        this.classes = (int) (centres.size(0) / subCentres);
        this.version = centres._version();
        this.freeBytes = chunks.bytes();
        try (NoGradGuard noGrad = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            this.centres = mine(new Tensor(centres));
            this.weight = mine(centres.detach());
            this.unit = mine(unit.detach());
            this.column = mine(labels.unsqueeze(1));
            this.inverse = mine(weight.new_empty(centres.size(0)));
            long size = unit.size(1);
            Tensor rows = weight.view(classes, subCentres * size)
                    .index_select(0, labels)
                    .view(-1, subCentres, size); // [B, K, D]
            Tensor q = inverseLengths(rows.view(-1, size)).view(-1, subCentres); // [B, K]
            this.own = mine(unit.unsqueeze(1).mul(rows).sum(2).mul_(q).amax(new long[] {1}, true));
        }
        int most = chunks.classes(bytesOfAClass());
        for (int from = 0; from < classes; from += most) {
            int count = Math.min(most, classes - from);
            parts.add(new Chunk(parts.size(), from, count, (long) from * subCentres, (long) count * subCentres));
        }
        this.kept = new Tensor[parts.size()];
    }

    private long bytesOfAClass() {
        long batch = unit.size(0);
        return chunks.bf16Logits()
                ? subCentres * (2 * batch + (4 + 2) * unit.size(1)) // with its rows scaled and rounded
                : subCentres * batch * unit.element_size();
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
    Tensor own() {
        return own.squeeze(1);
    }

    /** [B], int64: how many identities are strictly nearer than the right one; all of them for an embedding of NaN. */
    Tensor ranks() {
        return ranks;
    }

    // ---- chunks ----

    private int tiles() {
        return parts.stream().mapToInt(part -> (part.classes + TILE - 1) / TILE).sum();
    }

    /** Goes through a chunk's cosines in tiles. */
    private void each(Chunk chunk, Tensor cosines, int firstIndex, Work work) {
        for (int from = 0; from < chunk.classes; from += TILE) {
            try (PointerScope scope = new PointerScope()) {
                int count = Math.min(TILE, chunk.classes - from);
                Tensor at = column.sub(new Scalar((long) chunk.from + from)); // [B, 1]
                Tensor bounded = at.clamp(optional(0), optional(count - 1));
                Tensor all = cosines.narrow(1, (long) from * subCentres, (long) count * subCentres); // [B, t * K]
                Tensor full = all.to(own.scalar_type());
                Tensor best = full;
                Tensor nearest = null;
                if (subCentres > 1) {
                    T_TensorTensor_T largest =
                            full.unflatten(1, count, subCentres).max(2);
                    best = largest.get0();
                    nearest = largest.get1().unsqueeze(2);
                }
                Tile tile = new Tile(
                        firstIndex + from / TILE, from * subCentres, full, best, nearest, at.eq(bounded), bounded);
                tile.place(own, best);
                work.on(tile);
            }
        }
    }

    private static ScalarOptional optional(long value) {
        return new ScalarOptional(new Scalar(value));
    }

    /** [B, c * K]. Inside a scope. */
    private Tensor cosines(Chunk chunk) {
        Tensor cosines = kept[chunk.index];
        if (cosines == null) {
            cosines = product(chunk);
            if (cosines.nbytes() <= freeBytes) {
                freeBytes -= cosines.nbytes();
                kept[chunk.index] = cosines.retainReference();
            }
        }
        return cosines;
    }

    private Tensor product(Chunk chunk) {
        Tensor rows = chunk.of(weight); // [c * K, D]
        Tensor q = chunk.of(inverse); // [c * K]
        q.copy_(inverseLengths(rows));
        return chunks.bf16Logits()
                ? half(unit).mm(half(rows.mul(q.unsqueeze(1))).t())
                : unit.mm(rows.t()).mul_(q);
    }

    private static Tensor half(Tensor tensor) {
        return tensor.to(ScalarType.BFloat16);
    }

    // ---- forward ----

    /** [B]: the logarithm of the sum of exp(scale cos) over all identities but each sample's own. */
    Tensor othersLogSum(Tensor scale) {
        Tensor nothing = own.new_full(own.shape(), new Scalar(Double.NEGATIVE_INFINITY));
        return logSum(tile -> {
            Tensor logits = tile.best.mul(scale);
            tile.place(nothing, logits);
            return logits;
        });
    }

    private Tensor logSum(Function<Tile, Tensor> logits) {
        Tensor sums = own.new_empty(tiles(), own.size(0)); // [tiles, B]
        int index = 0;
        for (Chunk chunk : parts) {
            try (PointerScope scope = new PointerScope()) {
                each(
                        chunk,
                        cosines(chunk),
                        index,
                        tile -> sums.select(0, tile.index)
                                .copy_(logits.apply(tile).logsumexp(1)));
            }
            index += (chunk.classes + TILE - 1) / TILE;
        }
        return sums.logsumexp(0);
    }

    /**
     * The cross-entropy of the batch.
     *
     * @param targets without gradient, for the margin's view on the others; the pass's own, with a state that stays
     * @param harder [B], what the margin makes of the targets, without gradient
     * @return a scalar without gradient
     */
    Tensor forward(Targets targets, Tensor harder) {
        this.targets = targets;
        mine(targets.norms());
        targets.state().values().forEach(this::mine);
        this.harder = mine(harder);
        this.ranks = torch.zeros_like(column).squeeze(1);
        Tensor target = times(harder, margin.s()).unsqueeze(1); // [B, 1]
        Tensor logSum = logSum(tile -> {
            ranks.add_(tile.best.gt(own).sum(1));
            Tensor logits = times(margin.others(tile.best, harder, targets), margin.s());
            tile.place(target, logits);
            return logits;
        });
        Ranks.sane(ranks, own(), classes);
        this.logSum = mine(logSum.unsqueeze(1));
        return logSum.sub(times(harder, margin.s())).mean();
    }

    /** [B]: the gradient of the cross-entropy with respect to what the margin made of the targets. */
    Tensor harderGradient() {
        Tensor p = times(harder, margin.s()).sub_(logSum.squeeze(1)).exp_(); // [B]
        return times(plus(p, -1), margin.s() / p.numel());
    }

    // ---- backward ----

    /** Like {@link #backward}, adding to the gradient that the centres have. */
    Tensor backwardIntoCentres(double factor, Tensor ownGradient) {
        if (centres._version() != version) {
            throw new IllegalStateException(
                    "the centres must not be changed between forward and backward, but were; call forward again");
        }
        boolean add = centres.grad().defined();
        if (centres.requires_grad() && !add) {
            centres.mutable_grad().put(torch.empty_like(weight));
        }
        return backward(factor, ownGradient, centres.requires_grad() ? centres.grad() : null, add);
    }

    /**
     * The gradients of the loss, times a factor. Uses up what was kept.
     *
     * @param ownGradient [B], of the loss with respect to the target's cosine, without the factor
     * @param toCentres [C * K, D], to be filled; null when the centres want no gradient
     * @param add whether to add to what is there
     * @return [B, D], with respect to the embeddings of length 1
     */
    Tensor backward(double factor, Tensor ownGradient, @Nullable Tensor toCentres, boolean add) {
        double scale = margin.s() / own.size(0); // of all of G
        Tensor scaled = times(unit, factor * scale); // [B, D]
        Tensor toUnit = torch.zeros_like(unit);
        Tensor ofOwn = times(ownGradient.unsqueeze(1), 1 / scale); // [B, 1]
        for (Chunk chunk : parts) {
            try (PointerScope scope = new PointerScope()) {
                Tensor g = cosines(chunk); // [B, c * K]
                Tensor q = chunk.of(inverse); // [c * K]
                Tensor pull = q.new_empty(chunk.rows); // [c * K], sum of G c
                each(chunk, g, 0, tile -> replace(g, tile, ofOwn, q, pull));
                Tensor rows = chunk.of(weight); // [c * K, D]
                if (toCentres != null) {
                    Tensor free = q.lt(new Scalar(NEARLY_LONGEST_INVERSE)); // a clamped length has no gradient
                    Tensor along = pull.mul_(q).mul_(q).mul_(free).mul_(new Scalar(-factor * scale)); // [c * K]
                    Tensor gradient = chunk.of(toCentres); // [c * K, D]
                    if (add) {
                        gradient.addcmul_(rows, along.unsqueeze(1));
                    } else {
                        torch.mul_out(gradient, rows, along.unsqueeze(1));
                    }
                    addProduct(gradient, g.t(), scaled);
                }
                addProduct(toUnit, g, rows);
                drop(chunk);
            }
        }
        return toUnit.mul_(new Scalar(factor * scale));
    }

    /** Puts G q in the place of a tile's cosines. */
    private void replace(Tensor cosines, Tile tile, Tensor ofOwn, Tensor q, Tensor pull) {
        Tensor ofBest = gradient(tile); // [B, t]
        tile.place(ofOwn, ofBest);
        Tensor g = tile.spread(ofBest, subCentres); // [B, t * K]
        long count = g.size(1);
        pull.narrow(0, tile.row, count).copy_(g.mul(tile.all).sum(0));
        cosines.narrow(1, tile.row, count).copy_(g.mul_(q.narrow(0, tile.row, count)));
    }

    /** B/s G, but for the targets. */
    private Tensor gradient(Tile tile) {
        if (!margin.movesOthers()) {
            return times(tile.best, margin.s()).sub_(logSum).exp_();
        }
        try (AutoGradMode taping = new AutoGradMode(true)) {
            Tensor leaf = tile.best.detach(); // [B, t]
            leaf.set_requires_grad(true);
            Tensor moved = margin.others(leaf, harder, targets);
            Tensor p = times(moved.detach(), margin.s()).sub_(logSum).exp_();
            tile.place(torch.zeros_like(own), p);
            return Tape.gradient(moved, leaf, p);
        }
    }

    /** sum += a b. */
    private void addProduct(Tensor sum, Tensor a, Tensor b) {
        if (chunks.bf16Logits()) {
            sum.add_(a.mm(half(b)));
        } else {
            sum.addmm_(a, b);
        }
    }

    private void drop(Chunk chunk) {
        Tensor cosines = kept[chunk.index];
        if (cosines != null) {
            cosines.close();
            kept[chunk.index] = null;
        }
    }

    /** Frees what was kept; it is computed again if need be. */
    void dropKept() {
        parts.forEach(this::drop);
        freeBytes = 0; // nothing more
    }

    @Override
    public void close() {
        dropKept();
        mine.forEach(Tensor::close);
        mine.clear();
    }
}
