package org.facerecognition.examples.web;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Limits the load on the server: the number of requests in progress, the bytes of images they hold, and the number of
 * computations that run at the same time. A request that exceeds a limit is rejected at once with status 503. An
 * admitted request waits for a free worker, first come, first served. What may wait for the gallery, such as for a
 * database that does not answer, has other workers, so that images are analyzed in the meantime. A request counts as in
 * progress, with its image, until it has its answer, so that new ones are rejected once as many wait as are admitted.
 */
/*
 * Fixed pools of workers do all computations, whichever thread received the request: malloc keeps freed memory for the
 * thread that allocated it, and OpenMP creates a team of threads for each thread that calls it. With one computing
 * thread per request, 32 clients sending 10-megapixel photographs drove memory use to 2.8 GB.
 */
final class AdmissionControl {
    private static final int KIB = 1024;
    private static final long MAX_BYTES = 256L << 20;
    private static final int MEMORY_PER_BYTES = 4;
    private static final int MAX_LISTINGS = 16; // at the same time; each counts all entries
    private static final int MAX_THUMBNAILS = 48; // at the same time; each looks for its entry

    private final Semaphore requests;
    private final Semaphore kibibytes;
    private final Semaphore listings = new Semaphore(MAX_LISTINGS);
    private final Semaphore thumbnails = new Semaphore(MAX_THUMBNAILS);
    private final ExecutorService workers;
    private final ExecutorService galleryWorkers;

    /**
     * @param maxRequests the largest number of requests in progress, including those that wait for a worker or for the
     *     rest of their body
     * @param maxBytes the largest number of bytes that these requests may hold as encoded images
     * @param maxConcurrent the number of computations that may run at the same time; each may need memory for a decoded
     *     image; as many may use the gallery
     */
    AdmissionControl(int maxRequests, long maxBytes, int maxConcurrent) {
        this.requests = new Semaphore(maxRequests);
        this.kibibytes = new Semaphore(Math.toIntExact(maxBytes / KIB));
        this.workers = pool("faces", maxConcurrent);
        this.galleryWorkers = pool("gallery", maxConcurrent);
    }

    private static ExecutorService pool(String name, int threads) {
        return Executors.newFixedThreadPool(threads, work -> {
            Thread thread = new Thread(null, work, name, 0, false);
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Returns the number of bytes that requests in progress should hold together: at most a quarter of Java's memory,
     * but room for one comparison.
     */
    static long maxBytes(long maxMemory) {
        return Math.max(2L * Upload.MAX_BYTES, Math.min(MAX_BYTES, maxMemory / MEMORY_PER_BYTES));
    }

    /** The right of one request to be in progress. The request closes it when it is done. */
    final class Permit implements AutoCloseable {
        private final int kib;

        private Permit(int kib) {
            this.kib = kib;
        }

        /**
         * Runs the work, which must not wait for the gallery, on a worker thread and waits for its result. Exceptions
         * and errors of the work are rethrown.
         *
         * @throws ApiException when the server is shutting down
         */
        <T> T compute(Supplier<T> work) {
            return run(work, workers);
        }

        /** Does the same with work that uses the gallery. */
        <T> T useGallery(Supplier<T> work) {
            return run(work, galleryWorkers);
        }

        private <T> T run(Supplier<T> work, ExecutorService pool) {
            try {
                return CompletableFuture.supplyAsync(
                                () -> {
                                    if (isShuttingDown()) { // nobody waits for what has not begun
                                        throw shuttingDown();
                                    }
                                    return work.get();
                                },
                                pool)
                        .join();
            } catch (RejectedExecutionException e) {
                throw shuttingDown();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                if (e.getCause() instanceof Error error) {
                    throw error;
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

    private static ApiException shuttingDown() {
        return new ApiException(503, "the server is shutting down");
    }

    /**
     * Admits a request.
     *
     * @param bytes the number of bytes that the request will hold
     * @throws ApiException when a limit is reached
     */
    Permit admit(long bytes) {
        int kib = Math.toIntExact((bytes + KIB - 1) / KIB);
        if (requests.tryAcquire()) {
            if (kibibytes.tryAcquire(kib)) {
                return new Permit(kib);
            }
            requests.release();
        }
        throw new ApiException(503, "too many images are already waiting; try again in a moment");
    }

    /**
     * Lists the gallery for a request without an image, on the calling thread.
     *
     * @throws ApiException when too many requests do so
     */
    <T> T list(Callable<T> listing) throws Exception {
        return limited(listings, listing);
    }

    /** Does the same with the thumbnail of an entry. */
    <T> T thumbnail(Callable<T> thumbnail) throws Exception {
        return limited(thumbnails, thumbnail);
    }

    private static <T> T limited(Semaphore limit, Callable<T> work) throws Exception {
        if (!limit.tryAcquire()) {
            throw new ApiException(503, "too many requests are already waiting for the gallery; try again in a moment");
        }
        try {
            return work.call();
        } finally {
            limit.release();
        }
    }

    /** Returns how many more requests could be admitted if their bytes did not matter. */
    int availableRequests() {
        return requests.availablePermits();
    }

    boolean isShuttingDown() {
        return workers.isShutdown();
    }

    /**
     * Accepts no more work, refuses what waits, also for the gallery after its image was analyzed, and waits until the
     * work in progress has finished.
     *
     * @return whether it finished within the timeout
     */
    boolean shutDown(long timeout, TimeUnit unit) {
        long end = System.nanoTime() + unit.toNanos(timeout);
        workers.shutdown();
        galleryWorkers.shutdown();
        try {
            return workers.awaitTermination(timeout, unit)
                    && galleryWorkers.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
