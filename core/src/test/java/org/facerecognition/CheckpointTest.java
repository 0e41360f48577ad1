package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.train.AdamW;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final int STEPS = 34; // ends within the fourth epoch

    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    @Test
    void aResumedTrainingHasTheLossesOfOneThatWasNeverStoppedToTheLastDigit() {
        List<Double> whole = TinyTraining.losses(faces, TinyTraining.args());

        TrainerArgs.Builder inParts = TinyTraining.args().checkpoints(folder);
        List<Double> parts =
                new ArrayList<>(TinyTraining.losses(faces, inParts.maxSteps(7).loaderThreads(1)));
        parts.addAll(
                TinyTraining.losses(faces, inParts.maxSteps(10).loaderThreads(4).resume(true)));
        parts.addAll(TinyTraining.losses(faces, inParts.maxSteps(0).loaderThreads(2)));

        assertThat(parts).isEqualTo(whole);
    }

    /** A kill at four moments; {@link KillDrillTest} has random ones in each build. */
    @Test
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "takes half a minute; run it with -Dtests.long=true")
    void aProcessThatWasKilledLeavesABackupThatGoesOnAsIfNothingHadBeen() throws Exception {
        Map<Integer, String> whole = run(child(folder.resolve("whole"), STEPS, 2, false, 0));
        assertThat(whole).hasSize(STEPS);

        Path backup = folder.resolve("killed");
        Map<Integer, String> killed = new LinkedHashMap<>();
        for (int life = 0;
                life < 4;
                life++) { // each life is cut off at another point, mostly while a backup is written
            Process process = child(backup, STEPS, 1 + life % 2, true, 1);
            try (BufferedReader out = process.inputReader()) {
                int stepsToLive = 3 + 2 * life;
                String line;
                while (stepsToLive-- > 0 && (line = out.readLine()) != null) {
                    remember(line, killed);
                }
                Thread.sleep(life); // milliseconds into the next step or backup
                process.destroyForcibly().waitFor(); // SIGKILL
            }
        }
        killed.putAll(run(child(backup, STEPS, 2, true, 1)));

        assertThat(killed).isEqualTo(whole);
        try (Recognizer usable = Recognizer.load(
                backup.resolve("best.ckpt"),
                new TinyBackbone(16),
                TinyTraining.recognizer().head())) {
            assertThat(usable.identities()).hasSize(TinyTraining.PEOPLE);
        }
    }

    private static Process child(Path backup, int steps, int threads, boolean resume, int every) throws IOException {
        return child(List.of(), backup, steps, threads, resume, every);
    }

    private static Process child(List<String> prefix, Path backup, int steps, int threads, boolean resume, int every)
            throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                TrainingChild.class.getName(),
                faces.toString(),
                backup.toString(),
                Integer.toString(steps),
                Integer.toString(threads),
                Boolean.toString(resume),
                Integer.toString(every)));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static Map<Integer, String> run(Process process) throws IOException, InterruptedException {
        Map<Integer, String> losses = new LinkedHashMap<>();
        try (BufferedReader out = process.inputReader()) {
            String line;
            while ((line = out.readLine()) != null) {
                remember(line, losses);
            }
        }
        assertThat(process.waitFor()).isZero();
        return losses;
    }

    /** A step that is done a second time, after a resume, must come to the same loss. */
    private static void remember(String line, Map<Integer, String> losses) {
        String[] parts = line.split(" ");
        String former = losses.put(Integer.valueOf(parts[0]), parts[1]);
        assertThat(former).as("step %s", parts[0]).isIn(null, parts[1]);
    }

    @Test
    void aDiskThatIsFullIsOneSentenceAndTheFormerBackupStays() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
        Path backup = folder.resolve("full");
        run(child(backup, 5, 1, false, 0));
        byte[] former = Files.readAllBytes(backup.resolve("last.ckpt"));
        long blocks = former.length / 1024 / 2; // half of what a backup needs

        Process limited = child(
                List.of("/bin/bash", "-c", "ulimit -f " + blocks + "; exec \"$@\"", "bash"), backup, 9, 1, true, 0);
        String last = "";
        try (BufferedReader out = limited.inputReader()) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
        }

        assertThat(limited.waitFor()).isEqualTo(1);
        assertThat(last)
                .startsWith("error: cannot write " + backup.resolve("last.ckpt") + ": ")
                .endsWith("an existing file of that name is unchanged; free some space or choose another folder");
        assertThat(Files.readAllBytes(backup.resolve("last.ckpt"))).isEqualTo(former);
        try (var files = Files.list(backup)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("last.ckpt");
        }
    }

    @Test
    void aTrainingThatIsThereIsNotOverwritten() {
        TrainerArgs.Builder args = TinyTraining.args().checkpoints(folder).maxSteps(2);
        TinyTraining.losses(faces, args);

        assertThatThrownBy(() -> TinyTraining.losses(faces, args))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(folder.resolve("last.ckpt")
                        + " holds a training already; resume it, or choose another checkpoint folder");
    }

    @Test
    void otherSettingsOrDataAreNotResumed() {
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));

        assertThatThrownBy(() -> TinyTraining.losses(
                        faces,
                        TinyTraining.args().checkpoints(folder).resume(true).batchSize(4)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is of another training: batch size was 8, is now 4");
        assertThatThrownBy(() -> TinyTraining.losses(
                        faces,
                        TinyTraining.args().checkpoints(folder).resume(true).optimizer(new AdamW(1, 0))))
                .hasMessageContaining(
                        "optimizer rate was 0.003, is now 1.0; optimizer weightDecay was 0.01, is now 0.0");
    }

    /** A GPU's generator is saved beside the CPU's: 16 bytes that a CPU has no use for. */
    @Test
    void aTrainingThatWasOnAGpuGoesOnOnTheCpu() {
        List<Double> whole = TinyTraining.losses(faces, TinyTraining.args().maxSteps(4));
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));
        Path last = folder.resolve("last.ckpt");
        try (PointerScope scope = new PointerScope()) {
            SafeTensors file = SafeTensors.open(last);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            file.names().forEach(name -> tensors.put(name, file.read(name)));
            tensors.put("random.accelerator", torch.zeros(16).to(ScalarType.Byte));
            SafeTensors.write(last, tensors, file.metadata());
        }
        List<Double> rest = TinyTraining.losses(
                faces, TinyTraining.args().checkpoints(folder).maxSteps(4).resume(true));
        assertThat(rest).isEqualTo(whole.subList(2, 4));
        assertThat(SafeTensors.open(last).names()).contains("random.cpu").doesNotContain("random.accelerator");
    }

    @Test
    void aTruncatedBackupIsOneSentence() throws IOException {
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));
        Path last = folder.resolve("last.ckpt");
        byte[] whole = Files.readAllBytes(last);
        for (int length : new int[] {0, 5, 100, whole.length / 2, whole.length - 1}) {
            Files.write(last, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> TinyTraining.losses(
                            faces, TinyTraining.args().checkpoints(folder).resume(true)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("last.ckpt")
                    .hasMessageContaining("truncated");
        }
    }

    @Test
    void aBackupOfOtherShapesIsOneSentence() {
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));
        Path last = folder.resolve("last.ckpt");

        assertThatThrownBy(() -> Recognizer.load(
                        last,
                        new TinyBackbone(8),
                        new org.facerecognition.losses.LinearSoftmax(TinyTraining.PEOPLE, 8)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("does not fit this net")
                .hasMessageContaining("encoder.fc.weight must be [8, 128], but was [16, 128]");
    }

    @Test
    void aModelAloneIsNotATrainingToResume() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            recognizer.save(folder.resolve("last.ckpt"));
        }
        assertThatThrownBy(() -> TinyTraining.losses(
                        faces, TinyTraining.args().checkpoints(folder).resume(true)))
                .hasMessageContaining("must be a training's checkpoint to be resumed, but is a model alone");
    }
}
