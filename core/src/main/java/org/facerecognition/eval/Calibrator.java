package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;

/**
 * Measures a model's thresholds on a data set of people it was not trained on: refuses people it knows, takes whole
 * people at random where there are too many faces, embeds and {@linkplain Calibration compares} them.
 *
 * @param knownPeople names of everybody that the model's weights were ever trained on
 * @param embed returns the embeddings of the faces that can be used
 */
public record Calibrator(Set<String> knownPeople, Function<FaceDataset, Embedded> embed) {
    private static final int NAMES_SHOWN = 3;

    /**
     * Returns the operating points that so many people can show.
     *
     * @throws DataException when the model was trained on some of the people, or there are too few of them to show any
     *     of the rates, or their faces cannot be used
     */
    public List<Calibration.Point> measure(FaceDataset people, CalibrationSettings settings) {
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
        List<Calibration.Point> points = settings.falseAcceptRates().stream()
                .flatMap(rate -> calibration.at(rate).stream())
                .toList();
        if (points.isEmpty()) {
            throw new DataException("no false accept rate of " + settings.falseAcceptRates()
                    + " can be shown: either fewer than " + needed + " people have usable faces, or the model"
                    + " gives faces of different people the same embedding, as of the same image; see to the data");
        }
        return points;
    }

    private void requireStrangers(FaceDataset people) {
        List<String> known = known(knownPeople, people);
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
     * Returns the names of those people in a data set who are among the known ones. Where an identity is an image's path, as
     * in lists of pairs, its folder names the person.
     */
    public static List<String> known(Set<String> everybody, FaceDataset people) {
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
