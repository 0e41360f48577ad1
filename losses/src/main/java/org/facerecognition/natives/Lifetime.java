package org.facerecognition.natives;

import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The lifetime of an object that many threads use and one thread closes: uses in progress finish before the memory of
 * the object is freed, and later uses are rejected with "X is closed". The owner keeps a lifetime as a field:
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
 *     lifetime.close(() -> ...); // frees, once, when no use is in progress
 * }
 * }</pre>
 *
 * <p>Every public method that touches what close frees enters first. Methods that call each other may enter again, even
 * while another thread waits to close. A use begins and ends on the same thread. Entering costs as much as a read lock
 * and never waits.
 */
/*
 * Uses hold the read lock of a ReentrantReadWriteLock, which counts per thread; closing takes the write lock. Readers
 * use tryLock, which does not queue behind a waiting writer: a thread that uses one object and enters another cannot be
 * part of a deadlock with threads that close them. The flag keeps new users out, so that the writer does not wait
 * forever.
 */
public final class Lifetime {
    private final String subject;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final Use use = lock.readLock()::unlock;
    private volatile boolean closing;
    private boolean freed; // guarded by the write lock

    /** A use in progress, owned by the thread that began it. */
    @FunctionalInterface
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Creates the lifetime of an open object.
     *
     * @param subject the object, as the subject of a sentence, such as "gallery people.gallery"
     */
    public Lifetime(String subject) {
        this.subject = subject;
    }

    /**
     * Begins a use.
     *
     * @return owned by this thread, which closes it once
     * @throws IllegalStateException if the object is closed, or another thread is closing it and this thread is not in
     *     a use already
     */
    public Use enter() {
        boolean nested = lock.getReadHoldCount() > 0;
        if ((closing && !nested) || !lock.readLock().tryLock()) {
            throw isClosed();
        }
        if (closing && !nested) { // closing began in the meantime
            lock.readLock().unlock();
            throw isClosed();
        }
        return use;
    }

    private IllegalStateException isClosed() {
        return new IllegalStateException(subject + " is closed");
    }

    /** Returns whether the object is closed or being closed, so that new uses are rejected. */
    public boolean closed() {
        return closing;
    }

    /**
     * Rejects further uses, waits for those in progress, and frees. A second call waits for the first and does nothing.
     *
     * @param free frees the memory; called at most once in the life of the object. Its exceptions are passed on
     * @throws IllegalStateException if this thread is in a use, for whose end it would wait forever; the object stays
     *     open
     */
    public void close(Runnable free) {
        if (lock.getReadHoldCount() > 0) {
            throw new IllegalStateException(
                    subject + " must not be closed within a call that uses it; close it after that call");
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
