package org.facerecognition.eval;

import java.util.List;

/**
 * How thresholds are found; see {@link Calibration}.
 *
 * @param falseAcceptRates each in (0, 1)
 * @param maxFaces that are compared with one another: of more faces, some of the people are chosen at random, with all
 *     their faces
 * @param seed of that choice
 * @param namesakes whether people who have the name of a person in the training are known to be other people, as where
 *     both data sets number their people. Otherwise such names are taken for the same person, and refused
 */
public record CalibrationSettings(List<Double> falseAcceptRates, int maxFaces, long seed, boolean namesakes) {
    /** Rates of 1 %, 0.1 % and 0.01 %; at most 10,000 faces, which are 50 million pairs. */
    public static final CalibrationSettings DEFAULT =
            new CalibrationSettings(List.of(0.01, 0.001, 0.0001), 10_000, 0, false);

    /** @throws IllegalArgumentException when a value makes no sense, saying which */
    public CalibrationSettings {
        falseAcceptRates = List.copyOf(falseAcceptRates);
        if (falseAcceptRates.isEmpty()) {
            throw new IllegalArgumentException("falseAcceptRates must be at least one, but were none");
        }
        for (double rate : falseAcceptRates) {
            if (!(rate > 0 && rate < 1)) {
                throw new IllegalArgumentException("each false accept rate must be in (0, 1), but one was " + rate);
            }
        }
        if (maxFaces < 2) {
            throw new IllegalArgumentException("maxFaces must be at least 2, but was " + maxFaces);
        }
    }

    /** For other rates. */
    public CalibrationSettings withFalseAcceptRates(List<Double> rates) {
        return new CalibrationSettings(rates, maxFaces, seed, namesakes);
    }

    /** With another limit of faces. */
    public CalibrationSettings withMaxFaces(int faces) {
        return new CalibrationSettings(falseAcceptRates, faces, seed, namesakes);
    }

    /** With another seed. */
    public CalibrationSettings withSeed(long other) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, other, namesakes);
    }

    /** For people whose names say nothing about whom the model was trained on. */
    public CalibrationSettings withNamesakes(boolean others) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, seed, others);
    }
}
