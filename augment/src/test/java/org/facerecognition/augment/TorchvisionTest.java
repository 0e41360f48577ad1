package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imread;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each pixel function against torchvision's tensor kernels; {@code torchvision/make.py} wrote the golden files. */
class TorchvisionTest {
    private static final List<String> IMAGES = List.of("gradient", "noise", "flat", "photograph", "row", "dot");

    /**
     * One operation on one image.
     *
     * @param image the file with the input and all results of torchvision, one below the other
     * @param tile the index of the result in the file; the input is 0
     * @param tiles the number of tiles in the file
     * @param operation the operation and its parameters
     */
    record Case(String image, int tile, int tiles, String operation) {
        @Override
        public String toString() {
            return operation + " of " + image;
        }

        private Mat tile(int index) throws URISyntaxException {
            Path file = resource(image + ".png");
            try (Mat bgr = imread(file.toString());
                    Mat rgb = new Mat()) {
                cvtColor(bgr, rgb, COLOR_BGR2RGB);
                int height = rgb.rows() / tiles;
                try (Mat view = new Mat(rgb, new Rect(0, index * height, rgb.cols(), height))) {
                    return view.clone();
                }
            }
        }
    }

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(TorchvisionTest.class.getResource("/torchvision/" + name).toURI());
    }

    static List<Case> cases() throws Exception {
        List<String> operations = Files.readAllLines(resource("operations.txt"));
        List<Case> cases = new ArrayList<>();
        for (String image : IMAGES) {
            for (int i = 0; i < operations.size(); i++) {
                Case one = new Case(image, i + 1, operations.size() + 1, operations.get(i));
                boolean reflectsOnePixel =
                        image.equals("dot") && one.operation().startsWith("blur");
                if (!reflectsOnePixel) { // torch cannot
                    cases.add(one);
                }
            }
        }
        return cases;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void givesThePixelsOfTorchvision(Case one) throws Exception {
        try (Mat input = one.tile(0);
                Mat expected = one.tile(one.tile());
                Mat actual = apply(one.operation().split(" "), input)) {
            Differences differences = Differences.between(actual, expected);
            switch (one.operation().split(" ")[0]) {
                case "posterize", "equalize", "hflip", "solarize", "invert", "autocontrast", "erase", "gamma" ->
                    assertThat(differences.largest()).isZero();
                // a position halfway between two pixels may be rounded to either
                case "rotate", "affine", "ShearX", "ShearY", "Rotate" ->
                    assertThat(differences.fractionAbove(1)).isLessThan(0.01);
                case "hue" -> {
                    assertThat(differences.fractionAbove(2)).isLessThanOrEqualTo(0.001);
                    assertThat(differences.fractionAbove(0)).isLessThan(0.02);
                }
                default -> {
                    assertThat(differences.largest()).isLessThanOrEqualTo(1);
                    assertThat(differences.fractionAbove(0)).isLessThan(0.02); // no constant offset of one
                }
            }
        }
    }

    private static Mat apply(String[] operation, Mat image) {
        double amount = operation.length > 1 ? Double.parseDouble(operation[1]) : 0;
        return switch (operation[0]) {
            case "grayscale" -> Grayscale.grayscale(image);
            case "brightness" -> Adjust.brightness(image, amount);
            case "contrast" -> Adjust.contrast(image, amount);
            case "saturation" -> Adjust.saturation(image, amount);
            case "hue" -> Adjust.hue(image, amount);
            case "posterize" -> RandomPosterize.posterize(image, (int) amount);
            case "equalize" -> RandomEqualize.equalize(image);
            case "hflip" -> RandomHorizontalFlip.flip(image);
            case "solarize" -> RandomSolarize.solarize(image, amount);
            case "invert" -> RandomInvert.invert(image);
            case "autocontrast" -> RandomAutocontrast.autocontrast(image);
            case "gamma" -> RandomGamma.gamma(image, amount);
            case "sharpness" -> RandomAdjustSharpness.sharpen(image, amount);
            case "erase" -> erase(image, operation);
            case "rotate" -> RandomRotation.rotate(image, amount, interpolation(operation[2]));
            case "affine" -> {
                double[] n = Arrays.stream(operation, 1, 7)
                        .mapToDouble(Double::parseDouble)
                        .toArray();
                yield RandomAffine.affine(image, n[0], n[1], n[2], n[3], n[4], n[5], interpolation(operation[7]));
            }
            case "blur" ->
                GaussianBlur.blur(
                        image, (int) amount, Integer.parseInt(operation[2]), Double.parseDouble(operation[3]));
            default -> {
                String op = operation[0].replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT);
                yield AugmentOp.valueOf(op).apply(image, amount, Interpolation.NEAREST);
            }
        };
    }

    private static Interpolation interpolation(String name) {
        return Interpolation.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static Mat erase(Mat image, String[] color) {
        int w = image.cols();
        int h = image.rows();
        RandomErasing.Box box = new RandomErasing.Box(w / 3, h / 4, w / 3, h / 2);
        return RandomErasing.erase(
                image, box, Integer.parseInt(color[1]), Integer.parseInt(color[2]), Integer.parseInt(color[3]));
    }
}
