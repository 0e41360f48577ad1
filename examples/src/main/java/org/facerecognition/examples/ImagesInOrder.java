package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.facerecognition.data.DataException;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.OpenCvThreads;

/**
 * Examines many images on all processors, and reports on them in their order. Only a few are examined ahead, so that
 * memory does not grow with their number.
 */
final class ImagesInOrder {
    private static final int AHEAD = 4; // images per processor

    private ImagesInOrder() {}

    /** Examines an image, on any thread. */
    interface Examination<T> {
        T of(ImageFileNames file) throws IOException;
    }

    /**
     * How many images there were.
     *
     * @param unusable those that could not be read, or whose results could not be written
     * @param stopped why the images after these were not examined: no result can be written
     */
    record Count(int examined, int unusable, Optional<UncheckedIOException> stopped) {
        /** Returns the end of a sentence on what was done: nothing if all images could be used. */
        String unusableNote() {
            return unusable == 0 ? "" : "; " + unusable + (unusable == 1 ? " image" : " images") + " could not be used";
        }

        /**
         * Returns the exit code of a command that has reported what it did.
         *
         * @throws UncheckedIOException when it was stopped
         */
        int exitCode(ImageFileNames.Given given) {
            if (stopped.isPresent()) {
                throw stopped.get();
            }
            return given.complete() && unusable == 0 ? 0 : Main.FAILED;
        }
    }

    private record Pending<T>(ImageFileNames file, Future<T> result) {}

    /**
     * Examines all images, and shows how far it is. One that cannot be used does not stop the others, and why goes to
     * {@code err}. An UncheckedIOException of an examination stops them, for the caller to throw when it has reported
     * what was done; any other failure ends this method.
     *
     * @param doing in a word, for the display of progress
     * @param report is given the results in the order of the images, on this thread
     * @throws IOException when an examination throws one
     */
    static <T> Count examine(
            List<ImageFileNames> files,
            String doing,
            PrintWriter err,
            Examination<T> examination,
            BiConsumer<ImageFileNames, T> report)
            throws IOException {
        int examined = 0;
        int unusable = 0;
        int threads = Processors.count();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        Deque<Pending<T>> pending = new ArrayDeque<>();
        Iterator<ImageFileNames> next = files.iterator();
        try (ImagesProgress progress = new ImagesProgress(err, doing, files.size());
                OpenCvThreads.Scope alone = OpenCvThreads.one()) {
            while (next.hasNext() || !pending.isEmpty()) {
                while (next.hasNext() && pending.size() < AHEAD * threads) {
                    ImageFileNames file = next.next();
                    pending.add(new Pending<>(file, pool.submit(() -> examination.of(file))));
                }
                Pending<T> first = pending.remove();
                Optional<T> result;
                try {
                    result = Optional.of(await(first.result));
                } catch (DataException e) {
                    result = Optional.empty();
                    unusable++;
                    err.println(e.getMessage());
                } catch (UncheckedIOException e) {
                    return new Count(examined, unusable, Optional.of(e));
                }
                if (result.isPresent()) {
                    report.accept(first.file, result.get());
                    examined++;
                }
                progress.step();
            }
        } finally {
            pending.forEach(image -> image.result.cancel(false));
            end(pool);
        }
        return new Count(examined, unusable, Optional.empty());
    }

    /** Waits for the images that are being examined: the caller closes what they use. */
    private static void end(ExecutorService pool) {
        pool.shutdown();
        try {
            while (!pool.awaitTermination(1, TimeUnit.MINUTES)) {
                // an image takes milliseconds, its file system perhaps longer
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static <T> T await(Future<T> result) throws IOException {
        try {
            return result.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for an image", e);
        }
    }
}
