package org.facerecognition.spark;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;

/** The snippets of the module's README: the lines between {@code // [name} and {@code // name]}. */
final class ReadmeSnippets {
    private ReadmeSnippets() {}

    static void embed(SparkSession spark, Path model, Path yunet) {
        // [embed
        FaceEmbedding faces = FaceEmbedding.of(model).withDetector(yunet);
        Dataset<Row> embedded = faces.embed(ImageRows.folder(spark, "s3a://photos/people")); // or any data set
        embedded.filter("error is null").write().parquet("s3a://photos/embeddings");
        // embed]
    }

    static List<String> train(SparkSession spark, String people, String shared, int classes) {
        // [train
        List<String> done = BarrierTraining.run(spark, 4, Distributed.DEFAULT_TIMEOUT, group -> {
            FaceDataset faces = FaceDataset.folders(Path.of(people), Split.TRAIN);
            TrainerArgs training = TrainerArgs.builder()
                    .distributed(group)
                    .batchSize(256) // of all ranks together
                    .checkpoints(Path.of(shared))
                    .resume(true)
                    .build();
            RecognizerArgs model = RecognizerArgs.builder().classes(classes).build();
            try (Recognizer recognizer = Recognizer.arcFace(model)) {
                new Trainer(training).fit(recognizer, faces);
            }
            return "rank " + group.rank() + " is done";
        });
        // train]
        return done;
    }
}
