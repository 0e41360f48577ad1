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
 * The softmax over margin cosines of one batch, computed in chunks of classes: forward, and later backward. The results
 * are those of the direct computation in {@link MarginSoftmax}, up to rounding. It owns the tensors that it keeps from
 * forward to backward.
 */
final class ChunkedSoftmax implements AutoCloseable {
    /*
     * With x the unit-norm embeddings [B, D], W the centers [C, D], q_j = 1 / |W_j| and c_bj = q_j x_b . W_j:
     *
     *     L = 1/B sum_b (ln sum_j exp(s o_bj) - s o_by)          o_by the target with margin, o_bj the negatives
     *     G_bj = dL/dc_bj = s/B (p_bj - [j = y]) do_bj/dc_bj     p the softmax
     *     dL/dx_b = sum_j G_bj q_j W_j
     *     dL/dW_j = q_j sum_b G_bj x_b - q_j^2 (sum_b G_bj c_bj) W_j
     *
     * Besides the three matrix products, the direct computation makes a normalized copy of W, the gradient of that copy
     * and the terms of the backward pass of the division, all of the size of W, and a dozen tensors [B, C]. Here q_j
     * scales the columns of [B, c] instead of the rows of [c, D], and everything except the gradient of W has the size
     * of a chunk.
     *
     * Forward visits the chunks once and stores ln sum exp of each. Backward needs p, hence the sum over all classes,
     * hence a second pass, over cosines that were cached or are computed again. It adds directly to the gradient of W.
     *
     * The target cosines [B] are computed separately, and libtorch's autograd differentiates the margin there. They
     * replace the corresponding results of the matrix product, so that there is only one value of each.
     *
     * Where the centers are spread over processes, C are those of this one. A target cosine is computed by the process
     * that has it, 0 elsewhere, and the sum is exact. The logarithms of sums of all processes are gathered, so that
     * each has the same total, to the last bit; dL/dx_b is summed.
     *
     * With K sub-centers per identity the product of a chunk is [B, c K], its cosines [B, c] are the largest of each K,
     * and the gradient goes to the sub-center that had the largest.
     */
    private static final double MIN_NORM = 1e-12; // torch.normalize divides rows of a smaller norm by this
    private static final double CLAMPED_INVERSE = 0.999 / MIN_NORM;

    private final Margin margin;
    private final ClassChunks chunks;
    private final int subCenters; // K
    private final int classes; // C
    private final Tensor centers; // [C * K, D], the parameter itself
    private final Tensor weight; // [C * K, D], its values without gradient
    private final Tensor unit; // [B, D]
    private final Tensor labels; // [B, 1]
    private final Tensor inverseNorms; // [C * K], q
    private final Tensor target; // [B, 1], the target cosines
    private final @Nullable Tensor[] cachedProducts; // [B, c * K] each
    private final ShardSums shard;
    private final List<Tensor> owned = new ArrayList<>();
    private final long centersVersion;
    private long cacheBytesLeft;
    private @Nullable Results results; // null before forward

    /**
     * What forward leaves for later.
     *
     * @param targets those that it was given
     * @param targetWithMargin [B]
     * @param logSum [B, 1], the logarithm of the sum of exp of each sample's logits
     * @param ranks [B], int64; scoped
     */
    private record Results(Targets targets, Tensor targetWithMargin, Tensor logSum, Tensor ranks) {}

    /**
     * A range of classes.
     *
     * @param index the index of the chunk
     * @param classes the number of classes in it, c
     * @param row the first row of the centers
     * @param rows the number of rows, c * K
     * @param hasTarget [B, 1], whether the target is one of the classes
     * @param targetColumn [B, 1], the column of the target if it is
     */
    private record Chunk(int index, int classes, long row, long rows, Tensor hasTarget, Tensor targetColumn) {
        /** Returns the part of a tensor with one row per center that belongs to this chunk. */
        Tensor of(Tensor all) {
            return all.narrow(0, row, rows);
        }

        /** Writes each sample's value, [B, 1], to the column of its target if this chunk contains it. */
        void putAtTargets(Tensor values, Tensor into) {
            Tensor former = into.gather(1, targetColumn); // [B, 1]
            into.scatter_(1, targetColumn, where(hasTarget, values, former));
        }
    }

