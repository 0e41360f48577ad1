package org.facerecognition;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.facerecognition.backbone.FrozenMemory;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.FreezeBefore;
import org.jspecify.annotations.Nullable;

/**
 * What can be said against a training before it starts: everything that would otherwise fail, or mislead, after hours.
 */
final class TrainingChecks {
    private static final Pattern IDENTITY_HASH = Pattern.compile("[\\w.$/]+@[0-9a-f]{1,8}\\b"); // Object's toString
    private static final int MOST_NAMES = 3; // in a message

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final FaceDataset train;
    private final @Nullable FaceDataset validation;

    TrainingChecks(TrainerArgs args, Recognizer recognizer, FaceDataset train, @Nullable FaceDataset validation) {
        this.args = args;
        this.recognizer = recognizer;
        this.train = train;
        this.validation = validation;
    }

    /**
     * @throws IllegalArgumentException when data, recognizer and args do not go together, saying why and the way out
     */
    void run() {
        checkClasses(train);
        checkBatches();
        if (validation != null) {
            checkClasses(validation);
            checkValidation(validation);
        }
        if (args.verification() != null) {
            checkVerification(args.verification().faces());
            args.verification().requireMeasurable();
        }
        if (args.headFromMeans() && !(recognizer.head() instanceof MarginSoftmax)) {
            throw new IllegalArgumentException("headFromMeans must go with a margin head, but the head is "
                    + recognizer.head().getClass().getSimpleName());
        }
        checkFeatureCache();
        if (args.backup() != null) {
            checkDescriptions();
        }
    }

    private void checkClasses(FaceDataset data) {
        int classes = recognizer.head().classes();
        if (data.classes() > classes) {
            throw new IllegalArgumentException("labels must be in [0, " + classes + ") for a recognizer of " + classes
                    + " classes, but the " + data.split() + " data has " + data.classes()
                    + " identities; build it with classes(" + data.classes() + ")");
        }
    }

    private void checkBatches() {
        int group = args.sampler().groupSize();
        if (args.batchSize() % group != 0) {
            throw new IllegalArgumentException("batchSize must be a multiple of " + group + " for the sampler \""
                    + args.sampler() + "\", which must not be split between batches, but was " + args.batchSize());
        }
    }

    private void checkValidation(FaceDataset validation) {
        if (train.framing() != validation.framing()) {
            throw new IllegalArgumentException("train and validation must be framed alike, but were " + train.framing()
                    + " and " + validation.framing());
        }
        BitSet shown = validation.labelsShown();
        List<String> learned = train.identities();
        List<String> differing = shown.stream()
                .filter(label -> label >= learned.size()
                        || !learned.get(label).equals(validation.identities().get(label)))
                .limit(MOST_NAMES)
                .mapToObj(label -> "label " + label + " is "
                        + (label < learned.size() ? "\"" + learned.get(label) + "\"" : "nobody") + " in training and \""
                        + validation.identities().get(label) + "\" in validation")
                .toList();
        if (!differing.isEmpty()) {
            throw new UnsuitableDataException(
                    "validation must show the identities of the training data under the same labels, but "
                            + String.join(", ", differing) + "; use validation.withIdentities(train.identities())");
        }
    }

    /** What a user should hear about the data, though nothing is wrong for certain. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        BitSet shown = train.labelsShown();
        if (shown.cardinality() == 1) {
            notes.add("the training data shows only \"" + train.identities().get(shown.nextSetBit(0))
                    + "\": with one person every loss is zero, whatever the network does; give it others too");
        }
        if (validation != null) {
            BitSet unlearned = validation.labelsShown();
            unlearned.andNot(shown);
            if (!unlearned.isEmpty()) {
                notes.add(
                        names(unlearned.stream()
                                        .mapToObj(train.identities()::get)
                                        .toList())
                                + " are in validation but have no training image: they cannot be recognized, and count as errors");
            }
        }
        if (args.verification() != null) {
            TreeSet<String> known = new TreeSet<>(args.verification().faces().identities());
            known.retainAll(train.identities());
            if (!known.isEmpty()) {
                notes.add(names(List.copyOf(known))
                        + " are in the verification faces and in the training data under the same name: if they are the same"
                        + " people, the figures flatter the model");
            }
        }
        return notes;
    }

    private static String names(List<String> names) {
        return names.stream().limit(MOST_NAMES).map(name -> "\"" + name + "\"").collect(Collectors.joining(", "))
                + (names.size() > MOST_NAMES ? " and " + (names.size() - MOST_NAMES) + " other people" : "");
    }

    private void checkVerification(FaceDataset faces) {
        if (!faces.framing().showsAs(train.framing())) {
            throw new IllegalArgumentException("the verification faces must be framed like the training data, "
                    + train.framing() + ", but were " + faces.framing());
        }
    }

    private void checkFeatureCache() {
        if (args.frozenMemoryMib() > 0 && featureCacheLayer() == null) {
            throw new IllegalArgumentException(
                    "frozenMemoryMib must go with a freezer that freezes all before a layer of the"
                            + " encoder throughout, but the freezer was "
                            + (args.freezer() == null ? "none" : "\"" + args.freezer() + "\""));
        }
    }

    private @Nullable String featureCacheLayer() {
        return args.freezer() instanceof FreezeBefore freezer && freezer.layer().startsWith(TrainingRun.ENCODER)
                ? freezer.layer().substring(TrainingRun.ENCODER.length())
                : null;
    }

    /** To be closed; null where none is wanted. */
    @Nullable
    FrozenMemory featureCache() {
        String layer = featureCacheLayer();
        return args.frozenMemoryMib() == 0 || layer == null
                ? null
                : new FrozenMemory(recognizer.encoder(), layer, (long) args.frozenMemoryMib() << 20);
    }

    /** A checkpoint knows its settings by their text, so a text that differs in each JVM could never be resumed. */
    private void checkDescriptions() {
        checkDescription("learningRate", "LearningRate.named(\"...\", ...)", args.learningRate());
        checkDescription("freezer", "Freezer.named(\"...\", ...)", String.valueOf(args.freezer()));
        checkDescription("sampler", "Sampler.named(\"...\", ...)", args.sampler());
        checkDescription("score", "a record", args.score());
        checkDescription("augmentations", "a record", train.augmentations());
    }

    private static void checkDescription(String what, String wayOut, Object value) {
        String text = value.toString();
        if (IDENTITY_HASH.matcher(text).find()) {
            throw new IllegalArgumentException(what
                    + " must describe itself in toString() for a training with checkpoints, but says \""
                    + text + "\", which is another text in each JVM, so that the training could not be resumed; use "
                    + wayOut
                    + ", override toString(), or train without a backup folder");
        }
    }
}
