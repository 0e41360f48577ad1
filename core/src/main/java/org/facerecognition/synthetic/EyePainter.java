package org.facerecognition.synthetic;

import static org.facerecognition.synthetic.FaceBrush.BLACK;
import static org.facerecognition.synthetic.FaceBrush.CORNERS;
import static org.facerecognition.synthetic.FaceBrush.COS;
import static org.facerecognition.synthetic.FaceBrush.SIN;
import static org.facerecognition.synthetic.FaceBrush.WHITE;

import org.facerecognition.synthetic.SyntheticCanvas.Rgb;
import org.facerecognition.synthetic.SyntheticIdentity.Glasses;

/** Paints the eyes, the eyebrows and the glasses. */
final class EyePainter {
    private final FaceBrush brush;
    private final SyntheticCanvas canvas;
    private final SyntheticIdentity identity;
    private final SyntheticShot shot;
    private final Rgb skin;
    private final Rgb shade;
    private final double width;

    EyePainter(FaceBrush brush, SyntheticShot shot) {
        this.brush = brush;
        this.canvas = brush.canvas();
        this.identity = brush.identity();
        this.shot = shot;
        this.skin = brush.skin();
        this.shade = brush.shade();
        this.width = brush.width();
    }

    /**
     * Paints one eye with its socket, iris, pupil and lashes.
     *
     * @param side -1 for the eye on the image's left, 1 for the one on its right
     */
    void paintEye(int side) {
        SyntheticIdentity.Eyes eyes = identity.eyes();
        SyntheticShot.Expression expression = shot.expression();
        double open = eyes.width() * eyes.openness() * expression.eyeOpen();
        brush.patch(
                side * eyes.spacing(),
                eyes.height() - 0.02,
                1.25 * eyes.width(),
                0.1 + 0.5 * eyes.width(),
                skin.mix(shade, 0.3));
        Lids lids = new Lids(side, eyes, open);
        for (int i = 0; i < CORNERS; i++) {
            eyeCorner(lids, eyes.width() * COS[i], SIN[i] * 9);
        }
        canvas.fill(WHITE.mix(skin, 0.06));
        double radius = 0.5 * eyes.irisSize() * eyes.width() * (0.75 + 0.4 * eyes.openness());
        double gazeX = expression.gazeX() * 0.45 * (eyes.width() - radius);
        double gazeY = expression.gazeY() * 0.15 * eyes.width() - 0.04 * eyes.width();
        iris(lids, gazeX * side, gazeY, radius, eyes.iris().times(0.6));
        iris(lids, gazeX * side, gazeY, 0.82 * radius, eyes.iris());
        iris(lids, gazeX * side, gazeY, 0.42 * radius, BLACK);
        iris(lids, (gazeX - 0.35 * radius) * side, gazeY - 0.4 * radius, 0.24 * radius, WHITE);
        lashes(lids, eyes);
    }

    /** The opening of one eye. x runs outward from the middle of the eye, so that both sides share one formula. */
    private record Lids(int side, SyntheticIdentity.Eyes eyes, double open) {
        double upper(double x) {
            double t = x / eyes.width();
            return -0.62 * open * Math.max(0, 1 - t * t * (0.35 + 0.65 * t * t)) - eyes.tilt() * x;
        }

        double lower(double x) {
            double t = x / eyes.width();
            return 0.45 * open * Math.max(0, 1 - t * t) - eyes.tilt() * x;
        }

        double clipped(double x, double y) {
            return Math.max(upper(x), Math.min(lower(x), y));
        }
    }

    /** Adds a corner of an eye, clipped to its lids. */
    private void eyeCorner(Lids lids, double x, double y) {
        SyntheticIdentity.Eyes eyes = lids.eyes();
        double inside = Math.max(-eyes.width(), Math.min(eyes.width(), x));
        brush.skinCorner(lids.side() * (eyes.spacing() + inside), eyes.height() + lids.clipped(inside, y));
    }

