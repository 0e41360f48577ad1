package org.facerecognition.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The settings that divide the images of each person into training, validation and test: {@code
 * SplitSettings.DEFAULT.withMinImages(5).withSeed(3)}. The same images, fractions and seed give the same parts
 * everywhere, and a new image does not move the images of other people.
 *
 * <p>A person with too few images for all parts is in training first, then in validation, then in the test, so that
 * people with few images never cause an error.
 *
 * @param valFraction fraction of each person's images for validation, in [0, 1); at least one image unless it is 0
 * @param testFraction fraction of each person's images for the test, in [0, 1); at least one image unless it is 0
 * @param minImages people with fewer images in all parts together are left out of every part; 1 to keep everyone
 * @param seed determines which images go to which part
 */
public record SplitSettings(double valFraction, double testFraction, int minImages, long seed) {
    /** A fifth of each person's images for validation, none for the test, and no person left out. */
    public static final SplitSettings DEFAULT = new SplitSettings(0.2, 0, 1, 0);

    /** @throws IllegalArgumentException when a value is out of its range */
    public SplitSettings {
        if (!(valFraction >= 0 && testFraction >= 0 && valFraction + testFraction < 1)) {
            throw new IllegalArgumentException("fractions must be at least 0 and together below 1, but were val "
                    + valFraction + " and test " + testFraction);
        }
        if (minImages < 0) {
            throw new IllegalArgumentException("minImages must be at least 0, but was " + minImages);
        }
    }

    /** Returns these settings with another fraction for validation; 0 for no validation part. */
    public SplitSettings withValFraction(double fraction) {
        return new SplitSettings(fraction, testFraction, minImages, seed);
    }

    /** Returns these settings with another fraction for the test; 0 for no test part. */
    public SplitSettings withTestFraction(double fraction) {
        return new SplitSettings(valFraction, fraction, minImages, seed);
    }

    /** Returns these settings with another minimum number of images in all parts of a person together. */
    public SplitSettings withMinImages(int images) {
        return new SplitSettings(valFraction, testFraction, images, seed);
    }

    /** Returns these settings with another seed, which chooses other images. */
    public SplitSettings withSeed(long other) {
        return new SplitSettings(valFraction, testFraction, minImages, other);
    }

    double fraction(Split split) {
        return switch (split) {
            case TRAIN -> 1 - valFraction - testFraction;
            case VAL -> valFraction;
            case TEST -> testFraction;
        };
    }

    /** Returns how many of {@code images} a fraction is: rounded, and at least one unless the fraction is 0. */
    private static int share(int images, double fraction) {
        return fraction == 0 ? 0 : Math.max(1, (int) Math.round(images * fraction));
    }

    /** Returns the number of images of a person in training, validation and test. */
    private int[] sizes(int images) {
        int val = share(images, valFraction);
        int test = share(images, testFraction);
        while (val + test >= images && val + test > 0) { // none would be left for training
            if (test >= val) {
                test--;
            } else {
                val--;
            }
        }
        return new int[] {images - val - test, val, test};
    }

    /** Returns whether a person with so many images is absent from one of the parts. */
    boolean missesAPart(int images) {
        int[] sizes = sizes(images);
        return valFraction > 0 && sizes[1] == 0 || testFraction > 0 && sizes[2] == 0;
    }

    /**
     * Returns the images of one person that belong to {@code split}, in their order.
     *
     * @param person a number that makes the choice different for each person
     */
    <T> List<T> part(List<T> images, int person, Split split) {
        int[] sizes = sizes(images.size());
        List<Integer> shuffled = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            shuffled.add(i);
        }
        Collections.shuffle(shuffled, new Random(seed * 31 + person));
        int train = sizes[0];
        int val = sizes[1];
        List<Integer> part = switch (split) {
            case TRAIN -> shuffled.subList(0, train);
            case VAL -> shuffled.subList(train, train + val);
            case TEST -> shuffled.subList(train + val, images.size());
        };
        return part.stream().sorted().map(images::get).toList();
    }
}
