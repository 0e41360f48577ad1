package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that {@code evaluate} and {@code quantize} write: inputs with the same names were replaced. */
class OutputsTest {
    @TempDir
    private Path root;

    private Path faces;
    private Path model;

    @BeforeEach
    void write() throws IOException {
        faces = Cli.faces(root.resolve("faces"), 2, 2);
        model = text("run/best.ckpt");
        for (String name :
                List.of("run/args.json", "pairs.json", "detector.onnx", "d.json", "pairs.tsv", "model.json")) {
            text(name);
        }
    }

    private Path text(String name) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "input");
    }

    private Cli.Result evaluate(String protocol, Object... more) {
        List<Object> words = new ArrayList<>(List.of("evaluate", "--protocol", protocol, "--data", faces));
        if (!List.of(more).contains("--model")) {
            words.addAll(List.of("--model", model));
        }
        words.addAll(List.of(more));
        return Cli.run(words.toArray());
    }

    private void assertRefused(Cli.Result result, String message, Path input) {
        assertThat(result.err()).contains("error: " + message, "but was " + input);
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        if (Files.isRegularFile(input)) {
            assertThat(input).hasContent("input");
        }
    }

    @Test
    void aCalibratedModelReplacesNoInput() {
        String message = "--calibrate must not be a file that is read, which it would replace";
        assertRefused(evaluate("all-pairs", "--calibrate", faces), message, faces);
        Path detector = root.resolve("detector.onnx");
        assertRefused(evaluate("all-pairs", "--calibrate", detector, "--detector", detector), message, detector);
        Path args = root.resolve("run/args.json");
        assertRefused(evaluate("all-pairs", "--calibrate", args), message, args);
        Path image = faces.resolve("person0/0.png");
        assertThat(evaluate("all-pairs", "--calibrate", image).err()).contains(message, "but was " + image);
    }

    @ParameterizedTest
    @ValueSource(strings = {"new.html", "./new.html", "new.json"})
    void aCalibratedModelIsNotTheReport(String calibrated) {
        Path file = root.resolve(calibrated);
        Cli.Result result = evaluate("all-pairs", "--calibrate", file, "--report", root.resolve("new.html"));
        assertRefused(result, "--calibrate must be another file than --report writes", file);
        assertThat(root.resolve("new.html")).doesNotExist();
    }

    @Test
    void aReportReplacesNoInput() {
        String message = "--report must not be a file that is read, which it would replace";
        Path pairs = root.resolve("pairs.tsv");
        assertRefused(evaluate("pairs", "--pairs", pairs, "--report", pairs), message, pairs);
        Path detector = root.resolve("detector.onnx");
        assertRefused(evaluate("all-pairs", "--report", detector, "--detector", detector), message, detector);
        Path image = faces.resolve("person0/0.png");
        assertThat(evaluate("all-pairs", "--report", image).err()).contains(message, "but was " + image);
    }

    @Test
    void theJsonFileOfAReportReplacesNoInput() {
        String message = "the JSON file of --report must not be a file that is read, which it would replace";
        Path args = root.resolve("run/args.json");
        assertRefused(evaluate("all-pairs", "--report", root.resolve("run/args.html")), message, args);
        Path pairs = root.resolve("pairs.json");
        assertRefused(evaluate("pairs", "--pairs", pairs, "--report", root.resolve("pairs.htm")), message, pairs);
        Path detector = root.resolve("d.json");
        assertRefused(evaluate("all-pairs", "--detector", detector, "--report", root.resolve("d")), message, detector);
        Path other = root.resolve("model.json");
        assertRefused(evaluate("all-pairs", "--model", other, "--report", root.resolve("model.html")), message, other);
    }

    @Test
    void aQuantizedModelReplacesNoInput() {
        String message = "--out must not be a file that is read, which it would replace";
        Path detector = root.resolve("detector.onnx");
        Cli.Result result = Cli.run("quantize", "--model", model, "--detector", detector, "--out", detector, faces);
        assertRefused(result, message, detector);
        Path image = faces.resolve("person1/0.png");
        assertThat(Cli.run("quantize", "--model", model, "--out", image, faces).err())
                .contains(message, "but was " + image);
    }
}