    /**
     * The cosines of a chunk, not to be changed.
     *
     * @param all [B, c * K], to each center
     * @param best [B, c], to the nearest center of each identity, with the target cosines put in
     * @param bestIndex [B, c, 1], which of the K centers that was; null if K is 1
     */
    private record Cosines(
            Tensor all, Tensor best, @Nullable Tensor bestIndex) {
        /** Distributes gradients [B, c] of {@code best} to the centers that had it: [B, c * K]. */
        Tensor spread(Tensor gradient, int subCenters) {
            if (bestIndex == null) {
                return gradient;
            }
            Tensor each = gradient.new_zeros(gradient.size(0), gradient.size(1), subCenters); // [B, c, K]
            return each.scatter_(2, bestIndex, gradient.unsqueeze(2)).flatten(1, 2);
        }
    }

    /**
     * Computes the target cosines of a batch.
     *
     * @param unit [B, D], unit-norm embeddings, of the type of the centers
     * @param centers [C * K, D]
     * @param subCenters K
     * @param labels [B], int64, in [0, C); outside if the center is in another process
     * @param shard null if all centers are here
     */
    ChunkedSoftmax(
            Tensor unit,
            Tensor centers,
            int subCenters,
            Tensor labels,
            Margin margin,
            ClassChunks chunks,
            @Nullable ClassShard shard) {
        this.margin = margin;
        this.chunks = chunks;
        this.subCenters = subCenters;
        this.classes = (int) (centers.size(0) / subCenters);
        this.centersVersion = centers._version();
        this.cacheBytesLeft = chunks.keptBytes();
        this.shard = new ShardSums(shard);
        try (NoGradGuard noGrad = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            this.centers = own(new Tensor(centers));
            this.weight = own(centers.detach());
            this.unit = own(unit.detach());
            this.labels = own(labels.unsqueeze(1));
            this.inverseNorms = own(weight.new_empty(centers.size(0)));
            this.target = own(this.shard.targets(labels, unit, classes, this::targets));
        } catch (RuntimeException | Error e) { // another process may have failed, or memory may have run out
            owned.forEach(Tensor::close);
            throw e;
        }
        long count = (classes - 1L + chunks.classes()) / chunks.classes(); // 0 in a shard without classes
        this.cachedProducts = new Tensor[Math.toIntExact(count)];
    }

    /** Returns the cosines to the centers of these labels, [B, 1]. */
    private Tensor targets(Tensor labels) {
        long size = unit.size(1);
        Tensor rows =
                weight.view(classes, subCenters * size).index_select(0, labels).view(-1, subCenters, size); // [B, K, D]
        Tensor q = inverseNorms(rows.view(-1, size)).view(-1, subCenters); // [B, K]
        return unit.unsqueeze(1).mul(rows).sum(2).mul_(q).amax(new long[] {1}, true);
    }

    /** Keeps a tensor beyond the open scope, until this is closed. */
    private Tensor own(Tensor tensor) {
        owned.add(tensor.retainReference());
        return tensor;
    }

    private static Tensor inverseNorms(Tensor rows) {
        return Norms.l2(rows).clamp_min_(new Scalar(MIN_NORM)).reciprocal_();
    }

    /** Returns the target cosines, [B], without gradient; scoped. */
    Tensor target() {
        return target.squeeze(1);
    }

    /** Returns how many identities are strictly nearer than the target, [B], int64; for an embedding of NaN all. */
    Tensor ranks() {
        return results().ranks;
    }

    private Results results() {
        if (results == null) {
            throw new IllegalStateException("forward must be called first, but was not");
        }
        return results;
    }

    // ---- chunks ----

    private void forEachChunk(Consumer<Chunk> work) {
        for (int i = 0; i < cachedProducts.length; i++) {
            try (PointerScope scope = new PointerScope()) {
                int from = i * chunks.classes();
                int count = Math.min(chunks.classes(), classes - from);
                Tensor column = labels.sub(new Scalar((long) from)); // [B, 1]
                Tensor bounded = column.clamp(optional(0), optional(count - 1));
                long row = (long) from * subCenters;
                work.accept(new Chunk(i, count, row, (long) count * subCenters, column.eq(bounded), bounded));
            }
        }
    }

