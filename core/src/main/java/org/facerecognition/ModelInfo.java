package org.facerecognition;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.Calibration;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.weights.ModelOrigin;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/** What is known of a model beside its weights: how it is built, what input it takes, what it was trained on. */
final class ModelInfo {
    private final @Nullable LossName loss; // null for custom parts
    private final @Nullable RecognizerArgs args; // null for custom parts
    private final int imageSizePx;
    private final Normalization normalization;
    private String title = "custom parts"; // of a model that was not made by a loss's recipe
    private List<String> warnings = List.of();
    private Crop crop = Crop.WHOLE;
    private List<String> identities = List.of();
    private List<String> knownBefore = List.of(); // people of earlier trainings, of these or of the first weights
    private ModelOrigin origin = ModelOrigin.UNKNOWN;
    private volatile List<Threshold> thresholds = List.of();
    private @Nullable Int8Calibration int8;
    private @Nullable Map<String, String> headAsMade; // settings of the recipe's head; null for a head that was given
    private @Nullable Map<String, String> headInTraining; // as the training found it: its margin may be warming up

    private ModelInfo(
            @Nullable LossName loss, @Nullable RecognizerArgs args, int imageSizePx, Normalization normalization) {
        if (imageSizePx < 1 || imageSizePx > BackboneOptions.MAX_IMAGE_SIZE_PX) {
            throw new IllegalArgumentException(
                    "imageSizePx must be 1 to " + BackboneOptions.MAX_IMAGE_SIZE_PX + ", but was " + imageSizePx);
        }
        this.loss = loss;
        this.args = args;
        this.imageSizePx = imageSizePx;
        this.normalization = normalization;
    }

    /** @param args with every setting of the loss as it is used */
    static ModelInfo of(LossName loss, RecognizerArgs args) {
        return new ModelInfo(loss, args, args.backbone().imageSizePx(), args.normalization());
    }

    static ModelInfo custom(int imageSizePx, Normalization normalization) {
        return new ModelInfo(null, null, imageSizePx, normalization);
    }

