package org.facerecognition;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.EmbeddingPipeline;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Calibrator;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.LabelNoise;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.export.ModelExport;
import org.facerecognition.export.TorchScriptWeights;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphMatch;
import org.facerecognition.inference.ChannelStatistics;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.inference.PrecisionTrial;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Fingerprint;
import org.facerecognition.weights.ModelOrigin;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * A face recognizer: a backbone that turns an image of a face into an embedding, and the head that it is trained with.
 * Two images show the same person when their embeddings point in the same direction; see {@link #similarity}.
 *
 * <p>Make one by a recipe ({@link #arcFace}, {@link #withLoss}), from parts ({@link #of}) or from a file ({@link
 * #load}); train it with a {@link Trainer}. A trained recognizer may be used by many threads at once, but not while it
 * is being trained. Closing it frees its memory.
 */
/*
 * Long because it is the facade: one short method for each thing that a user does with a model, and its documentation.
 * The work is done by RecognizerFactory, Embedder, ModelFiles, ModelInfo and the packages below.
 */
public final class Recognizer implements FaceEmbedder {
    private static final int MEASURED_IMAGES = 256;

    private final ModelInfo model;
    private final Module net; // children: encoder, head
    private final Backbone encoder;
    private final Head head;
    private final Embedder embedder;
    private final AtomicBoolean inTraining = new AtomicBoolean();
    private final Lifetime lifetime = new Lifetime("this recognizer");
    private volatile Use use = Use.CROPPED;

    /** How images become embeddings at present; replaced as a whole, so that each call sees one state. */
    private record Use(@Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        static final Use CROPPED = new Use(null, FaceChoice.MOST_PROMINENT, false);
    }

    /** @throws IllegalArgumentException when the embedding lengths of encoder and head differ */
    Recognizer(ModelInfo model, Backbone encoder, Head head) {
        if (encoder.embeddingSize() != head.embeddingSize()) {
            throw new IllegalArgumentException("head must take embeddings of " + encoder.embeddingSize()
                    + " like the backbone's, but takes " + head.embeddingSize());
        }
        this.model = model;
        this.encoder = encoder;
        this.head = head;
        this.net = new Module("Recognizer");
        encoder.setChannelsLast(true);
        net.register_module("encoder", encoder);
        net.register_module("head", head);
        net.eval();
        this.embedder = new Embedder(model, net, encoder);
    }

    // ---- recipes: each makes a recognizer to be trained with one loss; see withLoss ----

    /** ArcFace: an additive angular margin. */
    public static Recognizer arcFace(RecognizerArgs args) {
        return withLoss(LossName.ARCFACE, args);
    }

    /** CosFace: an additive cosine margin. */
    public static Recognizer cosFace(RecognizerArgs args) {
        return withLoss(LossName.COSFACE, args);
    }

    /** SphereFace: a multiplicative angular margin. */
    public static Recognizer sphereFace(RecognizerArgs args) {
        return withLoss(LossName.SPHEREFACE, args);
    }

    /** AdaFace: a margin that adapts to image quality. */
    public static Recognizer adaFace(RecognizerArgs args) {
        return withLoss(LossName.ADAFACE, args);
    }

    /** MagFace: a margin that grows with the norm of the embedding. */
    public static Recognizer magFace(RecognizerArgs args) {
        return withLoss(LossName.MAGFACE, args);
    }

    /** CurricularFace: hard negatives count more as training proceeds. */
    public static Recognizer curricularFace(RecognizerArgs args) {
        return withLoss(LossName.CURRICULARFACE, args);
    }

    /** ElasticFace-Arc: an angular margin with a random part. */
    public static Recognizer elasticFace(RecognizerArgs args) {
        return withLoss(LossName.ELASTICFACE_ARC, args);
    }

    /** Sub-center ArcFace: several centers for each identity, for noisy labels. */
    public static Recognizer subCenterArcFace(RecognizerArgs args) {
        return withLoss(LossName.SUBCENTER_ARCFACE, args);
    }

    /** A linear classification layer with cross-entropy, without a margin. */
    public static Recognizer crossEntropy(RecognizerArgs args) {
        return withLoss(LossName.CROSS_ENTROPY, args);
    }

    /**
     * Makes a recognizer to be trained with a loss, its weights randomly initialized from {@code args.seed()}.
     *
     * @param loss for example {@code LossName.of("adaface")}
     * @throws IllegalArgumentException when a value is out of its range or does not go with the loss, naming it
     */
    public static Recognizer withLoss(LossName loss, RecognizerArgs args) {
        return RecognizerFactory.withLoss(loss, args);
    }

    /** Makes a recognizer from custom parts, for square input of 112 pixels normalized to -1..1. */
    public static Recognizer of(Backbone encoder, Head head) {
        return of(encoder, head, 112, Normalization.SYMMETRIC);
    }

    /**
     * Makes a recognizer from custom parts, which it owns from then on.
     *
     * @param imageSizePx side of the square input in pixels
     * @param normalization of pixel values
     * @throws IllegalArgumentException when the embedding lengths of encoder and head differ
     */
    public static Recognizer of(Backbone encoder, Head head, int imageSizePx, Normalization normalization) {
        return new Recognizer(ModelInfo.custom(imageSizePx, normalization), encoder, head);
    }

    /**
     * Makes a recognizer of an encoder that was trained elsewhere, with as many outputs as the file's last layer has,
     * or else as its architecture has at its origin, and with its original input. Its head is a placeholder for one
     * identity; to train, make a recognizer that {@link #startFrom starts from} the same weights. What the file holds
     * beside the encoder is not used; {@link #warnings} names it. Only files of this library state the size,
     * normalization and crop of the images.
     *
     * @throws org.facerecognition.weights.WeightsException when the weights do not fit the encoder
     */
    public static Recognizer pretrained(Encoder encoder, Weights weights) {
        return RecognizerFactory.pretrained(encoder, weights);
    }

    /**
     * Copies weights into the encoder: those of the architecture's origin, or of a model or checkpoint of this library.
     * Only the last layer may stay randomly initialized, where the weights have none or one of another shape
     * (ImageNet's classes). Takes over the crop of the images if the file states it, and drops the model's thresholds,
     * its calibration for int8 and the identities of a former training.
     *
     * @return what was copied and what was not
     * @throws org.facerecognition.weights.WeightsException naming all that does not fit, or the normalization of
     *     pixels, if the file states another; nothing is changed then
     */
    public Weights.Report startFrom(Weights weights) {
        try (Lifetime.Use open = lifetime.enter()) {
            ModelFiles.input(weights)
                    .flatMap(input -> input.normalization().mismatch(normalization()))
                    .ifPresent(reason -> {
                        throw new WeightsException(weights.file() + " " + reason);
                    });
            Weights.Report report = RecognizerFactory.encoderPart(weights)
                    .allowing(encoder.replacedNames().toArray(String[]::new))
                    .into(encoder);
            model.startedFrom(weights);
            return report;
        }
    }

    /**
     * Copies the weights of an ONNX model whose structure is the encoder's, whatever they are called. Batch
     * normalizations that were folded when it was exported are normalizations again: their statistics are measured on
     * images, and embeddings stay the same. Takes over and drops what {@link #startFrom(Weights)} does.
     *
     * @param onnx borrowed
     * @param faces the images that training will use, or similar ones. At most 256 of them are read, without
     *     augmentation, and none if nothing was folded.
     * @return how many tensors were set: all that determine embeddings
     * @throws org.facerecognition.weights.WeightsException naming the first layers that differ, or the normalization
     *     of pixels, if that differs; or when the file was changed after it had been opened; nothing is changed then
     * @throws org.facerecognition.data.DataException when no image can be used; nothing is changed then
     */
    public int startFrom(OnnxModel onnx, FaceDataset faces) {
        try (Lifetime.Use open = lifetime.enter();
                PointerScope scope = new PointerScope();
                Graph graph = encoder.graph()) {
            GraphMatch match = onnx.match(graph, normalization());
            return startFrom(match, graph, faces, onnx.file(), onnx.metadata(), onnx::requireUnchanged);
        }
    }

    /**
     * Copies weights into the encoder as {@link #startFrom(Weights)} does, or, if they are of a TorchScript file that
     * this library exported, as {@link #startFrom(OnnxModel, FaceDataset)} does.
     *
     * @param faces the images that training will use, or similar ones; read only if batch normalizations were folded
     * @return what was copied and what was not
     * @throws org.facerecognition.weights.WeightsException naming all that does not fit; nothing is changed then
     * @throws org.facerecognition.data.DataException when no image can be used; nothing is changed then
     */
    public Weights.Report startFrom(Weights weights, FaceDataset faces) {
        if (weights.hasLayerNames()) {
            return startFrom(weights);
        }
        try (Lifetime.Use open = lifetime.enter();
                PointerScope scope = new PointerScope();
                Graph graph = encoder.graph();
                Graph exported = TorchScriptWeights.graph(weights, graph, normalization())) {
            GraphMatch match = GraphMatch.of(graph, exported, Map.of());
            int copied = startFrom(match, graph, faces, weights.file(), weights.metadata(), () -> {});
            return new Weights.Report(copied, List.of(), List.of(), List.of());
        }
    }

    /**
     * @param graph of the encoder
     * @param beforeWriting is run before the encoder is changed
     */
    private int startFrom(
            GraphMatch match,
            Graph graph,
            FaceDataset faces,
            Path file,
            Map<String, String> metadata,
            Runnable beforeWriting) {
        Set<Integer> folded = match.withoutStatistics();
        List<Tensor> images =
                folded.isEmpty() ? List.of() : DatasetEmbedder.someImages(faces, model.input(), MEASURED_IMAGES);
        int copied;
        try {
            copied = match.copy(beforeWriting);
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + " cannot give its weights to the encoder: " + e.getMessage(), e);
        }
        model.startedFrom(file, metadata); // thresholds are of other weights now, whatever fails
        NativeErrors.explained(() -> ChannelStatistics.measure(graph, folded, images, embedder.device()))
                .forEach((node, found) -> GraphMatch.normalizeBy(graph, node, found.mean(), found.variance()));
        return copied;
    }

    // ---- embedding ----

    /**
     * Sets the face detector: {@code embed} then detects the most prominent face and aligns it by its five landmarks,
     * and {@link #faces} finds all faces.
     *
     * @param detector borrowed: the caller closes it, after the last use here; null to crop images as in training again
     * @throws IllegalStateException when this model was trained on faces that were cropped in another way
     */
    public void useDetector(@Nullable FaceDetector detector) {
        useDetector(detector, FaceChoice.MOST_PROMINENT);
    }

    /**
     * Sets the face detector; as {@link #useDetector(FaceDetector)}.
     *
     * @param choice which face {@code embed} takes where several are found
     */
    public synchronized void useDetector(@Nullable FaceDetector detector, FaceChoice choice) {
        if (detector != null) {
            model.requireAlignedFaces();
        }
        use = new Use(detector, choice, use.flip);
    }

    /**
     * Sets whether the embedding of the mirrored image is added to that of the image before normalization: slightly
     * more accurate, at twice the work. Thresholds hold for the mode they were {@link #calibrate calibrated} in.
     */
    public synchronized void useFlip(boolean flip) {
        use = new Use(use.detector, use.choice, flip);
    }

    @Override
    public EmbeddingMode embeddingMode() {
        return mode(use);
    }

    private EmbeddingMode mode(Use now) {
        return EmbeddingMode.of(cropper(now), now.flip, EmbeddingMode.FLOAT32);
    }

    private FaceCropper cropper(Use now) {
        if (now.detector != null) {
            model.requireAlignedFaces(); // it may have been trained since
        }
        ModelInput input = model.input();
        return new FaceCropper(input.crop(), input.sizePx(), now.detector, now.choice);
    }

    @Override
    public List<float[]> embedAll(List<? extends ImageSource> images) {
        return embedAll(images, use);
    }

    private List<float[]> embedAll(List<? extends ImageSource> images, Use now) {
        try (Lifetime.Use open = lifetime.enter()) {
            FaceCropper cropper = cropper(now);
            return embedder.embedAll(images, cropper, now.flip);
        }
    }

    /** {@inheritDoc} This recognizer must stay open as long as the stream is used. */
    @Override
    public Stream<EmbeddedImage> embedEach(Stream<? extends ImageSource> images) {
        try (Lifetime.Use open = lifetime.enter()) {
            Use now = use;
            return EmbeddingPipeline.stream(images, cropper(now)::locate, pixels -> {
                try (Lifetime.Use later = lifetime.enter()) {
                    return embedder.embedPixels(pixels, now.flip);
                }
            });
        }
    }

    @Override
    public List<EmbeddedFace> faces(ImageSource image) {
        try (Lifetime.Use open = lifetime.enter()) {
            Use now = use;
            return EmbeddedFace.all(image, cropper(now), (count, input) -> embedder.embed(count, input, now.flip));
        }
    }

    /**
     * Embeds a batch of network input, without normalizing the embeddings: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being {@link #imageSizePx}, float32, RGB, normalized as {@link #normalization}
     *     says, on any device; borrowed
     * @return [B, D], float32, without gradient; owned by the caller, whatever PointerScope is open
     * @throws IllegalArgumentException when the shape differs, or a value of a tensor on the CPU is not finite
     */
    public Tensor embed(Tensor images) {
        try (Lifetime.Use open = lifetime.enter()) {
            return embedder.embed(images);
        }
    }

    /**
     * {@inheritDoc} On a CPU, a sample has the same bits as by itself, unless the model is being trained: then 512
     * samples or more go through a prepared copy of it, which is faster, and equal to 1e-5.
     */
    @Override
    public Embedded embed(FaceDataset faces, IntConsumer embedded) {
        return inUse(() -> embed(faces, use, embedded, BadImages.FAIL));
    }

    /**
     * Embeds all samples of a data set cropped as it says, whatever detector is set; see {@link #embed(FaceDataset)}.
     *
     * @throws IllegalArgumentException when the model was trained on faces that were cropped in another way
     * @throws org.facerecognition.data.DataException when an image cannot be used
     * @throws IllegalStateException when an embedding is not finite, because the network's training has diverged
     */
    public Embedded embed(FaceDataset data, boolean flip) {
        return embed(data, flip, done -> {});
    }

    /**
     * Embeds all samples of a data set cropped as it says; as {@link #embed(FaceDataset, boolean)}.
     *
     * @param embedded receives the number of samples done so far, batch by batch
     */
    public Embedded embed(FaceDataset data, boolean flip, IntConsumer embedded) {
        Use now = new Use(null, FaceChoice.MOST_PROMINENT, flip);
        return inUse(() -> embed(data, now, embedded, BadImages.FAIL));
    }

    /**
     * Does what goes through a data set, off virtual threads: a listener is called on the thread that uses this
     * recognizer, which is how closing it there is told from closing it elsewhere.
     */
    private <T> T inUse(Supplier<T> work) {
        return PlatformThreads.call(() -> {
            try (Lifetime.Use open = lifetime.enter()) {
                return work.get();
            }
        });
    }

    private Embedded embed(FaceDataset faces, Use now, IntConsumer embedded, BadImages badImages) {
        return Embedder.finite(embedder.embedAsSingly(cropped(faces, now), now.flip, embedded, badImages)
                .faces());
    }

    private FaceDataset cropped(FaceDataset faces, Use now) {
        if (now.detector == null) {
            model.requireSameCrop(faces);
        }
        FaceCropper cropper = now.detector != null
                ? cropper(now)
                : FaceCropper.withoutDetector(faces.crop(), model.input().sizePx());
        return faces.cropped(cropper);
    }

    // ---- decisions ----

    @Override
    public VerificationResult verify(ImageSource a, ImageSource b) {
        Use now = use; // one for threshold and embeddings
        return verify(a, b, model.requireThreshold(USUAL_FALSE_ACCEPT_RATE, mode(now)), now);
    }

    @Override
    public VerificationResult verify(ImageSource a, ImageSource b, Threshold threshold) {
        return verify(a, b, threshold, use);
    }

    private VerificationResult verify(ImageSource a, ImageSource b, Threshold threshold, Use now) {
        threshold.requireMode(mode(now));
        List<float[]> both = embedAll(List.of(a, b), now);
        return threshold.judge(similarity(both.get(0), both.get(1)));
    }

    @Override
    public List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings) {
        return calibrate(strangers, settings, use);
    }

    /**
     * Finds thresholds with or without mirrored images, whatever {@link #useFlip} says; as {@link
     * #calibrate(FaceDataset)}.
     *
     * @return the cosine by false accept rate
     */
    public Map<Double, Double> calibrate(FaceDataset strangers, boolean flip) {
        Use now = use;
        return byRate(calibrate(strangers, CalibrationSettings.DEFAULT, new Use(now.detector, now.choice, flip)));
    }

    private List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings, Use now) {
        return inUse(() -> {
            BadImages withoutFace = now.detector == null ? BadImages.FAIL : BadImages.SKIP;
            Calibrator calibrator = new Calibrator(
                    model.everybodyKnown(), faces -> embed(faces, now, settings.embedded(), withoutFace));
            return model.calibrated(
                    calibrator.measure(strangers, settings), mode(now).forFaces(strangers.crop(), crop()));
        });
    }

    /**
     * Keeps thresholds that were calibrated on a {@link #prepare prepared} copy of this model, for this model's file.
     *
     * @param thresholds with evidence, all of one mode, and of the weights that this model has now: they do not say of
     *     which they are
     * @throws IllegalArgumentException when one has no evidence or no false accept rate, or they are of several modes
     */
    public void keepThresholds(List<Threshold> thresholds) {
        model.keepThresholds(thresholds);
    }

    /**
     * Returns the names of the people in a data set whom this model was trained on, now or before {@link #startFrom}.
     * Accuracy measured on them says little about other people.
     */
    public List<String> knownPeople(FaceDataset people) {
        return Calibrator.known(model.everybodyKnown(), people);
    }

    /**
     * Returns the names of all people whom this model was trained on, now or before {@link #startFrom}; empty before a
     * training, and for weights whose file does not say it.
     */
    public Set<String> knownPeople() {
        return Collections.unmodifiableSet(model.everybodyKnown());
    }

    @Override
    public List<Threshold> allThresholds() {
        return model.thresholds();
    }

    /** Returns the thresholds of the present mode, cosine by false accept rate; empty before {@link #calibrate}. */
    public Map<Double, Double> thresholds() {
        return byRate(thresholds(embeddingMode()).toList());
    }

    /** Returns the thresholds of a mode, and those whose mode is unknown. */
    private Stream<Threshold> thresholds(EmbeddingMode mode) {
        return model.thresholds().stream()
                .filter(threshold ->
                        threshold.evidence().map(e -> e.mode().equals(mode)).orElse(true));
    }

    private static Map<Double, Double> byRate(List<Threshold> thresholds) {
        Map<Double, Double> byRate = new TreeMap<>();
        thresholds.forEach(threshold -> byRate.put(threshold.falseAcceptRate().orElseThrow(), threshold.cosine()));
        return Collections.unmodifiableMap(byRate);
    }

    @Override
    public Threshold threshold(double falseAcceptRate) {
        return model.requireThreshold(falseAcceptRate, embeddingMode());
    }

    /**
     * Returns the cosine of the angle between two embeddings: how alike the faces are.
     *
     * @param a of any norm but zero
     * @param b of as many values
     * @return in [-1, 1]; 1 for the same direction. A cosine, not a probability
     * @throws IllegalArgumentException when the lengths differ, or one is all zero or has a NaN
     */
    public static double similarity(float[] a, float[] b) {
        return Embedder.cosine(a, b);
    }

    /**
     * Finds training faces that are probably under a wrong name; see {@link LabelNoise}.
     *
     * @param faces of the training, cropped as then
     * @param maxDegrees from the center of its identity; a face farther away is suspected, {@link
     *     LabelNoise#USUAL_DEGREES}
     * @return the farthest first; their numbers are those of the data set's samples, without augmentation
     * @throws IllegalStateException when the head has no centers
     * @throws IllegalArgumentException when the identities are not those of the training, or the angle is not from 0 to
     *     180
     */
    public List<LabelNoise.Suspect> suspects(FaceDataset faces, double maxDegrees) {
        return suspects(faces, maxDegrees, done -> {});
    }

    /**
     * Finds training faces that are probably under a wrong name; as {@link #suspects(FaceDataset, double)}.
     *
     * @param embedded receives the number of faces embedded so far, batch by batch
     */
    public List<LabelNoise.Suspect> suspects(FaceDataset faces, double maxDegrees, IntConsumer embedded) {
        LabelNoise.requireAngle(maxDegrees);
        return inUse(() -> {
            if (!(head instanceof MarginSoftmax margins)) {
                throw new IllegalStateException(
                        "label noise is found by the centers of a margin head, but this model has a "
                                + head.getClass().getSimpleName());
            }
            model.requireSameIdentities(faces);
            float[][] centers = TensorRows.of(margins.centers());
            return LabelNoise.suspects(embed(faces, false, embedded), centers, margins.subCenters(), maxDegrees);
        });
    }

    // ---- files ----

    /**
     * Writes the model: weights of encoder and head, and what is needed to use them.
     *
     * @param file in the safetensors format; replaced atomically when it exists
     * @throws org.facerecognition.weights.WeightsException when it cannot be written; a former file is untouched then
     * @throws IllegalStateException while a training has the class centers spread over processes, or when a weight or a
     *     statistic is NaN or infinite, with which it could not be loaded
     * @throws IllegalArgumentException when the file is the checkpoint of a training, which could not be resumed any
     *     more
     */
    public void save(Path file) {
        Checkpoints.requireNotResumedFrom(file);
        if (head instanceof MarginSoftmax margins && margins.isSharded()) {
            throw new IllegalStateException("this recognizer cannot be saved: its class centers are spread over the"
                    + " processes of a training; use the training's checkpoints, or save it after the training");
        }
        try (Lifetime.Use open = lifetime.enter();
                PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = ModelFiles.tensors(model, net, head);
            Checkpoints.nonFinite(tensors).ifPresent(name -> {
                throw new IllegalStateException("this recognizer cannot be saved: some values of " + name
                        + " are NaN or infinite, as after a training whose loss was not finite; load the training's"
                        + " last checkpoint or another file instead");
            });
            SafeTensors.write(file, tensors, ModelFiles.metadata(model, net, encoder, head));
        }
    }

    /**
     * Reads a model that {@link #save} or a training has written, onto the CPU. The head has the settings that its
     * recipe makes it with; {@link #warnings} names those that were changed afterwards, such as another margin.
     *
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file) {
        return RecognizerFactory.load(file);
    }

    /**
     * Reads a model of custom parts, which are given again as {@link #of} took them; the file has their weights.
     *
     * @param encoder owned from then on, and closed when the file cannot be read, as {@code head} is
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file, Backbone encoder, Head head) {
        return RecognizerFactory.load(file, encoder, head);
    }

    /**
     * Writes the encoder for other runtimes, without the head, and beside it what its input must be; see {@link
     * ExportFormat}.
     *
     * @param normalize makes the normalization of pixels and the L2 normalization of embeddings part of the model: it
     *     then takes uint8 pixels 0..255 and returns what {@link #embed(Mat)} returns
     * @throws UnsupportedOperationException when the backbone is a custom one that does not describe its operations
     * @throws IllegalArgumentException when the format cannot hold the normalization, or the file is the checkpoint of
     *     a training, which could not be resumed any more
     * @throws org.facerecognition.export.ExportException when the file cannot be written
     */
    public void export(Path file, ExportFormat format, boolean normalize) {
        Checkpoints.requireNotResumedFrom(file);
        try (Lifetime.Use open = lifetime.enter()) {
            new ModelExport(model.input(), ModelFiles.metadata(model), encoder).write(file, format, normalize);
        }
    }

    // ---- deployment ----

    /** Prepares the model with the default options; as {@link #prepare(PrepareOptions)}. */
    public PreparedRecognizer prepare() {
        return prepare(PrepareOptions.DEFAULT);
    }

    /**
     * Makes an immutable copy that embeds as fast as this machine can, for any number of threads, with the present
     * detector and flip. Takes a moment: weights are packed, and half precision is tried where the options allow it.
     *
     * @return owned by the caller
     * @throws UnsupportedOperationException when the backbone is a custom one that does not describe its operations
     * @throws IllegalArgumentException when the encoder's weights are not finite, as after a training that has diverged
     * @throws IllegalStateException when half precision or int8 is required and not close enough to float32, or the
     *     model was not {@link #calibrateInt8 calibrated for int8}
     */
    public PreparedRecognizer prepare(PrepareOptions options) {
        try (Lifetime.Use open = lifetime.enter()) {
            Use now = use;
            FaceCropper cropper = cropper(now);
            String fingerprint = fingerprint();
            PrecisionTrial.Result prepared = embedder.prepare(options, fingerprint);
            return new PreparedRecognizer(prepared, model.copy(), cropper, now.flip, fingerprint, embedder.gpu());
        }
    }

    /**
     * Calibrates the model for {@link PrepareOptions.Arithmetic#INT8}: finds the range of the values between its layers
     * on every second face, and measures on the other ones how far the embeddings are from those in float32, and how
     * many decisions change at the thresholds of the present {@link #embeddingMode}. The model keeps the result, and
     * {@link #save} writes it, until it is trained or gets other weights. All programs that use the file get comparable
     * embeddings; a new calibration gives slightly different ones.
     *
     * @param faces 200 or more, such as those it was trained on, like those that it will embed; cropped as {@link
     *     #embed} does
     * @return what was measured
     * @throws IllegalArgumentException when there are fewer than {@value Int8Calibration#MIN_IMAGES}, or values between
     *     the layers are not finite
     * @throws UnsupportedOperationException when the backbone is a custom one that does not describe its operations, or
     *     oneDNN cannot run it on this processor
     */
    public Int8Calibration calibrateInt8(List<? extends ImageSource> faces) {
        return calibrateInt8(faces, done -> {});
    }

    /**
     * Calibrates the model for 8-bit integers; as {@link #calibrateInt8(List)}.
     *
     * @param calibrated receives how much is done so far, as a number of faces
     */
    public Int8Calibration calibrateInt8(List<? extends ImageSource> faces, IntConsumer calibrated) {
        return inUse(() -> {
            Use now = use;
            FaceCropper cropper = cropper(now);
            return calibrateInt8(now, faces.size(), i -> cropper.crop(faces.get(i)), calibrated);
        });
    }

    /**
     * Calibrates the model for 8-bit integers on faces of a data set, without augmentation; as {@link
     * #calibrateInt8(List)}, but cropped as {@link #embed(FaceDataset)} does.
     *
     * @param max the largest number of faces to use, at equal distances in the data set
     * @param calibrated receives how much is done so far, as a number of faces
     * @throws IllegalArgumentException also when the model was trained on faces that were cropped in another way
     * @throws org.facerecognition.data.DataException when an image cannot be used
     */
    public Int8Calibration calibrateInt8(FaceDataset faces, int max, IntConsumer calibrated) {
        return inUse(() -> {
            Use now = use;
            FaceDataset cropped = cropped(faces.withAugmentations(List.of()), now);
            int count = Math.min(max, cropped.size());
            return calibrateInt8(
                    now,
                    count,
                    i -> cropped.readCropped((int) ((long) i * cropped.size() / count), imageSizePx()),
                    calibrated);
        });
    }

    /** A face is read, and passes through the network twice: it is done after the third of these steps. */
    private Int8Calibration calibrateInt8(Use now, int count, IntFunction<Mat> face, IntConsumer calibrated) {
        List<byte[]> pixels = PreparedRecognizer.pixels(count, i -> {
            calibrated.accept(i / 3);
            return face.apply(i);
        });
        List<Double> cosines =
                thresholds(mode(now)).map(Threshold::cosine).distinct().toList();
        float[][] table = normalization().table();
        try (Graph graph = encoder.graph()) {
            Int8Calibration calibration = NativeErrors.explained(() -> Int8Calibration.of(
                    graph,
                    pixels,
                    table,
                    imageSizePx(),
                    now.flip,
                    cosines,
                    passes -> calibrated.accept((count + passes) / 3)));
            model.setInt8(calibration);
            return calibration;
        }
    }

    /**
     * Moves the model to a device, where embedding is done from then on. A training moves it to the device of its args
     * and leaves it there. Not while other threads use it.
     *
     * @throws IllegalStateException when a GPU is requested and there is none
     */
    public void to(ComputeDevice device) {
        try (Lifetime.Use open = lifetime.enter();
                Device resolved = device.resolve()) {
            embedder.to(resolved);
        }
    }

    // ---- properties ----

    /**
     * The backbone; borrowed. On a CPU it embeds by a copy that is made again when its weights have changed, which
     * libtorch counts, except for changes through {@code data()}, an indexer or another raw pointer to their memory:
     * change weights with tensor operations, such as {@code copy_} under a {@code NoGradGuard}.
     */
    public Backbone encoder() {
        return encoder;
    }

    /** The head it is trained with; borrowed. */
    public Head head() {
        return head;
    }

    /**
     * Returns a sentence for each setting that is allowed but hardly intended, and for a file of {@link #pretrained}
     * weights that holds more than the encoder.
     */
    public List<String> warnings() {
        return model.warnings();
    }

    @Override
    public int embeddingSize() {
        return encoder.embeddingSize();
    }

    @Override
    public int imageSizePx() {
        return model.input().sizePx();
    }

    /** How pixel values are normalized. */
    public Normalization normalization() {
        return model.input().normalization();
    }

    /** What is cropped out of an image; that of the data it was trained on. */
    public Crop crop() {
        return model.input().crop();
    }

    @Override
    public List<String> identities() {
        return model.identities();
    }

    /** What the model was trained on, the weights it started from, and its license. */
    public ModelOrigin origin() {
        return model.origin();
    }

    /** Sets the license under which this model may be used; kept in its file. */
    public void setLicense(String license) {
        model.setOrigin(model.origin().withLicense(license));
    }

    /**
     * Tells models apart: embeddings of two may be compared only where this is the same. It follows from the encoder's
     * weights and input (size, normalization, crop): equal for a model and its saved file, on any device; another after
     * training. Reads all weights, about 100 MB in a third of a second.
     *
     * @return 16 hexadecimal digits
     */
    @Override
    public String fingerprint() {
        try (Lifetime.Use open = lifetime.enter()) {
            return Fingerprint.of(model.input().fingerprintText(), encoder);
        }
    }

    /** Describes the model in a line. */
    @Override
    public String toString() {
        return model + ", embeddings of " + embeddingSize() + ", " + head.classes() + " identities, input "
                + imageSizePx() + " px, crop " + crop();
    }

    // ---- former names ----

    /** @deprecated since 0.1, renamed to {@link #subCenterArcFace} */
    @Deprecated
    public static Recognizer subCentreArcFace(RecognizerArgs args) {
        return subCenterArcFace(args);
    }

    /** @deprecated since 0.1, renamed to {@link #crop} */
    @Deprecated
    public Crop framing() {
        return crop();
    }

    /** @deprecated since 0.1, renamed to {@link #setLicense} */
    @Deprecated
    public void setLicence(String license) {
        setLicense(license);
    }

    // ---- for trainings ----

    ModelInfo model() {
        return model;
    }

    Module net() {
        return net;
    }

    Embedder embedder() {
        return embedder;
    }

    /** This model as the checkpoints of its training see it. */
    Checkpoints.Model inCheckpoints() {
        return ModelFiles.inCheckpoints(model, net, encoder, head);
    }

    /**
     * Begins a training, on the thread that ends it.
     *
     * @return to be closed at the end
     * @throws IllegalStateException when it is being trained already, or closed
     */
    Lifetime.Use beginTraining() {
        Lifetime.Use open = lifetime.enter();
        if (inTraining.getAndSet(true)) {
            open.close();
            throw new IllegalStateException(
                    "this recognizer is being trained already, by another thread; wait until that"
                            + " training ends, or train another recognizer");
        }
        embedder.beginTraining();
        return () -> {
            embedder.endTraining();
            inTraining.set(false);
            open.close();
        };
    }

    /**
     * Waits for running calls, then frees the model's memory; later calls are refused. Closing it again has no effect.
     *
     * @throws IllegalStateException when called within one of this recognizer's own calls, or by a listener of a
     *     training of it
     */
    @Override
    public void close() {
        lifetime.close(() -> {
            net.close();
            encoder.close();
            head.close();
            embedder.close();
        });
    }
}