    private static ScalarOptional optional(long value) {
        return new ScalarOptional(new Scalar(value));
    }

    private Cosines cosines(Chunk chunk) {
        Tensor product = cachedProducts[chunk.index]; // [B, c * K]
        if (product == null) {
            product = product(chunk);
            if (product.nbytes() <= cacheBytesLeft) {
                cacheBytesLeft -= product.nbytes();
                cachedProducts[chunk.index] = product.retainReference();
            }
        }
        Tensor all = product.to(target.scalar_type());
        if (subCenters == 1) {
            chunk.putAtTargets(target, all);
            return new Cosines(all, all, null);
        }
        try (T_TensorTensor_T largest = all.view(-1, chunk.classes, subCenters).max(2)) {
            Tensor ofClasses = new Tensor(largest.get0()); // get0 returns a part of the pair, which is closed
            chunk.putAtTargets(target, ofClasses);
            return new Cosines(all, ofClasses, largest.get1().unsqueeze(2));
        }
    }

    private Tensor product(Chunk chunk) {
        Tensor rows = chunk.of(weight); // [c * K, D]
        Tensor q = chunk.of(inverseNorms); // [c * K]
        q.copy_(inverseNorms(rows));
        return chunks.bf16Logits()
                ? bf16(unit).mm(bf16(rows.mul(q.unsqueeze(1))).t())
                : Products.timesTransposed(unit, rows).mul_(q);
    }

    /** Returns a b^T of [M, K] and [N, K]. */
    private Tensor timesTransposed(Tensor a, Tensor b) {
        return chunks.bf16Logits() ? bf16(a).mm(bf16(b).t()).to(target.scalar_type()) : Products.timesTransposed(a, b);
    }

    private static Tensor bf16(Tensor tensor) {
        return tensor.to(ScalarType.BFloat16);
    }

    // ---- forward ----

    /** Returns, for each sample, the logarithm of the sum of exp(scale * cos) over all identities but its own: [B]. */
    Tensor negativesLogSumExp(Tensor scale) {
        Tensor minusInfinity = target.new_full(target.shape(), new Scalar(Double.NEGATIVE_INFINITY));
        return logSumExp(chunk -> {
            Tensor logits = cosines(chunk).best.mul(scale);
            chunk.putAtTargets(minusInfinity, logits);
            return logits;
        });
    }

    private Tensor logSumExp(Function<Chunk, Tensor> logits) {
        Tensor sums = target.new_empty(cachedProducts.length, target.size(0)); // [chunks, B]
        forEachChunk(
                chunk -> sums.select(0, chunk.index).copy_(logits.apply(chunk).logsumexp(1)));
        return shard.logSumExp(sums);
    }

    /**
     * Computes the cross-entropy of the batch.
     *
     * @param targets the targets without gradient, for {@link Margin#negatives}; ownership of its tensors passes to
     *     this pass, so its state must not change any more
     * @param targetWithMargin [B], the result of {@link Margin#apply}, without gradient
     * @return a scalar without gradient
     */
    Tensor forward(Targets targets, Tensor targetWithMargin) {
        own(targets.norms());
        targets.state().values().forEach(this::own);
        own(targetWithMargin);
        Tensor ranks = torch.zeros_like(labels).squeeze(1); // [B]
        Tensor scaledTarget = times(targetWithMargin, margin.s()).unsqueeze(1); // [B, 1]
        Tensor logSum = logSumExp(chunk -> {
            Tensor cosines = cosines(chunk).best; // [B, c]
            ranks.add_(cosines.gt(target).sum(1));
            Tensor logits = times(margin.negatives(cosines, targetWithMargin, targets), margin.s());
            chunk.putAtTargets(scaledTarget, logits);
            return logits;
        });
        Ranks.maskNonFinite(ranks, target(), classes);
        shard.sum(ranks);
        this.results = new Results(targets, targetWithMargin, own(logSum.unsqueeze(1)), ranks);
        return logSum.sub(times(targetWithMargin, margin.s())).mean();
    }

    /** Returns the gradient of the cross-entropy with respect to the targets with margin: [B]. */
    Tensor targetWithMarginGradient() {
        Tensor logSum = results().logSum.squeeze(1); // [B]
        Tensor p = times(results().targetWithMargin, margin.s()).sub_(logSum).exp_(); // [B]
        return times(plus(p, -1), margin.s() / p.numel());
    }

