package org.facerecognition.data;

import java.util.Locale;

/** The policy of a batch loader for images that cannot be used. */
public enum BadImages {
    /** Throws an exception that names the image, so that no training silently uses less data than intended. */
    FAIL,
    /** Uses the next usable image of the epoch instead, and reports the skipped one. */
    SKIP;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
