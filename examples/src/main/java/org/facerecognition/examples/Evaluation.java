package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.Bootstrap;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.eval.Verification;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/** One run of {@code evaluate}: what a protocol measures with, and where its figures go. */
final class Evaluation {
    private final Recognizer recognizer;
    private final boolean flip;
    private final @Nullable FaceDetector detector;
    private final FaceChoice choice;
    private final PrintWriter err;
    private final Set<String> knownPeople = new HashSet<>();
    private final Set<String> notFound = ConcurrentHashMap.newKeySet();

    final DataOptions data;
    final @Nullable Path pairs;
    final double unseen;
    final long seed;
    final EvaluationReport report;

    /**
     * @param flip whether each face is embedded with its mirror image
     * @param detector finds the faces; null for faces as the data's framing cuts them out
     * @param choice which of several faces is meant
     * @param pairs the list that was asked for; null for the data's own
     * @param unseen share of the people that the model does not know, 0 for all
     */
    Evaluation(
            Recognizer recognizer,
            boolean flip,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            DataOptions data,
            @Nullable Path pairs,
            double unseen,
            long seed,
            EvaluationReport report,
            PrintWriter err) {
        this.recognizer = recognizer;
        this.flip = flip;
        this.detector = detector;
        this.choice = choice;
        this.data = data;
        this.pairs = pairs;
        this.unseen = unseen;
        this.seed = seed;
        this.report = report;
        this.err = err;
    }

    Recognizer recognizer() {
        return recognizer;
    }

    /** The data as the net will see it: with a detector, the faces it finds. */
    FaceDataset seen(FaceDataset faces) {
        if (detector == null) {
            return faces;
        }
        FaceCropper cropper = new FaceCropper(faces.crop(), recognizer.imageSizePx(), detector, choice);
        return faces.cropped(cropper, image -> notFound.add(image.name()));
    }

    /**
     * Embeds faces, showing how far it is.
     *
     * @throws UnsuitableDataException when they were packed as this model cannot see them
     */
    Embedded embed(String what, FaceDataset faces) {
        knownPeople.addAll(recognizer.knownPeople(faces));
        return embedNumbered(what, faces);
    }

    /** The same for people who are numbered within their data, which says nothing about those of the training. */
    Embedded embedNumbered(String what, FaceDataset faces) {
        if (detector == null) {
            DataOptions.requirePackedFor(recognizer, faces);
        }
        data.tell(faces.notes());
        say(what + ": " + faces);
        try (EmbedProgress progress = new EmbedProgress(err, what, faces.size())) {
            return recognizer.embed(seen(faces), flip, progress);
        }
    }

    /** Adds all that pairs of these faces say, and the hardest of them as images. */
    void report(Verification verification, FaceDataset... faces) {
        report.verification(verification, new Bootstrap(Bootstrap.DEFAULT.resamples(), seed));
        report.hardest(verification, List.of(faces));
    }

    /** People whose faces were measured on, whom the model was trained on. */
    int knownPeople() {
        return knownPeople.size();
    }

    /** Says on standard error and in the report what a reader of the figures must know. */
    void tell(String sentence) {
        say("note: " + sentence);
        report.note(sentence + ".");
    }

    void say(String line) {
        err.println(line);
        err.flush();
    }

    /** Images in which the detector has found no face. */
    int notFound() {
        return notFound.size();
    }
}
