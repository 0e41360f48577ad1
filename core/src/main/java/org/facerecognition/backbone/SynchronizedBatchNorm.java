package org.facerecognition.backbone;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorTensorHook;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalization over the images of several processes that train together, with the gradient of that: torch's
 * {@code nn.SyncBatchNorm}. Each layer exchanges mean, variance and number of values in the forward pass and two sums
 * in the backward pass. Running statistics become the same in all processes.
 *
 * <p>For one thread.
 */
/*
 * With mean m and deviation s over all processes, z = (x - m) / s and N values a channel, the gradient is
 *
 *     dx = (dz - mean(dz) - z mean(dz z)) / s        means over all N
 *
 * libtorch's batch normalization with given statistics computes z and, in its backward pass, dz / s. A hook on z
 * replaces dz by the parenthesis in between. The scale and the shift are applied to z afterwards, so that their
 * gradients are those of this process, to be summed like all others. The hook holds a detached z: the graph's own z
 * would hold the hook, and neither would ever be freed.
 */
public final class SynchronizedBatchNorm {
    private static final ThreadLocal<@Nullable SynchronizedBatchNorm> CURRENT = new ThreadLocal<>();

    private final Exchange exchange;
    private final List<Hook> hooks = new ArrayList<>(); // of the running step; libtorch does not keep them
    private boolean counts;
    private @Nullable RuntimeException failure;

    /** How processes exchange tensors; all of them call the same in the same order. */
    public interface Exchange {
        /** Returns the tensors of all processes, [processes, ...mine]; scoped. */
        Tensor gather(Tensor mine);

        /** Replaces a tensor by the sum over all processes. */
        void sum(Tensor mine);
    }

    public SynchronizedBatchNorm(Exchange exchange) {
        this.exchange = exchange;
    }

    /**
     * Runs a forward pass whose batch normalization is synchronized. The backward pass has to follow in all processes,
     * and {@link #check} after it.
     *
     * @param counts false if this process's images are to change nothing in the other processes, because there was no
     *     image left for it
     * @return the result of the work
     */
    public <T> T during(boolean counts, Supplier<T> work) {
        check();
        this.counts = counts;
        CURRENT.set(this);
        try {
            return work.get();
        } finally {
            CURRENT.remove();
        }
    }

    /** Runs work whose number of forward passes differs between processes, so that it must not be synchronized. */
    static <T> T suspended(Supplier<T> work) {
        SynchronizedBatchNorm current = CURRENT.get();
        CURRENT.remove();
        try {
            return work.get();
        } finally {
            if (current != null) {
                CURRENT.set(current);
            }
        }
    }

    /**
     * Ends a backward pass.
     *
     * @throws RuntimeException the failure of an exchange during it: nothing may be thrown through libtorch's threads
     */
    public void check() {
        hooks.forEach(Hook::close);
        hooks.clear();
        if (failure != null) {
            RuntimeException thrown = failure;
            failure = null;
            throw thrown;
        }
    }

    // ---- the layers ----

    static Tensor forward(BatchNorm2dImpl norm, Tensor x) {
        SynchronizedBatchNorm current = CURRENT.get();
        return current == null || !norm.is_training()
                ? norm.forward(x)
                : current.forward(
                        new Parts(
                                norm.options(),
                                norm.weight(),
                                norm.bias(),
                                norm.running_mean(),
                                norm.running_var(),
                                norm.num_batches_tracked()),
                        x);
    }

    static Tensor forward(BatchNorm1dImpl norm, Tensor x) {
        SynchronizedBatchNorm current = CURRENT.get();
        return current == null || !norm.is_training()
                ? norm.forward(x)
                : current.forward(
                        new Parts(
                                norm.options(),
                                norm.weight(),
                                norm.bias(),
                                norm.running_mean(),
                                norm.running_var(),
                                norm.num_batches_tracked()),
                        x);
    }

    /** The parts of a layer; all but the number of batches are [C]. */
    private record Parts(
            BatchNormOptions options,
            Tensor weight,
            Tensor bias,
            Tensor runningMean,
            Tensor runningVariance,
            Tensor batches) {}

    /** @param mean [C] @param variance [C] @param count of values, a scalar tensor; all in double precision */
    private record Statistics(Tensor mean, Tensor variance, Tensor count) {}

    /** Normalizes [B, C, ...]. */
    private Tensor forward(Parts parts, Tensor x) {
        Statistics all;
        try (NoGradGuard noGrad = new NoGradGuard()) {
            all = statistics(x);
            track(parts, all);
        }
        TensorOptional none = new TensorOptional();
        double epsilon = parts.options().eps().get();
        Tensor z = torch.batch_norm(
                x, none, none, optional(all.mean(), x), optional(all.variance(), x), false, 0, epsilon, false);
        if (z.requires_grad()) {
            Hook hook = new Hook(z.detach(), all.count());
            hooks.add(hook);
            z.register_hook(hook);
        }
        if (!parts.weight().defined()) {
            return z;
        }
        long[] perChannel =
                LongStream.range(0, x.dim()).map(d -> d == 1 ? -1 : 1).toArray();
        return z.mul(parts.weight().view(perChannel))
                .add(parts.bias().view(perChannel))
                .to(x.scalar_type());
    }

