package org.facerecognition;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.EmbeddingPipeline;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.ModelInput;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Calibrator;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.Embedded;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.LibrariesAhead;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PrecisionTrial;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.Processors;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Fingerprint;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * A trained model prepared for fast embedding on this machine; see {@link #load(Path)} and {@link Recognizer#prepare}.
 * It has a copy of the encoder's weights and does not change with the recognizer. Thread-safe; the caller closes it.
 *
 * <p>On a CPU an image's embedding is the same, bit for bit, whatever other images are embedded with it, on whichever
 * threads. That does not hold for models from elsewhere that ONNX Runtime runs, or libtorch, as those with an L2
 * normalization before their last layers: there an image alone may have slightly other bits than among others.
 */
/*
 * Long because it is a facade: the ways to load a model, with their documentation, and one short method for each use.
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
    private final @Nullable Device gpu; // owned; null for the CPU
    private final float[][] pixelTable;
    private final Lifetime lifetime = new Lifetime("this prepared recognizer");
    private final Set<FaceBatcher> batchers = ConcurrentHashMap.newKeySet(); // open ones

    PreparedRecognizer(
            PrecisionTrial.Result prepared,
            ModelInfo model,
            FaceCropper cropper,
            boolean flip,
            String fingerprint,
            @Nullable Device gpu) {
        this.net = prepared.net();
        this.arithmetic = prepared.reason();
        this.model = model;
        this.cropper = cropper;
        this.flip = flip;
        this.fingerprint = fingerprint;
        this.mode = EmbeddingMode.of(cropper, flip, prepared.precision());
        this.embeddingSize = net.embeddingSize();
        this.gpu = gpu == null ? null : new Device(gpu.type(), gpu.index()); // a copy, since the argument is borrowed
        this.pixelTable = model.input().normalization().table();
    }

    /**
     * Reads a model that {@link Recognizer#save} or a training has written and prepares it for the CPU with the default
     * options, for images that are cropped as in training; see {@link #load(Path, PrepareOptions, FaceDetector,
     * FaceChoice, boolean)}.
     *
     * @return owned
     * @throws WeightsException when the file is missing, damaged or does not fit
     * @throws IllegalArgumentException when an {@code .onnx} file does not say what pixels it takes
     */
    public static PreparedRecognizer load(Path file) {
        return load(file, null);
    }

    /**
     * Reads and prepares a model as {@link #load(Path)} does, for photographs.
     *
     * @param detector finds the most prominent face of each; borrowed, the caller closes it after the last use here.
     *     Null for images that are cropped as in training
     * @return owned
     * @throws WeightsException when the file is missing, damaged or does not fit
     * @throws IllegalArgumentException when an {@code .onnx} file does not say what pixels it takes
     * @throws IllegalStateException when the model was trained on faces that were cropped in another way
     */
    public static PreparedRecognizer load(Path file, @Nullable FaceDetector detector) {
        return load(file, PrepareOptions.DEFAULT, detector, FaceChoice.MOST_PROMINENT, false);
    }

    /**
     * Reads a model that {@link Recognizer#save} or a training has written and prepares it for the CPU. Weights go from
     * the file to oneDNN, and libtorch is not loaded, unless the file was written before it described its network, or
     * oneDNN does not run on this processor. Models of custom parts need none of those parts. A file whose name ends in
     * {@code .onnx} must be one that says what pixels it takes; for others, see {@link OnnxModel#open(Path,
     * InputContract)}.
     *
     * @param options of the preparation
     * @param detector finds faces in photographs; borrowed, the caller closes it after the last use here. Null for
     *     images that are cropped as in training
     * @param choice which face is taken where several are found
     * @param flip whether the embedding of the mirrored image is added, as {@link Recognizer#useFlip} says
     * @return owned
     * @throws WeightsException when the file is missing, damaged or does not fit
     * @throws IllegalArgumentException when an {@code .onnx} file does not say what pixels it takes
     * @throws IllegalStateException when the model was trained on faces that were cropped in another way, or half
     *     precision or int8 is required and not close enough to float32 or not possible
     */
    public static PreparedRecognizer load(
            Path file, PrepareOptions options, @Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        LibrariesAhead.begin();
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx")) {
            try (OnnxModel onnx = OnnxModel.open(file)) {
                return load(onnx, options, detector, choice, flip);
            }
        }
        try (SafeTensors weights = SafeTensors.open(file)) {
            ModelInfo model = ModelFiles.read(weights);
            Optional<Graph> described = ModelFiles.graph(weights);
            if (described.isPresent()) {
                try (Graph graph = described.get()) {
                    return of(model, graph, weights, options, detector, choice, flip);
                }
            }
        }
        try (Recognizer recognizer = Recognizer.load(file)) {
            recognizer.useDetector(detector, choice);
            recognizer.useFlip(flip);
            return recognizer.prepare(options);
        }
    }

    private static PreparedRecognizer of(
            ModelInfo model,
            Graph graph,
            SafeTensors weights,
            PrepareOptions options,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            boolean flip) {
        if (detector != null) {
            model.requireAlignedFaces();
        }
        ModelInput input = model.input();
        String fingerprint = Fingerprint.of(input.fingerprintText(), weights, ModelFiles.ENCODER_PREFIX);
        PrecisionTrial.Result prepared;
        try {
            prepared = Embedder.prepare(graph, input, fingerprint, options, model.int8(), null);
        } catch (UnsupportedOperationException e) {
            throw new WeightsException(
                    weights.file()
                            + " cannot be prepared: " + e.getMessage()
                            + "; unless its images are that large, it is damaged: use another copy",
                    e);
        } catch (IllegalArgumentException e) { // of weights that are not finite
            throw new WeightsException(weights.file() + " cannot be used: " + e.getMessage(), e);
        }
        FaceCropper cropper = new FaceCropper(input.crop(), input.sizePx(), detector, choice);
        return new PreparedRecognizer(prepared, model, cropper, flip, fingerprint, null);
    }

    /**
     * Prepares a model from elsewhere for the CPU: with oneDNN, or in ONNX Runtime if this library does not cover
     * all of the model's operators and ONNX Runtime is on the class path.
     *
     * @param onnx borrowed; may be closed afterwards
     * @param detector finds faces in photographs; borrowed, the caller closes it after the last use here. Null for
     *     images that are aligned crops already
     * @param choice which face is taken where several are found
     * @param flip whether the embedding of the mirrored image is added
     * @return owned
     * @throws WeightsException when the model's layers do not fit each other, none of the two can run it (the message
     *     names the node), or weights are not finite
     * @throws IllegalStateException when the model was trained on faces that were cropped in another way, int8 is
     *     asked for, or half precision is required and not close enough to float32 or not possible
     */
    public static PreparedRecognizer load(
            OnnxModel onnx, PrepareOptions options, @Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        LibrariesAhead.begin();
        ModelInput input = onnx.input();
        String fingerprint = onnx.fingerprint();
        ModelInfo model = ModelInfo.foreign(onnx.toString(), input);
        model.setThresholds(ModelFiles.thresholds(onnx, fingerprint));
        if (detector != null) {
            model.requireAlignedFaces();
        }
        FaceCropper cropper = new FaceCropper(input.crop(), input.sizePx(), detector, choice);
        PrecisionTrial.Result prepared = Embedder.prepare(onnx, fingerprint, options);
        try {
            onnx.requireUnchanged();
        } catch (WeightsException e) {
            prepared.net().close();
            throw e;
        }
        return new PreparedRecognizer(prepared, model, cropper, flip, fingerprint, null);
    }

    /**
     * Records the thresholds of a model from elsewhere in the file {@code MODEL.thresholds.json} beside it. What others
     * have recorded there for other {@linkplain #embeddingMode modes} stays.
     *
     * @param onnx that this was loaded from, with the same input; borrowed
     * @throws IllegalArgumentException when it is another one
     * @throws WeightsException when the model was changed meanwhile, or its thresholds cannot be read or written
     */
    public void saveThresholds(OnnxModel onnx) {
        if (!onnx.fingerprint().equals(fingerprint)) {
            throw new IllegalArgumentException(
                    "model must be the one that these thresholds were measured with, " + this + ", but was " + onnx);
        }
        ModelFiles.writeThresholds(onnx, fingerprint, allThresholds(), mode);
    }

    @Override
    public EmbeddingMode embeddingMode() {
        return mode;
    }

    @Override
    public List<float[]> embedAll(List<? extends ImageSource> images) {
        try (Lifetime.Use open = lifetime.enter()) {
            return EmbeddingPipeline.embedAll(images, cropper::locate, this::embedPixels);
        }
    }

    /** {@inheritDoc} This recognizer must stay open as long as the stream is used. */
    @Override
    public Stream<EmbeddedImage> embedEach(Stream<? extends ImageSource> images) {
        try (Lifetime.Use open = lifetime.enter()) {
            return EmbeddingPipeline.stream(images, cropper::locate, this::embedPixels);
        }
    }

    @Override
    public List<EmbeddedFace> faces(ImageSource image) {
        try (Lifetime.Use open = lifetime.enter()) {
            return EmbeddedFace.all(image, cropper, this::embed);
        }
    }

    @Override
    public Embedded embed(FaceDataset faces, IntConsumer embedded) {
        return embed(faces, embedded, BadImages.FAIL);
    }

    /**
     * Embeds all samples of a data set cropped as it says, whatever detector there is; else as {@link
     * #embed(FaceDataset, IntConsumer)}.
     */
    public Embedded embedAsCropped(FaceDataset faces, IntConsumer embedded) {
        model.requireSameCrop(faces);
        return embedCropped(asItSays(faces), embedded, BadImages.FAIL);
    }

    private FaceDataset asItSays(FaceDataset faces) {
        return faces.cropped(
                FaceCropper.withoutDetector(faces.crop(), model.input().sizePx()));
    }

    private Embedded embed(FaceDataset faces, IntConsumer embedded, BadImages badImages) {
        FaceDataset seen = cropper.detector() != null ? faces.cropped(cropper) : asItSays(faces);
        model.requireSameCrop(cropper.detector() != null ? seen : faces);
        return embedCropped(seen, embedded, badImages);
    }

    private Embedded embedCropped(FaceDataset seen, IntConsumer embedded, BadImages badImages) {
        UnaryOperator<Tensor> scoped = images -> {
            try (Tensor result = forward(images)) {
                return result.detach(); // scoped
            }
        };
        Libtorch.load();
        return PlatformThreads.call(() -> {
            try (Lifetime.Use open = lifetime.enter();
                    Device device = device()) {
                return Embedder.finite(new DatasetEmbedder(model.input(), device, scoped)
                        .embed(seen, flip, embedded, badImages)
                        .faces());
            }
        });
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
        Calibrator calibrator =
                new Calibrator(model.everybodyKnown(), faces -> embed(faces, settings.embedded(), withoutFace));
        return PlatformThreads.call(() -> {
            try (Lifetime.Use open = lifetime.enter()) {
                return model.calibrated(
                        calibrator.measure(strangers, settings), mode.forFaces(strangers.crop(), cropper.crop()));
            }
        });
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
        return List.of(embedPixels(pixels(count, input)));
    }

    /** Returns the pixels of several network inputs, each made by its index and closed here. */
    static List<byte[]> pixels(int count, IntFunction<Mat> input) {
        List<byte[]> pixels = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            try (Mat face = input.apply(i)) {
                pixels.add(pixels(face));
            }
        }
        return pixels;
    }

    /** Copies the pixels of a network input to the Java heap: [S, S, 3]. */
    static byte[] pixels(Mat face) {
        return ImageReader.pixels(face);
    }

    /**
     * Embeds network inputs.
     *
     * @param pixels [S, S, 3] of each, RGB
     * @return unit-norm embeddings
     * @throws IllegalStateException when one is not finite
     */
    float[][] embedPixels(List<byte[]> pixels) {
        try (Lifetime.Use open = lifetime.enter()) {
            return embedInUse(pixels);
        }
    }

    private float[][] embedInUse(List<byte[]> pixels) {
        if (net.takesPixels()) {
            return Embedder.finite(
                    TensorRows.normalize(NativeErrors.explained(() -> net.embed(pixels, pixelTable, flip))));
        }
        try (Device device = device()) {
            return Embedder.finite(Embedder.embedInBuffer(pixels, model.input(), device, net.batchSize(), this::embed));
        }
    }

    /** Returns a copy of the device that the network runs on; owned. */
    private Device device() {
        return gpu == null ? new Device("cpu") : new Device(gpu.type(), gpu.index());
    }

    /**
     * Embeds a batch of network input, without normalizing the embeddings: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being the model's image size, float32, RGB, normalized as the model says, on any
     *     device; borrowed
     * @return [B, D], float32; owned by the caller, whatever PointerScope is open
     * @throws IllegalArgumentException when the shape differs, or a value of a tensor on the CPU is not finite
     */
    public Tensor embed(Tensor images) {
        try (Lifetime.Use open = lifetime.enter()) {
            Embedder.requireFinite(images);
            return forward(images);
        }
    }

    private Tensor forward(Tensor images) {
        return NativeErrors.explained(() -> net.forward(images));
    }

    /**
     * Makes a batcher for the calls of many threads, which is closed by its owner or with this recognizer. On a CPU,
     * where images that wait for a processor are computed together in any case, no image waits for others.
     */
    public FaceBatcher batcher() {
        MicroBatcher.Settings usual = MicroBatcher.Settings.DEFAULT;
        return batcher(new MicroBatcher.Settings(
                net.batchSize(), net.takesPixels() ? Duration.ZERO : usual.longestWait(), usual.queueCapacity()));
    }

    /** Returns how many calls should embed at the same time, to use all processors. */
    int parallelCalls() {
        return net.takesPixels() ? Processors.count() : 1;
    }

    /**
     * Makes a batcher for the calls of many threads, which is closed by its owner or with this recognizer.
     *
     * @param settings of the batcher; a batch larger than this recognizer was prepared for is embedded in chunks
     */
    public FaceBatcher batcher(MicroBatcher.Settings settings) {
        try (Lifetime.Use open = lifetime.enter()) {
            FaceBatcher batcher = new FaceBatcher(this, settings, batchers::remove);
            batchers.add(batcher);
            return batcher;
        }
    }

    /** Crops the face out of an image, as network input; owned. */
    Mat crop(ImageSource image) {
        return cropper.crop(image);
    }

    /** Embeds [B, 3, S, S] into [B, D], not normalized; owned. */
    private Tensor embeddings(Tensor images) {
        Tensor sum = forward(images);
        if (flip) {
            try (Tensor mirrored = forward(torch.flip(images, 3))) {
                sum.add_(mirrored);
            } catch (RuntimeException | Error e) {
                sum.close();
                throw e;
            }
        }
        return sum;
    }

    /** Returns the unit-norm embeddings of the first {@code count} images of a buffer. */
    private float[][] embed(BatchBuffer buffer, int count) {
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
        return model + ", run by " + net.engine() + ", prepared: " + arithmetic;
    }

    /**
     * Closes the open batchers, which embed what is in their queues, waits for running calls, and frees the weights.
     * Closing again has no effect.
     *
     * @throws IllegalStateException when this is called within a call that uses it, such as from a callback, or on the
     *     thread of a batcher; it stays open then
     */
    @Override
    public void close() {
        batchers.forEach(FaceBatcher::requireOtherThread);
        lifetime.requireNoUse();
        batchers.forEach(FaceBatcher::close);
        lifetime.close(net::close);
    }
}
