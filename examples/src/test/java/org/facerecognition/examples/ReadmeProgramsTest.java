package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.train.Checkpoints;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the two programs of the READMEs on synthetic images. */
class ReadmeProgramsTest {
    @TempDir
    Path folder;

    /** With random weights, so that only a photograph compared with itself has a known cosine. */
    @Test
    void verifiesTwoPhotographs() throws Exception {
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(128)
                .classes(2)
                .build();
        Path weights = folder.resolve("mobilefacenet.safetensors");
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.export(weights, ExportFormat.SAFETENSORS, false);
        }
        Path one = folder.resolve("one.png");
        Path other = folder.resolve("other.png");
        OwnPhotographsTest.photograph(one, 0, 0);
        OwnPhotographsTest.photograph(other, 1, 0);
        assertThat(printed(weights, one, one)).isEqualTo("cosine 1.000: same person\n");
        assertThat(printed(weights, one, other))
                .matches("cosine (-?0\\.[0-3]\\d\\d: different people|(0\\.[4-9]\\d\\d|1\\.000): same person)\n");
    }

    private static String printed(Path weights, Path one, Path other) {
        PrintStream console = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            VerifyTwoPhotographs.main(
                    new String[] {weights.toString(), CliData.DETECTOR.toString(), one.toString(), other.toString()});
        } finally {
            System.setOut(console);
        }
        return printed.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    @Test
    void trainsOnPhotographsAndContinues() {
        Path faces = Cli.faces(folder.resolve("faces"), 2, 2);
        Path out = folder.resolve("model");
        for (int epochs = 1; epochs <= 2; epochs++) {
            TrainOnPhotographs.main(new String[] {faces.toString(), out.toString(), Integer.toString(epochs)});
            assertThat(Checkpoints.lastIn(out)).endsWith("the last of epoch " + epochs);
        }
        for (String file : List.of("last.ckpt", "best.ckpt")) {
            try (Recognizer recognizer = Recognizer.load(out.resolve(file))) {
                assertThat(recognizer.identities()).containsExactly("person0", "person1");
            }
        }
    }
}
