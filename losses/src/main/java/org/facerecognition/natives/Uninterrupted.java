package org.facerecognition.natives;

import java.util.function.Supplier;

/**
 * Reads files on a thread that may have been interrupted, for what is decided once in a process: Java closes a channel
 * that such a thread uses, so that a file seems to be unreadable.
 */
public final class Uninterrupted {
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
}
