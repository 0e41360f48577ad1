package org.facerecognition.augment;

import java.util.Locale;

/** How the values between the pixels of a moved image are computed. */
public enum Interpolation {
    /** The value of the nearest pixel, torchvision's default for rotations. */
    NEAREST,
    /** The mean of the four surrounding pixels, weighted by their distance. */
    BILINEAR;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
