package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TransformLineTest {
    @Test
    void parsesTorchvisionsLine() {
        assertThat(TransformLine.parse(
                        "Grayscale(3), ColorJitter(brightness=.5, hue=.3), GaussianBlur((5, 9), (0.1, 5.0)),"
                                + " RandomPosterize(bits=2), RandomEqualize()"))
                .isEqualTo(Presets.fiveColor());
    }

    @Test
    void aBlankLineHasNoTransforms() {
        assertThat(TransformLine.parse("  ")).isEmpty();
    }

    @Test
    void presetsAreParsedFromWhatTheyPrint() {
        for (List<Transform> preset : List.of(Presets.fiveColor(), Presets.insightface(), Presets.adaFace())) {
            String line =
                    String.join(", ", preset.stream().map(Object::toString).toList());
            assertThat(TransformLine.parse(line)).isEqualTo(preset);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "RandomEqualize | RandomEqualize(p=0.5)",
                "GaussianBlur(3) | GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))",
                "GaussianBlur(3, 1.5) | GaussianBlur(kernel_size=(3, 3), sigma=(1.5, 1.5))",
                "ColorJitter(.4, .4, .4, .1) | ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)",
                "ColorJitter(brightness=(.9, 1.2)) | ColorJitter(brightness=(0.9, 1.2))",
                "RandomRotation(15) | RandomRotation(degrees=(-15.0, 15.0), interpolation=nearest)",
                "RandomRotation((5, 15), bilinear) | RandomRotation(degrees=(5.0, 15.0), interpolation=bilinear)",
                "RandomErasing(value=128) | RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=(128, 128, 128))",
                "RandomAffine(10, shear=5) | RandomAffine(degrees=(-10.0, 10.0), translate=(0.0, 0.0), scale=(1.0, 1.0), shear=(-5.0, 5.0, 0.0, 0.0), interpolation=nearest)",
                "RandomApply([RandomInvert(1), Grayscale], p=.2) | RandomApply([RandomInvert(p=1.0), Grayscale(num_output_channels=3)], p=0.2)",
                "RandomErasing(ratio=(3/4, 4 / 3)) | RandomErasing(p=0.5, scale=(0.02, 0.33),"
                        + " ratio=(0.75, 1.3333333333333333), value=(0, 0, 0))",
                "OneOf(RandomInvert, Occlusion(mask)) | OneOf(RandomInvert(p=0.5), Occlusion(cover=mask))",
            })
    void acceptsPositionalNamedAndOmittedParameters(String line, String printed) {
        assertThat(TransformLine.parse(line)).singleElement().hasToString(printed);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Greyscale(3) | 1 | there is no transform \"Greyscale\"; did you mean Grayscale?",
                "Grayscale(3), colorjitter() | 15 | did you mean ColorJitter?",
                "Grayscale(3) ColorJitter() | 14 | a comma was expected between transforms",
                "Grayscale(3 | 12 | a comma or a closing parenthesis was expected",
                "Grayscale(1) | 1 | Grayscale: outputChannels must be 3",
                "RandomPosterize() | 1 | \"bits\" must be given",
                "RandomPosterize(bits=2.5) | 1 | bits must be a whole number, but was 2.5",
                "RandomPosterize(2, bits=2) | 1 | \"bits\" is given twice",
                "OneOf(Grayscale(), transforms=[RandomInvert()]) | 1 | \"transforms\" is given twice",
                "RandomPosterize(bits=2, bits=2) | 25 | \"bits\" is given twice",
                "RandomPosterize(bits=2, .5) | 25 | a positional parameter must not follow a named one",
                "RandomPosterize(bit=2) | 1 | parameter must be one of bits, p, but was \"bit\"",
                "RandomPosterize(2, .5, 3) | 1 | the number of parameters must be at most 2, but was 3",
                "RandomPosterize(two) | 1 | bits must be a number, but was \"two\"",
                "RandomPosterize(2-) | 17 | \"2-\" is not a number",
                "GaussianBlur((1, 2, 3)) | 1 | kernel_size must be 2 numbers in parentheses",
                "GaussianBlur((1, 3] | 19 | a comma or \")\" was expected",
                "Occlusion(hat) | 1 | cover must be one of [mask, glasses, block, any], but was \"hat\"",
                "OneOf(3) | 1 | transforms must contain only transforms, but one was 3.0",
                "OneOf() | 1 | OneOf must have at least one transform",
                "; | 1 | \";\" was not expected",
                "RandomInvert(1/0) | 14 | \"1/0\" is not a finite number",
                "RandomInvert(1/x) | 16 | \"\" is not a number",
                "RandomApply( | 13 | the line ends too early"
            })
    void pointsAtTheError(String line, int position, String message) {
        assertThatThrownBy(() -> TransformLine.parse(line))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message)
                .hasMessageContaining("at character " + position + " of")
                .hasMessageEndingWith("\n  " + line + "\n  " + " ".repeat(position - 1) + "^");
    }

    /** The guide's tables show how each transform is written, with the names of the parameters that must be given. */
    @Test
    void parsesWhatTheGuideShows() throws IOException {
        Map<String, String> required = Map.of(
                "kernel_size", "5",
                "bits", "2",
                "threshold", "128",
                "sharpness_factor", "2",
                "degrees", "10",
                "[transforms]", "[Grayscale()]",
                "transforms", "Grayscale()");
        List<String> rows = Files.readAllLines(Path.of("README.md")).stream()
                .filter(row -> row.matches("\\| `[A-Z]\\w+\\(.*\\)` \\|.*"))
                .toList();
        assertThat(rows).hasSizeGreaterThan(20);
        for (String row : rows) {
            String line = row.split("`")[1];
            for (Map.Entry<String, String> parameter : required.entrySet()) {
                line = line.replace("(" + parameter.getKey(), "(" + parameter.getValue());
            }
            String shown = line;
            assertThatCode(() -> TransformLine.parse(shown)).as(shown).doesNotThrowAnyException();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"((((((", "a(b(c(d", "=", "Grayscale(=3)", "Grayscale(3),,", "OneOf([[[", "1e999", "\u4e16(3)"})
    void anyTextThatIsNotALineGivesAnError(String line) {
        assertThatThrownBy(() -> TransformLine.parse(line))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("augmentations: ");
    }

    /** Such a line used to end in a StackOverflowError. */
    @ParameterizedTest
    @ValueSource(strings = {"OneOf(", "(", "[", "RandomApply(transforms="})
    void tooDeepALineGivesAnError(String opening) {
        assertThatThrownBy(() -> TransformLine.parse("OneOf(" + opening.repeat(50_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("augmentations: transforms and lists must be nested at most 100 deep");
    }
}
