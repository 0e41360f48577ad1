package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Normalization;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.LabelNoise;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.jspecify.annotations.Nullable;

/**
 * A face recogniser: a backbone that turns a picture of a face into an embedding, and the head that it is trained with.
 * Two pictures show the same person when their embeddings point the same way; see {@link #similarity}.
 *
 * <p>Make one by a recipe ({@link #arcFace}, {@link #withLoss}), from parts ({@link #of}) or from a file ({@link #load}); teach it with a {@link Trainer}. Once trained it may be used from many threads at a time; it must not be
 * used while it is being trained. Close it to free its memory.
 */
public final class Recognizer implements AutoCloseable {
    private static final int MOST_FACES_COMPARED = 4_000; // 8 million pairs
    private static final double[] FALSE_ACCEPT_RATES = {0.01, 0.001, 0.0001};
    private static final double USUAL_FALSE_ACCEPT_RATE = 0.001;

    private final RecognizerModel model;
    private final Module net; // children: encoder, head
    private final Backbone encoder;
    private final Head head;
    private final Embedder embedder;
    private final FaceCutter cutter;
    private final AtomicBoolean inTraining = new AtomicBoolean();
    private volatile boolean flip;

    static {
        Libtorch.load();
    }

    private Recognizer(RecognizerModel model, Backbone encoder, Head head) {
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
        this.cutter = new FaceCutter(model);
    }

    /**
     * A new recogniser to be trained with ArcFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer arcFace(RecognizerArgs args) {
        return withLoss(LossName.ARCFACE, args);
    }

    /**
     * A new recogniser to be trained with CosFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer cosFace(RecognizerArgs args) {
        return withLoss(LossName.COSFACE, args);
    }

    /**
     * A new recogniser to be trained with SphereFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer sphereFace(RecognizerArgs args) {
        return withLoss(LossName.SPHEREFACE, args);
    }

    /**
     * A new recogniser to be trained with AdaFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer adaFace(RecognizerArgs args) {
        return withLoss(LossName.ADAFACE, args);
    }

    /**
     * A new recogniser to be trained with MagFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer magFace(RecognizerArgs args) {
        return withLoss(LossName.MAGFACE, args);
    }

    /**
     * A new recogniser to be trained with CurricularFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer curricularFace(RecognizerArgs args) {
        return withLoss(LossName.CURRICULARFACE, args);
    }

    /**
     * A new recogniser to be trained with ElasticFace-Arc, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer elasticFace(RecognizerArgs args) {
        return withLoss(LossName.ELASTICFACE_ARC, args);
    }

    /**
     * A new recogniser to be trained with sub-centre ArcFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer subCentreArcFace(RecognizerArgs args) {
        return withLoss(LossName.SUBCENTER_ARCFACE, args);
    }

    /**
     * A new recogniser to be trained with a plain classification layer and cross-entropy, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer crossEntropy(RecognizerArgs args) {
        return withLoss(LossName.CROSS_ENTROPY, args);
    }

    /**
     * A new recogniser to be trained with any loss that there is by name, its weights drawn from {@code args.seed()}.
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
        Backbone encoder =
                all.encoder().create(all.encoderLastLayerName(), all.embeddingSizes(), all.backboneOptions());
        Head head = loss.create(all.classes(), all.embeddingSize(), settings);
        if (head instanceof MarginSoftmax margins) {
            if (all.partialFraction() < 1) {
                margins.setPartialFraction(all.partialFraction());
            }
            if (all.bf16Logits()) {
                margins.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            }
        }
        return new Recognizer(RecognizerModel.of(loss, all).withWarnings(warnings), encoder, head);
    }

    private static void checkLargeHead(LossName loss, RecognizerArgs args) {
        if (!loss.hasCentres() && (args.partialFraction() < 1 || args.bf16Logits())) {
            throw new IllegalArgumentException((args.bf16Logits() ? "bf16Logits" : "partialFraction below 1")
                    + " must go with a loss that has a centre for each identity, such as arcface, but the loss was "
                    + loss);
        }
    }

    /**
     * A recogniser of your own parts, for square input of 112 pixels normalised to -1..1.
     *
     * @throws IllegalArgumentException when the embedding lengths of the two differ
     */
    public static Recognizer of(Backbone encoder, Head head) {
        return of(encoder, head, 112, Normalization.SYMMETRIC);
    }

