package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
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
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.vision.DetectedFace;

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
    private final FaceCutter cutter;
    private final boolean flip; // adds the embedding of the mirrored picture
    private final int embeddingSize;
    private final Device device;

    PreparedRecognizer(
            Preparation.Result prepared,
            RecognizerModel model,
            FaceCutter cutter,
            boolean flip,
            int embeddingSize,
            Device device) {
        this.net = prepared.net();
        this.arithmetic = prepared.reason();
        this.model = model;
        this.cutter = cutter;
        this.flip = flip;
        this.embeddingSize = embeddingSize;
        this.device = new Device(device.type(), device.index()); // a copy: the other is the recogniser's
    }

    /**
     * Embeds the picture of a face: framed as in training or, where the recogniser had a detector when it was prepared, the most
     * prominent face in it.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when the picture cannot be read, has not the size the framing needs, or no face is found in it
     */
    public float[] embed(ImageSource picture) {
        return embedAll(List.of(picture)).get(0);
    }

    /** Embeds an image file; as {@link #embed(ImageSource)}. */
    public float[] embed(Path image) {
        return embed(ImageSource.of(image));
    }

    /** Embeds a Java image; as {@link #embed(ImageSource)}. */
    public float[] embed(BufferedImage image) {
        return embed(ImageSource.of(image));
    }

    /**
     * Embeds OpenCV's image; as {@link #embed(ImageSource)}.
     *
     * @param image RGB, CV_8UC3; untouched
     */
    public float[] embed(Mat image) {
        return embed(ImageSource.of(image));
    }

    /** Embeds image files; as {@link #embedAll}. */
    public List<float[]> embed(List<Path> images) {
        return embedAll(images.stream().map(ImageSource::of).toList());
    }

    /**
     * Embeds pictures of faces, each as {@link #embed(ImageSource)} does.
     *
     * @return for each, in order, the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws DataException when a picture cannot be read, has not the size the framing needs, or no face is found in it
     */
    public List<float[]> embedAll(List<? extends ImageSource> pictures) {
        return embed(pictures.size(), i -> cut(pictures.get(i)));
    }

    /**
     * Finds the faces in a photograph and embeds each.
     *
     * @return the most prominent first: large and near the middle; empty where there is none
     * @throws DataException when the picture cannot be read
     * @throws IllegalStateException when the recogniser had no detector when it was prepared
     */
    public List<EmbeddedFace> faces(ImageSource photograph) {
        try (Mat whole = photograph.read()) {
            List<DetectedFace> found = cutter.find(whole);
            List<float[]> embeddings = embed(found.size(), i -> cutter.aligned(whole, found.get(i)));
            return IntStream.range(0, found.size())
                    .mapToObj(i -> new EmbeddedFace(found.get(i), embeddings.get(i)))
                    .toList();
        }
    }

    /** @param input makes the i-th, of the net's input's size; it is closed here */
    private List<float[]> embed(int count, IntFunction<Mat> input) {
        float[][] embeddings = new float[count][];
        int atATime = Math.max(1, Math.min(net.batchSize(), count));
        try (BatchBuffer buffer = newBuffer(atATime)) {
            for (int from = 0; from < count; from += atATime) {
                int size = Math.min(atATime, count - from);
                for (int i = 0; i < size; i++) {
                    try (Mat face = input.apply(from + i)) {
                        buffer.put(i, face, 0);
                    }
                }
                System.arraycopy(embed(buffer, size), 0, embeddings, from, size);
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

    /** The net's input; the caller closes it. */
    Mat cut(ImageSource picture) {
        return cutter.cut(picture);
    }

    BatchBuffer newBuffer(int size) {
        return new BatchBuffer(size, model.imageSizePx(), model.normalization(), device, true);
    }

    /** [B, 3, S, S] to [B, D], not of length 1. Inside a scope. */
    private Tensor embeddings(Tensor images) {
        Tensor sum = embed(images);
        return flip ? sum.add_(embed(torch.flip(images, 3))) : sum;
    }

    /** The first {@code count} of a buffer, each brought to length 1. */
    float[][] embed(BatchBuffer buffer, int count) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Tensor embeddings = embeddings(buffer.images(count))) {
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
