package org.facerecognition.examples;

import org.facerecognition.data.Crop;

/** What is cut out of an image, by the name on the command line. */
enum Align {
    CROP(Crop.CELEBA_CROP),
    MEAN(Crop.CELEBA_ALIGNED),
    NONE(Crop.WHOLE);

    private final Crop crop;

    Align(Crop crop) {
        this.crop = crop;
    }

    Crop crop() {
        return crop;
    }
}