    /** What is known of a model from elsewhere. */
    static ModelInfo foreign(String title, ModelInput input) {
        ModelInfo model = custom(input.sizePx(), input.normalization());
        model.title = title;
        model.crop = input.crop();
        return model;
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
                "a model of custom parts must be loaded with those parts: Recognizer.load(file, encoder, head)");
    }

    /** A sentence for each setting of the loss that is allowed but hardly intended. */
    List<String> warnings() {
        return warnings;
    }

    ModelInfo withWarnings(List<String> warnings) {
        this.warnings = warnings;
        return this;
    }

    /** @param asMade settings of the head as the recipe makes it */
    ModelInfo withHead(Map<String, String> asMade) {
        headAsMade = asMade;
        return this;
    }

    boolean hasRecipesHead() {
        return headAsMade != null;
    }

    /** @param head whose settings of now are those of the model until the end of a training; null at its end */
    void inTraining(@Nullable Head head) {
        headInTraining = head == null ? null : head.settings();
    }

    /**
     * The settings by name of a head that a recipe made; empty for a head that was given.
     *
     * @param asMade stands for a value that was not changed since
     */
    Map<String, String> headSettings(Head head, String asMade) {
        Map<String, String> settings = new LinkedHashMap<>();
        if (headAsMade != null) {
            (headInTraining == null ? head.settings() : headInTraining)
                    .forEach((name, value) -> settings.put(name, value.equals(headAsMade.get(name)) ? asMade : value));
        }
        return settings;
    }

    /** What its network takes. */
    ModelInput input() {
        return new ModelInput(imageSizePx, normalization, crop);
    }

    List<String> identities() {
        return identities;
    }

    /** Whether it was made from custom parts; see {@link Recognizer#of}. */
    boolean isOfOwnParts() {
        return loss == null;
    }

    /** What a training changes beside the weights, to be restored when it fails. */
    record TrainedOn(
            Crop crop,
            List<String> identities,
            List<String> knownBefore,
            ModelOrigin origin,
            List<Threshold> thresholds,
            @Nullable Int8Calibration int8) {}

    TrainedOn trainedOn() {
        return new TrainedOn(crop, identities, knownBefore, origin, thresholds, int8);
    }

    void restore(TrainedOn former) {
        crop = former.crop;
        identities = former.identities;
        knownBefore = former.knownBefore;
        origin = former.origin;
        thresholds = former.thresholds;
        int8 = former.int8;
    }

    /** Records the training data. Thresholds and ranges were measured with other weights and are dropped. */
    void trainedOn(Crop crop, List<String> identities) {
        if (!this.identities.equals(identities)) {
            knows(this.identities);
        }
        this.crop = crop;
        this.identities = List.copyOf(identities);
        forgetMeasurements();
    }

    /**
     * Records that the encoder's weights were copied from a file, with the crop, the people and the license that the
     * file names. The head's identities are no longer those of the encoder.
     */
    void startedFrom(Weights weights) {
        startedFrom(weights.file(), weights.metadata());
    }

    /** Records the same of a file with such metadata. */
    void startedFrom(Path file, Map<String, String> metadata) {
        forgetMeasurements();
        knows(identities);
        identities = List.of();
        knows(ModelFiles.peopleKnown(metadata));
        ModelFiles.statedCrop(metadata).ifPresent(stated -> crop = stated);
        origin = origin.startedFrom(file.getFileName().toString(), metadata);
    }

    List<String> knownBefore() {
        return knownBefore;
    }

    /** Adds people of an earlier training. */
    void knows(List<String> people) {
        Set<String> all = new LinkedHashSet<>(knownBefore);
        all.addAll(people);
        knownBefore = List.copyOf(all);
    }

    /** Names of all people the weights were ever trained on, as far as is known. */
    Set<String> everybodyKnown() {
        Set<String> all = new LinkedHashSet<>(identities);
        all.addAll(knownBefore);
        return all;
    }

    /** @throws IllegalStateException when the model has seen faces cropped in a way that a detector cannot reproduce */
    void requireAlignedFaces() {
        if (!crop.takesAlignedFaces()) {
            throw new IllegalStateException(
                    "faces that a detector finds must not be given to this model: it was trained on"
                            + " faces with crop " + crop + "; train it with crop " + Crop.CELEBA_ALIGNED
                            + " (--align mean) or on aligned crops, or use it without a detector");
        }
    }

    /** @throws IllegalArgumentException when the identities are not those of the training, in their order */
    void requireSameIdentities(FaceDataset faces) {
        if (!faces.identities().equals(identities)) {
            throw new UnsuitableDataException("faces must be of the " + identities.size()
                    + " identities that this model was trained on, in their order, but were of " + faces.classes()
                    + " others; give the data of the training");
        }
    }

    /** @throws IllegalArgumentException when the model was trained on faces that were cropped in another way */
    void requireSameCrop(FaceDataset faces) {
        boolean ofCelebA = crop != Crop.WHOLE && crop != Crop.WIDE; // which an export has without the identities
        if ((ofCelebA || !identities.isEmpty()) && !faces.crop().isCompatibleWith(crop)) {
            throw new IllegalArgumentException(
                    "faces must be cropped as this model was trained, " + crop + ", but were " + faces.crop());
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
     * Keeps thresholds. They replace those of the same mode and those whose mode is unknown.
     *
     * @param fresh all of one mode
     */
    synchronized void keepThresholds(List<Threshold> fresh, EmbeddingMode mode) {
        Stream<Threshold> others = thresholds.stream()
                .filter(threshold -> threshold
                        .evidence()
                        .filter(evidence -> !evidence.mode().equals(mode))
                        .isPresent());
        thresholds = Stream.concat(others, fresh.stream()).toList();
    }

    /** Replaces all thresholds, of every mode. */
    synchronized void setThresholds(List<Threshold> thresholds) {
        this.thresholds = List.copyOf(thresholds);
    }

    /** Keeps what was measured in a mode, replacing what was measured in it before. */
    List<Threshold> calibrated(List<Calibration.Point> points, EmbeddingMode mode) {
        List<Threshold> fresh =
                points.stream().map(point -> threshold(point, mode)).toList();
        keepThresholds(fresh, mode);
        return fresh;
    }

    private static Threshold threshold(Calibration.Point point, EmbeddingMode mode) {
        Threshold.Evidence evidence = new Threshold.Evidence(
                point.impostorPairs(), point.falseAccepts(), point.people(), point.upperBound(), mode);
        return new Threshold(point.cosine(), OptionalDouble.of(point.falseAcceptRate()), Optional.of(evidence));
    }

    /**
     * Keeps thresholds that were calibrated on a prepared copy.
     *
     * @throws IllegalArgumentException when one has no evidence or no rate, or they are of several modes
     */
    void keepThresholds(List<Threshold> calibrated) {
        if (calibrated.stream()
                .anyMatch(threshold -> threshold.falseAcceptRate().isEmpty())) {
            throw new IllegalArgumentException(
                    "thresholds must have been calibrated, but one has no false accept rate");
        }
        List<EmbeddingMode> modes = calibrated.stream()
                .map(threshold -> threshold
                        .evidence()
                        .orElseThrow(() -> new IllegalArgumentException(
                                "thresholds must have been calibrated, but one has no evidence"))
                        .mode())
                .distinct()
                .toList();
        if (modes.size() != 1) {
            throw new IllegalArgumentException("thresholds must be of one mode, but were of " + modes);
        }
        keepThresholds(calibrated, modes.get(0));
    }

    /** Drops what was measured with other weights: thresholds, and the calibration for int8. */
    void forgetMeasurements() {
        thresholds = List.of();
        int8 = null;
    }

    /** The calibration for int8; null if there is none. */
    @Nullable
    Int8Calibration int8() {
        return int8;
    }

    void setInt8(@Nullable Int8Calibration int8) {
        this.int8 = int8;
    }

    /** Returns the threshold for a rate in a mode, or else one of unknown mode. */
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

    /** @throws IllegalStateException when there is none, naming those there are */
    Threshold requireThreshold(double falseAcceptRate, EmbeddingMode mode) {
        return threshold(falseAcceptRate, mode)
                .orElseThrow(() -> new IllegalStateException("threshold for a false accept rate of " + falseAcceptRate
                        + " must have been calibrated, but this model " + availableThresholds(mode)
                        + "; calibrate it on faces of people it does not know (Recognizer.calibrate, evaluate --calibrate)"
                        + " or give a custom threshold"));
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

    void adopt(ModelInfo other) {
        restore(other.trainedOn());
    }

    /** A copy that does not change with this one. */
    ModelInfo copy() {
        ModelInfo copy = new ModelInfo(loss, args, imageSizePx, normalization).withWarnings(warnings);
        copy.adopt(this);
        copy.title = title;
        return copy;
    }

    @Override
    public String toString() {
        if (loss == null) {
            return title;
        }
        StringBuilder text = new StringBuilder(args().encoder() + ", " + loss.title());
        if (args().loss().s() != null) {
            text.append(" s=").append(args().loss().s());
        }
        if (args().loss().m() != null) {
            text.append(" m=").append(args().loss().m());
        }
        return text.toString();
    }
}
