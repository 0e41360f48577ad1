package org.facerecognition.data;

import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.OpenCvThreads;
import org.jspecify.annotations.Nullable;

/**
 * The way from many images to their embeddings, in order: pool threads read the next images and crop their faces, while
 * this thread has batches of crops embedded. A bounded number of crops is ahead, so that memory does not grow with the
 * number of images. The pool serves all callers; an image that is still in its queue when it is needed is cropped by
 * this thread, which therefore does not wait for images of others that came before.
 */
public final class EmbeddingPipeline implements Iterator<EmbeddedImage> {
    /** The number of images that are embedded together. */
    public static final int BATCH = 16;

    private static final int AHEAD = 4 * BATCH; // images that are being read, or wait to be embedded

    /** The network's input of an image: [S, S, 3]. */
    private record Input(byte[] pixels, Optional<DetectedFace> face) {
        static final Input NONE = new Input(new byte[0], Optional.empty());

        static Input of(FaceCropper.Located crop) {
            try (Mat pixels = crop.pixels()) {
                return new Input(ImageReader.pixels(pixels), crop.face());
            }
        }
    }

    /** An image whose input is being made. */
    private record Pending(ImageSource image, Future<Input> input) {}

    private static final class Pool {
        static final ThreadPoolExecutor THREADS = threads();

        private static ThreadPoolExecutor threads() {
            int count = Processors.count();
            ThreadPoolExecutor pool =
                    new ThreadPoolExecutor(count, count, 60, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> {
                        Thread thread = new Thread(null, work, "face-crop", 0, false); // without the caller's locals
                        thread.setDaemon(true);
                        thread.setContextClassLoader(null); // that of the first caller could never be unloaded
                        return thread;
                    });
            pool.allowCoreThreadTimeOut(true);
            return pool;
        }
    }

    private final ContextLoader context = new ContextLoader();
    private final Iterator<? extends ImageSource> images;
    private final Function<ImageSource, FaceCropper.Located> crop;
    private final Function<List<byte[]>, float[][]> embed;
    private final boolean tolerant; // whether what a program's own image source throws is a problem of that image
    private final Deque<Pending> pending = new ArrayDeque<>();
    private final Deque<EmbeddedImage> ready = new ArrayDeque<>();
    private long taken; // images
    private @Nullable RuntimeException noMoreImages; // why the next image could not be taken
    private @Nullable ImageSource failing;
    private @Nullable Throwable failed; // unchecked, of an image, beyond that image; comes after the results before it
    private volatile boolean canceled;

    /**
     * @param crop makes the network's input. Called from any thread
     * @param embed maps crops to unit-norm embeddings
     */
    private EmbeddingPipeline(
            Iterator<? extends ImageSource> images,
            Function<ImageSource, FaceCropper.Located> crop,
            Function<List<byte[]>, float[][]> embed,
            boolean tolerant) {
        this.images = images;
        this.crop = crop;
        this.embed = embed;
        this.tolerant = tolerant;
    }

    /**
     * Embeds all images of a list.
     *
     * @param crop makes the network's input of an image. Called from any thread
     * @param embed maps the pixels of crops, [S, S, 3], to unit-norm embeddings
     * @throws DataException the first problem, in the order of the images
     */
    public static List<float[]> embedAll(
            List<? extends ImageSource> images,
            Function<ImageSource, FaceCropper.Located> crop,
            Function<List<byte[]>, float[][]> embed) {
        if (images.size() == 1) { // OpenCV may use all processors for it
            Input input = Input.of(crop.apply(images.get(0)));
            return List.of(embed.apply(List.of(input.pixels())));
        }
        EmbeddingPipeline pipeline = new EmbeddingPipeline(images.iterator(), crop, embed, false);
        List<float[]> embeddings = new ArrayList<>();
        try (OpenCvThreads.Scope alone = OpenCvThreads.one()) {
            while (pipeline.hasNext()) {
                EmbeddedImage next = pipeline.next();
                embeddings.add(next.embedding().orElseThrow(() -> next.problem().orElseThrow()));
            }
            return List.copyOf(embeddings);
        } finally {
            pipeline.cancel();
        }
    }

