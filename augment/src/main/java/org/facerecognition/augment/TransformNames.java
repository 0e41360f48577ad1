package org.facerecognition.augment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.jspecify.annotations.Nullable;

/** The registry of all transforms by name, with the names and defaults of their parameters. */
final class TransformNames {
    private static final Map<String, Entry> ENTRIES = new LinkedHashMap<>();
    private static final Object REQUIRED = new Object();

    /**
     * A transform in the registry.
     *
     * @param name the name of the transform
     * @param parameters the names of its parameters, in order
     * @param defaults the default of each parameter, or {@link #REQUIRED}
     * @param maker creates the transform from a value for each parameter
     */
    record Entry(
            String name, List<String> parameters, Map<String, Object> defaults, Function<Arguments, Transform> maker) {

        /**
         * Creates the transform.
         *
         * @param positional the values of the first parameters
         * @param named the values of other parameters, by name
         * @throws IllegalArgumentException if a parameter is unknown, missing, of the wrong kind or out of range
         */
        Transform make(List<Object> positional, Map<String, Object> named) {
            Map<String, Object> values = new HashMap<>(defaults);
            if (isVariadic()) {
                values.put("transforms", positional);
            } else if (positional.size() > parameters.size()) {
                throw new IllegalArgumentException("the number of parameters must be at most " + parameters.size()
                        + ", but was " + positional.size());
            } else {
                for (int i = 0; i < positional.size(); i++) {
                    values.put(parameters.get(i), positional.get(i));
                }
            }
            named.forEach((parameter, value) -> {
                if (!parameters.contains(parameter)) {
                    throw new IllegalArgumentException("parameter must be one of " + String.join(", ", parameters)
                            + ", but was \"" + parameter + "\"");
                }
                boolean twice =
                        isVariadic() ? !positional.isEmpty() : parameters.indexOf(parameter) < positional.size();
                if (twice) {
                    throw new IllegalArgumentException("\"" + parameter + "\" is given twice");
                }
                values.put(parameter, value);
            });
            for (String parameter : parameters) {
                if (values.get(parameter) == REQUIRED) {
                    throw new IllegalArgumentException("\"" + parameter + "\" must be given");
                }
            }
            return maker.apply(new Arguments(values));
        }

        private boolean isVariadic() {
            return parameters.equals(List.of("transforms"));
        }
    }

    /** The values by parameter, with accessors that check their kind. */
    record Arguments(Map<String, Object> values) {
        double number(String name) {
            if (values.get(name) instanceof Double number) {
                return number;
            }
            throw new IllegalArgumentException(name + " must be a number, but was " + describe(values.get(name)));
        }

        int integer(String name) {
            return integer(name, number(name));
        }

        private static int integer(String name, double number) {
            if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(name + " must be a whole number, but was " + number);
            }
            return (int) number;
        }

        /** Returns a range from two numbers in a list, or from one number for both ends. */
        Range range(String name) {
            Object value = values.get(name);
            return value instanceof Double number ? new Range(number, number) : pair(name);
        }

        /** Returns a range from two numbers in a list, or the range [-x, x] from one number x. */
        Range symmetricRange(String name) {
            return values.get(name) instanceof Double number ? new Range(0 - number, number) : pair(name);
        }

        private Range pair(String name) {
            double[] ends = numbers(name, 2);
            return new Range(ends[0], ends[1]);
        }

        boolean isNumber(String name) {
            return values.get(name) instanceof Double;
        }

        double[] numbers(String name, int... counts) {
            if (values.get(name) instanceof List<?> list
                    && list.stream().allMatch(Double.class::isInstance)
                    && Arrays.stream(counts).anyMatch(count -> count == list.size())) {
                return list.stream().mapToDouble(value -> (Double) value).toArray();
            }
            throw new IllegalArgumentException(name + " must be "
                    + Arrays.stream(counts)
                            .mapToObj(Integer::toString)
                            .reduce((a, b) -> a + " or " + b)
                            .orElse("no")
                    + " numbers in parentheses, but was " + describe(values.get(name)));
        }

        int[] integers(String name, int count) {
            double[] numbers = numbers(name, count);
            int[] whole = new int[count];
            for (int i = 0; i < count; i++) {
                whole[i] = integer(name, numbers[i]);
            }
            return whole;
        }

