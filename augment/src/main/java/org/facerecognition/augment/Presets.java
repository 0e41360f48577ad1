package org.facerecognition.augment;

import java.util.List;

/** Ready-made lists of transforms. */
public final class Presets {

    private Presets() {}

    /**
     * Returns five transforms of color, tone and sharpness, which leave the face in its place. Each is meant to make
     * one extra copy of the image; chained in a {@link Pipeline} they are harsh. Posterizing and equalizing are applied
     * with torchvision's probability of one half, so such a copy may equal the original.
     *
     * @return {@code Grayscale(3)}, {@code ColorJitter(brightness=0.5, hue=0.3)}, {@code
     *     GaussianBlur(kernel_size=(5, 9), sigma=(0.1, 5.0))}, {@code RandomPosterize(bits=2)}, {@code
     *     RandomEqualize()}
     */
    public static List<Transform> fiveColor() {
        return List.of(
                new Grayscale(3),
                ColorJitter.none().withBrightness(0.5).withHue(0.3),
                new GaussianBlur(5, 9, 0.1, 5.0),
                new RandomPosterize(2),
                new RandomEqualize());
    }

    /**
     * Returns the transforms of {@link #fiveColor}.
     *
     * @deprecated renamed to {@link #fiveColor()}
     */
    @Deprecated
    public static List<Transform> fiveColour() {
        return fiveColor();
    }

    /**
     * Returns the augmentations that insightface trains with, to be applied in sequence: half of the images mirrored.
     */
    public static List<Transform> insightface() {
        return List.of(new RandomHorizontalFlip());
    }

    /**
     * Returns the augmentations that AdaFace trains with, to be applied in sequence (Kim et al., "AdaFace: Quality
     * Adaptive Margin for Face Recognition", CVPR 2022, section 4.1, and the dataset/augmenter.py of its code): a crop
     * that stays in its place on black, a lower resolution and a change of color, each with probability 0.2, then the
     * mirror image with probability 0.5.
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
