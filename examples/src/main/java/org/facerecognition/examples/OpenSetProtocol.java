package org.facerecognition.examples;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Identification;
import org.jspecify.annotations.Nullable;

/**
 * {@code open-set}: enrolls the training faces of most people, then identifies their validation faces (mated probes)
 * and those of the other people, who are not enrolled (non-mated probes).
 */
final class OpenSetProtocol implements EvaluationProtocol {
    private static final double DEFAULT_NON_MATED = 0.2;

    @Override
    public void measure(Evaluation evaluation) {
        double notEnrolled = evaluation.unseen > 0 ? evaluation.unseen : DEFAULT_NON_MATED;
        long seed = evaluation.seed;
        FaceDataset train = evaluation.data.read(Split.TRAIN, seed);
        FaceDataset val = evaluation.usable(evaluation.data.read(Split.VAL, seed));
        FaceDataset enrolled =
                evaluation.usable(train.byIdentity(notEnrolled, seed).seen());
        FaceDataset.ByIdentity probes = val.byIdentity(notEnrolled, seed); // before anything is embedded
        Embedded gallery = evaluation.embed("enrolled", enrolled);
        Embedded mated = evaluation.embed("mated probes", probes.seen());
        Embedded nonMated = evaluation.embed("non-mated probes", probes.unseen());
        evaluation.report.identification(Identification.of(gallery, both(mated, nonMated, enrolled.classes())));
        noteUnmeasured(evaluation);
    }

    /** Says why rates are not measured: they need more probes of people who are not enrolled. */
    private static void noteUnmeasured(Evaluation evaluation) {
        Map<String, @Nullable Object> figures = evaluation.report.figures();
        List<String> rates = Stream.of("0.1", "0.01")
                .filter(rate -> figures.get("dir_at_far_" + rate) == null)
                .toList();
        if (!rates.isEmpty()) {
            evaluation.note("dir_at_far_" + String.join(" and dir_at_far_", rates)
                    + " cannot be measured: a false alarm rate of " + rates.get(0) + " needs at least "
                    + Math.round(1 / Double.parseDouble(rates.get(0)))
                    + " images of people who are not enrolled (non-mated probes), but there are "
                    + figures.get("non_mated_probes")
                    + "; add people or images, or raise --unseen or --val-fraction");
        }
    }

    /** Joins the probes; the labels of the non-mated ones follow those of the {@code enrolled} people. */
    private static Embedded both(Embedded mated, Embedded nonMated, int enrolled) {
        int count = mated.labels().length;
        float[][] embeddings = Arrays.copyOf(mated.embeddings(), count + nonMated.labels().length);
        int[] labels = Arrays.copyOf(mated.labels(), embeddings.length);
        for (int i = count; i < labels.length; i++) {
            embeddings[i] = nonMated.embeddings()[i - count];
            labels[i] = enrolled + nonMated.labels()[i - count];
        }
        return new Embedded(embeddings, labels);
    }
}
