package org.facerecognition.synthetic;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.facerecognition.synthetic.SyntheticCanvas.Rgb;

/**
 * The identity of a synthetic face: everything that all images of one person share. Lengths are in face units: 1 is
 * half the height of the skull, x points to the image's right, y points down, and the origin lies between the eyes, a
 * little above the nose.
 */
record SyntheticIdentity(
        Head head, Eyes eyes, Brows brows, Nose nose, Mouth mouth, Hair hair, Beard beard, Marks marks) {

    /**
     * @param width half the width at the cheeks
     * @param jaw exponent of the lower outline; small values give a square jaw
     * @param taper how much the outline narrows toward the chin
     * @param chin distance from the origin to the chin
     */
    record Head(Rgb skin, double width, double jaw, double taper, double chin, double earSize, double earHeight) {}

    /**
     * @param spacing from the middle of the face to the middle of an eye
     * @param width half the width of an eye
     * @param openness height over width
     * @param tilt rise of the outer corner per unit of length, positive for up
     * @param lid thickness of the lash line
     */
    record Eyes(
            Rgb iris,
            double spacing,
            double height,
            double width,
            double openness,
            double tilt,
            double irisSize,
            double lid) {}

    /** @param arch rise of the middle above the ends */
    record Brows(Rgb color, double height, double length, double thickness, double tilt, double arch) {}

    /** @param bridge ratio of the width between the eyes to the width at the wings */
    record Nose(double length, double width, double bridge, double tip, double nostril) {}

    /** @param curve rise of the corners at rest */
    record Mouth(
            Rgb lips, double height, double width, double upperLip, double lowerLip, double cupidsBow, double curve) {}

    /** The shape of the outer edge of the hair. */
    enum Texture {
        SMOOTH,
        CURLS,
        SPIKES
    }

    /**
     * @param volume how far the hair stands off the skull
     * @param hairline y of the hairline in the middle, negative
     * @param recession how much higher the hairline is at the temples; negative for curtain bangs
     * @param part how much lower the hairline is on one side than on the other
     * @param length y down to which the hair falls at the back; less than 0 for short hair
     * @param bun radius of the bun on top of the head; 0 for none
     */
    record Hair(
            Rgb color,
            boolean bald,
            Texture texture,
            int waves,
            double volume,
            double hairline,
            double recession,
            double part,
            double length,
            double bun) {}

    /**
     * @param cover opacity of the beard: 0 for none, 0.4 for stubble, 1 for a full beard
     * @param top y of its upper edge on the cheeks
     * @param mustache half its thickness; 0 for none
     */
    record Beard(double cover, double top, double mustache) {}

    /** @param size radius */
    record Spot(double x, double y, double size) {}

    /** The kind of glasses. */
    enum Glasses {
        NONE,
        ROUND,
        SQUARE
    }

    /**
     * @param freckles number of freckles on the cheeks
     * @param freckleSeed seed of their positions
     * @param blush redness of the cheeks, in [0, 1]
     * @param creases depth of the folds beside the nose, in [0, 1]
     */
    record Marks(
            List<Spot> moles,
            int freckles,
            long freckleSeed,
            double blush,
            double creases,
            Glasses glasses,
            Rgb frame,
            double frameSize) {}

    private static final Rgb[] SKIN = {
        new Rgb(255, 224, 200),
        new Rgb(243, 196, 162),
        new Rgb(217, 162, 122),
        new Rgb(172, 116, 80),
        new Rgb(120, 76, 50),
        new Rgb(78, 50, 38)
    };
    private static final Rgb[] HAIR = {
        new Rgb(30, 26, 28),
        new Rgb(64, 42, 30),
        new Rgb(112, 68, 38),
        new Rgb(140, 58, 30),
        new Rgb(204, 104, 44),
        new Rgb(182, 138, 82),
        new Rgb(232, 200, 132),
        new Rgb(150, 150, 154),
        new Rgb(230, 228, 222)
    };
    private static final Rgb[] IRIS = {
        new Rgb(52, 34, 26),
        new Rgb(104, 64, 34),
        new Rgb(140, 112, 54),
        new Rgb(84, 136, 84),
        new Rgb(72, 132, 190),
        new Rgb(130, 150, 162)
    };
    private static final Rgb[] FRAME = {
        new Rgb(24, 24, 28), new Rgb(110, 44, 36), new Rgb(176, 140, 60), new Rgb(40, 60, 120), new Rgb(150, 150, 156)
    };
    private static final Rgb RED = new Rgb(196, 52, 70);

    static SyntheticIdentity sample(RandomGenerator random) {
        Rgb skin = along(SKIN, random).mix(new Rgb(236, 150, 120), random.nextDouble(0.15));
        Rgb hair = along(HAIR, random).times(random.nextDouble(0.85, 1.1));
        return new SyntheticIdentity(
                head(skin, random),
                eyes(random),
                brows(hair.mix(new Rgb(40, 30, 26), random.nextDouble(0.2, 0.6)), random),
                nose(random),
                mouth(skin.mix(RED, random.nextDouble(0.25, 0.65)), random),
                hair(hair, random),
                beard(random),
                marks(random));
    }

    private static Head head(Rgb skin, RandomGenerator random) {
        return new Head(
                skin,
                random.nextDouble(0.66, 0.86),
                random.nextDouble(0.5, 1.0),
                random.nextDouble(0.0, 0.22),
                random.nextDouble(0.94, 1.14),
                random.nextDouble(0.13, 0.24),
                random.nextDouble(-0.06, 0.14));
    }

    private static Eyes eyes(RandomGenerator random) {
        return new Eyes(
                along(IRIS, random),
                random.nextDouble(0.28, 0.41),
                random.nextDouble(-0.12, 0.06),
                random.nextDouble(0.14, 0.21),
                random.nextDouble(0.55, 1.0),
                random.nextDouble(-0.25, 0.3),
                random.nextDouble(0.75, 1.1),
                random.nextDouble(0.012, 0.045));
    }

    private static Brows brows(Rgb color, RandomGenerator random) {
        return new Brows(
                color,
                random.nextDouble(0.2, 0.32),
                random.nextDouble(0.17, 0.27),
                random.nextDouble(0.025, 0.085),
                random.nextDouble(-0.35, 0.15),
                random.nextDouble(0.0, 0.1));
    }

    private static Nose nose(RandomGenerator random) {
        return new Nose(
                random.nextDouble(0.3, 0.5),
                random.nextDouble(0.1, 0.22),
                random.nextDouble(0.25, 0.6),
                random.nextDouble(0.5, 1.0),
                random.nextDouble(0.02, 0.045));
    }

    private static Mouth mouth(Rgb lips, RandomGenerator random) {
        return new Mouth(
                lips,
                random.nextDouble(0.22, 0.36),
                random.nextDouble(0.18, 0.36),
                random.nextDouble(0.025, 0.085),
                random.nextDouble(0.04, 0.11),
                random.nextDouble(0.0, 0.4),
                random.nextDouble(-0.01, 0.06));
    }

    private static Hair hair(Rgb color, RandomGenerator random) {
        Texture texture = pick(Texture.values(), random);
        double volume = texture == Texture.CURLS ? random.nextDouble(0.1, 0.34) : random.nextDouble(0.04, 0.2);
        return new Hair(
                color,
                random.nextDouble() < 0.08,
                texture,
                random.nextInt(9, 17),
                volume,
                random.nextDouble(-0.74, -0.36),
                random.nextDouble(-0.15, 0.22),
                random.nextDouble(-0.2, 0.2),
                random.nextDouble() < 0.45 ? random.nextDouble(0.3, 1.5) : -1,
                random.nextDouble() < 0.12 ? random.nextDouble(0.2, 0.34) : 0);
    }

    private static Beard beard(RandomGenerator random) {
        double cover = random.nextDouble() < 0.25 ? random.nextDouble(0.25, 1.0) : 0;
        double top = random.nextDouble(0.15, 0.55);
        double mustache = random.nextDouble() < 0.2 ? random.nextDouble(0.03, 0.08) : 0;
        return new Beard(cover, top, mustache);
    }

    private static Marks marks(RandomGenerator random) {
        List<Spot> moles = IntStream.range(0, random.nextInt(3))
                .mapToObj(i -> new Spot(
                        (random.nextBoolean() ? 1 : -1) * random.nextDouble(0.16, 0.55),
                        random.nextDouble(-0.6, 0.85),
                        random.nextDouble(0.02, 0.036)))
                .toList();
        return new Marks(
                moles,
                random.nextDouble() < 0.25 ? random.nextInt(8, 24) : 0,
                random.nextLong(),
                random.nextDouble(),
                random.nextDouble(),
                random.nextDouble() < 0.3 ? pick(new Glasses[] {Glasses.ROUND, Glasses.SQUARE}, random) : Glasses.NONE,
                pick(FRAME, random),
                random.nextDouble(0.2, 0.27));
    }

    /** Returns a random color from the piecewise linear path through the palette. */
    private static Rgb along(Rgb[] palette, RandomGenerator random) {
        double position = random.nextDouble(palette.length - 1);
        int i = (int) position;
        return palette[i].mix(palette[i + 1], position - i);
    }

    private static <T> T pick(T[] choices, RandomGenerator random) {
        return choices[random.nextInt(choices.length)];
    }
}
