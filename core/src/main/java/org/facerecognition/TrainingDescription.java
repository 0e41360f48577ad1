package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.OptimizerSettings;
import org.jspecify.annotations.Nullable;

/**
 * All that must be the same for a resumed training to be the one that was stopped: a flat list of settings and counts.
 */
final class TrainingDescription {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATA = "data";
    private static final String TRAINING_NAMES = "names or labels of the training images";
    private static final String VALIDATION_NAMES = "names or labels of the validation images";
    private static final String CONTENTS = "image contents";
    /** What is another one anyway where the data has other counts. */
    private static final Set<String> FOLLOWS_FROM_DATA = Set.of(TRAINING_NAMES, VALIDATION_NAMES, CONTENTS, "classes");

    private static final String VERSION_KEY = "version";
    private static final String VERSION = "2";
    private static final int MOST_DIFFERENCES = 6; // in a message
    private static final int LONGEST_VALUE = 80; // in a message

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final FaceDataset train;
    private final @Nullable FaceDataset validation;
    private final Map<String, String> entries = new LinkedHashMap<>();

    TrainingDescription(TrainerArgs args, Recognizer recognizer, FaceDataset train, @Nullable FaceDataset validation) {
        this.args = args;
        this.recognizer = recognizer;
        this.train = train;
        this.validation = validation;
        entries.put(VERSION_KEY, VERSION);
        data();
        model();
        settings();
    }

    private void data() {
        entries.put(
                DATA,
                train.classes() + " people, " + train.size() + " training samples, "
                        + (validation == null ? 0 : validation.size()) + " validation images");
        entries.put(TRAINING_NAMES, train.fingerprint());
        entries.put(VALIDATION_NAMES, validation == null ? "none" : validation.fingerprint());
        entries.put(
                "augmentations", (train.composesAugmentations() ? "composed " : "copies by ") + train.augmentations());
        entries.put(
                "faces to verify",
                args.verification() == null ? "none" : args.verification().fingerprint());
        entries.put(
                CONTENTS,
                train.contentFingerprint() + (validation == null ? "" : " " + validation.contentFingerprint()));
    }

    private void model() {
        recognizer.model().toBuild().forEach((key, value) -> {
            if (key.equals("args")) {
                parse(value).properties().forEach(setting -> entries.put(setting.getKey(), text(setting.getValue())));
            } else {
                entries.putIfAbsent(key, value);
            }
        });
    }

    private void settings() {
        entries.put("optimizer", args.optimizer().getClass().getSimpleName());
        components(args.optimizer(), (name, value) -> entries.put("optimizer " + name, value));
        entries.put("learning rate schedule", args.learningRate() + " by " + args.scheduleUnit());
        entries.put("freezer", String.valueOf(args.freezer()));
        entries.put("score", args.score().toString());
        entries.put("batch size", Integer.toString(args.batchSize()));
        entries.put("accumulation", Integer.toString(args.accumulation()));
        entries.put("gradient clip", Double.toString(args.gradientClip()));
        entries.put("head rate factor", Double.toString(args.headRateFactor()));
        entries.put("margin warm-up epochs", Integer.toString(args.marginWarmupEpochs()));
        entries.put("head from means", Boolean.toString(args.headFromMeans()));
        entries.put("decay of norm and bias", Boolean.toString(args.decayNormAndBias()));
        entries.put("precision", args.precision().toString());
        entries.put("sampler", args.sampler().toString());
        entries.put("best by", args.bestBy().toString());
        entries.put("training seed", Long.toString(args.seed()));
    }

    private static void components(OptimizerSettings settings, BiConsumer<String, String> into) {
        for (RecordComponent component : settings.getClass().getRecordComponents()) {
            try {
                into.accept(
                        component.getName(),
                        String.valueOf(component.getAccessor().invoke(settings)));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("cannot describe " + settings, e);
            }
        }
    }

    private static String text(JsonNode value) {
        return value.isValueNode() ? value.asText() : value.toString();
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot describe " + json, e);
        }
    }

    /** For a checkpoint's metadata. */
    String toJson() {
        try {
            return JSON.writeValueAsString(entries);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + entries + " as JSON", e);
        }
    }

    /**
     * Compares with a checkpoint's.
     *
     * @throws IllegalStateException naming what differs
     */
    void requireSame(Path checkpoint, JsonNode saved) {
        Map<String, String> now = saved.has(VERSION_KEY) ? entries : firstVersion();
        Map<String, String> differing = new LinkedHashMap<>();
        now.forEach((what, value) -> {
            if (saved.has(what) && !saved.path(what).asText().equals(value)) {
                differing.put(what, difference(what, saved.path(what).asText(), value));
            }
        });
        if (args.acceptChangedImages()) {
            differing.remove(CONTENTS);
        }
        if (differing.containsKey(DATA)) {
            differing.keySet().removeAll(FOLLOWS_FROM_DATA);
        }
        List<String> differences = List.copyOf(differing.values());
        if (differences.isEmpty()) {
            return;
        }
        int more = differences.size() - MOST_DIFFERENCES;
        throw new IllegalStateException(checkpoint + " is of another training: "
                + String.join("; ", differences.subList(0, Math.min(MOST_DIFFERENCES, differences.size())))
                + (more > 0 ? "; and " + more + " more differences" : "")
                + "; use the former settings and data, or another backup folder");
    }

    private static String difference(String what, String then, String now) {
        return switch (what) {
            case CONTENTS ->
                "images have other contents under the same names (to go on with them, set acceptChangedImages)";
            case TRAINING_NAMES, VALIDATION_NAMES -> "the " + what + " are not the same";
            default -> what + " was " + shortened(then) + ", is now " + shortened(now);
        };
    }

    private static String shortened(String value) {
        return value.isEmpty()
                ? "not set"
                : value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE - 3) + "...";
    }

    /** As checkpoints had it that were written before there was a version. */
    private Map<String, String> firstVersion() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("data", train.fingerprint() + " " + (validation == null ? "" : validation.fingerprint()));
        all.put("optimizer", args.optimizer().toString());
        all.put("learning rate", args.learningRate() + " by " + args.scheduleUnit());
        all.put("freezer", String.valueOf(args.freezer()));
        all.put("score", args.score().toString());
        all.put("batch size", args.batchSize() + " x " + args.accumulation());
        all.put("gradient clip", Double.toString(args.gradientClip()));
        all.put("head rate factor", Double.toString(args.headRateFactor()));
        all.put("margin warm-up", args.marginWarmupEpochs() + " epochs");
        all.put("head from means", Boolean.toString(args.headFromMeans()));
        all.put("decay of norm and bias", Boolean.toString(args.decayNormAndBias()));
        all.put("precision", args.precision().toString());
        all.put("sampler", args.sampler().toString());
        all.put(
                "unseen faces",
                args.verification() == null ? "" : args.verification().fingerprint());
        all.put("best by", args.bestBy() == BestBy.ACCURACY ? "" : args.bestBy().toString());
        all.put("seed", Long.toString(args.seed()));
        all.put("model", recognizer.model().toBuild().toString());
        return all;
    }
}
