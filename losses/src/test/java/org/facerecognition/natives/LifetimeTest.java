package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60) // a deadlock, not a slow machine, takes this long
class LifetimeTest {
    private final Lifetime lifetime = new Lifetime("gallery people.gallery");
    private final AtomicInteger freed = new AtomicInteger();

    @Test
    void rejectsUsesAfterClosing() {
        try (Lifetime.Use use = lifetime.enter()) {
            assertThat(lifetime.closed()).isFalse();
        }
        lifetime.close(freed::incrementAndGet);
        assertThat(lifetime.closed()).isTrue();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(lifetime::enter)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("gallery people.gallery is closed");
        }
    }

    @Test
    void freesOnceIfClosedTwice() {
        lifetime.close(freed::incrementAndGet);
        lifetime.close(freed::incrementAndGet);
        assertThat(freed).hasValue(1);
    }

    @Test
    void closingWaitsForUsesInProgressAndRejectsNewOnes() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch mayContinue = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Integer> user = threads.submit(() -> {
                try (Lifetime.Use use = lifetime.enter()) {
                    entered.countDown();
                    mayContinue.await();
                    try (Lifetime.Use nested = lifetime.enter()) {
                        return freed.get();
                    }
                }
            });
            entered.await();
            Future<?> closing = threads.submit(() -> lifetime.close(freed::incrementAndGet));
            while (!lifetime.closed()) {
                Thread.onSpinWait();
            }
            assertThatThrownBy(lifetime::enter).hasMessage("gallery people.gallery is closed");
            assertThat(closing.isDone()).isFalse();
            mayContinue.countDown();
            assertThat(user.get()).as("freed during the use").isZero();
            closing.get();
            assertThat(freed).hasValue(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void rejectsClosingWithinAUse() {
        try (Lifetime.Use use = lifetime.enter()) {
            assertThatThrownBy(() -> lifetime.close(freed::incrementAndGet))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("gallery people.gallery must not be closed within a call that uses it; close it after"
                            + " that call");
        }
        lifetime.enter().close(); // it is still open
        lifetime.close(freed::incrementAndGet);
        assertThat(freed).hasValue(1);
    }

    @Test
    void rejectsUsesWhileFreeing() {
        lifetime.close(() -> assertThatThrownBy(lifetime::enter).hasMessage("gallery people.gallery is closed"));
    }

    @Test
    void staysClosedIfFreeingFails() {
        assertThatThrownBy(() -> lifetime.close(() -> {
                    throw new IllegalArgumentException("no");
                }))
                .hasMessage("no");
        assertThatThrownBy(lifetime::enter).hasMessage("gallery people.gallery is closed");
        lifetime.close(freed::incrementAndGet);
        assertThat(freed).hasValue(0);
    }

    /** A read lock has 65,535 holds at most before Java 25, which are too few for a server's virtual threads. */
    @Test
    void hasRoomForMoreUsesThanAReadLock() {
        int count = 70_000;
        List<Lifetime.Use> uses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            uses.add(lifetime.enter());
        }
        uses.subList(1, count).forEach(Lifetime.Use::close);
        assertThatThrownBy(() -> lifetime.close(freed::incrementAndGet)).hasMessageContaining("within a call");
        uses.get(0).close();
        lifetime.close(freed::incrementAndGet);
        assertThat(freed).hasValue(1);
    }

    @Test
    void rejectsTheEndOfAUseThatDidNotBegin() {
        Lifetime.Use use = lifetime.enter();
        use.close();
        assertThatThrownBy(use::close).isInstanceOf(IllegalMonitorStateException.class);
        lifetime.close(freed::incrementAndGet);
        assertThat(freed).hasValue(1);
    }

    @Test
    void closingWaitsThoughItIsInterrupted() throws Exception {
        AtomicBoolean stillInterrupted = new AtomicBoolean();
        Thread closing = new Thread(() -> {
            Thread.currentThread().interrupt();
            lifetime.close(freed::incrementAndGet);
            stillInterrupted.set(Thread.currentThread().isInterrupted());
        });
        try (Lifetime.Use use = lifetime.enter()) {
            closing.start();
            while (!lifetime.closed()) {
                Thread.onSpinWait();
            }
            closing.interrupt();
            assertThat(freed).hasValue(0);
        }
        closing.join();
        assertThat(freed).hasValue(1);
        assertThat(stillInterrupted).isTrue();
    }

    @Test
    void closingASecondTimeWaitsForTheFirst() throws Exception {
        CountDownLatch freeing = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<?> first = threads.submit(() -> lifetime.close(() -> {
                freeing.countDown();
                awaitUnchecked(mayEnd);
                freed.incrementAndGet();
            }));
            freeing.await();
            Future<Integer> second = threads.submit(() -> {
                lifetime.close(freed::incrementAndGet);
                return freed.get();
            });
            assertThat(second.isDone()).isFalse();
            mayEnd.countDown();
            assertThat(second.get()).isOne();
            first.get();
        } finally {
            threads.shutdownNow();
        }
    }

    /** In each round eight threads use two objects, nested in either order, until a ninth closes both. */
    @Test
    void noUseIsInProgressWhileFreeing() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(9);
        try {
            for (int round = 0; round < 30; round++) {
                Lifetime one = new Lifetime("one");
                Lifetime other = new Lifetime("other");
                AtomicBoolean gone = new AtomicBoolean();
                AtomicInteger inside = new AtomicInteger();
                List<Future<Boolean>> users = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    boolean reversed = i % 2 == 0;
                    users.add(threads.submit(() -> use(reversed ? other : one, reversed ? one : other, inside, gone)));
                }
                Future<?> closing = threads.submit(() -> {
                    one.close(() -> other.close(() -> {
                        assertThat(inside).hasValue(0);
                        gone.set(true);
                    }));
                });
                closing.get(30, TimeUnit.SECONDS);
                for (Future<Boolean> user : users) {
                    assertThat(user.get(30, TimeUnit.SECONDS))
                            .as("never used after it was freed")
                            .isTrue();
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean use(Lifetime outer, Lifetime inner, AtomicInteger inside, AtomicBoolean gone) {
        while (true) {
            try (Lifetime.Use use = outer.enter();
                    Lifetime.Use nested = inner.enter()) {
                inside.incrementAndGet();
                boolean open = !gone.get();
                inside.decrementAndGet();
                if (!open) {
                    return false;
                }
            } catch (IllegalStateException e) {
                return e.getMessage().endsWith(" is closed");
            }
        }
    }
}
