package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.BORDER_CONSTANT;
import static org.bytedeco.opencv.global.opencv_core.CV_64F;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.warpAffine;

import org.bytedeco.javacpp.indexer.DoubleIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Aligns a face: maps its five landmarks to those of a {@link FaceTemplate} by a similarity transform (rotation,
 * uniform scale and translation, no reflection). Matches insightface's {@code face_align.py}: bilinear, black outside.
 *
 * <p>A face at any angle becomes upright. Mirrored landmarks (left and right exchanged) have no such transform: they
 * get the rotation and scale with the least squared error, as in Umeyama's paper, and a crop that no network can use.
 * They are not corrected silently, because the landmarks of a face in profile may legitimately cross one another.
 */
public final class FaceAligner {
    private static final int MAX_WARPED_PX = 32_766; // OpenCV's limit
    private static final int MARGIN_PX = 2;
    private static final double SAME_POINTS = 1e-24; // spread relative to the squared coordinates

    private FaceAligner() {}

    /** Returns the template's five landmarks, x and y in pixels of a 112x112 image. */
    public static double[][] template() {
        return FaceTemplate.SQUARE_112.points();
    }

    /**
     * Crops the aligned face.
     *
     * @param image any type; borrowed and not changed
     * @param points five landmarks, x and y in pixels of {@code image}, in the template's order
     * @param sizePx side of the result; 112 is the template itself, other sizes scale it
     * @return sizePx x sizePx, of the same type; owned
     * @throws IllegalArgumentException when the image is closed or empty, there are not five points, one is not finite,
     *     or all are the same
     */
    public static Mat align(Mat image, double[][] points, int sizePx) {
        return align(image, points, FaceTemplate.square(sizePx));
    }

    /**
     * Crops the aligned face to the size and landmarks of a template.
     *
     * @param image any type; borrowed and not changed
     * @param points five landmarks, x and y in pixels of {@code image}, in the template's order
     * @return an image of the template's size and the type of {@code image}; owned
     * @throws IllegalArgumentException when the image is closed or empty, there are not five points, one is not finite,
     *     or all are the same
     */
    public static Mat align(Mat image, double[][] points, FaceTemplate template) {
        if (image.isNull() || image.empty()) {
            throw new IllegalArgumentException("image must have pixels, but was " + Pixels.describe(image));
        }
        double[][] matrix = similarity(points, template.points());
        if (Math.max(image.cols(), image.rows()) > MAX_WARPED_PX) {
            try (Rect place = source(matrix, template, image);
                    Mat part = new Mat(image, place)) {
                return warp(part, shifted(matrix, place.x(), place.y()), template);
            }
        }
        return warp(image, matrix, template);
    }

    /** Returns the part of an image that a crop shows, with a margin for interpolation; inside of the image. */
    private static Rect source(double[][] matrix, FaceTemplate template, Mat image) {
        double[] row = matrix[0];
        double square = row[0] * row[0] + row[1] * row[1];
        double left = Double.POSITIVE_INFINITY;
        double top = Double.POSITIVE_INFINITY;
        double right = Double.NEGATIVE_INFINITY;
        double bottom = Double.NEGATIVE_INFINITY;
        for (int corner = 0; corner < 4; corner++) {
            double x = (corner % 2) * template.widthPx() - matrix[0][2];
            double y = (corner / 2) * template.heightPx() - matrix[1][2];
            double fromX = (row[0] * x - row[1] * y) / square; // the inverse of a rotation and a scale
            double fromY = (row[1] * x + row[0] * y) / square;
            left = Math.min(left, fromX);
            top = Math.min(top, fromY);
            right = Math.max(right, fromX);
            bottom = Math.max(bottom, fromY);
        }
        int x = (int) Math.max(0, Math.min(image.cols() - 1.0, Math.floor(left) - MARGIN_PX));
        int y = (int) Math.max(0, Math.min(image.rows() - 1.0, Math.floor(top) - MARGIN_PX));
        int width = (int) Math.max(1, Math.min(image.cols() - x, Math.ceil(right) + MARGIN_PX - x));
        int height = (int) Math.max(1, Math.min(image.rows() - y, Math.ceil(bottom) + MARGIN_PX - y));
        return new Rect(x, y, width, height);
    }

    private static double[][] shifted(double[][] matrix, int x, int y) {
        double[][] shifted = new double[2][];
        for (int i = 0; i < 2; i++) {
            double[] row = matrix[i];
            shifted[i] = new double[] {row[0], row[1], row[2] + row[0] * x + row[1] * y};
        }
        return shifted;
    }

