package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

/** One run of {@code evaluate}: embeds faces for a protocol and collects its figures in a report. */
final class Evaluation {
    private final LoadedModel model;
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
     * @param model borrowed
     * @param flip whether the embedding of each face's mirror image is added
     * @param detector borrowed; null to crop faces as the data set does
     * @param choice which of several faces in an image is used
     * @param pairs the list of --pairs; null for the data set's own
     * @param unseen share of the people whom the training left out; 0 to measure on all people
     */
    Evaluation(
            LoadedModel model,
            boolean flip,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            DataOptions data,
            @Nullable Path pairs,
            double unseen,
            long seed,
            EvaluationReport report,
            PrintWriter err) {
        this.model = model;
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

    /** Returns the model; borrowed. */
    LoadedModel model() {
        return model;
    }

    /** Returns the faces as the network sees them: with a detector, those that it finds. */
    FaceDataset seen(FaceDataset faces) {
        if (detector == null) {
            return faces;
        }
        FaceCropper cropper = new FaceCropper(faces.crop(), model.embedder().imageSizePx(), detector, choice);
        return faces.cropped(cropper, image -> notFound.add(image.name()));
    }

    /**
     * Embeds faces and shows the progress.
     *
     * @throws UnsuitableDataException when they were packed with another size or crop than the model takes
     */
    Embedded embed(String what, FaceDataset faces) {
        knownPeople.addAll(model.knownPeople(faces));
        return embedNumbered(what, faces);
    }

    /** Embeds faces of people who are numbered, so that equal names do not mean people of the training. */
    Embedded embedNumbered(String what, FaceDataset faces) {
        if (detector == null) {
            DataOptions.requirePackedFor(model, faces);
        }
        data.report(faces.notes());
        print(what + ": " + faces);
        try (EmbedProgress progress = new EmbedProgress(err, what, faces.size())) {
            return model.embed(seen(faces), flip, progress);
        }
    }

    /** Adds the figures of pairs of these faces to the report, and the hardest pairs as images. */
    void report(Verification verification, FaceDataset... faces) {
        report.verification(verification, new Bootstrap(Bootstrap.DEFAULT.resamples(), seed));
        report.hardest(verification, List.of(faces));
    }

    /** Returns how many people whose faces were embedded are also in the training of the model, by their names. */
    int knownPeople() {
        return knownPeople.size();
    }

    /** Adds a note on the figures to the report and prints it on standard error. */
    void note(String sentence) {
        print("note: " + sentence);
        report.note(sentence + ".");
    }

    /** Prints a line on standard error. */
    void print(String line) {
        err.println(line);
        err.flush();
    }

    /** Returns the number of images in which the detector found no face. */
    int notFound() {
        return notFound.size();
    }
}
