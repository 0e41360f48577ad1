package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.Bootstrap;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.EqualImages;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.eval.Verification;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/** One run of {@code evaluate}: embeds faces for a protocol and collects its figures in a report. */
final class Evaluation {
    private final LoadedModel model;
    private final boolean flip;
    private final @Nullable FaceDetector detector;
    private final FaceChoice choice;
    private final BadImagesOption badImages;
    private final PrintWriter err;
    private final Set<String> knownPeople = new HashSet<>();
    private final Set<String> notFound = ConcurrentHashMap.newKeySet();
    private boolean notedEqualImages;

    final DataOptions data;
    final @Nullable Path pairs;
    final double unseen;
    final boolean namesakes;
    final long seed;
    final EvaluationReport report;

    /**
     * @param model borrowed
     * @param flip whether the embedding of each face's mirror image is added
     * @param detector borrowed; null to crop faces as the data set does
     * @param choice which of several faces in an image is used
     * @param pairs the list of --pairs; null for the data set's own
     * @param unseen share of the people whom the training left out; 0 to measure on all people
     * @param namesakes whether people with names of the training are other people
     */
    Evaluation(
            LoadedModel model,
            boolean flip,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            DataOptions data,
            BadImagesOption badImages,
            @Nullable Path pairs,
            double unseen,
            boolean namesakes,
            long seed,
            EvaluationReport report,
            PrintWriter err) {
        this.model = model;
        this.flip = flip;
        this.detector = detector;
        this.choice = choice;
        this.data = data;
        this.badImages = badImages;
        this.pairs = pairs;
        this.unseen = unseen;
        this.namesakes = namesakes;
        this.seed = seed;
        this.report = report;
        this.err = err;
    }

    /** Returns the model; borrowed. */
    LoadedModel model() {
        return model;
    }

    /** Returns the names of those whom the model was trained on, as far as its file says. */
    Set<String> trainedOn(FaceDataset people) {
        return namesakes ? Set.of() : Set.copyOf(model.knownPeople(people));
    }

    /** Returns the faces as the network sees them: with a detector, those that it finds. */
    FaceDataset seen(FaceDataset faces) {
        if (detector == null) {
            return faces;
        }
        FaceCropper cropper = new FaceCropper(model.crop(), model.embedder().imageSizePx(), detector, choice);
        return faces.cropped(cropper, image -> notFound.add(image.name()));
    }

    /** Returns the faces without those that --bad-images leaves out. */
    FaceDataset usable(FaceDataset faces) {
        FaceDataset usable = badImages.usable(faces, sizeRead(faces));
        noteSkipped(faces, usable, "");
        return usable;
    }

    /** Returns the pairs without the faces that --bad-images leaves out. */
    VerificationSet usable(VerificationSet set) {
        VerificationSet usable = badImages.usable(set, sizeRead(set.faces()));
        noteSkipped(
                set.faces(), usable.faces(), ", with their pairs: figures and folds are not those of the whole list");
        return usable;
    }

    /** Results of a part of the images must not look like those of all. */
    private void noteSkipped(FaceDataset all, FaceDataset usable, String consequence) {
        if (usable.size() < all.size()) {
            note(String.format(
                    Locale.ROOT,
                    "%,d of %,d images could not be used and were left out%s",
                    all.size() - usable.size(),
                    all.size(),
                    consequence));
        }
    }

    /** Returns the side at which faces are read: 0 if a detector looks for them in whole images. */
    private int sizeRead(FaceDataset faces) {
        if (detector != null) {
            return 0;
        }
        DataOptions.requirePackedFor(model, faces);
        return model.embedder().imageSizePx();
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

    /** Embeds the images of a list of pairs, which does not say how many people they show. */
    Embedded embedListed(String what, FaceDataset faces) {
        knownPeople.addAll(model.knownPeople(faces));
        return embedNameless(what, faces);
    }

    /** Embeds faces of people who are numbered, so that equal names do not mean people of the training. */
    Embedded embedNumbered(String what, FaceDataset faces) {
        return embedded(what, faces, faces.toString());
    }

    /** Embeds images of which it is not known whom they show, and whose names do not say it. */
    Embedded embedNameless(String what, FaceDataset faces) {
        return embedded(what, faces, String.format(Locale.ROOT, "%,d images, crop %s", faces.size(), faces.crop()));
    }

    private Embedded embedded(String what, FaceDataset faces, String description) {
        if (detector == null) {
            DataOptions.requirePackedFor(model, faces);
        }
        data.report(faces.notes());
        print(what + ": " + description);
        try (EmbedProgress progress = new EmbedProgress(err, what, faces.size())) {
            return model.embed(seen(faces), flip, progress);
        }
    }

    /**
     * Adds the figures of pairs of these faces to the report, and the hardest pairs as images; notes pairs that seem to
     * be one image under two names.
     */
    void report(Verification verification, FaceDataset... faces) {
        noteEqualImages(verification, faces);
        report.count("images", Stream.of(faces).mapToInt(FaceDataset::size).sum());
        report.verification(verification, new Bootstrap(Bootstrap.DEFAULT.resamples(), seed));
        report.hardest(verification, List.of(faces));
    }

    /** Notes, once, impostor pairs of these faces that seem to be one image under two names. */
    void noteEqualImages(Verification verification, FaceDataset... faces) {
        if (!notedEqualImages) {
            EqualImages.among(verification, List.of(faces)).ifPresent(images -> noteEqualImages(images.toString()));
        }
    }

    /** Notes, once, what a calibration found of such pairs. */
    void noteEqualImages(String sentence) {
        if (!notedEqualImages) {
            notedEqualImages = true;
            note(sentence);
        }
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

    /** Reports the number of images in which the detector found no face. */
    void reportNotFound() {
        report.count("faces_not_found", notFound.size());
        if (!notFound.isEmpty()) {
            print("note: no usable face was found in " + notFound.size()
                    + " images, which were cropped by --align; images larger than --max-side were shrunk"
                    + " first, unless --tiles was given");
        }
    }
}
