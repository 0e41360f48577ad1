package org.facerecognition.train;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.FrozenFeatureCache;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.losses.MetricHead;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * Checks a training before it starts for everything that would otherwise fail, or mislead, after hours.
 */
public final class TrainingChecks {
    /** Object's toString: of a class in a package or in another class, or of one without. "recall@10" is none. */
    private static final Pattern IDENTITY_HASH =
            Pattern.compile("\\w+([.$/]+\\w+)+@[0-9a-f]{1,8}\\b|\\b[A-Z]\\w*@[0-9a-f]{6,8}\\b");

    private static final int MAX_NAMES = 3; // in a message

    private static final String ENCODER = "encoder."; // its parameters' names begin so

    private final Optimization optimization;
    private final Loading loading;
    private final Evaluation evaluation;
    private final Backbone encoder;
    private final Head head;
    private final FaceDataset train;
    private final @Nullable FaceDataset validation;

    public TrainingChecks(
            Optimization optimization,
            Loading loading,
            Evaluation evaluation,
            Backbone encoder,
            Head head,
            FaceDataset train,
            @Nullable FaceDataset validation) {
        this.optimization = optimization;
        this.loading = loading;
        this.evaluation = evaluation;
        this.encoder = encoder;
        this.head = head;
        this.train = train;
        this.validation = validation;
    }

    /**
     * @param withCheckpoints whether the training writes checkpoints, from which it may be resumed
     * @param ranks number of processes that train together
     * @throws IllegalArgumentException when data, network and settings do not go together, with the reason and a remedy
     */
    public void run(boolean withCheckpoints, int ranks) {
        checkClasses(train);
        checkBatches();
        if (validation != null) {
            checkClasses(validation);
            checkValidation(validation);
        }
        if (evaluation.verification() != null) {
            checkVerification(evaluation.verification().faces());
            evaluation.verification().requireMeasurable();
        }
        if (optimization.headFromMeans() && !(head instanceof MarginSoftmax)) {
            throw new IllegalArgumentException("headFromMeans must go with a margin head, but the head is "
                    + head.getClass().getSimpleName());
        }
        if (optimization.headFromMeans()) {
            checkMeans(train.withAugmentations(List.of()).size(), head.classes());
        }
        checkFeatureCache();
        if (withCheckpoints || ranks > 1) {
            checkDescriptions(ranks > 1);
        }
    }

