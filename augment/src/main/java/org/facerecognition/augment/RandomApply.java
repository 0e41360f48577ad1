package org.facerecognition.augment;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} applies transforms one after the other: torchvision's {@code RandomApply}.
 *
 * @param transforms in the order in which they are applied
 * @param p the probability that they are applied, in [0, 1]
 */
public record RandomApply(List<? extends Transform> transforms, double p) implements Transform {

    public RandomApply {
        transforms = List.copyOf(transforms);
        Probability.require(p);
    }

    /** Creates a transform that applies another one with probability {@code p}. */
    public RandomApply(Transform transform, double p) {
        this(List.of(transform), p);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? new Pipeline(transforms).apply(image, random) : image.clone();
    }

    @Override
    public String toString() {
        return transforms.stream()
                .map(Transform::toString)
                .collect(Collectors.joining(", ", "RandomApply([", "], p=" + p + ")"));
    }
}
