package org.facerecognition.synthetic;

import static org.bytedeco.opencv.global.opencv_core.CV_16SC3;
import static org.bytedeco.opencv.global.opencv_core.CV_64FC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.add;
import static org.bytedeco.opencv.global.opencv_core.multiply;
import static org.bytedeco.opencv.global.opencv_imgproc.GaussianBlur;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR_EXACT;
import static org.bytedeco.opencv.global.opencv_imgproc.LINE_AA;
import static org.bytedeco.opencv.global.opencv_imgproc.fillPoly;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.RNG;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * The canvas that synthetic faces are painted on. It takes corners in face units with their depth, rotates and projects
 * them by the shot's pose, and fills polygons. {@link #photograph} then applies the effects of light, lens and sensor.
 */
final class SyntheticCanvas implements AutoCloseable {
    /** A color with components in [0, 255]. */
    record Rgb(double red, double green, double blue) {
        Rgb mix(Rgb other, double share) {
            return new Rgb(
                    red + share * (other.red - red),
                    green + share * (other.green - green),
                    blue + share * (other.blue - blue));
        }

        Rgb times(double factor) {
            return new Rgb(Math.min(255, red * factor), Math.min(255, green * factor), Math.min(255, blue * factor));
        }
    }

    private static final int MAX_CORNERS = 160;
    /** Corners are passed to OpenCV in units of 1/16 pixel. */
    private static final int SUBPIXEL_BITS = 4;

    private static final int LIGHT_GRID = 14;
    /** The byte that represents a factor of 1 in the grid of the light. */
    private static final double LIGHT_UNIT = 100;

    private final SyntheticShot shot;
    private final Mat image;
    private final IntPointer corners = new IntPointer(2L * MAX_CORNERS);
    private final Point first = new Point(corners);
    private final Point origin = new Point(0, 0);
    private final int[] pending = new int[2 * MAX_CORNERS];
    private final int[] count = new int[1];
    private final double cosYaw;
    private final double sinYaw;
    private final double cosPitch;
    private final double sinPitch;
    private final double cosRoll;
    private final double sinRoll;

    SyntheticCanvas(int sizePx, SyntheticShot shot) {
        this.shot = shot;
        image = new Mat(sizePx, sizePx, CV_8UC3);
        cosYaw = StrictMath.cos(shot.pose().yawRad());
        sinYaw = StrictMath.sin(shot.pose().yawRad());
        cosPitch = StrictMath.cos(shot.pose().pitchRad());
        sinPitch = StrictMath.sin(shot.pose().pitchRad());
        cosRoll = StrictMath.cos(shot.pose().rollRad());
        sinRoll = StrictMath.sin(shot.pose().rollRad());
    }

    /** Adds a corner that turns with the head, in face units; z points toward the viewer. */
    void corner(double x, double y, double z) {
        SyntheticShot.Pose pose = shot.pose();
        double yawedX = x * cosYaw + z * sinYaw;
        double yawedZ = z * cosYaw - x * sinYaw;
        double pitchedY = y * cosPitch + yawedZ * sinPitch;
        double scale = pose.scale() / (1 - pose.perspective() * (yawedZ * cosPitch - y * sinPitch));
        imageCorner(
                0.5 + pose.shiftX() + scale * (yawedX * cosRoll - pitchedY * sinRoll),
                0.5 + pose.shiftY() + scale * (yawedX * sinRoll + pitchedY * cosRoll));
    }

    /** Adds a corner that does not turn with the head; (0, 0) is the image's upper left, (1, 1) its lower right. */
    void imageCorner(double x, double y) {
        double unit = image.cols() << SUBPIXEL_BITS;
        pending[2 * count[0]] = (int) StrictMath.rint(x * unit);
        pending[2 * count[0] + 1] = (int) StrictMath.rint(y * unit);
        count[0]++;
    }

    /** Fills the polygon of the corners that were added since the last call. */
    void fill(Rgb color) {
        corners.put(pending, 0, 2 * count[0]);
        try (Scalar scalar = new Scalar(color.red(), color.green(), color.blue(), 0)) {
            fillPoly(image, first, count, 1, scalar, LINE_AA, SUBPIXEL_BITS, origin);
        }
        count[0] = 0;
    }

