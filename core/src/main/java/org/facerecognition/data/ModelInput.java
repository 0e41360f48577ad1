package org.facerecognition.data;

/**
 * A model's input: square RGB crops of one size, cut out of an image and normalized. It must be the same in training
 * and inference.
 *
 * @param sizePx side of the square input in pixels
 * @param normalization of pixel values
 * @param crop how the face is cut out of an image
 */
public record ModelInput(int sizePx, Normalization normalization, Crop crop) {
    /** Describes the input for a model's fingerprint. Galleries record fingerprints: the text must never change. */
    public String fingerprintText() {
        return sizePx + " RGB Normalization[mean=" + normalization.mean() + ", deviation=" + normalization.std() + "] "
                + crop;
    }
}
