package org.facerecognition.examples;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.facerecognition.Threshold;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.eval.Calibration;
import org.facerecognition.eval.CalibrationSettings;

/** What {@code evaluate --calibrate} says about thresholds that are missing, or that other commands refuse. */
final class CalibrationNotes {
    private CalibrationNotes() {}

    /** Returns the mode of thresholds that were calibrated together, at least one. */
    static EmbeddingMode modeOf(List<Threshold> thresholds) {
        return thresholds.get(0).evidence().orElseThrow().mode();
    }

    /** Returns a sentence if the data are cropped in another way than the model crops a photograph. */
    static Optional<String> otherCrop(List<Threshold> thresholds, Crop ofData, Crop ofModel) {
        return modeOf(thresholds).framing() == null
                ? Optional.empty()
                : Optional.of("other commands refuse these thresholds, because they crop images as this model does, "
                        + ofModel + ", not as this data, " + ofData
                        + "; to verify or identify photographs, calibrate on photographs with --detector");
    }

    /** Returns a line for each rate that has no threshold, saying why. */
    static List<String> missing(CalibrationSettings settings, List<Threshold> thresholds) {
        int people = thresholds.get(0).evidence().orElseThrow().people();
        return settings.falseAcceptRates().stream()
                .filter(rate -> thresholds.stream()
                        .noneMatch(found -> found.falseAcceptRate().orElseThrow() == rate))
                .map(rate -> "no threshold for a false accept rate of "
                        + BigDecimal.valueOf(rate).stripTrailingZeros().toPlainString()
                        + whyMissing(Calibration.peopleFor(rate), people, settings.bounded()))
                .toList();
    }

    private static String whyMissing(int needed, int people, boolean bounded) {
        if (people >= needed && bounded) {
            return ": " + people + " people cannot show that the rate holds on others";
        }
        return people < needed
                ? ": it needs " + needed + (bounded ? " people or more" : " people") + ", there are " + people
                : ": the model gives faces of different people the same embedding; check the data for equal images"
                        + " under"
                        + " different names";
    }

    /** Returns what {@code --json} says of a calibrated threshold. */
    static Map<String, Object> figures(Threshold threshold) {
        Threshold.Evidence evidence = threshold.evidence().orElseThrow();
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("false_accept_rate", threshold.falseAcceptRate().orElseThrow());
        figures.put("cosine", threshold.cosine());
        figures.put("upper_bound", evidence.upperBound());
        figures.put("impostor_pairs", evidence.impostorPairs());
        figures.put("false_accepts", evidence.falseAccepts());
        figures.put("people", evidence.people());
        figures.put("mode", evidence.mode().toString());
        return figures;
    }
}
