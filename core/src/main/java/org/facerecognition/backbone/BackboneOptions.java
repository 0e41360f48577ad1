package org.facerecognition.backbone;

/**
 * The options that every architecture has.
 *
 * @param imageSizePx side of the square input, 32 to 4096. Only networks that end with a layer as large as the image
 *     (IResNet, MobileFaceNet) depend on it and take no other size; the others take any.
 * @param smallFaces whether to leave out the stride of the first convolution and the pooling after it, so that small
 *     faces keep their detail, at two to sixteen times the work; networks made for faces have neither and do not change
 * @param dropout probability of setting a feature to zero before the last layer, in training only, in [0, 1); at 0,
 *     EfficientNets keep torchvision's probability, which is not 0
 */
public record BackboneOptions(int imageSizePx, boolean smallFaces, double dropout) {
    /** 112 pixels, the stride and pooling of the papers, no additional dropout. */
    public static final BackboneOptions DEFAULT = new BackboneOptions(112, false, 0);

    private static final int MIN_SIZE_PX = 32;
    /** The largest side of images, in pixels: a damaged file could ask for any, for which there is no memory. */
    public static final int MAX_IMAGE_SIZE_PX = 4096;

    public BackboneOptions {
        if (imageSizePx < MIN_SIZE_PX) {
            throw new IllegalArgumentException(
                    "imageSizePx must be at least " + MIN_SIZE_PX + ", but was " + imageSizePx);
        }
        if (imageSizePx > MAX_IMAGE_SIZE_PX) {
            throw new IllegalArgumentException(
                    "imageSizePx must be at most " + MAX_IMAGE_SIZE_PX + ", but was " + imageSizePx);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must be in [0, 1), but was " + dropout);
        }
    }
}
