package org.facerecognition.losses;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Threads that stand for the processes of a sharded head. */
final class ShardsOfThreads {
    private final Tensor[] slots;
    private final CyclicBarrier barrier;

    private ShardsOfThreads(int ranks) {
        this.slots = new Tensor[ranks];
        this.barrier = new CyclicBarrier(ranks);
    }

    /** Runs work in as many threads as there are ranks, each with its share of the classes; results by rank. */
    static <T> List<T> run(int ranks, int classes, Function<ClassShard, T> work) throws Exception {
        ShardsOfThreads all = new ShardsOfThreads(ranks);
        ExecutorService threads = Executors.newFixedThreadPool(ranks);
        try {
            List<Future<T>> running = new ArrayList<>();
            for (int rank = 0; rank < ranks; rank++) {
                ClassShard shard = all.new Shard(rank, classes * rank / ranks, classes * (rank + 1) / ranks);
                running.add(threads.submit(() -> {
                    try (PointerScope scope = new PointerScope()) {
                        return work.apply(shard);
                    } finally {
                        all.barrier.reset(); // no one waits for a thread that has ended
                    }
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> one : running) {
                results.add(one.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }

    private final class Shard implements ClassShard {
        private final int rank;
        private final int from;
        private final int to;

        Shard(int rank, int from, int to) {
            this.rank = rank;
            this.from = from;
            this.to = to;
        }

        @Override
        public int from() {
            return from;
        }

        @Override
        public int to() {
            return to;
        }

        @Override
        public void sum(Tensor mine) {
            mine.copy_(gather(mine).sum(0));
        }

        @Override
        public Tensor gather(Tensor mine) {
            if (!mine.is_contiguous()) {
                throw new IllegalArgumentException("what is exchanged must be contiguous");
            }
            slots[rank] = mine;
            await();
            Tensor all = torch.stack(new TensorVector(slots));
            await();
            return all;
        }

        private void await() {
            try {
                barrier.await(60, TimeUnit.SECONDS);
            } catch (BrokenBarrierException | TimeoutException | InterruptedException e) {
                throw new IllegalStateException("another thread has ended", e);
            }
        }
    }
}
