package org.facerecognition.vision;

/**
 * A template for aligned crops: the places of the five landmarks, derived from the field's 112x112 template by scale
 * and shift. The published templates differ in more than size; use the one your model was trained on.
 *
 * @param widthPx width of the crop
 * @param heightPx height of the crop
 * @param scale factor on the landmarks of the 112x112 template
 * @param shiftXPx added to their x after scaling
 */
public record FaceTemplate(int widthPx, int heightPx, double scale, double shiftXPx) {
    /** Side of the published template. */
    public static final int SIDE_PX = 112;

    /** 112x112, the template of ArcFace and of almost all models since. */
    public static final FaceTemplate SQUARE_112 = new FaceTemplate(112, 112, 1, 0);

    /**
     * 96 wide and 112 high, the template of SphereFace and CosFace: the same face with 8 pixels cut off on either side.
     */
    public static final FaceTemplate NARROW_96X112 = new FaceTemplate(96, 112, 1, -8);

    /**
     * 128x128 as insightface's {@code norm_crop} makes it: the face is as large as in 112x112, with 8 more pixels on
     * either side and 16 more below. For the field of view of 112x112 in 128 pixels, use {@link #square}.
     */
    public static final FaceTemplate WIDE_128 = new FaceTemplate(128, 128, 1, 8);

    /**
     * From insightface's {@code face_align.py}: image-left eye, image-right eye, nose, image-left and image-right
     * corner of the mouth.
     */
    private static final double[][] POINTS = {
        {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}
    };

    /** @throws IllegalArgumentException when a side is below 1, the scale is not positive or a number is not finite */
    public FaceTemplate {
        if (widthPx < 1 || heightPx < 1) {
            throw new IllegalArgumentException("sides must be at least 1 pixel, but were " + widthPx + "x" + heightPx);
        }
        if (!(scale > 0 && Double.isFinite(scale) && Double.isFinite(shiftXPx))) {
            throw new IllegalArgumentException(
                    "scale must be positive and the shift finite, but were " + scale + " and " + shiftXPx);
        }
    }

    /** Returns the template with the field of view of 112x112 in {@code sidePx} x {@code sidePx} pixels. */
    public static FaceTemplate square(int sidePx) {
        return new FaceTemplate(sidePx, sidePx, (double) sidePx / SIDE_PX, 0);
    }

    /** Returns {@link #WIDE_128}, scaled: the template of insightface for 128x128, 256x256 and so on. */
    public static FaceTemplate wide(int sidePx) {
        double scale = (double) sidePx / WIDE_128.widthPx;
        return new FaceTemplate(sidePx, sidePx, scale, scale * WIDE_128.shiftXPx);
    }

    /** Returns the five landmarks, x and y in pixels of the crop, in a new array. */
    public double[][] points() {
        double[][] points = new double[POINTS.length][];
        for (int i = 0; i < points.length; i++) {
            points[i] = new double[] {scale * POINTS[i][0] + shiftXPx, scale * POINTS[i][1]};
        }
        return points;
    }
}
