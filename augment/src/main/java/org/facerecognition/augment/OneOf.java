package org.facerecognition.augment;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies one of several transforms, chosen uniformly: torchvision's {@code RandomChoice}.
 *
 * @param transforms the transforms to choose from, at least one
 */
public record OneOf(List<? extends Transform> transforms) implements Transform {

    public OneOf {
        transforms = List.copyOf(transforms);
        if (transforms.isEmpty()) {
            throw new IllegalArgumentException("OneOf must have at least one transform, but had none");
        }
    }

    /** Returns a transform that applies one of these. */
    public static OneOf of(Transform... transforms) {
        return new OneOf(List.of(transforms));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return transforms.get(random.nextInt(transforms.size())).apply(image, random);
    }

    @Override
    public String toString() {
        return transforms.stream().map(Transform::toString).collect(Collectors.joining(", ", "OneOf(", ")"));
    }
}
