package org.facerecognition.natives;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

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
 * while another thread waits to close. A use begins and ends on the same thread. Entering costs about as much as a
 * read lock and never waits, however many threads are in a use.
 */
/*
 * A ReentrantReadWriteLock would have at most 65,535 readers before Java 25, and a server may have more virtual
 * threads. Here nobody ever waits to enter: a thread that uses one object and enters another cannot be part of a
 * deadlock with threads that close them. The flag keeps new users out, so that closing does not wait forever.
 */
public final class Lifetime {
    private final String subject;
    private final Use use = this::leave;
    private final AtomicInteger users = new AtomicInteger(); // threads in a use
    private final ThreadLocal<int[]> uses = new ThreadLocal<>(); // of a thread that is in some; removed with the last
    private final ReentrantLock oneCloses = new ReentrantLock();
    private volatile @Nullable Thread closer; // waits for the last user
    private volatile boolean closing;
    private boolean freed; // guarded by oneCloses

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
        int[] count = uses.get();
        if (count != null) {
            count[0]++;
            return use;
        }
        if (closing) {
            throw isClosed();
        }
        try {
            uses.set(new int[] {1});
        } catch (OutOfMemoryError e) { // it may be set nevertheless
            uses.remove();
            throw e;
        }
        users.incrementAndGet();
        if (closing) { // it began in the meantime
            leave();
            throw isClosed();
        }
        return use;
    }

    private void leave() {
        int[] count = uses.get();
        if (count == null) {
            throw new IllegalMonitorStateException(subject + " is not used by this thread");
        }
        if (--count[0] == 0) {
            uses.remove();
            if (users.decrementAndGet() == 0) {
                LockSupport.unpark(closer);
            }
        }
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
        requireNoUse();
        closing = true;
        oneCloses.lock();
        try {
            if (!freed) {
                awaitUsers();
                freed = true;
                free.run();
            }
        } finally {
            oneCloses.unlock();
        }
    }

    /**
     * Ensures that this thread may close the object, for owners that close other things before.
     *
     * @throws IllegalStateException if this thread is in a use
     */
    public void requireNoUse() {
        if (uses.get() != null) {
            throw new IllegalStateException(
                    subject + " must not be closed within a call that uses it; close it after that call");
        }
    }

    /** Waits until no thread is in a use, whatever happens. */
    private void awaitUsers() {
        boolean interrupted = false;
        closer = Thread.currentThread(); // before the users are counted: the last one after this wakes it
        while (users.get() > 0) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted(); // with its status set it would not park
        }
        closer = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
