package org.facerecognition.synthetic;

import java.util.random.RandomGenerator;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/** The conditions of one image of a synthetic face: everything that varies between images of the same person. */
record SyntheticShot(Pose pose, Expression expression, Light light, Scene scene, Camera camera) {

    /**
     * @param yawRad rotation of the head about the vertical axis, positive toward the image's right
     * @param pitchRad nod, positive for down
     * @param rollRad rotation in the image plane, positive clockwise
     * @param scale ratio of the face unit to the image size
     * @param shiftX offset of the origin from the middle of the image, as a fraction of the image size
     * @param shiftY as {@code shiftX}, downward
     * @param perspective relative magnification per face unit of depth
     */
    record Pose(
            double yawRad,
            double pitchRad,
            double rollRad,
            double scale,
            double shiftX,
            double shiftY,
            double perspective) {}

    /**
     * @param smile rise of the corners of the mouth, in face units
     * @param mouthOpen gap between the lips, in face units
     * @param browRaise rise of the eyebrows, in face units
     * @param eyeOpen factor on the identity's eye opening
     * @param gazeX horizontal offset of the iris in [-1, 1], as a fraction of its range
     * @param gazeY as {@code gazeX}, downward
     */
    record Expression(double smile, double mouthOpen, double browRaise, double eyeOpen, double gazeX, double gazeY) {}

    /**
     * @param x component of the unit vector (x, y, z) toward the lamp
     * @param ambient fraction of the light that comes from all directions, in [0, 1]
     * @param color factor on each channel; 255 stands for 1
     */
    record Light(double x, double y, double z, double ambient, double exposure, Rgb color) {}

    /**
     * @param detailPx side of the image in which the background is painted before it is enlarged: the smaller, the more
     *     it is out of focus
     * @param shapes number of shapes in the background
     */
    record Scene(Rgb wall, Rgb floor, Rgb clothes, double collar, int detailPx, int shapes, long shapeSeed) {}

    /**
     * @param contrast factor about middle gray
     * @param blur standard deviation as a fraction of the image size
     * @param noise standard deviation in gray levels
     */
    record Camera(double contrast, double blur, double noise, long noiseSeed) {}

    static SyntheticShot sample(RandomGenerator random) {
        return new SyntheticShot(pose(random), expression(random), light(random), scene(random), camera(random));
    }

    private static Pose pose(RandomGenerator random) {
        return new Pose(
                triangular(0.45, random),
                triangular(0.22, random),
                triangular(0.22, random),
                random.nextDouble(0.34, 0.4),
                triangular(0.055, random),
                -0.03 + triangular(0.055, random),
                random.nextDouble(0.04, 0.18));
    }

    /** Samples the triangular distribution on (-max, max) that peaks at 0. */
    private static double triangular(double max, RandomGenerator random) {
        return max * (random.nextDouble() - random.nextDouble());
    }

    private static Expression expression(RandomGenerator random) {
        double open = random.nextDouble();
        return new Expression(
                random.nextDouble(-0.03, 0.13),
                0.16 * open * open * open,
                random.nextDouble(-0.04, 0.07),
                random.nextDouble() < 0.06 ? 0.15 : random.nextDouble(0.7, 1.15),
                random.nextDouble(-1, 1),
                random.nextDouble(-1, 1));
    }

    private static Light light(RandomGenerator random) {
        double x = random.nextDouble(-1, 1);
        double y = random.nextDouble(-1, 0.2);
        double z = random.nextDouble(0.5, 1.2);
        double length = StrictMath.sqrt(x * x + y * y + z * z);
        Rgb cast = new Rgb(random.nextDouble(210, 255), random.nextDouble(220, 255), random.nextDouble(200, 255));
        return new Light(
                x / length, y / length, z / length, random.nextDouble(0.4, 0.8), random.nextDouble(0.95, 1.45), cast);
    }

    private static Scene scene(RandomGenerator random) {
        return new Scene(
                color(random),
                color(random),
                color(random),
                random.nextDouble(),
                random.nextInt(6, 40),
                random.nextInt(7),
                random.nextLong());
    }

    private static Camera camera(RandomGenerator random) {
        double blur = random.nextDouble();
        return new Camera(
                random.nextDouble(0.75, 1.15),
                0.012 * blur * blur * blur,
                random.nextDouble(0.5, 6),
                random.nextLong());
    }

    static Rgb color(RandomGenerator random) {
        Rgb vivid = new Rgb(random.nextDouble(20, 250), random.nextDouble(20, 250), random.nextDouble(20, 250));
        double gray = random.nextDouble(40, 240);
        return vivid.mix(new Rgb(gray, gray, gray), 0.5);
    }
}
