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
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that checkpoints resume a training run exactly, survive kills and full disks, and reject what does not fit. */
class CheckpointTest {
    private static final int STEPS = 34; // the last step is within the fourth epoch

    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    /** Ctrl-C while the first centers were computed: a checkpoint was promised, and there was nothing to resume. */
    @Test
    void aTrainingThatIsStoppedBeforeItsFirstStepCanBeResumed() {
        Trainer[] trainer = new Trainer[1];
        TrainerArgs.Builder args = TinyTraining.args().checkpoints(folder).headFromMeans(true);
        trainer[0] = new Trainer(args.listeners(new TrainingListener() {
                    @Override
                    public void passed(String what, int done, int images) {
                        trainer[0].stop();
                    }
                })
                .build());
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = trainer[0].fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
            assertThat(history.steps()).isZero();
            assertThat(folder.resolve("last.ckpt")).exists();
        }
        List<Double> resumed = TinyTraining.losses(
                faces,
                TinyTraining.args().checkpoints(folder).headFromMeans(true).resume(true));
        assertThat(resumed)
                .isEqualTo(TinyTraining.losses(faces, TinyTraining.args().headFromMeans(true)));
    }

    /** Ctrl-C was noticed only after the validation, which may take long. */
    @ParameterizedTest
    @ValueSource(strings = {"validation", "verification"})
    void aTrainingThatIsStoppedWhileItValidatesDoesSoAgainWhenResumed(String pass) {
        Trainer[] trainer = new Trainer[1];
        List<Integer> passed = new ArrayList<>();
        trainer[0] = new Trainer(verifying(TinyTraining.args().epochs(1).checkpoints(folder))
                .listeners(new TrainingListener() {
                    @Override
                    public void passed(String what, int done, int images) {
                        if (what.equals(pass)) {
                            assertThat(done).isLessThan(images);
                            passed.add(done);
                            trainer[0].stop();
                        }
                    }
                })
                .build());
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = trainer[0].fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
            assertThat(passed).hasSize(1);
            assertThat(history.steps()).isEqualTo(10);
            assertThat(history.epochs()).isEmpty();
        }
        History whole = verified(TinyTraining.args().epochs(1));
        History resumed =
                verified(TinyTraining.args().epochs(1).checkpoints(folder).resume(true));
        assertThat(resumed.epochs()).hasSize(1);
        EpochReport epoch = resumed.epochs().get(0);
        EpochReport expected = whole.epochs().get(0);
        assertThat(epoch.trainLoss()).isEqualTo(expected.trainLoss());
        assertThat(epoch.valLoss()).isEqualTo(expected.valLoss());
        assertThat(epoch.unseen()).isEqualTo(expected.unseen());
    }

    private static TrainerArgs.Builder verifying(TrainerArgs.Builder args) {
        return args.verification(VerificationSet.of(FaceDataset.folders(faces, Split.TRAIN)));
    }

    private static History verified(TrainerArgs.Builder args) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            return new Trainer(verifying(args).build())
                    .fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
        }
    }

    /** The centers of a large data set take long, too; a resumed training makes them then. */
    @Test
    void aTrainingThatIsStoppedWhileItsFirstCentersAreMadeStopsThere() {
        Trainer[] trainer = new Trainer[1];
        List<Integer> passed = new ArrayList<>();
        trainer[0] = new Trainer(TinyTraining.args()
                .checkpoints(folder)
                .headFromMeans(true)
                .listeners(new TrainingListener() {
                    @Override
                    public void passed(String what, int done, int images) {
                        passed.add(done);
                        trainer[0].stop();
                    }
                })
                .build());
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            trainer[0].fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
        }
        assertThat(passed).containsExactly(DatasetEmbedder.BATCH_SIZE);
    }

    @Test
    void resumedTrainingHasExactlyTheLossesOfAnUninterruptedOne() {
        List<Double> whole = TinyTraining.losses(faces, TinyTraining.args());

        TrainerArgs.Builder inParts = TinyTraining.args().checkpoints(folder);
        List<Double> parts =
                new ArrayList<>(TinyTraining.losses(faces, inParts.maxSteps(7).loaderThreads(1)));
        parts.addAll(
                TinyTraining.losses(faces, inParts.maxSteps(10).loaderThreads(4).resume(true)));
        parts.addAll(TinyTraining.losses(faces, inParts.maxSteps(0).loaderThreads(2)));

        assertThat(parts).isEqualTo(whole);
    }

    /** Kills the process at four moments; {@link KillDrillTest} kills at random moments in each build. */
    @Test
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "takes half a minute; run it with -Dtests.long=true")
    void killedProcessLeavesACheckpointThatResumesExactly() throws Exception {
        Map<Integer, String> whole = run(child(folder.resolve("whole"), STEPS, 2, false, 0));
        assertThat(whole).hasSize(STEPS);

        Path checkpoints = folder.resolve("killed");
        Map<Integer, String> killed = new LinkedHashMap<>();
        for (int life = 0; life < 4; life++) { // each ends at another point, usually while a checkpoint is written
            Process process = child(checkpoints, STEPS, 1 + life % 2, true, 1);
            try (BufferedReader out = process.inputReader()) {
                int stepsLeft = 3 + 2 * life;
                String line;
                while (stepsLeft-- > 0 && (line = out.readLine()) != null) {
                    recordLoss(line, killed);
                }
                Thread.sleep(life); // milliseconds into the next step or checkpoint
                process.destroyForcibly().waitFor(); // SIGKILL
            }
        }
        killed.putAll(run(child(checkpoints, STEPS, 2, true, 1)));

        assertThat(killed).isEqualTo(whole);
        try (Recognizer loaded = Recognizer.load(
                checkpoints.resolve("best.ckpt"),
                new TinyBackbone(16),
                TinyTraining.recognizer().head())) {
            assertThat(loaded.identities()).hasSize(TinyTraining.PEOPLE);
        }
    }

    private static Process child(Path checkpoints, int steps, int threads, boolean resume, int every)
            throws IOException {
        return child(List.of(), checkpoints, steps, threads, resume, every);
    }

    private static Process child(
            List<String> prefix, Path checkpoints, int steps, int threads, boolean resume, int every)
            throws IOException {
        return child(prefix, List.of(), "-XX:TieredStopAtLevel=1", checkpoints, steps, threads, resume, every);
    }

    private static Process child(
            List<String> prefix,
            List<String> more,
            String option,
            Path checkpoints,
            int steps,
            int threads,
            boolean resume,
            int every)
            throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                option,
                "-Xmx512m",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                TrainingChild.class.getName(),
                faces.toString(),
                checkpoints.toString(),
                Integer.toString(steps),
                Integer.toString(threads),
                Boolean.toString(resume),
                Integer.toString(every)));
        command.addAll(more);
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Earlier, native code that computed while the JVM ended crashed it, and nothing was written. */
    @Test
    void theEndOfTheJvmWaitsForTheStepAndItsCheckpoint(@TempDir Path checkpoints)
            throws IOException, InterruptedException {
        Process process = child(
                List.of(),
                List.of("3"),
                "-XX:ErrorFile=" + checkpoints.resolve("crash.log"),
                checkpoints,
                5000,
                1,
                false,
                0);
        long steps;
        try (BufferedReader out = process.inputReader()) {
            steps = out.lines().count();
        }
        assertThat(process.waitFor()).isEqualTo(7);
        assertThat(checkpoints.resolve("crash.log")).doesNotExist();
        assertThat(steps).isBetween(3L, 1000L);
        assertThat(CheckpointContents.steps(checkpoints.resolve("last.ckpt"))).isEqualTo(steps);
    }

    private static Map<Integer, String> run(Process process) throws IOException, InterruptedException {
        Map<Integer, String> losses = new LinkedHashMap<>();
        try (BufferedReader out = process.inputReader()) {
            String line;
            while ((line = out.readLine()) != null) {
                recordLoss(line, losses);
            }
        }
        assertThat(process.waitFor()).isZero();
        return losses;
    }

    /** Records the loss of a step and asserts that a step repeated after a resume has the same loss as before. */
    private static void recordLoss(String line, Map<Integer, String> losses) {
        String[] parts = line.split(" ");
        String former = losses.put(Integer.valueOf(parts[0]), parts[1]);
        assertThat(former).as("step %s", parts[0]).isIn(null, parts[1]);
    }

    @Test
    void fullDiskFailsWithOneSentenceAndKeepsTheFormerCheckpoint() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
        Path checkpoints = folder.resolve("full");
        run(child(checkpoints, 5, 1, false, 0));
        byte[] former = Files.readAllBytes(checkpoints.resolve("last.ckpt"));
        long blocks = former.length / 1024 / 2; // half of what a checkpoint needs

        Process limited = child(
                List.of("/bin/bash", "-c", "ulimit -f " + blocks + "; exec \"$@\"", "bash"),
                checkpoints,
                9,
                1,
                true,
                0);
        String last = "";
        try (BufferedReader out = limited.inputReader()) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
        }

        assertThat(limited.waitFor()).isEqualTo(1);
        assertThat(last)
                .startsWith("error: cannot write " + checkpoints.resolve("last.ckpt") + ": ")
                .endsWith("an existing file of that name is unchanged; free some space or choose another folder");
        assertThat(Files.readAllBytes(checkpoints.resolve("last.ckpt"))).isEqualTo(former);
        try (var files = Files.list(checkpoints)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("last.ckpt");
        }
    }

    @Test
    void existingTrainingIsNotOverwritten() {
        TrainerArgs.Builder args = TinyTraining.args().checkpoints(folder).maxSteps(2);
        TinyTraining.losses(faces, args);

        assertThatThrownBy(() -> TinyTraining.losses(faces, args))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(folder.resolve("last.ckpt")
                        + " holds a training already; resume it, or choose another checkpoint folder");
    }

    /** A training whose last.ckpt somebody removed used to begin anew, and to write over its best.ckpt. */
    @Test
    void aTrainingWithOnlyItsBestCheckpointIsResumedFromIt() throws IOException {
        List<Double> whole = TinyTraining.losses(faces, TinyTraining.args().epochs(3));
        TrainerArgs.Builder args = TinyTraining.args().checkpoints(folder).epochs(1);
        TinyTraining.losses(faces, args);
        Files.delete(folder.resolve("last.ckpt"));
        byte[] best = Files.readAllBytes(folder.resolve("best.ckpt"));

        assertThatThrownBy(() -> TinyTraining.losses(faces, args))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(folder.resolve("best.ckpt")
                        + " holds a training already; resume it, or choose another checkpoint folder");
        assertThat(Files.readAllBytes(folder.resolve("best.ckpt"))).isEqualTo(best);

        List<String> notes = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void noted(String message) {
                notes.add(message);
            }
        };
        TinyTraining.Losses losses = new TinyTraining.Losses();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, args.epochs(3).resume(true).listeners(losses, listener));
        }
        assertThat(losses.all).isEqualTo(whole.subList(10, 30));
        assertThat(notes)
                .containsExactly("there is no last.ckpt in " + folder
                        + ": the training continues from best.ckpt, after step 10");
    }

    @Test
    void rejectsResumingWithOtherSettings() {
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
                        "optimizer learningRate was 0.003, is now 1.0; optimizer weightDecay was 0.01, is now 0.0");
    }

    /** The checkpoint also holds the state of the GPU's random generator: 16 bytes that the CPU ignores. */
    @Test
    void gpuCheckpointIsResumedOnTheCpu() {
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
    void rejectsATruncatedCheckpoint() throws IOException {
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));
        Path last = folder.resolve("last.ckpt");
        byte[] whole = Files.readAllBytes(last);
        for (int length : new int[] {0, 5, 100, whole.length / 2, whole.length - 1}) {
            Files.write(last, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> TinyTraining.losses(
                            faces, TinyTraining.args().checkpoints(folder).resume(true)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("last.ckpt")
                    .hasMessageContaining(length == 0 ? "is empty" : "truncated");
        }
    }

    @Test
    void rejectsACheckpointOfOtherShapes() {
        TinyTraining.losses(faces, TinyTraining.args().checkpoints(folder).maxSteps(2));
        Path last = folder.resolve("last.ckpt");

        assertThatThrownBy(() -> Recognizer.load(last, new TinyBackbone(8), new LinearSoftmax(TinyTraining.PEOPLE, 8)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("does not fit this net")
                .hasMessageContaining("encoder.fc.weight must be [8, 128], but was [16, 128]");
    }

    @Test
    void rejectsResumingFromAModelWithoutTrainingState() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            recognizer.save(folder.resolve("last.ckpt"));
        }
        assertThatThrownBy(() -> TinyTraining.losses(
                        faces, TinyTraining.args().checkpoints(folder).resume(true)))
                .hasMessageContaining("must be a training's checkpoint to be resumed, but is a model alone");
    }

    @Test
    void aModelDoesNotReplaceACheckpointThatATrainingCanBeResumedFrom() {
        TinyTraining.losses(faces, TinyTraining.args().epochs(1).checkpoints(folder));
        Path last = folder.resolve("last.ckpt");
        try (Recognizer recognizer = Recognizer.load(last, new TinyBackbone(16), TinyTraining.head())) {
            assertThatThrownBy(() -> recognizer.save(last))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must not be the checkpoint of a training");
            assertThatThrownBy(() -> recognizer.export(last, ExportFormat.SAFETENSORS, false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must not be the checkpoint of a training");
            recognizer.save(folder.resolve("own.model"));
        }
        assertThat(TinyTraining.losses(
                        faces, TinyTraining.args().epochs(2).checkpoints(folder).resume(true)))
                .hasSize(10); // of the second epoch
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "damaged", "of another net"})
    void partsAreClosedWhenTheirFileCannotBeRead(String file) throws IOException {
        Path path = folder.resolve(file);
        switch (file) {
            case "damaged" -> Files.writeString(path, "no safetensors");
            case "of another net" -> {
                try (Recognizer recognizer = TinyTraining.recognizer()) {
                    recognizer.save(path);
                }
            }
            default -> {}
        }
        TinyBackbone encoder = new TinyBackbone(8);
        LinearSoftmax head = new LinearSoftmax(TinyTraining.PEOPLE, 8);
        assertThatThrownBy(() -> Recognizer.load(path, encoder, head)).isInstanceOf(WeightsException.class);
        assertThat(encoder.isNull()).isTrue();
        assertThat(head.isNull()).isTrue();
    }
}
