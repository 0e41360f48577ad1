package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.export.OnnxFile;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Convolution;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX models in the commands that embed faces. */
class OnnxCommandsTest {
    @TempDir
    private static Path root;

    private static Path faces;
    private static Path saved;
    private static Path exported;

    @BeforeAll
    static void exportAModel() {
        faces = Cli.faces(root.resolve("faces"));
        saved = root.resolve("model.safetensors");
        exported = root.resolve("model.onnx");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(32)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(saved);
            recognizer.export(exported, ExportFormat.ONNX, false);
        }
    }

    private static Path image(int person, int number) {
        return faces.resolve("person" + person).resolve(number + ".png");
    }

    /** A model whose file does not say what pixels it takes. */
    private static Path withoutMetadata(String name) throws IOException {
        return withoutMetadata(name, 32);
    }

    private static Path withoutMetadata(String name, int sizePx) throws IOException {
        Path file = root.resolve(name);
        int half = sizePx / 2;
        float[] weights = new float[4 * 3 * half * half];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) Math.sin(i * i);
        }
        Constant weight = Constant.of(weights, 4, 3, half, half);
        try (Graph graph = Graph.of((g, x) -> g.flatten(g.add(new Convolution(weight, null, half, 0, 1), x)))) {
            OnnxFile.write(file, graph, sizePx, 16, java.util.Map.of());
        }
        return file;
    }

    @Test
    void embedGivesTheEmbeddingsOfTheModelThatWasExported() {
        JsonNode own = Cli.run("embed", "--model", saved, "--flip", "--json", image(0, 0), image(1, 0))
                .json()
                .get("embeddings");
        Cli.Result result = Cli.run("embed", "--model", exported, "--flip", "--json", image(0, 0), image(1, 0));
        assertThat(result.code()).as(result.err()).isZero();
        JsonNode onnx = result.json().get("embeddings");
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < 16; j++) {
                assertThat(Math.abs(onnx.get(i).get(j).asDouble()
                                - own.get(i).get(j).asDouble()))
                        .isLessThan(1e-5);
            }
        }
    }

    @Test
    void verifyEnrollAndIdentifyTakeOnnxModels() {
        assertThat(Cli.run("verify", image(0, 0), image(0, 0), "--model", exported, "--threshold", "0.9")
                        .out())
                .startsWith("the same person: cosine 1.0000");
        Path gallery = root.resolve("people.gallery");
        Cli.Result enrolled =
                Cli.run("gallery", "enroll", "--gallery", gallery, "--model", exported, "--folder", faces);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        Cli.Result identified = Cli.run(
                "gallery", "identify", "--gallery", gallery, "--model", exported, "--threshold", "0.9", image(2, 1));
        assertThat(identified.out()).contains("person2");
    }

    @Test
    void saysWhatToGiveWhereTheFileDoesNotSayWhatPixelsItTakes() throws IOException {
        Path file = withoutMetadata("silent.onnx");
        Cli.Result refused = Cli.run("embed", "--model", file, image(0, 0));
        assertThat(refused.code()).isNotZero();
        assertThat(refused.err().strip()).contains(file + " does not say what pixels it takes; give the input");
        Cli.Result given = Cli.run("embed", "--model", file, "--input", "BGR mean=127.5 std=128", image(0, 0));
        assertThat(given.code()).as(given.err()).isZero();
        assertThat(Cli.run("embed", "--model", saved, "--input", "sface", image(0, 0))
                        .err())
                .contains("--input must be given with an ONNX model, since " + saved + " says what pixels it takes");
    }

    /** find-label-noise advised to embed with --model, which had been typed; the others said no way out. */
    @Test
    void commandsThatNeedAModelOfThisProgramSayWhereToGetOne() {
        Path out = root.resolve("none.model");
        for (Object[] command : new Object[][] {
            {"find-label-noise", "--data", faces, "--layout", "folders"},
            {"export", "--format", "onnx", "--out", out},
            {"quantize", "--data", faces, "--layout", "folders", "--out", out}
        }) {
            Cli.Result refused = Cli.run(words(command, "--model", exported));
            assertThat(refused.code()).isEqualTo(Main.USED_WRONGLY);
            assertThat(refused.err())
                    .contains("error: model " + exported + " is an ONNX model, with which faces can be embedded; this"
                            + " command needs a model of this program: that which it was exported from, or one that"
                            + " train --init " + exported + " has trained from it")
                    .doesNotContain("--model");
        }
    }

    @Test
    void evaluateTriesWhichInputFits() throws IOException {
        Path file = withoutMetadata("tried.onnx");
        Object[] allPairs = {
            "evaluate",
            "--protocol",
            "all-pairs",
            "--data",
            faces,
            "--layout",
            "folders",
            "--model",
            file,
            "--input",
            "try"
        };
        Cli.Result tried = Cli.run(allPairs);
        assertThat(tried.code()).as(tried.err()).isZero();
        assertThat(tried.out().lines().toList())
                .anyMatch(line -> line.startsWith("RGB mean=127.5 std=128 size="))
                .anyMatch(line -> line.startsWith("BGR mean=0 std=1 size="))
                .filteredOn(line -> line.matches("(RGB|BGR) mean=.* size=32 .*"))
                .hasSize(10);
        assertThat(tried.out()).contains("not decided: ").doesNotContain("best"); // 3 people decide nothing
        allPairs[allPairs.length - 1] = "BGR mean=0 std=255 size=32";
        Cli.Result again = Cli.run(allPairs);
        assertThat(again.code()).as(again.err()).isZero();
    }

    /** Only the square template was tried, which is not that of insightface for this size. */
    @Test
    void evaluateTriesBothAlignmentsWhereInsightfaceHasAnother() throws IOException {
        Path people = root.resolve("photographed");
        for (int person = 0; person < 3; person++) {
            for (int shot = 0; shot < 2; shot++) {
                OwnPhotographsTest.photograph(people.resolve(person + "/" + shot + ".png"), person, shot);
            }
        }
        Object[] words = {
            "evaluate", "--protocol", "all-pairs", "--data", people, "--layout", "folders", "--input", "try", "--model"
        };
        for (int sizePx : new int[] {112, 128}) {
            Object[] detected = {withoutMetadata(sizePx + ".onnx", sizePx), "--detector", CliData.DETECTOR};
            Cli.Result tried = Cli.run(words(words, detected));
            assertThat(tried.code()).as(tried.err()).isZero();
            assertThat(tried.out().lines().filter(line -> line.contains(" size=" + sizePx + " ")))
                    .hasSize(sizePx == 112 ? 10 : 20)
                    .filteredOn(line -> line.contains(" align=wide "))
                    .hasSize(sizePx == 112 ? 0 : 10);
        }
        assertThat(Cli.run(words(words, root.resolve("128.onnx"))).out())
                .as("without a detector, nothing is aligned")
                .doesNotContain("align=wide");
    }

    /** It stretched whole images: the preset says how faces are aligned, not how those of CelebA are cropped. */
    @Test
    void celebaIrCropsForAWideModelAsForOthers() throws IOException {
        Path ir = new CliData(root.resolve("ir")).celebaIr(3);
        for (int sizePx : new int[] {112, 128}) {
            Path file = withoutMetadata("ir-" + sizePx + ".onnx", sizePx);
            assertThat(Cli.run(
                                    "evaluate",
                                    "--protocol",
                                    "celeba-ir",
                                    "--data",
                                    ir,
                                    "--model",
                                    file,
                                    "--input",
                                    "insightface")
                            .err())
                    .contains("must be 83x100 for crop celeba-crop-aligned, but was 48x48");
        }
    }

    /** The sum of all colors, subtracted from a number that those of raw pixels exceed: they give zeros. */
    private static Path colorBlind() throws IOException {
        float[] weights = new float[4 * 3 * 16 * 16];
        for (int i = 0; i < weights.length; i++) {
            int pixel = i % 256;
            weights[i] = (float) -(1.1 + Math.sin(pixel * pixel + i / 768)) / 768;
        }
        Constant weight = Constant.of(weights, 4, 3, 16, 16);
        Constant bias = Constant.of(new float[] {4, 4, 4, 4}, 4);
        Path file = root.resolve("colorblind.onnx");
        try (Graph graph = Graph.of((g, x) ->
                g.flatten(g.add(Activation.RELU, g.add(new Convolution(weight, bias, 16, 0, 1), x))))) {
            OnnxFile.write(file, graph, 32, 16, java.util.Map.of());
        }
        return file;
    }

    @Test
    void evaluateNamesNoBestInputOfAModelThatIgnoresTheOrderOfColors() throws IOException {
        Path people = Cli.faces(root.resolve("known"), 12, 3);
        for (String protocol : List.of("all-pairs", "closed-set")) {
            Object[] words = {
                "evaluate", "--protocol", protocol, "--data", people, "--layout", "folders", "--input", "try", "--model"
            };
            Cli.Result tried = Cli.run(words(words, colorBlind()));
            assertThat(tried.code()).as(tried.err()).isZero();
            assertThat(tried.err()).contains("note: not measured: ");
            List<String> figures = tried.out()
                    .lines()
                    .filter(line -> line.matches("(RGB|BGR) mean=.*"))
                    .toList();
            assertThat(figures).hasSizeGreaterThanOrEqualTo(4).noneMatch(line -> line.contains("mean=0 std=1 "));
            assertThat(figures.stream().map(line -> line.substring(4)).distinct())
                    .hasSizeLessThan(figures.size());
            assertThat(tried.out()).contains("not decided: ").doesNotContain("best");
        }
    }

    /** Everything but its own input is refused; it was measured with inputs that its file contradicts. */
    @Test
    void anExportIsTriedWithItsOwnInput() {
        Object[] words = {
            "evaluate", "--protocol", "all-pairs", "--data", faces, "--layout", "folders", "--input", "try", "--model"
        };
        Cli.Result tried = Cli.run(words(words, exported));
        assertThat(tried.code()).as(tried.err()).isZero();
        assertThat(tried.err()).contains("note: not measured: " + exported + " says that it takes RGB mean=123.675,");
        assertThat(tried.out().lines().filter(line -> line.matches("(RGB|BGR) mean=.*")))
                .hasSize(1);
    }

    @Test
    void calibrationIsKeptBesideTheModel() throws IOException {
        Path file = withoutMetadata("calibrated.onnx");
        Path people = Cli.faces(root.resolve("many"), 26, 2);
        Cli.Result other = Cli.run(
                "evaluate",
                "--protocol",
                "all-pairs",
                "--data",
                people,
                "--layout",
                "folders",
                "--model",
                file,
                "--input",
                "sface",
                "--calibrate",
                root.resolve("other.onnx"));
        assertThat(other.err()).contains("thresholds of an ONNX model are written beside it");
        Cli.Result calibrated = Cli.run(
                "evaluate",
                "--protocol",
                "all-pairs",
                "--data",
                people,
                "--layout",
                "folders",
                "--model",
                file,
                "--input",
                "sface",
                "--calibrate",
                file);
        assertThat(calibrated.code()).as(calibrated.err()).isZero();
        assertThat(Files.readString(root.resolve("calibrated.onnx.thresholds.json")))
                .contains("calibration");
        Cli.Result verified =
                Cli.run("verify", image(0, 0), image(0, 0), "--model", file, "--input", "sface", "--far", "0.01");
        assertThat(verified.out()).as(verified.err()).contains("false accept rate 0.01");
    }

    /** They were lost on the way; and 0 people of the training was said of models of which it is not known. */
    @Test
    void anExportHasTheThresholdsOfItsModel() {
        Path people = Cli.faces(root.resolve("strangers"), 26, 2);
        Path own = root.resolve("own.safetensors");
        Object[] evaluation = {"evaluate", "--protocol", "all-pairs", "--data", people, "--layout", "folders", "--json"
        };
        Cli.Result calibrated = Cli.run(words(evaluation, "--model", saved, "--calibrate", own));
        assertThat(calibrated.code()).as(calibrated.err()).isZero();
        Path onnx = root.resolve("own.onnx");
        Cli.Result export = Cli.run("export", "--model", own, "--format", "onnx", "--out", onnx);
        assertThat(export.code()).as(export.err()).isZero();
        Cli.Result verified = Cli.run("verify", image(0, 0), image(0, 0), "--model", onnx, "--far", "0.01");
        assertThat(verified.out()).as(verified.err()).contains("false accept rate 0.01");

        Cli.Result evaluated = Cli.run(words(evaluation, "--model", onnx));
        assertThat(evaluated.json().get("people_in_training").isNull()).isTrue();
        assertThat(evaluated.err()).contains("note: the model's file does not say on whom it was trained");
    }

    /** Thresholds go beside the link, but the folder of the file that it leads to was checked, before the work. */
    @Test
    void calibrationChecksTheFileBesideALink() throws IOException {
        Path file = withoutMetadata("linked.onnx");
        Path folder = Files.createDirectory(root.resolve("links"));
        Path link = Files.createSymbolicLink(folder.resolve("link.onnx"), file);
        Path thresholds = Files.createDirectory(folder.resolve("link.onnx.thresholds.json"));
        Object[] words = {"evaluate", "--data", faces, "--layout", "folders", "--input", "sface", "--calibrate", link};
        Cli.Result refused = Cli.run(words(words, "--model", link));
        assertThat(refused.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(refused.err()).startsWith("error: --calibrate must be a file, but was the folder " + thresholds);
    }

    private static Object[] words(Object[] first, Object... more) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(more)).toArray();
    }

    @Test
    void trainingStartsFromAnOnnxModel() {
        Cli.Result trained =
                Cli.train(faces, root.resolve("tuned"), "--epochs", 1, "--init", exported, "--encoder", "resnet18");
        assertThat(trained.code()).as(trained.err()).isZero();
        assertThat(trained.err()).contains("started from " + exported + ": ");
        Cli.Result refused =
                Cli.train(faces, root.resolve("other"), "--epochs", 1, "--init", exported, "--encoder", "resnet50");
        assertThat(refused.err())
                .contains(exported + " does not have the structure of the encoder: after ")
                .contains(" where the file has ");
        for (Object[] init : new Object[][] {{}, {"--init", root.resolve("weights.pth")}}) {
            List<Object> words = new ArrayList<>(List.of("--epochs", 1, "--init-input", "insightface"));
            words.addAll(List.of(init));
            Cli.Result unused = Cli.train(faces, root.resolve("unused"), words.toArray());
            assertThat(unused.code()).isEqualTo(Main.USED_WRONGLY);
            assertThat(unused.err()).contains("--init-input must be given with an ONNX model as --init");
        }
    }
}
