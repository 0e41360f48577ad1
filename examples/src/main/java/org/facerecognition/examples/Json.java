package org.facerecognition.examples;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;

/**
 * The results for machines: one JSON object in one line. Maps given here must keep their order ({@code LinkedHashMap},
 * never {@code Map.of}, which has another order in each JVM), and a field has one type: what was not measured is null,
 * not missing.
 */
final class Json {
    private static final ObjectMapper JSON = new ObjectMapper()
            .registerModule(new SimpleModule()
                    .addSerializer(double.class, new FiniteOrNull())
                    .addSerializer(Double.class, new FiniteOrNull()));

    private Json() {}

    static String line(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value + " as JSON", e);
        }
    }

    static String pretty(Object value) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value + " as JSON", e);
        }
    }

    /** JSON has no NaN: what was not measured is null. */
    private static final class FiniteOrNull extends StdSerializer<Double> {
        private static final long serialVersionUID = 1L;

        FiniteOrNull() {
            super(Double.class);
        }

        @Override
        public void serialize(Double value, JsonGenerator json, SerializerProvider provider) throws IOException {
            if (Double.isFinite(value)) {
                json.writeNumber(value);
            } else {
                json.writeNull();
            }
        }
    }

    /** @throws UncheckedIOException when it is not of that type */
    static <T> T read(String json, TypeReference<T> type) {
        try {
            return JSON.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @throws UncheckedIOException when it is not one of those */
    static <T> T read(String line, Class<T> type) {
        try {
            return JSON.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A training's figures; null where no epoch was finished. */
    static Map<String, @Nullable Object> of(History history) {
        return of(history, BestBy.ACCURACY);
    }

    /** A training's figures, always the same names in the same order; null is one that was not measured. */
    static Map<String, @Nullable Object> of(History history, BestBy bestBy) {
        @Nullable EpochReport last = history.last().orElse(null);
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("epochs", history.epochs().size());
        figures.put("steps", history.steps());
        figures.put("first_loss", finite(history.firstLoss()));
        figures.put("train_loss", finite(last == null ? history.lastLoss() : last.trainLoss()));
        figures.put("val_accuracy", last == null ? null : finite(last.valAccuracy()));
        figures.put("images_per_second", finite(history.imagesPerSecond()));
        figures.put("best_epoch", history.best(bestBy).map(EpochReport::epoch).orElse(null));
        EpochReport.@Nullable Unseen unseen = last == null ? null : last.unseen();
        figures.put("unseen_auc", unseen == null ? null : finite(unseen.auc()));
        figures.put("unseen_eer", unseen == null ? null : finite(unseen.equalErrorRate()));
        figures.put("unseen_tar", unseen == null ? null : finite(unseen.tar()));
        figures.put("unseen_tar_far", unseen == null ? null : finite(unseen.far()));
        return figures;
    }

    /** JSON knows no NaN. */
    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