    /**
     * Returns an element for each image, in the same order; for one thread, to be used once. A failure to take the
     * next image, or of an image for another reason than this image, comes after the elements of those before.
     *
     * @param images are taken as they are needed
     * @param crop as for {@link #embedAll}
     * @param embed as for {@link #embedAll}
     */
    public static Stream<EmbeddedImage> stream(
            Stream<? extends ImageSource> images,
            Function<ImageSource, FaceCropper.Located> crop,
            Function<List<byte[]>, float[][]> embed) {
        EmbeddingPipeline pipeline = new EmbeddingPipeline(images.iterator(), crop, embed, true);
        return StreamSupport.stream(
                        Spliterators.spliteratorUnknownSize(pipeline, Spliterator.ORDERED | Spliterator.NONNULL), false)
                .onClose(pipeline::cancel)
                .onClose(images::close);
    }

    @Override
    public boolean hasNext() {
        return !ready.isEmpty()
                || failed != null
                || !pending.isEmpty()
                || noMoreImages != null
                || (!canceled && images.hasNext());
    }

    @Override
    public EmbeddedImage next() {
        if (ready.isEmpty()) {
            embedBatch();
        }
        return ready.remove();
    }

    private void readAhead() {
        while (pending.size() < AHEAD && noMoreImages == null && !canceled) {
            ImageSource image = nextImage();
            if (image == null) {
                return;
            }
            Processors.count(); // a wrong setting is said each time, which an error in an initializer is not
            pending.add(new Pending(image, Pool.THREADS.submit(() -> {
                if (canceled) {
                    return Input.NONE;
                }
                try (OpenCvThreads.Scope alone = OpenCvThreads.one()) {
                    return context.call(() -> Input.of(crop.apply(image)));
                }
            })));
        }
    }

    private @Nullable ImageSource nextImage() {
        try {
            if (!images.hasNext()) {
                return null;
            }
            ImageSource image = Objects.requireNonNull(
                    images.next(), () -> "images must not be null, but the one at index " + taken + " was");
            taken++;
            return image;
        } catch (RuntimeException e) { // of a folder that cannot be listed, for example
            noMoreImages = e;
            return null;
        }
    }

