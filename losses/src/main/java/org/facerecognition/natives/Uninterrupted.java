package org.facerecognition.natives;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Uses files on a thread that may have been interrupted, for what is decided once in a process: Java closes a channel
 * that such a thread uses, so that a file seems to be unreadable.
 */
public final class Uninterrupted {
    /** oneDNN's library needs more than 512 KiB while it is loaded, with which servers often start their threads. */
    private static final long STACK_BYTES = 8 << 20;

    private Uninterrupted() {}

    /** Runs work, and restores the thread's interrupted status afterwards. */
    public static void run(Runnable work) {
        get(() -> {
            work.run();
            return true;
        });
    }

    /** Runs work as {@link #run} does, and returns its result. */
    public static <T> T get(Supplier<T> work) {
        boolean interrupted = Thread.interrupted();
        try {
            return work.get();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Runs work that takes long, so that an interrupt may well come in the middle of it, on a thread of its own, and
     * waits until it has ended. The work must not need a lock that this thread holds. Where no thread can be started,
     * this one runs it.
     */
    static void runAside(Runnable work) {
        FutureTask<Boolean> task = new FutureTask<>(work, true);
        Thread thread = new Thread(null, task, "face-libraries", STACK_BYTES);
        thread.setDaemon(true);
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            run(task);
        }
        outcome(task, () -> {});
    }

    /**
     * Waits for the end of a task that another thread runs, also when this one is interrupted.
     *
     * @param onInterrupt is run at each interrupt
     * @return what the task returns; its unchecked exceptions are thrown here
     */
    static <T extends @Nullable Object> T outcome(FutureTask<T> task, Runnable onInterrupt) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                    onInterrupt.run();
                } catch (OutOfMemoryError e) { // there is none to wait with; the task may use what the caller frees
                    Thread.yield();
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
