package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PreparedNet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that only embed faces take a model from its file to oneDNN: loading libtorch takes half a second. */
class EmbeddingWithoutLibtorchTest {
    @TempDir
    private Path folder;

    private Path model;
    private Path face;
    private float[] embedding;

    @BeforeEach
    void save() {
        assumeThat(PreparedNet.isFast(ScalarType.Float)).as("oneDNN runs here").isTrue();
        face = Cli.faces(folder.resolve("people"), 1, 1).resolve("person0/0.png");
        model = folder.resolve("own.model");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .imageSizePx(32)
                .classes(2)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(model);
            embedding = recognizer.embed(ImageSource.of(face));
        }
    }

    @Test
    void embedPrintsWhatARecognizerReturns() throws Exception {
        assertThat(withoutLibtorch("embed", "--model", model, face))
                .isEqualTo(face + "\t" + Arrays.toString(embedding) + System.lineSeparator());
    }

    @Test
    void verifyAndGalleriesNeedNoLibtorchEither() throws Exception {
        Path gallery = folder.resolve("people.gallery");
        assertThat(withoutLibtorch("verify", "--model", model, "--threshold", 0.9, face, face))
                .startsWith("the same person: cosine 1.0000");
        List<Object> place = List.of("--gallery", gallery, "--model", model);
        withoutLibtorch("gallery", "enroll", "Ann", face, place);
        assertThat(withoutLibtorch("gallery", "identify", face, "--threshold", 0.9, place))
                .contains("Ann\t1.0000");
    }

    /** Runs a command in a JVM that has no libtorch; returns what it printed. */
    private String withoutLibtorch(Object... words) throws IOException, InterruptedException {
        List<String> command = Cli.command(Arrays.stream(words)
                .flatMap(word -> word instanceof List<?> several ? several.stream() : List.of(word).stream())
                .toArray());
        int classPath = command.indexOf("-cp") + 1;
        command.set(
                classPath,
                Arrays.stream(command.get(classPath).split(File.pathSeparator))
                        .filter(entry ->
                                !Path.of(entry).getFileName().toString().matches("pytorch-.*-(linux|macosx|windows).*"))
                        .collect(Collectors.joining(File.pathSeparator)));
        Path err = folder.resolve("err.txt");
        Process process = Cli.limit(
                new ProcessBuilder(command).redirectError(err.toFile()).start(), 120);
        String out = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(Files.readString(err)).isZero();
        return out;
    }
}
