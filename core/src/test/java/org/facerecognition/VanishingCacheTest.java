package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.facerecognition.DrillChild.Variant;
import org.facerecognition.data.BadImages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests a training process whose native libraries, unpacked into JavaCPP's cache folder, are deleted while it runs, as
 * a cleaner of temporary folders may do.
 */
@EnabledIfSystemProperty(
        named = "tests.long",
        matches = "true",
        disabledReason = "takes half a minute; run it with -Dtests.long=true")
class VanishingCacheTest {
    @TempDir
    Path folder;

    /** Copies the JavaCPP cache of this process, with hard links if possible, which take no disk space. */
    private static void copy(Path cache) throws IOException {
        Path original = Loader.getCacheDir().toPath();
        try (Stream<Path> files = Files.walk(original)) {
            for (Path file : files.toList()) {
                Path copy = cache.resolve(original.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else if (Files.isSymbolicLink(file)) {
                    Files.createSymbolicLink(copy, Files.readSymbolicLink(file));
                } else {
                    try {
                        Files.createLink(copy, file);
                    } catch (IOException | UnsupportedOperationException e) {
                        Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
                    }
                }
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /**
     * Trains in a child process and returns its output lines.
     *
     * @param afterFirstStep the action after the first step
     */
    private List<String> train(Path faces, Path checkpoints, List<String> jvmOptions, Action afterFirstStep)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        DrillChild.command(jvmOptions, Variant.PREPARED, faces, checkpoints, 1, 2, BadImages.FAIL))
                .redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1");
        Process process = builder.start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output = process.inputReader()) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
                if (line.equals("step 1")) {
                    afterFirstStep.run();
                }
            }
        } finally {
            process.destroyForcibly();
        }
        return lines;
    }

    private interface Action {
        void run() throws IOException;
    }

    private static List<String> cacheOption(Path cache) {
        return List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }

    @Test
    void trainingRecreatesTheCacheOrFailsWithOneSentenceAndIsResumed() throws Exception {
        Path faces = TinyTraining.writeFaces(folder.resolve("faces"));
        Path vanishing = folder.resolve("vanishing");
        Path blocked = folder.resolve("blocked");
        copy(vanishing);
        copy(blocked);

        Path survived = folder.resolve("survived");
        assertThat(train(faces, survived, cacheOption(vanishing), () -> delete(vanishing)))
                .last()
                .isEqualTo("done");

        Path stopped = folder.resolve("stopped");
        assertThat(train(faces, stopped, cacheOption(blocked), () -> {
                    delete(blocked);
                    Files.writeString(blocked, "no folder can be made here");
                }))
                .last()
                .isEqualTo("error: a native library cannot be loaded any more; JavaCPP keeps them in its cache folder,"
                        + " which must stay there and have room (-Dorg.bytedeco.javacpp.cachedir=DIR names another); "
                        + stopped.resolve("last.ckpt") + " holds the training as it was after step 15");

        assertThat(train(faces, stopped, List.of(), () -> {})).last().isEqualTo("done");
        for (String name : List.of("last.ckpt", "best.ckpt")) {
            assertThat(CheckpointContents.of(stopped.resolve(name)).model())
                    .isEqualTo(CheckpointContents.of(survived.resolve(name)).model());
        }
    }
}
