package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Thresholds in a model's metadata. {@code calibration} holds those that were measured; {@code thresholds}, a map from
 * rate to cosine, those of earlier versions, which do not say on what or how.
 */
final class StoredThresholds {
    private static final String MEASURED_KEY = "calibration";
    private static final String FORMER_KEY = "thresholds";
    private static final ObjectMapper JSON = new ObjectMapper();

    private record Measured(double cosine, double falseAcceptRate, Threshold.Evidence evidence) {
        Threshold threshold() {
            return new Threshold(cosine, OptionalDouble.of(falseAcceptRate), Optional.of(evidence));
        }
    }

    private StoredThresholds() {}

    static void putInto(Map<String, String> metadata, List<Threshold> thresholds) {
        Map<Double, Double> former = new TreeMap<>();
        List<Measured> measured = new ArrayList<>();
        for (Threshold threshold : thresholds) {
            double rate = threshold.falseAcceptRate().orElseThrow();
            threshold
                    .evidence()
                    .ifPresentOrElse(
                            evidence -> measured.add(new Measured(threshold.cosine(), rate, evidence)),
                            () -> former.put(rate, threshold.cosine()));
        }
        try {
            metadata.put(FORMER_KEY, JSON.writeValueAsString(former));
            metadata.put(MEASURED_KEY, JSON.writeValueAsString(measured));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write thresholds as JSON", e);
        }
    }

    /**
     * Cosines by false accept rate, as earlier versions kept them.
     *
     * @throws JsonProcessingException when they cannot be understood
     */
    static Map<Double, Double> former(Map<String, String> metadata) throws JsonProcessingException {
        return JSON.readValue(metadata.getOrDefault(FORMER_KEY, "{}"), new TypeReference<TreeMap<Double, Double>>() {});
    }

    /**
     * @throws JsonProcessingException when they cannot be understood
     * @throws IllegalArgumentException when a value makes no sense
     */
    static List<Threshold> measured(Map<String, String> metadata) throws JsonProcessingException {
        String measured = metadata.getOrDefault(MEASURED_KEY, "[]");
        return JSON.readValue(measured, new TypeReference<List<Measured>>() {}).stream()
                .map(Measured::threshold)
                .toList();
    }
}
