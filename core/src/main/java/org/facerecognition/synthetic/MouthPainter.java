package org.facerecognition.synthetic;

import static org.facerecognition.synthetic.FaceBrush.BLACK;
import static org.facerecognition.synthetic.FaceBrush.BLUSH;
import static org.facerecognition.synthetic.FaceBrush.CORNERS;
import static org.facerecognition.synthetic.FaceBrush.WHITE;

import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/** Paints the mouth and, around it, the beard and the mustache. */
final class MouthPainter {
    /** The number of points on each edge of a lip. */
    private static final int LIP_POINTS = 9;

    private final FaceBrush brush;
    private final SyntheticCanvas canvas;
    private final SyntheticIdentity identity;
    private final SyntheticShot shot;
    private final Rgb skin;
    private final double width;

    MouthPainter(FaceBrush brush, SyntheticShot shot) {
        this.brush = brush;
        this.canvas = brush.canvas();
        this.identity = brush.identity();
        this.shot = shot;
        this.skin = brush.skin();
        this.width = brush.width();
    }

    void paintBeard() {
        SyntheticIdentity.Beard beard = identity.beard();
        Rgb color = skin.mix(identity.hair().color(), 0.3 + 0.6 * beard.cover());
        double mouthY = brush.mouthY();
        if (beard.cover() > 0) {
            // Along the outline from one side to the other, then back over the cheeks and under the nose.
            for (int i = 0; i <= CORNERS / 2; i++) {
                double y = Math.max(beard.top() * 0.6, 1.02 * brush.outlineY(i));
                canvas.corner(brush.outlineX(i), y, FaceBrush.outlineZ(y));
            }
            double inner = identity.mouth().width() + 0.06;
            brush.skinCorner(-0.8 * width, beard.top());
            brush.skinCorner(-inner, mouthY - 0.02);
            brush.skinCorner(-0.5 * inner, mouthY - 0.1);
            brush.skinCorner(0.5 * inner, mouthY - 0.1);
            brush.skinCorner(inner, mouthY - 0.02);
            brush.skinCorner(0.8 * width, beard.top());
            canvas.fill(color);
        }
        if (beard.mustache() > 0) {
            double y = mouthY - 0.09;
            double x = identity.mouth().width() + 0.02;
            brush.stroke(
                    -x,
                    y + 0.06,
                    0,
                    y - 0.06,
                    x,
                    y + 0.06,
                    2 * beard.mustache(),
                    identity.hair().color().times(0.9));
        }
    }

    void paintMouth() {
        SyntheticIdentity.Mouth mouth = identity.mouth();
        SyntheticShot.Expression expression = shot.expression();
        double y = brush.mouthY();
        double half = mouth.width() * (1 + 0.8 * expression.smile());
        double corners = y - mouth.curve() - expression.smile();
        double middle = y + 0.4 * (mouth.curve() + expression.smile());
        double gap = expression.mouthOpen();
        if (gap > 0.015) {
            lip(half, corners, middle, middle + gap, BLACK.mix(BLUSH, 0.25));
            if (gap > 0.04) {
                lip(0.8 * half, corners + 0.2 * (middle - corners), middle, middle + 0.4 * gap, WHITE.times(0.94));
            }
        }
        double bow = mouth.cupidsBow() * mouth.upperLip();
        double[] upper = new double[LIP_POINTS];
        double[] lower = new double[LIP_POINTS];
        for (int i = 0; i < LIP_POINTS; i++) {
            double t = (i - 4) / 4.0;
            double line = corners + (middle - corners) * (1 - t * t);
            upper[i] = line - mouth.upperLip() * (1 - t * t) + (i == 4 ? bow : 0);
            lower[i] = line;
        }
        band(half, upper, lower, mouth.lips().times(0.9));
        for (int i = 0; i < LIP_POINTS; i++) {
            double t = (i - 4) / 4.0;
            double line = corners + (middle + gap - corners) * (1 - t * t);
            upper[i] = line;
            lower[i] = line + mouth.lowerLip() * StrictMath.sqrt(Math.max(0, 1 - t * t)) * (1 - t * t);
        }
        band(half, upper, lower, mouth.lips());
        brush.stroke(
                -half,
                corners,
                0,
                2 * middle - corners,
                half,
                corners,
                0.028,
                mouth.lips().times(0.5));
    }

    private void lip(double half, double corners, double top, double bottom, Rgb color) {
        double[] upper = new double[LIP_POINTS];
        double[] lower = new double[LIP_POINTS];
        for (int i = 0; i < LIP_POINTS; i++) {
            double t = (i - 4) / 4.0;
            upper[i] = corners + (top - corners) * (1 - t * t);
            lower[i] = corners + (bottom - corners) * (1 - t * t);
        }
        band(half, upper, lower, color);
    }

    /** Fills the area between two curves, which are sampled at equal steps from -half to half. */
    private void band(double half, double[] upper, double[] lower, Rgb color) {
        int last = upper.length - 1;
        for (int i = 0; i <= last; i++) {
            brush.skinCorner(half * (2.0 * i / last - 1), upper[i]);
        }
        for (int i = last; i >= 0; i--) {
            brush.skinCorner(half * (2.0 * i / last - 1), lower[i]);
        }
        canvas.fill(color);
    }
}
