package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.facerecognition.natives.OpenMp;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.Processors;
import org.jspecify.annotations.Nullable;

/**
 * The threads that run prepared networks: at most as many at a time as there are processors, in the whole process. A
 * caller computes on its own thread, and helpers join it, as long as there are processors for them. When there are more
 * callers than processors, the further ones wait, and pool threads do their work in the order in which they came: one
 * after another, or several at once where their requests admit that. Beside other programs that take processors,
 * {@value #FURTHER} further callers for each processor compute on their own threads, as callers of other libraries do,
 * so that the operating system does not give the processors away; not where the number of threads has a bound,
 * {@link Processors#areBounded}.
 *
 * <p>A virtual thread does not compute: pool threads do its work.
 *
 * <p>Each thread computes alone, without OpenMP's threads. OpenMP splits each layer, and at its end every thread waits
 * for the slowest: beside another program, for one that is not running. Here a call is cut into pieces that whoever is
 * free takes. A caller that gets no help does everything itself, and waits for nobody.
 */
final class ComputeThreads {
    private static final long IDLE_SECONDS = 60; // after which a pool thread ends
    private static final int FURTHER = 7; // callers for each processor, beside other programs
    private static final int MAX_FURTHER = 32; // in all: each has a workspace

    /** Work that several threads can do together. */
    interface Work {
        /** Returns how many helpers could do something; 0 if there is nothing to share out. */
        int usefulHelpers();

        /**
         * Takes pieces until none is left, and waits for those that helpers have taken.
         *
         * @param callHelpers calls helpers that are missing and for which there are processors; to be run now and then,
         *     because there may have been none before, or a helper has lost patience and left
         */
        void lead(Runnable callHelpers);

        /** Takes pieces until none is left. It may be called late, when nothing is left, or never. */
        void help();

        /** Gives back what the work holds; called instead of {@link #lead} when memory runs out before that. */
        default void abandon() {}
    }

    /** What a caller wants to be computed. */
    interface Request {
        /**
         * Makes the work, once a processor is free.
         *
         * @param joined requests that this one has admitted, whose results the work has to compute too
         */
        Work work(List<Request> joined);

        /**
         * Returns whether another request, which waits for a processor, can be computed together with this one.
         *
         * @param joined those that were admitted before it
         */
        default boolean admits(List<Request> joined, Request next) {
            return false;
        }
    }

    private final int count;
    private final Semaphore processors;
    private final int furtherCount;
    private final Semaphore further; // callers beside other programs
    private final Contention contention;
    private final Queue<Waiting> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger(); // about as many are in the queue, which would count them
    private final ThreadPoolExecutor pool;

    private static final class Holder {
        static final ComputeThreads THREADS =
                new ComputeThreads(Processors.count(), Processors.areBounded() ? 0 : FURTHER, new Contention());
    }

    /** @param count the number of threads that compute at the same time, at least 1 */
    ComputeThreads(int count) {
        this(count, 0, new Contention());
    }

    /**
     * @param count the number of threads that compute at the same time, at least 1
     * @param further how many times as many callers may compute in addition beside other programs
     * @param contention says whether there are other programs
     */
    ComputeThreads(int count, int further, Contention contention) {
        this(count, further, contention, new DaemonThreads());
    }

