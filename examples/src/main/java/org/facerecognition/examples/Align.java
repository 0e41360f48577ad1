package org.facerecognition.examples;

import org.facerecognition.data.Framing;

/** What is cut out of a picture, by the name on the command line. */
enum Align {
    CROP(Framing.CELEBA_CROP),
    MEAN(Framing.CELEBA_ALIGNED),
    NONE(Framing.WHOLE);

    private final Framing framing;

    Align(Framing framing) {
        this.framing = framing;
    }

    Framing framing() {
        return framing;
    }
}
