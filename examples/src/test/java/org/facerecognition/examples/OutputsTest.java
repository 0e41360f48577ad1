package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that commands write: inputs with the same names were replaced. */
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

    private List<Object[]> commands(Path out) {
        return List.of(
                new Object[] {"find-label-noise", "--model", model, "--data", faces, "--out", out},
                new Object[] {"quantize", "--model", model, "--out", out, faces},
                new Object[] {"pack", "--data", faces, "--out", out},
                new Object[] {"augment", "--data", faces, "--out", out},
                new Object[] {"export", "--model", model, "--format", "onnx", "--out", out},
                new Object[] {"evaluate", "--model", model, "--data", faces, "--calibrate", out},
                new Object[] {"evaluate", "--model", model, "--data", faces, "--report", out});
    }

    /** It was noticed when the work was done: the model, which is none here, had been read before. */
    @Test
    void aFolderInTheWayIsNoticedFirst() throws IOException {
        Path folder = Files.createDirectory(root.resolve("folder"));
        for (Object[] words : commands(folder)) {
            Cli.Result result = Cli.run(words);
            assertThat(result.err()).contains(" must be a file, but was the folder " + folder);
            assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        }
    }

    @Test
    void aFolderThatCannotBeMadeIsNoticedFirst() {
        Path inFile = root.resolve("pairs.tsv/more/out.x");
        for (Object[] words : commands(inFile)) {
            Cli.Result result = Cli.run(words);
            assertThat(result.err())
                    .contains("error: cannot write " + inFile + ": " + root.resolve("pairs.tsv") + " is not a folder");
            assertThat(result.code()).isEqualTo(Main.FAILED);
        }
    }

    /** Those of find-label-noise and pack were replaced. */
    @Test
    void noFileOfATrainingIsReplaced() throws IOException {
        Path trained = root.resolve("trained");
        Cli.Result result = Cli.train(faces, trained, "--max-steps", 1);
        assertThat(result.code()).as(result.err()).isZero();
        for (String name : List.of("last.ckpt", "args.json")) {
            byte[] before = Files.readAllBytes(trained.resolve(name));
            for (Object[] words : commands(trained.resolve(name))) {
                Cli.Result refused = Cli.run(words);
                assertThat(refused.err()).contains(" of a training, which could not be resumed any more, but was ");
                assertThat(refused.code()).isEqualTo(Main.USED_WRONGLY);
            }
            assertThat(trained.resolve(name)).hasBinaryContent(before);
        }
    }

    /** Links, CelebA's folder of images, and people left out hid them. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void imagesOfTheDataAreFoundByAnyName() throws IOException {
        Path image = faces.resolve("person0/0.png");
        Path link = Files.createSymbolicLink(root.resolve("link"), faces);
        assertKept(image, "augment", "--data", link);
        assertKept(link.resolve("person0/0.png"), "augment", "--data", faces);
        Path few = faces.resolve("few/0.png");
        Files.createDirectories(few.getParent());
        Files.copy(image, few);
        assertKept(few, "augment", "--data", faces, "--min-images", 2);
        Path celeba = root.resolve("celeba");
        Files.createDirectories(celeba.resolve("celebA_imgs"));
        Path crop = Files.copy(image, celeba.resolve("celebA_imgs/000001.png"));
        Path list = Files.writeString(celeba.resolve("celebA_anno.txt"), "000001.png 0\n");
        Path split = Files.writeString(celeba.resolve("celebA_train_split.txt"), "000001.png 0\n");
        Path pairs = Files.writeString(celeba.resolve("pairs.txt"), "10\n");
        for (Path file : List.of(crop, list, split, pairs)) {
            assertKept(file, "pack", "--data", celeba);
        }
    }

    private static void assertKept(Path file, Object... words) throws IOException {
        byte[] before = Files.readAllBytes(file);
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--out", file));
        Cli.Result result = Cli.run(all.toArray());
        assertThat(result.err())
                .contains("error: --out must not be a file that is read, which it would replace, but was " + file);
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(file).hasBinaryContent(before);
    }
}
