package org.facerecognition.spark;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.map;
import static org.apache.spark.sql.functions.regexp_replace;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.udf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.imageio.ImageIO;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.VoidFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.facerecognition.EmbeddedFace;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;

/** Embeds and enrolls in this process, through the programs for spark-submit. */
@Timeout(300)
@EnabledForJreRange(min = JRE.JAVA_17, max = JRE.JAVA_21, disabledReason = "Spark 4.1 runs on Java 17 and 21")
class EmbedJobTest {
    private static final int PEOPLE = 4;
    private static final int IMAGES_EACH = 5;
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);
    private static final StructType EMBEDDED = new StructType()
            .add("path", DataTypes.StringType)
            .add("identity", DataTypes.StringType)
            .add("content_key", DataTypes.StringType)
            .add("embedding", DataTypes.createArrayType(DataTypes.FloatType));

    private static final CountDownLatch BEGUN = new CountDownLatch(1); // of tasks in this process
    private static final CountDownLatch ENDED = new CountDownLatch(1);

    @TempDir
    static Path folder;

    private static SparkSession spark;
    private static Path model;
    private static Path people;
    private static PreparedRecognizer recognizer;

    @BeforeAll
    static void open() throws IOException {
        spark = TestSpark.local();
        model = TestImages.model(folder.resolve("best.ckpt"), 0);
        people = TestImages.people(folder.resolve("people"), PEOPLE, IMAGES_EACH, 48);
        Files.writeString(people.resolve("Person 1/broken.jpg"), "no image");
        Files.writeString(people.resolve("Person 1/notes.txt"), "no image");
        Files.copy(people.resolve("Person 0/0.png"), people.resolve("loose.png"));
        recognizer = load(null);
    }

    @AfterAll
    static void close() {
        recognizer.close();
        spark.stop();
    }

    private static PreparedRecognizer load(FaceDetector detector) {
        return PreparedRecognizer.load(model, FP32, detector, FaceChoice.MOST_PROMINENT, false);
    }

    /** Runs a program and returns its exit code and what it said. */
    private static String run(int expectedCode, Callable<Integer> program, Object... words) {
        StringWriter said = new StringWriter();
        String[] args = List.of(words).stream().map(Object::toString).toArray(String[]::new);
        int code = Commands.line(program).setErr(new PrintWriter(said, true)).execute(args);
        assertThat(code).as(said.toString()).isEqualTo(expectedCode);
        return said.toString();
    }

    private static Map<String, Row> byName(Dataset<Row> rows) {
        Map<String, Row> byName = new TreeMap<>();
        for (Row row : rows.collectAsList()) {
            Path file = Path.of(row.<String>getAs("path").replace("file:", ""));
            byName.put(people.relativize(file).toString(), row);
        }
        return byName;
    }

    private static float[] embedding(Row row) {
        List<Float> values = row.getList(row.fieldIndex("embedding"));
        float[] embedding = new float[values.size()];
        for (int i = 0; i < embedding.length; i++) {
            embedding[i] = values.get(i);
        }
        return embedding;
    }

    @Test
    void rowsOfAFolderAreTheLibrarysEmbeddings() throws IOException {
        Path output = folder.resolve("of-folder");
        String said =
                run(0, new EmbedJob(), "--input", people, "--model", model, "--arithmetic", "fp32", "--output", output);
        assertThat(said)
                .contains("22 images: 21 embedded, 1 with an error")
                .contains(people + ": passed over: 1 other file");

        Dataset<Row> rows = spark.read().parquet(output.toString());
        assertThat(rows.columns())
                .containsExactly(
                        "path",
                        "identity",
                        "embedding",
                        "face",
                        "error",
                        "content_key",
                        "fingerprint",
                        "embedding_mode");
        Map<String, Row> byName = byName(rows);
        assertThat(byName).hasSize(PEOPLE * IMAGES_EACH + 2);
        for (Map.Entry<String, Row> entry : byName.entrySet()) {
            Path file = people.resolve(entry.getKey());
            Row row = entry.getValue();
            boolean loose = file.getParent().equals(people);
            assertThat(row.<String>getAs("identity"))
                    .isEqualTo(loose ? null : file.getParent().getFileName().toString());
            assertThat(row.<Row>getAs("face")).isNull();
            assertThat(row.<String>getAs("content_key")).isEqualTo(ContentKey.of(file));
            assertThat(row.<String>getAs("fingerprint")).isEqualTo(recognizer.fingerprint());
            assertThat(row.<String>getAs("embedding_mode"))
                    .isEqualTo(recognizer.embeddingMode().toString());
            if (file.endsWith("broken.jpg")) {
                assertThat(row.<String>getAs("error")).contains("broken.jpg").doesNotContain("\n");
                assertThat(row.<Object>getAs("embedding")).isNull();
            } else {
                assertThat(row.<String>getAs("error")).isNull();
                assertThat(embedding(row)).isEqualTo(recognizer.embed(file));
            }
        }
    }

    @Test
    void allFilesAreReadWhateverTheirNames() {
        Path output = folder.resolve("of-files");
        run(
                0,
                new EmbedJob(),
                "--input-format=binary",
                "--input",
                people.resolve("Person 1"),
                "--model",
                model,
                "--arithmetic",
                "fp32",
                "--partitions",
                "3",
                "--output",
                output);
        Map<String, Row> byName = byName(spark.read().parquet(output.toString()));
        assertThat(byName).hasSize(IMAGES_EACH + 2);
        assertThat(byName.get("Person 1/notes.txt").<String>getAs("error")).contains("notes.txt");
        assertThat(embedding(byName.get("Person 1/3.png")))
                .isEqualTo(recognizer.embed(people.resolve("Person 1/3.png")));
        assertThat(output.toFile().listFiles((in, name) -> name.startsWith("part-")))
                .as("one for each of --partitions")
                .hasSize(3);
    }

    /** Bytes, files, a file that is missing, and neither; another column is passed on. */
    @Test
    void rowsOfParquetHaveBytesOrPaths() throws IOException {
        Path file = people.resolve("Person 2/2.png");
        StructType schema = new StructType()
                .add("id", DataTypes.LongType)
                .add("content", DataTypes.BinaryType)
                .add("path", DataTypes.StringType);
        Path input = folder.resolve("rows");
        spark.createDataFrame(
                        List.of(
                                RowFactory.create(0L, Files.readAllBytes(file), null),
                                RowFactory.create(1L, null, file.toString()),
                                RowFactory.create(2L, null, "missing.png"),
                                RowFactory.create(3L, null, "nowhere:///a.png"),
                                RowFactory.create(4L, null, null),
                                RowFactory.create(5L, null, "/"),
                                RowFactory.create(6L, null, "file:///")),
                        schema)
                .coalesce(1)
                .write()
                .parquet(input.toString());
        Path output = folder.resolve("of-rows");
        run(
                0,
                new EmbedJob(),
                "--input-format=parquet",
                "--input",
                input,
                "--model",
                model,
                "--arithmetic=fp32",
                "--output",
                output);
        List<Row> rows = spark.read().parquet(output.toString()).sort("id").collectAsList();
        assertThat(rows.get(0).schema().fieldNames()).startsWith("id", "path", "embedding");
        float[] expected = recognizer.embed(file);
        assertThat(embedding(rows.get(0))).isEqualTo(expected);
        assertThat(embedding(rows.get(1))).isEqualTo(expected);
        assertThat(rows.get(2).<String>getAs("error")).contains("missing.png").contains("does not exist");
        assertThat(rows.get(3).<String>getAs("error")).contains("nowhere");
        assertThat(rows.get(4).<String>getAs("error")).contains("both are null");
        assertThat(rows.subList(5, 7))
                .allSatisfy(row -> assertThat(row.<String>getAs("error")).contains("must be a file, but is a folder"));
    }

    @Test
    void aDetectorGivesTheFaceAndItsBox() throws IOException {
        Path photos = Files.createDirectories(folder.resolve("photos"));
        Path photo = photograph(photos.resolve("face.png"), true);
        photograph(photos.resolve("nobody.png"), false);
        try (FaceDetector detector = FaceDetector.open(TestImages.DETECTOR);
                PreparedRecognizer ours = load(detector)) {
            EmbeddedFace expected = ours.faces(ImageSource.of(photo)).get(0);
            Path output = folder.resolve("of-photos");
            run(
                    0,
                    new EmbedJob(),
                    "--input",
                    photos,
                    "--model",
                    model,
                    "--detector",
                    TestImages.DETECTOR,
                    "--arithmetic=fp32",
                    "--output",
                    output);
            List<Row> rows =
                    spark.read().parquet(output.toString()).sort("path").collectAsList();
            assertThat(embedding(rows.get(0))).isEqualTo(expected.embedding());
            Row face = rows.get(0).getAs("face");
            assertThat(face.schema().fieldNames()).containsExactly("x", "y", "width", "height", "score");
            assertThat(face).isEqualTo(boxed(expected.where()));
            assertThat(rows.get(1).<String>getAs("error")).contains("must show a face");
            assertThat(rows.get(1).<Row>getAs("face")).isNull();
        }
    }

    /** Each option changes the result: without one, the row would have another face, or one at all. */
    @Test
    void optionsMeanWhatTheyMeanInTheLibrary() throws IOException {
        Path photos = Files.createDirectories(folder.resolve("options"));
        Path several = photograph(photos.resolve("several.png"), 320, 240, image -> {
            square(image, 160, 112, 8, Color.YELLOW); // in the middle, with a score of 0.71
            square(image, 80, 160, 8, Color.RED);
            square(image, 256, 32, 16, Color.BLUE); // the largest
        });
        Path wide = photograph(photos.resolve("wide.png"), 640, 480, image -> square(image, 320, 240, 8, Color.RED));
        Path output = folder.resolve("of-options");
        run(
                0,
                new EmbedJob(),
                "--input",
                photos,
                "--model",
                model,
                "--detector",
                TestImages.DETECTOR,
                "--flip",
                "--face=most-central",
                "--min-score=0.8",
                "--max-side=320",
                "--arithmetic=fp32",
                "--output",
                output);
        List<Row> rows = spark.read().parquet(output.toString()).sort("path").collectAsList();
        try (FaceDetector detector = FaceDetector.open(
                        TestImages.DETECTOR,
                        defaults -> defaults.withScoreThreshold(0.8).withLargestSidePx(320));
                PreparedRecognizer ours =
                        PreparedRecognizer.load(model, FP32, detector, FaceChoice.MOST_CENTRAL, true)) {
            float[] expected = ours.embed(several);
            EmbeddedFace found = ours.faces(ImageSource.of(several)).stream()
                    .filter(face -> Arrays.equals(face.embedding(), expected))
                    .findFirst()
                    .orElseThrow();
            assertThat(found.where().box().x()).isLessThan(160);
            assertThat(embedding(rows.get(0))).isEqualTo(expected);
            assertThat(rows.get(0).<Row>getAs("face")).isEqualTo(boxed(found.where()));
            assertThat(rows.get(0).<String>getAs("embedding_mode"))
                    .isEqualTo(ours.embeddingMode().toString());
            assertThat(ours.faces(ImageSource.of(wide))).isEmpty();
            assertThat(rows.get(1).<String>getAs("error")).contains("must show a face");
        }
    }

    private static Row boxed(DetectedFace face) {
        DetectedFace.Box box = face.box();
        return RowFactory.create(box.x(), box.y(), box.width(), box.height(), face.score());
    }

    @Test
    void theArithmeticIsThatOfTheOption() {
        Path output = folder.resolve("of-half");
        PrepareOptions half = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.HALF);
        String input = people.resolve("Person 2").toString();
        run(0, new EmbedJob(), "--input", input, "--model", model, "--arithmetic=half", "--output", output);
        try (PreparedRecognizer ours = PreparedRecognizer.load(model, half, null, FaceChoice.MOST_PROMINENT, false)) {
            String mode = ours.embeddingMode().toString();
            assertThat(mode).isNotEqualTo(recognizer.embeddingMode().toString());
            assertThat(spark.read()
                            .parquet(output.toString())
                            .select("embedding_mode")
                            .distinct()
                            .collectAsList())
                    .containsExactly(RowFactory.create(mode));
        }
    }

    @Test
    void dataWithoutTheColumnsAreWrongUse() {
        Path input = folder.resolve("columns");
        spark.range(2).write().parquet(input.toString());
        Object[] words = {"--input-format=parquet", "--input", input, "--model", model, "--output", folder.resolve("no")
        };
        assertThat(run(2, new EmbedJob(), words)).contains("error: images must have a column path of strings");
        Object[] ofOnnx = {"--input", people, "--model", model, "--model-input=sface", "--output", folder.resolve("no")
        };
        assertThat(run(1, new EmbedJob(), ofOnnx)).contains("is damaged or no ONNX model");
    }

    /** Other managers of resources name GPUs by more than their numbers. */
    @Test
    void aRankTakesTheGpuThatSparkAssigns() {
        assertThat(BarrierTraining.assigned(new String[] {"3", "1"})).hasValue(3);
        assertThat(BarrierTraining.assigned(new String[] {"GPU-6d4e"})).isEmpty();
        assertThat(BarrierTraining.assigned(new String[] {"12345"})).isEmpty();
        assertThat(BarrierTraining.assigned(new String[0])).isEmpty();
    }

    private static Path photograph(Path file, boolean face) throws IOException {
        return photograph(file, 320, 240, image -> {
            if (face) {
                square(image, 80, 120, 8, Color.RED);
            }
        });
    }

    private static void square(Graphics2D graphics, int x, int y, int side, Color color) {
        graphics.setColor(color);
        graphics.fillRect(x, y, side, side);
    }

    private static Path photograph(Path file, int width, int height, Consumer<Graphics2D> faces) throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        for (int i = 0; i < image.getWidth(); i += 5) {
            graphics.setColor(new Color(i * 7 % 256, i * 7 % 256, i * 7 % 256));
            graphics.fillRect(i, 0, 5, image.getHeight());
        }
        faces.accept(graphics);
        graphics.dispose();
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    @Test
    void embeddingsAreEnrolledOnceInAGallery() {
        Path output = folder.resolve("to-enroll");
        FaceEmbedding embedding = FaceEmbedding.of(model).withOptions(FP32);
        embedding.embed(ImageRows.folder(spark, people.toString())).write().parquet(output.toString());
        assertThat(run(2, new EnrollJob(), "--embeddings", output, "--gallery", "hdfs:///people.gallery"))
                .contains("--gallery must be a file on the driver's machine");
        Path file = folder.resolve("people.gallery");
        assertThat(run(0, new EnrollJob(), "--embeddings", output, "--gallery", file))
                .contains("enrolled 20, already there 0, left out 1 without an identity and 0 that");
        assertThat(run(0, new EnrollJob(), "--embeddings", output, "--gallery", file))
                .contains("enrolled 0, already there 20");
        try (Gallery gallery = Gallery.open(file, recognizer.fingerprint(), TestImages.EMBEDDING_SIZE)) {
            Dataset<Row> moved = spark.read()
                    .parquet(output.toString())
                    .withColumn("path", concat(lit("s3a://elsewhere/"), col("path")));
            assertThat(GalleryRows.enroll(moved, gallery, why -> {})).isEqualTo(new GalleryRows.Result(0, 20, 1, 0));
            List<String> reasons = new ArrayList<>();
            assertThat(GalleryRows.enroll(moved.withColumn("identity", lit("Else")), gallery, reasons::add)
                            .rejected())
                    .isEqualTo(21);
            assertThat(reasons.get(0)).startsWith("s3a://elsewhere/").contains("the same image is enrolled as Person");
            assertThat(gallery.identities()).hasSize(PEOPLE).containsEntry("Person 2", IMAGES_EACH);
            assertThat(gallery.embeddingMode())
                    .contains(recognizer.embeddingMode().toString());
        }
    }

    /** Also those that Spark takes from the names of folders, which are numbers if all look like numbers. */
    @Test
    void wholeNumbersBecomeNames() {
        Path output = folder.resolve("numbered");
        Dataset<Row> rows = FaceEmbedding.of(model)
                .withOptions(FP32)
                .embed(ImageRows.folder(spark, people.toString()))
                .filter(col("identity").isNotNull());
        rows.withColumn("identity", regexp_replace(col("identity"), "Person ", "00"))
                .write()
                .partitionBy("identity")
                .parquet(output.toString());
        SparkSession asWritten = spark.newSession();
        asWritten.conf().set("spark.sql.sources.partitionColumnTypeInference.enabled", false);
        Dataset<Row> inferred = spark.read().parquet(output.toString());
        assertThat(inferred.schema().apply("identity").dataType()).isEqualTo(DataTypes.IntegerType);
        assertThat(enrolled(inferred)).containsOnlyKeys("0", "1", "2", "3").containsEntry("2", IMAGES_EACH);
        assertThat(enrolled(inferred.withColumn("identity", col("identity").cast("decimal(20,0)"))))
                .containsOnlyKeys("0", "1", "2", "3");
        assertThat(enrolled(asWritten.read().parquet(output.toString()))).containsOnlyKeys("000", "001", "002", "003");
    }

    private static Map<String, Integer> enrolled(Dataset<Row> rows) {
        try (Gallery gallery = Gallery.inMemory(recognizer.fingerprint(), TestImages.EMBEDDING_SIZE)) {
            GalleryRows.enroll(rows, gallery, why -> {});
            return gallery.identities();
        }
    }

    @Test
    void identitiesThatAreNoNamesAreRefusedBeforeAnythingIsComputed() {
        UDF1<String, List<Float>> compute = path -> {
            throw new IllegalStateException("computed");
        };
        UserDefinedFunction never = udf(compute, DataTypes.createArrayType(DataTypes.FloatType));
        Dataset<Row> rows = ImageRows.folder(spark, people.toString())
                .withColumn("embedding", never.apply(col("path")))
                .withColumn("content_key", lit("key"))
                .withColumn("fingerprint", lit("ffffffffffffffff"))
                .withColumn("embedding_mode", lit("mode"));
        assertThatThrownBy(() -> enrolled(rows)).hasStackTraceContaining("computed");
        Map<String, Column> wrong = Map.of(
                "array<string>", array(lit("a")),
                "struct<name:string>", struct(lit("a").as("name")),
                "map<string,string>", map(lit("a"), lit("b")),
                "double", lit(7.0),
                "boolean", lit(true));
        wrong.forEach((type, identity) -> assertThatThrownBy(() -> enrolled(rows.withColumn("identity", identity)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the column identity must have strings or whole numbers as names, but is of type " + type
                        + "; replace it with a column of strings"));
        Map<String, String> others = Map.of(
                "embedding", "array<string>",
                "content_key", "binary",
                "fingerprint", "binary",
                "embedding_mode", "binary",
                "path", "binary");
        others.forEach((name, type) -> assertThatThrownBy(
                        () -> enrolled(rows.withColumn(name, lit(null).cast(type))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the column " + name + " must have")
                .hasMessageContaining("but is of type " + type));
    }

    @Test
    void embeddingsOfDoublesAreEnrolledAndThoseWithNullsAreRefused() {
        Dataset<Row> rows = FaceEmbedding.of(model)
                .withOptions(FP32)
                .embed(ImageRows.folder(spark, people.toString()))
                .filter(col("identity").isNotNull());
        Dataset<Row> doubles = rows.withColumn("embedding", col("embedding").cast("array<double>"))
                .withColumnRenamed("identity", "Identity")
                .withColumnRenamed("path", "Path");
        assertThat(enrolled(doubles)).isEqualTo(enrolled(rows));
        Dataset<Row> incomplete = rows.withColumn("embedding", array(lit(null).cast("float"), lit(1f)));
        assertThatThrownBy(() -> enrolled(incomplete))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("nulls");
        Dataset<Row> unknown = rows.withColumn("fingerprint", lit(null).cast("string"));
        assertThatThrownBy(() -> enrolled(unknown)).isInstanceOf(DataException.class);
    }

    @Test
    void columnsAreFoundAsTheSessionFindsThem() {
        Dataset<Row> rows = ImageRows.folder(spark, people.resolve("Person 1").toString());
        FaceEmbedding embedding = FaceEmbedding.of(model).withOptions(FP32);
        Row row = embedding.embed(rows.withColumnRenamed("path", "Path")).first();
        assertThat(row.schema().fieldNames()).contains("Path", "embedding");
        assertThatThrownBy(() -> embedding.embed(rows.withColumn("Error", lit(1))))
                .hasMessageContaining("rename");
    }

    @Test
    void anExecutorWithoutTheInstructionsOfTheDriverIsRefused() {
        SharedModel.requireInstructions(true);
        assertThatThrownBy(() -> SharedModel.requireInstructions(false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("--arithmetic fp32");
    }

    @Test
    void embeddingsOfTwoModelsAndNamesThatAreRejectedAreNotEnrolled() {
        Dataset<Row> rows = FaceEmbedding.of(model)
                .withOptions(FP32)
                .embed(ImageRows.folder(spark, people.resolve("Person 1").toString()));
        try (Gallery gallery = Gallery.inMemory(recognizer.fingerprint(), TestImages.EMBEDDING_SIZE);
                Gallery other = Gallery.inMemory("ffffffffffffffff", TestImages.EMBEDDING_SIZE)) {
            Dataset<Row> strange = rows.withColumn("identity", lit("two\nlines"));
            StringWriter why = new StringWriter();
            assertThat(GalleryRows.enroll(strange, gallery, why::append).rejected())
                    .isEqualTo(IMAGES_EACH);
            assertThat(why.toString()).contains("0.png");
            GalleryRows.Result ofBytes = GalleryRows.enroll(
                    rows.drop("path").withColumn("identity", lit("Somebody")).limit(1), gallery, why::append);
            assertThat(ofBytes.added()).isEqualTo(1);
            assertThatThrownBy(() -> GalleryRows.enroll(rows, other, why::append))
                    .hasMessageContaining("another gallery");
            Dataset<Row> both = rows.union(rows.withColumn("fingerprint", lit("ffffffffffffffff")));
            assertThatThrownBy(() -> GalleryRows.enroll(both, gallery, why::append))
                    .hasMessageContaining("one model and mode");
            assertThatThrownBy(() -> GalleryRows.enroll(rows.filter(col("error").isNotNull()), gallery, why::append))
                    .hasMessageContaining("no embeddings");
        }
    }

    @Test
    void mistakesAreOneSentence() {
        Path output = folder.resolve("never");
        String[][] wrong = {
            {"--input", people.toString(), "--model", "absent.ckpt", "model must be a file"},
            {"--input", "absent", "--model", model.toString(), "absent does not exist"},
            {
                "--input",
                people.resolve("Person 1/notes.txt").toString(),
                "--model",
                model.toString(),
                "has only 1 other file"
            },
            {
                "--input",
                people.toString(),
                "--model",
                people.resolve("loose.png").toString(),
                "loose.png"
            },
            {"--input-format=parquet", "--input=" + people, "--model", model.toString(), "Parquet"},
            {"--input", "s3a://photos/people", "--model", model.toString(), "with --packages"},
        };
        for (String[] words : wrong) {
            Object[] args = new Object[words.length + 1];
            System.arraycopy(words, 0, args, 0, words.length - 1);
            args[words.length - 1] = "--output";
            args[words.length] = output;
            String said = run(1, new EmbedJob(), args);
            assertThat(said.lines().filter(line -> line.startsWith("error: ")))
                    .as(said)
                    .singleElement()
                    .asString()
                    .contains(words[words.length - 1]);
            assertThat(said.lines().filter(line -> line.startsWith("\tat ")))
                    .as(said)
                    .isEmpty();
        }
        assertThat(output).doesNotExist();
        Dataset<Row> rows = ImageRows.folder(spark, people.toString());
        FaceEmbedding embedding = FaceEmbedding.of(model);
        assertThatThrownBy(() -> embedding.embed(rows.drop("path"))).hasMessageContaining("must have a column path");
        assertThatThrownBy(() -> embedding.embed(rows.withColumn("path", lit(1))))
                .hasMessageContaining("is int");
        assertThatThrownBy(() -> embedding.embed(rows.withColumn("error", lit(1))))
                .hasMessageContaining("rename");
    }

    @Test
    void partitionsMustNotBeNegative() {
        assertThat(run(
                        2,
                        new EmbedJob(),
                        "--input",
                        people,
                        "--model",
                        model,
                        "--partitions=-1",
                        "--output",
                        folder.resolve("never")))
                .contains("--partitions must be at least 0, but was -1");
    }

    /** Spark only said that there is such a path. */
    @Test
    void whatAFailedRunHasLeftIsNamed() throws IOException {
        Path output = folder.resolve("failed");
        Object[] words = {"--input", people, "--model", model, "--output", output};
        for (String left : List.of("_temporary/0/task/part-0", "part-0.parquet")) {
            Files.createDirectories(output.resolve(left).getParent());
            Files.writeString(output.resolve(left), "");
            assertThat(run(1, new EmbedJob(), words))
                    .contains("as after a run that failed")
                    .contains("delete it");
        }
        Files.writeString(output.resolve("_SUCCESS"), "");
        assertThat(run(1, new EmbedJob(), words)).contains("already exists").doesNotContain("delete");
    }

    @Test
    void aDriverWithoutMemoryIsOneSentence() {
        StringWriter said = new StringWriter();
        Callable<Integer> greedy = new Greedy();
        int code = Commands.execute(Commands.line(greedy).setErr(new PrintWriter(said, true)));
        assertThat(code).isEqualTo(1);
        assertThat(said.toString())
                .contains("error: ")
                .contains("--driver-memory")
                .hasLineCount(1);
    }

    @Command
    private static final class Greedy implements Callable<Integer> {
        @Override
        public Integer call() {
            throw new OutOfMemoryError("Java heap space");
        }
    }

    /** Executors have no other file beside it, and may have no locale for its name. */
    @Test
    void aFileIsOpenedFromACopyAsExecutorsDo() throws IOException {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        Path file = Files.writeString(folder.resolve("with beside.onnx"), "model");
        Files.writeString(folder.resolve("beside.data"), "weights");
        SharedFile shared = SharedFile.read(context, file, "model");
        assertThat(shared.<String>open(copy -> copy.getFileName().toString())).isEqualTo("model.onnx");

        List<String> closed = new ArrayList<>();
        assertThat(shared.tryOut(file, EmbedJobTest::read, closed::add)).isEqualTo("model");
        assertThat(closed).isEmpty();
        Function<Path, String> withBeside = path -> read(path.resolveSibling("beside.data"));
        assertThatThrownBy(() -> shared.tryOut(file, withBeside, closed::add))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("without external data");
        assertThat(closed).containsExactly("weights");
        Function<Path, String> never = path -> {
            throw new WeightsException(path + " is damaged");
        };
        assertThatThrownBy(() -> shared.tryOut(file, never, closed::add)).hasMessage(file + " is damaged");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What was opened was lost. */
    @Test
    void aFolderThatCannotBeRemovedDoesNotMatter() throws IOException {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        SharedFile shared = SharedFile.read(context, model, "model");
        Path left = shared.open(copy -> {
            try {
                return Files.writeString(copy.resolveSibling("index"), "of another program");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        assertThat(left).exists();
        assertThat(left.resolveSibling("model.ckpt")).doesNotExist();
        Files.delete(left);
        Files.delete(left.getParent());
    }

    private static Dataset<Row> embedded(Row... rows) {
        return spark.createDataFrame(List.of(rows), EMBEDDED)
                .withColumn("fingerprint", lit("ffffffffffffffff"))
                .withColumn("embedding_mode", lit("mode"));
    }

    /** One such row stopped the enrolling of a thousand. */
    @Test
    void aRowThatAGalleryRejectsDoesNotStopTheOthers() {
        List<Float> up = List.of(0f, 1f);
        Dataset<Row> rows = embedded(
                RowFactory.create("1.jpg", "Ann", "key 1", up),
                RowFactory.create("nan.jpg", "Ann", "key 2", List.of(Float.NaN, 1f)),
                RowFactory.create("zero.jpg", "Ann", "key 3", List.of(0f, 0f)),
                RowFactory.create("long.jpg" + "/".repeat(4_096), "Ann", "key 4", up),
                RowFactory.create("key.jpg", "Ann", "k".repeat(257), up),
                RowFactory.create("2.jpg", "Ann", "key 5", up));
        List<String> reasons = new ArrayList<>();
        try (Gallery gallery = Gallery.inMemory("ffffffffffffffff", 2)) {
            assertThat(GalleryRows.enroll(rows, gallery, reasons::add)).isEqualTo(new GalleryRows.Result(2, 0, 0, 4));
            assertThat(gallery.entries()).extracting(Entry::note).containsExactly("1.jpg", "2.jpg");
        }
        assertThat(reasons)
                .satisfiesExactly(
                        nan -> assertThat(nan).startsWith("nan.jpg: ").contains("finite"),
                        zero -> assertThat(zero).startsWith("zero.jpg: ").contains("must not be zero"),
                        note -> assertThat(note).startsWith("long.jpg/").contains("note must have 1 to 4096 bytes"),
                        key -> assertThat(key).startsWith("key.jpg: ").contains("content key must have"));
    }

    /** The gallery did not find keys in another form again, without end, and took empty ones for one image. */
    @Test
    void contentKeysAreComparedAsTheyAreStored() {
        Dataset<Row> rows = embedded(
                RowFactory.create("1.jpg", "Ann", "e\u0301", List.of(0f, 1f)),
                RowFactory.create("2.jpg", "Ann", "\u00e9", List.of(0f, 1f)),
                RowFactory.create("3.jpg", "Bob", "", List.of(1f, 0f)),
                RowFactory.create("4.jpg", "Cid", "", List.of(1f, 1f)));
        try (Gallery gallery = Gallery.inMemory("ffffffffffffffff", 2)) {
            assertThat(GalleryRows.enroll(rows, gallery, why -> {})).isEqualTo(new GalleryRows.Result(3, 1, 0, 0));
            assertThat(GalleryRows.enroll(rows, gallery, why -> {})).isEqualTo(new GalleryRows.Result(0, 4, 0, 0));
        }
    }

    @Test
    void anEmbeddingWithoutADirectionIsAnError() {
        ImageSource image = ImageSource.of(new byte[0], "a.jpg");
        for (float[] values : new float[][] {{0, 0}, {1, Float.NaN}, {Float.POSITIVE_INFINITY, 0}}) {
            EmbeddedImage checked = EmbedPartition.checked(
                    new EmbeddedImage(image, Optional.of(values), Optional.empty(), Optional.empty()));
            assertThat(checked.embedding()).isEmpty();
            assertThat(checked.problem().orElseThrow()).hasMessageContaining("a.jpg has no embedding");
        }
        EmbeddedImage good =
                new EmbeddedImage(image, Optional.of(new float[] {0, 1}), Optional.empty(), Optional.empty());
        assertThat(EmbedPartition.checked(good)).isSameAs(good);
    }

    /** As of a rank that waits for others to join. */
    @Test
    void theWorkOfATaskThatIsCanceledEnds() {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        context.setJobGroup("joining", "is canceled", false);
        CompletableFuture<Void> canceling = CompletableFuture.runAsync(() -> {
            await(BEGUN);
            context.cancelJobGroup("joining");
        });
        VoidFunction<Iterator<Integer>> joining = ones -> BarrierTraining.untilCanceled(TaskContext.get(), () -> {
            BEGUN.countDown();
            LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(4)); // ends when it is interrupted
            ENDED.countDown();
            return "joined";
        });
        try {
            assertThatThrownBy(() -> context.parallelize(List.of(1), 1).foreachPartition(joining))
                    .hasMessageContaining("cancelled");
        } finally {
            context.clearJobGroup();
        }
        canceling.join();
        await(ENDED);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void theBenchmarkRequiresEqualEmbeddings() {
        List<Row> rows = embedded(RowFactory.create("1.jpg", "Ann", "key", List.of(0f, 1f)))
                .collectAsList();
        SparkThroughput.requireEqual(rows, Map.of("1.jpg", new float[] {0, 1}));
        for (Map<String, float[]> other : List.of(
                Map.of("1.jpg", new float[] {0, Math.nextDown(1f)}),
                Map.of("2.jpg", new float[] {0, 1}),
                Map.of("1.jpg", new float[] {0, 1}, "2.jpg", new float[] {0, 1}))) {
            assertThatThrownBy(() -> SparkThroughput.requireEqual(rows, other))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    /** Another model of the same file name takes the place of the first, whose memory is freed. */
    @Test
    void oneModelIsOpenAtATime() throws IOException {
        Dataset<Row> rows = ImageRows.folder(spark, people.resolve("Person 1").toString());
        Path other = TestImages.model(
                Files.createDirectories(folder.resolve("other")).resolve("best.ckpt"), 1);
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        EmbedSettings settings = new EmbedSettings(null, FaceChoice.MOST_PROMINENT, false, FP32);
        PreparedRecognizer first;
        try (SharedModel shared = SharedModel.acquire(
                new SharedModel.Recipe(SharedFile.read(context, model, "model"), null, settings, 0, false))) {
            first = shared.recognizer();
        }
        for (Path file : List.of(model, other, model)) {
            Dataset<Row> embedded = FaceEmbedding.of(file).withOptions(FP32).embed(rows);
            String fingerprint = embedded.select("fingerprint").first().getString(0);
            assertThat(fingerprint.equals(recognizer.fingerprint())).isEqualTo(file.equals(model));
            assertThat(SharedModel.open()).isEqualTo(1);
        }
        assertThatThrownBy(() -> first.embed(people.resolve("Person 0/0.png")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    /** A file system that only the session knows, by its mount table. */
    @Test
    void filesAreReadWithTheSettingsOfTheSession() {
        SparkSession session = spark.newSession();
        session.conf()
                .set("fs.viewfs.mounttable.listed.link./people", people.toUri().toString());
        session.conf()
                .set("fs.viewfs.mounttable.read.link./people", people.toUri().toString());
        assertThat(ImageRows.folder(session, "viewfs://listed/people").count()).isEqualTo(PEOPLE * IMAGES_EACH + 2);
        Dataset<Row> rows = session.createDataFrame(
                List.of(RowFactory.create("viewfs://read/people/Person 2/2.png")),
                new StructType().add("path", DataTypes.StringType));
        Row row = FaceEmbedding.of(model).withOptions(FP32).embed(rows).first();
        assertThat(row.<String>getAs("error")).isNull();
        assertThat(embedding(row)).isEqualTo(recognizer.embed(people.resolve("Person 2/2.png")));
    }

    /** A task that fails while it begins does not keep its model open. */
    @Test
    void aTaskThatFailsReleasesItsModel() throws IOException {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        SharedModel.Recipe first = recipe(context, model);
        SharedModel.Recipe second = recipe(
                context,
                TestImages.model(
                        Files.createDirectories(folder.resolve("second")).resolve("best.ckpt"), 2));
        Broadcast<SerializableConfiguration> hadoop =
                context.broadcast(new SerializableConfiguration(new Configuration(false)));
        VoidFunction<Iterator<Integer>> withoutRows =
                ones -> new EmbedPartition(first, new int[0], 0, -1, hadoop).call(null);
        assertThatThrownBy(() -> context.parallelize(List.of(1), 1).foreachPartition(withoutRows))
                .hasStackTraceContaining("NullPointerException");
        SharedModel.acquire(second).close();
        assertThat(SharedModel.open()).as("after a failure with the model").isEqualTo(1);

        hadoop.destroy();
        EmbedPartition withoutSettings = new EmbedPartition(first, new int[0], 0, -1, hadoop);
        assertThatThrownBy(() -> withoutSettings.call(Collections.emptyIterator()))
                .hasMessageContaining("destroyed");
        SharedModel.acquire(second).close();
        assertThat(SharedModel.open()).as("after a failure before it").isEqualTo(1);
    }

    private static SharedModel.Recipe recipe(JavaSparkContext context, Path file) {
        EmbedSettings settings = new EmbedSettings(null, FaceChoice.MOST_PROMINENT, false, FP32);
        return new SharedModel.Recipe(SharedFile.read(context, file, "model"), null, settings, 0, false);
    }

    @Test
    void ranksInOneProcessAreRefused() {
        assertThatThrownBy(() -> BarrierTraining.run(spark, 2, Duration.ofSeconds(60), group -> "trained"))
                .hasMessageContaining("a local master has one process for all");
        assertThat(BarrierTraining.run(spark, 1, Duration.ofSeconds(60), group -> "rank " + group.rank()))
                .containsExactly("rank 0");
    }
}
