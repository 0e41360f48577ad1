package org.facerecognition.data;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.facerecognition.io.JsonFields;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * The settings with which an image becomes an embedding. The same model gives different scores in different modes, so a
 * threshold holds only for the mode in which it was measured, and a gallery should be filled and searched in one mode.
 *
 * @param detection how the face is found; null for images that are cropped as the model's training data
 * @param flip whether the embedding of the mirrored image is added
 * @param precision of the values between layers: {@code float32}, {@code bfloat16}, {@code float16}, or {@code int8-}
 *     and a digest of the calibration, since different ones give different embeddings
 * @param framing how a data set crops its images, where the model shows the network another part of an image that it is
 *     given; null where both are the same, and with a detector
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record EmbeddingMode(
        @Nullable Detection detection,
        boolean flip,
        String precision,
        @Nullable Crop framing) {
    /** The precision of a model that is not prepared for inference. */
    public static final String FLOAT32 = "float32";

    private static final List<String> PRECISIONS = List.of(FLOAT32, "bfloat16", "float16");
    private static final Pattern INT8 = Pattern.compile("int8-[0-9a-f]{16}");

    /**
     * The settings with which a face is found; see {@link FaceDetector.Settings}.
     *
     * @param detector the detector's {@link FaceDetector#fingerprint fingerprint}
     * @param choice which of several faces is embedded
     * @param rotations absent in files of models without them
     * @param tiles absent in files of models without them
     */
    public record Detection(
            String detector,
            double scoreThreshold,
            double nmsThreshold,
            int topK,
            int smallestFacePx,
            int largestSidePx,
            FaceChoice choice,
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean rotations,
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean tiles) {
        /** The settings without rotations and tiles. */
        public Detection(
                String detector,
                double scoreThreshold,
                double nmsThreshold,
                int topK,
                int smallestFacePx,
                int largestSidePx,
                FaceChoice choice) {
            this(detector, scoreThreshold, nmsThreshold, topK, smallestFacePx, largestSidePx, choice, false, false);
        }

        static Detection of(FaceDetector detector, FaceChoice choice) {
            FaceDetector.Settings settings = detector.settings();
            return new Detection(
                    detector.fingerprint(),
                    settings.scoreThreshold(),
                    settings.nmsThreshold(),
                    settings.topK(),
                    settings.smallestFacePx(),
                    settings.largestSidePx(),
                    choice,
                    settings.rotations(),
                    settings.tiles());
        }

        private static Detection of(JsonFields settings) {
            return new Detection(
                    settings.requiredText("detector"),
                    settings.number("scoreThreshold"),
                    settings.number("nmsThreshold"),
                    settings.integer("topK"),
                    settings.integer("smallestFacePx"),
                    settings.integer("largestSidePx"),
                    settings.constant(FaceChoice.class, "choice"),
                    settings.flag("rotations"),
                    settings.flag("tiles"));
        }

        @Override
        public String toString() {
            return String.format(
                            Locale.ROOT,
                            "%s face found by detector %s (score %s, overlap %s, top %d, at least %d px, in at most %d px)",
                            choice,
                            detector,
                            scoreThreshold,
                            nmsThreshold,
                            topK,
                            smallestFacePx,
                            largestSidePx)
                    + (rotations ? ", also turned" : "")
                    + (tiles ? ", also in tiles" : "");
        }
    }

    /** @throws IllegalArgumentException when the precision is unknown */
    public EmbeddingMode {
        Objects.requireNonNull(precision);
        if (!PRECISIONS.contains(precision) && !INT8.matcher(precision).matches()) {
            throw new IllegalArgumentException(
                    "precision must be one of " + PRECISIONS + " or int8-..., but was " + precision);
        }
    }

    /** The mode in which a model embeds images that it crops itself, or faces that a detector finds. */
    public EmbeddingMode(@Nullable Detection detection, boolean flip, String precision) {
        this(detection, flip, precision, null);
    }

    /**
     * Returns the mode in which a model that is in this one embeds the faces of a data set, which crops its images
     * itself unless a detector finds the faces.
     *
     * @param ofData how the data set crops its images
     * @param ofModel how the model crops an image
     */
    public EmbeddingMode forFaces(Crop ofData, Crop ofModel) {
        boolean wider = ofData == Crop.WIDE && ofModel != Crop.WIDE;
        boolean same = detection != null || !wider && ofData.forWholeImages() == ofModel.forWholeImages();
        return same ? this : new EmbeddingMode(null, flip, precision, wider ? Crop.WIDE : ofData.forWholeImages());
    }

    /** Returns the mode in which a model embeds what a cropper gives it. */
    public static EmbeddingMode of(FaceCropper cropper, boolean flip, String precision) {
        FaceDetector detector = cropper.detector();
        return new EmbeddingMode(detector == null ? null : Detection.of(detector, cropper.choice()), flip, precision);
    }

    /**
     * Returns the mode in a model's metadata.
     *
     * @throws IllegalArgumentException when one of its settings cannot be used
     */
    public static EmbeddingMode of(JsonFields settings) {
        return new EmbeddingMode(
                settings.has("detection") ? Detection.of(settings.object("detection")) : null,
                settings.flag("flip"),
                settings.requiredText("precision"),
                settings.has("framing") ? settings.constant(Crop.class, "framing") : null);
    }

    /** Describes the mode in words, which galleries record: they must stay the same in all versions. */
    @Override
    public String toString() {
        String images =
                framing == null ? "images framed as in training" : "images cropped by their data set, " + framing;
        return (detection == null ? images : detection)
                + (flip ? ", with mirror images, " : ", without mirror images, ")
                + precision;
    }
}
