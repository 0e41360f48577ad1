package org.facerecognition;

import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Calibrator;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.Embedded;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PrecisionTrial;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.TensorRows;

/**
 * A trained model prepared for fast embedding on this machine; see {@link Recognizer#prepare}. It has a copy of the
 * encoder's weights and does not change with the recognizer. Thread-safe; the caller closes it.
 *
 * <p>On a CPU an image's embedding is the same, bit for bit, whatever other images are embedded with it, as long as the
 * number of libtorch's threads is the same.
 */
public final class PreparedRecognizer implements FaceEmbedder {
    private final PreparedNet net;
    private final String arithmetic;
    private final ModelInfo model; // a copy
    private final FaceCropper cropper;
    private final boolean flip; // adds the embedding of the mirrored image
    private final EmbeddingMode mode;
    private final String fingerprint;
    private final int embeddingSize;
    private final Device device;

    PreparedRecognizer(
            PrecisionTrial.Result prepared,
            ModelInfo model,
            FaceCropper cropper,
            boolean flip,
            String fingerprint,
            int embeddingSize,
            Device device) {
        this.net = prepared.net();
        this.arithmetic = prepared.reason();
        this.model = model;
        this.cropper = cropper;
        this.flip = flip;
        this.fingerprint = fingerprint;
        this.mode = EmbeddingMode.of(cropper, flip, prepared.precision());
        this.embeddingSize = embeddingSize;
        this.device = new Device(device.type(), device.index()); // a copy, since the argument is borrowed
    }

    @Override
    public EmbeddingMode embeddingMode() {
        return mode;
    }

    @Override
    public List<float[]> embedAll(List<? extends ImageSource> images) {
        return embed(images.size(), i -> crop(images.get(i)));
    }

    @Override
    public List<EmbeddedFace> faces(ImageSource image) {
        return EmbeddedFace.all(image, cropper, this::embed);
    }

    @Override
    public Embedded embed(FaceDataset faces, IntConsumer embedded) {
        return embed(faces, embedded, BadImages.FAIL);
    }

    private Embedded embed(FaceDataset faces, IntConsumer embedded, BadImages badImages) {
        FaceDataset seen = faces.cropped(
                cropper.detector() != null
                        ? cropper
                        : FaceCropper.withoutDetector(
                                faces.crop(), model.input().sizePx()));
        model.requireSameCrop(cropper.detector() != null ? seen : faces);
        UnaryOperator<Tensor> scoped = images -> {
            try (Tensor result = embed(images)) {
                return result.detach(); // scoped
            }
        };
        return new DatasetEmbedder(model.input(), device, scoped)
                .embed(seen, flip, embedded, badImages)
                .faces();
    }

    @Override
    public Threshold threshold(double falseAcceptRate) {
        return model.requireThreshold(falseAcceptRate, mode);
    }

    @Override
    public List<Threshold> allThresholds() {
        return model.thresholds();
    }

    /** {@inheritDoc} To store them in the model's file, pass them to {@link Recognizer#keepThresholds} too. */
    @Override
    public synchronized List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings) {
        BadImages withoutFace = cropper.detector() == null ? BadImages.FAIL : BadImages.SKIP;
        Calibrator calibrator = new Calibrator(model.everybodyKnown(), faces -> embed(faces, done -> {}, withoutFace));
        return model.calibrated(calibrator.measure(strangers, settings), mode);
    }

    @Override
    public List<String> identities() {
        return model.identities();
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    /** @param input makes the i-th image, of the network's input size; it is closed here */
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
     * Embeds a batch of network input, without normalizing the embeddings: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being the model's image size, float32, RGB, normalized as the model says, on any
     *     device; borrowed
     * @return [B, D], float32; owned by the caller, whatever PointerScope is open
     * @throws IllegalArgumentException when the shape differs
     */
    public Tensor embed(Tensor images) {
        return NativeErrors.explained(() -> net.forward(images));
    }

    /** Makes a batcher for the calls of many threads, to be closed before this recognizer. */
    public FaceBatcher batcher() {
        return batcher(new MicroBatcher.Settings(
                net.batchSize(),
                MicroBatcher.Settings.DEFAULT.longestWait(),
                MicroBatcher.Settings.DEFAULT.queueCapacity()));
    }

    /**
     * Makes a batcher for the calls of many threads, to be closed before this recognizer.
     *
     * @param settings of the batcher; a batch larger than this recognizer was prepared for is embedded in chunks
     */
    public FaceBatcher batcher(MicroBatcher.Settings settings) {
        return new FaceBatcher(this, settings);
    }

    /** Crops the face out of an image, as network input; owned. */
    Mat crop(ImageSource image) {
        return cropper.crop(image);
    }

    BatchBuffer newBuffer(int size) {
        return new BatchBuffer(size, model.input().sizePx(), model.input().normalization(), device, true);
    }

    /** Embeds [B, 3, S, S] into [B, D], not normalized; owned. */
    private Tensor embeddings(Tensor images) {
        Tensor sum = embed(images);
        return flip ? sum.add_(embed(torch.flip(images, 3))) : sum;
    }

    /** Returns the unit-norm embeddings of the first {@code count} images of a buffer. */
    float[][] embed(BatchBuffer buffer, int count) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Tensor embeddings = embeddings(buffer.images(count))) {
            return TensorRows.normalized(embeddings);
        }
    }

    @Override
    public int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public int imageSizePx() {
        return model.input().sizePx();
    }

    /** The precision between layers, and what was measured to choose it. */
    public String arithmetic() {
        return arithmetic;
    }

    @Override
    public String toString() {
        return model + ", prepared: " + arithmetic;
    }

    /** Waits for running calls and frees the weights. */
    @Override
    public void close() {
        net.close(); // the device's few bytes are left to the garbage collector: a late call must get the
        // network's refusal
    }
}