    /**
     * A recogniser of your own parts.
     *
     * @param imageSizePx side of the square input in pixels
     * @param normalization of pixel values
     * @throws IllegalArgumentException when the embedding lengths of the two differ
     */
    public static Recognizer of(Backbone encoder, Head head, int imageSizePx, Normalization normalization) {
        return new Recognizer(RecognizerModel.custom(imageSizePx, normalization), encoder, head);
    }

    /**
     * A recogniser of an encoder that others have trained, as it is: its own last layer, its own input. Its head is for one
     * identity, to be replaced by training another recogniser that {@link #startFrom starts from} the same weights.
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
            ((MarginSoftmax) head).setCentres(torch.ones(head.classes(), head.embeddingSize()));
        }
    }

    /**
     * Takes on weights for the encoder: of its origin, or of a model or a backup that this library has written. The last
     * layer, and only that, stays freshly drawn where the weights have none or one of another shape (ImageNet's classes).
     *
     * @return what was taken over and what was not
     * @throws org.facerecognition.weights.WeightsException naming all that does not fit; nothing is changed then
     */
    public Weights.Report startFrom(Weights weights) {
        Weights.Report report = encoderWeights(weights)
                .allowing(encoder.replacedNames().toArray(String[]::new))
                .into(encoder);
        rememberStart(weights);
        return report;
    }

    private void rememberStart(Weights weights) {
        model.setOrigin(model.origin().startedFrom(weights.file().getFileName().toString(), weights.metadata()));
    }

    /** Of a file of ours, the encoder's part; any other as it is. */
    private Weights encoderWeights(Weights weights) {
        String own = RecognizerModel.TENSOR_PREFIX + "encoder.";
        boolean ours = weights.names().stream().anyMatch(name -> name.startsWith(own));
        return ours ? weights.renamed(name -> name.startsWith(own) ? name.substring(own.length()) : null) : weights;
    }

    // ---- use ----

    /**
     * From now on pictures are photographs: {@link #embed(ImageSource) embed} looks for a face first and moves it onto the
     * template by its own points, and {@link #faces} finds all. Data sets and tensors are taken as before.
     *
     * @param detector that stays yours to close, after the last use here; null for pictures framed as in training again
     * @throws IllegalStateException when this model was trained on faces that were cut out in another way
     */
    public void useDetector(@Nullable FaceDetector detector) {
        cutter.use(detector);
    }

    /**
     * From now on the embedding of a picture is the sum of those of the picture and of its mirror image, brought to length
     * 1: a little better, at twice the work. Thresholds should then be {@link #calibrate calibrated} so.
     */
    public void useFlip(boolean flip) {
        this.flip = flip;
    }

    /**
     * Embeds the picture of a face: framed as in training or, where a detector is {@link #useDetector set}, the most
     * prominent face in it: large and near the middle.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when the picture cannot be read, has not the size the framing needs, or
     *     no face is found in it
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
     * @throws org.facerecognition.data.DataException when a picture cannot be read, has not the size the framing needs, or no
     *     face is found in it
     */
    public List<float[]> embedAll(List<? extends ImageSource> pictures) {
        return embedder.embed(pictures.size(), i -> cutter.cut(pictures.get(i)), flip);
    }

