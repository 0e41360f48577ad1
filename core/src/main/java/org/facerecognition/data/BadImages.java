package org.facerecognition.data;

import java.util.Locale;

/** What to do about an image that cannot be used. */
public enum BadImages {
    /** Stop, with the image's name: nothing is learned from less than was meant. */
    FAIL,
    /** Take the next one of the epoch in its place, and count and report it. */
    SKIP;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
