package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.export.ModelExport;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphDescription;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.io.JsonFields;
import org.facerecognition.io.JsonTree;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.onnx.ThresholdsFile;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.train.TrainingDescription;
import org.facerecognition.weights.Fingerprint;
import org.facerecognition.weights.ModelOrigin;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * What a model's file holds: a safetensors file whose tensors are the weights of encoder and head and whose metadata is
 * the {@link ModelInfo}, each value a string or JSON. Files of earlier versions are read too; present names are
 * written.
 *
 * Long because each key of the metadata, with its former names, is written and read in one place.
 */
final class ModelFiles {
    /** Of the weights' names in a file: {@code model.encoder.conv1.weight}. */
    static final String TENSOR_PREFIX = "model.";

    /** Of the encoder's weights in a file. */
    static final String ENCODER_PREFIX = TENSOR_PREFIX + "encoder.";

    private static final String HEAD = "head."; // of the names of its weights in the network
    private static final String HEAD_PREFIX = TENSOR_PREFIX + HEAD;

    private static final String FORMAT_KEY = "format";
    private static final String FORMAT = "face-recognition 1";
    private static final String LOSS_KEY = "loss";
    private static final String CUSTOM_LOSS = "custom"; // of the user's own parts
    private static final String SIZE_KEY = "imageSizePx";
    private static final String NORMALIZATION_KEY = "normalization";
    private static final String CROP_KEY = "crop";
    private static final String FORMER_CROP_KEY = "framing";
    private static final String ARGS_KEY = "args";
    private static final String HEAD_KEY = "head"; // settings of a recipe's head that args do not describe
    private static final String IDENTITIES_KEY = "identities";
    private static final String KNOWN_BEFORE_KEY = "identitiesBefore";
    private static final String CALIBRATION_KEY = "calibration"; // thresholds with evidence
    private static final String GRAPH_KEY = "graph"; // the encoder's operations, see GraphDescription
    private static final String GRAPH_CHECKSUM_KEY = "graphCrc32"; // the fingerprint is of the weights alone
    private static final String INT8_KEY = "int8"; // the calibration for 8-bit integers
    private static final String THRESHOLDS_KEY = "thresholds"; // cosines by rate, without evidence

    /** The order in which files of the first version hold the settings of {@link RecognizerArgs}. */
    private static final List<String> FIRST_VERSION_ARGS = List.of(
            "encoder",
            "encoderLastLayerName",
            "embeddingSizes",
            "classes",
            "s",
            "m",
            SIZE_KEY,
            NORMALIZATION_KEY,
            "smallFaces",
            "dropout",
            "seed",
            "subCenters",
            "labelSmoothing",
            "focalGamma",
            "straightThrough",
            "partialFraction",
            "bf16Logits");

    private ModelFiles() {}

    // ---- weights ----

    /** All weights of a net by their names in a file; inside a scope. */
    static Map<String, Tensor> tensors(Module net) {
        Map<String, Tensor> prefixed = new LinkedHashMap<>();
        NamedTensors.of(net).forEach((name, tensor) -> prefixed.put(TENSOR_PREFIX + name, tensor));
        return prefixed;
    }

    /** The same without the state of margins that the head no longer has. */
    static Map<String, Tensor> tensors(ModelInfo model, Module net, Head head) {
        return tensors(net, formerState(model, head));
    }

    private static Map<String, Tensor> tensors(Module net, Set<String> leftOut) {
        Map<String, Tensor> tensors = tensors(net);
        leftOut.forEach(name -> tensors.remove(TENSOR_PREFIX + name));
        return tensors;
    }

    /**
     * Names of what margins have learned that a recipe's head, which is as it was made again, no longer has: it keeps
     * that, but no file is to have it, since the recipe's network has no place for it.
     */
    private static Set<String> formerState(ModelInfo model, Head head) {
        Set<String> former = new HashSet<>();
        boolean asMade = model.hasRecipesHead()
                && model.headSettings(head, "").values().stream().allMatch(String::isEmpty);
        if (asMade && head instanceof MarginSoftmax margins) {
            try (PointerScope scope = new PointerScope()) {
                StringTensorDict buffers = head.named_buffers();
                for (long i = 0; i < buffers.size(); i++) {
                    former.add(buffers.keys().get(i).getString());
                }
            }
            former.removeAll(margins.margin().state().keySet());
        }
        return former.stream().map(name -> HEAD + name).collect(Collectors.toSet());
    }