    /**
     * Finds the faces in a photograph and embeds each.
     *
     * @return the most prominent first: large and near the middle; empty where there is none
     * @throws org.facerecognition.data.DataException when the picture cannot be read
     * @throws IllegalStateException when no detector is {@link #useDetector set}
     */
    public List<EmbeddedFace> faces(ImageSource photograph) {
        try (Mat whole = photograph.read()) {
            List<DetectedFace> found = cutter.find(whole);
            List<float[]> embeddings = embedder.embed(found.size(), i -> cutter.aligned(whole, found.get(i)), flip);
            return IntStream.range(0, found.size())
                    .mapToObj(i -> new EmbeddedFace(found.get(i), embeddings.get(i)))
                    .toList();
        }
    }

    /**
     * Whether two pictures show the same person, judged by the model's threshold for a false accept rate of .1 %.
     *
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws IllegalStateException as {@link #threshold}
     */
    public Verdict verify(ImageSource a, ImageSource b) {
        return verify(a, b, threshold(USUAL_FALSE_ACCEPT_RATE));
    }

    /**
     * Whether two pictures show the same person.
     *
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     */
    public Verdict verify(ImageSource a, ImageSource b, Threshold threshold) {
        List<float[]> both = embedAll(List.of(a, b));
        return threshold.judge(similarity(both.get(0), both.get(1)));
    }

    /**
     * Embeds a batch of your own, as the net gives it: one layer down, for researchers.
     *
     * @param images [B, 3, S, S], S being {@link #imageSizePx}, float32, RGB, normalised as {@link #normalization} says, on
     *     any device
     * @return [B, D], float32, not normalised, without gradient; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     */
    public Tensor embed(Tensor images) {
        return embedder.embed(images);
    }

    /**
     * Embeds all samples of a data set, framed as it says, without augmentation.
     *
     * @param flip adds the embedding of the mirrored picture to each before it is brought to length 1: a little better,
     *     at twice the work
     * @return embeddings and labels, in the data set's order
     * @throws IllegalArgumentException when this recogniser was trained on faces that were framed in another way
     * @throws org.facerecognition.data.DataException when a picture cannot be used
     */
    public Embedded embed(FaceDataset data, boolean flip) {
        return embed(data, flip, done -> {});
    }

    /**
     * Embeds all samples of a data set, and tells how far it is.
     *
     * @param embedded is told the number of samples done so far, batch by batch
     * @see #embed(FaceDataset, boolean)
     */
    public Embedded embed(FaceDataset data, boolean flip, IntConsumer embedded) {
        if (!model.identities().isEmpty() && !data.framing().showsAs(model.framing())) {
            throw new IllegalArgumentException("faces must be framed as this model was trained, " + model.framing()
                    + ", but were " + data.framing());
        }
        return embedder.embed(data, flip, embedded, BadImages.FAIL).faces();
    }

    /** What embeds, for a training. */
    Embedder embedder() {
        return embedder;
    }

    /**
     * Finds the cosines from which on two faces count as one person's, on faces that the model was not trained on, and keeps
     * them for its file. All pairs of the faces are compared, of a few thousand of them where there are more.
     *
     * @param faces with several people, several faces of some
     * @param flip as the faces will be embedded later
     * @return for false accept rates of 1 %, .1 % and .01 % the threshold
     * @throws IllegalArgumentException as {@link #embed(FaceDataset, boolean)}, or when there are no pairs of both kinds
     */
    public Map<Double, Double> calibrate(FaceDataset faces, boolean flip) {
        Embedded all = embed(faces, flip);
        int every = (all.labels().length - 1) / MOST_FACES_COMPARED + 1;
        int[] chosen = IntStream.range(0, all.labels().length)
                .filter(i -> i % every == 0)
                .toArray();
        float[][] embeddings =
                Arrays.stream(chosen).mapToObj(i -> all.embeddings()[i]).toArray(float[][]::new);
        int[] labels = Arrays.stream(chosen).map(i -> all.labels()[i]).toArray();
        Roc roc = Verification.ofAllPairs(embeddings, labels).roc();
        Map<Double, Double> thresholds = new LinkedHashMap<>();
        for (double far : FALSE_ACCEPT_RATES) {
            thresholds.put(far, roc.thresholdAt(far));
        }
        model.setThresholds(thresholds);
        return thresholds();
    }

