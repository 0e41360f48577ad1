package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.PersonNames;

/**
 * Measures a model's thresholds on a data set of people it was not trained on. A calibrator rejects data sets that
 * contain people of the training, selects people at random when there are too many faces, embeds the faces and
 * {@linkplain Calibration compares} them.
 *
 * <p>It does not know the model itself: it receives the names of the people the model was trained on, and a function
 * that embeds faces. Both recognizers calibrate with it.
 *
 * @param knownPeople names of all people that the model's weights were ever trained on, in this training or an earlier
 *     one
 * @param embed embeds a data set and returns the embeddings of its usable faces
 */
public record Calibrator(Set<String> knownPeople, Function<FaceDataset, Embedded> embed) {
    private static final int NAMES_SHOWN = 3;

    /**
     * Embeds and compares the faces, and returns the operating points that this number of people can estimate.
     *
     * @param people the data set to calibrate on; augmentations are dropped
     * @return one point per requested rate, in the order of the settings, without the rates that cannot be estimated
     * @throws DataException when the model was trained on some of the people or two names are spellings of one (unless
     *     the settings declare equal names to be namesakes), when there are too few people to estimate any of the
     *     rates, or when their faces cannot be used
     */
    public List<Calibration.Point> measure(FaceDataset people, CalibrationSettings settings) {
        if (!settings.namesakes()) {
            requireUnknown(people);
            requireOneSpelling(people);
        }
        int needed = settings.falseAcceptRates().stream()
                .mapToInt(Calibration::peopleFor)
                .min()
                .orElseThrow();
        int available = people.labelsShown().cardinality();
        if (available < needed) {
            throw tooFew("there are " + available, needed, settings);
        }
        FaceDataset chosen = atMostMaxFaces(people, settings);
        int compared = chosen.labelsShown().cardinality();
        if (compared < needed) {
            throw new DataException("maxFaces must allow faces of " + needed + " people for a false accept rate of "
                    + Collections.max(settings.falseAcceptRates()) + ", but " + settings.maxFaces() + " allow only "
                    + compared + "; allow more, at least two for each");
        }
        Embedded faces = embed.apply(chosen);
        int usable = (int) Arrays.stream(faces.labels()).distinct().count();
        if (usable < needed) {
            throw tooFew("only " + usable + " have usable faces", needed, settings);
        }
        Calibration calibration = Calibration.of(faces);
        boolean allUsable = faces.labels().length == chosen.size(); // else a face's place in the data set is unknown
        calibration
                .equalImages(face -> allUsable
                        ? chosen.sample(face).image().name()
                        : "an image of " + chosen.identities().get(faces.labels()[face]))
                .ifPresent(images -> settings.notes().accept(images.toString()));
        List<Calibration.Point> points = settings.falseAcceptRates().stream()
                .flatMap(rate -> (settings.bounded() ? calibration.atMost(rate) : calibration.at(rate)).stream())
                .toList();
        if (points.isEmpty() && settings.bounded()) {
            throw new DataException("none of the false accept rates " + settings.falseAcceptRates()
                    + " can be shown to hold on other people: " + usable + " people are too few, or the model gives"
                    + " faces of different people the same embedding; add more people, ask for a higher rate, or take"
                    + " thresholds that are estimates (without evaluate --bounded, CalibrationSettings.withBounded)");
        }
        if (points.isEmpty()) {
            throw new DataException("none of the false accept rates " + settings.falseAcceptRates()
                    + " can be estimated: the model gives faces of different people the same embedding; check the data"
                    + " for equal images under different names");
        }
        return points;
    }

    private void requireUnknown(FaceDataset people) {
        List<String> known = known(knownPeople, people);
        if (known.isEmpty()) {
            return;
        }
        throw new DataException(String.format(
                Locale.ROOT,
                "thresholds must be calibrated on people that the model was not trained on, because it makes fewer"
                        + " errors on people it knows, but it was trained on %,d of these %,d (%s%s). Calibrate on"
                        + " other people; or leave some people out of training (train --verify-on-unseen 0.2) and"
                        + " calibrate on those (evaluate --calibrate selects them automatically); or, if these are"
                        + " different people with the same names, say so (evaluate --namesakes,"
                        + " CalibrationSettings.withNamesakes)",
                known.size(),
                people.labelsShown().cardinality(),
                String.join(", ", known.subList(0, Math.min(NAMES_SHOWN, known.size()))),
                known.size() > NAMES_SHOWN ? ", ..." : ""));
    }

    /** Requires different names: pairs of one person's faces would count as impostor pairs and raise the thresholds. */
    private static void requireOneSpelling(FaceDataset people) {
        List<String> names =
                people.labelsShown().stream().mapToObj(people.identities()::get).toList();
        PersonNames.alike(names).stream().findFirst().ifPresent(alike -> {
            throw new DataException("thresholds must be calibrated on people with different names, but " + alike
                    + " differ only in case, spaces or Unicode form; if they are one person, put the images into one"
                    + " folder; if they are different people, say so (evaluate --namesakes,"
                    + " CalibrationSettings.withNamesakes)");
        });
    }

    /**
     * Returns the names of the people in a data set that are among the known ones, each once, whatever their case,
     * spaces and Unicode form. Where an identity is the path of an image, as in lists of pairs, the name of its folder
     * is the name of the person.
     *
     * @param knownPeople names of the people that a model was trained on
     */
    public static List<String> known(Set<String> knownPeople, FaceDataset people) {
        Set<String> keys = knownPeople.stream().map(PersonNames::key).collect(Collectors.toSet());
        return people.labelsShown().stream()
                .mapToObj(label -> people.identities().get(label))
                .filter(name -> keys.contains(PersonNames.key(name)) || keys.contains(PersonNames.key(person(name))))
                .map(name -> keys.contains(PersonNames.key(name)) ? name : person(name))
                .distinct()
                .toList();
    }

    private static String person(String identity) {
        String[] path = identity.split("[/\\\\]");
        return path.length > 1 ? path[path.length - 2] : identity;
    }

    private static DataException tooFew(String people, int needed, CalibrationSettings settings) {
        return new DataException("a false accept rate of " + Collections.max(settings.falseAcceptRates())
                + " needs at least " + needed + " people to be estimated, but " + people
                + "; add more people or ask for a higher rate");
    }

    /**
     * Selects people at random, so that the number of faces stays within the maximum: with all of their faces, if
     * enough people for the lowest rate remain, and otherwise with their first faces, at least two. A rate takes people
     * to be estimated, not faces.
     */
    private static FaceDataset atMostMaxFaces(FaceDataset all, CalibrationSettings settings) {
        FaceDataset people = all.withAugmentations(List.of());
        if (people.size() <= settings.maxFaces()) {
            return people;
        }
        int wanted = Math.min(
                people.labelsShown().cardinality(),
                settings.falseAcceptRates().stream()
                        .mapToInt(Calibration::peopleFor)
                        .max()
                        .orElseThrow());
        List<String> whole = chosen(people, settings);
        if (whole.size() >= wanted) {
            return people.withIdentities(whole);
        }
        FaceDataset fewOfEach = people.withAtMost(Math.max(2, settings.maxFaces() / wanted));
        List<String> some = chosen(fewOfEach, settings);
        if (some.size() < 2) {
            throw new DataException(
                    "maxFaces must be large enough for two faces of two people, but was " + settings.maxFaces());
        }
        return fewOfEach.withIdentities(some);
    }

    private static List<String> chosen(FaceDataset people, CalibrationSettings settings) {
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
        return names;
    }
}
