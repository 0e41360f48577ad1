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

/** A cleaner of temporary folders deletes the native libraries that JavaCPP has unpacked while a training uses them. */
@EnabledIfSystemProperty(
        named = "tests.long",
        matches = "true",
        disabledReason = "takes half a minute; run it with -Dtests.long=true")
class VanishingCacheTest {
    @TempDir
    Path folder;

    /** Of the cache that this process uses, without its contents once more on the disk where that is possible. */
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

    /** @param meanwhile what happens after the first step */
    private List<String> train(Path faces, Path backup, List<String> jvmOptions, Meanwhile meanwhile)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        DrillChild.command(jvmOptions, Variant.PREPARED, faces, backup, 1, 2, BadImages.FAIL))
                .redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1");
        Process process = builder.start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output = process.inputReader()) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
                if (line.equals("step 1")) {
                    meanwhile.happens();
                }
            }
        } finally {
            process.destroyForcibly();
        }
        return lines;
    }

    private interface Meanwhile {
        void happens() throws IOException;
    }

    private static List<String> option(Path cache) {
        return List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }

    @Test
    void aTrainingMakesTheCacheAgainOrEndsInOneSentenceAndIsResumed() throws Exception {
        Path faces = TinyTraining.writeFaces(folder.resolve("faces"));
        Path vanishing = folder.resolve("vanishing");
        Path blocked = folder.resolve("blocked");
        copy(vanishing);
        copy(blocked);

        Path survived = folder.resolve("survived");
        assertThat(train(faces, survived, option(vanishing), () -> delete(vanishing)))
                .last()
                .isEqualTo("done");

        Path stopped = folder.resolve("stopped");
        assertThat(train(faces, stopped, option(blocked), () -> {
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
