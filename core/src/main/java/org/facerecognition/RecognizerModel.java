package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

    private static final String CUSTOM = "custom"; // the loss of the user's own parts

    private final @Nullable LossName loss; // null for parts of the user's own
    private final @Nullable RecognizerArgs args; // null for parts of the user's own
    private final int imageSizePx;
    private final Normalization normalization;
    private List<String> warnings = List.of();
    private Framing framing = Framing.WHOLE;
    private List<String> identities = List.of();
    private ModelOrigin origin = ModelOrigin.UNKNOWN;
    private Map<Double, Double> thresholds = Map.of(); // by false accept rate

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
    record TrainedOn(Framing framing, List<String> identities, ModelOrigin origin, Map<Double, Double> thresholds) {}

    TrainedOn trainedOn() {
        return new TrainedOn(framing, identities, origin, thresholds);
    }

    void restore(TrainedOn former) {
        trainedOn(former.framing, former.identities);
        origin = former.origin;
        thresholds = former.thresholds;
    }

    /** Takes on what the training data says. */
    void trainedOn(Framing framing, List<String> identities) {
        this.framing = framing;
        this.identities = List.copyOf(identities);
    }

    ModelOrigin origin() {
        return origin;
    }

    void setOrigin(ModelOrigin origin) {
        this.origin = origin;
    }

    Map<Double, Double> thresholds() {
        return thresholds;
    }

    void setThresholds(Map<Double, Double> thresholds) {
        this.thresholds = Collections.unmodifiableMap(new TreeMap<>(thresholds));
    }

    void adopt(RecognizerModel other) {
        trainedOn(other.framing, other.identities);
        origin = other.origin;
        thresholds = other.thresholds;
    }

    // ---- metadata of a file ----

    /** All that a file says of a model. */
    Map<String, String> toMetadata() {
        Map<String, String> metadata = toBuild();
        metadata.put("identities", json(identities));
        metadata.put("thresholds", json(thresholds));
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
            String thresholds = metadata.getOrDefault("thresholds", "{}");
            model.setThresholds(JSON.readValue(thresholds, new TypeReference<Map<Double, Double>>() {}));
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
