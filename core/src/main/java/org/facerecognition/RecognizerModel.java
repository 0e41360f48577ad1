package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.Normalization;
import org.facerecognition.losses.LossName;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/** What has to be known about a model beside its weights: how it is built and what input it expects. */
final class RecognizerModel {
    /** Of the weights' names in a file: {@code model.encoder.conv1.weight}. */
    static final String TENSOR_PREFIX = "model.";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FORMAT_KEY = "format";
    private static final String FORMAT = "face-recognition 1";

    private static final String KNOWN_BEFORE_KEY = "identitiesBefore";
    private static final String CUSTOM = "custom"; // the loss of the user's own parts

    private final @Nullable LossName loss; // null for parts of the user's own
    private final @Nullable RecognizerArgs args; // null for parts of the user's own
    private final int imageSizePx;
    private final Normalization normalization;
    private List<String> warnings = List.of();
    private Framing framing = Framing.WHOLE;
    private List<String> identities = List.of();
    private List<String> knownBefore = List.of(); // people of earlier trainings, of these or of the first weights
    private ModelOrigin origin = ModelOrigin.UNKNOWN;
    private List<Threshold> thresholds = List.of();

    private RecognizerModel(
            @Nullable LossName loss, @Nullable RecognizerArgs args, int imageSizePx, Normalization normalization) {
        this.loss = loss;
        this.args = args;
        this.imageSizePx = imageSizePx;
        this.normalization = normalization;
    }

    /** @param args with every setting of the loss as it is used */
    static RecognizerModel of(LossName loss, RecognizerArgs args) {
        return new RecognizerModel(loss, args, args.imageSizePx(), args.normalization());
    }

    static RecognizerModel custom(int imageSizePx, Normalization normalization) {
        return new RecognizerModel(null, null, imageSizePx, normalization);
    }

    LossName loss() {
        if (loss == null) {
            throw ownParts();
        }
        return loss;
    }

    RecognizerArgs args() {
        if (args == null) {
            throw ownParts();
        }
        return args;
    }

    private static WeightsException ownParts() {
        return new WeightsException(
                "a model of your own parts must be loaded with those parts:" + " Recognizer.load(file, encoder, head)");
    }

    /** What is allowed about the loss but hardly meant. */
    List<String> warnings() {
        return warnings;
    }

    RecognizerModel withWarnings(List<String> warnings) {
        this.warnings = warnings;
        return this;
    }

    int imageSizePx() {
        return imageSizePx;
    }

    Normalization normalization() {
        return normalization;
    }

    Framing framing() {
        return framing;
    }

    List<String> identities() {
        return identities;
    }

    /** Whether it was put together from parts of the caller's own. */
    boolean isOfOwnParts() {
        return loss == null;
    }

    /** What a training changes beside the weights. */
    record TrainedOn(
            Framing framing,
            List<String> identities,
            List<String> knownBefore,
            ModelOrigin origin,
            List<Threshold> thresholds) {}

    TrainedOn trainedOn() {
        return new TrainedOn(framing, identities, knownBefore, origin, thresholds);
    }

    void restore(TrainedOn former) {
        framing = former.framing;
        identities = former.identities;
        knownBefore = former.knownBefore;
        origin = former.origin;
        thresholds = former.thresholds;
    }

    /** Takes on what the training data says. Thresholds were measured with other weights, and are dropped. */
    void trainedOn(Framing framing, List<String> identities) {
        if (!this.identities.equals(identities)) {
            knowsToo(this.identities);
        }
        this.framing = framing;
        this.identities = List.copyOf(identities);
        this.thresholds = List.of();
    }

