package org.facerecognition.data;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Warns, once in a process, of a photograph that is resized whole to a network's input, as aligned crops of faces are:
 * its embedding is of the scene rather than of the face, but looks like any other.
 */
final class WholePhotographs {
    private static final int MIN_TIMES = 4; // the shorter side of a photograph is this many times the input
    private static final int USUAL_INPUT_PX = 112; // a smaller network does not make CelebA's 178x218 a photograph
    private static final double MAX_RATIO = 1.1; // of the sides of crops that were made by hand

    private static final AtomicBoolean warned = new AtomicBoolean();

    private WholePhotographs() {}

    /**
     * Looks at the size of an image that is used whole, without a detector.
     *
     * @param name of the image in the warning
     * @param sizePx side of the network's input
     */
    static void check(String name, int widthPx, int heightPx, int sizePx) {
        int shorter = Math.min(widthPx, heightPx);
        if (shorter >= MIN_TIMES * Math.max(sizePx, USUAL_INPUT_PX)
                && Math.max(widthPx, heightPx) > MAX_RATIO * shorter
                && !warned.getAndSet(true)) {
            System.getLogger(WholePhotographs.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "image " + name + " of " + widthPx + "x" + heightPx + " pixels is resized whole to "
                                    + sizePx
                                    + "x" + sizePx + ", as if it were an aligned crop of a face; if it is a"
                                    + " photograph, have its face found (useDetector, --detector), or make crops of"
                                    + " such photographs first (the command align)");
        }
    }

    /** Makes the next photograph be warned of again. */
    static void warnAgain() {
        warned.set(false);
    }
}
