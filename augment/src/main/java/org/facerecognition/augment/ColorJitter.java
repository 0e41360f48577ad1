package org.facerecognition.augment;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Changes brightness, contrast, saturation and hue by random amounts in random order: torchvision's {@code
 * ColorJitter}. A range that contains only the neutral value (1, or 0 for hue) turns its part off.
 *
 * <p>{@code ColorJitter.none().withBrightness(0.5).withHue(0.3)} is torchvision's {@code ColorJitter(brightness=0.5,
 * hue=0.3)}.
 *
 * @param brightness factors, not negative, neutral at 1
 * @param contrast factors, not negative, neutral at 1
 * @param saturation factors, not negative, neutral at 1
 * @param hue shifts in turns, in [-0.5, 0.5], neutral at 0
 */
public record ColorJitter(Range brightness, Range contrast, Range saturation, Range hue) implements Transform {

    public ColorJitter {
        requireFactors("brightness", brightness);
        requireFactors("contrast", contrast);
        requireFactors("saturation", saturation);
        if (!hue.within(-0.5, 0.5)) {
            throw new IllegalArgumentException("hue must be in [-0.5, 0.5] turns, but was " + hue);
        }
    }

    /**
     * Creates a transform from torchvision's single numbers, where 0 means off: a factor is drawn from [max(0, 1 - x),
     * 1 + x], a hue shift from [-x, x].
     */
    public ColorJitter(double brightness, double contrast, double saturation, double hue) {
        this(
                factors("brightness", brightness),
                factors("contrast", contrast),
                factors("saturation", saturation),
                shifts(hue));
    }

    /** Returns a transform with all parts off, a starting point for the methods below. */
    public static ColorJitter none() {
        return new ColorJitter(0, 0, 0, 0);
    }

    /** Returns this transform with brightness factors in [max(0, 1 - amount), 1 + amount]. */
    public ColorJitter withBrightness(double amount) {
        return new ColorJitter(factors("brightness", amount), contrast, saturation, hue);
    }

    /** Returns this transform with contrast factors in [max(0, 1 - amount), 1 + amount]. */
    public ColorJitter withContrast(double amount) {
        return new ColorJitter(brightness, factors("contrast", amount), saturation, hue);
    }

    /** Returns this transform with saturation factors in [max(0, 1 - amount), 1 + amount]. */
    public ColorJitter withSaturation(double amount) {
        return new ColorJitter(brightness, contrast, factors("saturation", amount), hue);
    }

    /** Returns this transform with hue shifts in [-amount, amount] turns, {@code amount} at most 0.5. */
    public ColorJitter withHue(double amount) {
        return new ColorJitter(brightness, contrast, saturation, shifts(amount));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return new Pipeline(draw(random)).apply(image, random);
    }

    /** Draws the amounts of the parts that are on, and their order. */
    List<Adjustment> draw(RandomGenerator random) {
        List<Adjustment> adjustments = new ArrayList<>(4);
        for (Adjustment.Kind kind : Adjustment.Kind.values()) {
            Range range = range(kind);
            if (range.min() != kind.neutral || range.max() != kind.neutral) {
                adjustments.add(new Adjustment(kind, range.draw(random)));
            }
        }
        // Shuffling the parts that are on gives the same distribution of orders as permuting all four and skipping.
        for (int last = adjustments.size() - 1; last > 0; last--) {
            int other = random.nextInt(last + 1);
            adjustments.set(last, adjustments.set(other, adjustments.get(last)));
        }
        return adjustments;
    }

    private Range range(Adjustment.Kind kind) {
        return switch (kind) {
            case BRIGHTNESS -> brightness;
            case CONTRAST -> contrast;
            case SATURATION -> saturation;
            case HUE -> hue;
        };
    }

    private static Range factors(String name, double amount) {
        requireAmount(name, amount);
        return new Range(Math.max(0, 1 - amount), 1 + amount);
    }

    private static Range shifts(double amount) {
        requireAmount("hue", amount);
        return new Range(0 - amount, amount); // not -amount, which turns 0 into -0.0
    }

    private static void requireAmount(String name, double amount) {
        if (!(amount >= 0)) {
            throw new IllegalArgumentException(name + " must not be negative, but was " + amount);
        }
    }

    private static void requireFactors(String name, Range factors) {
        if (factors.min() < 0) {
            throw new IllegalArgumentException(name + " must not be negative, but was " + factors);
        }
    }

    /** Returns torchvision's line, without the parts that are off: {@code ColorJitter(brightness=0.5, hue=0.3)}. */
    @Override
    public String toString() {
        List<String> parts = new ArrayList<>(4);
        for (Adjustment.Kind kind : Adjustment.Kind.values()) {
            Range range = range(kind);
            // rounded, because 1.3 - 1 is 0.30000000000000004
            double amount = Math.round((range.max() - kind.neutral) * 1e12) / 1e12;
            if (amount == 0 && range.min() == kind.neutral) {
                continue;
            }
            boolean isAmount = amount > 0
                    && range.equals(kind == Adjustment.Kind.HUE ? shifts(amount) : factors("amount", amount));
            parts.add(kind.name().toLowerCase(Locale.ROOT) + "=" + (isAmount ? amount : range));
        }
        return "ColorJitter(" + String.join(", ", parts) + ")";
    }
}
