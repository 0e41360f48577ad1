package org.facerecognition.vision;

/**
 * Where a face's five points lie in an aligned crop: the field's 112x112 template, scaled and shifted to the forms that
 * models are trained on. The published forms differ in more than size; take the one your model was trained on.
 *
 * @param widthPx of the crop
 * @param heightPx of the crop
 * @param scale of the 112x112 template's points
 * @param shiftXPx added to their x, after scaling
 */
public record FaceTemplate(int widthPx, int heightPx, double scale, double shiftXPx) {
    /** Side of the template as it is published. */
    public static final int SIDE_PX = 112;

    /** 112x112: ArcFace's and almost everybody's since. */
    public static final FaceTemplate SQUARE_112 = new FaceTemplate(112, 112, 1, 0);

    /** 96 wide, 112 high: SphereFace's and CosFace's; the same face, 8 pixels cut off on either side. */
    public static final FaceTemplate NARROW_96X112 = new FaceTemplate(96, 112, 1, -8);

    /**
     * 128x128 as insightface's {@code norm_crop} makes it: the face is as large as in 112x112, with 8 more pixels on either
     * side and 16 below. For the whole of the 112x112 view in 128 pixels take {@link #square}.
     */
    public static final FaceTemplate WIDE_128 = new FaceTemplate(128, 128, 1, 8);

    /** By insightface's {@code face_align.py}: image-left eye, image-right eye, nose, image-left and -right mouth corner. */
    private static final double[][] POINTS = {
        {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}
    };

    /** @throws IllegalArgumentException when a side is below 1 or a number makes no sense */
    public FaceTemplate {
        if (widthPx < 1 || heightPx < 1) {
            throw new IllegalArgumentException("sides must be at least 1 pixel, but were " + widthPx + "x" + heightPx);
        }
        if (!(scale > 0 && Double.isFinite(scale) && Double.isFinite(shiftXPx))) {
            throw new IllegalArgumentException(
                    "scale must be positive and the shift finite, but were " + scale + " and " + shiftXPx);
        }
    }

    /** The 112x112 view in {@code sidePx} x {@code sidePx} pixels. */
    public static FaceTemplate square(int sidePx) {
        return new FaceTemplate(sidePx, sidePx, (double) sidePx / SIDE_PX, 0);
    }

    /** The five points, x and y in pixels of the crop; a new array each time. */
    public double[][] points() {
        double[][] points = new double[POINTS.length][];
        for (int i = 0; i < points.length; i++) {
            points[i] = new double[] {scale * POINTS[i][0] + shiftXPx, scale * POINTS[i][1]};
        }
        return points;
    }
}
