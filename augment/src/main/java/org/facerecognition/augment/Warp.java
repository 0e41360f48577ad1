package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Warps an image by an affine map about its center, like torchvision's {@code affine} and {@code rotate} for tensors:
 * in single precision, with pixel centers at halves, and black where the image does not reach.
 */
final class Warp {
    private Warp() {}

    /**
     * An affine motion about the center of an image: shear, scale, rotation, then translation.
     *
     * @param degrees the rotation, clockwise
     * @param translateX the translation to the right in pixels
     * @param translateY the translation down in pixels
     * @param scale the scale factor; above 1 enlarges
     * @param shearX the shear along x in degrees
     * @param shearY the shear along y in degrees
     */
    record Motion(double degrees, double translateX, double translateY, double scale, double shearX, double shearY) {
        /**
         * Returns the inverse map, from a position in the result to one in the image: a 2x3 matrix, row by row.
         * Positions are relative to the center of the image.
         *
         * @param centerX the x of the fixed point
         * @param centerY the y of the fixed point
         */
        float[] inverse(double centerX, double centerY) {
            double angle = Math.toRadians(degrees);
            double sx = Math.toRadians(shearX);
            double sy = Math.toRadians(shearY);
            double a = Math.cos(angle - sy) / Math.cos(sy);
            double b = -a * Math.tan(sx) - Math.sin(angle);
            double c = Math.sin(angle - sy) / Math.cos(sy);
            double d = -c * Math.tan(sx) + Math.cos(angle);
            double[] m = {d / scale, -b / scale, 0, -c / scale, a / scale, 0}; // the determinant without scale is 1
            m[2] = m[0] * (-centerX - translateX) + m[1] * (-centerY - translateY) + centerX;
            m[5] = m[3] * (-centerX - translateX) + m[4] * (-centerY - translateY) + centerY;
            float[] single = new float[6];
            for (int i = 0; i < 6; i++) {
                single[i] = (float) m[i];
            }
            return single;
        }
    }

    /**
     * Warps an image.
     *
     * @param inverse see {@link Motion#inverse}
     * @return owned
     */
    static Mat apply(Mat image, float[] inverse, Interpolation interpolation) {
        Images.requireRgb(image);
        for (float number : inverse) {
            if (!Float.isFinite(number)) {
                throw new IllegalArgumentException(
                        "angles, translations and shears must be finite and the scale not 0, but the inverse map was "
                                + Arrays.toString(inverse));
            }
        }
        int rows = image.rows();
        int cols = image.cols();
        int step = Math.toIntExact(image.step());
        ByteBuffer from = image.createBuffer();
        Mat result = new Mat(rows, cols, CV_8UC3);
        byte[] line = new byte[3 * cols];
        for (int y = 0; y < rows; y++) {
            float yc = y - rows * 0.5f + 0.5f;
            for (int x = 0; x < cols; x++) {
                float xc = x - cols * 0.5f + 0.5f;
                // through -1..1, like torch.nn.functional.grid_sample
                float gx = (xc * inverse[0] + yc * inverse[1] + inverse[2]) / (0.5f * cols);
                float gy = (xc * inverse[3] + yc * inverse[4] + inverse[5]) / (0.5f * rows);
                float sx = ((gx + 1) * cols - 1) / 2;
                float sy = ((gy + 1) * rows - 1) / 2;
                if (interpolation == Interpolation.NEAREST) {
                    nearest(from, step, rows, cols, sx, sy, line, 3 * x);
                } else {
                    bilinear(from, step, rows, cols, sx, sy, line, 3 * x);
                }
            }
            result.ptr(y).put(line, 0, line.length);
        }
        Reference.reachabilityFence(image); // the buffer alone does not keep its pixels
        return result;
    }

    private static void nearest(
            ByteBuffer from, int step, int rows, int cols, float sx, float sy, byte[] line, int at) {
        int x = (int) Math.rint(sx);
        int y = (int) Math.rint(sy);
        boolean inside = x >= 0 && x < cols && y >= 0 && y < rows;
        for (int c = 0; c < 3; c++) {
            line[at + c] = inside ? from.get(y * step + 3 * x + c) : 0;
        }
    }

    private static void bilinear(
            ByteBuffer from, int step, int rows, int cols, float sx, float sy, byte[] line, int at) {
        int x = (int) Math.floor(sx);
        int y = (int) Math.floor(sy);
        float right = sx - x;
        float below = sy - y;
        for (int c = 0; c < 3; c++) {
            float sum = (1 - right) * (1 - below) * value(from, step, rows, cols, x, y, c)
                    + right * (1 - below) * value(from, step, rows, cols, x + 1, y, c)
                    + (1 - right) * below * value(from, step, rows, cols, x, y + 1, c)
                    + right * below * value(from, step, rows, cols, x + 1, y + 1, c);
            line[at + c] = (byte) (int) Math.rint(sum);
        }
    }

    private static int value(ByteBuffer from, int step, int rows, int cols, int x, int y, int c) {
        return x >= 0 && x < cols && y >= 0 && y < rows ? from.get(y * step + 3 * x + c) & 0xff : 0;
    }
}
