package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;

/**
 * A face recogniser: a backbone that turns a picture of a face into an embedding, and the head that it is trained with.
 * Two pictures show the same person when their embeddings point the same way; see {@link #similarity}.
 *
 * <p>Make one by a recipe ({@link #arcFace}, {@link #crossEntropy}), from parts ({@link #of}) or from a file ({@link
 * #load}); teach it with a {@link Trainer}. Once trained it may be used from many threads at a time; it must not be
 * used while it is being trained. Close it to free its memory.
 */
public final class Recognizer implements AutoCloseable {
    private static final int IMAGES_AT_A_TIME = 32;
    private static final int LOADER_THREADS = 2;
    private static final int MOST_FACES_COMPARED = 4_000; // 8 million pairs
    private static final double[] FALSE_ACCEPT_RATES = {0.01, 0.001, 0.0001};

    private final RecognizerModel model;
    private final Module net; // children: encoder, head
    private final Backbone encoder;
    private final Head head;
    private Device device = new Device("cpu");

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
    }

    /**
     * A new recogniser to be trained with ArcFace, its weights drawn from {@code args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer arcFace(RecognizerArgs args) {
        return make(RecognizerModel.Loss.ARCFACE, args);
    }

    /**
     * A new recogniser to be trained with a plain classification layer and cross-entropy, its weights drawn from {@code
     * args.seed()}.
     *
     * @throws IllegalArgumentException when a value makes no sense, saying which
     */
    public static Recognizer crossEntropy(RecognizerArgs args) {
        return make(RecognizerModel.Loss.CROSS_ENTROPY, args);
    }

    private static Recognizer make(RecognizerModel.Loss loss, RecognizerArgs args) {
        RecognizerModel model = RecognizerModel.of(loss, args);
        Supplier<Head> head = switch (loss) {
            case ARCFACE -> {
                ArcFaceMargin margin = new ArcFaceMargin(args.s(), args.m()); // before anything is allocated
                yield () -> new MarginSoftmax(args.classes(), args.embeddingSize(), margin);
            }
            case CROSS_ENTROPY -> () -> new LinearSoftmax(args.classes(), args.embeddingSize());
            case CUSTOM ->
                throw new IllegalArgumentException("a recogniser of your own parts is made by Recognizer.of");
        };
        torch.manual_seed(args.seed());
        Backbone encoder =
                args.encoder().create(args.encoderLastLayerName(), args.embeddingSizes(), args.backboneOptions());
        return new Recognizer(model, encoder, head.get());
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
        Recognizer recognizer = arcFace(args);
        try {
            recognizer.encoderWeights(weights).into(recognizer.encoder); // strict: a drawn last layer would embed noise
            recognizer.rememberStart(weights);
            return recognizer;
        } catch (RuntimeException e) {
            recognizer.close();
            throw e;
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
     * Embeds the picture of a face, framed as in training.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when the picture cannot be read or has not the size the framing needs
     */
    public float[] embed(Path image) {
        return embed(List.of(image)).get(0);
    }

    /**
     * Embeds the picture of a face, framed as in training.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when the picture has not the size the framing needs
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
     * @throws org.facerecognition.data.DataException when the picture has not the size the framing needs
     */
    public float[] embed(Mat image) {
        try (BatchBuffer buffer = newBuffer(1)) {
            put(buffer, 0, image, "given");
            return embed(buffer, 1)[0];
        }
    }

    /**
     * Embeds pictures of faces, framed as in training.
     *
     * @return for each, in order, the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when a picture cannot be read or has not the size the framing needs
     */
    public List<float[]> embed(List<Path> images) {
        float[][] embeddings = new float[images.size()][];
        int atATime = Math.max(1, Math.min(IMAGES_AT_A_TIME, images.size()));
        try (BatchBuffer buffer = newBuffer(atATime)) {
            for (int from = 0; from < images.size(); from += atATime) {
                int count = Math.min(atATime, images.size() - from);
                for (int i = 0; i < count; i++) {
                    Path file = images.get(from + i);
                    try (Mat image = read(file)) {
                        put(buffer, i, image, file.toString());
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
     * @param images [B, 3, S, S], S being {@link #imageSizePx}, float32, RGB, normalised as {@link #normalization} says, on
     *     any device
     * @return [B, D], float32, not normalised, without gradient; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     */
    public Tensor embed(Tensor images) {
        long size = imageSizePx();
        if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != size || images.size(3) != size) {
            throw new IllegalArgumentException(
                    "images must be [B, 3, " + size + ", " + size + "], but were " + Arrays.toString(images.shape()));
        }
        try (PointerScope scope = new PointerScope()) {
            return forward(images).retainReference();
        }
    }

    /** Inside a scope. */
    private Tensor forward(Tensor images) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor x = images.to(device, ScalarType.Float);
            return NativeErrors.explained(() -> encoder.forward(x));
        }
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
        if (!model.identities().isEmpty() && data.framing() != model.framing()) {
            throw new IllegalArgumentException("faces must be framed as this model was trained, " + model.framing()
                    + ", but were " + data.framing());
        }
        FaceDataset plain = data.split() == Split.TRAIN ? data.withAugmentations(List.of()) : data;
        var settings = new BatchLoader.Settings(
                IMAGES_AT_A_TIME, model.imageSizePx(), model.normalization(), false, 0, LOADER_THREADS);
        float[][] embeddings = new float[plain.size()][];
        net.eval();
        try (BatchLoader loader = new BatchLoader(plain, settings, device, true);
                BatchLoader.Epoch batches = loader.epoch(0)) {
            while (batches.hasNext()) {
                try (Batch batch = batches.next();
                        PointerScope scope = new PointerScope()) {
                    Tensor images = batch.images(); // [B, 3, H, W]
                    Tensor sum = forward(images); // [B, D]
                    if (flip) {
                        sum = sum.add(forward(torch.flip(images, 3)));
                    }
                    System.arraycopy(
                            rows(sum, batch.size()), 0, embeddings, batch.index() * IMAGES_AT_A_TIME, batch.size());
                }
            }
        }
        int[] labels = IntStream.range(0, plain.size())
                .map(i -> plain.sample(i).label())
                .toArray();
        return new Embedded(embeddings, labels);
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

    /** The cosine from which on two faces count as one person's, by false accept rate; empty until {@link #calibrate}. */
    public Map<Double, Double> thresholds() {
        return model.thresholds();
    }

    private BatchBuffer newBuffer(int size) {
        int room = Math.max(size, fewestImages());
        return new BatchBuffer(room, model.imageSizePx(), model.normalization(), device, true);
    }

    /**
     * On a CPU libtorch gives small convolutions to oneDNN only from two images on; one alone goes through im2col and
     * BLAS, whose threads fight with OpenMP's: 64 to 100 ms in place of 14, ResNet-18 at 112 pixels on two cores. So one
     * image gets an empty one for company.
     */
    private int fewestImages() {
        return device.is_cpu() ? 2 : 1;
    }

    /** As a data set's files are read. */
    private Mat read(Path file) {
        return model.framing() == Framing.WHOLE ? ImageReader.read(file, imageSizePx()) : ImageReader.read(file);
    }

    private void put(BatchBuffer buffer, int slot, Mat image, String name) {
        try (Mat framed = model.framing().apply(image, model.imageSizePx(), name)) {
            buffer.put(slot, framed, 0);
        }
    }

    private float[][] embed(BatchBuffer buffer, int count) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = buffer.images(Math.max(count, fewestImages())); // [B, 3, H, W]
            return rows(forward(images), count);
        }
    }

    /** The first rows of [B, D], each brought to length 1. Inside a scope. */
    private float[][] rows(Tensor embeddings, int count) {
        Tensor onHost = torch.normalize(embeddings)
                .to(new Device("cpu"), ScalarType.Float)
                .contiguous();
        FloatPointer values = onHost.data_ptr_float();
        float[][] rows = new float[count][embeddingSize()];
        for (int i = 0; i < count; i++) {
            values.position((long) i * embeddingSize()).get(rows[i]);
        }
        return rows;
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
        SafeTensors tensors = SafeTensors.open(file);
        RecognizerModel model = RecognizerModel.fromMetadata(tensors);
        Recognizer recognizer = make(model.loss(), model.args());
        recognizer.model.adopt(model);
        return recognizer.filledFrom(tensors);
    }

    /**
     * Reads a model of your own parts, as {@link #of} made it; the parts are given again, their weights come from the
     * file.
     *
     * @throws org.facerecognition.weights.WeightsException when the file is missing, damaged or does not fit
     */
    public static Recognizer load(Path file, Backbone encoder, Head head) {
        SafeTensors tensors = SafeTensors.open(file);
        return new Recognizer(RecognizerModel.fromMetadata(tensors), encoder, head).filledFrom(tensors);
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
     * Makes an immutable copy that embeds as fast as this machine can, from many threads at a time. Takes a moment: weights are
     * packed, and half precision is tried where the options allow it.
     *
     * @return to be closed
     * @throws UnsupportedOperationException when the backbone is your own and does not describe itself
     * @throws IllegalStateException when half precision is asked for and not close enough to float32
     */
    public PreparedRecognizer prepare(PrepareOptions options) {
        Preparation.Result prepared =
                NativeErrors.explained(() -> new Preparation(options, device, model).prepare(encoder));
        return new PreparedRecognizer(prepared, model, embeddingSize(), device);
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

    Module net() {
        return net;
    }

    RecognizerModel model() {
        return model;
    }

    /** Moves the weights; further work is done there. */
    void to(Device device) {
        net.to(device, false);
        this.device.close();
        this.device = new Device(device.type(), device.index()); // a copy: the other is the caller's
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
        device.close();
    }
}
