package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.facerecognition.DrillChild.Variant;
import org.facerecognition.data.BadImages;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests that a second training process in a checkpoint folder is rejected, and that concurrent readers always see
 * complete checkpoints.
 */
class SharedFolderTest {
    private static final int EPOCHS = 3;

    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static Process child(Path checkpoints) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        DrillChild.command(List.of(), Variant.PLAIN, faces, checkpoints, EPOCHS, 2, BadImages.FAIL))
                .redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1");
        return builder.start();
    }

    private static List<String> remainingLines(BufferedReader reader) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            lines.add(line);
        }
        return lines;
    }

    private static boolean signal(String signal, Process process) throws InterruptedException {
        try {
            return new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) { // there is no kill command
            return false;
        }
    }

    @Test
    void rejectsASecondTrainingWithoutDisturbingTheFirst() throws Exception {
        Path checkpoints = folder.resolve("shared");
        Process first = child(checkpoints);
        try (BufferedReader output = first.inputReader()) {
            String line;
            do {
                line = output.readLine();
                assertThat(line).isNotNull().doesNotStartWith("error");
            } while (!line.equals("step 5"));
            assumeTrue(signal("STOP", first), "needs a way to pause a process");

            Process second = child(checkpoints);
            try (BufferedReader secondOutput = second.inputReader()) {
                assertThat(remainingLines(secondOutput))
                        .last()
                        .asString()
                        .matches(
                                "error: another training writes into \\Q" + checkpoints + "\\E \\(process "
                                        + first.pid()
                                        + " .*, a training since .*\\); wait until it ends or choose another checkpoint folder");
            }
            assertThat(second.waitFor()).isEqualTo(1);
            assertThatThrownBy(() -> TinyTraining.losses(
                            faces, TinyTraining.args().checkpoints(checkpoints).resume(true)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith(
                            "another training writes into " + checkpoints + " (process " + first.pid() + " ");

            signal("CONT", first);
            assertThat(remainingLines(output)).last().isEqualTo("done");
        } finally {
            first.destroyForcibly();
        }

        Path reference = folder.resolve("reference");
        Process undisturbed = child(reference);
        try (BufferedReader output = undisturbed.inputReader()) {
            assertThat(remainingLines(output)).last().isEqualTo("done");
        }
        for (String name : List.of("last.ckpt", "best.ckpt")) {
            CheckpointContents.assertSame(checkpoints.resolve(name), reference.resolve(name));
        }
        try (var files = Files.list(checkpoints)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void readersOfACheckpointBeingReplacedSeeACompleteOne() throws Exception {
        Path last = folder.resolve("last.ckpt");
        Set<Map<String, String>> written = new HashSet<>();
        TrainerArgs.Builder args = TinyTraining.args()
                .epochs(8)
                .checkpoints(folder)
                .checkpointEverySteps(1)
                .listeners(new TrainingListener() {
                    @Override
                    public void checkpointSaved(Path file) {
                        written.add(CheckpointContents.of(file).model());
                    }
                });
        CompletableFuture<Void> training = CompletableFuture.runAsync(() -> {
            try (Recognizer recognizer = TinyTraining.recognizer()) {
                TinyTraining.fit(recognizer, faces, args);
            }
        });
        Set<Map<String, String>> read = new HashSet<>();
        while (!training.isDone()) {
            if (Files.exists(last)) {
                try (Recognizer loaded = Recognizer.load(last, new TinyBackbone(16), TinyTraining.head())) {
                    assertThat(loaded.identities()).hasSize(TinyTraining.PEOPLE);
                    read.add(CheckpointContents.model(loaded));
                }
            }
        }
        training.get(1, TimeUnit.MINUTES);
        assertThat(written).hasSizeGreaterThan(79);
        assertThat(read).hasSizeGreaterThan(5);
        read.removeAll(written);
        assertThat(read).as("states that were read but never written").isEmpty();
    }
}