    /** @param factory makes the threads of the pool */
    ComputeThreads(int count, int further, Contention contention, ThreadFactory factory) {
        this.count = count;
        this.processors = new Semaphore(count);
        this.furtherCount = Math.min(MAX_FURTHER, further * count);
        this.further = new Semaphore(furtherCount);
        this.contention = contention;
        this.pool = new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE, // the processors are the limit
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(), // takes the thread that was idle for the shortest time: its cache is warm
                factory);
    }

    private static final class DaemonThreads implements ThreadFactory {
        private final AtomicInteger number = new AtomicInteger();

        @Override
        public Thread newThread(Runnable work) {
            String name = "face-compute-" + number.incrementAndGet();
            Thread thread = new Thread(null, work, name, 0, false); // without the first caller's thread locals
            thread.setDaemon(true);
            thread.setContextClassLoader(null); // that of the first caller could never be unloaded
            return thread;
        }
    }

    /** Returns the threads that all networks share; there are as many as {@link Processors} says at the first call. */
    static ComputeThreads shared() {
        Processors.count(); // a wrong setting is said each time, which an error in an initializer is not
        return Holder.THREADS;
    }

    /** Returns how many threads compute at the same time. */
    int count() {
        return count;
    }

    /** Runs a piece of work that does not wait for anything, and measures whether others take the processors. */
    void compute(Runnable piece) {
        int running = count - processors.availablePermits() + furtherCount - further.availablePermits();
        contention.measure(piece, count, Math.max(1, running));
    }

    /** Returns how many processors are free; another call may change that at any time. */
    int idle() {
        return processors.availablePermits();
    }

    /** Returns whether other programs take a part of the processors that matters. */
    boolean besideOthers() {
        return contention.present();
    }

    /**
     * Runs work as soon as a processor is free, and waits for it.
     *
     * @param work makes the work, when the processor is free
     */
    void run(Supplier<? extends Work> work) {
        run(joined -> work.get());
    }

    /** Runs what a request wants as soon as a processor is free, and waits for it. */
    void run(Request request) {
        Semaphore place = queue.isEmpty() && !PlatformThreads.isVirtual() ? place() : null;
        if (place != null) {
            try (OpenMp.Scope alone = OpenMp.alone()) {
                lead(request.work(List.of()));
            } finally {
                passOn(place);
            }
        } else {
            Waiting waiting = new Waiting(request);
            queue.add(waiting);
            queued.incrementAndGet();
            try {
                workOffQueue(); // a processor may have become free in the meantime
            } catch (RuntimeException | Error e) {
                if (remove(waiting)) { // what it needs is not the caller's any more after this
                    throw e;
                }
            }
            waiting.await();
        }
    }

    /** Takes a processor, or the place of a further caller beside other programs; null if there is none. */
    private @Nullable Semaphore place() {
        if (processors.tryAcquire()) {
            return processors;
        }
        return contention.present() && further.tryAcquire() ? further : null;
    }

    private void lead(Work work) {
        Helpers helpers;
        try {
            helpers = new Helpers(work);
            helpers.run();
        } catch (RuntimeException | Error e) {
            work.abandon();
            throw e;
        }
        work.lead(helpers);
    }

    /** Calls the helpers of one work; run by its leader. */
    private final class Helpers implements Runnable {
        private final Work work;
        private final AtomicInteger present = new AtomicInteger(); // those who were called too
        private final AtomicInteger called = new AtomicInteger(); // those who did not look for a processor yet

        Helpers(Work work) {
            this.work = work;
        }

        @Override
        public void run() {
            int missing = Math.min(work.usefulHelpers() - present.get(), processors.availablePermits() - called.get());
            for (int i = 0; i < missing; i++) {
                present.incrementAndGet();
                called.incrementAndGet();
                try {
                    pool.execute(this::help);
                } catch (OutOfMemoryError e) { // no further thread can be started: the leader does the work
                    present.decrementAndGet();
                    called.decrementAndGet();
                    return;
                }
            }
        }

        private void help() {
            boolean free = processors.tryAcquire();
            called.decrementAndGet();
            try {
                if (free) {
                    try (OpenMp.Scope alone = OpenMp.alone()) {
                        work.help();
                    } finally {
                        passOn(processors);
                    }
                }
            } finally {
                present.decrementAndGet();
            }
        }
    }

    /** Passes this thread's place on to those who wait. */
    private void passOn(Semaphore place) {
        place.release();
        workOffQueue();
    }

    private void workOffQueue() {
        Semaphore place = queue.isEmpty() ? null : place();
        if (place != null) {
            runQueueAt(place);
        }
    }

    private void runQueueAt(Semaphore place) {
        try {
            pool.execute(() -> runWaiting(place));
        } catch (OutOfMemoryError e) { // no further thread can be started: this one does the work
            runWaiting(place);
        }
    }

    private void runWaiting(Semaphore place) {
        try (OpenMp.Scope alone = OpenMp.alone()) {
            for (Waiting next; (place == processors || contention.present()) && (next = queue.poll()) != null; ) {
                queued.decrementAndGet();
                next.run();
            }
        } finally {
            passOn(place);
        }
    }

    private boolean remove(Waiting waiting) {
        boolean removed = queue.remove(waiting);
        if (removed) {
            queued.decrementAndGet();
        }
        return removed;
    }

    /**
     * Removes from the queue those that a request admits: at most its processor's share, a power of two with it.
     *
     * @param group receives them; each is there before it leaves the queue, so that it is not lost if memory runs out
     */
    private void takeThoseWhoJoin(Request request, List<Waiting> group) {
        synchronized (queue) { // so that the processors' shares are equal
            int most = Integer.highestOneBit((Math.max(0, queued.get()) + count) / count) - 1;
            List<Request> joined = new ArrayList<>(most);
            for (Waiting waiting : queue) {
                if (joined.size() == most) {
                    break;
                }
                if (request.admits(joined, waiting.request)) {
                    group.add(waiting);
                    if (remove(waiting)) {
                        joined.add(waiting.request);
                    } else {
                        group.remove(group.size() - 1);
                    }
                }
            }
        }
    }

    /** A call that waits for a processor. */
    private final class Waiting {
        private final Request request;
        private final List<Waiting> others = new ArrayList<>(); // that are computed with this one
        private final CountDownLatch done = new CountDownLatch(1);
        private volatile @Nullable Throwable failure;

        Waiting(Request request) {
            this.request = request;
        }

        /** Computes what is wanted, with others that wait; if that fails, each alone: the others need not fail too. */
        void run() {
            try {
                takeThoseWhoJoin(request, others);
                lead(request.work(others.stream().map(other -> other.request).toList()));
            } catch (Throwable e) {
                if (others.isEmpty()) {
                    failure = e;
                } else {
                    runAlone();
                    for (Waiting other : others) {
                        other.runAlone();
                    }
                }
            } finally {
                for (Waiting other : others) {
                    other.done.countDown();
                }
                done.countDown();
            }
        }

        private void runAlone() {
            try {
                lead(request.work(List.of()));
            } catch (Throwable e) {
                failure = e;
            } finally {
                done.countDown();
            }
        }

        void await() {
            uninterruptibly(done);
            rethrow(failure);
        }
    }

    /** Waits for other threads whatever happens: they use what the caller owns. */
    static void uninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (OutOfMemoryError e) { // there is none to wait with
                Thread.yield();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Throws another thread's unchecked exception; null is none. */
    static void rethrow(@Nullable Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }
}
