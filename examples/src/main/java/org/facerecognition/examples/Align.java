package org.facerecognition.examples;

import org.facerecognition.data.Crop;

/** The crops that {@code --align} names. */
enum Align {
    CROP(Crop.CELEBA_CROP),
    MEAN(Crop.CELEBA_ALIGNED),
    NONE(Crop.WHOLE),
    WIDE(Crop.WIDE);

    private final Crop crop;

    Align(Crop crop) {
        this.crop = crop;
    }

    Crop crop() {
        return crop;
    }
}
