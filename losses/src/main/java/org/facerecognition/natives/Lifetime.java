package org.facerecognition.natives;

import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The life of an object that many threads use and one closes: uses under way are finished before its memory is freed,
 * and uses that begin later are refused with "X is closed". The owner keeps one as a field:
 *
 * <pre>{@code
 * private final Lifetime lifetime = new Lifetime("face detector " + file);
 *
 * public List<DetectedFace> detect(Mat image) {
 *     try (Lifetime.Use use = lifetime.enter()) { // throws IllegalStateException when it is closed
 *         ...
 *     }
 * }
 *
 * public void close() {
 *     lifetime.close(() -> ...); // frees, once, when nobody is at work
 * }
 * }</pre>
 *
 * <p>Every public method that touches what close frees enters; methods that call each other may enter again, also while
 * somebody waits to close. A use begins and ends on one thread. It costs as much as a read lock, and never waits.
 */
/*
 * Uses hold the read lock of a ReentrantReadWriteLock, which counts for each thread; closing takes the write lock.
 * Readers use tryLock, which does not queue behind a waiting writer: a thread that uses one object and enters another
 * cannot be part of a deadlock with threads that close them. The flag keeps new users out, so that the writer is not
 * kept waiting for ever.
 */
public final class Lifetime {
    private final String what;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final Use use = lock.readLock()::unlock;
    private volatile boolean closing;
    private boolean freed; // guarded by the write lock

    /** A use that is under way, to be closed by the thread that has begun it. */
    @FunctionalInterface
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /** @param what the object, as the subject of a sentence: "gallery people.gallery" */
    public Lifetime(String what) {
        this.what = what;
    }

    /**
     * Begins a use.
     *
     * @return to be closed by this thread, once
     * @throws IllegalStateException when it is closed, or another thread is closing it and this one is not in a use yet
     */
    public Use enter() {
        boolean nested = lock.getReadHoldCount() > 0;
        if ((closing && !nested) || !lock.readLock().tryLock()) {
            throw isClosed();
        }
        if (closing && !nested) { // since a moment ago
            lock.readLock().unlock();
            throw isClosed();
        }
        return use;
    }

    private IllegalStateException isClosed() {
        return new IllegalStateException(what + " is closed");
    }

    /** Whether uses are refused: it is closed or being closed. */
    public boolean closed() {
        return closing;
    }

    /**
     * Refuses further uses, waits for those under way, and frees. A second call waits for the first and does nothing.
     *
     * @param free called at most once in the life of the object; what it throws, this throws
     * @throws IllegalStateException when this thread is in a use, for whose end it would wait for ever; the object
     *     stays open
     */
    public void close(Runnable free) {
        if (lock.getReadHoldCount() > 0) {
            throw new IllegalStateException(
                    what + " must not be closed within a call that uses it; close it after that call");
        }
        closing = true;
        lock.writeLock().lock();
        try {
            if (!freed) {
                freed = true;
                free.run();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
