package org.facerecognition.data;

import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The worker threads of a batch loader, which are daemon threads, and the ways to wait for their work. */
final class LoaderWorkers {
    private static final long MAX_SHUTDOWN_NANOS = 60_000_000_000L; // reading one image may take so long

    private final ExecutorService threads;
    private final Queue<Thread> started = new ConcurrentLinkedQueue<>();

    LoaderWorkers(int count) {
        threads = Executors.newFixedThreadPool(count, task -> {
            Thread thread = new Thread(null, task, "batch-loader", 0, false); // without the caller's thread locals
            thread.setDaemon(true);
            thread.setContextClassLoader(Thread.currentThread().getContextClassLoader()); // not inherited since Java 19
            started.add(thread);
            return thread;
        });
    }

    <T> Future<T> submit(Callable<T> task) {
        return threads.submit(task);
    }

    /**
     * Waits for a task's result; its exceptions and errors are thrown here.
     *
     * @throws IllegalStateException when this thread is interrupted
     */
    static <T> T await(Future<T> task) {
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            } else if (e.getCause() instanceof Error cause) { // such as that of a library whose file was deleted
                throw cause;
            }
            throw new IllegalStateException("reading a batch failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a batch", e);
        }
    }

    /**
     * Waits until a task has ended in any way, even when this thread is interrupted or memory runs out.
     *
     * @return whether the thread was interrupted meanwhile; its interrupt status is then cleared
     */
    static boolean awaitEnd(Future<?> task) {
        boolean interrupted = false;
        while (!task.isDone()) {
            try {
                task.get();
            } catch (ExecutionException | CancellationException | OutOfMemoryError e) {
                Thread.yield(); // if it has not ended, memory ran out, which waiting takes
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }

    /** Returns whether tasks are to end; a running one is interrupted after this has become true. */
    boolean areStopped() {
        return threads.isShutdown();
    }

    /**
     * Cancels the waiting tasks and waits for the running ones and for the threads, even when this thread is
     * interrupted.
     *
     * @return false when a task still runs after a minute
     */
    boolean shutdown() {
        for (Runnable waiting : threads.shutdownNow()) {
            if (waiting instanceof Future<?> future) {
                future.cancel(false); // otherwise closing an epoch later would wait for it forever
            }
        }
        boolean interrupted = false;
        try {
            long deadline = System.nanoTime() + MAX_SHUTDOWN_NANOS;
            while (true) {
                try {
                    if (!threads.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                        return false;
                    }
                    for (Thread thread : started) {
                        thread.join(); // the pool counts as terminated shortly before its threads have ended
                    }
                    return true;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
