package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ComputeThreadsTest {
    @Test
    void aWrongSettingIsSaidEachTime() {
        String former = System.setProperty(Processors.PROPERTY, "0");
        try {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(ComputeThreads::shared)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("facerecognition.threads must be a whole number of at least 1, but was 0");
            }
        } finally {
            if (former == null) {
                System.clearProperty(Processors.PROPERTY);
            } else {
                System.setProperty(Processors.PROPERTY, former);
            }
        }
    }

    @BeforeAll
    static void load() {
        Libtorch.load();
    }

    /** Work of one piece. */
    private static ComputeThreads.Work alone(Runnable piece) {
        return shared(0, piece, () -> {});
    }

    private static ComputeThreads.Work shared(int helpers, Runnable lead, Runnable help) {
        return new ComputeThreads.Work() {
            @Override
            public int usefulHelpers() {
                return helpers;
            }

            @Override
            public void lead(Runnable callHelpers) {
                lead.run();
            }

            @Override
            public void help() {
                help.run();
            }
        };
    }

    /** Else a buffer that the work has taken would be lost. */
    @Test
    void workThatCannotBeginIsAbandoned() {
        AtomicInteger abandoned = new AtomicInteger();
        ComputeThreads threads = new ComputeThreads(2);
        assertThatThrownBy(() -> threads.run(() -> new ComputeThreads.Work() {
                    @Override
                    public int usefulHelpers() {
                        throw new OutOfMemoryError("as if");
                    }

                    @Override
                    public void lead(Runnable callHelpers) {}

                    @Override
                    public void help() {}

                    @Override
                    public void abandon() {
                        abandoned.incrementAndGet();
                    }
                }))
                .hasMessage("as if");
        assertThat(abandoned).hasValue(1);
        assertThat(threads.idle()).isEqualTo(2);
    }

    @Test
    void aCallerComputesOnItsOwnThread() {
        Thread[] thread = new Thread[1];
        new ComputeThreads(2).run(() -> alone(() -> thread[0] = Thread.currentThread()));
        assertThat(thread[0]).isSameAs(Thread.currentThread());
    }

    @Test
    void noMoreThreadsComputeThanThereAreProcessorsAndAllCallsAreDone() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(3);
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        Runnable piece = () -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            pause(1);
            now.decrementAndGet();
            done.incrementAndGet();
        };
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            Thread caller = new Thread(() -> {
                for (int call = 0; call < 20; call++) {
                    threads.run(() -> shared(2, piece, piece));
                }
            });
            caller.start();
            callers.add(caller);
        }
        for (Thread caller : callers) {
            caller.join();
        }
        assertThat(most.get()).isLessThanOrEqualTo(3);
        assertThat(done.get()).isGreaterThanOrEqualTo(16 * 20);
        awaitIdle(threads, 3);
    }

    @Test
    void furtherCallersComputeBesideOtherPrograms() throws InterruptedException {
        Contention contention = new Contention();
        ComputeThreads threads = new ComputeThreads(1, 3, contention);
        assertThat(mostAtOnce(threads)).isEqualTo(1);
        for (int i = 0; i < 100; i++) {
            contention.add(0.05, 0.1, 1);
        }
        assertThat(mostAtOnce(threads)).isEqualTo(4);
        for (int i = 0; i < 100; i++) {
            contention.add(0.1, 0.1, 1);
        }
        assertThat(mostAtOnce(threads)).isEqualTo(1);
        awaitIdle(threads, 1);
    }

    /** Returns how many of eight callers compute at the same time at most. */
    private static int mostAtOnce(ComputeThreads threads) throws InterruptedException {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Thread caller = new Thread(() -> {
                for (int call = 0; call < 5; call++) {
                    threads.run(() -> alone(() -> {
                        most.accumulateAndGet(now.incrementAndGet(), Math::max);
                        pause(10);
                        now.decrementAndGet();
                    }));
                }
            });
            caller.start();
            callers.add(caller);
        }
        for (Thread caller : callers) {
            caller.join();
        }
        return most.get();
    }

    @Test
    void helpersJoinWhereThereAreProcessorsForThem() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(4);
        CountDownLatch all = new CountDownLatch(3);
        threads.run(() -> shared(
                2,
                () -> {
                    all.countDown();
                    ComputeThreads.uninterruptibly(all); // for both helpers
                },
                all::countDown));
        awaitIdle(threads, 4);
    }

    @Test
    void aHelperThatLeftIsCalledAgain() {
        ComputeThreads threads = new ComputeThreads(2);
        AtomicInteger came = new AtomicInteger();
        threads.run(() -> new ComputeThreads.Work() {
            @Override
            public int usefulHelpers() {
                return 1;
            }

            @Override
            public void lead(Runnable callHelpers) {
                while (came.get() < 3) {
                    callHelpers.run();
                    pause(1);
                }
            }

            @Override
            public void help() {
                came.incrementAndGet(); // loses patience at once
            }
        });
        assertThat(came.get()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void noMoreHelpersAreCalledThanAreUsefulHoweverOften() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(4);
        AtomicInteger came = new AtomicInteger();
        CountDownLatch end = new CountDownLatch(1);
        threads.run(() -> new ComputeThreads.Work() {
            @Override
            public int usefulHelpers() {
                return 2;
            }

            @Override
            public void lead(Runnable callHelpers) {
                for (int i = 0; i < 50; i++) {
                    callHelpers.run();
                    pause(1);
                }
                end.countDown();
            }

            @Override
            public void help() {
                came.incrementAndGet();
                ComputeThreads.uninterruptibly(end);
            }
        });
        assertThat(came.get()).isEqualTo(2);
        awaitIdle(threads, 4);
    }

    @Test
    void aCallWithOneProcessorGetsNoHelp() {
        AtomicInteger helped = new AtomicInteger();
        ComputeThreads threads = new ComputeThreads(1);
        threads.run(() -> shared(5, () -> pause(20), helped::incrementAndGet));
        assertThat(helped.get()).isZero();
    }

    @Test
    void aFailureReachesItsCallerWhicheverThreadRanIt() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(1);
        Runnable fails = () -> {
            throw new IllegalStateException("broken");
        };
        assertThatThrownBy(() -> threads.run(() -> alone(fails))).hasMessage("broken");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Thread first = new Thread(() -> threads.run(() -> alone(() -> {
            begun.countDown();
            ComputeThreads.uninterruptibly(end);
        })));
        first.start();
        begun.await();
        Throwable[] failure = new Throwable[1];
        Thread second = new Thread(
                () -> { // waits, and another thread runs its work
                    try {
                        threads.run(() -> alone(fails));
                    } catch (IllegalStateException e) {
                        failure[0] = e;
                    }
                });
        second.start();
        pause(50);
        end.countDown();
        first.join();
        second.join();
        assertThat(failure[0]).hasMessage("broken");
        threads.run(() -> alone(() -> {})); // the processor was given back
        awaitIdle(threads, 1);
    }

    /** A call that may be computed with all others, and notes with how many it was. */
    private static class Friendly implements ComputeThreads.Request {
        private final boolean broken;
        private final List<Integer> sizes;
        private int computed;

        Friendly(boolean broken, List<Integer> sizes) {
            this.broken = broken;
            this.sizes = sizes;
        }

        @Override
        public boolean admits(List<ComputeThreads.Request> joined, ComputeThreads.Request next) {
            return next instanceof Friendly;
        }

        @Override
        public ComputeThreads.Work work(List<ComputeThreads.Request> joined) {
            List<Friendly> all = new ArrayList<>(List.of(this));
            joined.forEach(other -> all.add((Friendly) other));
            return alone(() -> {
                sizes.add(all.size());
                if (all.stream().anyMatch(call -> call.broken)) {
                    throw new IllegalStateException("broken");
                }
                all.forEach(call -> call.computed++);
            });
        }
    }

    /** Lets calls wait for the only processor, the given ones and one of another kind, and returns how they failed. */
    private static List<String> failures(List<Friendly> calls) throws InterruptedException {
        return failures(new ComputeThreads(1), calls);
    }

    private static List<String> failures(ComputeThreads threads, List<Friendly> calls) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        List<Thread> callers = new ArrayList<>();
        callers.add(new Thread(() -> threads.run(() -> alone(() -> {
            begun.countDown();
            ComputeThreads.uninterruptibly(end);
        }))));
        callers.get(0).start();
        begun.await();
        String[] failures = new String[calls.size()];
        for (int i = 0; i < calls.size(); i++) {
            int call = i;
            callers.add(new Thread(() -> {
                try {
                    threads.run(calls.get(call));
                    failures[call] = "none";
                } catch (IllegalStateException e) {
                    failures[call] = e.getMessage();
                }
            }));
        }
        callers.add(2, new Thread(() -> threads.run(() -> alone(() -> {})))); // does not stop those behind it
        for (Thread caller : callers.subList(1, callers.size())) {
            caller.start();
            while (caller.getState() != Thread.State.WAITING) {
                pause(1);
            }
        }
        end.countDown();
        for (Thread caller : callers) {
            caller.join();
        }
        awaitIdle(threads, 1);
        return List.of(failures);
    }

    @Test
    void callsThatWaitAreComputedTogether() throws InterruptedException {
        List<Integer> sizes = new ArrayList<>();
        List<Friendly> calls =
                Stream.generate(() -> new Friendly(false, sizes)).limit(5).toList();
        assertThat(failures(calls)).containsOnly("none");
        assertThat(sizes).containsExactly(4, 1); // powers of two
        assertThat(calls).allSatisfy(call -> assertThat(call.computed).isEqualTo(1));
    }

    @Test
    void ofCallsThatAreComputedTogetherOnlyTheBrokenOneFails() throws InterruptedException {
        List<Integer> sizes = new ArrayList<>();
        List<Friendly> calls = Stream.of(false, false, true, false)
                .map(broken -> new Friendly(broken, sizes))
                .toList();
        assertThat(failures(calls)).containsExactly("none", "none", "broken", "none");
        assertThat(sizes).containsExactly(4, 1, 1, 1, 1);
        assertThat(calls).extracting(call -> call.computed).containsExactly(1, 1, 0, 1);
    }

    /** The thread that has ended its own work does that of those who wait, if no other can be started. */
    @Test
    void callsThatWaitAreDoneWhereNoThreadCanBeStarted() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(1, 0, new Contention(), work -> {
            throw new OutOfMemoryError("unable to create native thread");
        });
        List<Friendly> calls = Stream.generate(() -> new Friendly(false, new ArrayList<>()))
                .limit(5)
                .toList();
        assertThat(failures(threads, calls)).containsOnly("none");
        assertThat(calls).allSatisfy(call -> assertThat(call.computed).isEqualTo(1));
    }

    @Test
    void nobodyIsLostWhereMemoryRunsOutWhileCallsJoin() throws InterruptedException {
        List<Friendly> calls = Stream.generate(() -> new Friendly(false, new ArrayList<>()) {
                    @Override
                    public boolean admits(List<ComputeThreads.Request> joined, ComputeThreads.Request next) {
                        if (!joined.isEmpty()) {
                            throw new OutOfMemoryError("no room for a second one");
                        }
                        return super.admits(joined, next);
                    }
                })
                .map(call -> (Friendly) call)
                .limit(5)
                .toList();
        assertThat(failures(calls)).containsOnly("none");
        assertThat(calls).allSatisfy(call -> assertThat(call.computed).isEqualTo(1));
    }

    @Test
    void anInterruptedCallerStillWaitsForItsWork() throws InterruptedException {
        ComputeThreads threads = new ComputeThreads(1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Thread first = new Thread(() -> threads.run(() -> alone(() -> {
            begun.countDown();
            ComputeThreads.uninterruptibly(end);
        })));
        first.start();
        begun.await();
        boolean[] seen = new boolean[2];
        Thread second = new Thread(() -> {
            Thread.currentThread().interrupt();
            threads.run(() -> alone(() -> seen[0] = true));
            seen[1] = Thread.currentThread().isInterrupted();
        });
        second.start();
        pause(20);
        assertThat(second.isAlive()).isTrue();
        end.countDown();
        second.join();
        assertThat(seen).containsExactly(true, true);
    }

    private static void awaitIdle(ComputeThreads threads, int processors) throws InterruptedException {
        while (threads.idle() < processors) { // a helper may still be giving its processor back
            Thread.sleep(1);
        }
        assertThat(threads.idle()).isEqualTo(processors);
    }

    private static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The caller went on, and freed memory that others still wrote to. */
    @Test
    void waitsOnWhenMemoryRunsOut() {
        AtomicInteger waits = new AtomicInteger();
        CountDownLatch latch = new CountDownLatch(1) {
            @Override
            public void await() throws InterruptedException {
                if (waits.incrementAndGet() <= 2) {
                    throw new OutOfMemoryError("of a test");
                }
                countDown();
                super.await();
            }
        };
        assertThatCode(() -> ComputeThreads.uninterruptibly(latch)).doesNotThrowAnyException();
        assertThat(latch.getCount()).isZero();
    }
}