    /** The embeddings of all training images are on the Java heap at once, and then the sums of each class. */
    private void checkMeans(int images, int classes) {
        long size = head.embeddingSize();
        long bytes = images * size * Float.BYTES + classes * size * (Double.BYTES + Float.BYTES);
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap) {
            throw new IllegalArgumentException("headFromMeans must have " + (bytes >> 20)
                    + " MiB of Java heap for the embeddings of " + images + " images and the centers of " + classes
                    + " classes, but there are " + (heap >> 20)
                    + "; give Java more memory (-Xmx), or start without it");
        }
        if (classes * size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("headFromMeans must be for at most " + Integer.MAX_VALUE / size
                    + " classes, but there are " + classes + "; start without it");
        }
    }

    private void checkClasses(FaceDataset data) {
        int classes = head.classes();
        if (data.classes() > classes) {
            throw new IllegalArgumentException("labels must be in [0, " + classes + ") for a recognizer of " + classes
                    + " classes, but the " + data.split() + " data has " + data.classes()
                    + " identities; build it with classes(" + data.classes() + ")");
        }
    }

    private void checkBatches() {
        int group = loading.sampler().groupSize();
        if (loading.batchSize() % group != 0) {
            throw new IllegalArgumentException(
                    "batchSize must be a multiple of " + group + " for the sampler \"" + loading.sampler()
                            + "\", which must not be split between batches, but was " + loading.batchSize());
        }
    }

    private void checkValidation(FaceDataset validation) {
        if (train.crop() != validation.crop()) {
            throw new IllegalArgumentException("train and validation must be cropped alike, but were " + train.crop()
                    + " and " + validation.crop());
        }
        BitSet shown = validation.labelsShown();
        List<String> learned = train.identities();
        List<String> differing = shown.stream()
                .filter(label -> label >= learned.size()
                        || !learned.get(label).equals(validation.identities().get(label)))
                .limit(MAX_NAMES)
                .mapToObj(label -> "label " + label + " is "
                        + (label < learned.size() ? "\"" + learned.get(label) + "\"" : "no identity")
                        + " in training and \""
                        + validation.identities().get(label) + "\" in validation")
                .toList();
        if (!differing.isEmpty()) {
            throw new UnsuitableDataException(
                    "validation must show the identities of the training data under the same labels, but "
                            + String.join(", ", differing) + "; use validation.withIdentities(train.identities())");
        }
    }

    /** Returns sentences about data and settings that the user should know although they are not errors. */
    public List<String> notes() {
        List<String> notes = new ArrayList<>();
        noteSettings(notes);
        BitSet shown = train.labelsShown();
        if (shown.cardinality() == 1) {
            notes.add("the training data shows only \"" + train.identities().get(shown.nextSetBit(0))
                    + "\": from one person a network cannot learn to tell people apart; give it others too");
        }
        if (head.classes() > train.classes() && !(head instanceof MetricHead)) {
            notes.add("the head has " + head.classes() + " classes, but the training data only " + train.classes()
                    + " identities: the others have no image to learn from; build it with classes(" + train.classes()
                    + ") unless they are to come");
        }
        if (validation != null) {
            BitSet unlearned = validation.labelsShown();
            unlearned.andNot(shown);
            if (!unlearned.isEmpty()) {
                notes.add(
                        names(unlearned.stream()
                                        .mapToObj(train.identities()::get)
                                        .toList())
                                + " are in the validation data but have no training image: they cannot be recognized and count as errors");
            }
        }
        if (evaluation.verification() != null) {
            TreeSet<String> known =
                    new TreeSet<>(evaluation.verification().faces().identities());
            known.retainAll(train.identities());
            if (!known.isEmpty()) {
                notes.add(names(List.copyOf(known))
                        + " are in the verification faces and in the training data under the same name: if they are the same"
                        + " people, the figures flatter the model");
            }
        }
        return notes;
    }

    private void noteSettings(List<String> notes) {
        int warmup = optimization.marginWarmupEpochs();
        if (warmup > 0 && !hasMargin()) {
            notes.add("marginWarmupEpochs has no effect: the head, "
                    + head.getClass().getSimpleName() + ", has no margin to raise");
        } else if (warmup > optimization.epochs()) {
            notes.add("marginWarmupEpochs is " + warmup + ", but the training has " + optimization.epochs()
                    + " epochs: the margin does not reach its full size");
        }
        if (optimization.headLrMultiplier() != 1 && !hasWeights(head)) {
            notes.add("headLrMultiplier has no effect: the head, "
                    + head.getClass().getSimpleName() + ", has no weights of its own");
        }
        if (head instanceof MetricHead && loading.sampler().groupSize() == 1) {
            notes.add("the loss compares the images of a batch, so that a batch should hold several images of some"
                    + " people, but the sampler is \"" + loading.sampler()
                    + "\"; use Sampler.identities(16, 4) (--sampler 16x4), for example");
        }
    }

    private boolean hasMargin() {
        return head instanceof MarginSoftmax margins
                && !margins.margin().scaledBy(0.5).equals(margins.margin());
    }

    private static boolean hasWeights(Head head) {
        try (PointerScope scope = new PointerScope()) {
            return !NamedTensors.parameters(head).isEmpty();
        }
    }

    private static String names(List<String> names) {
        return names.stream().limit(MAX_NAMES).map(name -> "\"" + name + "\"").collect(Collectors.joining(", "))
                + (names.size() > MAX_NAMES ? " and " + (names.size() - MAX_NAMES) + " other people" : "");
    }

    private void checkVerification(FaceDataset faces) {
        if (!faces.crop().isCompatibleWith(train.crop())) {
            throw new IllegalArgumentException("the verification faces must be cropped like the training data, "
                    + train.crop() + ", but were " + faces.crop());
        }
    }

    private void checkFeatureCache() {
        if (loading.featureCacheMib() > 0 && featureCacheLayer() == null) {
            throw new IllegalArgumentException(
                    "featureCacheMib must go with a freezer that freezes all before a layer of the"
                            + " encoder throughout, but the freezer was "
                            + (optimization.freezer() == null ? "none" : "\"" + optimization.freezer() + "\""));
        }
        if (loading.featureCacheMib() > 0) {
            try {
                encoder.requireSplit(String.valueOf(featureCacheLayer()));
            } catch (IllegalArgumentException | UnsupportedOperationException e) {
                throw new IllegalArgumentException(
                        "featureCacheMib cannot be used with the freezer \"" + optimization.freezer() + "\": "
                                + e.getMessage(),
                        e);
            }
        }
    }

    private @Nullable String featureCacheLayer() {
        return optimization.freezer() instanceof FreezeBefore freezer
                        && freezer.layer().startsWith(ENCODER)
                ? freezer.layer().substring(ENCODER.length())
                : null;
    }

    /** Makes the feature cache; owned. Null where none is configured. */
    public @Nullable FrozenFeatureCache featureCache() {
        String layer = featureCacheLayer();
        return loading.featureCacheMib() == 0 || layer == null
                ? null
                : new FrozenFeatureCache(encoder, layer, (long) loading.featureCacheMib() << 20);
    }

    /** Checkpoints store settings as text, and ranks compare it; one that differs in each JVM is never the same. */
    private void checkDescriptions(boolean together) {
        checkDescription("learningRate", "LearningRate.named(\"...\", ...)", optimization.learningRate(), together);
        checkDescription("freezer", "Freezer.named(\"...\", ...)", String.valueOf(optimization.freezer()), together);
        checkDescription("sampler", "Sampler.named(\"...\", ...)", loading.sampler(), together);
        checkDescription("score", "a record", evaluation.score(), together);
        checkDescription("augmentations", "a record", train.augmentations(), together);
    }

    private static void checkDescription(String what, String wayOut, Object value, boolean together) {
        String text = value.toString();
        if (IDENTITY_HASH.matcher(text).find()) {
            throw new IllegalArgumentException(what + " must describe itself in toString() for a training "
                    + (together ? "in several processes" : "with checkpoints") + ", but says \"" + text
                    + "\", which is another text in each JVM, so that "
                    + (together ? "the processes could not compare it" : "the training could not be resumed") + "; use "
                    + wayOut
                    + (together
                            ? ", or override toString()"
                            : ", override toString(), or train without a checkpoint folder"));
        }
    }
}
