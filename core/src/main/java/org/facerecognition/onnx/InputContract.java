package org.facerecognition.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.facerecognition.data.Crop;
import org.facerecognition.data.Normalization;

/**
 * What pixels a network takes, which an ONNX file does not say: their color order, their normalization, how faces are
 * aligned and, where the file leaves it open, the size of the image. The wrong one does not fail: it gives worse
 * embeddings.
 *
 * @param name of the preset, or the text it was read from
 * @param order of the channels
 * @param normalization of pixel values 0..255, its numbers in the order red, green, blue
 * @param sizePx side of the square input; empty to take it from the file
 * @param crop {@link Crop#WHOLE} for faces that are aligned to the square template, {@link Crop#WIDE} for the wide one
 */
public record InputContract(String name, ColorOrder order, Normalization normalization, OptionalInt sizePx, Crop crop) {
    /** @throws IllegalArgumentException when the crop is another one */
    public InputContract {
        if (crop != Crop.WHOLE && crop != Crop.WIDE) {
            throw new IllegalArgumentException("crop must be whole or wide, but was " + crop);
        }
    }

    /** The contract of faces that are aligned to the square template. */
    public InputContract(String name, ColorOrder order, Normalization normalization, OptionalInt sizePx) {
        this(name, order, normalization, sizePx, Crop.WHOLE);
    }

    /** The order of an image's channels. */
    public enum ColorOrder {
        /** Red first. */
        RGB,
        /** Blue first, as OpenCV reads images. */
        BGR
    }

    /** (x - 0) / 1: pixel values as they are. */
    static final Normalization PIXELS = uniform(0, 1);

    /** x / 255: values 0..1. */
    static final Normalization UNIT = uniform(0, 255);

    /** What a deviation of values 0..1 is above, and a factor of pixel values below, such as 1 / 128. */
    private static final double MAX_FACTOR = 0.05;

    private static final String INSIGHTFACE = "insightface";
    private static final Map<String, InputContract> PRESETS = presets();

    private static Map<String, InputContract> presets() {
        Map<String, InputContract> presets = new LinkedHashMap<>();
        // python-package/insightface/model_zoo/arcface_onnx.py
        put(presets, INSIGHTFACE, ColorOrder.RGB, Normalization.SYMMETRIC, 112);
        // modules/objdetect/src/face_recognize.cpp: blobFromImage(..., 1, Size(112, 112), Scalar(0, 0, 0), true, false)
        put(presets, "sface", ColorOrder.RGB, PIXELS, 112);
        // AdaFace's inference.py, to_input
        put(presets, "adaface", ColorOrder.BGR, Normalization.SYMMETRIC, 112);
        // facenet-pytorch, fixed_image_standardization; its faces are a detector's boxes with a margin, not aligned
        put(presets, "facenet", ColorOrder.RGB, uniform(127.5, 128), 160);
        put(presets, "imagenet", ColorOrder.RGB, Normalization.IMAGENET, 112);
        return presets;
    }

    private static void put(
            Map<String, InputContract> presets, String name, ColorOrder order, Normalization normalization, int size) {
        presets.put(name, new InputContract(name, order, normalization, OptionalInt.of(size)));
    }

    private static Normalization uniform(double mean, double std) {
        return new Normalization(Collections.nCopies(3, mean), Collections.nCopies(3, std));
    }

    /** Returns the names that {@link #parse} knows: conventions of well-known projects. */
    public static List<String> names() {
        return List.copyOf(PRESETS.keySet());
    }

