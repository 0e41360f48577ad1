package org.facerecognition.augment;

import java.util.List;

/** Ready-made lists of transforms. */
public final class Presets {

    private Presets() {}

    /**
     * Five ways to change colour, tone and sharpness while the face stays where it is. They are meant as one extra copy of the
     * image each; chained in a {@link Pipeline} they are harsh. Posterizing and equalizing happen with torchvision's
     * probability of one half, so such a copy may equal the original.
     *
     * @return {@code Grayscale(3)}, {@code ColorJitter(brightness=0.5, hue=0.3)}, {@code GaussianBlur(kernel_size=(5, 9),
     *     sigma=(0.1, 5.0))}, {@code RandomPosterize(bits=2)}, {@code RandomEqualize()}
     */
    public static List<Transform> fiveColour() {
        return List.of(
                new Grayscale(3),
                ColorJitter.none().withBrightness(0.5).withHue(0.3),
                new GaussianBlur(5, 9, 0.1, 5.0),
                new RandomPosterize(2),
                new RandomEqualize());
    }
}