    private static TensorOptional optional(Tensor statistic, Tensor x) {
        return new TensorOptional(statistic.to(exactTypeOf(x)));
    }

    /** Returns the type for sums over a tensor: float32 also for bfloat16. */
    private static ScalarType exactTypeOf(Tensor x) {
        return x.scalar_type().intern() == ScalarType.Double ? ScalarType.Double : ScalarType.Float;
    }

    /** Combines the statistics of all processes without the cancellation that sums of squares would suffer. */
    private Statistics statistics(Tensor x) {
        long channels = x.size(1);
        var mine = torch.var_mean(x.to(exactTypeOf(x)), othersThanChannels(x), false); // variance, mean
        double count = counts ? (double) x.numel() / channels : 0;
        Tensor message = torch.cat(
                new TensorVector(
                        mine.get1().to(ScalarType.Double),
                        mine.get0().to(ScalarType.Double),
                        mine.get0().to(ScalarType.Double).new_full(new long[] {1}, new Scalar(count))),
                0); // [2 C + 1]
        Tensor all = exchange.gather(message); // [processes, 2 C + 1]
        Tensor means = all.narrow(1, 0, channels);
        Tensor variances = all.narrow(1, channels, channels);
        Tensor counts = all.narrow(1, 2 * channels, 1); // [processes, 1]
        Tensor total = counts.sum();
        Tensor shares = counts.div(total);
        Tensor mean = means.mul(shares).sum(0);
        Tensor variance = variances.add(means.sub(mean).square()).mul(shares).sum(0);
        return new Statistics(mean, variance, total);
    }

    private static long[] othersThanChannels(Tensor x) {
        return LongStream.range(0, x.dim()).filter(d -> d != 1).toArray();
    }

    /** Updates the running statistics, whose variance is the unbiased one. */
    private static void track(Parts parts, Statistics all) {
        if (!parts.runningMean().defined()) {
            return;
        }
        parts.batches().add_(new Scalar(1));
        double momentum = parts.options().momentum().has_value()
                ? parts.options().momentum().get()
                : 1 / parts.batches().item_double();
        Tensor unbiased = all.variance().mul(all.count()).div(all.count().sub(new Scalar(1)));
        blend(parts.runningMean(), all.mean(), momentum);
        blend(parts.runningVariance(), unbiased, momentum);
    }

    private static void blend(Tensor running, Tensor now, double momentum) {
        running.mul_(new Scalar(1 - momentum)).add_(now.to(running.scalar_type()), new Scalar(momentum));
    }

    /** Completes the gradient of z. */
    private final class Hook extends TensorTensorHook {
        private final Tensor z;
        private final Tensor count;
        private final boolean counted = counts;
        private @Nullable Tensor result;

        Hook(Tensor z, Tensor count) {
            this.z = z;
            this.count = count;
        }

        @Override
        public TensorBase call(TensorBase arriving) {
            if (failure != null) {
                return new Tensor(arriving);
            }
            try (PointerScope scope = new PointerScope(); // of one layer: the whole pass would add up
                    NoGradGuard noGrad = new NoGradGuard()) {
                Tensor completed = complete(new Tensor(arriving));
                result = completed.retainReference(); // libtorch takes it over after this call
                return completed;
            } catch (RuntimeException e) {
                failure = e;
                return new Tensor(arriving);
            }
        }

        @Override
        public void close() {
            if (result != null) {
                result.releaseReference();
                result = null;
            }
            super.close();
        }

        private Tensor complete(Tensor dz) {
            long[] others = othersThanChannels(z);
            long channels = z.size(1);
            ScalarTypeOptional exact = new ScalarTypeOptional(exactTypeOf(z));
            Tensor sums = torch.cat(
                            new TensorVector(
                                    dz.sum(others, false, exact), dz.mul(z).sum(others, false, exact)),
                            0)
                    .to(ScalarType.Double); // [2 C]
            exchange.sum(sums);
            if (!counted) {
                return dz;
            }
            Tensor means = sums.div(count).to(dz.scalar_type());
            long[] perChannel =
                    LongStream.range(0, z.dim()).map(d -> d == 1 ? -1 : 1).toArray();
            Tensor meanOfDz = means.narrow(0, 0, channels).view(perChannel);
            Tensor meanOfProduct = means.narrow(0, channels, channels).view(perChannel);
            return dz.sub(meanOfDz).sub(z.mul(meanOfProduct));
        }
    }
}
