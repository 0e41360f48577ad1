package org.facerecognition;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.eval.Calibration;
import org.facerecognition.losses.LossName;
import org.facerecognition.weights.ModelOrigin;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/** What has to be known about a model beside its weights: how it is built and what input it expects. */
final class ModelInfo {
    private final @Nullable LossName loss; // null for parts of the user's own
    private final @Nullable RecognizerArgs args; // null for parts of the user's own
    private final int imageSizePx;
    private final Normalization normalization;
    private List<String> warnings = List.of();
    private Crop crop = Crop.WHOLE;
    private List<String> identities = List.of();
    private List<String> knownBefore = List.of(); // people of earlier trainings, of these or of the first weights
    private ModelOrigin origin = ModelOrigin.UNKNOWN;
    private List<Threshold> thresholds = List.of();

    private ModelInfo(
            @Nullable LossName loss, @Nullable RecognizerArgs args, int imageSizePx, Normalization normalization) {
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

    ModelInfo withWarnings(List<String> warnings) {
        this.warnings = warnings;
        return this;
    }

    /** What its network takes. */
    ModelInput input() {
        return new ModelInput(imageSizePx, normalization, crop);
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
            Crop crop,
            List<String> identities,
            List<String> knownBefore,
            ModelOrigin origin,
            List<Threshold> thresholds) {}

    TrainedOn trainedOn() {
        return new TrainedOn(crop, identities, knownBefore, origin, thresholds);
    }

    void restore(TrainedOn former) {
        crop = former.crop;
        identities = former.identities;
        knownBefore = former.knownBefore;
        origin = former.origin;
        thresholds = former.thresholds;
    }

    /** Takes on what the training data says. Thresholds were measured with other weights, and are dropped. */
    void trainedOn(Crop crop, List<String> identities) {
        if (!this.identities.equals(identities)) {
            knows(this.identities);
        }
        this.crop = crop;
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
        knows(ModelFiles.peopleKnown(metadata));
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

    /** Names of everybody its weights were ever trained on, as far as is known. */
    Set<String> everybodyKnown() {
        Set<String> all = new LinkedHashSet<>(identities);
        all.addAll(knownBefore);
        return all;
    }

    /** @throws IllegalArgumentException when the model was trained on faces that were framed in another way */
    void requireSameCrop(FaceDataset faces) {
        if (!identities.isEmpty() && !faces.crop().isCompatibleWith(crop)) {
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

    /** Replaces all thresholds, of every mode. */
    void setThresholds(List<Threshold> thresholds) {
        this.thresholds = List.copyOf(thresholds);
    }

    /** Keeps what was measured in a mode, in place of what was measured in it before. */
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

    void adopt(ModelInfo other) {
        restore(other.trainedOn());
    }

    /** As it is now, whatever becomes of this one. */
    ModelInfo copy() {
        ModelInfo copy = new ModelInfo(loss, args, imageSizePx, normalization).withWarnings(warnings);
        copy.adopt(this);
        return copy;
    }

    @Override
    public String toString() {
        if (loss == null) {
            return "parts of your own";
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