    private void iris(Lids lids, double x, double y, double radius, Rgb color) {
        for (int i = 0; i < CORNERS; i += 2) {
            eyeCorner(lids, x + radius * COS[i], y - lids.eyes().tilt() * x + radius * SIN[i]);
        }
        canvas.fill(color);
    }

    private void lashes(Lids lids, SyntheticIdentity.Eyes eyes) {
        int steps = 10;
        for (int i = 0; i <= 2 * steps + 1; i++) {
            boolean upper = i <= steps;
            double t = (upper ? i : 2 * steps + 1 - i) / (0.5 * steps) - 1;
            double x = 1.06 * t * eyes.width();
            double thickness = eyes.lid() * (0.7 + 0.5 * t); // thicker toward the outer corner
            brush.skinCorner(
                    lids.side() * (eyes.spacing() + x),
                    eyes.height() + lids.upper(x) + (upper ? -thickness : 0.4 * thickness));
        }
        canvas.fill(BLACK.mix(identity.hair().color(), 0.2));
    }

    /**
     * Paints one eyebrow.
     *
     * @param side -1 for the eyebrow on the image's left, 1 for the one on its right
     */
    void paintBrow(int side) {
        SyntheticIdentity.Brows brows = identity.brows();
        SyntheticIdentity.Eyes eyes = identity.eyes();
        double y = eyes.height() - brows.height() - shot.expression().browRaise();
        double inner = eyes.spacing() - brows.length();
        double outer = eyes.spacing() + 1.05 * brows.length();
        double rise = brows.tilt() * brows.length();
        brush.stroke(
                side * inner,
                y + rise,
                side * (0.35 * inner + 0.65 * outer),
                y - 2 * brows.arch() - rise,
                side * outer,
                y - rise + 0.03,
                brows.thickness() * 1.1,
                brows.color());
    }

    void paintGlasses() {
        SyntheticIdentity.Marks marks = identity.marks();
        if (marks.glasses() == Glasses.NONE) {
            return;
        }
        SyntheticIdentity.Eyes eyes = identity.eyes();
        double size = marks.frameSize();
        double z = brush.skinZ(eyes.spacing(), eyes.height()) + 0.12;
        double line = 0.028;
        double y = eyes.height() + 0.02;
        for (int side = -1; side <= 1; side += 2) {
            rim(side * (eyes.spacing() + 0.02), y, size, line, z);
            double outer = side * (eyes.spacing() + 0.02 + size);
            canvas.corner(outer, y - 0.05 - line, z);
            canvas.corner(outer, y - 0.05 + line, z);
            canvas.corner(side * 1.02 * width, y - 0.03 + line, 0);
            canvas.corner(side * 1.02 * width, y - 0.03 - line, 0);
            canvas.fill(marks.frame());
        }
        double inner = Math.max(0, eyes.spacing() + 0.02 - size);
        canvas.corner(-inner - line, y - 0.06 - line, z);
        canvas.corner(inner + line, y - 0.06 - line, z);
        canvas.corner(inner + line, y - 0.06 + line, z);
        canvas.corner(-inner - line, y - 0.06 + line, z);
        canvas.fill(marks.frame());
    }

    /** Paints a ring as one polygon, which follows the outer edge, crosses over and returns along the inner edge. */
    private void rim(double x, double y, double size, double line, double z) {
        boolean square = identity.marks().glasses() == Glasses.SQUARE;
        for (int ring = 0; ring < 2; ring++) {
            double half = ring == 0 ? size + line : size - line;
            for (int k = 0; k <= CORNERS; k++) {
                int i = (ring == 0 ? k : CORNERS - k) % CORNERS;
                double u = square ? squared(COS[i]) : COS[i];
                double v = square ? 0.78 * squared(SIN[i]) : 0.95 * SIN[i];
                canvas.corner(x + half * u, y + half * v, z);
            }
        }
        canvas.fill(identity.marks().frame());
    }

    /** Pushes a cosine or sine away from 0, which turns a circle into a rounded square. */
    private static double squared(double value) {
        return Math.signum(value) * StrictMath.sqrt(StrictMath.sqrt(Math.abs(value)));
    }
}
