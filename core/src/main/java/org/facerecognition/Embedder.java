package org.facerecognition;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingPipeline;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.ModelInput;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.Embedded;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.CurrentNet;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.inference.OnnxRuntimeModel;
import org.facerecognition.inference.PrecisionTrial;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.EvaluationMode;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Turns network input into unit-norm embeddings, in batches, on the network's device. Thread-safe.
 *
 * Long because it embeds tensors, pixels and data sets, with a network that is prepared, being trained, or foreign.
 */
final class Embedder implements AutoCloseable {
    private static final int WORTH_PREPARING = 512; // images
    private static final int TRIAL_FACES = 16;

    private final ModelInfo model;
    private final Module net;
    private final Backbone encoder;
    private final CurrentNet current;
    private Device device = new Device("cpu");
    private volatile boolean inTraining;

    /** @param net that {@code encoder} is part of; both are borrowed */
    Embedder(ModelInfo model, Module net, Backbone encoder) {
        this.model = model;
        this.net = net;
        this.encoder = encoder;
        this.current = new CurrentNet(
                encoder::graph,
                () -> NamedTensors.of(encoder).values(),
                encoder::replacements,
                model.input().sizePx());
    }

    /** The device that embeds; borrowed. */
    Device device() {
        return device;
    }

    /** A copy of the device that embeds; owned. */
    Device copyOfDevice() {
        return copyOf(device);
    }

    private static Device copyOf(Device device) {
        return new Device(device.type(), device.index());
    }

    /**
     * Moves the weights to a device, which is borrowed; embedding is done there from then on.
     *
     * @throws IllegalStateException when it has too little memory; the weights are where they were then
     */
    void to(Device device) {
        current.drop();
        NativeErrors.explained(() -> {
            try {
                net.to(device, false);
                return null;
            } catch (RuntimeException e) {
                net.to(this.device, false);
                throw e;
            }
        });
        Device former = this.device;
        this.device = copyOf(device); // the argument is borrowed
        former.close();
    }

    /**
     * Embeds images.
     *
     * @param flip adds the embedding of the mirrored image before normalization
     */
    List<float[]> embedAll(List<? extends ImageSource> images, FaceCropper cropper, boolean flip) {
        return EmbeddingPipeline.embedAll(images, cropper::locate, pixels -> embedPixels(pixels, flip));
    }

    /**
     * Embeds images that are network input already.
     *
     * @param input makes the i-th image, of the network's input size; it is closed here
     * @param flip adds the embedding of the mirrored image before normalization
     */
    List<float[]> embed(int count, IntFunction<Mat> input, boolean flip) {
        return List.of(embedPixels(PreparedRecognizer.pixels(count, input), flip));
    }

    /**
     * Embeds network inputs.
     *
     * @param pixels [S, S, 3] of each, RGB
     * @return unit-norm embeddings
     * @throws IllegalStateException when one is not finite
     */
    float[][] embedPixels(List<byte[]> pixels, boolean flip) {
        return finite(prepared(
                        net -> net.embed(pixels, model.input().normalization().table(), flip))
                .map(TensorRows::normalize)
                .orElseGet(() -> embedInBuffer(
                        pixels,
                        model.input(),
                        device,
                        DatasetEmbedder.BATCH_SIZE,
                        (buffer, count) -> embed(buffer, count, flip))));
    }

    /**
     * Returns unit-norm embeddings that are finite; a norm that is not leaves NaN in its row.
     *
     * @throws IllegalStateException when one is not
     */
    static float[][] finite(float[][] embeddings) {
        for (float[] row : embeddings) {
            float sum = 0;
            for (float value : row) {
                sum += value;
            }
            if (Float.isNaN(sum)) {
                throw new IllegalStateException(
                        "the network's embeddings of faces contain NaN or infinity; its training"
                                + " has diverged, so use an earlier file");
            }
        }
        return embeddings;
    }

    /** Returns a data set's embeddings; as {@link #finite(float[][])}. */
    static Embedded finite(Embedded faces) {
        finite(faces.embeddings());
        return faces;
    }

