package org.facerecognition.inference;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Dynamic batching: queues requests of many threads and runs them in batches on one worker or several.
 *
 * <p>A batch starts when it is full, or when its first request has waited for the maximum time. Submitting to a full
 * queue blocks. A request that is canceled before its batch starts costs no work. When a batch fails, its requests are
 * run again one by one, so that only the requests that cause the failure fail.
 *
 * @param <I> the type of requests
 * @param <O> the type of answers
 */
public final class MicroBatcher<I, O> implements AutoCloseable {
    private final Function<List<I>, List<O>> work;
    private final Settings settings;
    private final String name;
    private final ReentrantLock lock;
    private final Condition notEmpty; // signaled on closing too
    private final Condition notFull; // signaled on closing too
    private final Deque<Request<I, O>> queue = new ArrayDeque<>(); // guarded by lock
    private boolean closed; // guarded by lock
    private volatile Runnable onFinished = () -> {}; // set before closed
    private final List<Thread> workers = new ArrayList<>();
    private final AtomicInteger running = new AtomicInteger(); // workers

    /**
     * Limits of a batcher.
     *
     * @param batchSize the maximum number of requests in a batch, at least 1
     * @param longestWait the maximum time that a batch's first request waits for others; with zero, a free worker takes
     *     the requests that are queued
     * @param queueCapacity the maximum number of queued requests, at least 1
     */
    public record Settings(int batchSize, Duration longestWait, int queueCapacity) {
        /** 16 requests in a batch, 2 ms, 256 queued requests. */
        public static final Settings DEFAULT = new Settings(16, Duration.ofMillis(2), 256);

        private static final Duration CENTURY = Duration.ofDays(36_500);

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

        /** A century stands for longer times, whose nanoseconds no long could hold. */
        private long longestWaitNanos() {
            return longestWait.compareTo(CENTURY) < 0 ? longestWait.toNanos() : CENTURY.toNanos();
        }
    }

    private record Request<I, O>(I item, CompletableFuture<O> answer, long deadlineNanos) {}

    /**
     * Starts the worker.
     *
     * @param work returns the answers to a batch of requests in the same order; only the worker calls it
     * @param settings the limits
     */
    public MicroBatcher(Function<List<I>, List<O>> work, Settings settings) {
        this(work, settings, "micro-batcher");
    }

    /**
     * Starts the worker.
     *
     * @param name names the worker thread and the batcher in error messages: "face batcher" for "face batcher is
     *     closed"
     * @see #MicroBatcher(Function, Settings)
     */
    public MicroBatcher(Function<List<I>, List<O>> work, Settings settings, String name) {
        this(work, settings, name, 1);
    }

    /**
     * Starts workers, which share the queued requests out evenly.
     *
     * @param work is called by several workers at a time
     * @param workers the number of workers, at least 1
     * @see #MicroBatcher(Function, Settings, String)
     */
    public MicroBatcher(Function<List<I>, List<O>> work, Settings settings, String name, int workers) {
        this(work, settings, name, workers, new ReentrantLock());
    }

    /** @param lock guards the queue; no other object uses it */
    MicroBatcher(Function<List<I>, List<O>> work, Settings settings, String name, int workers, ReentrantLock lock) {
        this.lock = lock;
        this.notEmpty = lock.newCondition();
        this.notFull = lock.newCondition();
        this.work = work;
        this.settings = settings;
        this.name = name;
        this.running.set(workers);
        for (int i = 0; i < workers; i++) {
            List<Request<I, O>> batch = new ArrayList<>(full()); // now: a worker without memory would lose requests
            Thread worker = new Thread(null, () -> run(batch), name, 0, false);
            worker.setDaemon(true);
            worker.setContextClassLoader(Thread.currentThread().getContextClassLoader()); // not inherited since Java 19
            this.workers.add(worker);
        }
        try {
            this.workers.forEach(Thread::start);
        } catch (OutOfMemoryError e) { // there cannot be as many threads: those that have started end
            close();
            throw e;
        }
    }