    private void embedBatch() {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("interrupted while images were embedded");
        }
        rethrow();
        readAhead();
        if (pending.isEmpty()) {
            RuntimeException failure = noMoreImages;
            if (failure != null) {
                noMoreImages = null;
                canceled = true; // there is nothing after it
                throw failure;
            }
            throw new NoSuchElementException("there are no more images");
        }
        List<ImageSource> sources = new ArrayList<>();
        List<Optional<DetectedFace>> faces = new ArrayList<>();
        List<@Nullable DataException> problems = new ArrayList<>();
        List<byte[]> crops = new ArrayList<>();
        while (sources.size() < BATCH && !pending.isEmpty() && failed == null) {
            Pending first = pending.element();
            beginIfQueued(first.input);
            awaitEnd(first.input); // in the queue, where an interrupt leaves it for cancel to wait for
            pending.remove();
            try {
                Input input = result(first.input);
                sources.add(first.image);
                crops.add(input.pixels());
                faces.add(input.face());
                problems.add(null);
            } catch (RuntimeException | Error e) {
                DataException problem = e instanceof RuntimeException ofImage ? problem(first.image, ofImage) : null;
                if (problem == null) {
                    failed = e;
                    failing = first.image;
                } else {
                    sources.add(first.image);
                    faces.add(Optional.empty());
                    problems.add(problem);
                }
            }
        }
        if (sources.isEmpty()) {
            rethrow();
        }
        readAhead(); // goes on while this thread embeds
        float[][] embeddings = embedded(crops);
        int next = 0;
        for (int i = 0; i < sources.size(); i++) {
            DataException problem = problems.get(i);
            if (problem == null && next == embeddings.length) { // of which the failure is
                for (int later = sources.size() - 1; later > i; later--) {
                    giveBack(sources.get(later), faces.get(later), problems.get(later), crops);
                }
                break;
            }
            ready.add(new EmbeddedImage(
                    sources.get(i),
                    problem == null ? Optional.of(embeddings[next++]) : Optional.empty(),
                    faces.get(i),
                    Optional.ofNullable(problem)));
        }
        if (ready.isEmpty()) {
            rethrow();
        }
    }

    /** Puts an image before the others again, the last of a batch first. */
    private void giveBack(
            ImageSource image, Optional<DetectedFace> face, @Nullable DataException problem, List<byte[]> crops) {
        pending.addFirst(new Pending(
                image,
                problem != null
                        ? CompletableFuture.failedFuture(problem)
                        : CompletableFuture.completedFuture(new Input(crops.remove(crops.size() - 1), face))));
    }

    /** Embeds crops; if that fails, one by one, up to the one that is the cause. */
    private float[][] embedded(List<byte[]> crops) {
        try {
            return embed.apply(crops);
        } catch (RuntimeException | Error e) {
            List<float[]> before = new ArrayList<>();
            try {
                for (byte[] one : crops) {
                    before.add(embed.apply(List.of(one))[0]);
                }
            } catch (RuntimeException | Error ofOne) {
                if (failed != null) { // of the image after this batch: its turn comes again
                    pending.addFirst(
                            new Pending(Objects.requireNonNull(failing), CompletableFuture.failedFuture(failed)));
                }
                failed = ofOne;
            }
            return before.toArray(new float[0][]);
        }
    }

    private void rethrow() {
        Throwable failure = failed;
        failed = null;
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }

    /** Returns why an image cannot be used; null for a failure that does not come from this image alone. */
    private @Nullable DataException problem(ImageSource image, RuntimeException failure) {
        if (failure instanceof DataException problem) {
            return problem;
        }
        if (tolerant && failure instanceof UncheckedIOException reading) { // of a program's own image source
            String why = AtomicFile.reason(Objects.requireNonNull(reading.getCause()));
            return new DataException("image " + image.name() + " cannot be read: " + why, failure);
        }
        boolean ofImage = failure instanceof IllegalArgumentException // a Mat of another type, for example
                || failure.getClass() == RuntimeException.class; // that of OpenCV's errors
        return tolerant && ofImage
                ? new DataException(
                        "image " + image.name() + " cannot be used: " + NativeErrors.reason(failure), failure)
                : null;
    }

    /** Does here what no thread of the pool has begun; they may be busy with slow images of other callers. */
    private static void beginIfQueued(Future<Input> input) {
        if (!input.isDone() && !Thread.currentThread().isInterrupted() && isWithdrawn(input)) {
            ((Runnable) input).run();
        }
    }

    private static void awaitEnd(Future<Input> input) {
        try {
            input.get();
        } catch (ExecutionException e) {
            // result says so
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for an image", e);
        }
    }

    /** Returns the result of an image that has ended. */
    private static Input result(Future<Input> input) {
        try {
            return input.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        } catch (InterruptedException e) {
            throw new IllegalStateException("it has ended", e);
        }
    }

    /** Stops reading ahead, and waits for the images that are being read: the caller may close them. */
    private void cancel() {
        canceled = true;
        boolean interrupted = false;
        while (!pending.isEmpty()) {
            Future<Input> input = pending.element().input;
            if (!isWithdrawn(input)) {
                interrupted |= LoaderWorkers.awaitEnd(input);
            }
            pending.remove();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Withdraws an image whose reading has not begun; otherwise it has, or ends at once when it begins. */
    private static boolean isWithdrawn(Future<Input> input) {
        try {
            return input instanceof Runnable queued && Pool.THREADS.remove(queued);
        } catch (OutOfMemoryError e) { // there is none to wait for the queue's lock with
            return false;
        }
    }
}
