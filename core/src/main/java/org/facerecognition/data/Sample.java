package org.facerecognition.data;

import java.util.List;
import org.facerecognition.augment.Transform;

/**
 * One training example, not read yet.
 *
 * @param image where the image comes from
 * @param label number of the identity, from 0
 * @param transforms augmentations in order; empty for none
 */
public record Sample(ImageSource image, int label, List<Transform> transforms) {
    /** @throws DataException when the label is negative */
    public Sample {
        transforms = List.copyOf(transforms);
        if (label < 0) {
            throw new DataException("label of " + image.name() + " must be at least 0, but was " + label);
        }
    }
}
