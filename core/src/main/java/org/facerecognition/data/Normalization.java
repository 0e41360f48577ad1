package org.facerecognition.data;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.facerecognition.io.JsonFields;

/**
 * The normalization of pixel values 0..255 for a model: (x - mean) / std, per channel in the order red, green, blue.
 *
 * @param mean three finite values, in units of pixel values
 * @param std three positive, finite values, in units of pixel values
 */
public record Normalization(List<Double> mean, List<Double> std) {
    /** (x - 127.5) / 127.5, which maps to [-1, 1]: the convention of face recognition. */
    public static final Normalization SYMMETRIC = uniform(127.5, 127.5);

    /** ImageNet's statistics, for networks that torchvision trained. */
    public static final Normalization IMAGENET = new Normalization(
            List.of(0.485 * 255, 0.456 * 255, 0.406 * 255), List.of(0.229 * 255, 0.224 * 255, 0.225 * 255));

    public Normalization {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (mean.size() != 3 || std.size() != 3) {
            throw new IllegalArgumentException(
                    "normalization must have 3 means and 3 standard deviations, but had " + mean + " and " + std);
        }
        if (!mean.stream().allMatch(Double::isFinite)) {
            throw new IllegalArgumentException("means must be finite, but were " + mean);
        }
        if (std.stream().anyMatch(d -> !(d > 0 && Double.isFinite(d)))) {
            throw new IllegalArgumentException("standard deviations must be positive and finite, but were " + std);
        }
    }

    /**
     * Returns the normalization in a model's metadata.
     *
     * @param settings with the arrays {@code mean} and {@code std}, or {@code deviation}, its former name
     * @throws IllegalArgumentException when they are not there or no normalization
     */
    public static Normalization of(JsonFields settings) {
        return new Normalization(
                settings.numbers("mean"), settings.numbers(settings.has("deviation") ? "deviation" : "std"));
    }

    /**
     * Returns the normalized value of each pixel value, with the arithmetic of {@link BatchBuffer}: the same bits.
     *
     * @return [3, 256], float32
     */
    public float[][] table() {
        float[][] table = new float[3][256];
        for (int channel = 0; channel < 3; channel++) {
            float center = mean.get(channel).floatValue();
            float inverse = (float) (1 / std.get(channel));
            for (int value = 0; value < 256; value++) {
                table[channel][value] = (value - center) * inverse;
            }
        }
        return table;
    }

    /** Returns whether another normalization is the same up to the rounding of files that have it in float32. */
    public boolean isNearly(Normalization other) {
        return areNearly(mean, other.mean) && areNearly(std, other.std);
    }

    /**
     * Returns why weights whose pixels are normalized in this way do not fit an encoder, the end of a sentence that
     * begins with their file; empty if they do.
     *
     * @param expected by the encoder
     */
    public Optional<String> mismatch(Normalization expected) {
        return isNearly(expected)
                ? Optional.empty()
                : Optional.of("must take pixels that are normalized as the encoder's, " + expected + ", but takes "
                        + this + "; make the encoder with this normalization");
    }

    private static boolean areNearly(List<Double> a, List<Double> b) {
        return IntStream.range(0, 3).allMatch(channel -> Math.abs(a.get(channel) - b.get(channel)) < 1e-4);
    }

    private static Normalization uniform(double mean, double std) {
        return new Normalization(List.of(mean, mean, mean), List.of(std, std, std));
    }
}
