package org.facerecognition;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Calibration;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Embedded;

/**
 * Finds a model's thresholds in one mode, on people that it was not trained on.
 *
 * @param model that the thresholds are for
 * @param mode in which {@code embed} works
 * @param embed gives the faces that can be used their embeddings
 */
record Calibrator(RecognizerModel model, EmbeddingMode mode, Function<FaceDataset, Embedded> embed) {
    private static final int NAMES_SHOWN = 3;

    /** @return the thresholds that so many people can show */
    List<Threshold> thresholds(FaceDataset people, CalibrationSettings settings) {
        if (!settings.namesakes()) {
            requireStrangers(people);
        }
        int needed = settings.falseAcceptRates().stream()
                .mapToInt(Calibration::peopleFor)
                .min()
                .orElseThrow();
        int shown = people.labelsShown().cardinality();
        if (shown < needed) {
            throw tooFew(shown, needed, settings);
        }
        Calibration calibration = Calibration.of(embed.apply(chosen(people, settings)));
        List<Threshold> thresholds = settings.falseAcceptRates().stream()
                .flatMap(rate -> calibration.at(rate).stream())
                .map(this::threshold)
                .toList();
        if (thresholds.isEmpty()) {
            throw new DataException("no false accept rate of " + settings.falseAcceptRates()
                    + " can be shown: either fewer than " + needed + " people have usable faces, or the model"
                    + " gives faces of different people the same embedding, as of the same image; see to the data");
        }
        return thresholds;
    }

    private Threshold threshold(Calibration.Point point) {
        Threshold.Evidence evidence = new Threshold.Evidence(
                point.impostorPairs(), point.falseAccepts(), point.people(), point.upperBound(), mode);
        return new Threshold(point.cosine(), OptionalDouble.of(point.falseAcceptRate()), Optional.of(evidence));
    }

    private void requireStrangers(FaceDataset people) {
        List<String> known = known(model, people);
        if (known.isEmpty()) {
            return;
        }
        throw new DataException(String.format(
                Locale.ROOT,
                "thresholds must be calibrated on people that the model was not trained on, for on those it knows it"
                        + " makes fewer mistakes than on strangers; but it was trained on %,d of these %,d (%s%s)."
                        + " Calibrate on others; or leave some people out of the training (train --verify-on-unseen"
                        + " 0.2) and calibrate on those (evaluate --calibrate picks them by itself); or, if they are"
                        + " other people who have the same names, say so (evaluate --namesakes,"
                        + " CalibrationSettings.withNamesakes)",
                known.size(),
                people.labelsShown().cardinality(),
                String.join(", ", known.subList(0, Math.min(NAMES_SHOWN, known.size()))),
                known.size() > NAMES_SHOWN ? ", ..." : ""));
    }

    /**
     * Names of the people in a data set that a model's weights were trained on. Where an identity is an image's path, as
     * in lists of pairs, its folder names the person.
     */
    static List<String> known(RecognizerModel model, FaceDataset people) {
        Set<String> everybody = model.everybodyKnown();
        return people.labelsShown().stream()
                .mapToObj(label -> person(people.identities().get(label)))
                .filter(everybody::contains)
                .distinct()
                .toList();
    }

    private static String person(String identity) {
        String[] path = identity.split("[/\\\\]");
        return path.length > 1 ? path[path.length - 2] : identity;
    }

    private static DataException tooFew(int people, int needed, CalibrationSettings settings) {
        return new DataException("a false accept rate of "
                + Collections.max(settings.falseAcceptRates()) + " can be shown on " + needed
                + " people or more, but here are " + people
                + "; take more people, or ask for a higher rate: with so few, a threshold would promise what nobody"
                + " has measured");
    }

    /** Whole people, chosen at random, with at most so many faces altogether. */
    private static FaceDataset chosen(FaceDataset all, CalibrationSettings settings) {
        FaceDataset people = all.split() == Split.TRAIN ? all.withAugmentations(List.of()) : all;
        if (people.size() <= settings.maxFaces()) {
            return people;
        }
        int[] faces = new int[people.classes()];
        for (int i = 0; i < people.size(); i++) {
            faces[people.sample(i).label()]++;
        }
        List<Integer> labels =
                new ArrayList<>(people.labelsShown().stream().boxed().toList());
        Collections.shuffle(labels, new Random(settings.seed()));
        List<String> names = new ArrayList<>();
        int total = 0;
        for (int label : labels) {
            if (total + faces[label] <= settings.maxFaces()) {
                names.add(people.identities().get(label));
                total += faces[label];
            }
        }
        if (names.size() < 2) {
            throw new DataException("maxFaces must leave room for two people with all their faces, but was "
                    + settings.maxFaces() + "; raise it");
        }
        return people.withIdentities(names);
    }
}