    /** Maps the first images of a buffer to unit-norm embeddings. */
    interface BufferEmbedding {
        float[][] of(BatchBuffer buffer, int count);
    }

    /**
     * Embeds network inputs that go through a tensor.
     *
     * @param batchSize the maximum number of images in a tensor
     */
    static float[][] embedInBuffer(
            List<byte[]> pixels, ModelInput input, Device device, int batchSize, BufferEmbedding embed) {
        int size = input.sizePx();
        for (byte[] image : pixels) { // a smaller one would be read beyond its end
            if (image.length != 3 * size * size) {
                throw new IllegalStateException("the network's input must be " + size + "x" + size + " pixels of 3"
                        + " bytes, but had " + image.length + " bytes");
            }
        }
        return PlatformThreads.callBriefly(() -> inBuffer(pixels, input, device, batchSize, embed));
    }

    private static float[][] inBuffer(
            List<byte[]> pixels, ModelInput input, Device device, int batchSize, BufferEmbedding embed) {
        int size = input.sizePx();
        int atATime = Math.max(1, Math.min(batchSize, pixels.size()));
        float[][] embeddings = new float[pixels.size()][];
        try (BatchBuffer buffer = new BatchBuffer(atATime, size, input.normalization(), device, true)) {
            for (int from = 0; from < embeddings.length; from += atATime) {
                int count = Math.min(atATime, embeddings.length - from);
                for (int i = 0; i < count; i++) {
                    try (BytePointer data = new BytePointer(pixels.get(from + i));
                            Mat image = new Mat(size, size, CV_8UC3, data)) {
                        buffer.put(i, image, 0);
                    }
                }
                System.arraycopy(embed.of(buffer, count), 0, embeddings, from, count);
            }
        }
        return embeddings;
    }

