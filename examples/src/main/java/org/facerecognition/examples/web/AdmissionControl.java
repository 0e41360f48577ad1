package org.facerecognition.examples.web;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Bounds what is under way: how many requests are in, how many bytes of images they hold, and how many are computed at a
 * time. What finds no room is refused at once, to come again later; what is in waits for its turn, in order.
 */
/*
 * Computing is done by the same few threads, whichever thread a request came in by: malloc keeps what was freed for the thread
 * that had it, and OpenMP threads of its own for each thread that calls it. With 32 clients and photographs of 10 megapixels
 * that came to 2.8 GB.
 */
final class AdmissionControl {
    private static final int KIB = 1024;

    private final Semaphore requests;
    private final Semaphore kibibytes;
    private final ExecutorService workers;

    /**
     * @param requests at most in, waiting for their turn or for their bytes included
     * @param bytes of images at most held for them, encoded
     * @param turns at most computed at a time: each may need memory for a decoded image
     */
    AdmissionControl(int requests, long bytes, int turns) {
        this.requests = new Semaphore(requests);
        this.kibibytes = new Semaphore(Math.toIntExact(bytes / KIB));
        this.workers = Executors.newFixedThreadPool(turns, work -> {
            Thread thread = new Thread(work, "faces");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Being in; to be closed. */
    final class Place implements AutoCloseable {
        private final int kib;

        private Place(int kib) {
            this.kib = kib;
        }

        /**
         * Waits for a turn and uses it.
         *
         * @throws Refusal when nothing may begin any more; or what the work throws
         */
        <T> T compute(Supplier<T> work) {
            try {
                return CompletableFuture.supplyAsync(work, workers).join();
            } catch (RejectedExecutionException e) {
                throw new ApiException(503, "the server is ending");
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw e;
            }
        }

        @Override
        public void close() {
            kibibytes.release(kib);
            requests.release();
        }
    }

    /**
     * Comes in.
     *
     * @param bytes that will be held
     * @throws Refusal when there is no room
     */
    Place enter(long bytes) {
        int kib = Math.toIntExact((bytes + KIB - 1) / KIB);
        if (requests.tryAcquire()) {
            if (kibibytes.tryAcquire(kib)) {
                return new Place(kib);
            }
            requests.release();
        }
        throw new ApiException(503, "too many images are waiting already; try again in a moment");
    }

    /** How many more requests would be let in, if there are bytes for them. */
    int freePlaces() {
        return requests.availablePermits();
    }

    /**
     * Waits until nothing is computed any more, and lets nothing begin again.
     *
     * @return whether that was so in time
     */
    boolean end(long timeout, TimeUnit unit) {
        workers.shutdown();
        try {
            return workers.awaitTermination(timeout, unit);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
