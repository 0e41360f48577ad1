package org.facerecognition;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** Reads expected values that Python computed; the script that generated them, {@code make.py}, lies beside them. */
public final class Golden {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Golden() {}

    /** Returns the JSON of a resource, such as {@code /torch/schedules.json}. */
    public static JsonNode read(String resource) {
        try (InputStream in = Golden.class.getResourceAsStream(resource)) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Converts a JSON array to numbers. */
    public static double[] numbers(JsonNode array) {
        return JSON.convertValue(array, double[].class);
    }

    /** Converts a JSON array to strings. */
    public static List<String> strings(JsonNode array) {
        return JSON.convertValue(array, new TypeReference<>() {});
    }
}
