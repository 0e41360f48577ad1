package org.facerecognition.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.util.SerializableConfiguration;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.vision.DetectedFace;
import org.jspecify.annotations.Nullable;

/**
 * Embeds the images of a partition in the library's own pipeline: a bounded number of rows is taken ahead, which are
 * read and decoded on several threads while others are embedded.
 *
 * @param recipe of the model
 * @param kept positions of the columns that are passed on
 * @param path position of the column of paths; negative if there is none
 * @param content position of the column of bytes; negative if there is none
 * @param hadoop configuration of the file systems
 */
record EmbedPartition(
        SharedModel.Recipe recipe, int[] kept, int path, int content, Broadcast<SerializableConfiguration> hadoop)
        implements MapPartitionsFunction<Row, Row> {
    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        Configuration configuration = hadoop.value().value();
        TaskContext task = TaskContext.get();
        SharedModel model = SharedModel.acquire(recipe);
        task.addTaskCompletionListener(end -> {
            model.close();
        });
        Stream<RowImage> images = StreamSupport.stream(
                        Spliterators.spliteratorUnknownSize(rows, Spliterator.ORDERED), false)
                .map(row -> image(row, configuration));
        PreparedRecognizer recognizer = model.recognizer();
        Stream<EmbeddedImage> embedded = recognizer.embedEach(images);
        task.addTaskCompletionListener(end -> {
            embedded.close(); // waits for the images that are being decoded; Spark calls the last listener first
        });
        String fingerprint = recognizer.fingerprint();
        String mode = recognizer.embeddingMode().toString();
        return embedded.map(result -> row(checked(result), fingerprint, mode)).iterator();
    }

    private RowImage image(Row row, Configuration configuration) {
        @Nullable String file = path < 0 ? null : row.getString(path);
        byte @Nullable [] bytes = content < 0 || row.isNullAt(content) ? null : (byte[]) row.get(content);
        return new RowImage(withoutContent(row), file, bytes, configuration);
    }

    private Row withoutContent(Row row) {
        List<@Nullable Object> values = new ArrayList<>();
        for (int column : kept) {
            values.add(row.get(column));
        }
        return RowFactory.create(values.toArray());
    }

    /** Makes an embedding without a direction a problem: it can be compared with no other. */
    static EmbeddedImage checked(EmbeddedImage result) {
        if (result.embedding().isEmpty()) {
            return result;
        }
        double squares = 0;
        for (float value : result.embedding().get()) {
            squares += (double) value * value;
        }
        if (squares > 0 && Double.isFinite(squares)) {
            return result;
        }
        DataException problem = new DataException("image " + result.image().name() + " has no embedding: the values"
                + " that the model computes are " + (squares == 0 ? "all zero" : "not finite"));
        return new EmbeddedImage(result.image(), Optional.empty(), Optional.empty(), Optional.of(problem));
    }

    private static Row row(EmbeddedImage result, String fingerprint, String mode) {
        RowImage image = (RowImage) result.image();
        List<@Nullable Object> values = new ArrayList<>();
        for (int i = 0; i < image.row().size(); i++) {
            values.add(image.row().get(i));
        }
        values.add(result.embedding().orElse(null));
        values.add(result.face().map(EmbedPartition::box).orElse(null));
        values.add(result.problem().map(DataException::getMessage).orElse(null));
        values.add(image.contentKey());
        values.add(fingerprint);
        values.add(mode);
        return RowFactory.create(values.toArray());
    }

    private static Row box(DetectedFace face) {
        DetectedFace.Box box = face.box();
        return RowFactory.create(box.x(), box.y(), box.width(), box.height(), face.score());
    }
}
