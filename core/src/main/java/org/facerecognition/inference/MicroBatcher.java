package org.facerecognition.inference;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Gathers what many threads ask for one by one, and has it done many at a time by one thread of its own.
 *
 * <p>A batch is begun when it is full, or when its first member has waited long enough. Who submits while the queue is
 * full waits. A future that is canceled before its batch begins costs no work. When a batch fails, its members are
 * tried again one by one, so that the failure is only whose it is.
 *
 * @param <I> what is asked
 * @param <O> what is answered
 */
public final class MicroBatcher<I, O> implements AutoCloseable {
    private final Function<List<I>, List<O>> work;
    private final Settings settings;
    private final String what;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition(); // or closed
    private final Condition left = lock.newCondition(); // or closed
    private final Deque<Request<I, O>> queue = new ArrayDeque<>(); // guarded by lock
    private boolean closed; // guarded by lock
    private Runnable afterwards = () -> {}; // guarded by lock
    private final Thread worker;

    /**
     * How to gather.
     *
     * @param batchSize most done at a time, at least 1
     * @param longestWait for company, of the first in a batch; zero: whatever is there when the worker is free is taken
     * @param queueCapacity most that wait, at least 1
     */
    public record Settings(int batchSize, Duration longestWait, int queueCapacity) {
        /** 16 at a time, 2 ms, 256 in the queue. */
        public static final Settings DEFAULT = new Settings(16, Duration.ofMillis(2), 256);

        public Settings {
            if (batchSize < 1) {
                throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
            }
            if (longestWait.isNegative()) {
                throw new IllegalArgumentException("longestWait must not be negative, but was " + longestWait);
            }
            if (queueCapacity < 1) {
                throw new IllegalArgumentException("queueCapacity must be at least 1, but was " + queueCapacity);
            }
        }
    }

    private record Request<I, O>(I item, CompletableFuture<O> answer, long deadlineNanos) {}

    /**
     * Starts the worker.
     *
     * @param work answers, in order, to items, at least one and at most a batch; called by one thread only
     * @param settings how to gather
     */
    public MicroBatcher(Function<List<I>, List<O>> work, Settings settings) {
        this(work, settings, "micro-batcher");
    }

    /**
     * Starts the worker.
     *
     * @param what the owner, as the subject of the sentence that refuses what is asked after closing: "face batcher"
     * @see #MicroBatcher(Function, Settings)
     */
    public MicroBatcher(Function<List<I>, List<O>> work, Settings settings, String what) {
        this.work = work;
        this.settings = settings;
        this.what = what;
        this.worker = new Thread(this::run, what);
        worker.setDaemon(true);
        worker.start();
    }

    /**
     * Asks for one; waits while the queue is full.
     *
     * @return the answer to come; completed by the worker's thread, so do nothing long in what depends on it
     * @throws RejectedExecutionException when it is closed
     * @throws InterruptedException when the thread is interrupted while it waits
     */
    public CompletableFuture<O> submit(I item) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!closed && queue.size() >= settings.queueCapacity()) {
                left.await();
            }
            return put(item);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Asks for one unless the queue is full.
     *
     * @return the answer to come; empty when the queue is full
     * @throws RejectedExecutionException when it is closed
     */
    public Optional<CompletableFuture<O>> trySubmit(I item) {
        lock.lock();
        try {
            if (!closed && queue.size() >= settings.queueCapacity()) {
                return Optional.empty();
            }
            return Optional.of(put(item));
        } finally {
            lock.unlock();
        }
    }

    private CompletableFuture<O> put(I item) {
        if (closed) {
            throw new RejectedExecutionException(what + " is closed");
        }
        CompletableFuture<O> answer = new CompletableFuture<>();
        queue.add(new Request<>(
                item, answer, System.nanoTime() + settings.longestWait().toNanos()));
        arrived.signal();
        return answer;
    }

    private void run() {
        List<Request<I, O>> batch;
        while ((batch = next()) != null) {
            batch.removeIf(request -> request.answer.isDone()); // canceled
            if (!batch.isEmpty()) {
                answer(batch);
            }
        }
        lastWork().run();
    }

    private Runnable lastWork() {
        lock.lock();
        try {
            return afterwards;
        } finally {
            lock.unlock();
        }
    }

    /** The next batch; null when it is closed and all is done. */
    private @Nullable List<Request<I, O>> next() {
        lock.lock();
        try {
            while (queue.isEmpty() && !closed) {
                arrived.awaitUninterruptibly();
            }
            if (queue.isEmpty()) {
                return null;
            }
            gather(queue.element().deadlineNanos);
            List<Request<I, O>> batch = new ArrayList<>();
            while (!queue.isEmpty() && batch.size() < settings.batchSize()) {
                batch.add(queue.remove());
            }
            left.signalAll();
            return batch;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a batch is full, the time is over, or no more will come. */
    private void gather(long deadlineNanos) {
        int enough = Math.min(settings.batchSize(), settings.queueCapacity());
        long rest = deadlineNanos - System.nanoTime();
        while (queue.size() < enough && !closed && rest > 0) {
            try {
                rest = arrived.awaitNanos(rest);
            } catch (InterruptedException e) {
                return; // nobody should; then it does not wait
            }
        }
    }

    private void answer(List<Request<I, O>> batch) {
        try {
            List<O> answers = work.apply(batch.stream().map(Request::item).toList());
            if (answers.size() != batch.size()) {
                throw new IllegalStateException(
                        "answers must be as many as items, " + batch.size() + ", but were " + answers.size());
            }
            for (int i = 0; i < batch.size(); i++) {
                batch.get(i).answer.complete(answers.get(i));
            }
        } catch (RuntimeException | Error e) {
            if (batch.size() == 1) {
                batch.get(0).answer.completeExceptionally(e);
            } else {
                batch.forEach(request -> answer(List.of(request)));
            }
        }
    }

    /** Takes no more, does what it has taken, and waits for that. A second time does nothing more. */
    @Override
    public void close() {
        close(() -> {});
    }

    /**
     * Takes no more, does what it has taken, frees what that needed, and waits. Called by an answer's dependent action,
     * which the worker's own thread does, it does not wait: what it has taken is done and freed afterwards.
     *
     * @param free called once by the worker when nothing is left to do, unless it is closed already; must not throw
     */
    public void close(Runnable free) {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                afterwards = free;
            }
            arrived.signalAll();
            left.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (worker.isAlive() && Thread.currentThread() != worker) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
