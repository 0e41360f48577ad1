package org.facerecognition.data;

import java.util.Locale;

/** What to do about a picture that cannot be used. */
public enum BadImages {
    /** Stop, with the picture's name: nothing is learnt from less than was meant. */
    FAIL,
    /** Take the next one of the epoch in its place, and count and report it. */
    SKIP;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
