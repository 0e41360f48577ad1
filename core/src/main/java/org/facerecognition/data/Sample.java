package org.facerecognition.data;

import java.util.List;
import org.facerecognition.augment.Transform;

/**
 * One training example before it is read.
 *
 * @param image where the image comes from
 * @param label which identity, from 0
 * @param transforms what is done to the image, in order; empty for the image as it is
 */
public record Sample(ImageSource image, int label, List<Transform> transforms) {
    public Sample {
        transforms = List.copyOf(transforms);
        if (label < 0) {
            throw new DataException("label of " + image.name() + " must be at least 0, but was " + label);
        }
    }
}
