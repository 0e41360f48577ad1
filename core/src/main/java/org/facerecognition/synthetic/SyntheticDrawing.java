package org.facerecognition.synthetic;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;
import org.facerecognition.synthetic.SyntheticIdentity.Glasses;
import org.facerecognition.synthetic.SyntheticIdentity.Spot;
import org.facerecognition.synthetic.SyntheticIdentity.Texture;

/** Draws an identity as a shot shows it, from the back to the front. Lengths are in face units. */
final class SyntheticDrawing {
    /** Corners of a round thing; a multiple of 4, so that quarters are whole. */
    private static final int ROUND = 40;

    private static final double[] COS = new double[ROUND];
    private static final double[] SIN = new double[ROUND];

    static {
        for (int i = 0; i < ROUND; i++) {
            COS[i] = StrictMath.cos(2 * Math.PI * i / ROUND);
            SIN[i] = StrictMath.sin(2 * Math.PI * i / ROUND);
        }
    }

    private static final double DEPTH = 0.72;
    private static final Rgb WHITE = new Rgb(250, 248, 244);
    private static final Rgb BLACK = new Rgb(22, 18, 20);
    private static final Rgb BLUSH = new Rgb(226, 84, 84);

    private final SyntheticCanvas canvas;
    private final SyntheticIdentity who;
    private final SyntheticShot shot;
    private final Rgb skin;
    private final Rgb shade;
    private final double width;

    SyntheticDrawing(SyntheticCanvas canvas, SyntheticIdentity who, SyntheticShot shot) {
        this.canvas = canvas;
        this.who = who;
        this.shot = shot;
        skin = who.head().skin();
        shade = skin.times(0.8).mix(new Rgb(150, 50, 40), 0.08);
        width = who.head().width();
    }

    void draw() {
        background();
        backHair();
        body();
        ears();
        hairDome();
        head();
        cheeks();
        beard();
        mouth();
        nose();
        for (int side = -1; side <= 1; side += 2) {
            eye(side);
            brow(side);
        }
        spots();
        glasses();
        frontHair();
    }

    // ---------------------------------------------------------------- behind the face

