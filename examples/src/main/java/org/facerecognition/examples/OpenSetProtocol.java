package org.facerecognition.examples;

import java.util.Arrays;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Identification;

/**
 * {@code open-set}: training faces of most people are enrolled; who is on their validation faces, and on all faces of the others,
 * who are strangers?
 */
final class OpenSetProtocol implements EvaluationProtocol {
    private static final double STRANGERS = 0.2;

    @Override
    public void measure(Evaluation evaluation) {
        double strangers = evaluation.unseen > 0 ? evaluation.unseen : STRANGERS;
        long seed = evaluation.seed;
        FaceDataset train = evaluation.data.read(Split.TRAIN, seed);
        FaceDataset val = evaluation.data.read(Split.VAL, seed);
        FaceDataset enrolled = train.byIdentity(strangers, seed).seen();
        Embedded gallery = evaluation.embed("enrolled", enrolled);
        Embedded mates =
                evaluation.embed("probes", val.byIdentity(strangers, seed).seen());
        Embedded others =
                evaluation.embed("strangers", val.byIdentity(strangers, seed).unseen());
        evaluation.report.identification(Identification.of(gallery, both(mates, others, enrolled.classes())));
    }

    /** The strangers' labels come after those of the enrolled. */
    private static Embedded both(Embedded mates, Embedded strangers, int enrolled) {
        int count = mates.labels().length;
        float[][] embeddings = Arrays.copyOf(mates.embeddings(), count + strangers.labels().length);
        int[] labels = Arrays.copyOf(mates.labels(), embeddings.length);
        for (int i = count; i < labels.length; i++) {
            embeddings[i] = strangers.embeddings()[i - count];
            labels[i] = enrolled + strangers.labels()[i - count];
        }
        return new Embedded(embeddings, labels);
    }
}
