package org.facerecognition.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.lib.output.FileOutputCommitter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.data.DataException;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The program for spark-submit that embeds images and writes Parquet. */
@Command(
        name = "EmbedJob",
        description = {
            "Embed images and write Parquet.",
            "The images must be cropped as in the model's training; with --detector, one face of each photograph is"
                    + " embedded. An image that cannot be used is a row whose column error says why."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
public final class EmbedJob implements Callable<Integer> {
    /** What is read. */
    private enum Format {
        FOLDER,
        BINARY,
        PARQUET
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--input",
            required = true,
            arity = "1..*",
            paramLabel = "PATH",
            description = "What to embed, in any file system that Spark can read.")
    private List<String> inputs;

    @Option(
            names = "--input-format",
            defaultValue = "folder",
            paramLabel = "FORMAT",
            description = "folder: a tree of image files with one folder per person. binary: all files, whatever their"
                    + " names, as Spark's binaryFile lists them. parquet: rows with a column path of files, or content"
                    + " of bytes.")
    private Format format;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description = "A model, a checkpoint of a training, or an ONNX model, on the driver's machine.")
    private java.nio.file.Path model;

    @Option(
            names = "--model-input",
            paramLabel = "WHAT",
            description = "What pixels an ONNX model takes, if its file does not say it, such as insightface.")
    private @Nullable String modelInput;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder for the Parquet files; must not exist.")
    private String output;

    @Option(
            names = "--detector",
            paramLabel = "FILE",
            description = "Detect faces with this model, YuNet or SCRFD, on the driver's machine.")
    private java.nio.file.@Nullable Path detector;

    @Option(
            names = "--min-score",
            paramLabel = "SCORE",
            description = "Minimum detection score of a face, 0 to 1. Default: 0.7 with YuNet, 0.5 with SCRFD.")
    private @Nullable Double minScore;

    @Option(
            names = "--max-side",
            paramLabel = "PX",
            defaultValue = "640",
            description = "Shrink larger images to this side before detection.")
    private int maxSidePx;

    @Option(
            names = "--face",
            defaultValue = "most-prominent",
            converter = ChoiceConverter.class,
            paramLabel = "WHICH",
            description = "Which face of an image is used: most-prominent, largest, most-central, highest-score, or"
                    + " only.")
    private FaceChoice choice;

    @Option(names = "--flip", description = "Add the embedding of each image's mirror image.")
    private boolean flip;

    @Option(
            names = "--arithmetic",
            defaultValue = "auto",
            paramLabel = "WHICH",
            description = "Precision between layers: auto (measured on the driver), fp32, half or int8.")
    private Arithmetic arithmetic;

    @Option(
            names = "--partitions",
            defaultValue = "0",
            paramLabel = "N",
            description = "Distribute the images anew over N partitions; 0 leaves them as they were read.")
    private int partitions;

    /** Embeds images; see {@code --help}. */
    public static void main(String[] args) {
        Commands.run(new EmbedJob(), args);
    }

    @Override
    public Integer call() {
        SparkSession spark = SparkSession.builder().getOrCreate();
        PrintWriter err = spec.commandLine().getErr();
        if (detector == null) {
            Stream.of("--min-score", "--max-side", "--face")
                    .filter(spec.commandLine().getParseResult()::hasMatchedOption)
                    .findFirst()
                    .ifPresent(option -> {
                        throw new ParameterException(spec.commandLine(), option + " must be given with --detector");
                    });
        }
        if (partitions < 0) {
            throw new ParameterException(spec.commandLine(), "--partitions must be at least 0, but was " + partitions);
        }
        requireNoFailedRun(spark);
        FaceEmbedding embedding = embedding();
        Dataset<Row> images = images(spark, err);
        Dataset<Row> spread = partitions > 0 ? images.repartition(partitions) : images;
        embedding.embed(spread).write().mode(SaveMode.ErrorIfExists).parquet(output);
        Row counts = spark.read()
                .parquet(output)
                .agg(count(lit(1)), count(col(FaceEmbedding.ERROR)))
                .first();
        err.printf(
                Locale.ROOT,
                "%,d images: %,d embedded, %,d with an error; %s%n",
                counts.getLong(0),
                counts.getLong(0) - counts.getLong(1),
                counts.getLong(1),
                output);
        return 0;
    }

    /** Of what a run that failed has left, Spark only says that it is there. */
    private void requireNoFailedRun(SparkSession spark) {
        Path folder = new Path(output);
        try {
            FileSystem system = folder.getFileSystem(spark.sessionState().newHadoopConf());
            if (system.exists(folder)
                    && Arrays.stream(system.listStatus(folder)).allMatch(EmbedJob::isUnfinished)) {
                throw new DataException("the output " + output + " exists, and has no file _SUCCESS, as after a run"
                        + " that failed; if no run writes it now, delete it, or give another folder");
            }
        } catch (IOException e) {
            throw new DataException("the output " + output + " cannot be looked at: " + e.getMessage(), e);
        }
    }

    private static boolean isUnfinished(FileStatus entry) {
        String name = entry.getPath().getName();
        return name.equals(FileOutputCommitter.PENDING_DIR_NAME) || name.startsWith("part-");
    }

    private Dataset<Row> images(SparkSession spark, PrintWriter err) {
        return switch (format) {
            case FOLDER -> folders(spark, err);
            case BINARY -> ImageRows.files(spark, inputs.toArray(String[]::new));
            case PARQUET -> spark.read().parquet(inputs.toArray(String[]::new));
        };
    }

    private Dataset<Row> folders(SparkSession spark, PrintWriter err) {
        return inputs.stream()
                .map(folder -> ImageRows.folder(spark, folder, passedOver -> {
                    passedOver.problemNotes().forEach(problem -> err.println("left out: " + problem));
                    passedOver.note().ifPresent(note -> err.println(folder + ": " + note));
                }))
                .reduce(Dataset::union)
                .orElseThrow();
    }

    private FaceEmbedding embedding() {
        PrepareOptions options = (arithmetic == Arithmetic.INT8 ? PrepareOptions.INT8 : PrepareOptions.DEFAULT)
                .withArithmetic(arithmetic);
        FaceEmbedding embedding = FaceEmbedding.of(model).withFlip(flip).withOptions(options);
        if (modelInput != null) {
            embedding = embedding.withModelInput(modelInput);
        }
        return detector == null ? embedding : embedding.withDetector(detector, this::detection, choice);
    }

    private FaceDetector.Settings detection(FaceDetector.Settings defaults) {
        return defaults.withScoreThreshold(minScore == null ? defaults.scoreThreshold() : minScore)
                .withLargestSidePx(maxSidePx);
    }

    /** Converts the names that {@link FaceChoice#toString} returns. */
    static final class ChoiceConverter implements ITypeConverter<FaceChoice> {
        @Override
        public FaceChoice convert(String name) {
            for (FaceChoice choice : FaceChoice.values()) {
                if (choice.toString().equalsIgnoreCase(name)) {
                    return choice;
                }
            }
            throw new TypeConversionException(
                    "must be most-prominent, largest, most-central, highest-score or only, but was \"" + name + "\"");
        }
    }
}
