package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.Stream;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FacePairs;
import org.facerecognition.eval.Verification;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.io.AtomicFile;

/**
 * Verification over a list of pairs, with the accuracy by cross-validation: {@code lfw} (pairs.txt, whose 10 sets are
 * the folds; other lists of sets likewise), {@code pairs} (lines image, image, 0 or 1; genuine and impostor pairs are
 * interleaved into 10 folds or fewer, as are those of LFW lists without sets) and {@code bin} (insightface's files, 10
 * folds).
 */
final class PairsProtocol implements EvaluationProtocol {
    private static final int FOLDS = 10;

    private final Function<Evaluation, FacePairs> reader;
    private final Function<Evaluation, Folds> folds;

    private PairsProtocol(Function<Evaluation, FacePairs> reader, Function<Evaluation, Folds> folds) {
        this.reader = reader;
        this.folds = folds;
    }

    static PairsProtocol lfw() {
        return new PairsProtocol(
                evaluation -> FacePairs.lfw(list(evaluation, "pairs.txt"), lfwImages(evaluation.data.path())),
                evaluation -> {
                    int sets = FacePairs.lfwSets(list(evaluation, "pairs.txt"));
                    return sets > 1 ? new Folds(sets, true) : new Folds(FOLDS, false);
                });
    }

    static PairsProtocol list() {
        return new PairsProtocol(
                evaluation -> FacePairs.list(list(evaluation, "pairs.tsv"), evaluation.data.path()),
                evaluation -> new Folds(FOLDS, false));
    }

    static PairsProtocol bin() {
        return new PairsProtocol(
                evaluation -> FacePairs.insightfaceBin(evaluation.data.path()), evaluation -> new Folds(FOLDS, true));
    }

    @Override
    public void measure(Evaluation evaluation) {
        VerificationSet set =
                evaluation.usable(VerificationSet.of(pairs(evaluation), evaluation.data.crop(Crop.WHOLE)));
        set.requireMeasurable();
        Folds parts = folds.apply(evaluation); // before anything is embedded
        Verification verification = set.verify(faces -> evaluation.embedListed("faces", faces));
        parts.measure(verification, evaluation);
        evaluation.report(verification, evaluation.seen(set.faces()));
    }

    private FacePairs pairs(Evaluation evaluation) {
        try {
            return reader.apply(evaluation);
        } catch (InvalidPathException e) { // a name in the list, not on the command line
            throw new DataException("the list of pairs has a name that no file can have: " + e.getMessage(), e);
        }
    }

    /** Returns the file of --pairs, or the file of that name in the data's folder. */
    static Path list(Evaluation evaluation, String name) {
        return evaluation.pairs != null
                ? evaluation.pairs
                : evaluation.data.path().resolve(name);
    }

    /**
     * Returns the folder of LFW's images: the first folder named like those in its archives (lfw, lfw-deepfunneled,
     * lfw_funneled), or else the data's folder.
     */
    static Path lfwImages(Path data) {
        try (Stream<Path> inside = Files.list(data)) {
            return inside.filter(path -> Files.isDirectory(path)
                            && path.getFileName().toString().matches("lfw([-_].*)?"))
                    .sorted()
                    .findFirst()
                    .orElse(data);
        } catch (NoSuchFileException e) {
            throw new DataException("data folder " + data + " does not exist", e);
        } catch (IOException e) {
            throw new DataException("data folder " + data + " must be there and readable: " + AtomicFile.reason(e), e);
        }
    }
}
