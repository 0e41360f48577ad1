package org.facerecognition.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FaceFinding;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * Describes a training by all that must be the same when it is resumed: a flat list of settings and counts.
 */
public final class TrainingDescription {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ACCEPTING =
            " (to go on with them, set acceptChangedImages, on the command line --accept-changed-images)";
    private static final String DATA = "data";
    private static final String TRAINING_NAMES = "names or labels of the training images";
    private static final String VALIDATION_NAMES = "names or labels of the validation images";
    private static final String TO_VERIFY = "faces to verify";
    private static final String CONTENTS = "image contents";
    private static final String VERIFIED_CONTENTS = "contents of the faces to verify";
    /** Entries that differ anyway if the data has other counts. */
    private static final Set<String> FOLLOWS_FROM_DATA = Set.of(TRAINING_NAMES, VALIDATION_NAMES, CONTENTS, "classes");

    private static final String VERSION_KEY = "version";
    private static final String VERSION = "3";
    /** Entries that were renamed in version 3, by their present names. */
    private static final Map<String, String> NAMES_BEFORE_3 = Map.of(
            "optimizer learningRate", "optimizer rate",
            "head learning rate multiplier", "head rate factor",
            "colorOrder", "colourOrder",
            "subCenters", "subCentres",
            "crop", "framing");

    private static final String LAYOUT = "memory layout";
    private static final String FEATURE_CACHE = "feature cache"; // frozen layers see the images in other batches
    private static final String PROCESSES = "number of processes";
    /** Entries by which the results differ only by rounding or, by the last, by what batch normalization sees. */
    private static final List<String> MAY_DIFFER = List.of(LAYOUT, FEATURE_CACHE, PROCESSES);

    private static final int MAX_DIFFERENCES = 6; // in a message
    private static final String FACE_FINDING = "how faces are found";
    private static final String VERIFIED_FACE_FINDING = "how faces to verify are found";
    private static final int LONGEST_VALUE = 80; // in a message
    private static final int DIGEST_DIGITS = 16; // of tensors

    private final Optimization optimization;
    private final Loading loading;
    private final Evaluation evaluation;
    private final Model model;
    private final FaceDataset train;
    private final @Nullable FaceDataset validation;
    private final DataParallel parallel;
    private final Map<String, String> entries = new LinkedHashMap<>();

    /**
     * How the model is built.
     *
     * @param build by name, as in a model file's metadata
     * @param firstVersion the same in the single text of checkpoints of the first version
     */
    public record Model(Map<String, String> build, String firstVersion) {}

