package org.facerecognition.synthetic;

import static org.facerecognition.synthetic.FaceBrush.CORNERS;
import static org.facerecognition.synthetic.FaceBrush.COS;
import static org.facerecognition.synthetic.FaceBrush.SIN;

import org.facerecognition.synthetic.SyntheticCanvas.Rgb;
import org.facerecognition.synthetic.SyntheticIdentity.Texture;

/** Paints the hair in three layers: behind the head, around its outline, and in front of the face. */
final class HairPainter {
    private final FaceBrush brush;
    private final SyntheticCanvas canvas;
    private final SyntheticIdentity.Hair hair;
    private final double width;

    HairPainter(FaceBrush brush) {
        this.brush = brush;
        this.canvas = brush.canvas();
        this.hair = brush.identity().hair();
        this.width = brush.width();
    }

    /** Paints the long hair that falls behind the head. */
    void paintBack() {
        if (hair.bald() || hair.length() < 0) {
            return;
        }
        double half = width + 0.06 + 0.6 * hair.volume();
        for (int i = 0; i < CORNERS; i++) {
            double x = half * COS[i] * (1 + wave(i));
            double y = SIN[i] < 0 ? SIN[i] * (1 + hair.volume()) : SIN[i] * hair.length();
            // Below the ears hair hangs down, so the outline is closer to a rectangle than to an ellipse.
            canvas.corner(SIN[i] > 0 ? half * Math.signum(COS[i]) * StrictMath.sqrt(Math.abs(COS[i])) : x, y, -0.25);
        }
        canvas.fill(hair.color().times(0.72));
    }

    /**
     * Paints the hair around the outline of the head, which fills the gap that the hairline of a turned head leaves.
     */
    void paintDome() {
        if (!hair.bald()) {
            edge(0.95);
            canvas.fill(hair.color().times(0.8));
        }
    }

    /** Paints the bun, the hair on top of the head, the locks beside the face and the strands. */
    void paintFront() {
        if (hair.bald()) {
            return;
        }
        if (hair.bun() > 0) {
            brush.ellipse(
                    0,
                    -1 - hair.volume() - 0.5 * hair.bun(),
                    hair.bun(),
                    0.85 * hair.bun(),
                    -0.3,
                    hair.color().times(0.85));
        }
        cap(1, hair.color().times(0.88));
        cap(0.6, hair.color().times(1.06));
        locks();
        strands();
    }

    /** Adds the outer edge of the hair, from ear to ear. */
    private void edge(double thickness) {
        for (int i = 0; i <= CORNERS / 2; i++) {
            int j = (CORNERS - i) % CORNERS; // SIN falls from 0 to -1 and rises again
            double out = 1.03 + thickness * hair.volume() * (0.45 - 0.55 * SIN[j]) + wave(j);
            canvas.corner(width * out * COS[j], out * SIN[j], -0.05);
        }
    }

    /** Paints the hair on top of the head: over the top from temple to temple, and back along the hairline. */
    private void cap(double thickness, Rgb color) {
        double temple = 0.08;
        canvas.corner(1.02 * width, temple, 0.05);
        edge(thickness);
        canvas.corner(-1.02 * width, temple, 0.05);
        int steps = 12;
        for (int i = 0; i <= steps; i++) {
            double t = 2.0 * i / steps - 1;
            double y = hair.hairline() - hair.recession() * bump(t) + hair.part() * t * (1 - t * t) * 1.6;
            double side = t * t * t * t * t * t;
            double x = 0.97 * t * width;
            double line = Math.min(0.1, Math.max(-0.93, y * (1 - side) - (1 - thickness) * 0.12 * (1 - side)));
            brush.skinCorner(x * StrictMath.sqrt(Math.max(0.05, 1 - 0.7 * line * line)), line);
        }
        canvas.fill(color);
    }

    /** Paints the long hair that falls in front of the ears. */
    private void locks() {
        if (hair.length() < 0) {
            return;
        }
        double outer = width + 0.06 + 0.5 * hair.volume();
        for (int side = -1; side <= 1; side += 2) {
            for (int i = 0; i <= 8; i++) {
                double y = -0.5 + (hair.length() + 0.45) * i / 8;
                double flare = Math.min(1, (y + 0.5) * 2); // leaves the skull along its curve
                double x = 0.9 * width + flare * (outer - 0.9 * width) + (i % 2 == 0 ? 0.5 * wave(2) : 0);
                canvas.corner(side * x, y, -0.05);
            }
            canvas.corner(side * (outer - 0.1), hair.length(), 0.05);
            canvas.corner(side * (width - 0.03), 0.6 * hair.length(), 0.1);
            canvas.corner(side * 0.86 * width, -0.1, 0.25);
            canvas.corner(side * 0.8 * width, -0.5, 0.25);
            canvas.fill(hair.color().times(0.95));
        }
    }

    /** Paints a few lines from the parting to the hairline. */
    private void strands() {
        if (hair.texture() != Texture.SMOOTH) {
            return;
        }
        double from = 1.5 * hair.part();
        double top = -0.86 - 0.2 * hair.volume();
        for (int i = -2; i <= 2; i++) {
            double to = 0.36 * i * width;
            double end = hair.hairline() - 0.1 - 0.05 * Math.abs(i);
            brush.stroke(
                    from,
                    top,
                    0.7 * to + 0.3 * from,
                    top + 0.04,
                    to,
                    end,
                    0.022,
                    hair.color().times(i % 2 == 0 ? 0.75 : 1.25));
        }
    }

    /** Returns 0 in the middle (t = 0) and at the temples (t = -1 and 1), and up to 1 in between. */
    private static double bump(double t) {
        return 4 * t * t * (1 - t * t);
    }

    /** Returns how far the texture moves corner {@code i} of the hair's edge outward. */
    private double wave(int i) {
        int phase = i * hair.waves() % CORNERS;
        if (hair.texture() == Texture.CURLS) {
            return 0.045 * COS[phase];
        }
        return hair.texture() == Texture.SPIKES && i % 2 == 0 ? 0.09 : 0;
    }
}
