package org.facerecognition.vision;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.facerecognition.natives.Processors;

/**
 * A pool of OpenCV's networks, which makes them usable from many threads.
 *
 * <p>A network keeps the size of its last image and buffers for it, so that one must not serve two threads at the same
 * time. The pool has at most as many as there are processors (and at least two), since more would only wait for one
 * another; networks that are not in use are kept for the next caller.
 *
 * @param <T> the type of the networks
 */
final class DetectorPool<T> implements AutoCloseable {
    private final Supplier<T> factory;
    private final Consumer<T> disposal;
    private final Deque<T> idle = new ArrayDeque<>(); // guarded by itself
    private final Semaphore permits = new Semaphore(Math.max(2, Processors.count()), true);

    /**
     * @param factory makes a network, which no scope of the caller may close
     * @param disposal frees it
     */
    DetectorPool(Supplier<T> factory, Consumer<T> disposal) {
        this.factory = factory;
        this.disposal = disposal;
    }

    /** Runs work with a network that no other thread uses meanwhile, and returns its result. */
    <R> R with(Function<T, R> work) {
        T network = acquire();
        try {
            return work.apply(network);
        } finally {
            release(network);
        }
    }

    private T acquire() {
        permits.acquireUninterruptibly();
        try {
            synchronized (idle) {
                if (!idle.isEmpty()) {
                    return idle.pop();
                }
            }
            return factory.get();
        } catch (RuntimeException | Error e) { // such as too little memory
            permits.release();
            throw e;
        }
    }

    private void release(T network) {
        synchronized (idle) {
            idle.push(network);
        }
        permits.release();
    }

    /** Frees the idle networks; none may be in use. */
    @Override
    public void close() {
        idle.forEach(disposal);
    }
}
