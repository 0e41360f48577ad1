package org.facerecognition.synthetic;

import java.util.random.RandomGenerator;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/** What changes from one image of a drawn face to the next, and says nothing about who it is. */
record SyntheticShot(Pose pose, Expression expression, Light light, Scene scene, Camera camera) {

    /**
     * @param yawRad turn of the head about the vertical, positive towards the image's right
     * @param pitchRad nod, positive for down
     * @param rollRad turn in the image plane, positive clockwise
     * @param scale face unit over image size
     * @param shiftX of the origin from the image's middle, over image size
     * @param perspective how much larger what is nearer appears, per face unit
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
     * @param smile rise of the mouth's corners, face units
     * @param mouthOpen gap between the lips, face units
     * @param browRaise face units
     * @param eyeOpen factor on the eyes' own opening
     * @param gazeX in [-1, 1], as a share of the way the iris can go
     */
    record Expression(double smile, double mouthOpen, double browRaise, double eyeOpen, double gazeX, double gazeY) {}

    /**
     * @param x direction to the lamp; x, y, z have length 1
     * @param ambient share of the light that comes from everywhere, in [0, 1]
     * @param color factor on each channel, 255 for 1
     */
    record Light(double x, double y, double z, double ambient, double exposure, Rgb color) {}

    /**
     * @param detailPx the background is drawn this small and stretched: little is out of focus
     * @param shapes how many in the background
     */
    record Scene(Rgb wall, Rgb floor, Rgb clothes, double collar, int detailPx, int shapes, long shapeSeed) {}

    /**
     * @param contrast factor about middle gray
     * @param blur standard deviation over image size
     * @param noise standard deviation, gray levels
     */
    record Camera(double contrast, double blur, double noise, long noiseSeed) {}

    static SyntheticShot draw(RandomGenerator random) {
        return new SyntheticShot(pose(random), expression(random), light(random), scene(random), camera(random));
    }

    private static Pose pose(RandomGenerator random) {
        return new Pose(
                mostlySmall(0.45, random),
                mostlySmall(0.22, random),
                mostlySmall(0.22, random),
                random.nextDouble(0.34, 0.4),
                mostlySmall(0.055, random),
                -0.03 + mostlySmall(0.055, random),
                random.nextDouble(0.04, 0.18));
    }

    /** Between plus and minus {@code most}, by a triangle that peaks at 0. */
    private static double mostlySmall(double most, RandomGenerator random) {
        return most * (random.nextDouble() - random.nextDouble());
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
        double grey = random.nextDouble(40, 240);
        return vivid.mix(new Rgb(grey, grey, grey), 0.5);
    }
}
