package org.facerecognition.eval;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * The settings of a {@linkplain Calibration calibration}.
 *
 * @param falseAcceptRates the rates to find thresholds for, each in (0, 1)
 * @param maxFaces the number of faces to compare at most; of a larger data set, a random choice of people is taken with
 *     all their faces, or with their first ones where too few people for the lowest rate would remain
 * @param seed of that random choice
 * @param namesakes whether people who have the same name as a person of the training set are different people, as when
 *     both data sets number their people, and so are people of the data set whose names differ only in case, spaces or
 *     Unicode form; otherwise equal names mean the same person, and calibration rejects them
 * @param bounded whether the rates are upper bounds: a threshold is then so high that its rate on other people is not
 *     above the requested one, at 95 % confidence ({@link Calibration#atMost}); otherwise it keeps the rate among the
 *     people of the calibration, and is an estimate for others ({@link Calibration#at})
 * @param notes receives remarks for the user, each a sentence without a full stop: {@link EqualImages}
 * @param embedded receives the number of faces embedded so far, batch by batch
 */
public record CalibrationSettings(
        List<Double> falseAcceptRates,
        int maxFaces,
        long seed,
        boolean namesakes,
        boolean bounded,
        Consumer<String> notes,
        IntConsumer embedded) {
    private static final Consumer<String> NO_NOTES = note -> {};

    /** Rates of 1 %, 0.1 % and 0.01 %, and at most 10,000 faces, which make 50 million pairs. */
    public static final CalibrationSettings DEFAULT =
            new CalibrationSettings(List.of(0.01, 0.001, 0.0001), 10_000, 0, false);

    /** Makes settings whose thresholds are estimates, without a receiver of remarks. */
    public CalibrationSettings(List<Double> falseAcceptRates, int maxFaces, long seed, boolean namesakes) {
        this(falseAcceptRates, maxFaces, seed, namesakes, NO_NOTES);
    }

    /** Makes settings whose thresholds are estimates. */
    public CalibrationSettings(
            List<Double> falseAcceptRates, int maxFaces, long seed, boolean namesakes, Consumer<String> notes) {
        this(falseAcceptRates, maxFaces, seed, namesakes, false, notes);
    }

    /** Makes settings without a receiver of the progress. */
    public CalibrationSettings(
            List<Double> falseAcceptRates,
            int maxFaces,
            long seed,
            boolean namesakes,
            boolean bounded,
            Consumer<String> notes) {
        this(falseAcceptRates, maxFaces, seed, namesakes, bounded, notes, done -> {});
    }

    /** @throws IllegalArgumentException naming the value that is out of range */
    public CalibrationSettings {
        falseAcceptRates = List.copyOf(falseAcceptRates);
        if (falseAcceptRates.isEmpty()) {
            throw new IllegalArgumentException("falseAcceptRates must have at least one rate, but was empty");
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

    /** Returns these settings with other rates. */
    public CalibrationSettings withFalseAcceptRates(List<Double> rates) {
        return new CalibrationSettings(rates, maxFaces, seed, namesakes, bounded, notes, embedded);
    }

    /** Returns these settings with another maximum number of faces. */
    public CalibrationSettings withMaxFaces(int faces) {
        return new CalibrationSettings(falseAcceptRates, faces, seed, namesakes, bounded, notes, embedded);
    }

    /** Returns these settings with another seed. */
    public CalibrationSettings withSeed(long newSeed) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, newSeed, namesakes, bounded, notes, embedded);
    }

    /** Returns these settings, saying whether equal names may belong to different people. */
    public CalibrationSettings withNamesakes(boolean allowed) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, seed, allowed, bounded, notes, embedded);
    }

    /** Returns these settings, saying whether the rates are upper bounds of the rates on other people. */
    public CalibrationSettings withBounded(boolean rates) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, seed, namesakes, rates, notes, embedded);
    }

    /** Returns these settings with another receiver of remarks, each a sentence without a full stop. */
    public CalibrationSettings withNotes(Consumer<String> receiver) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, seed, namesakes, bounded, receiver, embedded);
    }

    /** Returns these settings with another receiver of the number of faces embedded so far. */
    public CalibrationSettings withProgress(IntConsumer receiver) {
        return new CalibrationSettings(falseAcceptRates, maxFaces, seed, namesakes, bounded, notes, receiver);
    }
}
