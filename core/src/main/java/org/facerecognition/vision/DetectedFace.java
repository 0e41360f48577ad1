package org.facerecognition.vision;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A face that a {@link FaceDetector} found.
 *
 * @param box around the face, from brow to chin; may extend beyond the image
 * @param points five landmarks in the order of {@link FaceTemplate}: the eye on the image's left (the person's right
 *     one), the eye on the image's right, the tip of the nose, the corners of the mouth on the image's left and right.
 *     "Left" refers to the upright face, so that an upside-down face has its image-left eye on the right
 * @param score the detector's confidence, in [0, 1]
 */
public record DetectedFace(Box box, List<Point> points, double score) {
    private static final double MAX_MISFIT = 0.6;

    /** The number of landmarks of a face. */
    public static final int POINTS = 5;

    /** A rectangle: x and y of its top left corner and its sides, in fractional pixels of the image. */
    public record Box(double x, double y, double width, double height) {
        /** Returns the area in square pixels. */
        public double area() {
            return width * height;
        }
    }

    /** A point in the image, in fractional pixels; the center of the first pixel is (0, 0). */
    public record Point(double x, double y) {}

    /** @throws IllegalArgumentException when there are not five points */
    public DetectedFace {
        points = List.copyOf(points);
        if (points.size() != POINTS) {
            throw new IllegalArgumentException("points must be " + POINTS + ", but were " + points.size());
        }
    }

    /**
     * Returns whether the landmarks can be those of a face: a similarity transform, without reflection, maps them near
     * the template. Of 1,006 upright photographs and crops of faces none was farther away than 0.42; 0.6 is allowed.
     * This does not detect upside-down faces, whose landmarks look right; see {@link FaceDetector#isUpsideDown}.
     */
    public boolean isPlausible() {
        return FaceAligner.misfit(pointArray()) <= MAX_MISFIT;
    }

    /** Returns the same face in an image that is scaled; centers of pixels are whole numbers before and after. */
    DetectedFace scaled(double scaleX, double scaleY) {
        return mapped(
                new Box(along(box.x, scaleX), along(box.y, scaleY), box.width * scaleX, box.height * scaleY),
                point -> new Point(along(point.x, scaleX), along(point.y, scaleY)));
    }

    /**
     * Returns the same face in an image that is enlarged.
     *
     * @param factor by which its sides are longer
     */
    public DetectedFace scaled(double factor) {
        return scaled(factor, factor);
    }

    private static double along(double coordinate, double scale) {
        return (coordinate + 0.5) * scale - 0.5;
    }

    /** Returns the same face in an image to which pixels are added on the left and at the top. */
    DetectedFace shifted(double x, double y) {
        return mapped(
                new Box(box.x + x, box.y + y, box.width, box.height), point -> new Point(point.x + x, point.y + y));
    }

    /** Returns the same face in an image in which its box and its landmarks lie elsewhere. */
    DetectedFace mapped(Box moved, UnaryOperator<Point> map) {
        return new DetectedFace(moved, points.stream().map(map).toList(), score);
    }

    /** Returns the landmarks as {@link FaceAligner} takes them: five times x and y. */
    public double[][] pointArray() {
        return points.stream().map(point -> new double[] {point.x(), point.y()}).toArray(double[][]::new);
    }
}
