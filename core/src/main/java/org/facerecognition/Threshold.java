package org.facerecognition;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.eval.FalsePositiveIdentification;
import org.facerecognition.io.JsonFields;

/**
 * The cosine at or above which two faces are taken to be of the same person.
 *
 * @param cosine in [-1, 1], or just above 1 for "never"
 * @param falseAcceptRate the rate that it was calibrated for, in [0, 1]: at most this share of the impostor pairs that
 *     were measured reach it, or the upper bound of the rate on other people is at most this ({@link
 *     org.facerecognition.eval.CalibrationSettings#bounded}); empty where it was not measured
 * @param evidence what the rate was measured on; empty for a custom threshold, and for one that an earlier version
 *     kept
 */
public record Threshold(double cosine, OptionalDouble falseAcceptRate, Optional<Evidence> evidence) {
    /**
     * What a threshold was measured on.
     *
     * @param impostorPairs number of pairs of faces of different people
     * @param falseAccepts number of impostor pairs at or above the threshold
     * @param people number of people whose faces were compared; the model was not trained on them
     * @param upperBound of the false accept rate on as many other people, at 95 % confidence; see
     *     {@link org.facerecognition.eval.Calibration} for how it allows for pairs that share people
     * @param mode in which the faces were embedded; the threshold holds for no other
     */
    public record Evidence(long impostorPairs, long falseAccepts, int people, double upperBound, EmbeddingMode mode) {
        /** @throws IllegalArgumentException when a number is negative, or there are more false accepts than pairs */
        public Evidence {
            if (falseAccepts < 0 || impostorPairs < falseAccepts || people < 0 || !(upperBound >= 0)) {
                throw new IllegalArgumentException("evidence must have numbers of at least 0, and no more false accepts"
                        + " than impostor pairs, but has " + falseAccepts + " of " + impostorPairs + " pairs of "
                        + people + " people and an upper bound of " + upperBound);
            }
        }
    }

    /** @throws IllegalArgumentException when the cosine or the rate is out of range */
    public Threshold {
        if (falseAcceptRate.isPresent()
                && !(falseAcceptRate.getAsDouble() >= 0 && falseAcceptRate.getAsDouble() <= 1)) {
            throw new IllegalArgumentException(
                    "false accept rate must be from 0 to 1, but was " + falseAcceptRate.getAsDouble());
        }
        if (!(cosine >= -1 && cosine <= Math.nextUp(1.0))) {
            throw new IllegalArgumentException("threshold must be a cosine, from -1 to 1, but was " + cosine);
        }
    }

    /** Makes a threshold whose rate is stated without evidence. */
    public Threshold(double cosine, OptionalDouble falseAcceptRate) {
        this(cosine, falseAcceptRate, Optional.empty());
    }

    /** Makes a custom threshold, whose false accept rate is unknown. */
    public static Threshold of(double cosine) {
        return new Threshold(cosine, OptionalDouble.empty());
    }

    /** Returns a threshold with its evidence, as a model's metadata holds it. */
    static Threshold of(JsonFields threshold) {
        JsonFields evidence = threshold.object("evidence");
        return new Threshold(
                threshold.number("cosine"),
                OptionalDouble.of(threshold.number("falseAcceptRate")),
                Optional.of(new Evidence(
                        evidence.longInteger("impostorPairs"),
                        evidence.longInteger("falseAccepts"),
                        evidence.integer("people"),
                        evidence.number("upperBound"),
                        EmbeddingMode.of(evidence.object("mode")))));
    }

    /** Decides whether two faces whose embeddings have this cosine are of the same person. */
    public VerificationResult judge(double cosineOfFaces) {
        return new VerificationResult(cosineOfFaces >= cosine, cosineOfFaces, cosine, falseAcceptRate);
    }

    /**
     * Estimates how often a gallery mistakes a stranger for an enrolled person at this threshold.
     *
     * @param identities number of people in the gallery
     * @param entries number of their embeddings, of the mode that the threshold was measured in
     * @return empty for a threshold without evidence: a custom one, or one that an earlier version kept; calibrate the
     *     model to have it
     */
    public Optional<FalsePositiveIdentification> falsePositives(long identities, long entries) {
        return evidence.map(measured -> FalsePositiveIdentification.of(
                identities,
                entries,
                (double) measured.falseAccepts / Math.max(1, measured.impostorPairs),
                Math.min(1, measured.upperBound)));
    }

    /**
     * Rejects embeddings of another mode than the one the threshold was measured in.
     *
     * @throws IllegalStateException when the modes differ, naming both
     */
    public void requireMode(EmbeddingMode mode) {
        evidence.filter(measured -> !measured.mode.equals(mode)).ifPresent(measured -> {
            throw new IllegalStateException("the threshold was measured on: " + measured.mode
                    + "; but the faces are embedded as: " + mode
                    + "; embed them alike (useDetector, useFlip, prepare; --detector, --no-flip), or calibrate in this"
                    + " mode, or give a custom threshold");
        });
    }

    /** Returns the cosine, rounded up so that it can be given again, and the rate and evidence where they are known. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(EvaluationReport.text("threshold", cosine));
        falseAcceptRate.ifPresent(rate -> text.append(", false accept rate ").append(rate));
        evidence.ifPresent(e -> text.append(String.format(
                Locale.ROOT,
                " (at most %.2g on other people, 95 %%; %,d of %,d impostor pairs of %,d people)",
                e.upperBound,
                e.falseAccepts,
                e.impostorPairs,
                e.people)));
        return text.toString();
    }
}
