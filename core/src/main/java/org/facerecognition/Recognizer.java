package org.facerecognition;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Calibrator;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.LabelNoise;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.export.ModelExport;
import org.facerecognition.inference.PrecisionTrial;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Fingerprint;
import org.facerecognition.weights.ModelOrigin;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.jspecify.annotations.Nullable;

/**
 * A face recognizer: a backbone that turns an image of a face into an embedding, and the head that it is trained with.
 * Two images show the same person when their embeddings point the same way; see {@link #similarity}.
 *
 * <p>Make one by a recipe ({@link #arcFace}, {@link #withLoss}), from parts ({@link #of}) or from a file ({@link
 * #load}); teach it with a {@link Trainer}. Once trained it may be used from many threads at a time; it must not be
 * used while it is being trained. Close it to free its memory.
 */
public final class Recognizer implements FaceEmbedder {
    private final ModelInfo model;
    private final Module net; // children: encoder, head
    private final Backbone encoder;
    private final Head head;
    private final Embedder embedder;
    private final AtomicBoolean inTraining = new AtomicBoolean();
    private final Lifetime lifetime = new Lifetime("this recognizer");
    private volatile Use use = Use.CROPPED;

    /** How images become embeddings at the moment; replaced as a whole, so that a call sees one. */
    private record Use(@Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        static final Use CROPPED = new Use(null, FaceChoice.MOST_PROMINENT, false);
    }

