package org.facerecognition.augment;

import java.util.Locale;

/** What a moved image has between its pixels. */
public enum Interpolation {
    /** The nearest pixel: torchvision's default for rotations. */
    NEAREST,
    /** The four around, weighted by nearness. */
    BILINEAR;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
