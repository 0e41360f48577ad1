package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.MicroBatcher;

/**
 * Embeds faces for many threads by dynamic batching: each thread crops its own image, then workers embed what is
 * queued, on a GPU as many images at a time as there are, on a CPU shared out among the processors. See {@link
 * MicroBatcher} for how requests are collected, what happens when there are too many, and what a canceled future costs.
 * On a CPU an embedding is the same, bit for bit, whatever else is in its batch, unless ONNX Runtime runs the model.
 */
public final class FaceBatcher implements AutoCloseable {
    private final PreparedRecognizer recognizer;
    private final MicroBatcher<byte[], float[]> batcher; // of pixels, [S, S, 3]
    private final Consumer<FaceBatcher> closed;

    /** @param closed receives this when it is closed */
    FaceBatcher(PreparedRecognizer recognizer, MicroBatcher.Settings settings, Consumer<FaceBatcher> closed) {
        this.closed = closed;
        this.recognizer = recognizer;
        this.batcher = new MicroBatcher<>(
                pixels -> List.of(recognizer.embedPixels(pixels)),
                settings,
                "face batcher",
                recognizer.parallelCalls());
    }

    /**
     * Crops the face in an image on the calling thread, as {@link PreparedRecognizer#embed(ImageSource)} does, and
     * queues it to be embedded. Waits while the queue is full, except in dependent actions of earlier embeddings.
     *
     * @return the future embedding, unit-norm; actions that depend on it must be short, because they run on the thread
     *     that embeds, unless they are asynchronous ({@code thenAcceptAsync})
     * @throws org.facerecognition.data.DataException when the image cannot be read, does not have the size that
     *     the crop needs, or shows no face
     * @throws java.util.concurrent.RejectedExecutionException when this batcher is closed
     * @throws InterruptedException when the thread is interrupted while it waits
     */
    public CompletableFuture<float[]> embed(ImageSource image) throws InterruptedException {
        try (Mat face = recognizer.crop(image)) {
            return batcher.submit(PreparedRecognizer.pixels(face));
        }
    }

    /** Embeds an image file; as {@link #embed(ImageSource)}. */
    public CompletableFuture<float[]> embed(Path image) throws InterruptedException {
        return embed(ImageSource.of(image));
    }

    /** Embeds a Java image; as {@link #embed(ImageSource)}. */
    public CompletableFuture<float[]> embed(BufferedImage image) throws InterruptedException {
        return embed(ImageSource.of(image));
    }

    /**
     * Embeds OpenCV's image; as {@link #embed(ImageSource)}.
     *
     * @param image RGB, CV_8UC3; untouched
     */
    public CompletableFuture<float[]> embed(Mat image) throws InterruptedException {
        return embed(ImageSource.of(image));
    }

    /**
     * Crops and queues the face in an image unless the queue is full; for servers that had better refuse than wait.
     *
     * @return the future embedding; empty when the queue is full
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws java.util.concurrent.RejectedExecutionException when this batcher is closed
     */
    public Optional<CompletableFuture<float[]>> tryEmbed(ImageSource image) {
        try (Mat face = recognizer.crop(image)) {
            return batcher.trySubmit(PreparedRecognizer.pixels(face));
        }
    }

    /** Refuses to close the recognizer on a thread that embeds, which could not wait for itself. */
    void requireOtherThread() {
        if (batcher.isWorker()) {
            throw new IllegalStateException("this prepared recognizer must not be closed on the thread of its face"
                    + " batcher, such as in an action that depends on an embedding; close it on another");
        }
    }

    /** Refuses further images, embeds those in the queue, and waits until they are done. */
    @Override
    public void close() {
        batcher.close();
        closed.accept(this);
    }
}