    private void background() {
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

    private void backHair() {
        SyntheticIdentity.Hair hair = who.hair();
        if (hair.bald() || hair.length() < 0) {
            return;
        }
        double half = width + 0.06 + 0.6 * hair.volume();
        for (int i = 0; i < ROUND; i++) {
            double x = half * COS[i] * (1 + wave(i));
            double y = SIN[i] < 0 ? SIN[i] * (1 + hair.volume()) : SIN[i] * hair.length();
            // From the ears down it hangs: closer to a rectangle than to an ellipse.
            canvas.corner(SIN[i] > 0 ? half * Math.signum(COS[i]) * root(Math.abs(COS[i])) : x, y, -0.25);
        }
        canvas.fill(hair.color().times(0.72));
    }

    private void body() {
        SyntheticShot.Pose pose = shot.pose();
        double x = 0.5 + pose.shiftX();
        double neck = 0.55 * width * pose.scale();
        double shoulders = 0.5 + pose.shiftY() + (who.head().chin() + 0.24) * pose.scale();
        double chin = 0.5 + pose.shiftY() + 0.5 * pose.scale();
        polygon(skin.times(0.78), x - neck, chin, x + neck, chin, x + 1.1 * neck, 1.1, x - 1.1 * neck, 1.1);
        double dip = shot.scene().collar();
        canvas.frameCorner(x - 2.7 * neck, shoulders + 0.07);
        canvas.frameCorner(x - 1.05 * neck, shoulders - 0.03);
        canvas.frameCorner(x, shoulders + 0.12 * dip);
        canvas.frameCorner(x + 1.05 * neck, shoulders - 0.03);
        canvas.frameCorner(x + 2.7 * neck, shoulders + 0.07);
        canvas.frameCorner(x + 3.4 * neck, 1.1);
        canvas.frameCorner(x - 3.4 * neck, 1.1);
        canvas.fill(shot.scene().clothes());
    }

    private void polygon(Rgb color, double... xy) {
        for (int i = 0; i < xy.length; i += 2) {
            canvas.frameCorner(xy[i], xy[i + 1]);
        }
        canvas.fill(color);
    }

    private void ears() {
        SyntheticIdentity.Head head = who.head();
        for (int side = -1; side <= 1; side += 2) {
            double x = side * (width + 0.25 * head.earSize());
            ellipse(x, head.earHeight(), 0.55 * head.earSize(), head.earSize(), -0.1, skin.times(0.9));
            ellipse(x, head.earHeight(), 0.28 * head.earSize(), 0.6 * head.earSize(), -0.1, shade);
        }
    }

    private void ellipse(double x, double y, double halfWidth, double halfHeight, double z, Rgb color) {
        for (int i = 0; i < ROUND; i += 2) {
            canvas.corner(x + halfWidth * COS[i], y + halfHeight * SIN[i], z);
        }
        canvas.fill(color);
    }

    // ---------------------------------------------------------------- the face

    private void head() {
        outline(1.02, shade);
        outline(0.99, skin);
    }

    private void outline(double size, Rgb color) {
        for (int i = 0; i < ROUND; i++) {
            double y = size * outlineY(i);
            canvas.corner(size * outlineX(i), y, outlineZ(y));
        }
        canvas.fill(color);
    }

    private double outlineX(int i) {
        if (SIN[i] <= 0) {
            return width * COS[i];
        }
        double narrowed = 1 - who.head().taper() * SIN[i] * SIN[i];
        return width
                * narrowed
                * Math.signum(COS[i])
                * StrictMath.pow(Math.abs(COS[i]), who.head().jaw());
    }

    private double outlineY(int i) {
        return SIN[i] * (SIN[i] <= 0 ? 1 : who.head().chin());
    }

    /** The jaw lies in front of the skull. */
    private static double outlineZ(double y) {
        return y > 0 ? 0.3 * y * y : 0;
    }

    /** Adds a corner that lies on the skin. */
    private void skinCorner(double x, double y) {
        canvas.corner(x, y, skinZ(x, y));
    }

    private double skinZ(double x, double y) {
        double u = x / width;
        double v = y / 1.2;
        return outlineZ(y) + DEPTH * StrictMath.sqrt(Math.max(0, 1 - u * u - v * v));
    }

    private void patch(double x, double y, double halfWidth, double halfHeight, Rgb color) {
        for (int i = 0; i < ROUND; i += 2) {
            skinCorner(x + halfWidth * COS[i], y + halfHeight * SIN[i]);
        }
        canvas.fill(color);
    }

    /** A line on the skin from the first point over the second's height to the third; swells in the middle. */
    private void stroke(
            double x0, double y0, double bendX, double bendY, double x1, double y1, double thickness, Rgb c) {
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
        canvas.fill(c);
    }

    private void cheeks() {
        SyntheticIdentity.Marks marks = who.marks();
        double mouthY = mouthY();
        for (int side = -1; side <= 1; side += 2) {
            patch(side * 0.42, 0.36, 0.2, 0.15, skin.mix(BLUSH, 0.08 * marks.blush()));
            patch(side * 0.42, 0.36, 0.13, 0.1, skin.mix(BLUSH, 0.2 * marks.blush()));
            if (marks.creases() > 0.4) {
                double x = side * (who.nose().width() + 0.05);
                double end = side * (who.mouth().width() + 0.08);
                stroke(x, mouthY - 0.2, end, mouthY - 0.18, end, mouthY, 0.03 * marks.creases(), shade);
            }
        }
    }

    private void beard() {
        SyntheticIdentity.Beard beard = who.beard();
        Rgb color = skin.mix(who.hair().color(), 0.3 + 0.6 * beard.cover());
        double mouthY = mouthY();
        if (beard.cover() > 0) {
            // Down one side along the outline, then back over the cheeks and under the nose.
            for (int i = 0; i <= ROUND / 2; i++) {
                double y = Math.max(beard.top() * 0.6, 1.02 * outlineY(i));
                canvas.corner(1.0 * outlineX(i), y, outlineZ(y));
            }
            double inner = who.mouth().width() + 0.06;
            skinCorner(-0.8 * width, beard.top());
            skinCorner(-inner, mouthY - 0.02);
            skinCorner(-0.5 * inner, mouthY - 0.1);
            skinCorner(0.5 * inner, mouthY - 0.1);
            skinCorner(inner, mouthY - 0.02);
            skinCorner(0.8 * width, beard.top());
            canvas.fill(color);
        }
        if (beard.moustache() > 0) {
            double y = mouthY - 0.09;
            double x = who.mouth().width() + 0.02;
            stroke(
                    -x,
                    y + 0.06,
                    0,
                    y - 0.06,
                    x,
                    y + 0.06,
                    2 * beard.moustache(),
                    who.hair().color().times(0.9));
        }
    }

    private double noseY() {
        return who.eyes().height() + who.nose().length();
    }

    private double mouthY() {
        return noseY() + who.mouth().height() - 0.02;
    }

    private void mouth() {
        SyntheticIdentity.Mouth mouth = who.mouth();
        SyntheticShot.Expression expression = shot.expression();
        double y = mouthY();
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
        double[] upper = new double[9];
        double[] lower = new double[9];
        for (int i = 0; i < 9; i++) {
            double t = (i - 4) / 4.0;
            double line = corners + (middle - corners) * (1 - t * t);
            upper[i] = line - mouth.upperLip() * (1 - t * t) + (i == 4 ? bow : 0);
            lower[i] = line;
        }
        band(half, upper, lower, mouth.lips().times(0.9));
        for (int i = 0; i < 9; i++) {
            double t = (i - 4) / 4.0;
            double line = corners + (middle + gap - corners) * (1 - t * t);
            upper[i] = line;
            lower[i] = line + mouth.lowerLip() * root(Math.max(0, 1 - t * t)) * (1 - t * t);
        }
        band(half, upper, lower, mouth.lips());
        stroke(
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
        double[] upper = new double[9];
        double[] lower = new double[9];
        for (int i = 0; i < 9; i++) {
            double t = (i - 4) / 4.0;
            upper[i] = corners + (top - corners) * (1 - t * t);
            lower[i] = corners + (bottom - corners) * (1 - t * t);
        }
        band(half, upper, lower, color);
    }

    /** Fills between two curves given at equal steps from -half to half. */
    private void band(double half, double[] upper, double[] lower, Rgb color) {
        int last = upper.length - 1;
        for (int i = 0; i <= last; i++) {
            skinCorner(half * (2.0 * i / last - 1), upper[i]);
        }
        for (int i = last; i >= 0; i--) {
            skinCorner(half * (2.0 * i / last - 1), lower[i]);
        }
        canvas.fill(color);
    }

    private void nose() {
        SyntheticIdentity.Nose nose = who.nose();
        double y = noseY();
        double half = nose.width();
        double top = who.eyes().height();
        double lift = 0.2 * nose.tip() + 0.06;
        double side = shot.light().x() > 0 ? -1 : 1; // the side away from the lamp lies in shade
        noseCorner(0, top, 0);
        noseCorner(side * half * nose.bridge(), top + 0.06, 0);
        noseCorner(side * half * (0.2 + nose.bridge()), y - 0.12, 0.4 * lift);
        noseCorner(side * half, y - 0.03, 0.1 * lift);
        noseCorner(side * 0.7 * half, y + 0.05, 0.2 * lift);
        noseCorner(0, y + 0.06, 0.6 * lift);
        noseCorner(0, y - 0.08, lift);
        canvas.fill(skin.mix(shade, 0.5));
        double ball = 0.055 + 0.05 * nose.tip();
        ellipse(
                0,
                y - 0.02,
                ball,
                0.8 * ball,
                skinZ(0, y) + lift,
                skin.mix(WHITE, 0.1).mix(BLUSH, 0.06));
        for (int s = -1; s <= 1; s += 2) {
            ellipse(s * 0.75 * half, y, 0.3 * half, 0.055, skinZ(0, y) + 0.3 * lift, skin.mix(shade, 0.45));
            ellipse(
                    s * 0.42 * half,
                    y + 0.04,
                    nose.nostril(),
                    0.6 * nose.nostril(),
                    skinZ(0, y) + 0.5 * lift,
                    shade.times(0.45));
        }
    }

    private void noseCorner(double x, double y, double lift) {
        canvas.corner(x, y, skinZ(x, y) + lift);
    }

    private void eye(int side) {
        SyntheticIdentity.Eyes eyes = who.eyes();
        SyntheticShot.Expression expression = shot.expression();
        double open = eyes.width() * eyes.openness() * expression.eyeOpen();
        patch(
                side * eyes.spacing(),
                eyes.height() - 0.02,
                1.25 * eyes.width(),
                0.1 + 0.5 * eyes.width(),
                skin.mix(shade, 0.3));
        Lids lids = new Lids(side, eyes, open);
        for (int i = 0; i < ROUND; i++) {
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

    /** The opening of one eye. x runs from the middle of the eye outwards, so both sides share one formula. */
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

    /** Adds a corner of an eye, kept between its lids. */
    private void eyeCorner(Lids lids, double x, double y) {
        SyntheticIdentity.Eyes eyes = lids.eyes();
        double inside = Math.max(-eyes.width(), Math.min(eyes.width(), x));
        skinCorner(lids.side() * (eyes.spacing() + inside), eyes.height() + lids.clipped(inside, y));
    }

    private void iris(Lids lids, double x, double y, double radius, Rgb color) {
        for (int i = 0; i < ROUND; i += 2) {
            eyeCorner(lids, x + radius * COS[i], y - lids.eyes().tilt() * x + radius * SIN[i]);
        }
        canvas.fill(color);
    }

    private void lashes(Lids lids, SyntheticIdentity.Eyes eyes) {
        int steps = 10;
        for (int i = 0; i <= 2 * steps + 1; i++) {
            boolean over = i <= steps;
            double t = (over ? i : 2 * steps + 1 - i) / (0.5 * steps) - 1;
            double x = 1.06 * t * eyes.width();
            double thickness = eyes.lid() * (0.7 + 0.5 * t); // thicker outside
            skinCorner(
                    lids.side() * (eyes.spacing() + x),
                    eyes.height() + lids.upper(x) + (over ? -thickness : 0.4 * thickness));
        }
        canvas.fill(BLACK.mix(who.hair().color(), 0.2));
    }

    private void brow(int side) {
        SyntheticIdentity.Brows brows = who.brows();
        SyntheticIdentity.Eyes eyes = who.eyes();
        double y = eyes.height() - brows.height() - shot.expression().browRaise();
        double inner = eyes.spacing() - brows.length();
        double outer = eyes.spacing() + 1.05 * brows.length();
        double rise = brows.tilt() * brows.length();
        stroke(
                side * inner,
                y + rise,
                side * (0.35 * inner + 0.65 * outer),
                y - 2 * brows.arch() - rise,
                side * outer,
                y - rise + 0.03,
                brows.thickness() * 1.1,
                brows.color());
    }

    private void spots() {
        SyntheticIdentity.Marks marks = who.marks();
        RandomGenerator random = new SplittableRandom(marks.freckleSeed());
        for (int i = 0; i < marks.freckles(); i++) {
            double x = random.nextDouble(-0.55, 0.55);
            double y = random.nextDouble(0.1, 0.42);
            patch(x, y, 0.016, 0.014, skin.mix(new Rgb(130, 70, 40), 0.45));
        }
        for (Spot mole : marks.moles()) {
            patch(mole.x(), mole.y(), mole.size(), mole.size(), shade.times(0.5));
        }
    }

    // ---------------------------------------------------------------- before the face

    private void frontHair() {
        SyntheticIdentity.Hair hair = who.hair();
        if (hair.bald()) {
            return;
        }
        if (hair.bun() > 0) {
            ellipse(
                    0,
                    -1 - hair.volume() - 0.5 * hair.bun(),
                    hair.bun(),
                    0.85 * hair.bun(),
                    -0.3,
                    hair.color().times(0.85));
        }
        hairCap(1, hair.color().times(0.88));
        hairCap(0.6, hair.color().times(1.06));
        locks();
        strands();
    }

    /** The hair beyond the head's outline, which shows where a turned head's hairline leaves a gap. */
    private void hairDome() {
        if (!who.hair().bald()) {
            hairEdge(0.95);
            canvas.fill(who.hair().color().times(0.8));
        }
    }

    /** Adds the outer edge of the hair, from ear to ear. */
    private void hairEdge(double thickness) {
        for (int i = 0; i <= ROUND / 2; i++) {
            int j = (ROUND - i) % ROUND; // SIN falls from 0 to -1 and comes back
            double out = 1.03 + thickness * who.hair().volume() * (0.45 - 0.55 * SIN[j]) + wave(j);
            canvas.corner(width * out * COS[j], out * SIN[j], -0.05);
        }
    }

    /** Over the top from temple to temple, and back along the hairline. */
    private void hairCap(double thickness, Rgb color) {
        SyntheticIdentity.Hair hair = who.hair();
        double temple = 0.08;
        canvas.corner(1.02 * width, temple, 0.05);
        hairEdge(thickness);
        canvas.corner(-1.02 * width, temple, 0.05);
        int steps = 12;
        for (int i = 0; i <= steps; i++) {
            double t = 2.0 * i / steps - 1;
            double y = hair.hairline() - hair.recession() * bump(t) + hair.part() * t * (1 - t * t) * 1.6;
            double side = t * t * t * t * t * t;
            double x = 0.97 * t * width;
            double line = Math.min(0.1, Math.max(-0.93, y * (1 - side) - (1 - thickness) * 0.12 * (1 - side)));
            skinCorner(x * root(Math.max(0.05, 1 - 0.7 * line * line)), line);
        }
        canvas.fill(color);
    }

    /** Long hair that falls before the ears. */
    private void locks() {
        SyntheticIdentity.Hair hair = who.hair();
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

    /** A few lines from the parting to the hairline. */
    private void strands() {
        SyntheticIdentity.Hair hair = who.hair();
        if (hair.texture() != Texture.SMOOTH) {
            return;
        }
        double from = 1.5 * hair.part();
        double top = -0.86 - 0.2 * hair.volume();
        for (int i = -2; i <= 2; i++) {
            double to = 0.36 * i * width;
            double end = hair.hairline() - 0.1 - 0.05 * Math.abs(i);
            stroke(
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

    /** 0 in the middle and at the temples, 1 between. */
    private static double bump(double t) {
        return 4 * t * t * (1 - t * t);
    }

    private double wave(int i) {
        SyntheticIdentity.Hair hair = who.hair();
        int phase = i * hair.waves() % ROUND;
        if (hair.texture() == Texture.CURLS) {
            return 0.045 * COS[phase];
        }
        return hair.texture() == Texture.SPIKES && i % 2 == 0 ? 0.09 : 0;
    }

    private void glasses() {
        SyntheticIdentity.Marks marks = who.marks();
        if (marks.glasses() == Glasses.NONE) {
            return;
        }
        SyntheticIdentity.Eyes eyes = who.eyes();
        double size = marks.frameSize();
        double z = skinZ(eyes.spacing(), eyes.height()) + 0.12;
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

    /** A ring, as one polygon that runs around outside, crosses over and comes back inside. */
    private void rim(double x, double y, double size, double line, double z) {
        boolean square = who.marks().glasses() == Glasses.SQUARE;
        for (int ring = 0; ring < 2; ring++) {
            double half = ring == 0 ? size + line : size - line;
            for (int k = 0; k <= ROUND; k++) {
                int i = (ring == 0 ? k : ROUND - k) % ROUND;
                double u = square ? Math.signum(COS[i]) * root(root(Math.abs(COS[i]))) : COS[i];
                double v = square ? 0.78 * Math.signum(SIN[i]) * root(root(Math.abs(SIN[i]))) : 0.95 * SIN[i];
                canvas.corner(x + half * u, y + half * v, z);
            }
        }
        canvas.fill(who.marks().frame());
    }

    private static double root(double x) {
        return StrictMath.sqrt(x);
    }
}