    private static Mat warp(Mat image, double[][] matrix, FaceTemplate template) {
        Mat aligned = new Mat();
        try (Mat affine = new Mat(2, 3, CV_64F);
                Size size = new Size(template.widthPx(), template.heightPx());
                Scalar black = new Scalar(0.0)) {
            try (DoubleIndexer index = affine.createIndexer()) {
                for (int row = 0; row < 2; row++) {
                    index.put(row, 0, matrix[row]);
                }
            }
            warpAffine(image, aligned, affine, size, INTER_LINEAR, BORDER_CONSTANT, black);
        }
        return aligned;
    }

    /**
     * Returns the similarity transform that maps {@code from} nearest to {@code to} in the least-squares sense:
     * Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", PAMI 1991. In the
     * plane its solution without reflection needs no singular values: with centered points as complex numbers p and q,
     * rotation and scale together are the one complex number sum(conj(p) q) / sum(|p|^2).
     *
     * @param from n points, x and y
     * @param to n points, x and y
     * @return the 2x3 matrix [a -b tx; b a ty]
     * @throws IllegalArgumentException when the numbers of points differ, one is not finite, or {@code from} are all
     *     the same
     */
    public static double[][] similarity(double[][] from, double[][] to) {
        if (from.length != to.length || from.length < 2) {
            throw new IllegalArgumentException(
                    "points must be " + to.length + " pairs of x and y, but were " + from.length);
        }
        double[] centerFrom = center(from);
        double[] centerTo = center(to);
        double real = 0;
        double imaginary = 0;
        double spread = 0;
        double squares = 0;
        for (int i = 0; i < from.length; i++) {
            squares += from[i][0] * from[i][0] + from[i][1] * from[i][1];
            double px = from[i][0] - centerFrom[0];
            double py = from[i][1] - centerFrom[1];
            double qx = to[i][0] - centerTo[0];
            double qy = to[i][1] - centerTo[1];
            real += px * qx + py * qy;
            imaginary += px * qy - py * qx;
            spread += px * px + py * py;
        }
        double a = real / spread;
        double b = imaginary / spread;
        boolean same = spread <= SAME_POINTS * squares; // the mean of equal numbers is another one after rounding
        if (same || !Double.isFinite(a) || !Double.isFinite(b)) {
            throw new IllegalArgumentException(
                    "points must be finite and not all the same, but their spread was " + spread);
        }
        return new double[][] {
            {a, -b, centerTo[0] - a * centerFrom[0] + b * centerFrom[1]},
            {b, a, centerTo[1] - b * centerFrom[0] - a * centerFrom[1]}
        };
    }

    /**
     * Returns by how much {@link #align(Mat, double[][], FaceTemplate)} enlarges a face; a number below 1 reduces it.
     *
     * @param points five landmarks, x and y, in the template's order
     * @throws IllegalArgumentException as {@link #similarity}
     */
    public static double scale(double[][] points, FaceTemplate template) {
        double[] row = similarity(points, template.points())[0];
        return Math.hypot(row[0], row[1]);
    }

    /**
     * Returns how much five landmarks differ from those of a face seen from the front: the residual of the best
     * similarity transform to the template.
     *
     * @param points five landmarks, x and y
     * @return root mean square of the residual distances, as a fraction of the template's spread; 0 for the template
     *     itself, near 1 for points in random order; infinity when the points are all the same or not finite
     */
    static double misfit(double[][] points) {
        double[][] template = template();
        double[][] matrix;
        try {
            matrix = similarity(points, template);
        } catch (IllegalArgumentException e) {
            return Double.POSITIVE_INFINITY;
        }
        double[] center = center(template);
        double residual = 0;
        double spread = 0;
        for (int i = 0; i < template.length; i++) {
            for (int axis = 0; axis < 2; axis++) {
                double[] row = matrix[axis];
                double mapped = row[0] * points[i][0] + row[1] * points[i][1] + row[2];
                residual += Math.pow(mapped - template[i][axis], 2);
                spread += Math.pow(template[i][axis] - center[axis], 2);
            }
        }
        return Math.sqrt(residual / spread);
    }

    private static double[] center(double[][] points) {
        double x = 0;
        double y = 0;
        for (double[] point : points) {
            x += point[0];
            y += point[1];
        }
        return new double[] {x / points.length, y / points.length};
    }
}