        <E extends Enum<E>> E word(String name, E[] choices) {
            String text = values.get(name) instanceof TransformLine.Word word ? word.text() : "";
            return Arrays.stream(choices)
                    .filter(choice -> choice.toString().equals(text.toLowerCase(Locale.ROOT)))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(name + " must be one of " + Arrays.toString(choices)
                            + ", but was " + describe(values.get(name))));
        }

        List<Transform> transforms(String name) {
            List<Transform> transforms = new ArrayList<>();
            collect(name, values.get(name), transforms);
            return transforms;
        }

        private static void collect(String name, @Nullable Object value, List<Transform> into) {
            if (value instanceof Transform transform) {
                into.add(transform);
            } else if (value instanceof List<?> list) {
                list.forEach(one -> collect(name, one, into));
            } else {
                throw new IllegalArgumentException(
                        name + " must contain only transforms, but one was " + describe(value));
            }
        }

        private static String describe(@Nullable Object value) {
            return value instanceof TransformLine.Word word ? "\"" + word.text() + "\"" : String.valueOf(value);
        }
    }

    static {
        add("Grayscale", a -> new Grayscale(a.integer("num_output_channels")), "num_output_channels", 3.0);
        add(
                "ColorJitter",
                TransformNames::colorJitter,
                "brightness",
                0.0,
                "contrast",
                0.0,
                "saturation",
                0.0,
                "hue",
                0.0);
        add("GaussianBlur", TransformNames::gaussianBlur, "kernel_size", REQUIRED, "sigma", List.of(0.1, 2.0));
        add("RandomPosterize", a -> new RandomPosterize(a.integer("bits"), a.number("p")), "bits", REQUIRED, "p", 0.5);
        add("RandomEqualize", a -> new RandomEqualize(a.number("p")), "p", 0.5);
        add(
                "RandomSolarize",
                a -> new RandomSolarize(a.number("threshold"), a.number("p")),
                "threshold",
                REQUIRED,
                "p",
                0.5);
        add("RandomAutocontrast", a -> new RandomAutocontrast(a.number("p")), "p", 0.5);
        add(
                "RandomAdjustSharpness",
                a -> new RandomAdjustSharpness(a.number("sharpness_factor"), a.number("p")),
                "sharpness_factor",
                REQUIRED,
                "p",
                0.5);
        add("RandomInvert", a -> new RandomInvert(a.number("p")), "p", 0.5);
        add("RandomHorizontalFlip", a -> new RandomHorizontalFlip(a.number("p")), "p", 0.5);
        add(
                "RandomErasing",
                TransformNames::randomErasing,
                "p",
                0.5,
                "scale",
                List.of(0.02, 0.33),
                "ratio",
                List.of(0.3, 3.3),
                "value",
                0.0);
        add(
                "RandomResizedCrop",
                a -> new RandomResizedCrop(a.range("scale"), a.range("ratio")),
                "scale",
                List.of(0.08, 1.0),
                "ratio",
                List.of(3 / 4.0, 4 / 3.0));
        TransformLine.Word nearest = new TransformLine.Word("nearest");
        add(
                "RandomRotation",
                a -> new RandomRotation(a.symmetricRange("degrees"), interpolation(a)),
                "degrees",
                REQUIRED,
                "interpolation",
                nearest);
        add(
                "RandomAffine",
                TransformNames::randomAffine,
                "degrees",
                REQUIRED,
                "translate",
                List.of(0.0, 0.0),
                "scale",
                1.0,
                "shear",
                0.0,
                "interpolation",
                nearest);
        add(
                "RandAugment",
                a -> new RandAugment(
                        a.integer("num_ops"),
                        a.integer("magnitude"),
                        a.integer("num_magnitude_bins"),
                        interpolation(a)),
                "num_ops",
                2.0,
                "magnitude",
                9.0,
                "num_magnitude_bins",
                31.0,
                "interpolation",
                nearest);
        add(
                "TrivialAugmentWide",
                a -> new TrivialAugmentWide(a.integer("num_magnitude_bins"), interpolation(a)),
                "num_magnitude_bins",
                31.0,
                "interpolation",
                nearest);
        add(
                "RandomCropOnBlack",
                a -> new RandomCropOnBlack(a.range("scale"), a.range("ratio")),
                "scale",
                List.of(0.2, 1.0),
                "ratio",
                List.of(3 / 4.0, 4 / 3.0));
        add("LowResolution", a -> new LowResolution(a.range("scale")), "scale", List.of(0.2, 1.0));
        add("JpegCompression", a -> new JpegCompression(a.range("quality")), "quality", List.of(20.0, 90.0));
        add("MotionBlur", a -> new MotionBlur(a.range("length")), "length", List.of(3.0, 11.0));
        add("GaussianNoise", a -> new GaussianNoise(a.range("sigma")), "sigma", List.of(1.0, 15.0));
        add("RandomGamma", a -> new RandomGamma(a.range("gamma")), "gamma", List.of(0.7, 1.5));
        add(
                "Occlusion",
                a -> new Occlusion(a.word("cover", Occlusion.Cover.values())),
                "cover",
                new TransformLine.Word("any"));
        add(
                "RandomApply",
                a -> new RandomApply(a.transforms("transforms"), a.number("p")),
                "transforms",
                REQUIRED,
                "p",
                0.5);
        add("OneOf", a -> new OneOf(a.transforms("transforms")), "transforms", List.of());
        add("Pipeline", a -> new Pipeline(a.transforms("transforms")), "transforms", List.of());
    }

    private TransformNames() {}

    /**
     * Adds a transform to the registry.
     *
     * @param parameters names and defaults, alternating
     */
    private static void add(String name, Function<Arguments, Transform> maker, Object... parameters) {
        List<String> names = new ArrayList<>();
        Map<String, Object> defaults = new HashMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            names.add((String) parameters[i]);
            defaults.put((String) parameters[i], parameters[i + 1]);
        }
        ENTRIES.put(name, new Entry(name, names, defaults, maker));
    }

    static Optional<Entry> find(String name) {
        return Optional.ofNullable(ENTRIES.get(name));
    }

    /** Returns all names, in the order of the documentation. */
    static List<String> all() {
        return List.copyOf(ENTRIES.keySet());
    }

    /** Returns the known name with the smallest edit distance to an unknown one. */
    static String nearest(String name) {
        LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
        return ENTRIES.keySet().stream()
                .min(Comparator.comparingInt(
                        known -> distance.apply(known.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))))
                .orElseThrow();
    }

    private static Interpolation interpolation(Arguments a) {
        return a.word("interpolation", Interpolation.values());
    }

    /** Parses each parameter as an amount around its neutral value (one number) or as the range itself (two). */
    private static ColorJitter colorJitter(Arguments a) {
        ColorJitter amounts = new ColorJitter(
                amount(a, "brightness"), amount(a, "contrast"), amount(a, "saturation"), amount(a, "hue"));
        return new ColorJitter(
                a.isNumber("brightness") ? amounts.brightness() : a.range("brightness"),
                a.isNumber("contrast") ? amounts.contrast() : a.range("contrast"),
                a.isNumber("saturation") ? amounts.saturation() : a.range("saturation"),
                a.isNumber("hue") ? amounts.hue() : a.range("hue"));
    }

    private static double amount(Arguments a, String name) {
        return a.isNumber(name) ? a.number(name) : 0;
    }

    private static GaussianBlur gaussianBlur(Arguments a) {
        if (a.isNumber("kernel_size")) {
            return new GaussianBlur(a.integer("kernel_size"), a.integer("kernel_size"), a.range("sigma"));
        }
        int[] kernel = a.integers("kernel_size", 2);
        return new GaussianBlur(kernel[0], kernel[1], a.range("sigma"));
    }

    private static RandomErasing randomErasing(Arguments a) {
        int[] color = a.isNumber("value")
                ? new int[] {a.integer("value"), a.integer("value"), a.integer("value")}
                : a.integers("value", 3);
        return new RandomErasing(a.number("p"), a.range("scale"), a.range("ratio"), color[0], color[1], color[2]);
    }

    /**
     * Parses {@code shear} like torchvision: a symmetric range along x (one number), a range along x (two), or two
     * ranges (four).
     */
    private static RandomAffine randomAffine(Arguments a) {
        double[] move = a.numbers("translate", 2);
        Range shearX;
        Range shearY = new Range(0, 0);
        if (a.isNumber("shear")) {
            shearX = a.symmetricRange("shear");
        } else {
            double[] shear = a.numbers("shear", 2, 4);
            shearX = new Range(shear[0], shear[1]);
            shearY = shear.length == 4 ? new Range(shear[2], shear[3]) : shearY;
        }
        return new RandomAffine(
                a.symmetricRange("degrees"), move[0], move[1], a.range("scale"), shearX, shearY, interpolation(a));
    }
}
