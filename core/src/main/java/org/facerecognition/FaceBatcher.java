package org.facerecognition;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.MicroBatcher;

/**
 * Embeds faces for many threads by dynamic batching: each thread crops its own image, then one worker embeds many
 * images at a time. See {@link MicroBatcher} for how requests are collected, what happens when there are too many, and
 * what a canceled future costs. On a CPU an embedding is the same, bit for bit, whatever else is in its batch.
 */
public final class FaceBatcher implements AutoCloseable {
    private final PreparedRecognizer recognizer;
    private final BatchBuffer buffer; // used by the worker only
    private final MicroBatcher<byte[], float[]> batcher; // of pixels, [S, S, 3]

    FaceBatcher(PreparedRecognizer recognizer, MicroBatcher.Settings settings) {
        this.recognizer = recognizer;
        this.buffer = recognizer.newBuffer(settings.batchSize());
        this.batcher = new MicroBatcher<>(this::embedAll, settings, "face batcher");
    }

    /**
     * Crops the face in an image on the calling thread, as {@link PreparedRecognizer#embed(ImageSource)} does, and
     * queues it to be embedded. Waits while the queue is full.
     *
     * @return the future embedding, unit-norm
     * @throws org.facerecognition.data.DataException when the image cannot be read, does not have the size that
     *     the crop needs, or shows no face
     * @throws java.util.concurrent.RejectedExecutionException when this batcher is closed
     * @throws InterruptedException when the thread is interrupted while it waits
     */
    public CompletableFuture<float[]> embed(ImageSource image) throws InterruptedException {
        try (Mat face = recognizer.crop(image)) {
            return batcher.submit(pixels(face));
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
            return batcher.trySubmit(pixels(face));
        }
    }

    /** Copies the pixels to the Java heap, so that a canceled request needs no closing. */
    private byte[] pixels(Mat face) {
        int size = recognizer.imageSizePx();
        byte[] bytes = ImageReader.pixels(face);
        if (face.rows() != size || face.cols() != size) {
            throw new IllegalStateException("the network's input must be " + size + "x" + size + ", but was "
                    + face.cols() + "x" + face.rows());
        }
        return bytes;
    }

    private List<float[]> embedAll(List<byte[]> images) {
        int size = recognizer.imageSizePx();
        for (int i = 0; i < images.size(); i++) {
            try (BytePointer data = new BytePointer(images.get(i));
                    Mat image = new Mat(size, size, CV_8UC3, data)) {
                buffer.put(i, image, 0);
            }
        }
        return List.of(recognizer.embed(buffer, images.size()));
    }

    /** Refuses further images, embeds those in the queue, and waits until they are done. */
    @Override
    public void close() {
        batcher.close(buffer::close);
    }
}
