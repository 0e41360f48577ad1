package org.facerecognition.data;

/**
 * What a network takes: square RGB crops of one size, cut out of an image in one way and normalized. It belongs to a
 * model, which must see faces as it saw them in training.
 *
 * @param sizePx side of the square input in pixels
 * @param normalization of pixel values
 * @param crop what is cut out of an image before it is brought to this size
 */
public record ModelInput(int sizePx, Normalization normalization, Crop crop) {
    /** Describes it for a model's fingerprint; the same text in all versions, since galleries keep fingerprints. */
    public String fingerprintText() {
        return sizePx + " RGB Normalization[mean=" + normalization.mean() + ", deviation=" + normalization.std() + "] "
                + crop;
    }
}
