package org.facerecognition.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;

/**
 * Measures the job in two executors of one core each, with writing Parquet, beside the library's pipeline alone on two
 * processors: the same images in interleaved rounds. Every row must have the pipeline's embedding, bit for bit.
 *
 * <p>Arguments: number of synthetic images, number of rounds, and of these what is wanted: {@code encoder=NAME},
 * {@code detector=FILE} of a face detector, which then finds the faces, {@code folder=DIR} of photographs in place of
 * the synthetic ones, {@code jvm=OPTION} of the executors' JVMs.
 */
final class SparkThroughput {
    private static final int IMAGE_PX = 250;
    private static final int IMAGES_EACH = 20;
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);

    private SparkThroughput() {}

    /** Runs the benchmark. */
    public static void main(String[] args) throws IOException {
        int images = args.length > 0 ? Integer.parseInt(args[0]) : 2_000;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        Map<String, String> options = options(args);
        Encoder encoder = Encoder.of(options.getOrDefault("encoder", "mobilefacenet"));
        Path detector = options.containsKey("detector") ? Path.of(options.get("detector")) : null;
        Path folder = Files.createTempDirectory("spark-throughput-");
        Path people = options.containsKey("folder")
                ? Path.of(options.get("folder")).toRealPath()
                : TestImages.people(folder.resolve("people"), images / IMAGES_EACH, IMAGES_EACH, IMAGE_PX);
        Path model = model(folder.resolve("model.safetensors"), encoder);
        try (SparkSession spark =
                        TestSpark.localCluster(2, TestSpark.USUAL_JVM + " " + options.getOrDefault("jvm", ""));
                FaceDetector faces = detector == null ? null : FaceDetector.open(detector);
                PreparedRecognizer recognizer =
                        PreparedRecognizer.load(model, FP32, faces, FaceChoice.MOST_PROMINENT, false)) {
            List<Path> files = files(people);
            FaceEmbedding embedding = FaceEmbedding.of(model).withOptions(FP32);
            Dataset<Row> rows = (detector == null ? embedding : embedding.withDetector(detector))
                    .embed(ImageRows.folder(spark, people.toString()).cache());
            String output = folder.resolve("embeddings").toString();
            Map<String, float[]> expected = alone(recognizer, files);
            job(rows, output);
            requireEqual(spark.read().parquet(output).collectAsList(), expected);
            System.out.printf("%d rows, each equal bit for bit%n", expected.size());
            List<Double> ratios = new ArrayList<>();
            for (int round = 1; round <= rounds; round++) {
                boolean jobFirst = round % 2 == 0; // neither always follows the other
                double job = jobFirst ? seconds(() -> job(rows, output)) : 0;
                double alone = seconds(() -> alone(recognizer, files));
                job = jobFirst ? job : seconds(() -> job(rows, output));
                ratios.add(alone / job);
                System.out.printf(
                        Locale.ROOT,
                        "round %d: pipeline alone %.1f images/s, job %.1f images/s, ratio %.3f%n",
                        round,
                        files.size() / alone,
                        files.size() / job,
                        ratios.get(round - 1));
            }
            System.out.printf(Locale.ROOT, "median ratio %.3f%n", median(ratios));
        }
    }

    private static Map<String, String> options(String[] args) {
        return Arrays.stream(args)
                .skip(2)
                .map(option -> option.split("=", 2))
                .collect(Collectors.toMap(option -> option[0], option -> option[1]));
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
    }

    private static Path model(Path file, Encoder encoder) {
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(128)
                .classes(2)
                .build())) {
            recognizer.save(file);
        }
        return file;
    }

    private static List<Path> files(Path people) throws IOException {
        try (Stream<Path> all = Files.walk(people)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static Map<String, float[]> alone(PreparedRecognizer recognizer, List<Path> files) {
        Map<String, float[]> embeddings = new HashMap<>();
        try (Stream<EmbeddedImage> results = recognizer.embedEach(files.stream().map(ImageSource::of))) {
            Iterator<EmbeddedImage> next = results.iterator();
            for (Path file : files) {
                embeddings.put("file:" + file, next.next().embedding().orElse(new float[0]));
            }
        }
        return embeddings;
    }

    private static void job(Dataset<Row> rows, String output) {
        rows.write().mode(SaveMode.Overwrite).parquet(output);
    }

    /** @throws IllegalStateException when there is not one row for each image, with the same embedding */
    static void requireEqual(List<Row> rows, Map<String, float[]> expected) {
        Map<String, float[]> missing = new HashMap<>(expected);
        for (Row row : rows) {
            String path = row.getAs("path");
            float[] mine = missing.remove(path);
            int column = row.fieldIndex("embedding");
            List<Float> embedding = row.isNullAt(column) ? List.of() : row.getList(column);
            boolean same = mine != null && mine.length == embedding.size();
            for (int i = 0; same && i < mine.length; i++) {
                same = Float.floatToIntBits(mine[i]) == Float.floatToIntBits(embedding.get(i));
            }
            if (!same) {
                throw new IllegalStateException("the job's embedding of " + path + " is not the pipeline's");
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalStateException("the job has no rows for " + missing.keySet());
        }
    }
}
