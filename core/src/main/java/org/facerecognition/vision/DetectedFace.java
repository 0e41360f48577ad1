package org.facerecognition.vision;

import java.util.List;

/**
 * A face that a {@link FaceDetector} found.
 *
 * @param box around the face, from brow to chin; may reach beyond the image
 * @param points five, in the order of {@link FaceTemplate}: the eye on the image's left (the person's right one), the
 *     eye on the image's right, the nose's tip, the corners of the mouth on the image's left and right. "Left" is that
 *     of the face held upright, so that a face turned over has its image-left eye on the right
 * @param score how sure the detector is, in [0, 1]
 */
public record DetectedFace(Box box, List<Point> points, double score) {
    private static final double MAX_MISFIT = 0.6;

    /** How many points a face has. */
    public static final int POINTS = 5;

    /** A rectangle; x and y of its top left corner and its sides, in pixels of the image, fractions included. */
    public record Box(double x, double y, double width, double height) {
        /** In square pixels. */
        public double area() {
            return width * height;
        }
    }

    /** A place in the image, in pixels, fractions included; the center of the first pixel is (0, 0). */
    public record Point(double x, double y) {}

    /** @throws IllegalArgumentException when there are not five points */
    public DetectedFace {
        points = List.copyOf(points);
        if (points.size() != POINTS) {
            throw new IllegalArgumentException("points must be " + POINTS + ", but were " + points.size());
        }
    }

    /**
     * Whether the landmarks lie as a face's can: a similarity transform, without reflection, brings them near the
     * template. Of 1,006 upright photographs and crops of
     * faces none was farther away than 0.42; 0.6 is allowed. See also {@link FaceDetector#isUpsideDown}: the landmarks of such a face look right.
     */
    public boolean isPlausible() {
        return FaceAligner.misfit(pointArray()) <= MAX_MISFIT;
    }

    /** The same face in an image that is scaled, and then shifted by as many pixels along both axes. */
    DetectedFace mapped(double scale, double shiftPx) {
        Box moved = new Box(
                mapped(box.x, scale, shiftPx), mapped(box.y, scale, shiftPx), box.width * scale, box.height * scale);
        List<Point> all = points.stream()
                .map(point -> new Point(mapped(point.x, scale, shiftPx), mapped(point.y, scale, shiftPx)))
                .toList();
        return new DetectedFace(moved, all, score);
    }

    /** Centers of pixels are whole numbers, before and after. */
    private static double mapped(double place, double scale, double shiftPx) {
        return (place + 0.5) * scale - 0.5 + shiftPx;
    }

    /** The points as {@link FaceAligner} takes them: five times x and y. */
    public double[][] pointArray() {
        return points.stream().map(point -> new double[] {point.x(), point.y()}).toArray(double[][]::new);
    }
}