    private Recognizer(ModelInfo model, Backbone encoder, Head head) {
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

    /**
     * A new recognizer to be trained with ArcFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer arcFace(RecognizerArgs args) {
        return withLoss(LossName.ARCFACE, args);
    }

    /**
     * A new recognizer to be trained with CosFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer cosFace(RecognizerArgs args) {
        return withLoss(LossName.COSFACE, args);
    }

    /**
     * A new recognizer to be trained with SphereFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer sphereFace(RecognizerArgs args) {
        return withLoss(LossName.SPHEREFACE, args);
    }

    /**
     * A new recognizer to be trained with AdaFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer adaFace(RecognizerArgs args) {
        return withLoss(LossName.ADAFACE, args);
    }

    /**
     * A new recognizer to be trained with MagFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer magFace(RecognizerArgs args) {
        return withLoss(LossName.MAGFACE, args);
    }

    /**
     * A new recognizer to be trained with CurricularFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer curricularFace(RecognizerArgs args) {
        return withLoss(LossName.CURRICULARFACE, args);
    }

    /**
     * A new recognizer to be trained with ElasticFace-Arc, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer elasticFace(RecognizerArgs args) {
        return withLoss(LossName.ELASTICFACE_ARC, args);
    }

    /**
     * A new recognizer to be trained with sub-center ArcFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer subCenterArcFace(RecognizerArgs args) {
        return withLoss(LossName.SUBCENTER_ARCFACE, args);
    }

    /**
     * A new recognizer to be trained with a plain classification layer and cross-entropy, its weights drawn from {@code
     * args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer crossEntropy(RecognizerArgs args) {
        return withLoss(LossName.CROSS_ENTROPY, args);
    }

    /**
     * A new recognizer to be trained with any loss that there is by name, its weights drawn from {@code args.seed()}.
     *
     * @param loss {@code LossName.of("adaface")}, say
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer withLoss(LossName loss, RecognizerArgs args) {
        return make(loss, args.resolved(loss), loss.warnings(args.lossSettings(loss), args.classes()));
    }

    /** @param all args with every setting of the loss as it is used */
    private static Recognizer make(LossName loss, RecognizerArgs all, List<String> warnings) {
        LossSettings settings = all.lossSettings(loss);
        loss.check(all.classes(), settings); // before anything is allocated
        checkLargeHead(loss, all);
        return RandomStream.seeded(all.seed(), () -> assemble(loss, all, settings, warnings));
    }

    private static Recognizer assemble(
            LossName loss, RecognizerArgs all, LossSettings settings, List<String> warnings) {
        Backbone encoder = all.encoder().create(all.encoderLastLayerName(), all.embeddingSizes(), all.backbone());
        Head head = loss.create(all.classes(), all.embeddingSize(), settings);
        if (head instanceof MarginSoftmax margins) {
            if (all.partialFraction() < 1) {
                margins.setPartialFraction(all.partialFraction());
            }
            if (all.bf16Logits()) {
                margins.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            }
        }
        return new Recognizer(ModelInfo.of(loss, all).withWarnings(warnings), encoder, head);
    }

    private static void checkLargeHead(LossName loss, RecognizerArgs args) {
        if (!loss.hasCenters() && (args.partialFraction() < 1 || args.bf16Logits())) {
            throw new IllegalArgumentException((args.bf16Logits() ? "bf16Logits" : "partialFraction below 1")
                    + " must go with a loss that has a center for each identity, such as arcface, but the loss was "
                    + loss);
        }
    }

    /**
     * A recognizer of your own parts, for square input of 112 pixels normalized to -1..1.
     *
     * @throws IllegalArgumentException when the embedding lengths of the two differ
     */
    public static Recognizer of(Backbone encoder, Head head) {
        return of(encoder, head, 112, Normalization.SYMMETRIC);
    }

    /**
     * A recognizer of your own parts.
     *
     * @param imageSizePx side of the square input in pixels
     * @param normalization of pixel values
     * @throws IllegalArgumentException when the embedding lengths of the two differ
     */
    public static Recognizer of(Backbone encoder, Head head, int imageSizePx, Normalization normalization) {
        return new Recognizer(ModelInfo.custom(imageSizePx, normalization), encoder, head);
    }

    /**
     * A recognizer of an encoder that others have trained, as it is: its own last layer, its own input. Its head is for
     * one identity, to be replaced by training another recognizer that {@link #startFrom starts from} the same weights.
     *
     * @throws org.facerecognition.weights.WeightsException when the weights do not fit the encoder
     */
    public static Recognizer pretrained(Encoder encoder, Weights weights) {
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(encoder.originalOutputs())
                .classes(1)
                .build();
        Recognizer recognizer = Initialization.skippedDuring(() -> arcFace(args));
        try {
            recognizer
                    .encoderWeights(weights)
                    .into(recognizer.encoder); // strict: a random last layer would embed noise
            recognizer.setAnyCenters();
            recognizer.rememberStart(weights);
            return recognizer;
        } catch (RuntimeException e) {
            recognizer.close();
            throw e;
        }
    }

    /** Of a head that nobody trains or asks, whose weights were not drawn. */
    private void setAnyCenters() {
        try (PointerScope scope = new PointerScope()) {
            ((MarginSoftmax) head).setCenters(torch.ones(head.classes(), head.embeddingSize()));
        }
    }

    /**
     * Takes on weights for the encoder: of its origin, or of a model or a backup that this library has written. The
     * last layer, and only that, stays freshly drawn where the weights have none or one of another shape (ImageNet's
     * classes).
     *
     * @return what was taken over and what was not
     * @throws org.facerecognition.weights.WeightsException naming all that does not fit; nothing is changed then
     */
    public Weights.Report startFrom(Weights weights) {
        try (Lifetime.Use open = lifetime.enter()) {
            Weights.Report report = encoderWeights(weights)
                    .allowing(encoder.replacedNames().toArray(String[]::new))
                    .into(encoder);
            rememberStart(weights);
            return report;
        }
    }

    private void rememberStart(Weights weights) {
        model.startedFrom(weights.metadata());
        model.setOrigin(model.origin().startedFrom(weights.file().getFileName().toString(), weights.metadata()));
    }

    /** Of a file of ours, the encoder's part; any other as it is. */
    private Weights encoderWeights(Weights weights) {
        String own = ModelFiles.TENSOR_PREFIX + "encoder.";
        boolean ours = weights.names().stream().anyMatch(name -> name.startsWith(own));
        return ours ? weights.renamed(name -> name.startsWith(own) ? name.substring(own.length()) : null) : weights;
    }

    // ---- use ----

    /**
     * Sets the face detector: {@code embed} then detects the most prominent face and aligns it by its five landmarks,
     * and {@link #faces} finds all.
     *
     * @param detector that stays yours to close, after the last use here; null for images framed as in training again
     * @throws IllegalStateException when this model was trained on faces that were cut out in another way
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
            requireAlignedFaces();
        }
        use = new Use(detector, choice, use.flip);
    }

    /**
     * Sets whether the embedding of the mirrored image is added to that of the image before its norm becomes 1: a
     * little better, at twice the work. Thresholds hold for the mode they were {@link #calibrate calibrated} in.
     */
    public synchronized void useFlip(boolean flip) {
        use = new Use(use.detector, use.choice, flip);
    }

    @Override
    public EmbeddingMode embeddingMode() {
        Use now = use;
        return EmbeddingMode.of(cropper(now), now.flip, EmbeddingMode.FLOAT32);
    }

    private FaceCropper cropper(Use now) {
        if (now.detector != null) {
            requireAlignedFaces(); // it may have been trained since
        }
        return new FaceCropper(model.input().crop(), model.input().sizePx(), now.detector, now.choice);
    }

    /** A model that has seen faces cut out in another way would take even its own people for strangers. */
    private void requireAlignedFaces() {
        if (!model.input().crop().takesAlignedFaces()) {
            throw new IllegalStateException(
                    "faces that a detector finds must not be given to this model: it was trained"
                            + " on faces framed " + model.input().crop() + "; train it with framing "
                            + Crop.CELEBA_ALIGNED
                            + " (--align mean) or on aligned crops, or use it without a detector");
        }
    }

    @Override
    public List<float[]> embedAll(List<? extends ImageSource> images) {
        try (Lifetime.Use open = lifetime.enter()) {
            Use now = use;
            FaceCropper cropper = cropper(now);
            return embedder.embed(images.size(), i -> cropper.crop(images.get(i)), now.flip);
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
     * Embeds a batch of your own, as the net gives it: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being {@link #imageSizePx}, float32, RGB, normalized as {@link #normalization}
     *     says, on any device
     * @return [B, D], float32, not normalized, without gradient; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     */
    public Tensor embed(Tensor images) {
        try (Lifetime.Use open = lifetime.enter()) {
            return embedder.embed(images);
        }
    }

    /** {@inheritDoc} For 512 samples or more, on a CPU, the network is prepared first: as fast, to 1e-5 the same. */
    @Override
    public Embedded embed(FaceDataset faces, IntConsumer embedded) {
        try (Lifetime.Use open = lifetime.enter()) {
            Use now = use;
            return embedder.embedAsSingly(seen(faces, now), now.flip, embedded, BadImages.FAIL)
                    .faces();
        }
    }

    /** A data set as {@code embed} would see its images. */
    private FaceDataset seen(FaceDataset faces, Use now) {
        if (now.detector != null) {
            return faces.cropped(cropper(now));
        }
        model.requireSameCrop(faces);
        return faces.cropped(
                FaceCropper.withoutDetector(faces.crop(), model.input().sizePx()));
    }

    /**
     * Embeds all samples of a data set framed as it says, whatever detector is set, and with or without mirror images.
     *
     * @see #embed(FaceDataset)
     */
    public Embedded embed(FaceDataset data, boolean flip) {
        return embed(data, flip, done -> {});
    }

    /**
     * Embeds all samples of a data set framed as it says; as {@link #embed(FaceDataset, boolean)}.
     *
     * @param embedded is told the number of samples done so far, batch by batch
     */
    public Embedded embed(FaceDataset data, boolean flip, IntConsumer embedded) {
        try (Lifetime.Use open = lifetime.enter()) {
            FaceDataset seen = seen(data, new Use(null, FaceChoice.MOST_PROMINENT, flip));
            return embedder.embedAsSingly(seen, flip, embedded, BadImages.FAIL).faces();
        }
    }

    /** What embeds, for a training. */
    Embedder embedder() {
        return embedder;
    }

    @Override
    public List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings) {
        return calibrate(strangers, settings, use);
    }

    /**
     * Finds thresholds on images that are framed as in training, or found by the detector that is set; as {@link
     * #calibrate(FaceDataset)}.
     *
     * @param flip as the faces will be embedded later
     * @return the threshold by false accept rate
     */
    public Map<Double, Double> calibrate(FaceDataset strangers, boolean flip) {
        Use now = use;
        return byRate(calibrate(strangers, CalibrationSettings.DEFAULT, new Use(now.detector, now.choice, flip)));
    }

    private List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings, Use now) {
        try (Lifetime.Use open = lifetime.enter()) {
            EmbeddingMode mode = EmbeddingMode.of(cropper(now), now.flip, EmbeddingMode.FLOAT32);
            BadImages withoutFace = now.detector == null ? BadImages.FAIL : BadImages.SKIP;
            Calibrator calibrator = new Calibrator(
                    model.everybodyKnown(),
                    faces -> embedder.embedAsSingly(seen(faces, now), now.flip, done -> {}, withoutFace)
                            .faces());
            return model.calibrated(calibrator.measure(strangers, settings), mode);
        }
    }

    /**
     * Keeps thresholds that were calibrated on this model {@link #prepare prepared}, for its file.
     *
     * @param thresholds with evidence, all of one mode
     */
    public void keepThresholds(List<Threshold> thresholds) {
        List<EmbeddingMode> modes = thresholds.stream()
                .map(threshold -> threshold
                        .evidence()
                        .orElseThrow(() -> new IllegalArgumentException(
                                "thresholds must have been calibrated, but one has no evidence"))
                        .mode())
                .distinct()
                .toList();
        if (modes.size() != 1) {
            throw new IllegalArgumentException("thresholds must be of one mode, but were of " + modes);
        }
        model.keepThresholds(thresholds, modes.get(0));
    }

    /**
     * Names of the people in a data set whom this model was trained on, by this training or by one before it. Figures
     * that are measured on them say little about strangers.
     */
    public List<String> knownPeople(FaceDataset people) {
        return Calibrator.known(model.everybodyKnown(), people);
    }

    /**
     * Looks for faces among those it was trained on that are probably under a wrong name.
     *
     * @param faces of the training, framed as then
     * @param mostDegrees from the center of its identity; a face farther away is suspected, {@link
     *     LabelNoise#USUAL_DEGREES}
     * @return the farthest first; their numbers are those of the data set's samples, without augmentation
     * @throws IllegalStateException when the head has no centers
     * @throws IllegalArgumentException when the identities are not those of the training
     */
    public List<LabelNoise.Suspect> suspects(FaceDataset faces, double mostDegrees) {
        try (Lifetime.Use open = lifetime.enter()) {
            if (!(head instanceof MarginSoftmax margins)) {
                throw new IllegalStateException(
                        "suspects are found by the centers of a margin head, but this model has a "
                                + head.getClass().getSimpleName());
            }
            if (!faces.identities().equals(identities())) {
                throw new UnsuitableDataException("faces must be of the "
                        + identities().size()
                        + " identities that this model was trained on, in their order, but were of " + faces.classes()
                        + " others; give the data of the training");
            }
            Embedded embedded = embed(faces, false);
            return LabelNoise.suspects(embedded, TensorRows.of(margins.centers()), margins.subCenters(), mostDegrees);
        }
    }

    @Override
    public List<Threshold> allThresholds() {
        return model.thresholds();
    }

    /**
     * The cosine at or above which two faces count as one person's, by false accept rate, in the mode of now; empty
     * until {@link #calibrate}.
     */
    public Map<Double, Double> thresholds() {
        EmbeddingMode mode = embeddingMode();
        return byRate(model.thresholds().stream()
                .filter(threshold ->
                        threshold.evidence().map(e -> e.mode().equals(mode)).orElse(true))
                .toList());
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
     * How alike two embeddings are: the cosine of the angle between them.
     *
     * @param a an embedding of any length but zero
     * @param b another, of as many values
     * @return in [-1, 1]; 1 for the same direction. A raw cosine, not a probability
     * @throws IllegalArgumentException when the lengths differ or one is all zero
     */
    public static double similarity(float[] a, float[] b) {
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
        if (!(squaresA > 0 && squaresB > 0)) {
            throw new IllegalArgumentException("embeddings must not be zero or NaN, but one was");
        }
        return Math.max(-1, Math.min(1, dot / Math.sqrt(squaresA * squaresB)));
    }

    // ---- files ----

    /**
     * Writes the model: weights of encoder and head, and what is needed to use them.
     *
     * @param file to write, in the safetensors format; replaced at one stroke when it is there
     * @throws org.facerecognition.weights.WeightsException when it cannot be written; a former file is then untouched
     */
    public void save(Path file) {
        try (Lifetime.Use open = lifetime.enter()) {
            try (PointerScope scope = new PointerScope()) {
                SafeTensors.write(file, ModelFiles.tensors(net), ModelFiles.metadata(model));
            }
        }
    }

    /**
     * Reads a model that {@link #save} or a training's checkpoint has written, onto the CPU.
     *
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            ModelInfo model = ModelFiles.read(tensors);
            RecognizerArgs args =
                    model.args().resolved(model.loss()); // an older file has settings that its loss has not
            Recognizer recognizer = ModelFiles.make(
                    tensors, args, () -> Initialization.skippedDuring(() -> withLoss(model.loss(), args)));
            recognizer.model.adopt(model);
            return recognizer.filledFrom(tensors);
        }
    }

    /**
     * Reads a model of your own parts, as {@link #of} made it; the parts are given again, their weights come from the
     * file.
     *
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file, Backbone encoder, Head head) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            return new Recognizer(ModelFiles.read(tensors), encoder, head).filledFrom(tensors);
        }
    }

    private Recognizer filledFrom(SafeTensors file) {
        try {
            ModelFiles.fill(net, file);
            return this;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** This model as the checkpoints of its training see it. */
    Checkpoints.Model inFiles() {
        return new Checkpoints.Model() {
            @Override
            public Map<String, Tensor> tensors() {
                return ModelFiles.tensors(net);
            }

            @Override
            public Map<String, String> metadata() {
                return ModelFiles.metadata(model);
            }

            @Override
            public void restore(SafeTensors file) {
                ModelInfo info = ModelFiles.read(file);
                ModelFiles.fill(net, file);
                model.adopt(info);
                model.clearThresholds(); // an older checkpoint may have some, of other weights
            }
        };
    }

    // ---- elsewhere and faster ----

    /** {@link #prepare(PrepareOptions)} with the options' defaults. */
    public PreparedRecognizer prepare() {
        return prepare(PrepareOptions.DEFAULT);
    }

    /**
     * Makes an immutable copy that embeds as fast as this machine can, from many threads at a time. It goes on with the
     * detector and the mirror images of now. Takes a moment: weights are packed, and half precision is tried where the
     * options allow it.
     *
     * @return to be closed
     * @throws UnsupportedOperationException when the backbone is your own and does not describe itself
     * @throws IllegalStateException when half precision is asked for and not close enough to float32
     */
    public PreparedRecognizer prepare(PrepareOptions options) {
        try (Lifetime.Use open = lifetime.enter()) {
            PrecisionTrial.Result prepared = embedder.prepare(options);
            Use now = use;
            return new PreparedRecognizer(
                    prepared, model.copy(), cropper(now), now.flip, fingerprint(), embeddingSize(), embedder.device());
        }
    }

    /**
     * Writes the encoder for other runtimes, without the head, and with it what its input must be: size, color order,
     * normalization, framing; see {@link ExportFormat}.
     *
     * @param normalize makes the normalization of pixels and bringing embeddings to length 1 part of the model: it then
     *     takes uint8 pixels 0..255 and gives what {@link #embed(Mat)} gives
     * @throws UnsupportedOperationException when the backbone is your own and does not describe itself
     * @throws IllegalArgumentException when the format cannot hold the normalization
     * @throws org.facerecognition.export.ExportException when the file cannot be written
     */
    public void export(Path file, ExportFormat format, boolean normalize) {
        try (Lifetime.Use open = lifetime.enter()) {
            new ModelExport(model.input(), ModelFiles.metadata(model), encoder).write(file, format, normalize);
        }
    }

    // ---- parts ----

    /** The backbone. */
    public Backbone encoder() {
        return encoder;
    }

    /** What is allowed about its loss but hardly meant, in sentences for people; none when all is well. */
    public List<String> warnings() {
        return model.warnings();
    }

    /** The head it is trained with. */
    public Head head() {
        return head;
    }

    @Override
    public int embeddingSize() {
        return encoder.embeddingSize();
    }

    @Override
    public int imageSizePx() {
        return model.input().sizePx();
    }

    /** How pixel values become input. */
    public Normalization normalization() {
        return model.input().normalization();
    }

    /** What is cut out of an image; that of the data it was trained on. */
    public Crop crop() {
        return model.input().crop();
    }

    @Override
    public List<String> identities() {
        return model.identities();
    }

    /** Where it comes from. */
    public ModelOrigin origin() {
        return model.origin();
    }

    /** Says under which license this model may be used; kept in its file. */
    public void setLicense(String license) {
        model.setOrigin(model.origin().withLicense(license));
    }

    /**
     * Tells models apart: embeddings of two may be compared only where this is the same. It follows from the encoder's
     * weights and from what it sees (size, normalization, framing), so that it is the same for a model and its saved
     * file, on any device, and another after training. All weights are read for it, some 100 MB in a third of a second.
     *
     * @return 16 hexadecimal digits
     */
    @Override
    public String fingerprint() {
        try (Lifetime.Use open = lifetime.enter()) {
            return Fingerprint.of(model.input().fingerprintText(), encoder);
        }
    }

    Module net() {
        return net;
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
                    "this recognizer is being trained already, by another thread; wait for that to end, or"
                            + " train another recognizer");
        }
        return () -> {
            inTraining.set(false);
            open.close();
        };
    }

    ModelInfo model() {
        return model;
    }

    /**
     * Moves the model to a device, where embedding is done from then on. A training moves it to the device of its args,
     * and leaves it there. Not while other threads use it.
     *
     * @throws IllegalStateException when a GPU is asked for and there is none
     */
    public void to(ComputeDevice device) {
        try (Lifetime.Use open = lifetime.enter()) {
            try (Device resolved = device.resolve()) {
                to(resolved);
            }
        }
    }

    /** Moves the weights; further work is done there. */
    void to(Device device) {
        embedder.to(device);
    }

    /** What it is made of, in a line. */
    @Override
    public String toString() {
        return model + ", embeddings of " + embeddingSize() + ", " + head.classes() + " identities, input "
                + imageSizePx() + " px, framing " + crop();
    }

    /**
     * Waits for calls under way, then frees the model's memory; later calls are refused. A second time does nothing.
     *
     * @throws IllegalStateException when it is called within one of this recognizer's own calls, or in a listener of a
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
