package org.facerecognition.examples;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.VerificationSet;

/**
 * {@code all-pairs}: verification over every pair of faces, of all people or of those that a training with the same
 * seed left out. Of more than {@value #MAX_FACES} faces, some are chosen, which is said.
 */
final class AllPairsProtocol implements EvaluationProtocol {
    private static final int MAX_FACES = 4_000; // 8 million pairs

    @Override
    public void measure(Evaluation evaluation) {
        FaceDataset all = evaluation.data.readAll(evaluation.seed);
        FaceDataset people = evaluation.unseen > 0 ? leftOut(all, evaluation) : all;
        FaceDataset faces = atMost(people, MAX_FACES);
        if (faces.size() < people.size()) {
            evaluation.note(note(faces, people));
        }
        faces = evaluation.usable(faces);
        VerificationSet set = VerificationSet.of(faces);
        set.requireMeasurable();
        evaluation.report.count("people", faces.labelsShown().cardinality());
        evaluation.report(set.verify(chosen -> evaluation.embed("faces", chosen)), evaluation.seen(faces));
    }

    /**
     * Returns the people whom the training left out: those whom its seed chooses or, if the model knows some of these,
     * those whom it does not know. The seed chooses from the list of all people, and one more or one less in the list
     * gives another choice.
     */
    private static FaceDataset leftOut(FaceDataset all, Evaluation evaluation) {
        FaceDataset chosen = all.byIdentity(evaluation.unseen, evaluation.seed).unseen();
        Set<String> known = evaluation.trainedOn(all);
        List<String> others =
                all.identities().stream().filter(name -> !known.contains(name)).toList();
        if (others.isEmpty() || chosen.identities().stream().noneMatch(known::contains)) {
            return chosen;
        }
        evaluation.note(String.format(
                Locale.ROOT,
                "the data has other people than the training had, so that --unseen would choose some whom the model"
                        + " knows; the %,d whom it does not know are measured",
                others.size()));
        return all.withIdentities(others);
    }

    /** Says how many of the faces were chosen. */
    static String note(FaceDataset chosen, FaceDataset all) {
        return String.format(
                Locale.ROOT,
                "%,d of %,d faces are compared, the first ones of %,d of %,d people",
                chosen.size(),
                all.size(),
                chosen.labelsShown().cardinality(),
                all.labelsShown().cardinality());
    }

    /**
     * Returns at most {@code max} faces: the first ones of each person, at least two, of as many people as there is
     * room for, evenly spread over all. People with one face, who have no genuine pair, come last.
     */
    static FaceDataset atMost(FaceDataset faces, int max) {
        int people = faces.labelsShown().cardinality();
        if (faces.size() <= max) {
            return faces;
        }
        if (2 * people <= max) {
            return faces.withAtMost(Math.max(2, max / people));
        }
        int[] counts = new int[faces.classes()];
        IntStream.range(0, faces.size()).forEach(i -> counts[faces.sample(i).label()]++);
        int[] several = withFaces(counts, count -> count > 1);
        int[] one = withFaces(counts, count -> count == 1);
        int pairs = Math.min(max / 2, several.length);
        return faces.withIdentities(IntStream.concat(spread(several, pairs), spread(one, max - 2 * pairs))
                        .mapToObj(faces.identities()::get)
                        .toList())
                .withAtMost(2);
    }

    private static int[] withFaces(int[] counts, IntPredicate wanted) {
        return IntStream.range(0, counts.length)
                .filter(label -> wanted.test(counts[label]))
                .toArray();
    }

    /** Returns so many labels, or all if there are fewer, at equal distances. */
    private static IntStream spread(int[] labels, int wanted) {
        int count = Math.min(wanted, labels.length);
        return IntStream.range(0, count).map(i -> labels[(int) ((long) i * labels.length / count)]);
    }
}
