package org.facerecognition.data;

import java.util.List;

/**
 * How pixel values 0..255 become a net's input: (x - mean) / deviation, by channel in the order red, green, blue.
 *
 * @param mean three values, in units of pixel values
 * @param std three positive values, in units of pixel values
 */
public record Normalization(List<Double> mean, List<Double> std) {
    /** To -1..1: (x - 127.5) / 127.5, the face recognition field's. */
    public static final Normalization SYMMETRIC = uniform(127.5, 127.5);

    /** ImageNet's statistics, for nets that torchvision trained. */
    public static final Normalization IMAGENET =
            new Normalization(List.of(.485 * 255, .456 * 255, .406 * 255), List.of(.229 * 255, .224 * 255, .225 * 255));

    public Normalization {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (mean.size() != 3 || std.size() != 3) {
            throw new IllegalArgumentException(
                    "normalization must have 3 means and 3 deviations, but had " + mean + " and " + std);
        }
        if (std.stream().anyMatch(d -> !(d > 0))) {
            throw new IllegalArgumentException("deviations must be positive, but were " + std);
        }
    }

    private static Normalization uniform(double mean, double std) {
        return new Normalization(List.of(mean, mean, mean), List.of(std, std, std));
    }
}
