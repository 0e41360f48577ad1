package org.facerecognition.spark;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Embeds the images of Spark's data sets, with one prepared model in each executor. Immutable.
 *
 * <pre>{@code
 * Dataset<Row> embeddings = FaceEmbedding.of(Path.of("best.ckpt")).embed(ImageRows.folder(spark, "hdfs:///people"));
 * embeddings.write().parquet("hdfs:///embeddings");
 * }</pre>
 *
 * <p>An image has the embedding, bit for bit, that {@link PreparedRecognizer#embed} computes on the same kind of
 * processor. An image that cannot be read, or shows no face, is a row with an error and does not stop the others.
 *
 * <p>The files of model and detector are on the driver's machine and are sent to the executors. They are opened on the
 * driver first, so that a wrong file fails with one sentence. {@link Arithmetic#AUTO} is decided there, so that all
 * executors compute in the same precision; an executor whose processor lacks the instructions for it fails.
 */
public final class FaceEmbedding {
    /** Column of the input: the path of an image file, in a file system of Hadoop's. */
    public static final String PATH = "path";

    /** Column of the input: the bytes of an image file. Not passed on. */
    public static final String CONTENT = "content";

    /** Column of {@link ImageRows}: the person's name, null if unknown. */
    public static final String IDENTITY = "identity";

    /** Column of the result: unit-norm, null if there is an error. */
    public static final String EMBEDDING = "embedding";

    /** Column of the result: box and score of the face that was embedded; null without a detector. */
    public static final String FACE = "face";

    /** Column of the result: a sentence that says why there is no embedding; null if there is one. */
    public static final String ERROR = "error";

    /** Column of the result: identifies the image's bytes; null if they could not be read. */
    public static final String CONTENT_KEY = "content_key";

    /** Column of the result: identifies the model. */
    public static final String FINGERPRINT = "fingerprint";

    /** Column of the result: how images became embeddings. */
    public static final String EMBEDDING_MODE = "embedding_mode";

    private static final StructType FACE_TYPE = new StructType()
            .add("x", DataTypes.DoubleType, false)
            .add("y", DataTypes.DoubleType, false)
            .add("width", DataTypes.DoubleType, false)
            .add("height", DataTypes.DoubleType, false)
            .add("score", DataTypes.DoubleType, false);

    private static final List<StructField> ADDED = List.of(
            DataTypes.createStructField(EMBEDDING, DataTypes.createArrayType(DataTypes.FloatType, false), true),
            DataTypes.createStructField(FACE, FACE_TYPE, true),
            DataTypes.createStructField(ERROR, DataTypes.StringType, true),
            DataTypes.createStructField(CONTENT_KEY, DataTypes.StringType, true),
            DataTypes.createStructField(FINGERPRINT, DataTypes.StringType, false),
            DataTypes.createStructField(EMBEDDING_MODE, DataTypes.StringType, false));

    /** How faces are found. */
    private record Detection(Path file, UnaryOperator<FaceDetector.Settings> settings) {}

    private final Path model;
    private final @Nullable Detection detection;
    private final EmbedSettings settings;

    private FaceEmbedding(Path model, @Nullable Detection detection, EmbedSettings settings) {
        this.model = model;
        this.detection = detection;
        this.settings = settings;
    }

    /**
     * Embeds images that are cropped as in the model's training.
     *
     * @param model as for {@link PreparedRecognizer#load(Path)}; an ONNX model must be one file
     */
    public static FaceEmbedding of(Path model) {
        return new FaceEmbedding(
                model, null, new EmbedSettings(null, FaceChoice.MOST_PROMINENT, false, PrepareOptions.DEFAULT));
    }

    /** Says what pixels an ONNX model takes, if its file does not: {@code insightface} and others. */
    public FaceEmbedding withModelInput(String input) {
        return new FaceEmbedding(
                model, detection, new EmbedSettings(input, settings.choice(), settings.flip(), settings.options()));
    }

    /** Embeds the most prominent face of each photograph. */
    public FaceEmbedding withDetector(Path detector) {
        return withDetector(detector, defaults -> defaults, FaceChoice.MOST_PROMINENT);
    }

    /**
     * Embeds one face of each photograph.
     *
     * @param detector the .onnx file of YuNet, or of an SCRFD with five landmarks
     * @param detectorSettings are derived from the defaults of its kind; evaluated on the driver
     * @param choice which of several faces is embedded
     */
    public FaceEmbedding withDetector(
            Path detector, UnaryOperator<FaceDetector.Settings> detectorSettings, FaceChoice choice) {
        return new FaceEmbedding(
                model,
                new Detection(detector, detectorSettings),
                new EmbedSettings(settings.input(), choice, settings.flip(), settings.options()));
    }

    /** Says whether the embedding of the mirrored image is added. */
    public FaceEmbedding withFlip(boolean flip) {
        return new FaceEmbedding(
                model, detection, new EmbedSettings(settings.input(), settings.choice(), flip, settings.options()));
    }

    /** Says how the model is prepared. */
    public FaceEmbedding withOptions(PrepareOptions options) {
        return new FaceEmbedding(model, detection, settings.withOptions(options));
    }

    /**
     * Embeds the images of a data set, lazily: each time that the result is evaluated.
     *
     * @param images with a column {@value #CONTENT} of bytes, or {@value #PATH} of files, or both: files are read
     *     where the content is null. Other columns are passed on
     * @return a row for each row, in the same order and partitions: the columns of {@code images} without
     *     {@value #CONTENT}, and then {@value #EMBEDDING}, {@value #FACE}, {@value #ERROR}, {@value #CONTENT_KEY},
     *     {@value #FINGERPRINT} and {@value #EMBEDDING_MODE}
     * @throws IllegalArgumentException when there is neither column, one of another type, or one with the name of a new
     *     column
     * @throws WeightsException when the file of model or detector does not exist, is too large to be sent, or needs
     *     another file beside it
     * @throws RuntimeException as {@link PreparedRecognizer#load(Path)} and {@link FaceDetector#open(Path)}
     */
    public Dataset<Row> embed(Dataset<Row> images) {
        StructType given = images.schema();
        Columns columns = Columns.of(images);
        int path = column(given, columns, PATH, DataTypes.StringType);
        int content = column(given, columns, CONTENT, DataTypes.BinaryType);
        if (path < 0 && content < 0) {
            throw new IllegalArgumentException("images must have a column " + PATH + " of strings or " + CONTENT
                    + " of bytes, but have " + Arrays.toString(given.fieldNames()) + "; rename one of them");
        }
        int[] kept = IntStream.range(0, given.size()).filter(i -> i != content).toArray();
        SparkSession spark = images.sparkSession();
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        EmbedPartition partition = new EmbedPartition(
                recipe(context),
                kept,
                path,
                content,
                context.broadcast(new SerializableConfiguration(
                        spark.sessionState().newHadoopConf()))); // with the settings of the session
        return images.mapPartitions(partition, Encoders.row(result(given, columns, kept)));
    }

    private static int column(StructType schema, Columns columns, String name, DataType type) {
        int index = columns.indexOf(name);
        if (index >= 0 && !schema.apply(index).dataType().equals(type)) {
            throw new IllegalArgumentException("the column " + name + " must be of type " + type.simpleString()
                    + ", but is " + schema.apply(index).dataType().simpleString());
        }
        return index;
    }

    private static StructType result(StructType given, Columns columns, int[] kept) {
        StructType result = new StructType();
        for (int column : kept) {
            result = result.add(given.apply(column));
        }
        for (StructField field : ADDED) {
            if (columns.indexOf(field.name()) >= 0) {
                throw new IllegalArgumentException("images must not have a column " + field.name()
                        + ", because the embeddings get one of that name; rename or drop it");
            }
            result = result.add(field);
        }
        return result;
    }

    /** Opens model and detector, to find mistakes now, and makes them ready for executors. */
    private SharedModel.Recipe recipe(JavaSparkContext context) {
        SharedFile sharedModel = SharedFile.read(context, model, "model");
        int threads = ExecutorProcess.threads(context.sc());
        if (detection == null) {
            return recipe(sharedModel, null, decided(sharedModel, null), threads);
        }
        SharedFile sharedDetector = SharedFile.read(context, detection.file, "detector");
        try (FaceDetector detector = sharedDetector.tryOut(
                detection.file, file -> FaceDetector.open(file, detection.settings), FaceDetector::close)) {
            SharedModel.Detection shared = new SharedModel.Detection(sharedDetector, detector.settings());
            return recipe(sharedModel, shared, decided(sharedModel, detector), threads);
        }
    }

    private SharedModel.Recipe recipe(
            SharedFile file, SharedModel.@Nullable Detection shared, EmbedSettings decided, int threads) {
        boolean half = settings.options().arithmetic() == Arithmetic.AUTO
                && decided.options().arithmetic() == Arithmetic.HALF
                && PreparedNet.isFast(ScalarType.BFloat16);
        return new SharedModel.Recipe(file, shared, decided, threads, half);
    }

    private EmbedSettings decided(SharedFile shared, @Nullable FaceDetector detector) {
        try (PreparedRecognizer trial =
                shared.tryOut(model, file -> settings.load(file, detector), PreparedRecognizer::close)) {
            PrepareOptions options = settings.options();
            boolean full = trial.embeddingMode().precision().equals(EmbeddingMode.FLOAT32);
            return options.arithmetic() == Arithmetic.AUTO
                    ? settings.withOptions(options.withArithmetic(full ? Arithmetic.FP32 : Arithmetic.HALF))
                    : settings;
        }
    }
}