    /**
     * Takes on that its weights began as those of another model of this library, which was trained on people too.
     *
     * @param metadata of the other model; of other files, which say nothing of people, nothing is taken
     */
    void startedFrom(Map<String, String> metadata) {
        thresholds = List.of();
        for (String key : List.of("identities", KNOWN_BEFORE_KEY)) {
            if (FORMAT.equals(metadata.get(FORMAT_KEY)) && metadata.containsKey(key)) {
                try {
                    knowsToo(JSON.readValue(metadata.get(key), new TypeReference<List<String>>() {}));
                } catch (JsonProcessingException e) {
                    // a damaged list of names is no reason not to use the weights
                }
            }
        }
    }

    private void knowsToo(List<String> people) {
        Set<String> all = new LinkedHashSet<>(knownBefore);
        all.addAll(people);
        knownBefore = List.copyOf(all);
    }

    /** Names of everybody its weights were ever trained on, as far as is known. */
    Set<String> everybodyKnown() {
        Set<String> all = new LinkedHashSet<>(identities);
        all.addAll(knownBefore);
        return all;
    }

    /** @throws IllegalArgumentException when the model was trained on faces that were framed in another way */
    void requireSameFraming(FaceDataset faces) {
        if (!identities.isEmpty() && !faces.framing().showsAs(framing)) {
            throw new IllegalArgumentException(
                    "faces must be framed as this model was trained, " + framing + ", but were " + faces.framing());
        }
    }

    ModelOrigin origin() {
        return origin;
    }

    void setOrigin(ModelOrigin origin) {
        this.origin = origin;
    }

    List<Threshold> thresholds() {
        return thresholds;
    }

    /**
     * Keeps thresholds, in place of those of the same mode, and of those whose mode is not known.
     *
     * @param fresh all of one mode
     */
    void keepThresholds(List<Threshold> fresh, EmbeddingMode mode) {
        Stream<Threshold> others = thresholds.stream()
                .filter(threshold -> threshold
                        .evidence()
                        .filter(evidence -> !evidence.mode().equals(mode))
                        .isPresent());
        thresholds = Stream.concat(others, fresh.stream()).toList();
    }

    /**
     * Takes on thresholds that do not say on what they were measured, as earlier versions kept them.
     *
     * @param cosines by false accept rate
     */
    void setThresholds(Map<Double, Double> cosines) {
        thresholds = new TreeMap<>(cosines)
                .entrySet().stream()
                        .map(entry -> new Threshold(entry.getValue(), OptionalDouble.of(entry.getKey())))
                        .toList();
    }

    void clearThresholds() {
        thresholds = List.of();
    }

    /** The threshold for a rate in a mode; one of unknown mode where there is no other. */
    Optional<Threshold> threshold(double falseAcceptRate, EmbeddingMode mode) {
        List<Threshold> ofRate = thresholds.stream()
                .filter(threshold -> threshold.falseAcceptRate().orElse(-1) == falseAcceptRate)
                .toList();
        return ofRate.stream()
                .filter(threshold -> threshold.evidence().isPresent()
                        && threshold.evidence().get().mode().equals(mode))
                .findFirst()
                .or(() -> ofRate.stream()
                        .filter(threshold -> threshold.evidence().isEmpty())
                        .findFirst());
    }

    /** @throws IllegalStateException when there is none, saying which there are */
    Threshold requireThreshold(double falseAcceptRate, EmbeddingMode mode) {
        return threshold(falseAcceptRate, mode)
                .orElseThrow(() -> new IllegalStateException("threshold for a false accept rate of " + falseAcceptRate
                        + " must have been calibrated, but this model " + availableThresholds(mode)
                        + "; calibrate it on faces of people it does not know (Recognizer.calibrate, evaluate --calibrate)"
                        + " or give a threshold of your own"));
    }

    private String availableThresholds(EmbeddingMode mode) {
        if (thresholds.isEmpty()) {
            return "has none";
        }
        Set<EmbeddingMode> modes = new LinkedHashSet<>();
        Set<Double> rates = new TreeSet<>();
        for (Threshold threshold : thresholds) {
            if (threshold.evidence().isPresent()
                    && !threshold.evidence().get().mode().equals(mode)) {
                modes.add(threshold.evidence().get().mode());
            } else {
                rates.add(threshold.falseAcceptRate().orElseThrow());
            }
        }
        return rates.isEmpty()
                ? "has only those measured on: "
                        + modes.stream().map(EmbeddingMode::toString).collect(Collectors.joining("; ")) + "; not on: "
                        + mode
                : "has those for " + rates;
    }