    /**
     * Looks for faces among those it was trained on that are probably under a wrong name.
     *
     * @param faces of the training, framed as then
     * @param mostDegrees from the centre of its identity; a face farther away is suspected, {@link LabelNoise#USUAL_DEGREES}
     * @return the farthest first; their numbers are those of the data set's samples, without augmentation
     * @throws IllegalStateException when the head has no centres
     * @throws IllegalArgumentException when the identities are not those of the training
     */
    public List<LabelNoise.Suspect> suspects(FaceDataset faces, double mostDegrees) {
        if (!(head instanceof MarginSoftmax margins)) {
            throw new IllegalStateException("suspects are found by the centres of a margin head, but this model has a "
                    + head.getClass().getSimpleName());
        }
        if (!faces.identities().equals(identities())) {
            throw new IllegalArgumentException("faces must be of the "
                    + identities().size()
                    + " identities that this model was trained on, in their order, but were of " + faces.classes()
                    + " others; give the data of the training");
        }
        Embedded embedded = embed(faces, false);
        return LabelNoise.suspects(embedded, rows(margins.centres()), margins.subCentres(), mostDegrees);
    }

    private static float[][] rows(Tensor matrix) {
        try (PointerScope scope = new PointerScope()) {
            float[][] rows = new float[(int) matrix.size(0)][(int) matrix.size(1)];
            FloatPointer values = matrix.detach()
                    .to(new Device("cpu"), ScalarType.Float)
                    .contiguous()
                    .data_ptr_float();
            for (int i = 0; i < rows.length; i++) {
                values.position((long) i * rows[i].length).get(rows[i]);
            }
            return rows;
        }
    }

    /** The cosine from which on two faces count as one person's, by false accept rate; empty until {@link #calibrate}. */
    public Map<Double, Double> thresholds() {
        return model.thresholds();
    }

    /**
     * The threshold that was calibrated for a false accept rate.
     *
     * @throws IllegalStateException when there is none, saying which there are
     */
    public Threshold threshold(double falseAcceptRate) {
        Double cosine = model.thresholds().get(falseAcceptRate);
        if (cosine == null) {
            throw new IllegalStateException("threshold for a false accept rate of " + falseAcceptRate
                    + " must have been calibrated, but this model "
                    + (model.thresholds().isEmpty()
                            ? "has none"
                            : "has those for " + model.thresholds().keySet())
                    + "; calibrate it on faces of people it does not know (Recognizer.calibrate, evaluate --calibrate) or"
                    + " give a threshold of your own");
        }
        return new Threshold(cosine, OptionalDouble.of(falseAcceptRate));
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
        try (PointerScope scope = new PointerScope()) {
            SafeTensors.write(file, tensors(), model.toMetadata());
        }
    }

    /**
     * Reads a model that {@link #save} or a training's backup has written, onto the CPU.
     *
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            RecognizerModel model = RecognizerModel.fromMetadata(tensors);
            RecognizerArgs args =
                    model.args().resolved(model.loss()); // an older file has settings that its loss has not
            Recognizer recognizer = ClaimedNet.made(
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
            return new Recognizer(RecognizerModel.fromMetadata(tensors), encoder, head).filledFrom(tensors);
        }
    }

    private Recognizer filledFrom(SafeTensors file) {
        try {
            fill(file);
            return this;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Takes on a file's weights; all or nothing. */
    void fill(SafeTensors file) {
        String prefix = RecognizerModel.TENSOR_PREFIX;
        try (PointerScope scope = new PointerScope()) {
            Weights.of(file)
                    .renamed(name -> name.startsWith(prefix) ? name.substring(prefix.length()) : null)
                    .into(NamedTensors.of(net));
        }
    }

    /** All weights by their names in a file; inside a scope. */
    Map<String, Tensor> tensors() {
        Map<String, Tensor> prefixed = new LinkedHashMap<>();
        NamedTensors.of(net).forEach((name, tensor) -> prefixed.put(RecognizerModel.TENSOR_PREFIX + name, tensor));
        return prefixed;
    }

