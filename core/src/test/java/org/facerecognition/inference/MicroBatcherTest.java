package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.facerecognition.Races;
import org.facerecognition.inference.MicroBatcher.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MicroBatcherTest {
    private static final Duration LONG = Duration.ofMinutes(5); // longer than any test may take

    /** Doubles numbers, records its batches, and waits for a permit per batch; it fails on 13. */
    private static final class Doubler implements Function<List<Integer>, List<Integer>> {
        final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
        final Semaphore permits = new Semaphore(Integer.MAX_VALUE);
        final Semaphore started = new Semaphore(0);

        @Override
        public List<Integer> apply(List<Integer> items) {
            batches.add(items);
            started.release();
            permits.acquireUninterruptibly();
            if (items.contains(13)) {
                throw new IllegalArgumentException("number must not be 13");
            }
            return items.stream().map(i -> 2 * i).toList();
        }
    }

    @Test
    void aWaitMayBeLongerThanALongHoldsNanoseconds() throws Exception {
        var settings = new Settings(1, Duration.ofSeconds(Long.MAX_VALUE), 10);
        try (var batcher = new MicroBatcher<Integer, Integer>(items -> items, settings)) {
            assertThat(batcher.submit(3).get()).isEqualTo(3);
        }
    }

    @Test
    void theWorkerHasTheContextClassLoaderOfTheProgram() throws Exception {
        ClassLoader former = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader programs = new URLClassLoader(new URL[0], former)) {
            Thread.currentThread().setContextClassLoader(programs);
            try (var batcher = new MicroBatcher<Integer, ClassLoader>(
                    items -> List.of(Thread.currentThread().getContextClassLoader()),
                    new Settings(1, Duration.ZERO, 10))) {
                assertThat(batcher.submit(3).get()).isEqualTo(programs);
            }
        } finally {
            Thread.currentThread().setContextClassLoader(former);
        }
    }

    /** The worker ended, and nobody answered any more. */
    @Test
    void aWorkerWaitsOnWhenMemoryRunsOut() throws Exception {
        AtomicInteger failures = new AtomicInteger(3);
        ReentrantLock lock = new ReentrantLock() {
            @Override
            public void lock() {
                if (Thread.currentThread().getName().equals("without memory") && failures.getAndDecrement() > 0) {
                    throw new OutOfMemoryError("of a test");
                }
                super.lock();
            }
        };
        var batcher = new MicroBatcher<Integer, Integer>(items -> items, Settings.DEFAULT, "without memory", 1, lock);
        assertThat(batcher.submit(3).get()).isEqualTo(3);
        assertThat(failures.get()).isNegative();
        AtomicInteger freed = new AtomicInteger();
        batcher.close(freed::incrementAndGet);
        assertThat(freed).hasValue(1);
    }

    @Test
    void startsAFullBatchAtOnce() throws Exception {
        Doubler work = new Doubler();
        try (var batcher = new MicroBatcher<>(work, new Settings(3, LONG, 10))) {
            List<CompletableFuture<Integer>> answers = new ArrayList<>();
            for (int i = 1; i <= 3; i++) {
                answers.add(batcher.submit(i));
            }
            for (int i = 1; i <= 3; i++) {
                assertThat(answers.get(i - 1).get(30, TimeUnit.SECONDS)).isEqualTo(2 * i);
            }
            assertThat(work.batches).containsExactly(List.of(1, 2, 3));
        }
    }

    @Test
    void startsAPartialBatchAfterTheLongestWait() throws Exception {
        Doubler work = new Doubler();
        try (var batcher = new MicroBatcher<>(work, new Settings(100, Duration.ofMillis(50), 100))) {
            long start = System.nanoTime();
            assertThat(batcher.submit(4).get(30, TimeUnit.SECONDS)).isEqualTo(8);
            assertThat(System.nanoTime() - start).isGreaterThan(45_000_000L);
        }
    }

    @Test
    void requestsThatArriveWhileTheWorkerIsBusyFormOneBatch() throws Exception {
        Doubler work = new Doubler();
        work.permits.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(10, Duration.ZERO, 100))) {
            batcher.submit(1);
            work.started.acquire();
            for (int i = 2; i <= 5; i++) {
                batcher.submit(i);
            }
            work.permits.release(100);
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(2, 3, 4, 5));
    }

    @Test
    void submitWaitsAndTrySubmitReturnsEmptyWhenTheQueueIsFull() throws Exception {
        Doubler work = new Doubler();
        work.permits.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 2))) {
            batcher.submit(1);
            work.started.acquire(); // the worker has taken it
            batcher.submit(2);
            batcher.submit(3);
            assertThat(batcher.trySubmit(4)).isEmpty();
            CountDownLatch submitted = new CountDownLatch(1);
            Thread waiting = new Thread(() -> {
                try {
                    batcher.submit(5);
                    submitted.countDown();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            waiting.start();
            assertThat(submitted.await(200, TimeUnit.MILLISECONDS)).isFalse();
            work.permits.release(100);
            assertThat(submitted.await(30, TimeUnit.SECONDS)).isTrue();
            waiting.join();
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(2), List.of(3), List.of(5));
    }

    @Test
    void submitCanBeInterruptedWhileItWaits() throws Exception {
        Doubler work = new Doubler();
        work.permits.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 1))) {
            batcher.submit(1);
            work.started.acquire();
            batcher.submit(2);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> batcher.submit(3)).isInstanceOf(InterruptedException.class);
            work.permits.release(100);
        }
    }

    @Test
    void doesNotRunCanceledRequests() throws Exception {
        Doubler work = new Doubler();
        work.permits.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(4, Duration.ZERO, 10))) {
            batcher.submit(1);
            work.started.acquire();
            CompletableFuture<Integer> canceled = batcher.submit(2);
            CompletableFuture<Integer> kept = batcher.submit(3);
            assertThat(canceled.cancel(true)).isTrue();
            work.permits.release(100);
            assertThat(kept.get(30, TimeUnit.SECONDS)).isEqualTo(6);
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(3));
    }

    @Test
    void failsOnlyTheRequestThatCausesAFailure() throws Exception {
        Doubler work = new Doubler();
        try (var batcher = new MicroBatcher<>(work, new Settings(3, LONG, 10))) {
            var first = batcher.submit(1);
            var bad = batcher.submit(13);
            var last = batcher.submit(2);
            assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(2);
            assertThat(last.get(30, TimeUnit.SECONDS)).isEqualTo(4);
            assertThatThrownBy(() -> bad.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasRootCauseMessage("number must not be 13");
        }
    }

    @Test
    void failsWhenAnswersAreMissing() throws Exception {
        try (var batcher = new MicroBatcher<Integer, Integer>(items -> List.of(), new Settings(1, LONG, 1))) {
            var answer = batcher.submit(1);
            assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                    .hasRootCauseMessage("number of answers must be 1, one per request, but was 0");
        }
    }

    @Test
    void closeRunsQueuedRequestsAndRejectsNewOnes() throws Exception {
        Doubler work = new Doubler();
        var batcher = new MicroBatcher<>(work, new Settings(100, LONG, 100));
        var answer = batcher.submit(1);
        batcher.close(); // does not wait five minutes for a full batch
        assertThat(answer.getNow(0)).isEqualTo(2);
        assertThatThrownBy(() -> batcher.submit(2))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("micro-batcher is closed");
        assertThatThrownBy(() -> batcher.trySubmit(2)).isInstanceOf(RejectedExecutionException.class);
        batcher.close(); // has no effect
    }

    @Test
    void canBeClosedWhileOtherThreadsUseIt() throws Exception {
        Races.closedWhileUsed(
                50,
                () -> new MicroBatcher<Integer, Integer>(items -> items, new Settings(4, Duration.ZERO, 2), "echo"),
                batcher ->
                        assertThat(batcher.submit(7).get(30, TimeUnit.SECONDS)).isEqualTo(7),
                "echo is closed");
    }

    /** An earlier version freed what the work needed while the worker was still running queued requests. */
    @Test
    void freesAfterTheLastRequestEvenWhenClosedByADependentAction() throws Exception {
        Doubler work = new Doubler();
        work.permits.drainPermits();
        List<Integer> freedAfter = new CopyOnWriteArrayList<>();
        var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 10));
        Runnable free = () -> freedAfter.add(work.batches.size());
        var first = batcher.submit(1).thenAccept(answer -> batcher.close(free)); // on the worker's thread
        var second = batcher.submit(2);
        work.permits.release(100);
        first.get(30, TimeUnit.SECONDS);
        assertThat(second.get(30, TimeUnit.SECONDS)).isEqualTo(4);
        batcher.close(() -> freedAfter.add(-1)); // waits; its argument is ignored
        assertThat(freedAfter).containsExactly(2);
    }

    /** The worker waited for a place in the queue that only it could make. */
    @Test
    @Timeout(60)
    void aDependentActionNeverWaitsForAFullQueue() throws Exception {
        Doubler work = new Doubler();
        try (var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 1))) {
            work.permits.drainPermits();
            List<CompletableFuture<Integer>> later = new CopyOnWriteArrayList<>();
            CompletableFuture<Void> first = batcher.submit(1).thenAccept(answer -> {
                try {
                    for (int i = 2; i < 5; i++) {
                        later.add(batcher.submit(i));
                    }
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            work.permits.release(100);
            first.get(30, TimeUnit.SECONDS);
            assertThat(later).hasSize(3);
            for (int i = 0; i < 3; i++) {
                assertThat(later.get(i).get(30, TimeUnit.SECONDS)).isEqualTo(2 * (i + 2));
            }
        }
    }

    @Test
    void answersEachRequestOfManyThreadsOnce() throws Exception {
        Doubler work = new Doubler();
        int threads = 16;
        int perThread = 500;
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        try (var batcher = new MicroBatcher<>(work, new Settings(8, Duration.ofNanos(100_000), 20))) {
            List<Thread> started = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int from = 1_000 + t * perThread;
                Thread thread = new Thread(() -> {
                    try {
                        for (int i = from; i < from + perThread; i++) {
                            assertThat(batcher.submit(i).get()).isEqualTo(2 * i);
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
                thread.start();
                started.add(thread);
            }
            for (Thread thread : started) {
                thread.join();
            }
        }
        assertThat(failures).isEmpty();
        assertThat(work.batches.stream().mapToInt(List::size).sum()).isEqualTo(threads * perThread);
        assertThat(work.batches).allMatch(batch -> batch.size() <= 8);
    }

    @Test
    void rejectsInvalidSettings() {
        assertThatThrownBy(() -> new Settings(0, LONG, 1)).hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> new Settings(1, Duration.ofMillis(-1), 1))
                .hasMessage("longestWait must not be negative, but was PT-0.001S");
        assertThatThrownBy(() -> new Settings(1, LONG, 0)).hasMessage("queueCapacity must be at least 1, but was 0");
    }
}
