package org.facerecognition;

import java.util.List;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.jspecify.annotations.Nullable;

/**
 * What a recogniser is made of. The defaults are the study's best run: ResNet-34, embeddings of 512, and for ArcFace s = 5
 * and m = 0.1; other losses have their papers' settings, see {@link org.facerecognition.losses.LossName}.
 *
 * @param encoder the backbone's architecture
 * @param encoderLastLayerName the layer that is replaced to give embeddings: {@code fc} for a ResNet
 * @param embeddingSizes outputs of the linear layers put in its place; one is usual, the last is the embedding's length
 * @param classes number of identities to train on, at least 1
 * @param s scale of the cosines, positive; null for the loss's own
 * @param m margin: radians for ArcFace, a difference of cosines for CosFace; null for the loss's own
 * @param imageSizePx side of the square input in pixels, at least 32
 * @param normalization of pixel values
 * @param smallFaces leaves out the first stride and pooling of nets made for larger pictures; see {@link BackboneOptions}
 * @param dropout share of features set to nought in training before the embedding, in [0, 1)
 * @param seed of the initial weights
 * @param subCentres centres for each identity, of margin losses; 0 for the loss's own
 * @param labelSmoothing in [0, 1), of losses with a softmax over identities
 * @param focalGamma at least 0, of losses with a softmax over identities
 * @param straightThrough insightface's gradient in place of the true one, of ArcFace
 * @param partialFraction share of the identities that a training step works with, in (0, 1], of margin losses: Partial FC; 1 for
 *     all. See {@link org.facerecognition.losses.MarginSoftmax#setPartialFraction}
 * @param bf16Logits whether a margin loss multiplies in bfloat16. See {@link
 *     org.facerecognition.losses.MarginSoftmax#setChunks}
 */
public record RecognizerArgs(
        Encoder encoder,
        String encoderLastLayerName,
        List<Integer> embeddingSizes,
        int classes,
        @Nullable Double s,
        @Nullable Double m,
        int imageSizePx,
        Normalization normalization,
        boolean smallFaces,
        double dropout,
        long seed,
        int subCentres,
        double labelSmoothing,
        double focalGamma,
        boolean straightThrough,
        double partialFraction,
        boolean bf16Logits) {

    /** Of the study's best run, which is ArcFace's. */
    private static final LossSettings STUDY = LossSettings.of(5, 0.1);

    public RecognizerArgs {
        embeddingSizes = List.copyOf(embeddingSizes);
        if (embeddingSizes.isEmpty() || embeddingSizes.stream().anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + embeddingSizes);
        }
        if (classes < 1) {
            throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
        }
        new BackboneOptions(imageSizePx, smallFaces, dropout); // refuses nonsense
        new LossSettings(s, m, subCentres, labelSmoothing, focalGamma, straightThrough);
        if (partialFraction == 0) {
            partialFraction = 1; // not set, as in files from before there was one
        }
        if (!(partialFraction > 0 && partialFraction <= 1)) {
            throw new IllegalArgumentException("partialFraction must be in (0, 1], but was " + partialFraction);
        }
    }

    /** What is set about the loss; with ArcFace the study's s and m for those not set. */
    LossSettings lossSettings(LossName loss) {
        boolean study = loss == LossName.ARCFACE;
        return new LossSettings(
                s == null && study ? STUDY.s() : s,
                m == null && study ? STUDY.m() : m,
                subCentres,
                labelSmoothing,
                focalGamma,
                straightThrough);
    }

    /**
     * The same with every setting of a loss as it is used: its own for those not set, none for those it does not have. A
     * model's file keeps them so.
     */
    public RecognizerArgs resolved(LossName loss) {
        LossSettings all = loss.resolved(lossSettings(loss), classes);
        return new RecognizerArgs(
                encoder,
                encoderLastLayerName,
                embeddingSizes,
                classes,
                all.s(),
                all.m(),
                imageSizePx,
                normalization,
                smallFaces,
                dropout,
                seed,
                all.subCentres(),
                all.labelSmoothing(),
                all.focalGamma(),
                all.straightThrough(),
                partialFraction,
                bf16Logits);
    }

    BackboneOptions backboneOptions() {
        return new BackboneOptions(imageSizePx, smallFaces, dropout);
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
        private int subCentres;
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

        /** The encoder's own name for it, unless set. */
        public Builder encoderLastLayerName(String name) {
            this.encoderLastLayerName = name;
            return this;
        }

        /** One linear layer to embeddings of this length. */
        public Builder embeddingSize(int size) {
            return embeddingSizes(List.of(size));
        }

        /** A sequence of linear layers; the last is the embedding's length. */
        public Builder embeddingSizes(List<Integer> sizes) {
            this.embeddingSizes = sizes;
            return this;
        }

        public Builder classes(int classes) {
            this.classes = classes;
            return this;
        }

        /** The loss's own, unless set. */
        public Builder s(@Nullable Double s) {
            this.s = s;
            return this;
        }

        /** The loss's own, unless set. */
        public Builder s(double s) {
            this.s = s;
            return this;
        }

        /** In radians, where it is added to an angle. The loss's own, unless set. */
        public Builder m(@Nullable Double m) {
            this.m = m;
            return this;
        }

        /** In radians, where it is added to an angle. The loss's own, unless set. */
        public Builder m(double m) {
            this.m = m;
            return this;
        }

        /** The loss's own, unless set: 3 for sub-centre ArcFace, else 1. */
        public Builder subCentres(int subCentres) {
            this.subCentres = subCentres;
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

        /** 0.1, say, for a hundred thousand identities and more. */
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

        /** That of the encoder's origin, unless set: ImageNet's, or -1..1 for insightface's nets. */
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
         * @throws IllegalArgumentException when a value makes no sense, saying which
         */
        public RecognizerArgs build() {
            String lastLayer = encoderLastLayerName.isEmpty() ? encoder.lastLayerName() : encoderLastLayerName;
            Normalization usual =
                    encoder.origin() == Encoder.Origin.INSIGHTFACE ? Normalization.SYMMETRIC : Normalization.IMAGENET;
            return new RecognizerArgs(
                    encoder,
                    lastLayer,
                    embeddingSizes,
                    classes,
                    s,
                    m,
                    imageSizePx,
                    normalization == null ? usual : normalization,
                    smallFaces,
                    dropout,
                    seed,
                    subCentres,
                    labelSmoothing,
                    focalGamma,
                    straightThrough,
                    partialFraction,
                    bf16Logits);
        }
    }
}