    // ---- elsewhere and faster ----

    /** {@link #prepare(PrepareOptions)} with the options' defaults. */
    public PreparedRecognizer prepare() {
        return prepare(PrepareOptions.DEFAULT);
    }

    /**
     * Makes an immutable copy that embeds as fast as this machine can, from many threads at a time. It goes on with the detector
     * and the mirror images of now. Takes a moment: weights are packed, and half precision is tried where the options allow it.
     *
     * @return to be closed
     * @throws UnsupportedOperationException when the backbone is your own and does not describe itself
     * @throws IllegalStateException when half precision is asked for and not close enough to float32
     */
    public PreparedRecognizer prepare(PrepareOptions options) {
        Preparation.Result prepared =
                NativeErrors.explained(() -> new Preparation(options, embedder.device(), model).prepare(encoder));
        return new PreparedRecognizer(prepared, model, cutter.copy(), flip, embeddingSize(), embedder.device());
    }

    /**
     * Writes the encoder for other runtimes, without the head, and with it what its input must be: size, colour order,
     * normalisation, framing; see {@link ExportFormat}.
     *
     * @param normalise makes the normalisation of pixels and bringing embeddings to length 1 part of the model: it then takes
     *     uint8 pixels 0..255 and gives what {@link #embed(Mat)} gives
     * @throws UnsupportedOperationException when the backbone is your own and does not describe itself
     * @throws IllegalArgumentException when the format cannot hold the normalisation
     * @throws org.facerecognition.export.ExportException when the file cannot be written
     */
    public void export(Path file, ExportFormat format, boolean normalise) {
        new ModelExport(model, encoder).write(file, format, normalise);
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

    /** Length of an embedding. */
    public int embeddingSize() {
        return encoder.embeddingSize();
    }

    /** Side of the square input in pixels. */
    public int imageSizePx() {
        return model.imageSizePx();
    }

    /** How pixel values become input. */
    public Normalization normalization() {
        return model.normalization();
    }

    /** What is cut out of a picture; that of the data it was trained on. */
    public Framing framing() {
        return model.framing();
    }

    /** Names of the identities it was trained on, by label; empty before. */
    public List<String> identities() {
        return model.identities();
    }

    /** Where it comes from. */
    public ModelOrigin origin() {
        return model.origin();
    }

    /** Says under which licence this model may be used; kept in its file. */
    public void setLicence(String licence) {
        model.setOrigin(model.origin().withLicence(licence));
    }

    /**
     * Tells models apart: embeddings of two may be compared only where this is the same. It follows from the encoder's
     * weights and from what it sees (size, normalisation, framing), so that it is the same for a model and its saved file,
     * on any device, and another after training. All weights are read for it, some 100 MB in a third of a second.
     *
     * @return 16 hexadecimal digits
     */
    public String fingerprint() {
        return Fingerprint.of(model, encoder);
    }

    Module net() {
        return net;
    }

    /** @throws IllegalStateException when it is being trained already */
    void beginTraining() {
        if (inTraining.getAndSet(true)) {
            throw new IllegalStateException(
                    "this recognizer is being trained already, by another thread; wait for that to end, or"
                            + " train another recognizer");
        }
    }

    void endTraining() {
        inTraining.set(false);
    }

    RecognizerModel model() {
        return model;
    }

    /**
     * Moves the model to a device, where embedding is done from then on. A training moves it to the device of its args,
     * and leaves it there. Not while other threads use it.
     *
     * @throws IllegalStateException when a GPU is asked for and there is none
     */
    public void to(ComputeDevice device) {
        try (Device resolved = device.resolve()) {
            to(resolved);
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
                + imageSizePx() + " px, framing " + framing();
    }

    @Override
    public void close() {
        net.close();
        encoder.close();
        head.close();
        embedder.close();
    }
}
