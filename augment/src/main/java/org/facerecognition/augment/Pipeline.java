package org.facerecognition.augment;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies transforms one after the other, like torchvision's {@code Compose}, and closes the intermediate images. An
 * empty pipeline copies the image.
 *
 * @param transforms in the order in which they are applied
 */
public record Pipeline(List<? extends Transform> transforms) implements Transform {

    public Pipeline {
        transforms = List.copyOf(transforms);
    }

    /** Returns a pipeline of these transforms in this order. */
    public static Pipeline of(Transform... transforms) {
        return new Pipeline(List.of(transforms));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        Mat current = image;
        for (Transform transform : transforms) {
            Mat previous = current;
            try {
                current = transform.apply(previous, random);
            } finally {
                if (previous != image) {
                    previous.close();
                }
            }
        }
        return current == image ? image.clone() : current;
    }

    @Override
    public String toString() {
        return transforms.stream().map(Transform::toString).collect(Collectors.joining(", ", "Pipeline(", ")"));
    }
}
