package org.facerecognition.losses;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Autocast;
import org.jspecify.annotations.Nullable;

/**
 * The chunked forward passes of one head. It creates a {@link ChunkedSoftmax} for each, owns those whose backward pass
 * may still come, and closes each after its backward pass or when too many are waiting.
 */
final class ChunkedPasses implements AutoCloseable {
    /** The most forward passes of one head that may wait for their backward pass. Only the last one caches cosines. */
    static final int MAX_WAITING = 8;

    private final boolean useHooks;
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    /**
     * Creates an empty list of passes.
     *
     * @param useHooks whether gradients of CPU tensors may be computed on the thread that calls backward; those of
     *     other devices never are
     */
    ChunkedPasses(boolean useHooks) {
        this.useHooks = useHooks;
    }

    /**
     * A pass that waits for backward; owned.
     *
     * @param pass the forward pass
     * @param targetGradient [B], the gradient of the loss with respect to the target cosines
     * @param link the pass's registration with {@link DeferredGradient}
     */
    private record Waiting(ChunkedSoftmax pass, Tensor targetGradient, DeferredGradient.Link link) {
        void end() {
            link.forget();
            targetGradient.close();
            pass.close();
        }
    }

    /**
     * How a pass is computed.
     *
     * @param margin the margin
     * @param state the state of the margin, borrowed
     * @param training whether this is a training step
     * @param subCenters K
     * @param shard null if all centers are here
     */
    record Mode(
            Margin margin,
            Map<String, Tensor> state,
            boolean training,
            int subCenters,
            @Nullable ClassShard shard) {}

    /**
     * The result of a forward pass; scoped.
     *
     * @param loss a scalar, with gradient if gradients are enabled
     * @param ranks [B], see {@link Head.Output#ranks}
     */
    record Result(Tensor loss, Tensor ranks) {}

    /**
     * Computes the loss of a batch.
     *
     * @param x [B, D], of the type of the centers and on their device
     * @param centers [C * K, D]
     * @param labels [B], int64, in [0, C); outside if the center is in another process
     */
    Result forward(Tensor x, Tensor centers, Tensor labels, Mode mode, ClassChunks chunks) {
        waiting.forEach(one -> one.pass.dropCache());
        Tensor unit = Norms.unit(x); // [B, D]
        ChunkedSoftmax pass =
                new ChunkedSoftmax(unit, centers, mode.subCenters(), labels, mode.margin(), chunks, mode.shard());
        try {
            return forward(pass, unit, Norms.l2(x), centers, mode);
        } catch (RuntimeException | Error e) {
            pass.close();
            throw e;
        }
    }

    private Result forward(ChunkedSoftmax pass, Tensor unit, Tensor norms, Tensor centers, Mode mode) {
        boolean withGradient = GradMode.is_enabled();
        Margin margin = mode.margin();
        Tensor target = pass.target().detach(); // [B]
        target.set_requires_grad(withGradient);
        Targets targets = new Targets(target, norms, mode.training(), mode.state());
        if (mode.training()) {
            try (NoGradGuard noGrad = new NoGradGuard()) {
                margin.observe(targets, pass::negativesLogSumExp);
            }
        }
        Tensor targetWithMargin = margin.apply(targets); // [B]
        Tensor penalty = margin.penalty(targets);
        Map<String, Tensor> state = new LinkedHashMap<>(); // a snapshot: backward may come after another forward
        mode.state().forEach((name, value) -> state.put(name, value.clone()));
        Targets detached = new Targets(target.detach(), norms.detach(), mode.training(), state);
        Tensor loss = pass.forward(detached, targetWithMargin.detach());
        if (penalty != null) {
            loss = loss.add(penalty.detach());
        }
        Tensor ranks = pass.ranks();
        if (withGradient) {
            // a scalar in the graph that has the gradients of the margin's part of the loss
            Tensor marginTerm =
                    targetWithMargin.mul(pass.targetWithMarginGradient()).sum();
            if (penalty != null) {
                marginTerm = marginTerm.add(penalty);
            }
            Tensor targetGradient = Autograd.gradient(marginTerm, target, torch.ones_like(marginTerm)); // [B]
            loss = loss.add(zeroValued(marginTerm)); // for the norms, if the margin depends on them
            loss = loss.add(
                    useHooks && unit.is_cpu()
                            ? deferred(pass, unit, targetGradient)
                            : immediate(pass, unit, centers, targetGradient));
        } else {
            pass.close();
        }
        return new Result(loss, ranks);
    }

    /** Returns a scalar of value 0 with the gradient of the given one. */
    private static Tensor zeroValued(Tensor scalar) {
        return scalar.sub(scalar.detach());
    }

    /** Computes the gradients when backward arrives, directly into the gradient of the centers. */
    private Tensor deferred(ChunkedSoftmax pass, Tensor unit, Tensor targetGradient) {
        while (waiting.size() >= MAX_WAITING) {
            waiting.removeFirst().end();
        }
        Waiting[] self = new Waiting[1];
        DeferredGradient.Link link = DeferredGradient.link(unit, (factor, gradient) -> {
            waiting.remove(self[0]);
            try (Autocast off = Autocast.off(gradient.device().type())) {
                gradient.copy_(pass.backwardIntoCenters(factor, targetGradient).flatten());
            } finally {
                self[0].end();
            }
        });
        self[0] = new Waiting(pass, targetGradient.retainReference(), link);
        waiting.addLast(self[0]);
        return link.zero();
    }

    /**
     * Computes the gradients now and returns a scalar of value 0 that has them. It needs a second tensor of the size of
     * the centers.
     */
    private static Tensor immediate(ChunkedSoftmax pass, Tensor unit, Tensor centers, Tensor targetGradient) {
        try (pass) {
            Tensor centersGradient =
                    centers.requires_grad() ? torch.empty_like(centers).detach() : null;
            Tensor unitGradient;
            try (NoGradGuard noGrad = new NoGradGuard()) {
                unitGradient = pass.backward(1, targetGradient, centersGradient, false);
            }
            Tensor zero = zeroValued(unit.mul(unitGradient).sum());
            return centersGradient == null
                    ? zero
                    : zero.add(zeroValued(centers.flatten().dot(centersGradient.flatten())));
        }
    }

    /** Ends the passes that wait for backward; others may follow. */
    @Override
    public void close() {
        waiting.forEach(Waiting::end);
        waiting.clear();
    }
}
