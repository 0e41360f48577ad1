package org.facerecognition.backbone;

import org.bytedeco.pytorch.Tensor;

/** A net of the library's: stages, which it can be run in parts by, and an end that makes embeddings of what they give. */
abstract class StagedBackbone extends Backbone {
    static final int ANY_SIZE = 0;

    private final Stages stages = new Stages();
    private final int imageSizePx;

    /** @param imageSizePx side of the images that the net is made for, or {@link #ANY_SIZE} */
    StagedBackbone(String name, int imageSizePx) {
        super(name);
        this.imageSizePx = imageSizePx;
    }

    /** To be added to in the constructor, and described and run later. */
    final Stages stages() {
        return stages;
    }

    /**
     * What comes after the stages.
     *
     * @param x what they give
     * @return [B, D]
     */
    abstract Tensor end(Tensor x);

    @Override
    public final Tensor forward(Tensor images) {
        if (imageSizePx != ANY_SIZE && (images.size(2) != imageSizePx || images.size(3) != imageSizePx)) {
            throw new IllegalArgumentException("images must be " + imageSizePx + "x" + imageSizePx
                    + ", for which this net was made, but were " + images.size(3) + "x" + images.size(2));
        }
        return end(stages.forward(images));
    }
}
