package org.facerecognition.data;

/** Lets a test see a warning that is given once in a process. */
public final class PhotographWarnings {
    private PhotographWarnings() {}

    /** Makes the next photograph be warned of, whatever earlier tests have done. */
    public static void again() {
        WholePhotographs.warnAgain();
    }
}
