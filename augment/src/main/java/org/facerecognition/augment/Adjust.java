package org.facerecognition.augment;

import org.bytedeco.opencv.opencv_core.Mat;

/**
 * The pixel functions behind {@link ColorJitter}: torchvision 0.14's {@code adjust_brightness}, {@code adjust_contrast},
 * {@code adjust_saturation} and {@code adjust_hue} for uint8 tensors, in the same single-precision arithmetic and with the
 * same cut-off fractions. Each gives a new RGB image that the caller closes.
 */
public final class Adjust {

    /** v / 255 for every byte value. */
    private static final float[] UNIT = new float[256];

    static {
        for (int v = 0; v < 256; v++) {
            UNIT[v] = v / 255f;
        }
    }

    private Adjust() {}

    /** Multiplies every value. {@code factor} is at least 0: 0 gives black, 1 the image itself, 2 twice as bright. */
    public static Mat brightness(Mat image, double factor) {
        return blendWithLevel(image, 0f, requireFactor("brightness", factor));
    }

    /** Moves every value from the mean gray level: 0 gives flat gray, 1 the image itself. {@code factor} is at least 0. */
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

    /** Moves every pixel from its own gray: 0 gives a gray image, 1 the image itself. {@code factor} is at least 0. */
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
     * Turns the hue. {@code shift} is in turns, in [-0.5, 0.5]: 1/3 makes red green. A shift of 0 may still lower a value by
     * one, because the way through HSV cuts fractions off.
     */
    public static Mat hue(Mat image, double shift) {
        if (!(shift >= -0.5 && shift <= 0.5)) {
            throw new IllegalArgumentException("hue must be in [-0.5, 0.5] turns, but was " + shift);
        }
        return Images.changed(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                turnHue(rgb, i, (float) shift);
            }
        });
    }

    private static void turnHue(byte[] rgb, int i, float shift) {
        float r = UNIT[rgb[i] & 0xff];
        float g = UNIT[rgb[i + 1] & 0xff];
        float b = UNIT[rgb[i + 2] & 0xff];
        float max = Math.max(r, Math.max(g, b));
        float chroma = max - Math.min(r, Math.min(g, b));
        if (chroma == 0) { // gray has no hue to turn
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
        boolean whole = sector == 0 || sector == 6; // 6 when rounding has brought the hue to a full turn
        rgb[i] = whole || sector == 5 ? v : sector == 1 ? q : sector == 4 ? t : p;
        rgb[i + 1] = whole ? t : sector <= 2 ? v : sector == 3 ? q : p;
        rgb[i + 2] = whole || sector == 1 ? p : sector == 2 ? t : sector <= 4 ? v : q;
    }

    /** The hue in turns, in [0, 1). */
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

    /** torchvision's {@code _blend} with an image that has the same value everywhere; a table, as it maps bytes to bytes. */
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