    /**
     * Reads a contract.
     *
     * <p>{@code insightface} is {@code mean=127.5 std=127.5}, or {@code mean=0 std=1} for a model whose graph begins
     * with a normalization of pixels, such as those from MXNet: by what the first nodes compute, while insightface
     * itself goes by their names. It is {@code align=wide} for images of 128 pixels a side, or a multiple that is none
     * of 112. {@code facenet} is for models that were trained on a detector's boxes with a margin: faces that are
     * aligned by their landmarks differ from these, so that embeddings are worse than published ones and thresholds
     * must be calibrated.
     *
     * @param text a preset of {@link #names}, or the color order, {@code mean=}, {@code std=} and perhaps {@code
     *     size=} and {@code align=}, which is {@code square} or {@code wide}, such as {@code BGR mean=127.5 std=128}; a
     *     mean or deviation may be three numbers with commas between them, for red, green and blue, whatever the order
     * @throws IllegalArgumentException when it is neither, or its numbers are of values 0..1, as most model cards have
     *     them: the message says what they are for pixel values
     */
    public static InputContract parse(String text) {
        InputContract preset = PRESETS.get(text.strip().toLowerCase(Locale.ROOT));
        if (preset != null) {
            return preset;
        }
        Map<String, String> settings = new LinkedHashMap<>();
        String order = "";
        for (String word : text.strip().split("[\\s]+")) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                settings.put(word.substring(0, equals).toLowerCase(Locale.ROOT), word.substring(equals + 1));
            } else {
                order = order.isEmpty() ? word.toUpperCase(Locale.ROOT) : "twice";
            }
        }
        String mean = settings.get("mean");
        String std = settings.get("std");
        Crop crop = settings.getOrDefault("align", "square").equals("wide") ? Crop.WIDE : Crop.WHOLE;
        boolean known = Arrays.stream(ColorOrder.values()).map(Enum::name).anyMatch(order::equals)
                && List.of("square", "wide").contains(settings.getOrDefault("align", "square"))
                && List.of("mean", "std", "size", "align").containsAll(settings.keySet());
        if (mean == null || std == null || !known) {
            throw refusal(text);
        }
        try {
            OptionalInt size = settings.containsKey("size")
                    ? OptionalInt.of(Integer.parseInt(settings.get("size")))
                    : OptionalInt.empty();
            if (size.isPresent() && size.getAsInt() < 1) {
                throw refusal(text);
            }
            Normalization normalization = new Normalization(three(mean), three(std));
            return new InputContract(text.strip(), ColorOrder.valueOf(order), normalization, size, crop)
                    .requirePixelUnits();
        } catch (NumberFormatException e) {
            throw refusal(text);
        }
    }

    /**
     * Returns this contract.
     *
     * @throws IllegalArgumentException when its numbers are of values 0..1: a network would get hundreds in place of
     *     -1..1, and would not fail either
     */
    InputContract requirePixelUnits() {
        if (IntStream.range(0, 3).noneMatch(this::hasOtherUnits)) {
            return this;
        }
        List<Double> mean = normalization.mean();
        List<Double> std = normalization.std();
        boolean factor = std.stream().allMatch(number -> number < MAX_FACTOR);
        Normalization ofPixels = new Normalization(
                mean.stream()
                        .map(number -> Math.abs(number) > 1 ? number : ofPixels(number * 255))
                        .toList(),
                std.stream()
                        .map(number -> number > 1 ? number : ofPixels(factor ? 1 / number : number * 255))
                        .toList());
        throw new IllegalArgumentException("input must have a mean and std of pixel values 0..255, but was " + spelled()
                + (factor ? ", whose std looks like a factor; " : ", which looks like those of values 0..1; ")
                + "for pixel values it is \"" + withNormalization(ofPixels).spelled() + "\"");
    }

    /** As for all values with a deviation below 1, which would be spread over more than pixels have. */
    private boolean hasOtherUnits(int channel) {
        double mean = normalization.mean().get(channel);
        double std = normalization.std().get(channel);
        return std < 1 || std == 1 && mean > 0 && mean < 1;
    }

    private static double ofPixels(double number) {
        return Math.rint(number * 1e4) / 1e4;
    }

    boolean isInsightface() {
        return name.equals(INSIGHTFACE);
    }

    InputContract withNormalization(Normalization newNormalization) {
        return new InputContract(name, order, newNormalization, sizePx, crop);
    }

    InputContract withCrop(Crop newCrop) {
        return new InputContract(name, order, normalization, sizePx, newCrop);
    }

    /** Returns whether the size was given, and is not merely that of a preset. */
    boolean wantsSize() {
        return sizePx.isPresent() && name.toLowerCase(Locale.ROOT).contains("size=");
    }

    private static IllegalArgumentException refusal(String text) {
        return new IllegalArgumentException("input must be " + String.join(", ", names())
                + " or, for example, \"BGR mean=127.5 std=128\", perhaps with size= and align=square or wide,"
                + " but was \"" + text + "\"");
    }

    private static List<Double> three(String text) {
        List<Double> numbers = new ArrayList<>();
        for (String number : text.split(",", -1)) {
            double value = Double.parseDouble(number);
            if (!Double.isFinite(value)) {
                throw new NumberFormatException(number);
            }
            numbers.add(value);
        }
        return numbers.size() == 1 ? Collections.nCopies(3, numbers.get(0)) : numbers;
    }

    /** Returns the contracts that face models follow, to be tried one after another; none twice. */
    public static List<InputContract> plausible() {
        Map<String, InputContract> bySpelling = new LinkedHashMap<>();
        List<InputContract> conventions = new ArrayList<>(PRESETS.values());
        conventions.add(new InputContract("values 0..1", ColorOrder.RGB, UNIT, OptionalInt.of(112)));
        for (InputContract preset : conventions) {
            for (ColorOrder order : ColorOrder.values()) {
                String name = (order == preset.order ? "" : order + " with the numbers of ") + preset.name;
                var contract = new InputContract("as " + name, order, preset.normalization, preset.sizePx);
                bySpelling.putIfAbsent(contract.spelled(), contract);
            }
        }
        return List.copyOf(bySpelling.values());
    }

    /** Describes what determines embeddings, for a model's fingerprint. The text must never change. */
    String fingerprintText() {
        return order + " mean=" + normalization.mean() + " std=" + normalization.std();
    }

    /** Returns the contract as {@link #parse} reads it, without the size. */
    public String spelled() {
        return order + " mean=" + text(normalization.mean()) + " std=" + text(normalization.std())
                + (crop == Crop.WIDE ? " align=wide" : "");
    }

    private static String text(List<Double> numbers) {
        boolean same = numbers.stream().distinct().count() == 1;
        return (same ? numbers.subList(0, 1) : numbers)
                .stream()
                        .map(number -> number == Math.rint(number)
                                ? Long.toString(number.longValue())
                                : Double.toString(number))
                        .collect(Collectors.joining(","));
    }

    @Override
    public String toString() {
        return spelled();
    }
}