    void adopt(RecognizerModel other) {
        restore(other.trainedOn());
    }

    /** As it is now, whatever becomes of this one. */
    RecognizerModel copy() {
        RecognizerModel copy = new RecognizerModel(loss, args, imageSizePx, normalization).withWarnings(warnings);
        copy.adopt(this);
        return copy;
    }

    // ---- metadata of a file ----

    /** All that a file says of a model. */
    Map<String, String> toMetadata() {
        Map<String, String> metadata = toBuild();
        metadata.put("identities", json(identities));
        if (!knownBefore.isEmpty()) {
            metadata.put(KNOWN_BEFORE_KEY, json(knownBefore));
        }
        StoredThresholds.putInto(metadata, thresholds);
        origin.putInto(metadata);
        return metadata;
    }

    /** How it is built and what it sees; what must be the same for weights to mean the same. */
    Map<String, String> toBuild() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(FORMAT_KEY, FORMAT);
        if (args != null) {
            metadata.put("architecture", args.encoder().id());
            metadata.put("embeddingSize", Integer.toString(args.embeddingSize()));
        }
        metadata.put("loss", loss == null ? CUSTOM : loss.id());
        metadata.put("imageSizePx", Integer.toString(imageSizePx));
        metadata.put("colourOrder", "RGB");
        metadata.put("normalization", json(normalization));
        metadata.put("framing", framing.name());
        if (args != null) {
            metadata.put("args", json(args));
        }
        return metadata;
    }

    static RecognizerModel fromMetadata(SafeTensors file) {
        Map<String, String> metadata = file.metadata();
        if (!FORMAT.equals(metadata.get(FORMAT_KEY))) {
            throw new WeightsException(file.file() + " must be a model that this library saved (" + FORMAT
                    + "), but its format was " + metadata.get(FORMAT_KEY));
        }
        try {
            String args = metadata.get("args");
            RecognizerModel model = new RecognizerModel(
                    lossOf(metadata.get("loss")),
                    args == null ? null : JSON.readValue(args, RecognizerArgs.class),
                    Integer.parseInt(metadata.get("imageSizePx")),
                    JSON.readValue(metadata.get("normalization"), Normalization.class));
            model.trainedOn(
                    Framing.valueOf(metadata.get("framing")),
                    JSON.readValue(metadata.get("identities"), new TypeReference<List<String>>() {}));
            model.setOrigin(ModelOrigin.of(metadata));
            String knownBefore = metadata.getOrDefault(KNOWN_BEFORE_KEY, "[]");
            model.knownBefore = List.copyOf(JSON.readValue(knownBefore, new TypeReference<List<String>>() {}));
            model.setThresholds(StoredThresholds.former(metadata));
            model.thresholds = Stream.concat(model.thresholds.stream(), StoredThresholds.measured(metadata).stream())
                    .toList();
            return model;
        } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
            throw new WeightsException(
                    file.file() + " is damaged: its metadata cannot be understood: " + e.getMessage(), e);
        }
    }

    /** By its id; before there were ids it was ARCFACE, CROSS_ENTROPY or CUSTOM. */
    private static @Nullable LossName lossOf(String id) {
        return id.equalsIgnoreCase(CUSTOM) ? null : LossName.of(id);
    }

    @Override
    public String toString() {
        if (loss == null) {
            return "parts of your own";
        }
        StringBuilder text = new StringBuilder(args().encoder() + ", " + loss.title());
        if (args().s() != null) {
            text.append(" s=").append(args().s());
        }
        if (args().m() != null) {
            text.append(" m=").append(args().m());
        }
        return text.toString();
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value + " as JSON", e);
        }
    }
}