    public TrainingDescription(
            Optimization optimization,
            Loading loading,
            Evaluation evaluation,
            Model model,
            FaceDataset train,
            @Nullable FaceDataset validation,
            DataParallel parallel) {
        this.optimization = optimization;
        this.loading = loading;
        this.evaluation = evaluation;
        this.model = model;
        this.train = train;
        this.validation = validation;
        this.parallel = parallel;
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
                TO_VERIFY,
                evaluation.verification() == null
                        ? "none"
                        : evaluation.verification().fingerprint());
        entries.put(FACE_FINDING, faceFinding(train) + " / " + faceFinding(validation));
        VerificationSet toVerify = evaluation.verification();
        entries.put(VERIFIED_FACE_FINDING, faceFinding(toVerify == null ? null : toVerify.faces()));
        entries.put(
                CONTENTS,
                train.contentFingerprint() + (validation == null ? "" : " " + validation.contentFingerprint()));
        entries.put(
                VERIFIED_CONTENTS, toVerify == null ? "none" : toVerify.faces().contentFingerprint());
    }

    private static String faceFinding(@Nullable FaceDataset faces) {
        return faces == null ? "" : FaceFinding.in(faces);
    }

    private void model() {
        model.build().forEach((key, value) -> {
            if (key.equals("args")) {
                parse(value).properties().forEach(setting -> entries.put(setting.getKey(), text(setting.getValue())));
            } else {
                entries.putIfAbsent(key, value);
            }
        });
    }

    private void settings() {
        entries.put("optimizer", optimization.optimizer().getClass().getSimpleName());
        components(optimization.optimizer(), (name, value) -> entries.put("optimizer " + name, value));
        entries.put("learning rate schedule", optimization.learningRate() + " by " + optimization.scheduleUnit());
        entries.put("freezer", String.valueOf(optimization.freezer()));
        entries.put("score", evaluation.score().toString());
        entries.put("batch size", Integer.toString(loading.batchSize()));
        entries.put("accumulation", Integer.toString(optimization.accumulation()));
        entries.put("gradient clip", Double.toString(optimization.gradientClip()));
        entries.put("head learning rate multiplier", Double.toString(optimization.headLrMultiplier()));
        entries.put("margin warm-up epochs", Integer.toString(optimization.marginWarmupEpochs()));
        entries.put("head from means", Boolean.toString(optimization.headFromMeans()));
        entries.put("decay of norm and bias", Boolean.toString(optimization.decayNormAndBias()));
        entries.put("precision", optimization.precision().toString());
        entries.put("sampler", loading.sampler().toString());
        entries.put("best by", evaluation.bestBy().toString());
        entries.put("synchronized batch normalization", Boolean.toString(parallel.syncBatchNorm()));
        entries.put(LAYOUT, optimization.channelsLast() ? "channels last" : "contiguous");
        entries.put(FEATURE_CACHE, loading.featureCacheMib() > 0 ? "in use" : "none");
        entries.put(PROCESSES, Integer.toString(parallel.group().worldSize()));
        entries.put("training seed", Long.toString(optimization.seed()));
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

    /**
     * Returns what must be the same in all processes that train together: this description, what decides how many steps
     * there are and when checkpoints are written, and the sizes of all tensors.
     *
     * @param net whose weights are trained; borrowed
     * @return to be changed freely
     */
    public Map<String, String> ofAllRanks(Checkpointing checkpoints, Module net) {
        Map<String, String> all = new LinkedHashMap<>(entries);
        all.remove(FEATURE_CACHE);
        String version = TrainingDescription.class.getPackage().getImplementationVersion();
        all.put("library version", version == null ? "unpacked classes" : version);
        all.put("epochs", Integer.toString(optimization.epochs()));
        all.put("max steps", Long.toString(optimization.maxSteps()));
        all.put("unusable images", loading.badImages().toString());
        all.put("has checkpoints", Boolean.toString(checkpoints.folder() != null));
        all.put("checkpoint every steps", Integer.toString(checkpoints.everySteps()));
        all.put("names, shapes and types of the weights", ofTensors(net));
        return all;
    }

    private static String ofTensors(Module net) {
        try (PointerScope scope = new PointerScope()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            Map<String, Tensor> tensors = new TreeMap<>(NamedTensors.of(net));
            tensors.forEach((name, tensor) -> digest.update(
                    (name + Arrays.toString(tensor.shape()) + tensor.scalar_type() + "\n").getBytes(UTF_8)));
            return tensors.size() + " tensors, digest "
                    + HexFormat.of().formatHex(digest.digest()).substring(0, DIGEST_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JVM has no SHA-256", e);
        }
    }

    /**
     * Returns what must be the same in all processes that train together once each has found its checkpoint.
     *
     * @param progress where the training continues
     */
    public static Map<String, String> ofProgress(TrainingProgress progress) {
        return Map.of( // the step is not enough: last.ckpt is written before validation and after it
                "progress so far, from the checkpoint that must be visible to all",
                progress.step + " steps, " + progress.batch + " batches of epoch " + (progress.epoch + 1)
                        + ", best score " + progress.bestScore);
    }

    /** Returns the description as JSON, for a checkpoint's metadata. */
    public String toJson() {
        try {
            return JSON.writeValueAsString(entries);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + entries + " as JSON", e);
        }
    }

    /**
     * Compares this training with that of a checkpoint.
     *
     * @param acceptChangedImages whether image contents may differ
     * @throws IllegalStateException when they differ, naming the differences
     */
    public void requireSame(Path checkpoint, JsonNode saved, boolean acceptChangedImages) {
        Map<String, String> now = saved.has(VERSION_KEY) ? entries : firstVersion();
        Map<String, String> differing = new LinkedHashMap<>();
        now.forEach((what, value) -> {
            String before = savedValue(saved, what);
            if (before != null && !before.equals(value) && !before.equals(formerNames(what))) {
                differing.put(what, difference(what, before, value));
            }
        });
        MAY_DIFFER.forEach(differing::remove);
        if (acceptChangedImages) {
            differing.keySet().removeAll(Set.of(CONTENTS, VERIFIED_CONTENTS));
        }
        if (differing.containsKey(TO_VERIFY)) {
            differing.remove(VERIFIED_CONTENTS);
        }
        if (differing.containsKey(DATA)) {
            differing.keySet().removeAll(FOLLOWS_FROM_DATA);
        }
        List<String> differences = List.copyOf(differing.values());
        if (differences.isEmpty()) {
            return;
        }
        int more = differences.size() - MAX_DIFFERENCES;
        throw new IllegalStateException(checkpoint + " is of another training: "
                + String.join("; ", differences.subList(0, Math.min(MAX_DIFFERENCES, differences.size())))
                + (more > 0 ? "; and " + more + " more differences" : "")
                + "; use the former settings and data, or another checkpoint folder");
    }

    /** Returns a sentence for each setting that differs from a checkpoint's and may do so. */
    public List<String> notes(JsonNode saved) {
        List<String> notes = new ArrayList<>();
        for (String what : MAY_DIFFER) {
            String now = entries.getOrDefault(what, "");
            String before = savedValue(saved, what);
            if (before != null && !before.equals(now)) {
                boolean regroups = what.equals(PROCESSES) && !parallel.syncBatchNorm();
                notes.add(difference(what, before, now) + ": the results differ by rounding"
                        + (regroups ? ", and by what batch normalization sees of a batch," : "")
                        + " from those without the change");
            }
        }
        return notes;
    }

    /** Returns what earlier versions wrote of the names of images; null for other entries. */
    private @Nullable String formerNames(String what) {
        VerificationSet toVerify = evaluation.verification();
        return switch (what) {
            case TRAINING_NAMES -> train.formerFingerprint();
            case VALIDATION_NAMES -> validation == null ? null : validation.formerFingerprint();
            case TO_VERIFY -> toVerify == null ? null : toVerify.formerFingerprint();
            default -> null;
        };
    }

    /** Returns the value of an entry by its present name; null if the checkpoint does not have it. */
    private static @Nullable String savedValue(JsonNode saved, String what) {
        String name = saved.has(what) ? what : NAMES_BEFORE_3.getOrDefault(what, what);
        if (!saved.has(name)) {
            return null;
        }
        String value = saved.path(name).asText();
        return switch (what) {
            case "normalization" -> value.replace("\"deviation\"", "\"std\"");
            case "head sampling" -> value.equals("PartialFc[fraction=1.0]") ? "none" : value;
            default -> value;
        };
    }

    private static String difference(String what, String then, String now) {
        return switch (what) {
            case CONTENTS -> "images have other contents under the same names" + ACCEPTING;
            case VERIFIED_CONTENTS -> "faces to verify have other contents under the same names" + ACCEPTING;
            case FACE_FINDING, VERIFIED_FACE_FINDING ->
                what + " is not the same (the detector, its settings, or the size of the crops)";
            case TRAINING_NAMES, VALIDATION_NAMES -> "the " + what + " are not the same";
            default -> what + " was " + shortened(then) + ", is now " + shortened(now);
        };
    }

    private static String shortened(String value) {
        return value.isEmpty()
                ? "not set"
                : value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE - 3) + "...";
    }

    /** The description in the form of checkpoints that were written before there were versions. */
    private Map<String, String> firstVersion() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("data", train.formerFingerprint() + " " + (validation == null ? "" : validation.formerFingerprint()));
        all.put("optimizer", optimization.optimizer().toString().replace("learningRate=", "rate="));
        all.put("learning rate", optimization.learningRate() + " by " + optimization.scheduleUnit());
        all.put("freezer", String.valueOf(optimization.freezer()));
        all.put("score", evaluation.score().toString());
        all.put("batch size", loading.batchSize() + " x " + optimization.accumulation());
        all.put("gradient clip", Double.toString(optimization.gradientClip()));
        all.put("head rate factor", Double.toString(optimization.headLrMultiplier()));
        all.put("margin warm-up", optimization.marginWarmupEpochs() + " epochs");
        all.put("head from means", Boolean.toString(optimization.headFromMeans()));
        all.put("decay of norm and bias", Boolean.toString(optimization.decayNormAndBias()));
        all.put("precision", optimization.precision().toString());
        all.put("sampler", loading.sampler().toString());
        all.put(
                "unseen faces",
                evaluation.verification() == null
                        ? ""
                        : evaluation.verification().formerFingerprint());
        all.put(
                "best by",
                evaluation.bestBy() == BestBy.ACCURACY
                        ? ""
                        : evaluation.bestBy().toString());
        all.put("seed", Long.toString(optimization.seed()));
        all.put("model", model.firstVersion());
        return all;
    }
}