    /**
     * Queues a request; waits while the queue is full. A dependent action of an answer, which runs on the worker, does
     * not wait, because nobody else would empty the queue: its requests may exceed the capacity.
     *
     * @return the future answer; the worker completes it, so dependent actions must be short
     * @throws RejectedExecutionException when the batcher is closed
     * @throws InterruptedException when the thread is interrupted while it waits
     */
    public CompletableFuture<O> submit(I item) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!closed && queue.size() >= settings.queueCapacity() && !isWorker()) {
                notFull.await();
            }
            return enqueue(item);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Queues a request unless the queue is full.
     *
     * @return the future answer, as for {@link #submit}; empty when the queue is full
     * @throws RejectedExecutionException when the batcher is closed
     */
    public Optional<CompletableFuture<O>> trySubmit(I item) {
        lock.lock();
        try {
            if (!closed && queue.size() >= settings.queueCapacity()) {
                return Optional.empty();
            }
            return Optional.of(enqueue(item));
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether this thread is one that runs batches, as in dependent actions of answers. */
    public boolean isWorker() {
        return workers.contains(Thread.currentThread());
    }

    private CompletableFuture<O> enqueue(I item) {
        if (closed) {
            throw new RejectedExecutionException(name + " is closed");
        }
        CompletableFuture<O> answer = new CompletableFuture<>();
        queue.add(new Request<>(item, answer, System.nanoTime() + settings.longestWaitNanos()));
        notEmpty.signal();
        return answer;
    }

    /** @param batch empty; used for one batch after another */
    private void run(List<Request<I, O>> batch) {
        try {
            while (nextInAnyCase(batch)) {
                try {
                    batch.removeIf(request -> request.answer.isDone()); // was canceled
                    if (!batch.isEmpty()) {
                        answer(batch);
                    }
                } catch (Throwable e) { // memory ran out between the requests
                    for (Request<I, O> request : batch) {
                        request.answer.completeExceptionally(e);
                    }
                }
                batch.clear();
            }
        } finally {
            if (running.decrementAndGet() == 0) {
                onFinished.run();
            }
        }
    }

    /** As {@link #next}; waiting takes memory, and if a worker ended without it, its requests would wait forever. */
    private boolean nextInAnyCase(List<Request<I, O>> batch) {
        while (true) {
            try {
                return next(batch);
            } catch (OutOfMemoryError e) {
                Thread.yield(); // to those who will free some
            }
        }
    }

    /** Waits for the next batch; returns false when the batcher is closed and the queue is empty. */
    private boolean next(List<Request<I, O>> batch) {
        lock.lock();
        try {
            while (queue.isEmpty() && !closed) {
                notEmpty.awaitUninterruptibly();
            }
            if (queue.isEmpty()) {
                return false;
            }
            awaitFullBatch(queue.element().deadlineNanos);
            int share = (queue.size() + workers.size() - 1) / workers.size();
            while (!queue.isEmpty() && batch.size() < Math.min(share, settings.batchSize())) {
                batch.add(queue.remove());
            }
            notFull.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many requests a full batch has. */
    private int full() {
        return Math.min(settings.batchSize(), settings.queueCapacity());
    }

    /** Waits until a batch is full, the deadline has passed, or the batcher is closed. */
    private void awaitFullBatch(long deadlineNanos) {
        long remaining = deadlineNanos - System.nanoTime();
        while (queue.size() < full() && !closed && remaining > 0) {
            try {
                remaining = notEmpty.awaitNanos(remaining);
            } catch (InterruptedException e) {
                return; // the worker is not expected to be interrupted; run what is queued
            }
        }
    }

    private void answer(List<Request<I, O>> batch) {
        try {
            List<O> answers = work.apply(batch.stream().map(Request::item).toList());
            if (answers.size() != batch.size()) {
                throw new IllegalStateException(
                        "number of answers must be " + batch.size() + ", one per request, but was " + answers.size());
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

    /** Rejects new requests, runs the queued ones and waits for them. Closing again has no effect. */
    @Override
    public void close() {
        close(() -> {});
    }

    /**
     * Rejects new requests, runs the queued ones, frees what they needed, and waits for all of this. A dependent action
     * of an answer, which runs on the worker, may call this too: then it returns at once, and the worker runs the
     * queued requests and frees afterwards.
     *
     * @param free called once, by a worker, after the last request; ignored if the batcher is already closed; must
     *     not throw
     */
    public void close(Runnable free) {
        lock.lock();
        try {
            if (!closed) {
                onFinished = free;
                closed = true;
            }
            notEmpty.signalAll();
            notFull.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        for (Thread worker : workers) {
            while (worker.isAlive() && !isWorker()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
