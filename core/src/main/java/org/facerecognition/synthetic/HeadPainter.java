package org.facerecognition.synthetic;

import static org.facerecognition.synthetic.FaceBrush.BLUSH;
import static org.facerecognition.synthetic.FaceBrush.CORNERS;
import static org.facerecognition.synthetic.FaceBrush.WHITE;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;
import org.facerecognition.synthetic.SyntheticIdentity.Spot;

/** Paints the ears, the head, the cheeks, the nose, freckles and moles. */
final class HeadPainter {
    private final FaceBrush brush;
    private final SyntheticCanvas canvas;
    private final SyntheticIdentity identity;
    private final SyntheticShot shot;
    private final Rgb skin;
    private final Rgb shade;
    private final double width;

    HeadPainter(FaceBrush brush, SyntheticShot shot) {
        this.brush = brush;
        this.canvas = brush.canvas();
        this.identity = brush.identity();
        this.shot = shot;
        this.skin = brush.skin();
        this.shade = brush.shade();
        this.width = brush.width();
    }

    void paintEars() {
        SyntheticIdentity.Head head = identity.head();
        for (int side = -1; side <= 1; side += 2) {
            double x = side * (width + 0.25 * head.earSize());
            brush.ellipse(x, head.earHeight(), 0.55 * head.earSize(), head.earSize(), -0.1, skin.times(0.9));
            brush.ellipse(x, head.earHeight(), 0.28 * head.earSize(), 0.6 * head.earSize(), -0.1, shade);
        }
    }

    void paintHead() {
        outline(1.02, shade);
        outline(0.99, skin);
    }

    private void outline(double size, Rgb color) {
        for (int i = 0; i < CORNERS; i++) {
            double y = size * brush.outlineY(i);
            canvas.corner(size * brush.outlineX(i), y, FaceBrush.outlineZ(y));
        }
        canvas.fill(color);
    }

    void paintCheeks() {
        SyntheticIdentity.Marks marks = identity.marks();
        double mouthY = brush.mouthY();
        for (int side = -1; side <= 1; side += 2) {
            brush.patch(side * 0.42, 0.36, 0.2, 0.15, skin.mix(BLUSH, 0.08 * marks.blush()));
            brush.patch(side * 0.42, 0.36, 0.13, 0.1, skin.mix(BLUSH, 0.2 * marks.blush()));
            if (marks.creases() > 0.4) {
                double x = side * (identity.nose().width() + 0.05);
                double end = side * (identity.mouth().width() + 0.08);
                brush.stroke(x, mouthY - 0.2, end, mouthY - 0.18, end, mouthY, 0.03 * marks.creases(), shade);
            }
        }
    }

    void paintNose() {
        SyntheticIdentity.Nose nose = identity.nose();
        double y = brush.noseY();
        double half = nose.width();
        double top = identity.eyes().height();
        double lift = 0.2 * nose.tip() + 0.06;
        double side = shot.light().x() > 0 ? -1 : 1; // the side that faces away from the lamp is shaded
        noseCorner(0, top, 0);
        noseCorner(side * half * nose.bridge(), top + 0.06, 0);
        noseCorner(side * half * (0.2 + nose.bridge()), y - 0.12, 0.4 * lift);
        noseCorner(side * half, y - 0.03, 0.1 * lift);
        noseCorner(side * 0.7 * half, y + 0.05, 0.2 * lift);
        noseCorner(0, y + 0.06, 0.6 * lift);
        noseCorner(0, y - 0.08, lift);
        canvas.fill(skin.mix(shade, 0.5));
        double ball = 0.055 + 0.05 * nose.tip();
        brush.ellipse(
                0,
                y - 0.02,
                ball,
                0.8 * ball,
                brush.skinZ(0, y) + lift,
                skin.mix(WHITE, 0.1).mix(BLUSH, 0.06));
        double z = brush.skinZ(0, y);
        for (int wing = -1; wing <= 1; wing += 2) {
            brush.ellipse(wing * 0.75 * half, y, 0.3 * half, 0.055, z + 0.3 * lift, skin.mix(shade, 0.45));
            brush.ellipse(
                    wing * 0.42 * half,
                    y + 0.04,
                    nose.nostril(),
                    0.6 * nose.nostril(),
                    z + 0.5 * lift,
                    shade.times(0.45));
        }
    }

    private void noseCorner(double x, double y, double lift) {
        canvas.corner(x, y, brush.skinZ(x, y) + lift);
    }

    /** Paints the freckles and the moles. */
    void paintSpots() {
        SyntheticIdentity.Marks marks = identity.marks();
        RandomGenerator random = new SplittableRandom(marks.freckleSeed());
        for (int i = 0; i < marks.freckles(); i++) {
            double x = random.nextDouble(-0.55, 0.55);
            double y = random.nextDouble(0.1, 0.42);
            brush.patch(x, y, 0.016, 0.014, skin.mix(new Rgb(130, 70, 40), 0.45));
        }
        for (Spot mole : marks.moles()) {
            brush.patch(mole.x(), mole.y(), mole.size(), mole.size(), shade.times(0.5));
        }
    }
}
