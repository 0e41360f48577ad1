package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.Framing;
import org.facerecognition.data.ImageReader;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PreparedNet;

/**
 * A trained model made ready for use on this machine; see {@link Recognizer#prepare}. It has its own copy of the encoder's
 * weights, and stays as it is whatever becomes of the recogniser. To be used from any number of threads at a time; close it
 * when done.
 *
 * <p>On a CPU a picture's embedding is the same, bit for bit, whatever other pictures are embedded along with it; as long as
 * the number of libtorch's threads stays the same.
 */
public final class PreparedRecognizer implements AutoCloseable {
    private final PreparedNet net;
    private final String arithmetic;
    private final RecognizerModel model;
    private final int embeddingSize;
    private final Device device;

    PreparedRecognizer(Preparation.Result prepared, RecognizerModel model, int embeddingSize, Device device) {
        this.net = prepared.net();
        this.arithmetic = prepared.reason();
        this.model = model;
        this.embeddingSize = embeddingSize;
        this.device = new Device(device.type(), device.index()); // a copy: the other is the recogniser's
    }

    /**
     * Embeds the picture of a face, framed as in training.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when the picture cannot be read or has not the size the framing needs
     */
    public float[] embed(Path image) {
        return embed(List.of(image)).get(0);
    }

    /**
     * Embeds the picture of a face, framed as in training.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when the picture has not the size the framing needs
     */
    public float[] embed(BufferedImage image) {
        try (Mat mat = ImageReader.from(image)) {
            return embed(mat);
        }
    }

    /**
     * Embeds the picture of a face, framed as in training.
     *
     * @param image RGB, CV_8UC3; untouched
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when the picture has not the size the framing needs
     */
    public float[] embed(Mat image) {
        try (Mat framed = framed(image, "given");
                BatchBuffer buffer = newBuffer(1)) {
            buffer.put(0, framed, 0);
            return embed(buffer, 1)[0];
        }
    }

    /**
     * Embeds pictures of faces, framed as in training.
     *
     * @return for each, in order, the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when a picture cannot be read or has not the size the framing needs
     */
    public List<float[]> embed(List<Path> images) {
        float[][] embeddings = new float[images.size()][];
        int atATime = Math.max(1, Math.min(net.batchSize(), images.size()));
        try (BatchBuffer buffer = newBuffer(atATime)) {
            for (int from = 0; from < images.size(); from += atATime) {
                int count = Math.min(atATime, images.size() - from);
                for (int i = 0; i < count; i++) {
                    try (Mat framed = framed(images.get(from + i))) {
                        buffer.put(i, framed, 0);
                    }
                }
                System.arraycopy(embed(buffer, count), 0, embeddings, from, count);
            }
        }
        return List.of(embeddings);
    }

    /**
     * Embeds a batch of your own, as the net gives it: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being the model's image size, float32, RGB, normalised as the model says, on any device
     * @return [B, D], float32, not normalised; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     */
    public Tensor embed(Tensor images) {
        return NativeErrors.explained(() -> net.forward(images));
    }

    /** Gathers the calls of many threads; to be closed before this. */
    public FaceBatcher batcher() {
        return batcher(new MicroBatcher.Settings(
                net.batchSize(),
                MicroBatcher.Settings.DEFAULT.longestWait(),
                MicroBatcher.Settings.DEFAULT.queueCapacity()));
    }

    /**
     * Gathers the calls of many threads; to be closed before this.
     *
     * @param settings how; a batch larger than this was prepared for is done in turns
     */
    public FaceBatcher batcher(MicroBatcher.Settings settings) {
        return new FaceBatcher(this, settings);
    }

    /** What a picture becomes before it is embedded; the caller closes it. */
    Mat framed(Path file) {
        Mat image =
                model.framing() == Framing.WHOLE ? ImageReader.read(file, model.imageSizePx()) : ImageReader.read(file);
        try (image) {
            return framed(image, file.toString());
        }
    }

    Mat framed(Mat image, String name) {
        return model.framing().apply(image, model.imageSizePx(), name);
    }

    BatchBuffer newBuffer(int size) {
        return new BatchBuffer(size, model.imageSizePx(), model.normalization(), device, true);
    }

    /** The first {@code count} of a buffer, each brought to length 1. */
    float[][] embed(BatchBuffer buffer, int count) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Tensor embeddings = embed(buffer.images(count))) {
            Tensor onHost = torch.normalize(embeddings)
                    .to(new Device("cpu"), ScalarType.Float)
                    .contiguous();
            FloatPointer values = onHost.data_ptr_float();
            float[][] rows = new float[count][embeddingSize];
            for (int i = 0; i < count; i++) {
                values.position((long) i * embeddingSize).get(rows[i]);
            }
            return rows;
        }
    }

    /** Length of an embedding. */
    public int embeddingSize() {
        return embeddingSize;
    }

    /** Side of the square input in pixels. */
    public int imageSizePx() {
        return model.imageSizePx();
    }

    /** Of the values between layers, and why: what was measured when it was prepared. */
    public String arithmetic() {
        return arithmetic;
    }

    @Override
    public String toString() {
        return model + ", prepared: " + arithmetic;
    }

    /** Waits for those that are at work, and frees the weights. */
    @Override
    public void close() {
        net.close(); // the device's few bytes are left to the collector: who comes late meets the net's refusal
    }
}