    // ---- backward ----

    /** Does what {@link #backward} does, adding to the gradient that the centers already have. */
    Tensor backwardIntoCenters(double factor, Tensor targetGradient) {
        if (centers._version() != centersVersion) {
            throw new IllegalStateException(
                    "the centers must not be changed between forward and backward, but were; call forward again");
        }
        boolean add = centers.grad().defined();
        if (centers.requires_grad() && !add) {
            centers.mutable_grad().put(torch.empty_like(weight));
        }
        return backward(factor, targetGradient, centers.requires_grad() ? centers.grad() : null, add);
    }

    /**
     * Computes the gradients of the loss, multiplied by a factor.
     *
     * @param targetGradient [B], of the loss with respect to the target cosines, without the factor
     * @param centersGradient [C * K, D], to be filled; null if the centers need no gradient
     * @param add whether to add to the present values of {@code centersGradient}
     * @return [B, D], the gradient with respect to the unit-norm embeddings
     */
    Tensor backward(double factor, Tensor targetGradient, @Nullable Tensor centersGradient, boolean add) {
        double scale = margin.s() / target.size(0); // of all of G
        Tensor scaledUnit = times(unit, factor * scale).t().contiguous(); // [D, B]
        Tensor unitGradient = torch.zeros_like(unit);
        Tensor atTargets = times(targetGradient.unsqueeze(1), 1 / scale); // [B, 1]
        forEachChunk(chunk -> {
            Cosines cosines = cosines(chunk);
            Tensor bestGradient = negativesGradient(chunk, cosines.best); // [B, c]
            chunk.putAtTargets(atTargets, bestGradient);
            Tensor g = cosines.spread(bestGradient, subCenters); // [B, c * K]
            Tensor pull = g.mul(cosines.all).sum(0); // [c * K], sum of G c
            Tensor rows = chunk.of(weight); // [c * K, D]
            Tensor q = chunk.of(inverseNorms); // [c * K]
            g.mul_(q);
            unitGradient.add_(timesTransposed(g, rows.t()));
            if (centersGradient != null) {
                Tensor unclamped = q.lt(new Scalar(CLAMPED_INVERSE)); // a clamped norm has no gradient
                Tensor radial = pull.mul_(q).mul_(q).mul_(unclamped).mul_(new Scalar(-factor * scale)); // [c * K]
                Tensor sum = timesTransposed(g.t().contiguous(), scaledUnit); // [c * K, D]
                Tensor gradient = chunk.of(centersGradient);
                if (add) {
                    sum.add_(gradient);
                }
                torch.addcmul_out(gradient, sum, rows, radial.unsqueeze(1));
            }
        });
        unitGradient.mul_(new Scalar(factor * scale));
        shard.sum(unitGradient);
        return unitGradient;
    }

    /** Returns B/s G for the negatives, [B, c]; the values at the targets are meaningless. */
    private Tensor negativesGradient(Chunk chunk, Tensor cosines) {
        Results forward = results();
        if (!margin.changesNegatives()) {
            return times(cosines, margin.s()).sub_(forward.logSum).exp_();
        }
        try (AutoGradMode gradientsOn = new AutoGradMode(true)) {
            Tensor leaf = cosines.detach(); // [B, c]
            leaf.set_requires_grad(true);
            Tensor changed = margin.negatives(leaf, forward.targetWithMargin, forward.targets);
            Tensor p = times(changed.detach(), margin.s()).sub_(forward.logSum).exp_();
            chunk.putAtTargets(torch.zeros_like(target), p);
            return Autograd.gradient(changed, leaf, p);
        }
    }

    /** Frees the cached cosines; backward computes them again. */
    void dropCache() {
        for (int i = 0; i < cachedProducts.length; i++) {
            if (cachedProducts[i] != null) {
                cachedProducts[i].close();
                cachedProducts[i] = null;
            }
        }
        cacheBytesLeft = 0; // and caches no more
    }

    @Override
    public void close() {
        dropCache();
        owned.forEach(Tensor::close);
        owned.clear();
    }
}
