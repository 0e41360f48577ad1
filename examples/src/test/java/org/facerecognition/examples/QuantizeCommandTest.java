package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.inference.PreparedNet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code quantize}, and commands with {@code --int8}. */
class QuantizeCommandTest {
    @TempDir
    private static Path root;

    private static Path faces;
    private static Path model;
    private static Path quantized;

    @BeforeAll
    static void makeModels() {
        faces = Cli.faces(root.resolve("faces"));
        Cli.train(faces, root.resolve("run"), "--max-steps", 1, "--encoder", "mobilefacenet");
        model = root.resolve("run/last.ckpt");
        quantized = root.resolve("int8.safetensors");
        Cli.Result result = Cli.run("quantize", "--model", model, "--out", quantized, "--faces", 16, faces);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out())
                .startsWith("int8: cosine to float32 ")
                .contains(" of 8 faces")
                .endsWith("wrote " + quantized + "\n");
    }

    @Test
    void commandsEmbedWithIntegersWhenAsked() {
        Path face = faces.resolve("person0/0.png");
        Cli.Result integers = Cli.run("embed", "--model", quantized, "--int8", face);
        Cli.Result floats = Cli.run("embed", "--model", quantized, face);
        Cli.Result before = Cli.run("embed", "--model", model, face);
        assertThat(integers.code()).as(integers.err()).isZero();
        assertThat(floats.out()).isEqualTo(before.out()); // the weights are the same
        assertThat(integers.out()).isNotEqualTo(floats.out());
        Cli.Result verified = Cli.run(
                "verify", "--model", quantized, "--int8", "--threshold", 0.9, face, faces.resolve("person0/0.png"));
        assertThat(verified.code()).as(verified.err()).isZero();
        assertThat(verified.out()).contains("same person");
    }

    @Test
    void evaluatesInThatMode() {
        Object[] words = {"evaluate", "--model", quantized, "--data", faces, "--protocol", "all-pairs", "--json"};
        Cli.Result floats = Cli.run(words);
        Object[] withInt8 = Arrays.copyOf(words, words.length + 1);
        withInt8[words.length] = "--int8";
        Cli.Result integers = Cli.run(withInt8);
        assertThat(integers.code()).as(integers.err()).isZero();
        assertThat(integers.out()).startsWith("{\"protocol\":\"all-pairs\"").isNotEqualTo(floats.out());
    }

    @Test
    void commandsEmbedInHalfPrecisionWhereTheProcessorHasInstructionsForIt() {
        Path face = faces.resolve("person0/0.png");
        Cli.Result halves = Cli.run("embed", "--model", model, "--bf16", face);
        if (!PreparedNet.isFast(ScalarType.BFloat16)) {
            assertThat(halves.code()).isEqualTo(Main.USED_WRONGLY);
            assertThat(halves.err()).startsWith("error: --bf16 must be given on a processor with instructions");
            return;
        }
        assertThat(halves.code()).as(halves.err()).isZero();
        Cli.Result floats = Cli.run("embed", "--model", model, face);
        assertThat(halves.out()).isNotEqualTo(floats.out());
        Path people = root.resolve("half.gallery");
        Cli.Result enrolled =
                Cli.run("gallery", "enroll", "--gallery", people, "--model", model, "--bf16", "Ann", face);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        Object[] identify = {"gallery", "identify", "--gallery", people, "--model", model, "--threshold", 0.9, face};
        Cli.Result mixed = Cli.run(identify);
        assertThat(mixed.code()).as("its entries are in bfloat16").isEqualTo(Main.FAILED);
        assertThat(mixed.err()).contains("bfloat16");
        Object[] withHalves = Arrays.copyOf(identify, identify.length + 1);
        withHalves[identify.length] = "--bf16";
        assertThat(Cli.run(withHalves).out()).contains("Ann");
    }

    /** Decisions were counted at all thresholds of the model, also at those of embeddings made in another way. */
    @Test
    void decisionsAreCountedAtThresholdsOfFacesEmbeddedAlike() {
        Path calibrated = root.resolve("calibrated.model");
        try (Recognizer recognizer = Recognizer.load(model)) {
            recognizer.useFlip(true); // as evaluate --calibrate does
            Threshold.Evidence evidence = new Threshold.Evidence(100, 1, 30, 0.1, recognizer.embeddingMode());
            recognizer.keepThresholds(List.of(new Threshold(0.5, OptionalDouble.of(0.01), Optional.of(evidence))));
            recognizer.save(calibrated);
        }
        Path out = root.resolve("counted.safetensors");
        Object[] words = {"quantize", "--model", calibrated, "--out", out, "--faces", 16, "--json", faces};
        Cli.Result alike = Cli.run(words);
        assertThat(alike.code()).as(alike.err()).isZero();
        assertThat(alike.json().get("changed_decisions").fieldNames())
                .toIterable()
                .containsExactly("0.5");
        assertThat(alike.err()).isEmpty();
        Object[] noFlip = Arrays.copyOf(words, words.length + 1);
        noFlip[words.length] = "--no-flip";
        Cli.Result unlike = Cli.run(noFlip);
        assertThat(unlike.code()).as(unlike.err()).isZero();
        assertThat(unlike.json().get("changed_decisions")).isEmpty();
        assertThat(unlike.err())
                .startsWith("note: no decisions are counted, because ")
                .contains("--no-flip");
    }

    @Test
    void calibratesOnDataSetsAsOnTheirImages() {
        Path pack = root.resolve("faces.pack");
        Cli.Result packed = Cli.run("pack", "--data", faces, "--val-fraction", 0, "--decoded", 32, "--out", pack);
        assertThat(packed.code()).as(packed.err()).isZero();
        String calibration = Cli.run(quantize(faces)).out().lines().findFirst().orElseThrow();
        Cli.Result ofFolders = Cli.run(quantize("--data", faces, "--layout", "folders", "--val-fraction", 0));
        assertThat(ofFolders.code()).as(ofFolders.err()).isZero();
        assertThat(ofFolders.out()).startsWith(calibration + "\n");
        Cli.Result ofPack = Cli.run(quantize("--data", pack));
        assertThat(ofPack.code()).as(ofPack.err()).isZero();
        assertThat(ofPack.out()).startsWith(calibration + "\n");
        Cli.Result both = Cli.run(quantize("--data", pack, faces));
        assertThat(both.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(both.err()).contains("give either images or --data");
        Cli.Result neither = Cli.run(quantize());
        assertThat(neither.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(neither.err()).contains("Missing required parameter: 'IMAGE', or option: '--data=DIR'");
    }

    private static Object[] quantize(Object... more) {
        List<Object> words = new ArrayList<>(List.of("quantize", "--model", model, "--faces", 16));
        words.addAll(List.of("--out", root.resolve("again.safetensors")));
        words.addAll(List.of(more));
        return words.toArray();
    }

    @Test
    void saysWhyNoDecisionsAreCounted() {
        assertThat(Cli.run(quantize(faces)).err())
                .contains("note: no decisions are counted, because the model has no thresholds; find some with"
                        + " evaluate --calibrate, and quantize the model with them");
    }

    @Test
    void theBarIsTheUsers() {
        Path face = faces.resolve("person0/0.png");
        Object[] words = {"embed", "--model", quantized, "--int8", "--min-cosine", 0.9999999, face};
        Cli.Result refused = Cli.run(words);
        assertThat(refused.code()).isEqualTo(Main.FAILED);
        assertThat(refused.err())
                .startsWith("error: embeddings in int8 must have a cosine of at least 0.9999999")
                .contains("--min-cosine");
        words[5] = 0.5;
        assertThat(Cli.run(words).code()).isZero();
        words[5] = 1;
        assertThat(Cli.run(words).err()).startsWith("error: --min-cosine must be in (0, 1), but was 1.0");
        Cli.Result alone = Cli.run("embed", "--model", quantized, "--min-cosine", 0.5, face);
        assertThat(alone.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(alone.err()).startsWith("error: --min-cosine must go with --int8 or --bf16");
        assertThat(Cli.run(quantize("--min-cosine", 0.5, faces)).err())
                .contains("error: --min-cosine must go with --int8 or --bf16");
    }

    /** What was measured was lost. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "needs a file that is always full")
    void theMeasurementIsPrintedAlsoIfTheModelCannotBeWritten() throws IOException {
        Path full = Files.createSymbolicLink(root.resolve("full.model"), Path.of("/dev/full"));
        Cli.Result result = Cli.run("quantize", "--model", model, "--out", full, "--faces", 16, faces);
        assertThat(result.code()).isEqualTo(Main.FAILED);
        assertThat(result.err()).contains("error: cannot write " + full);
        assertThat(result.out()).startsWith("int8: cosine to float32 ").doesNotContain("wrote");
    }

    @Test
    void aModelThatIsNotCalibratedIsRefusedInOneSentence() {
        Cli.Result result = Cli.run("embed", "--model", model, "--int8", faces.resolve("person0/0.png"));
        assertThat(result.code()).isEqualTo(Main.FAILED);
        assertThat(result.err())
                .startsWith("error: the model must have been calibrated for int8")
                .contains("quantize")
                .hasLineCount(1);
    }

    @Test
    void otherCommandsAndFewFacesAreRefused() {
        Cli.Result export =
                Cli.run("export", "--int8", "--model", quantized, "--format", "onnx", "--out", root.resolve("x.onnx"));
        assertThat(export.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(export.err()).contains("--int8 must go with");
        Cli.Result half =
                Cli.run("export", "--bf16", "--model", model, "--format", "onnx", "--out", root.resolve("x.onnx"));
        assertThat(half.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(half.err()).contains("--bf16 must go with commands that embed faces");
        Cli.Result both = Cli.run("embed", "--model", quantized, "--int8", "--bf16", faces.resolve("person0/0.png"));
        assertThat(both.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(both.err()).contains("give either --int8 or --bf16");
        Cli.Result tried =
                Cli.run("evaluate", "--int8", "--input", "try", "--model", root.resolve("x.onnx"), "--data", faces);
        assertThat(tried.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(tried.err()).contains("--int8 must go with");
        Cli.Result few =
                Cli.run("quantize", "--model", model, "--out", root.resolve("x"), faces.resolve("person0/0.png"));
        assertThat(few.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(few.err()).contains("needs at least 16 faces").contains("but got 1");
        assertThat(root.resolve("x")).doesNotExist();
    }
}
