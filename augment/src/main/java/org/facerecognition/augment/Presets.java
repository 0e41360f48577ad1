package org.facerecognition.augment;

import java.util.List;

/** Ready-made lists of transforms. */
public final class Presets {

    private Presets() {}

    /**
     * Five ways to change color, tone and sharpness while the face stays where it is. They are meant as one extra copy of the
     * image each; chained in a {@link Pipeline} they are harsh. Posterizing and equalizing happen with torchvision's
     * probability of one half, so such a copy may equal the original.
     *
     * @return {@code Grayscale(3)}, {@code ColorJitter(brightness=0.5, hue=0.3)}, {@code GaussianBlur(kernel_size=(5, 9),
     *     sigma=(0.1, 5.0))}, {@code RandomPosterize(bits=2)}, {@code RandomEqualize()}
     */
    public static List<Transform> fiveColor() {
        return List.of(
                new Grayscale(3),
                ColorJitter.none().withBrightness(0.5).withHue(0.3),
                new GaussianBlur(5, 9, 0.1, 5.0),
                new RandomPosterize(2),
                new RandomEqualize());
    }

    /** What insightface trains with: half of the images mirrored. One after the other on each image. */
    public static List<Transform> insightface() {
        return List.of(new RandomHorizontalFlip());
    }

    /**
     * What AdaFace trains with (Kim et al., CVPR 2022, section 4.1, and the dataset/augmenter.py of its code): a crop
     * that stays in its place on black, a lower resolution and a change of colors, each a fifth of the time, then the
     * mirror image half of the time. One after the other on each image.
     *
     * @return {@code RandomApply([RandomCropOnBlack(scale=(0.2, 1), ratio=(3/4, 4/3))], p=0.2)}, {@code
     *     RandomApply([LowResolution(scale=(0.2, 1))], p=0.2)}, {@code RandomApply([ColorJitter(brightness=0.5,
     *     contrast=0.5, saturation=0.5)], p=0.2)}, {@code RandomHorizontalFlip(p=0.5)}
     */
    public static List<Transform> adaFace() {
        return List.of(
                new RandomApply(new RandomCropOnBlack(), 0.2),
                new RandomApply(new LowResolution(), 0.2),
                new RandomApply(new ColorJitter(0.5, 0.5, 0.5, 0), 0.2),
                new RandomHorizontalFlip());
    }
}
