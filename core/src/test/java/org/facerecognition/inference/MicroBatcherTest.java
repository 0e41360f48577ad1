package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.function.Function;
import org.facerecognition.Races;
import org.facerecognition.inference.MicroBatcher.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MicroBatcherTest {
    private static final Duration LONG = Duration.ofMinutes(5);

    /** Doubles numbers, remembers batches, and can be held up. */
    private static final class Doubler implements Function<List<Integer>, List<Integer>> {
        final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
        final Semaphore leave = new Semaphore(Integer.MAX_VALUE);
        final Semaphore begun = new Semaphore(0);

        @Override
        public List<Integer> apply(List<Integer> items) {
            batches.add(items);
            begun.release();
            leave.acquireUninterruptibly();
            if (items.contains(13)) {
                throw new IllegalArgumentException("number must not be 13");
            }
            return items.stream().map(i -> 2 * i).toList();
        }
    }

    @Test
    void aFullBatchBeginsAtOnce() throws Exception {
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
    void oneAloneWaitsNoLongerThanItShould() throws Exception {
        Doubler work = new Doubler();
        try (var batcher = new MicroBatcher<>(work, new Settings(100, Duration.ofMillis(50), 100))) {
            long start = System.nanoTime();
            assertThat(batcher.submit(4).get(30, TimeUnit.SECONDS)).isEqualTo(8);
            assertThat(System.nanoTime() - start).isGreaterThan(45_000_000L);
        }
    }

    @Test
    void whatComesWhileTheWorkerIsBusyIsOneBatch() throws Exception {
        Doubler work = new Doubler();
        work.leave.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(10, Duration.ZERO, 100))) {
            batcher.submit(1);
            work.begun.acquire();
            for (int i = 2; i <= 5; i++) {
                batcher.submit(i);
            }
            work.leave.release(100);
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(2, 3, 4, 5));
    }

    @Test
    void whoFindsTheQueueFullWaitsOrIsTold() throws Exception {
        Doubler work = new Doubler();
        work.leave.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 2))) {
            batcher.submit(1);
            work.begun.acquire(); // the worker has it
            batcher.submit(2);
            batcher.submit(3);
            assertThat(batcher.trySubmit(4)).isEmpty();
            CountDownLatch through = new CountDownLatch(1);
            Thread patient = new Thread(() -> {
                try {
                    batcher.submit(5);
                    through.countDown();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            patient.start();
            assertThat(through.await(200, TimeUnit.MILLISECONDS)).isFalse();
            work.leave.release(100);
            assertThat(through.await(30, TimeUnit.SECONDS)).isTrue();
            patient.join();
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(2), List.of(3), List.of(5));
    }

    @Test
    void aWaitingThreadCanBeInterrupted() throws Exception {
        Doubler work = new Doubler();
        work.leave.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 1))) {
            batcher.submit(1);
            work.begun.acquire();
            batcher.submit(2);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> batcher.submit(3)).isInstanceOf(InterruptedException.class);
            work.leave.release(100);
        }
    }

    @Test
    void whatIsCancelledInTimeCostsNothing() throws Exception {
        Doubler work = new Doubler();
        work.leave.drainPermits();
        try (var batcher = new MicroBatcher<>(work, new Settings(4, Duration.ZERO, 10))) {
            batcher.submit(1);
            work.begun.acquire();
            CompletableFuture<Integer> unwanted = batcher.submit(2);
            CompletableFuture<Integer> wanted = batcher.submit(3);
            assertThat(unwanted.cancel(true)).isTrue();
            work.leave.release(100);
            assertThat(wanted.get(30, TimeUnit.SECONDS)).isEqualTo(6);
        }
        assertThat(work.batches).containsExactly(List.of(1), List.of(3));
    }

    @Test
    void aFailureIsOnlyWhoseItIs() throws Exception {
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
    void tooFewAnswersAreAFailure() throws Exception {
        try (var batcher = new MicroBatcher<Integer, Integer>(items -> List.of(), new Settings(1, LONG, 1))) {
            var answer = batcher.submit(1);
            assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                    .hasRootCauseMessage("answers must be as many as items, 1, but were 0");
        }
    }

    @Test
    void closingDoesWhatIsTakenAndTakesNoMore() throws Exception {
        Doubler work = new Doubler();
        var batcher = new MicroBatcher<>(work, new Settings(100, LONG, 100));
        var answer = batcher.submit(1);
        batcher.close(); // does not wait five minutes for company
        assertThat(answer.getNow(0)).isEqualTo(2);
        assertThatThrownBy(() -> batcher.submit(2))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("micro-batcher is closed");
        assertThatThrownBy(() -> batcher.trySubmit(2)).isInstanceOf(RejectedExecutionException.class);
        batcher.close(); // no harm
    }

    @Test
    void isClosedWhileOtherThreadsUseIt() throws Exception {
        Races.closedWhileUsed(
                50,
                () -> new MicroBatcher<Integer, Integer>(items -> items, new Settings(4, Duration.ZERO, 2), "echo"),
                batcher ->
                        assertThat(batcher.submit(7).get(30, TimeUnit.SECONDS)).isEqualTo(7),
                "echo is closed");
    }

    /** What the work needed was freed while the worker went on with what it had taken. */
    @Test
    void freesWhenNothingIsLeftToDoThoughAnAnswersOwnerClosesIt() throws Exception {
        Doubler work = new Doubler();
        work.leave.drainPermits();
        List<Integer> workedBefore = new CopyOnWriteArrayList<>();
        var batcher = new MicroBatcher<>(work, new Settings(1, Duration.ZERO, 10));
        Runnable free = () -> workedBefore.add(work.batches.size());
        var first = batcher.submit(1).thenAccept(answer -> batcher.close(free)); // on the worker's thread
        var second = batcher.submit(2);
        work.leave.release(100);
        first.get(30, TimeUnit.SECONDS);
        assertThat(second.get(30, TimeUnit.SECONDS)).isEqualTo(4);
        batcher.close(() -> workedBefore.add(-1)); // waits, and does nothing more
        assertThat(workedBefore).containsExactly(2);
    }

    @Test
    void manyThreadsAreAllAnsweredAndNoneTwice() throws Exception {
        Doubler work = new Doubler();
        int threads = 16;
        int each = 500;
        List<Throwable> wrong = new CopyOnWriteArrayList<>();
        try (var batcher = new MicroBatcher<>(work, new Settings(8, Duration.ofNanos(100_000), 20))) {
            List<Thread> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int from = 1_000 + t * each;
                Thread thread = new Thread(() -> {
                    try {
                        for (int i = from; i < from + each; i++) {
                            assertThat(batcher.submit(i).get()).isEqualTo(2 * i);
                        }
                    } catch (Throwable e) {
                        wrong.add(e);
                    }
                });
                thread.start();
                all.add(thread);
            }
            for (Thread thread : all) {
                thread.join();
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(work.batches.stream().mapToInt(List::size).sum()).isEqualTo(threads * each);
        assertThat(work.batches).allMatch(batch -> batch.size() <= 8);
    }

    @Test
    void refusesSettingsThatMakeNoSense() {
        assertThatThrownBy(() -> new Settings(0, LONG, 1)).hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> new Settings(1, Duration.ofMillis(-1), 1))
                .hasMessage("longestWait must not be negative, but was PT-0.001S");
        assertThatThrownBy(() -> new Settings(1, LONG, 0)).hasMessage("queueCapacity must be at least 1, but was 0");
    }
}
