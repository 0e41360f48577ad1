package org.facerecognition;

import java.util.List;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.jspecify.annotations.Nullable;

/**
 * What a recogniser is made of. The defaults are the study's best run: ResNet-34, embeddings of 512, ArcFace with s = 5
 * and m = 0.1.
 *
 * @param encoder the backbone's architecture
 * @param encoderLastLayerName the layer that is replaced to give embeddings: {@code fc} for a ResNet
 * @param embeddingSizes outputs of the linear layers put in its place; one is usual, the last is the embedding's length
 * @param classes number of identities to train on, at least 1
 * @param s scale of the cosines, positive; ArcFace only
 * @param m margin in radians, in [0, pi); ArcFace only
 * @param imageSizePx side of the square input in pixels, at least 32
 * @param normalization of pixel values
 * @param smallFaces leaves out the first stride and pooling of nets made for larger pictures; see {@link BackboneOptions}
 * @param dropout share of features set to nought in training before the embedding, in [0, 1)
 * @param seed of the initial weights
 */
public record RecognizerArgs(
        Encoder encoder,
        String encoderLastLayerName,
        List<Integer> embeddingSizes,
        int classes,
        double s,
        double m,
        int imageSizePx,
        Normalization normalization,
        boolean smallFaces,
        double dropout,
        long seed) {

    public RecognizerArgs {
        embeddingSizes = List.copyOf(embeddingSizes);
        if (embeddingSizes.isEmpty() || embeddingSizes.stream().anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + embeddingSizes);
        }
        if (classes < 1) {
            throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
        }
        new BackboneOptions(imageSizePx, smallFaces, dropout); // refuses nonsense
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
        private double s = 5;
        private double m = 0.1;
        private int imageSizePx = 112;
        private @Nullable Normalization normalization;
        private boolean smallFaces;
        private double dropout;
        private long seed;

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

        public Builder s(double s) {
            this.s = s;
            return this;
        }

        /** In radians. */
        public Builder m(double m) {
            this.m = m;
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
                    seed);
        }
    }
}
