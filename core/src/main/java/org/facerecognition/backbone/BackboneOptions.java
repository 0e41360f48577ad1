package org.facerecognition.backbone;

/**
 * What can be chosen about any architecture.
 *
 * @param imageSizePx side of the square input, from 32; matters to nets that end with a layer as large as the image
 *     (IResNet, MobileFaceNet), which take no other size; the rest take any
 * @param smallFaces leaves out the stride of the first convolution and the pooling after it, so that small faces keep
 *     their detail, at two to sixteen times the work; nets made for faces have neither and stay as they are
 * @param dropout share of features set to zero in training before the last layer, in [0, 1)
 */
public record BackboneOptions(int imageSizePx, boolean smallFaces, double dropout) {
    /** 112 pixels, no dropout, as the papers have it. */
    public static final BackboneOptions DEFAULT = new BackboneOptions(112, false, 0);

    private static final int SMALLEST_PX = 32;

    public BackboneOptions {
        if (imageSizePx < SMALLEST_PX) {
            throw new IllegalArgumentException(
                    "imageSizePx must be at least " + SMALLEST_PX + ", but was " + imageSizePx);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must be in [0, 1), but was " + dropout);
        }
    }
}
