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

/** A head's passes over many classes: makes them, and lets them go when their gradient has been taken, or is not wanted. */
final class ChunkedPasses implements AutoCloseable {
    /** How many forward passes of one head may wait for their backward pass; of the last one alone cosines are kept. */
    static final int MAX_WAITING = 8;

    private final boolean hooks;
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    /** @param hooks whether gradients may be taken on the thread that calls backward; never for a device's tensors */
    ChunkedPasses(boolean hooks) {
        this.hooks = hooks;
    }

    /** A pass whose backward may come. */
    private record Waiting(ChunkedSoftmax pass, Tensor ownGradient, int ticket) {
        void end() {
            LateGradient.forget(ticket);
            ownGradient.close();
            pass.close();
        }
    }

    /** A margin with its state, in training or not, over identities of K centers. */
    record Mode(Margin margin, Map<String, Tensor> state, boolean training, int subCenters) {}

    /** The loss of a batch, a scalar, with gradient where one is wanted, and the targets' ranks [B]. */
    record Result(Tensor loss, Tensor ranks) {}

    /**
     * @param x [B, D], of the centers' type, on their device
     * @param centers [C * K, D]
     * @param labels [B], int64, in [0, C)
     */
    Result forward(Tensor x, Tensor centers, Tensor labels, Mode mode, ClassChunks chunks) {
        waiting.forEach(one -> one.pass.dropKept());
        Tensor unit = Norms.unit(x); // [B, D]
        ChunkedSoftmax pass = new ChunkedSoftmax(unit, centers, mode.subCenters(), labels, mode.margin(), chunks);
        try {
            return forward(pass, unit, Norms.lengths(x), centers, mode);
        } catch (RuntimeException e) {
            pass.close();
            throw e;
        }
    }

    private Result forward(ChunkedSoftmax pass, Tensor unit, Tensor norms, Tensor centers, Mode mode) {
        boolean taping = GradMode.is_enabled();
        Margin margin = mode.margin();
        Tensor target = pass.target().detach(); // [B]
        target.set_requires_grad(taping);
        Targets targets = new Targets(target, norms, mode.training(), mode.state());
        if (mode.training()) {
            try (NoGradGuard noGrad = new NoGradGuard()) {
                margin.observe(targets, pass::othersLogSum);
            }
        }
        Tensor targetWithMargin = margin.apply(targets); // [B]
        Tensor penalty = margin.penalty(targets);
        Map<String, Tensor> state = new LinkedHashMap<>(); // as it is now: backward may come after another forward
        mode.state().forEach((name, value) -> state.put(name, value.clone()));
        Targets still = new Targets(target.detach(), norms.detach(), mode.training(), state);
        Tensor loss = pass.forward(still, targetWithMargin.detach());
        if (penalty != null) {
            loss = loss.add(penalty.detach());
        }
        Tensor ranks = pass.ranks();
        if (taping) {
            Tensor onTape = targetWithMargin.mul(pass.harderGradient()).sum();
            if (penalty != null) {
                onTape = onTape.add(penalty);
            }
            Tensor ownGradient = Tape.gradient(onTape, target, torch.ones_like(onTape)); // [B]
            loss = loss.add(ofValueZero(onTape)); // for the norms, if the margin looks at them
            loss = loss.add(
                    hooks && unit.is_cpu() ? later(pass, unit, ownGradient) : atOnce(pass, unit, centers, ownGradient));
        } else {
            pass.close();
        }
        return new Result(loss, ranks);
    }

    private static Tensor ofValueZero(Tensor scalar) {
        return scalar.sub(scalar.detach());
    }

    /** The gradients when backward comes by, straight into the centers' own. */
    private Tensor later(ChunkedSoftmax pass, Tensor unit, Tensor ownGradient) {
        while (waiting.size() >= MAX_WAITING) {
            waiting.removeFirst().end();
        }
        Waiting[] self = new Waiting[1];
        LateGradient.Link link = LateGradient.link(unit, (factor, gradient) -> {
            waiting.remove(self[0]);
            try (Autocast off = Autocast.off(gradient.device().type())) {
                gradient.copy_(pass.backwardIntoCenters(factor, ownGradient).flatten());
            } finally {
                self[0].end();
            }
        });
        self[0] = new Waiting(pass, ownGradient.retainReference(), link.ticket());
        waiting.addLast(self[0]);
        return link.zero();
    }

    /** The gradients now, as factors of sums that have them as gradients. Takes a second tensor of the centers' size. */
    private static Tensor atOnce(ChunkedSoftmax pass, Tensor unit, Tensor centers, Tensor ownGradient) {
        try (pass) {
            Tensor toCenters =
                    centers.requires_grad() ? torch.empty_like(centers).detach() : null;
            Tensor toUnit;
            try (NoGradGuard noGrad = new NoGradGuard()) {
                toUnit = pass.backward(1, ownGradient, toCenters, false);
            }
            Tensor zero = ofValueZero(unit.mul(toUnit).sum());
            return toCenters == null
                    ? zero
                    : zero.add(ofValueZero(centers.flatten().dot(toCenters.flatten())));
        }
    }

    @Override
    public void close() {
        waiting.forEach(Waiting::end);
        waiting.clear();
    }
}
