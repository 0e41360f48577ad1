package org.facerecognition.examples;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;

/**
 * Writes results for programs: one JSON object on one line. The maps passed in must keep their order ({@code
 * LinkedHashMap}, never {@code Map.of}, whose order differs between JVMs), and a field has one type: a figure that was
 * not measured is null, not missing.
 */
final class Json {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII) // standard output may be unable to represent a name
            .addModule(new SimpleModule()
                    .addSerializer(double.class, new FiniteOrNull())
                    .addSerializer(Double.class, new FiniteOrNull()))
            .build();

    private Json() {}

    /** Writes a value on one line. */
    static String line(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write a result as JSON: " + e.getMessage(), e);
        }
    }

    /** Prints a value on one line, which may be longer than a string can be. */
    static void print(PrintWriter out, Object value) {
        try (JsonGenerator json = JSON.createGenerator(out)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                .disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT)) { // half a value must not look whole
            JSON.writeValue(json, value);
        } catch (IOException e) {
            throw new IllegalStateException("cannot write a result as JSON: " + e.getMessage(), e);
        }
        out.println();
    }

    /** Writes a value on several indented lines. */
    static String pretty(Object value) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write a result as JSON: " + e.getMessage(), e);
        }
    }

    /** Writes null for NaN and infinities, which JSON lacks. */
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

    /** @throws UncheckedIOException when the text is not JSON of that type */
    static <T> T read(String json, TypeReference<T> type) {
        try {
            return JSON.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @throws UncheckedIOException when the text is not JSON of that type */
    static <T> T read(String line, Class<T> type) {
        try {
            return JSON.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the figures of a training whose best epoch has the highest accuracy. */
    static Map<String, @Nullable Object> of(History history) {
        return of(history, BestBy.ACCURACY);
    }

    /**
     * Returns the figures of a training, always with the same names in the same order; a figure that was not measured
     * is null.
     */
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

    /** Returns null for NaN and infinities. */
    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }
}
