package org.facerecognition.augment;

import org.bytedeco.opencv.opencv_core.Mat;

/**
 * The pixel functions behind {@link ColorJitter}: torchvision 0.14's {@code adjust_brightness}, {@code
 * adjust_contrast}, {@code adjust_saturation} and {@code adjust_hue} for uint8 tensors, in the same single-precision
 * arithmetic and with the same truncation of fractions. Each returns a new RGB image, owned.
 */
public final class Adjust {

    /** The value v / 255 for every byte v. */
    private static final float[] UNIT = new float[256];

    static {
        for (int v = 0; v < 256; v++) {
            UNIT[v] = v / 255f;
        }
    }

    private Adjust() {}

    /**
     * Multiplies every value by a factor.
     *
     * @param factor at least 0; 0 gives black, 1 an equal image, 2 an image twice as bright
     * @return owned
     */
    public static Mat brightness(Mat image, double factor) {
        return blendWithLevel(image, 0f, requireFactor("brightness", factor));
    }

    /**
     * Scales the difference of every value from the mean gray level of the image.
     *
     * @param factor at least 0; 0 gives uniform gray, 1 an equal image
     * @return owned
     */
    public static Mat contrast(Mat image, double factor) {
        requireFactor("contrast", factor);
        long[] sum = new long[1];
        Images.forEach(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                sum[0] += Grayscale.gray(rgb, i);
            }
        });
        float mean = (float) (sum[0] / (double) image.total());
        return blendWithLevel(image, mean, factor);
    }

    /**
     * Scales the difference of every pixel from its own gray level.
     *
     * @param factor at least 0; 0 gives a gray image, 1 an equal image
     * @return owned
     */
    public static Mat saturation(Mat image, double factor) {
        requireFactor("saturation", factor);
        float ratio = (float) factor;
        float rest = (float) (1 - factor);
        return Images.changed(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                float gray = rest * Grayscale.gray(rgb, i);
                rgb[i] = Images.truncate(ratio * (rgb[i] & 0xff) + gray);
                rgb[i + 1] = Images.truncate(ratio * (rgb[i + 1] & 0xff) + gray);
                rgb[i + 2] = Images.truncate(ratio * (rgb[i + 2] & 0xff) + gray);
            }
        });
    }

    /**
     * Shifts the hue. A shift of 0 may still lower a value by one, because the conversion through HSV truncates
     * fractions.
     *
     * @param shift in turns, in [-0.5, 0.5]; 1/3 turns red into green
     * @return owned
     */
    public static Mat hue(Mat image, double shift) {
        if (!(shift >= -0.5 && shift <= 0.5)) {
            throw new IllegalArgumentException("hue must be in [-0.5, 0.5] turns, but was " + shift);
        }
        return Images.changed(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                shiftHue(rgb, i, (float) shift);
            }
        });
    }

    private static void shiftHue(byte[] rgb, int i, float shift) {
        float r = UNIT[rgb[i] & 0xff];
        float g = UNIT[rgb[i + 1] & 0xff];
        float b = UNIT[rgb[i + 2] & 0xff];
        float max = Math.max(r, Math.max(g, b));
        float chroma = max - Math.min(r, Math.min(g, b));
        if (chroma == 0) { // gray has no hue
            byte level = (byte) (int) (max * 255f);
            rgb[i] = level;
            rgb[i + 1] = level;
            rgb[i + 2] = level;
            return;
        }
        float sixths = wrap(hue(r, g, b, max, chroma) + shift) * 6f;
        float s = chroma / max;
        int sector = (int) sixths;
        float f = sixths - sector;
        byte v = Images.truncate(255f * max);
        byte p = Images.truncate(255f * (max * (1f - s)));
        byte q = Images.truncate(255f * (max * (1f - s * f)));
        byte t = Images.truncate(255f * (max * (1f - s * (1f - f))));
        boolean first = sector == 0 || sector == 6; // 6 if rounding made the hue a full turn
        rgb[i] = first || sector == 5 ? v : sector == 1 ? q : sector == 4 ? t : p;
        rgb[i + 1] = first ? t : sector <= 2 ? v : sector == 3 ? q : p;
        rgb[i + 2] = first || sector == 1 ? p : sector == 2 ? t : sector <= 4 ? v : q;
    }

    /** Returns the hue in turns, in [0, 1). */
    private static float hue(float r, float g, float b, float max, float chroma) {
        float rc = (max - r) / chroma;
        float gc = (max - g) / chroma;
        float bc = (max - b) / chroma;
        float sixths = max == r ? bc - gc : max == g ? 2f + rc - bc : 4f + gc - rc;
        float turns = sixths / 6f + 1f;
        return turns >= 1f ? turns - 1f : turns;
    }

    private static float wrap(float turns) {
        return turns < 0f ? turns + 1f : turns >= 1f ? turns - 1f : turns;
    }

    /** Computes torchvision's {@code _blend} with an image of one value, by a table, because it maps bytes to bytes. */
    private static Mat blendWithLevel(Mat image, float level, double factor) {
        float ratio = (float) factor;
        float rest = (float) (1 - factor) * level;
        byte[] table = new byte[256];
        for (int v = 0; v < 256; v++) {
            table[v] = Images.truncate(ratio * v + rest);
        }
        return Images.lookUp(image, table);
    }

    private static double requireFactor(String what, double factor) {
        if (!(factor >= 0 && factor < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(what + " factor must be finite and not negative, but was " + factor);
        }
        return factor;
    }
}
