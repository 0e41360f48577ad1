package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.eval.FalsePositiveIdentification;
import org.facerecognition.gallery.Gallery;

/**
 * Says with which threshold people are identified, and how often a stranger is taken for an enrolled person. The false
 * accept rate of a threshold is that of one comparison; a probe is compared with every entry of a gallery.
 */
final class FalseAlarms {
    private static final double MAX_RATE_WITHOUT_WARNING = 0.1;

    private FalseAlarms() {}

    /**
     * Prints one note, and one warning if more than one stranger in 10 is expected to be taken for an enrolled person.
     *
     * @param embedder borrowed; its calibrated thresholds bound the rate of a custom one
     * @param people borrowed
     */
    static void report(Threshold threshold, FaceEmbedder embedder, Gallery people, PrintWriter err) {
        int identities = people.identityCount();
        int entries = people.size();
        String what = String.format(
                Locale.ROOT,
                "note: threshold %s, %s, %,d entries: ",
                EvaluationReport.text("threshold", threshold.cosine()),
                threshold.falseAcceptRate().isPresent()
                        ? "false accept rate " + threshold.falseAcceptRate().getAsDouble() + " of one comparison"
                        : "false accept rate not known",
                entries);
        Optional<FalsePositiveIdentification> rate = threshold.falsePositives(identities, entries);
        err.println(what + rate.map(Object::toString).orElseGet(() -> bound(threshold, embedder, identities, entries)));
        if (rate.isPresent() && rate.get().rate() > MAX_RATE_WITHOUT_WARNING) {
            err.println("warning: more than one stranger in 10 is taken for an enrolled person; give --far with a lower"
                    + " rate, or calibrate the model with more people (evaluate --calibrate) to have one");
        }
        err.flush();
    }

    /** Returns what is known of a threshold without evidence: errors are no more frequent than at a lower one. */
    private static String bound(Threshold threshold, FaceEmbedder embedder, int identities, int entries) {
        return embedder.allThresholds().stream()
                .filter(one -> one.evidence()
                        .filter(evidence -> evidence.mode().equals(embedder.embeddingMode()))
                        .isPresent())
                .filter(one -> one.cosine() <= threshold.cosine())
                .max(Comparator.comparingDouble(Threshold::cosine))
                .flatMap(lower -> lower.falsePositives(identities, entries)
                        .map(rate -> "no more often than at the calibrated "
                                + EvaluationReport.text("threshold", lower.cosine()) + ", where " + rate))
                .orElse("how often a stranger is taken for an enrolled person is not known, since the model has no"
                        + " threshold with evidence at or below it; measure it with evaluate --calibrate");
    }
}
