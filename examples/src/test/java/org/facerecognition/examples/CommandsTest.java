package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.data.SplitSettings;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.WeightsCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class CommandsTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "demo",
                "train",
                "augment",
                "pack",
                "detect",
                "align",
                "embed",
                "verify",
                "gallery",
                "serve",
                "evaluate",
                "find-label-noise",
                "export",
                "quantize",
                "schema",
                "doctor",
                "generate-completion"
            })
    void everyCommandHasHelp(String command) {
        Cli.Result result = Cli.run(command, "--help");
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith("Usage: face-recognition " + command);
        assertThat(Cli.run("--help").out()).contains("  " + command);
    }

    @Test
    void explainsItsUseWithoutACommand() {
        Cli.Result result = Cli.run();
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("Missing required subcommand", "doctor");
        assertThat(Cli.run("--version").out()).contains("face-recognition ");
        assertThat(Cli.run("fly").code()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "train ", "gallery ", "gallery list ", "doctor ", "generate-completion "})
    void everyCommandPrintsTheVersion(String command) {
        Cli.Result result = Cli.run((Object[]) (command + "--version").split(" "));
        assertThat(result.code()).isZero();
        assertThat(result.out()).matches("face-recognition \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R");
    }

    @Test
    void argumentsCanBeInAFile() throws Exception {
        Path faces = Cli.faces(folder.resolve("my faces"));
        Path sheet = folder.resolve("my sheet.png");
        Path file = Files.writeString(folder.resolve("options"), """
                # the contact sheet
                --data "%s"
                --images 2   # rows
                --image-size=40 --out '%s'
                """.formatted(faces, sheet));
        Cli.Result result = Cli.run("augment", "@" + file);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out()).startsWith("wrote " + sheet + ": 2 images");
    }

    @Test
    void generatesAScriptForCompletion() {
        Cli.Result result = Cli.run("generate-completion");
        assertThat(result.code()).isZero();
        assertThat(result.out())
                .contains("complete -F _complete_face-recognition -o default face-recognition")
                .contains("--head-lr-multiplier", "mobilefacenet");
    }

    @Test
    void doctorFindsThisMachineHealthy() {
        Cli.Result result = Cli.run("doctor");
        assertThat(result.out())
                .contains("natives load", "training step", "all is well")
                .containsPattern("launcher +" + Pattern.quote(Distributed.environment()))
                .containsPattern("version +\\d+\\.\\d+\\.\\d+")
                .containsPattern("system +" + Pattern.quote(System.getProperty("os.name")))
                .containsPattern("native cache +.+, writable\\R")
                .containsPattern("weights cache +"
                        + Pattern.quote(WeightsCache.standard().folder().toString()) + ", (not )?writable");
        assertThat(result.code()).isZero();
    }

    /** The demonstration went on, with native code in a JVM that was ending, and said "No value present". */
    @Test
    @Timeout(120)
    void aDemoThatIsStoppedInItsTrainingMeasuresNothing() throws Exception {
        List<String> command = Cli.command("demo", "--out", folder.resolve("demo"), "--people", 30, "--epochs", 900);
        command.set(command.indexOf(Main.class.getName()), PatientMain.class.getName());
        Process process = new ProcessBuilder(command).start();
        try (BufferedReader err = process.errorReader()) {
            String line = err.readLine();
            while (line != null && !line.startsWith("epoch 1/")) {
                line = err.readLine();
            }
            assertThat(line).contains("step 1");
            process.toHandle().destroy(); // SIGTERM; Process.destroy would close the stream before it is read
            assertThat(err.lines().toList())
                    .contains("stopping after this step", "returned 0")
                    .noneMatch(message -> message.startsWith("error:"));
        } finally {
            process.destroyForcibly();
        }
        assertThat(folder.resolve("demo/demo.model")).doesNotExist();
    }

    @Test
    void demoTrainsVerifiesAndReports() throws Exception {
        Cli.Result result = Cli.run("demo", "--out", folder, "--people", 4, "--epochs", 1, "--json");

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains(
                        "they show no real person",
                        "impostor pairs of other people accepted",
                        "of 1 enrolled people identified",
                        "verify --model");
        JsonNode json = result.json();
        assertThat(json.get("epochs").asInt()).isEqualTo(1);
        assertThat(Cli.number(json, "unseen_auc")).isBetween(0.0, 1.0);
        assertThat(json.get("mated").asInt())
                .as("the other 2 of 5 images of 1 of 2 people")
                .isEqualTo(2);
        assertThat(json.get("non_mated").asInt()).isEqualTo(5);
        assertThat(Cli.number(json, "identified")).isBetween(0.0, 2.0);
        String report = Files.readString(folder.resolve("report.html"));
        assertThat(report)
                .contains(
                        "Loss",
                        "Accuracy",
                        "Learning rate",
                        "Similarity of people not trained on",
                        "DET",
                        "of no real person")
                .doesNotContain("<script")
                .doesNotContain("src=\"http");
        assertThat(report.split("<img ", -1).length - 1).isGreaterThan(4 + 20); // charts and faces
        try (Recognizer recognizer = Recognizer.load(folder.resolve("demo.model"))) {
            assertThat(recognizer.identities()).hasSize(4);
        }
    }

    /** The people of the former run were enrolled with those of this one. */
    @Test
    void demoDeletesTheFacesOfTheFormerRunAndNothingElse() throws Exception {
        Path faces = folder.resolve("faces");
        DemoPeople.write(new DemoPeople(new SyntheticFaces(0, 48), 7).unseen(), 2, faces);
        Path own = Files.createDirectories(faces.resolve("Ann")).resolve("0.png");
        Files.writeString(own, "mine");
        Files.writeString(faces.resolve("synthetic-8/note.txt"), "mine");
        Files.createDirectories(faces.resolve("synthetic-copy"));
        DemoPeople.write(new DemoPeople(new SyntheticFaces(0, 48), 4).unseen(), 2, faces);
        try (Stream<Path> all = Files.walk(faces)) {
            assertThat(all.filter(Files::isRegularFile)
                            .map(file -> faces.relativize(file).toString().replace('\\', '/'))
                            .filter(file -> !file.matches("synthetic-[45]/[0-4].png")))
                    .containsExactlyInAnyOrder("Ann/0.png", "synthetic-8/note.txt");
        }
        assertThat(faces.resolve("synthetic-7")).doesNotExist();
        assertThat(faces.resolve("synthetic-copy")).exists();
        assertThat(faces.resolve("synthetic-4/4.png")).exists();
    }

    /** What it prints for people, and the commands that it tells them to try. */
    @Test
    void demoPrintsItsFiguresAndCommandsThatRun() {
        Cli.Result result = Cli.run("demo", "--out", folder.resolve("a demo"), "--people", 2, "--epochs", 1);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out().lines().limit(6))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .matches("training        2 people, accuracy [01]\\.\\d{4} on new images of them"),
                        line -> assertThat(line)
                                .matches(
                                        "verification    [\\d.]+ % of [\\d,]+ genuine and [\\d.]+ % of [\\d,]+ impostor"
                                                + " pairs of other people accepted, AUC [01]\\.\\d{4}"),
                        line -> assertThat(line)
                                .matches(" +\\(threshold .*, calibrated on a third group of people .*%\\)"),
                        line -> assertThat(line)
                                .matches("identification  \\d+ of \\d+ images of \\d+ enrolled people"
                                        + " identified, \\d+ of"
                                        + " \\d+ images of others taken for one of them"),
                        line -> assertThat(line).matches(" +\\(threshold [\\d.]+, calibrated for .* %\\)"),
                        line -> assertThat(line).isEqualTo("report          " + folder.resolve("a demo/report.html")));
        List<String> next = result.out()
                .lines()
                .dropWhile(line -> !line.equals("try next:"))
                .skip(1)
                .map(String::strip)
                .toList();
        assertThat(next).hasSize(3);
        for (String command : next.subList(0, 2)) {
            String[] words = command.substring(Main.program().length() + 1)
                    .replace("'", "")
                    .replace("a demo", "a_demo")
                    .split(" ");
            Cli.Result run = Cli.run(Arrays.stream(words)
                    .map(word -> word.replace("a_demo", "a demo"))
                    .toArray());
            assertThat(run.code()).as(command + ": " + run.err()).isZero();
        }
        assertThat(next.get(2)).endsWith(" train --data FOLDER_WITH_ONE_FOLDER_PER_PERSON --out model");
    }

    /** With one sentence for wrong use and for what fails. */
    @ParameterizedTest
    @ValueSource(strings = {"embed --model absent.ckpt x.jpg", "train --data absent"})
    void aPropertyAddsTheStackTraceToAnError(String command) {
        assertThat(Cli.run((Object[]) command.split(" ")).err())
                .startsWith("error: ")
                .doesNotContain("\tat ");
        System.setProperty("trace", "true");
        try {
            assertThat(Cli.run((Object[]) command.split(" ")).err()).contains("error: ", "\tat org.facerecognition");
        } finally {
            System.clearProperty("trace");
        }
    }

    @Test
    void aGpuThatIsNotThereIsAFailure() {
        Libtorch.load();
        assumeFalse(torch.cuda_is_available(), "skipped: there is a GPU");
        Path faces = Cli.faces(folder.resolve("faces"));
        Cli.Result result = Cli.train(faces, folder.resolve("model"), "--device", "cuda");
        assertThat(result.code()).as(result.err()).isEqualTo(Main.FAILED);
        assertThat(result.err()).contains("error: ", "cuda");
    }

    @Test
    void exportWritesEachFormat() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path model = folder.resolve("model");
        Cli.train(faces, model, "--max-steps", 1);
        for (String format : new String[] {"torchscript", "onnx", "safetensors"}) {
            Path file = folder.resolve("out." + format);
            Cli.Result result =
                    Cli.run("export", "--model", model.resolve("last.ckpt"), "--format", format, "--out", file);
            assertThat(result.code()).as(result.err()).isZero();
            assertThat(result.out()).contains("wrote " + file);
            assertThat(Files.size(file)).isGreaterThan(100_000);
        }
        Cli.Result wrong = Cli.run(
                "export",
                "--model",
                model.resolve("last.ckpt"),
                "--format",
                "safetensors",
                "--normalize",
                "--out",
                folder.resolve("x"));
        assertThat(wrong.code()).isEqualTo(2);
        assertThat(wrong.err()).contains("must be without normalization");
    }

    @Test
    void embedPrintsAnEmbeddingPerImage() {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path model = folder.resolve("model");
        Cli.train(faces, model, "--max-steps", 1);
        Path first = faces.resolve("person0/0.png");
        Path second = faces.resolve("person1/0.png");

        Cli.Result result = Cli.run("embed", "--model", model.resolve("last.ckpt"), "--json", first, second);
        assertThat(result.code()).as(result.err()).isZero();
        JsonNode embeddings = result.json().get("embeddings");
        assertThat(embeddings).hasSize(2);
        assertThat(embeddings.get(0)).hasSize(16);
        try (Recognizer recognizer = Recognizer.load(model.resolve("last.ckpt"))) {
            float[] expected =
                    recognizer.embed(java.util.List.of(first, second)).get(1);
            for (int i = 0; i < 16; i++) {
                assertThat((float) embeddings.get(1).get(i).asDouble()).isEqualTo(expected[i]);
            }
        }
        assertThat(Cli.run("embed", "--model", model.resolve("last.ckpt"), first)
                        .out())
                .startsWith(first + "\t[");
    }

    @Test
    void doesNotCalibrateOnPeopleOfTheTraining() {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path first = folder.resolve("first");
        Path tuned = folder.resolve("tuned");
        Cli.train(faces, first, "--max-steps", 1, "--epochs", 3);
        Cli.Result result =
                Cli.train(faces, tuned, "--init", first.resolve("last.ckpt"), "--preset", "finetune", "--max-steps", 1);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("started from " + first.resolve("last.ckpt"), "s=24.0 m=0.3");

        Cli.Result figures = Cli.run(
                "evaluate", "--model", tuned.resolve("last.ckpt"), "--data", faces, "--layout", "folders", "--json");
        assertThat(figures.code()).as(figures.err()).isZero();
        assertThat(Cli.number(figures.json(), "val_accuracy")).isBetween(0.0, 1.0);
        assertThat(figures.json().get("test_accuracy").isNull()).isTrue();

        Path calibrated = folder.resolve("calibrated.model");
        Cli.Result more = Cli.run(
                "evaluate",
                "--model",
                tuned.resolve("last.ckpt"),
                "--data",
                faces,
                "--layout",
                "folders",
                "--val-fraction",
                0.5,
                "--calibrate",
                calibrated,
                "--json");
        assertThat(more.code()).as(more.err()).isEqualTo(1);
        assertThat(more.err())
                .contains("3 people of the data have names of the model's training")
                .contains("thresholds must be calibrated on people that the model was not trained on")
                .contains("but it was trained on 3 of these 3 (person0, person1, person2)");
        assertThat(calibrated).doesNotExist();
    }

    @Test
    void calibratesThresholdsOnPeopleNotTrainedOn() {
        Path seen = Cli.faces(folder.resolve("seen"));
        Path trained = folder.resolve("trained");
        Cli.train(seen, trained, "--max-steps", 1, "--encoder", "resnet18"); // tells people apart without training
        Path others = Cli.faces(folder.resolve("others"), 30, 2); // person0 to person2 are in training, by name
        Path calibrated = folder.resolve("calibrated.model");
        List<Object> words = new ArrayList<>(List.of("evaluate", "--protocol", "all-pairs", "--data", others));
        words.addAll(List.of("--val-fraction", 0, "--model", trained.resolve("last.ckpt"), "--calibrate", calibrated));

        Cli.Result result =
                Cli.run(Stream.concat(words.stream(), Stream.of("--json")).toArray());

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.json().get("people_in_training").asInt()).isEqualTo(3);
        assertThat(result.json().get("thresholds")).hasSize(1);
        assertThat(result.err())
                .contains("note: no threshold for a false accept rate of 0.001: it needs 78 people, there are 27")
                .contains("note: no threshold for a false accept rate of 0.0001: it needs 246 people, there are 27");
        JsonNode threshold = result.json().get("calibration").get(0);
        assertThat(threshold.get("people").asInt()).isEqualTo(27);
        assertThat(threshold.get("impostor_pairs").asInt()).isEqualTo(54 * 52 / 2);
        assertThat(threshold.get("upper_bound").asDouble()).isGreaterThan(0.01);
        assertThat(threshold.get("mode").asText())
                .isEqualTo("images framed as in training, with mirror images, float32");

        Cli.Result namesakes = Cli.run(Stream.concat(words.stream(), Stream.of("--namesakes", "--json"))
                .toArray());
        assertThat(Cli.number(namesakes.json(), "people_in_training")).isZero();
        assertThat(namesakes.json().get("calibration").get(0).get("people").asInt())
                .isEqualTo(30);

        Path image = others.resolve("person5/0.png");
        Cli.Result verified = Cli.run("verify", image, image, "--model", calibrated, "--far", 0.01);
        assertThat(verified.code()).as(verified.err()).isZero();
        Cli.Result lowestRate = Cli.run("verify", image, image, "--model", calibrated); // has none for 0.001
        assertThat(lowestRate.out())
                .isEqualTo(verified.out())
                .containsPattern("false accept rate 0\\.01 \\(at most 0\\.\\d+ on other people, 95 %\\)");
        Cli.Result json = Cli.run("verify", image, image, "--model", calibrated, "--far", 0.01, "--json");
        assertThat(json.json().get("upper_bound").asDouble())
                .isEqualTo(namesakes
                        .json()
                        .get("calibration")
                        .get(0)
                        .get("upper_bound")
                        .asDouble());
        Cli.Result otherMode = Cli.run("verify", image, image, "--model", calibrated, "--far", 0.01, "--no-flip");
        assertThat(otherMode.code()).isEqualTo(1);
        assertThat(otherMode.err())
                .contains("has only those measured on: images framed as in training, with mirror images");
    }

    @Test
    void contactSheetHasARowPerImageAndAColumnPerTransform() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path sheet = folder.resolve("sheets/sheet.png");
        Object[] words = {
            "augment", "--data", faces, "--layout", "folders", "--image-size", 40, "--images", 3, "--out", sheet
        };
        Cli.Result result = Cli.run(words);
        assertThat(result.code()).as(result.err()).isZero();
        BufferedImage image = ImageIO.read(sheet.toFile());
        assertThat(image.getWidth()).isEqualTo(6 * 42);
        assertThat(image.getHeight()).isEqualTo(18 + 3 * 42);
        int gray = image.getRGB(42 + 20, 18 + 20);
        assertThat(gray & 0xff).as("second column is gray").isEqualTo(gray >> 8 & 0xff);

        Object[] wrong = Arrays.copyOf(words, words.length + 2);
        wrong[words.length] = "--augmentations";
        wrong[words.length + 1] = "Grayscal(3)";
        Cli.Result rejected = Cli.run(wrong);
        assertThat(rejected.code()).isEqualTo(2);
        assertThat(rejected.err()).contains("did you mean Grayscale?", "\n  ^");
    }

    /** The sheet showed each transform alone, though training applies all of them to one image. */
    @ParameterizedTest
    @CsvSource({"adaface, --json, 6", "adaface, --compose, 6", "flip, --json, 2", "five, --compose, 7"})
    void contactSheetHasAColumnOfAllTransformsWhereTrainComposesThem(String line, String option, int columns)
            throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path sheet = folder.resolve("sheet.png");
        Cli.Result result = Cli.run(
                "augment",
                "--data",
                faces,
                "--image-size",
                40,
                "--images",
                1,
                "--out",
                sheet,
                "--augmentations",
                line,
                option);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(ImageIO.read(sheet.toFile()).getWidth()).isEqualTo(columns * 42);
    }

    @Test
    void theLastColumnOfAContactSheetHasAllTransforms() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path sheet = folder.resolve("sheet.png");
        Cli.Result result = Cli.run(
                "augment",
                "--data",
                faces,
                "--image-size",
                40,
                "--images",
                1,
                "--out",
                sheet,
                "--augmentations",
                "RandomInvert(1), Grayscale(3)",
                "--compose");
        assertThat(result.out()).contains("1 images, 2 transforms, and all of them in sequence");
        BufferedImage image = ImageIO.read(sheet.toFile());
        int y = 18 + 20;
        int gray = image.getRGB(2 * 42 + 20, y) & 0xff;
        int both = image.getRGB(3 * 42 + 20, y) & 0xff;
        assertThat(both).as("inverted, then gray").isCloseTo(255 - gray, within(1));
    }

    /** The images of other parts than the training's were replaced. */
    @Test
    void anImageOfTheDataIsNotReplacedByAContactSheet() throws IOException {
        Path faces = Cli.faces(folder.resolve("faces"));
        for (int person = 0; person < 3; person++) {
            for (int image = 0; image < 6; image++) {
                Path file = faces.resolve("person" + person + "/" + image + ".png");
                byte[] before = Files.readAllBytes(file);
                Cli.Result sheet = Cli.run("augment", "--data", faces, "--images", 1, "--out", file);
                assertThat(sheet.code()).as("%s would be lost", file).isEqualTo(2);
                assertThat(sheet.err()).contains("--out must not be a file that is read, which it would replace");
                assertThat(file).hasBinaryContent(before);
            }
        }
    }

    @Test
    void transformsAreCopiesUnlessComposed() {
        Path faces = Cli.faces(folder.resolve("faces"));
        String line = "RandomInvert(1), Grayscale(3)";
        Cli.Result copies = Cli.train(faces, folder.resolve("a"), "--max-steps", 1, "--augmentations", line);
        assertThat(copies.err()).contains("TRAIN: 45 samples", "RandomInvert(p=1.0)");
        Cli.Result composed =
                Cli.train(faces, folder.resolve("b"), "--max-steps", 1, "--augmentations", line, "--compose");
        assertThat(composed.err()).contains("TRAIN: 15 samples");
        Cli.Result ada = Cli.train(faces, folder.resolve("c"), "--max-steps", 1, "--augmentations", "adaface");
        assertThat(ada.err()).contains("TRAIN: 15 samples", "RandomCropOnBlack", "LowResolution");
    }

    @Test
    void packsGiveTheResultsOfTheirFolders() {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        Cli.Result packed = Cli.run("pack", "--data", faces, "--layout", "folders", "--decoded", 32, "--out", pack);
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(packed.out()).startsWith("wrote " + pack + ": 18 images");
        Path sheet = folder.resolve("sheet.png");
        assertThat(Cli.run("augment", "--data", pack, "--image-size", 32, "--out", sheet)
                        .code())
                .isZero();
        assertThat(Cli.run("augment", "--data", pack, "--image-size", 48, "--out", sheet)
                        .err())
                .contains("must be 32 px, as these images were packed, but is 48 px");
        Path image = faces.resolve("person0/0.png");
        for (Path read : List.of(pack, image)) {
            Cli.Result same = Cli.run("pack", "--data", read == pack ? pack : faces, "--out", read);
            assertThat(same.code()).as("%s would be lost", read).isEqualTo(2);
            assertThat(same.err()).contains("--out must not be a file that is read, which it would replace");
        }
        Cli.Result shards =
                Cli.run("pack", "--data", faces, "--layout", "folders", "--out", pack, "--shards", 3, "--json");
        assertThat(shards.json().get("files").get(2).asText()).endsWith("faces-3-of-3.pack");
        Cli.Result fromFolder = Cli.train(faces, folder.resolve("a"), "--max-steps", 2);
        Cli.Result fromPack = Cli.train(pack, folder.resolve("b"), "--max-steps", 2, "--layout", "packed");
        assertThat(fromPack.code()).as(fromPack.err()).isZero();
        assertThat(fromPack.json().get("train_loss"))
                .isEqualTo(fromFolder.json().get("train_loss"));
        Cli.Result figures = Cli.run(
                "evaluate", "--model", folder.resolve("b/last.ckpt"), "--data", pack, "--layout", "packed", "--json");
        assertThat(figures.code()).as(figures.err()).isZero();
        assertThat(figures.json().has("val_accuracy")).isTrue();
    }

    /** Earlier, one person with a single image made the folder unusable. */
    @Test
    void acceptsPeopleWithOneImage() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path lonely = Files.createDirectories(faces.resolve("lonely"));
        Files.copy(faces.resolve("person0/0.png"), lonely.resolve("0.png"));
        Cli.Result trained = Cli.train(faces, folder.resolve("a"), "--max-steps", 1, "--augmentations", "none");
        assertThat(trained.code()).as(trained.err()).isZero();
        assertThat(trained.err())
                .contains("TRAIN: 16 samples of 4 identities", "1 person has one image, which is in training")
                .containsOnlyOnce("has one image");
        Cli.Result fewer =
                Cli.train(faces, folder.resolve("b"), "--max-steps", 1, "--augmentations", "none", "--min-images", 2);
        assertThat(fewer.err())
                .contains("TRAIN: 15 samples of 3 identities", "left out: 1 person with fewer than 2 images");

        Path pack = folder.resolve("faces.pack");
        Cli.Result packed = Cli.run("pack", "--data", faces, "--layout", "folders", "--out", pack);
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(packed.out()).startsWith("wrote " + pack + ": 19 images");
        Cli.Result fromPack = Cli.train(
                pack,
                folder.resolve("c"),
                "--layout",
                "packed",
                "--max-steps",
                1,
                "--augmentations",
                "none",
                "--min-images",
                6);
        assertThat(fromPack.err())
                .contains("TRAIN: 15 samples of 3 identities", "VAL: 3 samples of 3 identities")
                .containsOnlyOnce("left out: 1 person with fewer than 6 images");
        Cli.Result unseen = Cli.train(
                faces, folder.resolve("d"), "--max-steps", 1, "--augmentations", "none", "--verify-on-unseen", 0.5);
        assertThat(unseen.code()).as(unseen.err()).isZero();
    }

    @Command
    private static final class Reader {
        @Mixin
        private DataOptions data = new DataOptions();
    }

    @Test
    void packsNeedNoValidationPart() {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        Cli.Result packed = Cli.run("pack", "--data", faces, "--layout", "folders", "--val-fraction", 0, "--out", pack);
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(FaceDataset.packed(pack, Split.TRAIN).size()).isEqualTo(18);
        for (Object[] words : new Object[][] {
            {"--layout", "packed", "--data", pack},
            {"--layout", "folders", "--data", faces, "--val-fraction", 0},
            {"--layout", "folders", "--data", faces, "--min-images", 2}
        }) {
            Reader reader = new Reader();
            new CommandLine(reader)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .parseArgs(Arrays.stream(words).map(Object::toString).toArray(String[]::new));
            assertThat(reader.data.validation(0).isPresent()).isEqualTo(words.length == 6 && words[5].equals(2));
        }
    }

    @Test
    void appliesSamplersAndFilters() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Files.delete(faces.resolve("person0/0.png"));
        Files.writeString(faces.resolve("person1/0.png"), "no image");
        Cli.Result result =
                Cli.train(faces, folder.resolve("a"), "--bad-images", "skip", "--augmentations", "none", "--epochs", 1);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("skipped so far: 1 images", "person1/0.png");
        Files.delete(faces.resolve("person1/0.png"));
        Cli.Result sampled = Cli.train(faces, folder.resolve("d"), "--sampler", "2x3", "--max-steps", 1);
        assertThat(sampled.code()).as(sampled.err()).isZero();
        Cli.Result fewer = Cli.train(faces, folder.resolve("b"), "--min-images", 6, "--max-steps", 1);
        assertThat(fewer.err()).contains("of 1 identities", "left out: 2 people with fewer than 6 images");
        assertThat(Cli.train(faces, folder.resolve("c"), "--sampler", "best").err())
                .contains("--sampler must be shuffled, balanced or PxK");
    }

    @Test
    void checksFetchedWeightsAndRecordsTheirLicense() throws Exception {
        Path faces = Cli.faces(folder.resolve("faces"));
        Cli.train(faces, folder.resolve("first"), "--max-steps", 1);
        Path weights = folder.resolve("first/last.ckpt");
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(weights));
        Object[] words = {
            "--init",
            weights.toUri(),
            "--cache",
            folder.resolve("cache"),
            "--max-steps",
            1,
            "--init-license",
            "CC-BY-4.0"
        };
        Path unchecked = folder.resolve("unchecked");
        assertThat(Cli.train(faces, unchecked, words).err()).contains("must come with --init-sha256");

        for (String option : List.of("--init-sha256", "--init-license")) {
            assertThat(Cli.train(faces, unchecked, "--init", weights, option, "x")
                            .err())
                    .contains(
                            option + " must go with an address as --init, from which weights are fetched, but that was "
                                    + weights);
        }

        Object[] checked = Arrays.copyOf(words, words.length + 2);
        checked[words.length] = "--init-sha256";
        checked[words.length + 1] = HexFormat.of().formatHex(sum);
        Path tuned = folder.resolve("tuned");
        Cli.Result result = Cli.train(faces, tuned, checked);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("fetching file:", "license: CC-BY-4.0", "started from file:");
        assertThat(Cli.train(faces, folder.resolve("again"), checked).err()).doesNotContain("fetching");
        try (Recognizer recognizer = Recognizer.load(tuned.resolve("last.ckpt"))) {
            assertThat(recognizer.origin().license()).isEqualTo("CC-BY-4.0");
            assertThat(recognizer.origin().startedFrom())
                    .startsWith("file:")
                    .endsWith(HexFormat.of().formatHex(sum));
            assertThat(recognizer.origin().data()).startsWith("TRAIN: ").contains("of 3 identities");
        }
        checked[words.length + 1] = "00000000";
        assertThat(Cli.train(faces, folder.resolve("wrong"), checked).err()).contains("must have the sha256 00000000");
    }

    @Test
    void embedReportsUnusableModels() throws Exception {
        Path nowhere = folder.resolve("nowhere.ckpt");
        Cli.Result missing = Cli.run("embed", "--model", nowhere, "x.jpg");
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err())
                .isEqualTo("error: weights file " + nowhere + " does not exist" + System.lineSeparator());
        Path text = Files.writeString(folder.resolve("text.ckpt"), "this is no model at all");
        assertThat(Cli.run("embed", "--model", text, "x.jpg").err()).contains("is a text file");
    }

    /** The preset used to ask for centers from means, which only losses with centers have. */
    @Test
    void finetunesWithALossWithoutCenters(@TempDir Path folder) {
        Path faces = Cli.faces(folder.resolve("faces"));
        Cli.Result trained = Cli.train(
                faces,
                folder.resolve("model"),
                "--preset",
                "finetune",
                "--loss",
                "triplet",
                "--sampler",
                "2x3",
                "--margin-warmup-epochs",
                1,
                "--freezer-parent",
                "encoder",
                "--min-processes",
                1,
                "--max-steps",
                1);
        assertThat(trained.code()).as(trained.err()).isZero();
        assertThat(trained.err()).contains("note: marginWarmupEpochs has no effect");
    }

    @Test
    void fractionsOfPacksAreWarnedOf(@TempDir Path folder) {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        assertThat(Cli.run("pack", "--data", faces, "--out", pack).code()).isZero();
        Path again = folder.resolve("again.pack");
        Cli.Result packed = Cli.run("pack", "--data", pack, "--out", again, "--val-fraction", 0.5);
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(packed.err())
                .contains("warning: --val-fraction has no effect, because " + pack + " has parts of its own");
        assertThat(Cli.run("pack", "--data", pack, "--out", again).err()).doesNotContain("warning");
    }

    /** An interruption after the first shard left neither the former pack nor the new one. */
    @Test
    void shardsAreNotPackedIntoThemselves(@TempDir Path folder) {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        assertThat(Cli.run("pack", "--data", faces, "--out", pack, "--shards", 2)
                        .code())
                .isZero();
        Cli.Result again = Cli.run(
                "pack", "--data", folder.resolve("faces-1-of-2.pack"), "--out", pack, "--shards", 2, "--decoded", 32);
        assertThat(again.code()).isEqualTo(2);
        String reason = "a pack must be written to other files than those that the images come from";
        assertThat(again.err()).contains(reason);
        Path shard = folder.resolve("faces-1-of-2.pack");
        Cli.Result other = Cli.run("pack", "--data", shard, "--out", folder.resolve("faces-2-of-2.pack"));
        assertThat(other.code()).as("another shard that is read too").isEqualTo(2);
        assertThat(other.err()).contains(reason);
        Cli.Result whole = Cli.run("pack", "--data", shard, "--out", pack);
        assertThat(whole.code()).as(whole.err()).isZero();
        Cli.Result divided = Cli.run("pack", "--data", pack, "--out", pack, "--shards", 3);
        assertThat(divided.code()).as(divided.err()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Java heap space | error: memory ran out (Java heap space); give Java more with -Xmx, or work on"
                        + " less at"
                        + " once",
                "unable to create native thread: possibly out of memory or process/resource limits reached"
                        + " | error: no more threads can be started; allow more processes (ulimit -u, or the limit"
                        + " of the"
                        + " container), or compute with fewer threads (-Dfacerecognition.threads=1)"
            })
    void memoryOrThreadsThatRunOutAreOneSentence(String reason, String sentence) {
        StringWriter err = new StringWriter();
        PrintWriter full = new PrintWriter(new StringWriter()) {
            @Override
            public void println(Object text) {
                throw new OutOfMemoryError(reason);
            }

            @Override
            public void println(String text) {
                throw new OutOfMemoryError(reason);
            }

            @Override
            public PrintWriter printf(String format, Object... words) {
                throw new OutOfMemoryError(reason);
            }
        };
        assertThat(Main.run(full, new PrintWriter(err, true), "doctor")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo(sentence + System.lineSeparator());
    }

    /** A full disk used to be a success. */
    @Test
    void resultsThatCannotBeWrittenAreAFailure() {
        Writer full = new Writer() {
            @Override
            public void write(char[] text, int from, int count) throws IOException {
                throw new IOException("No space left on device");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        StringWriter err = new StringWriter();
        assertThat(Main.run(new PrintWriter(full, true), new PrintWriter(err, true), "schema", "embed"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("error: standard output cannot be written: its disk is full");
    }

    /** Above so many people even two faces each were too many: a training could not begin. */
    @Test
    void noMoreFacesThanAskedForAreComparedHoweverManyPeopleThereAre() {
        FaceDataset people = FaceDataset.synthetic(
                new SyntheticFaces(0, 48).identities(0, 300).images(0, 3), Split.TEST);
        assertThat(AllPairsProtocol.atMost(people, 200).size()).isEqualTo(200);
        assertThat(AllPairsProtocol.atMost(people, 200).classes()).isEqualTo(100);
        assertThat(AllPairsProtocol.atMost(people, 700).size()).isBetween(600, 700);
        assertThat(AllPairsProtocol.atMost(people, 1_000_000)).isSameAs(people);
    }

    /** People with one face have no genuine pair. */
    @Test
    void allPairsPrefersPeopleWithSeveralFaces() throws IOException {
        for (int person = 0; person < 8; person++) {
            Path own = Files.createDirectories(folder.resolve("people/p" + person));
            for (int image = 0; image < (person % 4 == 3 ? 5 : 1); image++) {
                Files.writeString(own.resolve(image + ".jpg"), "a face"); // which is not read here
            }
        }
        FaceDataset people = FaceDataset.folders(folder.resolve("people"), Split.TRAIN, new SplitSettings(0, 0, 1, 0));
        FaceDataset both = AllPairsProtocol.atMost(people, 4);
        assertThat(both.identities()).containsExactly("p3", "p7");
        assertThat(both.size()).isEqualTo(4);
        FaceDataset more = AllPairsProtocol.atMost(people, 6);
        assertThat(more.identities()).contains("p3", "p7").hasSize(4);
        assertThat(more.size()).isEqualTo(6);
        assertThat(AllPairsProtocol.note(more, people))
                .isEqualTo("6 of 16 faces are compared, the first ones of 4 of 8 people");
    }
}
