package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.IntStream;
import org.facerecognition.data.Crop;
import org.facerecognition.data.Normalization;
import org.facerecognition.vision.FaceTemplate;

/**
 * Checks what a caller says of a model's input against what the file shows: pixels that are normalized twice do not
 * fail, but all have nearly the same value, so that everybody becomes the same person.
 */
final class FittingInput {
    /** So many times the range of the values that a graph is given, its own mean or deviation is one of pixels. */
    private static final double FAR = 10;

    private FittingInput() {}

    /**
     * Returns the input of a model that does not say what pixels it takes.
     *
     * @param input what the caller says
     * @param included the normalization with which the graph begins, if it does
     * @param sizePx the side of its images
     * @throws IllegalArgumentException when the graph normalizes pixels itself, and the input does so before it, or the
     *     numbers of the input are not of pixels
     */
    static InputContract of(
            Path file, InputContract input, Optional<Normalization> included, boolean takesBytes, int sizePx) {
        Normalization before = input.normalization();
        boolean twice = takesBytes ? !before.equals(InputContract.PIXELS) : isTwice(before, included);
        if (input.isInsightface()) {
            InputContract aligned = input.withCrop(isWideInInsightface(sizePx) ? Crop.WIDE : Crop.WHOLE);
            return twice ? aligned.withNormalization(InputContract.PIXELS) : aligned;
        }
        if (!twice) {
            return input.requirePixelUnits();
        }
        throw new IllegalArgumentException(file
                + (takesBytes
                        ? " takes bytes, so its graph normalizes them itself"
                        : "'s graph begins with " + text(included.orElseThrow()) + ", so it normalizes pixels itself")
                + ": the input must have mean=0 std=1, such as \"" + input.order() + " mean=0 std=1\", but was "
                + input.name() + " with mean=" + before.mean() + " std=" + before.std());
    }

    /** As norm_crop in insightface's face_align.py, which takes multiples of 112 and of 128 only. */
    private static boolean isWideInInsightface(int sizePx) {
        return sizePx % FaceTemplate.SIDE_PX != 0 && sizePx % FaceTemplate.WIDE_128.widthPx() == 0;
    }

    private static boolean isTwice(Normalization before, Optional<Normalization> included) {
        return included.isPresent() && takesPixels(before, included.get());
    }

    /**
     * Returns whether a graph's own normalization is of pixels, not of values that are normalized before: values
     * 0..1 may be normalized again, and a batch normalization of the input is close to its values.
     */
    static boolean takesPixels(Normalization before, Normalization included) {
        return IntStream.range(0, 3).allMatch(channel -> {
            double range = 255 / before.std().get(channel);
            double least = -before.mean().get(channel) / before.std().get(channel);
            double mean = included.mean().get(channel);
            double outside = Math.max(least - mean, mean - (least + range));
            return Math.max(outside, included.std().get(channel)) > FAR * range;
        });
    }

    static String text(Normalization included) {
        return "(x - " + included.mean() + ") / " + included.std();
    }

    /**
     * Returns the input of a model that says what pixels it takes.
     *
     * @param own what its file says
     * @throws IllegalArgumentException when the caller says something else
     */
    static InputContract ofOwn(Path file, InputContract input, InputContract own) {
        boolean same = input.normalization().isNearly(own.normalization())
                || input.isInsightface() && own.normalization().equals(InputContract.PIXELS);
        boolean sameCrop = input.crop() == Crop.WHOLE || input.crop() == own.crop();
        if (input.order() == own.order() && same && sameCrop) {
            return input.withNormalization(own.normalization()) // of all digits, for the fingerprint
                    .withCrop(own.crop());
        }
        throw new IllegalArgumentException(file + " says that it takes " + own.spelled()
                + ", so the input must be left out or be the same, but was "
                + input.spelled()
                + (input.name().equals(input.spelled()) ? "" : " (" + input.name() + ")"));
    }
}
