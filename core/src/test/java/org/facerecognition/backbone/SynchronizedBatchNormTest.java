package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Compares batch normalization in several threads, which exchange statistics, with libtorch's over the whole batch. */
class SynchronizedBatchNormTest {
    private static final int CHANNELS = 3;

    private PointerScope scope;

    @BeforeEach
    void open() {
        Libtorch.load();
        scope = new PointerScope();
        torch.manual_seed(5);
    }

    @AfterEach
    void close() {
        scope.close();
    }

    /** Tensors of all threads, exchanged through shared memory. */
    private static final class Meeting {
        private final Tensor[] given;
        private final CyclicBarrier barrier;

        Meeting(int parties) {
            given = new Tensor[parties];
            barrier = new CyclicBarrier(parties);
        }

        SynchronizedBatchNorm.Exchange of(int party) {
            return new SynchronizedBatchNorm.Exchange() {
                @Override
                public Tensor gather(Tensor mine) {
                    given[party] = mine;
                    await();
                    Tensor all = torch.stack(new TensorVector(given), 0);
                    await();
                    return all;
                }

                @Override
                public void sum(Tensor mine) {
                    Tensor total = gather(mine.clone()).sum(0);
                    mine.copy_(total);
                }
            };
        }

        private void await() {
            try {
                barrier.await();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private record Result(Tensor output, Tensor dx, Tensor dWeight, Tensor dBias, Tensor mean, Tensor variance) {}

    private static BatchNorm2dImpl layer(ScalarType type) {
        BatchNorm2dImpl norm = Layers.batchNorm(CHANNELS);
        try (NoGradGuard noGrad = new NoGradGuard()) {
            norm.weight().copy_(Tensor.create(new float[] {0.5f, 2, -1}));
            norm.bias().copy_(Tensor.create(new float[] {0.1f, 0, 3}));
        }
        norm.to(type, false);
        return norm;
    }

    /** Runs forward and backward with dy as the gradient of the output. */
    private static Result run(BatchNorm2dImpl norm, Tensor x, Tensor dy) {
        Tensor input = x.detach().clone();
        input.set_requires_grad(true);
        Tensor output = SynchronizedBatchNorm.forward(norm, input);
        output.mul(dy).sum().backward();
        return new Result(
                output.detach(),
                input.grad(),
                norm.weight().grad(),
                norm.bias().grad(),
                norm.running_mean(),
                norm.running_var());
    }

    private static List<Result> inThreads(Tensor x, Tensor dy, ScalarType type, int... sizes)
            throws InterruptedException, ExecutionException {
        Meeting meeting = new Meeting(sizes.length);
        ExecutorService threads = Executors.newFixedThreadPool(sizes.length);
        try {
            List<Future<Result>> futures = new ArrayList<>();
            int start = 0;
            for (int i = 0; i < sizes.length; i++) {
                int party = i;
                boolean counts = sizes[i] > 0;
                Tensor part = x.narrow(0, start, Math.max(1, sizes[i]));
                Tensor gradient = counts
                        ? dy.narrow(0, start, sizes[i])
                        : dy.narrow(0, start, 1).mul(new Scalar(0.0));
                BatchNorm2dImpl norm = layer(type);
                futures.add(threads.submit(() -> {
                    SynchronizedBatchNorm synced = new SynchronizedBatchNorm(meeting.of(party));
                    Result result = synced.during(counts, () -> run(norm, part, gradient));
                    synced.check();
                    return result;
                }));
                start += sizes[i];
            }
            List<Result> results = new ArrayList<>();
            for (Future<Result> future : futures) {
                results.add(future.get());
            }
            return results;
        } finally {
            threads.shutdown();
        }
    }

    private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
        double difference = actual.sub(expected).abs().max().item_double();
        assertThat(difference)
                .isCloseTo(0, within(tolerance * expected.abs().max().item_double()));
    }

    private static void assertSameAsWhole(ScalarType type, double tolerance, int... sizes)
            throws InterruptedException, ExecutionException {
        int total = 0;
        for (int size : sizes) {
            total += size;
        }
        Tensor x = torch.randn(total, CHANNELS, 4, 5)
                .mul(new Scalar(3.0))
                .add(new Scalar(7.0))
                .to(type);
        Tensor dy = torch.randn(total, CHANNELS, 4, 5).to(type);
        Result whole = run(layer(type), x, dy);
        List<Result> parts = inThreads(x, dy, type, sizes);

        TensorVector outputs = new TensorVector();
        TensorVector gradients = new TensorVector();
        Tensor dWeight = torch.zeros_like(whole.dWeight());
        Tensor dBias = torch.zeros_like(whole.dBias());
        for (int i = 0; i < sizes.length; i++) {
            Result part = parts.get(i);
            outputs.push_back(part.output().narrow(0, 0, sizes[i]));
            gradients.push_back(part.dx().narrow(0, 0, sizes[i]));
            dWeight.add_(part.dWeight());
            dBias.add_(part.dBias());
            assertClose(part.mean(), whole.mean(), tolerance);
            assertClose(part.variance(), whole.variance(), tolerance);
            if (sizes[i] == 0) {
                assertThat(part.dx().abs().max().item_double()).isZero();
            }
        }
        assertClose(torch.cat(outputs, 0), whole.output(), tolerance);
        assertClose(torch.cat(gradients, 0), whole.dx(), tolerance);
        assertClose(dWeight, whole.dWeight(), tolerance);
        assertClose(dBias, whole.dBias(), tolerance);
    }

    @Test
    void equalsTheWholeBatchInDoublePrecision() throws Exception {
        assertSameAsWhole(ScalarType.Double, 1e-12, 4, 4);
    }

    @Test
    void equalsTheWholeBatchInSinglePrecision() throws Exception {
        assertSameAsWhole(ScalarType.Float, 3e-6, 4, 4);
    }

    @Test
    void partsMayBeUnequalOrEmpty() throws Exception {
        assertSameAsWhole(ScalarType.Double, 1e-12, 1, 5, 0, 2);
    }

    @Test
    void layersInEvaluationModeExchangeNothing() {
        BatchNorm2dImpl norm = layer(ScalarType.Float);
        norm.eval();
        Tensor x = torch.randn(2, CHANNELS, 4, 4);
        SynchronizedBatchNorm synced = new SynchronizedBatchNorm(null);
        assertThat(synced.during(true, () -> SynchronizedBatchNorm.forward(norm, x))
                        .equal(norm.forward(x)))
                .isTrue();
    }

    /** @param summing is run in the backward pass of each layer */
    private static SynchronizedBatchNorm alone(Runnable summing) {
        return new SynchronizedBatchNorm(new SynchronizedBatchNorm.Exchange() {
            @Override
            public Tensor gather(Tensor mine) {
                return mine.unsqueeze(0);
            }

            @Override
            public void sum(Tensor mine) {
                summing.run();
            }
        });
    }

    @Test
    void aFailedExchangeInTheBackwardPassIsThrownAfterwards() {
        BatchNorm2dImpl norm = layer(ScalarType.Float);
        SynchronizedBatchNorm synced = alone(() -> {
            throw new IllegalStateException("rank 1 is gone");
        });
        Tensor x = torch.randn(2, CHANNELS, 4, 4);
        synced.during(true, () -> run(norm, x, torch.ones_like(x)));
        assertThatThrownBy(synced::check).hasMessage("rank 1 is gone");
        synced.check();
    }

    /** The gradients of all layers used to stay in memory until the end of the step, five for each layer. */
    @Test
    void theBackwardPassKeepsNoMoreThanOneGradientOfEachLayer() {
        List<Long> pointers = new ArrayList<>();
        SynchronizedBatchNorm synced = alone(() -> pointers.add(Pointer.totalCount()));
        Tensor x = torch.randn(2, CHANNELS, 4, 4);
        x.set_requires_grad(true);
        synced.during(true, () -> {
                    Tensor y = x;
                    for (int layer = 0; layer < 8; layer++) {
                        y = SynchronizedBatchNorm.forward(layer(ScalarType.Float), y);
                    }
                    return y;
                })
                .square()
                .sum()
                .backward();
        synced.check();
        assertThat(pointers).hasSize(8);
        assertThat(pointers.get(7) - pointers.get(0)).isBetween(0L, 2 * 7L);
    }
}
