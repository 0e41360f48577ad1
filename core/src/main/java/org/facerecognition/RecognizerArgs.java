package org.facerecognition;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.facerecognition.io.JsonFields;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.jspecify.annotations.Nullable;

/**
 * What a recognizer is made of. The defaults are the study's best run: ResNet-34, embeddings of 512 values, and for
 * ArcFace s = 5 and m = 0.1; other losses have their papers' settings, see {@link LossName}.
 *
 * @param encoder the backbone's architecture
 * @param encoderLastLayerName the layer that is replaced to give embeddings: {@code fc} for a ResNet
 * @param embeddingSizes outputs of the linear layers put in its place; one is usual, the last is the embedding's length
 * @param backbone input size, small-face stem and dropout of the backbone
 * @param normalization of pixel values
 * @param classes number of identities to train on, at least 1
 * @param loss scale, margin and the other settings of the loss
 * @param partialFraction share of the identities that a training step works with, in (0, 1], of margin losses: Partial
 *     FC; 1 for all. See {@link org.facerecognition.losses.MarginSoftmax#setPartialFraction}
 * @param bf16Logits whether a margin loss multiplies in bfloat16. See {@link
 *     org.facerecognition.losses.MarginSoftmax#setChunks}
 * @param seed of the initial weights
 */
