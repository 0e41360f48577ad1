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
 * Embeds for many threads: each brings its image into shape itself, then they are embedded many at a time; see {@link
 * MicroBatcher} for how they are gathered, what happens when there are too many, and what a canceled future costs. On
 * a CPU an embedding is the same, bit for bit, whatever company its image had.
 */
public final class FaceBatcher implements AutoCloseable {
    private final PreparedRecognizer recognizer;
    private final BatchBuffer buffer; // the worker's
    private final MicroBatcher<byte[], float[]> batcher; // of pixels, [S, S, 3]

    FaceBatcher(PreparedRecognizer recognizer, MicroBatcher.Settings settings) {
        this.recognizer = recognizer;
        this.buffer = recognizer.newBuffer(settings.batchSize());
        this.batcher = new MicroBatcher<>(this::embedAll, settings, "face batcher");
    }

    /**
     * Embeds the image of a face, framed as in training or found by the detector as {@link
     * PreparedRecognizer#embed(ImageSource)} has it, on the calling thread; waits while too many others wait.
     *
     * @return the embedding to come, of Euclidean norm 1
     * @throws org.facerecognition.data.DataException when the image cannot be read, has not the size the framing
     *     needs, or no face is found in it
     * @throws java.util.concurrent.RejectedExecutionException when it is closed
     * @throws InterruptedException when the thread is interrupted while it waits
     */
    public CompletableFuture<float[]> embed(ImageSource picture) throws InterruptedException {
        try (Mat face = recognizer.cut(picture)) {
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
     * Embeds the image of a face unless too many others wait: then a server had better say so than wait.
     *
     * @return the embedding to come; empty when too many wait
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws java.util.concurrent.RejectedExecutionException when it is closed
     */
    public Optional<CompletableFuture<float[]>> tryEmbed(ImageSource picture) {
        try (Mat face = recognizer.cut(picture)) {
            return batcher.trySubmit(pixels(face));
        }
    }

    /** What waits is the garbage collector's: nobody has to free what was canceled. */
    private byte[] pixels(Mat face) {
        int size = recognizer.imageSizePx();
        byte[] bytes = ImageReader.pixels(face);
        if (face.rows() != size || face.cols() != size) {
            throw new IllegalStateException("the network's input must be " + size + "x" + size + ", but was "
                    + face.cols() + "x" + face.rows());
        }
        return bytes;
    }

    private List<float[]> embedAll(List<byte[]> pictures) {
        int size = recognizer.imageSizePx();
        for (int i = 0; i < pictures.size(); i++) {
            try (BytePointer data = new BytePointer(pictures.get(i));
                    Mat picture = new Mat(size, size, CV_8UC3, data)) {
                buffer.put(i, picture, 0);
            }
        }
        return List.of(recognizer.embed(buffer, pictures.size()));
    }

    /** Takes no more images, embeds those it has taken, and waits for that. */
    @Override
    public void close() {
        batcher.close(buffer::close);
    }
}