    private float[][] embed(BatchBuffer buffer, int count, boolean flip) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            return TensorRows.normalized(DatasetEmbedder.embeddings(buffer.images(count), flip, this::forwardInPairs));
        }
    }

    /**
     * Uses the prepared form of the network, unless it is being trained: then its weights change all the time.
     *
     * @return empty while it is being trained, on other devices, and where it cannot be prepared
     */
    private <T> Optional<T> prepared(Function<PreparedNet, T> use) {
        return inTraining || !device.is_cpu() || !PreparedNet.isFast(ScalarType.Float)
                ? Optional.empty()
                : current.use(net -> NativeErrors.explained(() -> use.apply(net)));
    }

    /** Frees the prepared form, and does without it until the training ends. */
    void beginTraining() {
        inTraining = true;
        current.drop();
    }

    void endTraining() {
        inTraining = false;
    }

    /**
     * Embeds a data set's samples, without augmentation, in their order. For many samples on a CPU the network is
     * prepared first.
     *
     * @see DatasetEmbedder#embed
     */
    DatasetEmbedder.Usable embed(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        try (PreparedNet prepared = data.size() < WORTH_PREPARING ? null : prepared()) {
            UnaryOperator<Tensor> net = prepared == null ? this::forward : images -> forward(prepared, images);
            return embed(data, flip, embedded, badImages, net);
        }
    }

    /** Embeds a data set with the same bits as {@link #embed(int, IntFunction, boolean)}. */
    DatasetEmbedder.Usable embedAsSingly(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        try (PreparedNet own = inTraining && data.size() >= WORTH_PREPARING ? prepared() : null) {
            UnaryOperator<Tensor> net = own != null
                    ? images -> forward(own, images)
                    : images -> prepared(shared -> forward(shared, images)).orElseGet(() -> forwardInPairs(images));
            return embed(data, flip, embedded, badImages, net);
        }
    }

    /**
     * Embeds a data set with another way to run the network.
     *
     * @param net from [B, 3, S, S] to [B, D], both scoped
     */
    DatasetEmbedder.Usable embed(
            FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages, UnaryOperator<Tensor> net) {
        try (EvaluationMode mode = EvaluationMode.of(encoder)) {
            return new DatasetEmbedder(model.input(), device, net).embed(data, flip, embedded, badImages);
        }
    }

    /**
     * A prepared network, owned; null where there is nothing to gain, or the network does not describe its operations.
     */
    private @Nullable PreparedNet prepared() {
        if (!device.is_cpu()) {
            return null;
        }
        try (Graph graph = encoder.graph()) {
            return PreparedNet.of(
                    graph, DatasetEmbedder.BATCH_SIZE, model.input().sizePx(), ScalarType.Float, device);
        } catch (UnsupportedOperationException e) {
            return null; // a custom network
        }
    }

    private static Tensor forward(PreparedNet net, Tensor images) {
        try (Tensor embeddings = NativeErrors.explained(() -> net.forward(images))) {
            return embeddings.detach(); // scoped
        }
    }

    /** Refuses NaN and infinity in the CPU's memory: there an activation may turn them into numbers. */
    static void requireFinite(Tensor images) {
        try (PointerScope scope = new PointerScope()) {
            if (images.is_cpu()
                    && !Double.isFinite(images.sum().item_double()) // of finite values it may overflow
                    && !torch.isfinite(images).all().item_bool()) {
                throw new IllegalArgumentException("images must be finite, but a value was NaN or infinite");
            }
        }
    }

    /** Embeds [B, 3, S, S] into [B, D], not normalized; owned. */
    Tensor embed(Tensor images) {
        long size = model.input().sizePx();
        if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != size || images.size(3) != size) {
            throw new IllegalArgumentException(
                    "images must be [B, 3, " + size + ", " + size + "], but were " + Arrays.toString(images.shape()));
        }
        requireFinite(images);
        return prepared(net -> net.forward(images)).orElseGet(() -> {
            try (PointerScope scope = new PointerScope()) {
                return forward(images).retainReference();
            }
        });
    }

    /**
     * Runs the network on two images at a time; scoped. The kernels that libtorch chooses on a CPU, and so the last
     * bits, depend on the number of images. In pairs, an image's embedding does not depend on how many others are
     * embedded with it. This is for networks that cannot be prepared.
     */
    private Tensor forwardInPairs(Tensor images) {
        long count = images.size(0);
        if (!device.is_cpu() || count <= 2) {
            return forward(images);
        }
        TensorVector all = new TensorVector();
        for (long from = 0; from < count; from += 2) {
            all.push_back(forward(images.narrow(0, from, Math.min(2, count - from))));
        }
        return torch.cat(all, 0);
    }

    /**
     * Runs the network; scoped. On a CPU libtorch uses oneDNN for small convolutions only for two images or more. A
     * single image goes through im2col and BLAS, whose threads compete with OpenMP's, and takes several times as long.
     * So a single image is embedded twice.
     */
    private Tensor forward(Tensor images) {
        try (EvaluationMode mode = EvaluationMode.of(encoder);
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor x = images.to(device, ScalarType.Float);
            boolean alone = device.is_cpu() && x.size(0) == 1;
            Tensor input = alone ? torch.cat(new TensorVector(x, x), 0) : x;
            Tensor embeddings = NativeErrors.explained(() -> encoder.forward(input));
            long[] expected = {input.size(0), encoder.embeddingSize()};
            if (!Arrays.equals(embeddings.shape(), expected)) { // of a custom backbone
                throw new IllegalStateException("the backbone must return embeddings " + Arrays.toString(expected)
                        + " for images " + Arrays.toString(input.shape()) + ", but returned "
                        + Arrays.toString(embeddings.shape()));
            }
            return alone ? embeddings.narrow(0, 0, 1) : embeddings;
        }
    }

    /** The device that embeds, borrowed; null for the CPU. */
    @Nullable
    Device gpu() {
        return device.is_cpu() ? null : device;
    }

    /** Makes a copy of the encoder that embeds as fast as this machine can; its network is owned. */
    PrecisionTrial.Result prepare(PrepareOptions options, String fingerprint) {
        try (Graph graph = encoder.graph()) {
            return prepare(graph, model.input(), fingerprint, options, model.int8(), gpu());
        }
    }

    /**
     * Prepares a network.
     *
     * @param graph borrowed
     * @param fingerprint of the model
     * @param int8 the calibration for int8; null if there is none
     * @param gpu to run on, borrowed; null for the CPU
     * @return a result whose network is owned
     */
    static PrecisionTrial.Result prepare(
            Graph graph,
            ModelInput input,
            String fingerprint,
            PrepareOptions options,
            @Nullable Int8Calibration int8,
            @Nullable Device gpu) {
        PrecisionTrial trial = new PrecisionTrial(
                options,
                gpu,
                fingerprint,
                int8,
                input.sizePx(),
                () -> syntheticFaces(input.sizePx()),
                input.normalization().table());
        return NativeErrors.explained(() -> trial.prepare(graph));
    }

    /**
     * Prepares a model from elsewhere for the CPU; as {@link #prepare(Graph, ModelInput, String, PrepareOptions,
     * Int8Calibration, Device)}, or in ONNX Runtime.
     *
     * @throws WeightsException when its layers do not fit each other, nothing can run it, or weights are not finite
     * @throws IllegalStateException when int8 is asked for, or half precision of ONNX Runtime
     */
    static PrecisionTrial.Result prepare(OnnxModel onnx, String fingerprint, PrepareOptions options) {
        if (options.arithmetic() == PrepareOptions.Arithmetic.INT8) {
            throw new IllegalStateException("int8 is for models of this library, but " + onnx.file()
                    + " is an ONNX model; give its weights to an encoder with startFrom and calibrate that, or prepare"
                    + " with arithmetic AUTO");
        }
        ModelInput input = onnx.input();
        String uncovered = onnx.uncovered().orElse("");
        try {
            if (onnx.graph().isPresent()) {
                return prepare(onnx.graph().get(), input, fingerprint, options, null, null);
            }
            if (!OnnxRuntimeModel.isAvailable()) {
                throw new WeightsException(onnx.file() + " cannot be run by this library alone: " + uncovered
                        + "; add com.microsoft.onnxruntime:onnxruntime to the class path, which then runs it");
            }
            if (options.arithmetic() == PrepareOptions.Arithmetic.HALF) {
                throw new IllegalStateException("half precision is not possible for " + onnx.file()
                        + ", which ONNX Runtime runs in float32, since " + uncovered
                        + "; prepare with arithmetic AUTO or FP32");
            }
            PreparedNet net = PreparedNet.of(onnx.forOnnxRuntime(), options.batchSize(), input.sizePx());
            return new PrecisionTrial.Result(net, "float32, since " + uncovered);
        } catch (UnsupportedOperationException e) { // the message is a sentence
            throw new WeightsException(
                    onnx.file() + " cannot be run: " + (uncovered.isEmpty() ? "" : uncovered + "; ") + e.getMessage(),
                    e);
        } catch (IllegalArgumentException e) { // of weights that are not finite
            throw new WeightsException(onnx.file() + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** Returns the pixels of synthetic faces of different identities, [S, S, 3] each. */
    private static List<byte[]> syntheticFaces(int sizePx) {
        SyntheticFaces faces = new SyntheticFaces(0, 112);
        return PreparedRecognizer.pixels(TRIAL_FACES, i -> {
            try (Mat face = faces.image(i, 0)) {
                return Crop.WHOLE.apply(face, sizePx, "synthetic");
            }
        });
    }

    /** The cosine of the angle between two embeddings; see {@link Recognizer#similarity}. */
    static double cosine(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException(
                    "embeddings must be of one length, but were of " + a.length + " and " + b.length);
        }
        double dot = 0;
        double squaresA = 0;
        double squaresB = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            squaresA += (double) a[i] * a[i];
            squaresB += (double) b[i] * b[i];
        }
        if (!(squaresA * squaresB > 0 && Double.isFinite(squaresA * squaresB))) {
            throw new IllegalArgumentException("embeddings must not be zero, infinite or NaN, but one was");
        }
        return Math.max(-1, Math.min(1, dot / Math.sqrt(squaresA * squaresB)));
    }

    @Override
    public void close() {
        current.close();
        device.close();
    }
}
