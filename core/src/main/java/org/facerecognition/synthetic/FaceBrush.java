package org.facerecognition.synthetic;

import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/**
 * The common tools of the painters of a face: its proportions, a model of the head's surface, and shapes that follow
 * that surface. Lengths are in face units, see {@link SyntheticIdentity}.
 */
final class FaceBrush {
    /** The number of corners of a full ellipse; a multiple of 4, so that each quarter has a whole number of them. */
    static final int CORNERS = 40;

    static final double[] COS = new double[CORNERS];
    static final double[] SIN = new double[CORNERS];

    static {
        for (int i = 0; i < CORNERS; i++) {
            COS[i] = StrictMath.cos(2 * Math.PI * i / CORNERS);
            SIN[i] = StrictMath.sin(2 * Math.PI * i / CORNERS);
        }
    }

    static final Rgb WHITE = new Rgb(250, 248, 244);
    static final Rgb BLACK = new Rgb(22, 18, 20);
    static final Rgb BLUSH = new Rgb(226, 84, 84);

    /** The distance by which the middle of the face lies in front of its outline. */
    private static final double DEPTH = 0.72;

    private final SyntheticCanvas canvas;
    private final SyntheticIdentity identity;
    private final Rgb skin;
    private final Rgb shade;
    private final double width;

    /** @param canvas borrowed */
    FaceBrush(SyntheticCanvas canvas, SyntheticIdentity identity) {
        this.canvas = canvas;
        this.identity = identity;
        skin = identity.head().skin();
        shade = skin.times(0.8).mix(new Rgb(150, 50, 40), 0.08);
        width = identity.head().width();
    }

    SyntheticCanvas canvas() {
        return canvas;
    }

    SyntheticIdentity identity() {
        return identity;
    }

    Rgb skin() {
        return skin;
    }

    /** Returns the color of shaded skin. */
    Rgb shade() {
        return shade;
    }

    /** Returns half the width of the head at the cheeks. */
    double width() {
        return width;
    }

    /** Adds a corner that lies on the surface of the head. */
    void skinCorner(double x, double y) {
        canvas.corner(x, y, skinZ(x, y));
    }

    /** Fills an ellipse on the surface of the head. */
    void patch(double x, double y, double halfWidth, double halfHeight, Rgb color) {
        for (int i = 0; i < CORNERS; i += 2) {
            skinCorner(x + halfWidth * COS[i], y + halfHeight * SIN[i]);
        }
        canvas.fill(color);
    }

    /**
     * Fills a curved line on the surface of the head: a quadratic Bezier curve from (x0, y0) to (x1, y1) with control
     * point (bendX, bendY), thickest in the middle.
     */
    void stroke(double x0, double y0, double bendX, double bendY, double x1, double y1, double thickness, Rgb color) {
        int steps = 8;
        for (int i = 0; i <= 2 * steps; i++) {
            double t = (i <= steps ? i : 2 * steps - i) / (double) steps;
            double x = (1 - t) * (1 - t) * x0 + 2 * t * (1 - t) * bendX + t * t * x1;
            double y = (1 - t) * (1 - t) * y0 + 2 * t * (1 - t) * bendY + t * t * y1;
            double dx = 2 * (1 - t) * (bendX - x0) + 2 * t * (x1 - bendX);
            double dy = 2 * (1 - t) * (bendY - y0) + 2 * t * (y1 - bendY);
            double half = (i <= steps ? 0.5 : -0.5) * thickness * (0.35 + 2.6 * t * (1 - t));
            double length = StrictMath.sqrt(dx * dx + dy * dy) + 1e-9;
            skinCorner(x - dy / length * half, y + dx / length * half);
        }
        canvas.fill(color);
    }

    /** Fills an ellipse at one depth. */
    void ellipse(double x, double y, double halfWidth, double halfHeight, double z, Rgb color) {
        for (int i = 0; i < CORNERS; i += 2) {
            canvas.corner(x + halfWidth * COS[i], y + halfHeight * SIN[i], z);
        }
        canvas.fill(color);
    }

    /** Returns x of corner {@code i} of {@link #CORNERS} of the head's outline. */
    double outlineX(int i) {
        if (SIN[i] <= 0) {
            return width * COS[i];
        }
        double narrowed = 1 - identity.head().taper() * SIN[i] * SIN[i];
        double power = StrictMath.pow(Math.abs(COS[i]), identity.head().jaw());
        return width * narrowed * Math.signum(COS[i]) * power;
    }

    /** Returns y of corner {@code i} of {@link #CORNERS} of the head's outline. */
    double outlineY(int i) {
        return SIN[i] * (SIN[i] <= 0 ? 1 : identity.head().chin());
    }

    /** Returns the depth of the head's outline at a height; the jaw lies in front of the skull. */
    static double outlineZ(double y) {
        return y > 0 ? 0.3 * y * y : 0;
    }

    /** Returns the depth of the head's surface at a point: half an ellipsoid on the outline. */
    double skinZ(double x, double y) {
        double u = x / width;
        double v = y / 1.2;
        return outlineZ(y) + DEPTH * StrictMath.sqrt(Math.max(0, 1 - u * u - v * v));
    }

    /** Returns y of the tip of the nose. */
    double noseY() {
        return identity.eyes().height() + identity.nose().length();
    }

    /** Returns y of the middle of the mouth. */
    double mouthY() {
        return noseY() + identity.mouth().height() - 0.02;
    }
}