public record RecognizerArgs(
        Encoder encoder,
        String encoderLastLayerName,
        List<Integer> embeddingSizes,
        @JsonUnwrapped BackboneOptions backbone,
        Normalization normalization,
        int classes,
        @JsonUnwrapped LossSettings loss,
        double partialFraction,
        boolean bf16Logits,
        long seed) {

    /** Of the study's best run, which is ArcFace's. */
    private static final LossSettings STUDY = LossSettings.of(5, 0.1);

    /** @throws IllegalArgumentException when a value is null or out of its range, naming it */
    public RecognizerArgs {
        requireGiven("encoder", encoder);
        requireGiven("encoderLastLayerName", encoderLastLayerName);
        requireGiven("embeddingSizes", embeddingSizes);
        embeddingSizes.forEach(size -> requireGiven("embeddingSize", size));
        requireGiven("backbone", backbone);
        requireGiven("normalization", normalization);
        requireGiven("loss", loss);
        embeddingSizes = List.copyOf(embeddingSizes);
        if (embeddingSizes.isEmpty() || embeddingSizes.stream().anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + embeddingSizes);
        }
        if (classes < 1) {
            throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
        }
        if (!(partialFraction > 0 && partialFraction <= 1)) {
            throw new IllegalArgumentException("partialFraction must be in (0, 1], but was " + partialFraction);
        }
    }

    static void requireGiven(String name, @Nullable Object value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must be given, but was null");
        }
    }

    /**
     * Returns the settings in a model's metadata.
     *
     * @throws IllegalArgumentException when one of them cannot be used
     */
    static RecognizerArgs of(JsonFields settings) {
        double partialFraction = settings.number("partialFraction");
        return new RecognizerArgs(
                settings.constant(Encoder.class, "encoder"),
                settings.text("encoderLastLayerName"),
                settings.integers("embeddingSizes"),
                new BackboneOptions(
                        settings.integer("imageSizePx"), settings.flag("smallFaces"), settings.number("dropout")),
                Normalization.of(settings.object("normalization")),
                settings.integer("classes"),
                new LossSettings(
                        settings.numberOrNull("s"),
                        settings.numberOrNull("m"),
                        settings.integer(settings.has("subCentres") ? "subCentres" : "subCenters"),
                        settings.number("labelSmoothing"),
                        settings.number("focalGamma"),
                        settings.flag("straightThrough")),
                partialFraction == 0 ? 1 : partialFraction, // not set, as in files from before there was one
                settings.flag("bf16Logits"),
                settings.longInteger("seed"));
    }

    /** The settings of a loss; with ArcFace the study's s and m for those not set. */
    LossSettings lossSettings(LossName name) {
        boolean study = name == LossName.ARCFACE;
        return loss.with(
                loss.s() == null && study ? STUDY.s() : loss.s(), loss.m() == null && study ? STUDY.m() : loss.m());
    }

    /**
     * The same with every setting of a loss as it is used: its own for those not set, none for those it does not have.
     * A model's file keeps them so.
     */
    public RecognizerArgs resolved(LossName name) {
        return new RecognizerArgs(
                encoder,
                encoderLastLayerName,
                embeddingSizes,
                backbone,
                normalization,
                classes,
                name.resolved(lossSettings(name), classes),
                partialFraction,
                bf16Logits,
                seed);
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Length of an embedding. */
    public int embeddingSize() {
        return embeddingSizes.get(embeddingSizes.size() - 1);
    }

    /** Sets what differs from the defaults; see {@link RecognizerArgs} for what each is. */
    public static final class Builder {
        private Encoder encoder = Encoder.RESNET34;
        private String encoderLastLayerName = "";
        private List<Integer> embeddingSizes = List.of(512);
        private int classes = 500;
        private @Nullable Double s;
        private @Nullable Double m;
        private int imageSizePx = 112;
        private @Nullable Normalization normalization;
        private boolean smallFaces;
        private double dropout;
        private long seed;
        private int subCenters;
        private double labelSmoothing;
        private double focalGamma;
        private boolean straightThrough;
        private double partialFraction = 1;
        private boolean bf16Logits;

        private Builder() {}

        public Builder encoder(Encoder encoder) {
            this.encoder = encoder;
            return this;
        }

        /** Sets the name of the layer that is replaced; by default {@link Encoder#lastLayerName}. */
        public Builder encoderLastLayerName(String name) {
            this.encoderLastLayerName = name;
            return this;
        }

        /** Replaces the last layer by one linear layer that gives embeddings of this length. */
        public Builder embeddingSize(int size) {
            return embeddingSizes(List.of(size));
        }

        /** Replaces the last layer by linear layers of these widths; the last one is the length of an embedding. */
        public Builder embeddingSizes(List<Integer> sizes) {
            this.embeddingSizes = sizes;
            return this;
        }

        public Builder classes(int classes) {
            this.classes = classes;
            return this;
        }

        /** Sets the scale; null stands for the default of the loss. */
        public Builder s(@Nullable Double s) {
            this.s = s;
            return this;
        }

        /** Sets the scale. */
        public Builder s(double s) {
            this.s = s;
            return this;
        }

        /** Sets the margin, in radians where it is added to an angle; null stands for the default of the loss. */
        public Builder m(@Nullable Double m) {
            this.m = m;
            return this;
        }

        /** Sets the margin, in radians where it is added to an angle. */
        public Builder m(double m) {
            this.m = m;
            return this;
        }

        /** Sets the number of centers per identity; by default 3 for sub-center ArcFace and 1 otherwise. */
        public Builder subCenters(int subCenters) {
            this.subCenters = subCenters;
            return this;
        }

        public Builder labelSmoothing(double labelSmoothing) {
            this.labelSmoothing = labelSmoothing;
            return this;
        }

        public Builder focalGamma(double focalGamma) {
            this.focalGamma = focalGamma;
            return this;
        }

        public Builder straightThrough(boolean straightThrough) {
            this.straightThrough = straightThrough;
            return this;
        }

        /** Sets the fraction of centers per step (Partial FC), in (0, 1]; 0.1 is usual above 100,000 identities. */
        public Builder partialFraction(double partialFraction) {
            this.partialFraction = partialFraction;
            return this;
        }

        public Builder bf16Logits(boolean bf16Logits) {
            this.bf16Logits = bf16Logits;
            return this;
        }

        public Builder imageSizePx(int imageSizePx) {
            this.imageSizePx = imageSizePx;
            return this;
        }

        /** Sets the normalization of pixels; by default ImageNet's, or [-1, 1] for encoders from insightface. */
        public Builder normalization(Normalization normalization) {
            this.normalization = normalization;
            return this;
        }

        public Builder smallFaces(boolean smallFaces) {
            this.smallFaces = smallFaces;
            return this;
        }

        public Builder dropout(double dropout) {
            this.dropout = dropout;
            return this;
        }

        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * @throws IllegalArgumentException if a value is invalid; the message names it
         */
        public RecognizerArgs build() {
            requireGiven("encoder", encoder);
            requireGiven("encoderLastLayerName", encoderLastLayerName);
            String lastLayer = encoderLastLayerName.isEmpty() ? encoder.lastLayerName() : encoderLastLayerName;
            Normalization usual =
                    encoder.origin() == Encoder.Origin.INSIGHTFACE ? Normalization.SYMMETRIC : Normalization.IMAGENET;
            return new RecognizerArgs(
                    encoder,
                    lastLayer,
                    embeddingSizes,
                    new BackboneOptions(imageSizePx, smallFaces, dropout),
                    normalization == null ? usual : normalization,
                    classes,
                    new LossSettings(s, m, subCenters, labelSmoothing, focalGamma, straightThrough),
                    partialFraction,
                    bf16Logits,
                    seed);
        }

        /** @deprecated since 0.1, renamed to {@link #subCenters} */
        @Deprecated
        public Builder subCentres(int subCenters) {
            return subCenters(subCenters);
        }
    }
}
