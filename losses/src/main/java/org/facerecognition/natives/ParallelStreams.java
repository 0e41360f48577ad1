package org.facerecognition.natives;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.BaseStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs parallel streams on at most as many threads as {@link Processors} says. Where that is less than the JVM's common
 * pool has with the caller, a pool of that many threads does the work of all callers, also of those in other pools;
 * otherwise the caller's pool does, or the common one.
 */
public final class ParallelStreams {
    private static final AtomicInteger THREADS = new AtomicInteger();

    private static final class Holder {
        static final ForkJoinPool POOL = new ForkJoinPool(Processors.count(), ParallelStreams::newThread, null, false);
    }

    private ParallelStreams() {}

    private static ForkJoinWorkerThread newThread(ForkJoinPool pool) {
        ForkJoinWorkerThread thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
        thread.setName("face-stream-" + THREADS.incrementAndGet());
        return thread;
    }

    /**
     * Runs an operation on a stream, in parallel where there are several threads for it, and waits until it has ended.
     *
     * @param operation ends with a terminal operation, whose result must not depend on the number of threads
     * @return what the operation returns; its unchecked exceptions are thrown here
     * @throws IllegalArgumentException if {@link Processors#PROPERTY} is not a whole number of at least 1
     */
    public static <S extends BaseStream<?, S>, R extends @Nullable Object> R compute(
            S stream, Function<? super S, R> operation) {
        int count = Processors.count();
        if (count == 1) {
            return operation.apply(stream.sequential());
        }
        if (suitsCommonPool(count) || isInOwnPool()) {
            return operation.apply(stream.parallel());
        }
        FutureTask<R> task = new FutureTask<>(() -> operation.apply(stream.parallel()));
        try {
            Holder.POOL.execute(task);
        } catch (OutOfMemoryError e) { // no further thread can be started: this one does what none has begun
            task.run();
        }
        return Uninterrupted.outcome(task, () -> {});
    }

    /**
     * Runs work for each number, in parallel where there are several, and waits until it has ended.
     *
     * @param end the first number that is not worked on
     * @throws IllegalArgumentException if {@link Processors#PROPERTY} is not a whole number of at least 1
     */
    public static void forEach(int first, int end, IntConsumer work) {
        IntStream numbers = IntStream.range(first, end);
        if (end - first <= 1) {
            numbers.forEach(work);
            return;
        }
        compute(numbers, all -> {
            all.forEach(work);
            return null;
        });
    }

    /**
     * Returns the pool that has as many threads, for libraries that use one of their own accord.
     *
     * @throws IllegalArgumentException if {@link Processors#PROPERTY} is not a whole number of at least 1
     */
    public static ForkJoinPool pool() {
        return suitsCommonPool(Processors.count()) ? ForkJoinPool.commonPool() : Holder.POOL;
    }

    private static boolean isInOwnPool() {
        return ForkJoinTask.inForkJoinPool() && ForkJoinTask.getPool() == Holder.POOL;
    }

    /** Returns whether the common pool's threads and the caller, which joins them, are not too many. */
    private static boolean suitsCommonPool(int count) {
        return ForkJoinPool.getCommonPoolParallelism() < count;
    }
}
