package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Processors;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.Sgd;
import org.facerecognition.vision.FaceChoice;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Embeds and trains in two executors, which are processes of their own. */
@Timeout(600)
@EnabledOnOs({OS.LINUX, OS.MAC})
@EnabledForJreRange(min = JRE.JAVA_17, max = JRE.JAVA_21, disabledReason = "Spark 4.1 runs on Java 17 and 21")
class LocalClusterTest {
    private static final int EXECUTORS = 2;
    private static final Duration LIMIT = Duration.ofSeconds(120);

    @TempDir
    static Path folder;

    private static SparkSession spark;

    @BeforeAll
    static void open() throws IOException {
        spark = TestSpark.localCluster(EXECUTORS, TestSpark.TEST_JVM);
    }

    @AfterAll
    static void close() {
        spark.stop();
    }

    @Test
    void executorsEmbedAsTheLibraryDoes() throws IOException {
        Path model = TestImages.model(folder.resolve("model.safetensors"), 0);
        Path people = TestImages.people(folder.resolve("people"), 8, 5, 48);
        PrepareOptions options = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);
        Dataset<Row> embedded =
                FaceEmbedding.of(model).withOptions(options).embed(ImageRows.folder(spark, people.toString()));
        List<Row> rows = embedded.collectAsList();
        assertThat(rows).hasSize(40);
        try (PreparedRecognizer recognizer =
                PreparedRecognizer.load(model, options, null, FaceChoice.MOST_PROMINENT, false)) {
            for (Row row : rows) {
                Path file = Path.of(row.<String>getAs("path").replace("file:", ""));
                List<Float> embedding = row.getList(row.fieldIndex("embedding"));
                float[] expected = recognizer.embed(file);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(embedding.get(i)).isEqualTo(expected[i]);
                }
            }
        }
        MapFunction<Row, Integer> processors = row -> Processors.count();
        assertThat(embedded.map(processors, Encoders.INT()).collectAsList())
                .containsOnly(1); // each executor computes with the one core that Spark gives it
    }

    @Test
    void ranksTrainTogether() {
        List<String> ranks = BarrierTraining.run(spark, EXECUTORS, LIMIT, LocalClusterTest::train);
        assertThat(ranks).hasSize(EXECUTORS);
        assertThat(ranks.get(0)).startsWith("rank 0 of 2, local rank 0: ");
        assertThat(ranks.get(1)).startsWith("rank 1 of 2, local rank 1: ");
        assertThat(ranks.get(0).substring(ranks.get(0).indexOf(':')))
                .isEqualTo(ranks.get(1).substring(ranks.get(1).indexOf(':')));
    }

    /** Returns the rank, and the model that it has after 3 steps with the others. */
    private static String train(Distributed group) {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 4).images(0, 4), Split.TRAIN);
        TrainerArgs training = TrainerArgs.builder()
                .optimizer(new Sgd(0.02, 0.9, 5e-4, false))
                .batchSize(8)
                .maxSteps(3)
                .device(ComputeDevice.CPU)
                .distributed(group)
                .build();
        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(faces.classes())
                .imageSizePx(32)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            new Trainer(training).fit(recognizer, faces);
            return "rank " + group.rank() + " of " + group.worldSize() + ", local rank " + group.localRank() + ": "
                    + recognizer.fingerprint();
        }
    }

    @Test
    void aRankThatFailsEndsTheTrainingWithItsReason() {
        assertThatThrownBy(() -> BarrierTraining.run(spark, EXECUTORS, LIMIT, group -> {
                    if (group.rank() == 1) {
                        throw new IllegalStateException("no data on this machine");
                    }
                    return group.onFirst(() -> "begun");
                }))
                .hasMessageContaining("no data on this machine");
    }

    /** They said that rank 0 was killed. */
    @Test
    void theOtherRanksKnowWhyTheFirstOneFails() throws IOException {
        String heard = folder.resolve("heard.txt").toString();
        assertThatThrownBy(() -> BarrierTraining.run(spark, EXECUTORS, LIMIT, group -> {
                    if (group.rank() == 0) {
                        throw new IllegalStateException("no data on this machine");
                    }
                    return waitForFirst(group, heard);
                }))
                .hasMessageContaining("no data on this machine");
        Path file = Path.of(heard);
        for (int i = 0; i < 300 && !Files.exists(file); i++) { // the driver may be told before
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
        assertThat(file).content().contains("rank 0").contains("no data on this machine");
    }

    private static String waitForFirst(Distributed group, String heard) {
        try {
            return group.onFirst(() -> "never");
        } catch (RuntimeException e) {
            try {
                Path written = Files.writeString(Path.of(heard + ".part"), String.valueOf(e.getMessage()));
                Files.move(written, Path.of(heard));
            } catch (IOException other) {
                throw new UncheckedIOException(other);
            }
            throw e;
        }
    }

    /** Spark only marks the tasks of a job that is canceled; they went on, and kept the executors. */
    @Test
    void aCanceledTrainingEnds() {
        spark.sparkContext().setJobGroup("training", "is canceled", false);
        String begun = folder.resolve("begun-").toString();
        CompletableFuture<Void> canceled = CompletableFuture.runAsync(() -> {
            for (int i = 0; i < 1200 && !bothExist(begun); i++) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            }
            spark.sparkContext().cancelJobGroup("training");
        });
        try {
            assertThatThrownBy(() -> BarrierTraining.run(spark, EXECUTORS, LIMIT, group -> {
                        write(begun + group.rank());
                        LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(3)); // ends when it is interrupted
                        return "trained";
                    }))
                    .hasMessageContaining("cancelled");
        } finally {
            spark.sparkContext().clearJobGroup();
        }
        canceled.join();
        assertThat(bothExist(begun)).as("both ranks had begun").isTrue();
        long start = System.nanoTime();
        assertThat(BarrierTraining.run(spark, EXECUTORS, LIMIT, group -> group.onFirst(() -> "again")))
                .containsOnly("again");
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("the executors are free")
                .isLessThan(Duration.ofSeconds(90));
    }

    private static boolean bothExist(String begun) {
        return Files.exists(Path.of(begun + 0)) && Files.exists(Path.of(begun + 1));
    }

    private static void write(String file) {
        try {
            Files.writeString(Path.of(file), "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