    /**
     * Reads a file's weights into a net, all or nothing.
     *
     * @throws WeightsException when they do not fit
     */
    static void fill(ModelInfo model, Module net, Head head, SafeTensors file) {
        fill(model, net, formerState(model, head), file);
    }

    private static void fill(ModelInfo model, Module net, Set<String> leftOut, SafeTensors file) {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>(NamedTensors.of(net));
            tensors.keySet().removeAll(leftOut);
            fitting(model, tensors, leftOut, file).into(tensors);
        }
    }

    /** @param leftOut names that earlier versions wrote too */
    private static Weights fitting(ModelInfo model, Map<String, Tensor> net, Set<String> leftOut, SafeTensors file) {
        boolean hasOtherHead =
                model.hasRecipesHead() && file.metadata().containsKey(HEAD_KEY); // which warningOfHead says
        Weights weights = Weights.of(file).renamed(name -> {
            if (!name.startsWith(TENSOR_PREFIX)) {
                return null;
            }
            String own = name.substring(TENSOR_PREFIX.length());
            boolean unused = leftOut.contains(own) || hasOtherHead && own.startsWith(HEAD) && !net.containsKey(own);
            return unused ? null : own;
        });
        weights.requireFit(net);
        requireNoneLeftOver(weights, net);
        return weights;
    }

    /** Checks that a file of this library has no tensors beside those of the net, such as those of another head. */
    private static void requireNoneLeftOver(Weights weights, Map<String, Tensor> net) {
        List<String> leftOver = weights.names().stream()
                .filter(name -> !net.containsKey(name))
                .limit(5)
                .toList();
        if (!leftOver.isEmpty()) {
            throw new WeightsException(
                    weights.file() + " does not fit this network; use it with the network it was saved"
                            + " from. Not in the network: " + String.join("; ", leftOver) + ".");
        }
    }

    /**
     * Makes the net that a file describes. A damaged file may describe one of terabytes, so its sizes are compared with
     * those of its tensors before anything of those sizes is allocated.
     *
     * @param args that the file holds
     * @throws WeightsException when the file has no tensors of such sizes, or there is no such net
     */
    static <T> T make(SafeTensors file, RecognizerArgs args, Supplier<T> maker) {
        for (int size : args.embeddingSizes()) {
            requireAtMost(file, "embedding size", size, largestSide(file, ""));
        }
        long classes = largestSide(file, HEAD_PREFIX); // 0 where its loss needs no centers
        requireAtMost(file, "number of classes", args.classes(), classes == 0 ? Integer.MAX_VALUE : classes);
        try {
            return maker.get();
        } catch (WeightsException e) {
            throw e;
        } catch (RuntimeException e) { // of arguments that do not fit each other, or more memory than there is
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            String fault = NativeErrors.isOfMemory(e) ? "is damaged or too large for this machine" : "is damaged";
            throw new WeightsException(
                    file.file() + " " + fault + ": the net that it describes cannot be made: " + reason, e);
        }
    }

    private static long largestSide(SafeTensors file, String prefix) {
        return file.names().stream()
                .filter(name -> name.startsWith(prefix))
                .flatMapToLong(name -> LongStream.concat(LongStream.of(1), Arrays.stream(file.shape(name))))
                .max()
                .orElse(0);
    }

    private static void requireAtMost(SafeTensors file, String what, int claimed, long largest) {
        if (claimed > largest) {
            throw new WeightsException(file.file() + " is damaged: its " + what + " must be at most " + largest
                    + ", the largest side of its tensors, but was " + claimed + "; use another copy");
        }
    }

    /** A model as the checkpoints of its training see it. */
    static Checkpoints.Model inCheckpoints(ModelInfo model, Module net, Backbone encoder, Head head) {
        Set<String> former = formerState(model, head); // now, since a margin that warms up may have no state at first
        return new Checkpoints.Model() {
            @Override
            public Map<String, Tensor> tensors() {
                return ModelFiles.tensors(net, former);
            }

            @Override
            public Map<String, String> metadata() {
                return ModelFiles.metadata(model, net, encoder, head);
            }

            @Override
            public void requireFits(SafeTensors file) {
                read(file);
                try (PointerScope scope = new PointerScope()) {
                    Map<String, Tensor> tensors = new LinkedHashMap<>(NamedTensors.of(net));
                    tensors.keySet().removeAll(former);
                    fitting(model, tensors, former, file);
                }
            }

            @Override
            public void restore(SafeTensors file) {
                ModelInfo info = read(file);
                fill(model, net, former, file);
                String license = model.origin().license(); // given now, or none
                model.adopt(info);
                if (!license.isEmpty()) {
                    model.setOrigin(model.origin().withLicense(license));
                }
                model.forgetMeasurements(); // an older checkpoint may have some, of other weights
            }
        };
    }

    // ---- metadata ----

    /** All that a model's own file says beside the weights, with their network if that describes itself. */
    static Map<String, String> metadata(ModelInfo model, Module net, Backbone encoder, Head head) {
        Map<String, String> metadata = metadata(model);
        List<String> changes = new ArrayList<>();
        model.headSettings(head, "").forEach((name, value) -> {
            if (!value.isEmpty()) {
                changes.add(name + " " + sameInEachJvm(value));
            }
        });
        if (!changes.isEmpty()) {
            metadata.put(HEAD_KEY, json(changes));
        }
        try (PointerScope scope = new PointerScope();
                Graph graph = encoder.graph()) {
            GraphDescription.of(graph, tensors(net)).ifPresent(text -> {
                metadata.put(GRAPH_KEY, text);
                metadata.put(GRAPH_CHECKSUM_KEY, checksum(text));
            });
        } catch (UnsupportedOperationException e) {
            // a custom network that does not describe its operations: it is loaded by its class alone
        }
        return metadata;
    }

    /**
     * The encoder's network, as a file describes it; owned. Its weights are read from the file when they are asked for.
     *
     * @return empty for files of earlier versions, for other types than float32, and for tensors in another order than
     *     that of the network, of which the fingerprint is: such files are loaded first
     * @throws WeightsException when the description is damaged
     */
    static Optional<Graph> graph(SafeTensors file) {
        String text = file.metadata().get(GRAPH_KEY);
        List<String> names = file.names().stream()
                .filter(name -> name.startsWith(ENCODER_PREFIX) && !Fingerprint.leavesOut(name))
                .toList();
        boolean custom = CUSTOM_LOSS.equalsIgnoreCase(file.metadata().get(LOSS_KEY)); // cannot be loaded first
        boolean sorted =
                names.size() > 1 && names.equals(names.stream().sorted().toList()); // as Python's library does
        if (text == null || !names.stream().allMatch(file::isFloat32) || sorted && !custom) {
            return Optional.empty();
        }
        String saved = file.metadata().get(GRAPH_CHECKSUM_KEY);
        if (saved != null && !saved.equals(checksum(text))) {
            throw new WeightsException(
                    file.file() + " is damaged: its description of the network is not the one that was"
                            + " saved; use another copy");
        }
        try {
            return Optional.of(GraphDescription.read(
                    text, name -> Constant.of(file.shape(name), target -> file.readFloats(name, target))));
        } catch (IllegalArgumentException e) {
            throw new WeightsException(
                    file.file() + " is damaged: its description of the network cannot be understood: " + e.getMessage(),
                    e);
        }
    }

    private static String checksum(String text) {
        CRC32 sum = new CRC32();
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(sum.getValue());
    }

    /** All that a file says of a model beside its weights and their network. */
    static Map<String, String> metadata(ModelInfo model) {
        Map<String, String> metadata = build(model);
        metadata.put(IDENTITIES_KEY, json(model.identities()));
        if (!model.knownBefore().isEmpty()) {
            metadata.put(KNOWN_BEFORE_KEY, json(model.knownBefore()));
        }
        putThresholds(metadata, model.thresholds());
        if (model.int8() != null) {
            metadata.put(INT8_KEY, json(model.int8()));
        }
        model.origin().putInto(metadata);
        return metadata;
    }

    /** How a model is built and what it sees: what must be the same for weights to mean the same. */
    static Map<String, String> build(ModelInfo model) {
        @Nullable RecognizerArgs args = model.isOfOwnParts() ? null : model.args();
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(FORMAT_KEY, FORMAT);
        if (args != null) {
            metadata.put("architecture", args.encoder().id());
            metadata.put("embeddingSize", Integer.toString(args.embeddingSize()));
        }
        metadata.put(LOSS_KEY, args == null ? CUSTOM_LOSS : model.loss().id());
        metadata.put(SIZE_KEY, Integer.toString(model.input().sizePx()));
        metadata.put("colorOrder", "RGB");
        metadata.put(NORMALIZATION_KEY, json(model.input().normalization()));
        metadata.put(CROP_KEY, model.input().crop().name());
        if (args != null) {
            metadata.put(ARGS_KEY, json(args));
        }
        return metadata;
    }

    /**
     * How a model is built, for comparison with what checkpoints say of theirs. A head of one's own parts is described
     * by its class and its settings, a recipe's by the settings that were changed since it was made; checkpoints of
     * earlier versions do not have them.
     */
    static TrainingDescription.Model description(ModelInfo model, Head head) {
        Map<String, String> build = build(model);
        if (model.isOfOwnParts()) {
            build.put("head", head.getClass().getSimpleName());
            head.settings().forEach((name, value) -> build.put("head " + name, sameInEachJvm(value)));
        }
        model.headSettings(head, "as it was made")
                .forEach((name, value) -> build.put("head " + name, sameInEachJvm(value)));
        return new TrainingDescription.Model(build, firstVersion(model).toString());
    }

    /** Leaves out the hash in the text of an object that does not describe itself, such as a margin of one's own. */
    private static String sameInEachJvm(String text) {
        return text.replaceAll("(\\$\\$Lambda[^@]*)?@[0-9a-f]{1,8}\\b", "");
    }

    /**
     * {@link #build} with the names and the order of checkpoints that were written before descriptions had versions.
     */
    private static Map<String, String> firstVersion(ModelInfo model) {
        Map<String, String> former = new LinkedHashMap<>();
        build(model).forEach((key, value) -> {
            switch (key) {
                case "colorOrder" -> former.put("colourOrder", value);
                case CROP_KEY -> former.put(FORMER_CROP_KEY, value);
                case NORMALIZATION_KEY -> former.put(key, firstVersion(value));
                case ARGS_KEY -> former.put(key, firstVersion(inFirstOrder(value)));
                default -> former.put(key, value);
            }
        });
        return former;
    }

    private static String firstVersion(String json) {
        return json.replace("\"std\":", "\"deviation\":").replace("\"subCenters\":", "\"subCentres\":");
    }

    private static String inFirstOrder(String args) {
        try {
            JsonNode settings = JsonTree.read(args);
            ObjectNode ordered = JsonNodeFactory.instance.objectNode();
            FIRST_VERSION_ARGS.forEach(name -> ordered.set(name, settings.get(name)));
            return ordered.toString();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot read " + args, e);
        }
    }

    /** @throws WeightsException when the file is not a model's, or its metadata is damaged */
    static ModelInfo read(SafeTensors file) {
        Map<String, String> metadata = file.metadata();
        if (!isModel(metadata)) {
            throw new WeightsException(file.file() + " must be a model that this library saved (" + FORMAT
                    + "), but its format was " + metadata.get(FORMAT_KEY));
        }
        try {
            String loss = Objects.requireNonNull(metadata.get(LOSS_KEY), LOSS_KEY);
            ModelInfo model = loss.equalsIgnoreCase(CUSTOM_LOSS)
                    ? ModelInfo.custom(
                            Integer.parseInt(metadata.get(SIZE_KEY)),
                            Normalization.of(settings(metadata, NORMALIZATION_KEY)))
                    : ModelInfo.of(LossName.of(loss), RecognizerArgs.of(settings(metadata, ARGS_KEY)));
            @Nullable String crop = metadata.getOrDefault(CROP_KEY, metadata.get(FORMER_CROP_KEY));
            model.trainedOn(
                    Crop.valueOf(Objects.requireNonNull(crop, CROP_KEY)),
                    names(Objects.requireNonNull(metadata.get(IDENTITIES_KEY), IDENTITIES_KEY)));
            model.setOrigin(ModelOrigin.of(metadata));
            model.knows(names(metadata.getOrDefault(KNOWN_BEFORE_KEY, "[]")));
            model.setThresholds(thresholds(metadata));
            if (metadata.containsKey(INT8_KEY)) {
                model.setInt8(Int8Calibration.of(settings(metadata, INT8_KEY)));
            }
            return model;
        } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
            throw new WeightsException(
                    file.file() + " is damaged: its metadata cannot be understood: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    /**
     * Returns a sentence if the head of a recipe was changed since it was made, which loading does not do again.
     *
     * @throws WeightsException when the metadata is damaged
     */
    static Optional<String> warningOfHead(SafeTensors file) {
        List<String> changes = changesOfHead(file);
        return changes.isEmpty()
                ? Optional.empty()
                : Optional.of("the head in " + file.file() + " had other settings than it was made with: "
                        + String.join("; ", changes) + "; before it is trained on, load it with its parts,"
                        + " Recognizer.load(file, encoder, head)");
    }

    /**
     * Returns the settings of a recipe's head as it was made, as far as a file with a changed one tells: those that it
     * does not name are those of the head that is given, others are empty. Empty for a file without a changed head.
     *
     * @param given by the caller instead of the recipe's
     * @throws WeightsException when the metadata is damaged
     */
    static Optional<Map<String, String>> headAsMade(SafeTensors file, Head given) {
        List<String> changes = changesOfHead(file);
        Map<String, String> settings = new LinkedHashMap<>(given.settings());
        settings.replaceAll(
                (name, value) -> changes.stream().anyMatch(change -> change.startsWith(name + " ")) ? "" : value);
        return changes.isEmpty() ? Optional.empty() : Optional.of(settings);
    }

    private static List<String> changesOfHead(SafeTensors file) {
        try {
            return names(file.metadata().getOrDefault(HEAD_KEY, "[]"));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new WeightsException(
                    file.file() + " is damaged: its metadata cannot be understood: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    /** Returns whether this metadata is of a file of this library. */
    static boolean isModel(Map<String, String> metadata) {
        return FORMAT.equals(metadata.get(FORMAT_KEY));
    }

    /**
     * Returns the input that weights were trained with, where they are of a model or an export of this library.
     *
     * @throws WeightsException when the file is damaged
     */
    static Optional<ModelInput> input(Weights weights) {
        Map<String, String> metadata = weights.metadata();
        if (!isOurs(metadata) || !metadata.keySet().containsAll(List.of(SIZE_KEY, NORMALIZATION_KEY))) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ModelInput(
                    Integer.parseInt(metadata.get(SIZE_KEY)),
                    Normalization.of(settings(metadata, NORMALIZATION_KEY)),
                    Crop.valueOf(crop(metadata))));
        } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
            throw new WeightsException(
                    weights.file() + " is damaged: its metadata cannot be understood: " + e.getMessage(), e);
        }
    }

    /** Returns the crop that the metadata of a model, a checkpoint or an export of this library states. */
    static Optional<Crop> statedCrop(Map<String, String> metadata) {
        return Arrays.stream(Crop.values())
                .filter(crop -> isOurs(metadata) && crop.name().equals(crop(metadata)))
                .findFirst();
    }

    private static String crop(Map<String, String> metadata) {
        return metadata.getOrDefault(CROP_KEY, metadata.getOrDefault(FORMER_CROP_KEY, Crop.WHOLE.name()));
    }

    private static boolean isOurs(Map<String, String> metadata) {
        return isModel(metadata) || ModelExport.FORMAT.equals(metadata.get(FORMAT_KEY));
    }

    private static JsonFields settings(Map<String, String> metadata, String key) throws JsonProcessingException {
        return JsonFields.of(JsonTree.read(metadata.getOrDefault(key, "")));
    }

    private static List<String> names(String json) throws JsonProcessingException {
        return JsonFields.texts(JsonTree.read(json));
    }

    /**
     * Names of everybody that weights were trained on.
     *
     * @param metadata of the file that holds them; empty for files that say nothing of people
     */
    static List<String> peopleKnown(Map<String, String> metadata) {
        List<String> people = new ArrayList<>();
        for (String key : List.of(IDENTITIES_KEY, KNOWN_BEFORE_KEY)) {
            if (isModel(metadata) && metadata.containsKey(key)) {
                try {
                    people.addAll(names(metadata.get(key)));
                } catch (JsonProcessingException | IllegalArgumentException e) {
                    // a damaged list of names is no reason not to use the weights
                }
            }
        }
        return people;
    }

    // ---- thresholds ----

    private record Measured(double cosine, double falseAcceptRate, Threshold.Evidence evidence) {}

    /** Writes thresholds into metadata, as {@link #thresholds} reads them. */
    static void putThresholds(Map<String, String> metadata, List<Threshold> thresholds) {
        Map<Double, Double> former = new TreeMap<>();
        List<Measured> measured = new ArrayList<>();
        for (Threshold threshold : thresholds) {
            double rate = threshold.falseAcceptRate().orElseThrow();
            threshold
                    .evidence()
                    .ifPresentOrElse(
                            evidence -> measured.add(new Measured(threshold.cosine(), rate, evidence)),
                            () -> former.put(rate, threshold.cosine()));
        }
        metadata.put(THRESHOLDS_KEY, json(former));
        metadata.put(CALIBRATION_KEY, json(measured));
    }

    static List<Threshold> thresholds(Map<String, String> metadata) throws JsonProcessingException {
        List<Threshold> thresholds = new ArrayList<>();
        if (metadata.containsKey(THRESHOLDS_KEY)) {
            new TreeMap<>(settings(metadata, THRESHOLDS_KEY).numbersByNumber())
                    .forEach((rate, cosine) -> thresholds.add(new Threshold(cosine, OptionalDouble.of(rate))));
        }
        JsonFields.all(JsonTree.read(metadata.getOrDefault(CALIBRATION_KEY, "[]"))).stream()
                .map(Threshold::of)
                .forEach(thresholds::add);
        byMode(thresholds).values().forEach(ModelFiles::requireOrder);
        return List.copyOf(thresholds);
    }

    /**
     * Refuses thresholds of one mode that contradict each other, as after an edit by hand.
     *
     * @throws IllegalArgumentException when one for fewer false accepts is lower than another
     */
    private static void requireOrder(List<Threshold> ofMode) {
        List<Threshold> byRate = ofMode.stream()
                .sorted(Comparator.comparingDouble((Threshold threshold) ->
                                threshold.falseAcceptRate().orElseThrow())
                        .thenComparingDouble(Threshold::cosine))
                .toList();
        for (int i = 1; i < byRate.size(); i++) {
            Threshold strict = byRate.get(i - 1);
            Threshold loose = byRate.get(i);
            if (strict.cosine() < loose.cosine()) {
                throw new IllegalArgumentException("the threshold for a false accept rate of "
                        + strict.falseAcceptRate().getAsDouble() + " must not be below that for "
                        + loose.falseAcceptRate().getAsDouble() + ", but they are " + strict.cosine() + " and "
                        + loose.cosine() + "; calibrate again");
            }
        }
    }

    /**
     * Returns the thresholds of a model from elsewhere: those beside it, or else those that an export has, which are
     * for its own input.
     */
    static List<Threshold> thresholds(OnnxModel onnx, String fingerprint) {
        Map<String, String> beside = ThresholdsFile.read(onnx.file(), fingerprint);
        if (!beside.isEmpty()) {
            return thresholds(ThresholdsFile.beside(onnx.file()), beside);
        }
        return onnx.takesOwnInput() ? thresholds(onnx.file(), onnx.metadata()) : List.of();
    }

    private static List<Threshold> thresholds(Path file, Map<String, String> metadata) {
        try {
            return thresholds(metadata);
        } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
            throw new WeightsException(
                    file + " is damaged: its thresholds cannot be understood: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    /**
     * Records thresholds beside a model from elsewhere.
     *
     * @param thresholds of all modes
     * @param mode whose thresholds replace those in the file; of other modes, those in the file stay
     */
    static void writeThresholds(OnnxModel onnx, String fingerprint, List<Threshold> thresholds, EmbeddingMode mode) {
        ThresholdsFile.write(onnx.file(), fingerprint, present -> {
            Map<Optional<EmbeddingMode>, List<Threshold>> byMode = byMode(thresholds);
            Map<Optional<EmbeddingMode>, List<Threshold>> others =
                    byMode(thresholds(ThresholdsFile.beside(onnx.file()), present));
            others.remove(Optional.of(mode));
            byMode.putAll(others);
            Map<String, String> metadata = new LinkedHashMap<>();
            putThresholds(
                    metadata, byMode.values().stream().flatMap(List::stream).toList());
            return metadata;
        });
    }

    private static Map<Optional<EmbeddingMode>, List<Threshold>> byMode(List<Threshold> thresholds) {
        return thresholds.stream()
                .collect(Collectors.groupingBy(
                        threshold -> threshold.evidence().map(Threshold.Evidence::mode),
                        LinkedHashMap::new,
                        Collectors.toList()));
    }

    /** Only for writing; see {@link JsonTree}. */
    private static final class Mapper {
        static final ObjectMapper JSON = new ObjectMapper();
    }

    private static String json(Object value) {
        try {
            return Mapper.JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value + " as JSON", e);
        }
    }
}
