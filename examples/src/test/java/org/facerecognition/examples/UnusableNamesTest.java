package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Folders with names that this process cannot decode, and folders that cannot be read. */
@EnabledOnOs(OS.LINUX)
class UnusableNamesTest {
    private static final String NOT_UTF8 =
            "its name is not UTF-8; rename the file or folder (for instance with convmv)";

    @TempDir
    private static Path models;

    private static Path model;

    @TempDir
    Path root;

    private Path photos;

    @BeforeAll
    static void makeModel() {
        model = models.resolve("model");
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .imageSizePx(32)
                .classes(2)
                .build())) {
            recognizer.save(model);
        }
    }

    @BeforeEach
    void takePhotographs() throws IOException {
        photos = root.resolve("photos");
        new CliData(root).photograph("photos/ann/1.png", true, 320, 240);
    }

    /** Adds a folder and a file whose names are Latin-1, with copies of the image. */
    private void addLatin1() throws Exception {
        bash("mkdir $'Jos\\xe9' && cp ann/1.png $'Jos\\xe9/2.png' && cp ann/1.png $'ann/caf\\xe9.png'");
    }

    private void bash(String script) throws Exception {
        Process process = new ProcessBuilder("/bin/bash", "-c", script)
                .directory(photos.toFile())
                .start();
        assumeTrue(process.waitFor() == 0, "needs a file system that takes any bytes as a name");
    }

    /** Makes a folder of a person in which the reading of a folder fails, whoever reads it. */
    private Path addFolderThatCannotBeRead() throws IOException {
        Path closed = Files.createDirectories(photos.resolve("ann/closed"));
        Files.createSymbolicLink(closed.resolve("x.png"), Path.of("x".repeat(300)));
        return closed;
    }

    private Cli.Result run(String command, Object... more) {
        List<Object> words = new ArrayList<>(List.of(command));
        words.addAll(
                switch (command) {
                    case "detect" -> List.of("--detector", CliData.DETECTOR, photos);
                    case "align" -> List.of("--detector", CliData.DETECTOR, "--out", root.resolve("out"), photos);
                    case "embed" -> List.of("--model", model, photos);
                    case "quantize" -> List.of("--model", model, "--faces", 16, "--out", root.resolve("q"), photos);
                    default -> List.of();
                });
        words.addAll(Arrays.asList(more));
        return Cli.run(words.toArray());
    }

    private void requireRest(String... sentences) {
        for (String command : List.of("detect", "align", "embed")) {
            Cli.Result result = run(command);
            assertThat(result.code()).as(command + ": " + result.err()).isEqualTo(Main.FAILED);
            assertThat(result.err().lines()).as(command).contains(sentences);
            assertThat(result.err()).doesNotContain("passed over", "Malformed input", "does not exist", "error:");
            assertThat(result.out()).as(command).contains("ann/1.png");
        }
        Cli.Result quantized = run("quantize");
        assertThat(quantized.code()).isEqualTo(Main.FAILED);
        assertThat(quantized.err().lines())
                .contains(sentences)
                .contains("error: the calibration must be on all images that were given, but some of the files or"
                        + " folders could not be used; nothing was written");
        assertThat(root.resolve("q")).doesNotExist();
    }

    @Test
    void commandsNameWhatTheyCannotDecodeAndProcessTheOthers() throws Exception {
        addLatin1();
        String folder = photos + "/Jos\\xE9 cannot be used: " + NOT_UTF8;
        String file = photos + "/ann/caf\\xE9.png cannot be used: " + NOT_UTF8;
        requireRest(folder, file);
        assertThat(run("embed", "--json")
                        .json()
                        .get("left_out")
                        .get(photos + "/Jos\\xE9")
                        .asText())
                .isEqualTo(folder);
        Cli.Result argument = Cli.run("embed", "--model", model, "caf\ufffd.png");
        assertThat(argument.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(argument.err()).contains("it is not UTF-8; rename").doesNotContain("LC_ALL");
    }

    @Test
    void commandsNameFoldersThatCannotBeReadAndProcessTheOthers() throws IOException {
        Path closed = addFolderThatCannotBeRead();
        requireRest(closed.resolve("x.png") + " cannot be looked at: File name too long; give this process access to"
                + " its folder, check the disk or the network, or remove it");
    }

    @Test
    void enrollCountsThemAsLeftOut() throws Exception {
        addLatin1();
        Path closed = addFolderThatCannotBeRead();
        Path gallery = root.resolve("people.gallery");
        Cli.Result enrolled =
                Cli.run("gallery", "enroll", "--gallery", gallery, "--model", model, "--folder", photos, "--json");
        assertThat(enrolled.code()).as(enrolled.err()).isEqualTo(Main.FAILED);
        assertThat(enrolled.err())
                .contains("left out: " + photos + "/Jos\\xE9 cannot be used: " + NOT_UTF8)
                .contains("left out: " + closed.resolve("x.png") + " cannot be looked at: ")
                .contains("enrolled 1, already there 0, left out 3; ");
        assertThat(enrolled.json().get("left_out")).hasSize(3);

        Cli.Result again = Cli.run(
                "gallery",
                "reembed",
                "--gallery",
                gallery,
                "--to",
                root.resolve("other"),
                "--model",
                model,
                "--folder",
                photos);
        assertThat(again.code()).as("all entries are found").isZero();
        assertThat(again.err()).contains(photos + "/Jos\\xE9 cannot be used: ", " cannot be looked at: ");
    }

    @Test
    void alignNamesFoldersOfFormerCropsThatCannotBeRead() throws IOException {
        Path closed = Files.createDirectories(root.resolve("out/closed"));
        Files.createSymbolicLink(closed.resolve("x.png"), Path.of("x".repeat(300)));
        Cli.Result aligned = run("align");
        assertThat(aligned.code()).isZero();
        assertThat(aligned.err()).contains("note: " + closed.resolve("x.png") + " cannot be looked at: ");
    }

    @Test
    void trainAndEvaluateNoteThem() throws Exception {
        addLatin1();
        for (int i = 0; i < 2; i++) {
            new CliData(root).photograph("photos/ann/x" + i + ".png", true, 330 + i, 240);
            new CliData(root).photograph("photos/bob/" + i + ".png", true, 340 + i, 240);
        }
        Path out = root.resolve("trained");
        Cli.Result trained = Cli.train(photos, out, "--val-fraction", 0.3, "--max-steps", 1, "--encoder", "resnet18");
        Path checkpoint = out.resolve("last.ckpt");
        Cli.Result evaluated = Cli.run(
                "evaluate", "--protocol", "all-pairs", "--model", checkpoint, "--data", photos, "--layout", "folders");
        for (Cli.Result result : List.of(trained, evaluated)) {
            assertThat(result.code()).as(result.err()).isZero();
            assertThat(result.err().lines())
                    .containsOnlyOnce(photos + "/Jos\\xE9 cannot be used: " + NOT_UTF8)
                    .containsOnlyOnce(photos + "/ann/caf\\xE9.png cannot be used: " + NOT_UTF8);
        }
    }

    @Test
    void packNotesThem() throws Exception {
        addLatin1();
        new CliData(root).photograph("photos/ann/3.png", true, 330, 240);
        Cli.Result packed = Cli.run(
                "pack", "--data", photos, "--layout", "folders", "--val-fraction", 0, "--out", root.resolve("pack"));
        assertThat(packed.code()).as(packed.err()).isZero();
        assertThat(packed.err().lines())
                .containsOnlyOnce(photos + "/Jos\\xE9 cannot be used: " + NOT_UTF8)
                .containsOnlyOnce(photos + "/ann/caf\\xE9.png cannot be used: " + NOT_UTF8);
    }

    /** Without a locale, Java decodes ASCII only. */
    @Test
    void withoutALocaleTheRemedyIsOne() throws Exception {
        bash("mkdir $'Jos\\xc3\\xa9' && cp ann/1.png $'Jos\\xc3\\xa9/2.png'");
        ProcessBuilder detect = new ProcessBuilder(Cli.command("detect", "--detector", CliData.DETECTOR, photos))
                .redirectErrorStream(true);
        detect.environment().put("LC_ALL", "POSIX");
        Process process = detect.start();
        List<String> lines = process.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).isEqualTo(Main.FAILED);
        assertThat(lines)
                .contains(photos + "/José cannot be used: this process has no UTF-8 locale; set LC_ALL=C.UTF-8")
                .anyMatch(line -> line.startsWith(photos + "/ann/1.png\t"))
                .noneMatch(line -> line.contains("Malformed input") || line.startsWith("See "));
    }
}
