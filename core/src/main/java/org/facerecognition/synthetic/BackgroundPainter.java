package org.facerecognition.synthetic;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/** Paints everything that does not turn with the head: the background, the neck and the clothes. */
final class BackgroundPainter {
    private final SyntheticCanvas canvas;
    private final SyntheticIdentity identity;
    private final SyntheticShot shot;

    /** @param canvas borrowed */
    BackgroundPainter(SyntheticCanvas canvas, SyntheticIdentity identity, SyntheticShot shot) {
        this.canvas = canvas;
        this.identity = identity;
        this.shot = shot;
    }

    /** Covers the whole canvas with a gradient and random shapes on a coarse grid. */
    void paintBackground() {
        SyntheticShot.Scene scene = shot.scene();
        int side = scene.detailPx();
        byte[] rgb = new byte[3 * side * side];
        for (int i = 0; i < side * side; i++) {
            put(rgb, i, scene.wall().mix(scene.floor(), (double) i / (side * side)));
        }
        RandomGenerator random = new SplittableRandom(scene.shapeSeed());
        for (int shape = 0; shape < scene.shapes(); shape++) {
            backgroundShape(rgb, side, random);
        }
        canvas.cover(rgb, side);
    }

    private static void backgroundShape(byte[] rgb, int side, RandomGenerator random) {
        Rgb color = SyntheticShot.color(random);
        boolean disc = random.nextBoolean();
        double x = random.nextDouble(side);
        double y = random.nextDouble(side);
        double halfWidth = random.nextDouble(0.05, 0.4) * side;
        double halfHeight = random.nextDouble(0.05, 0.4) * side;
        for (int i = 0; i < side * side; i++) {
            double u = (i % side - x) / halfWidth;
            double v = (i / side - y) / halfHeight;
            if (disc ? u * u + v * v < 1 : Math.max(Math.abs(u), Math.abs(v)) < 1) {
                put(rgb, i, color);
            }
        }
    }

    private static void put(byte[] rgb, int pixel, Rgb color) {
        rgb[3 * pixel] = (byte) color.red();
        rgb[3 * pixel + 1] = (byte) color.green();
        rgb[3 * pixel + 2] = (byte) color.blue();
    }

    void paintNeckAndClothes() {
        double width = identity.head().width();
        SyntheticShot.Pose pose = shot.pose();
        double x = 0.5 + pose.shiftX();
        double neck = 0.55 * width * pose.scale();
        double shoulders = 0.5 + pose.shiftY() + (identity.head().chin() + 0.24) * pose.scale();
        double chin = 0.5 + pose.shiftY() + 0.5 * pose.scale();
        canvas.imageCorner(x - neck, chin);
        canvas.imageCorner(x + neck, chin);
        canvas.imageCorner(x + 1.1 * neck, 1.1);
        canvas.imageCorner(x - 1.1 * neck, 1.1);
        canvas.fill(identity.head().skin().times(0.78));
        double dip = shot.scene().collar();
        canvas.imageCorner(x - 2.7 * neck, shoulders + 0.07);
        canvas.imageCorner(x - 1.05 * neck, shoulders - 0.03);
        canvas.imageCorner(x, shoulders + 0.12 * dip);
        canvas.imageCorner(x + 1.05 * neck, shoulders - 0.03);
        canvas.imageCorner(x + 2.7 * neck, shoulders + 0.07);
        canvas.imageCorner(x + 3.4 * neck, 1.1);
        canvas.imageCorner(x - 3.4 * neck, 1.1);
        canvas.fill(shot.scene().clothes());
    }
}