    /** Covers the whole canvas with an image of {@code side x side} pixels, enlarged and therefore blurred. */
    void cover(byte[] rgb, int side) {
        try (Mat coarse = new Mat(side, side, CV_8UC3);
                Size size = image.size()) {
            coarse.data().put(rgb);
            resize(coarse, image, size, 0, 0, INTER_LINEAR_EXACT);
        }
    }

    /**
     * Returns the painting, lit, blurred and with noise.
     *
     * @return RGB, CV_8UC3, {@code sizePx x sizePx}; owned
     */
    Mat photograph(int sizePx) {
        Mat photo = new Mat();
        try (Size size = new Size(sizePx, sizePx)) {
            resize(image, photo, size, 0, 0, INTER_AREA);
            applyLight(photo, size);
            blur(photo);
            addNoise(photo);
        }
        return photo;
    }

    /** Applies Lambert's law for an ellipsoid at the place of the head, computed on a coarse grid. */
    private void applyLight(Mat photo, Size size) {
        try (Mat grid = new Mat(LIGHT_GRID, LIGHT_GRID, CV_8UC3);
                Mat fine = new Mat()) {
            grid.data().put(lightGrid());
            resize(grid, fine, size, 0, 0, INTER_LINEAR_EXACT);
            multiply(photo, fine, photo, shot.camera().contrast() / LIGHT_UNIT, -1);
        }
    }

    private byte[] lightGrid() {
        SyntheticShot.Pose pose = shot.pose();
        SyntheticShot.Light light = shot.light();
        byte[] grid = new byte[3 * LIGHT_GRID * LIGHT_GRID];
        for (int i = 0; i < LIGHT_GRID * LIGHT_GRID; i++) {
            double x = ((i % LIGHT_GRID + 0.5) / LIGHT_GRID - 0.5 - pose.shiftX()) / pose.scale();
            double y = ((i / LIGHT_GRID + 0.5) / LIGHT_GRID - 0.5 - pose.shiftY()) / pose.scale();
            double radius = StrictMath.sqrt(x * x + y * y);
            double normalZ = StrictMath.sqrt(Math.max(0, 1 - radius * radius));
            double lambert = (x * light.x() + y * light.y()) / Math.max(1, radius) + normalZ * light.z();
            double factor = light.exposure() * (light.ambient() + (1 - light.ambient()) * Math.max(0, lambert));
            grid[3 * i] = lightByte(factor * light.color().red());
            grid[3 * i + 1] = lightByte(factor * light.color().green());
            grid[3 * i + 2] = lightByte(factor * light.color().blue());
        }
        return grid;
    }

    private static byte lightByte(double factorOf255) {
        return (byte) Math.min(255, StrictMath.rint(factorOf255 / 255 * LIGHT_UNIT));
    }

    private void blur(Mat photo) {
        double sigmaPx = shot.camera().blur() * photo.cols();
        if (sigmaPx > 0.2) {
            try (Size automatic = new Size(0, 0)) {
                GaussianBlur(photo, photo, automatic, sigmaPx);
            }
        }
    }

    /** Adds noise whose mean restores middle gray after {@link #applyLight} has scaled the pixels by the contrast. */
    private void addNoise(Mat photo) {
        SyntheticShot.Camera camera = shot.camera();
        try (RNG random = new RNG(camera.noiseSeed()); // theRNG() would change the state of the caller's thread
                Mat noise = new Mat(photo.rows(), photo.cols(), CV_16SC3);
                Scalar mean = new Scalar(128 * (1 - camera.contrast()));
                Scalar std = new Scalar(camera.noise());
                Mat means = new Mat(1, 1, CV_64FC1, mean);
                Mat stds = new Mat(1, 1, CV_64FC1, std);
                Mat noMask = new Mat()) {
            random._fill(noise, RNG.NORMAL, means, stds);
            add(photo, noise, photo, noMask, photo.depth());
        }
    }

    @Override
    public void close() {
        origin.close();
        first.close();
        corners.close();
        image.close();
    }
}
