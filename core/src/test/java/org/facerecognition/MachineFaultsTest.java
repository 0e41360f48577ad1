package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.DataException;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests faults of the machine during training: full disks, folders that become read-only or vanish, clocks that jump.
 * Training either survives a fault or fails with a message of one sentence, and the last checkpoint resumes to the
 * result of an undisturbed run.
 */
class MachineFaultsTest {
    private static final int CHECKPOINT_EVERY = 4; // steps between checkpoints
    private static final int FAULT_STEP = 6; // the step after which the fault happens
    private static final int DISK_KIB = 1024; // room for about ten checkpoints

    @TempDir
    static Path shared;

    private static Path whole; // last.ckpt of an undisturbed training run

    @TempDir
    Path folder;

    private Path faces;
    private Path checkpoints;

    /** A fault of the machine. */
    private interface Fault {
        void happen() throws IOException, InterruptedException;
    }

    @BeforeAll
    static void trainUndisturbed() {
        TinyTraining.writeFaces(shared.resolve("faces"));
        fit(shared.resolve("faces"), args(shared.resolve("whole")));
        whole = shared.resolve("whole").resolve("last.ckpt");
    }

    @BeforeEach
    void setPaths() {
        faces = shared.resolve("faces");
        checkpoints = folder.resolve("checkpoints");
    }

    private static TrainerArgs.Builder args(Path checkpoints) {
        return TinyTraining.args()
                .epochs(2)
                .imageCacheMib(0) // so that images are read throughout the training run
                .checkpoints(checkpoints)
                .checkpointEverySteps(CHECKPOINT_EVERY);
    }

    private static void fit(Path faces, TrainerArgs.Builder args) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, args);
        }
    }

    private static TrainingListener afterStep(Fault fault) {
        return new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (step.step() == FAULT_STEP) {
                    happen(fault);
                }
            }
        };
    }

    private static TrainingListener skippedInto(Map<String, String> all) {
        return new TrainingListener() {
            @Override
            public void skipped(Map<String, String> images) {
                all.putAll(images);
            }
        };
    }

    private static TrainingListener inValidation(Fault fault) {
        AtomicBoolean happened = new AtomicBoolean();
        return new TrainingListener() {
            @Override
            public void passed(String what, int done, int images) {
                if (!happened.getAndSet(true)) {
                    happen(fault);
                }
            }
        };
    }

    private static void happen(Fault fault) {
        try {
            fault.happen();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private void assertResumes() throws IOException {
        fit(faces, args(checkpoints).resume(true));
        CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
        assertThat(names(checkpoints)).contains("best.ckpt", "last.ckpt").noneMatch(name -> name.endsWith(".tmp"));
        assertThat(checkpoints.resolve(".training.lock")).doesNotExist();
    }

    @Nested
    class Disks {
        private final Mounts mounts = new Mounts();

        private Path filler() {
            return checkpoints.resolve("filler");
        }

        private void fill() throws IOException {
            byte[] block = new byte[512];
            try (var out = Files.newByteChannel(
                    filler(), StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.WRITE)) {
                while (true) {
                    out.write(ByteBuffer.wrap(block));
                }
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("No space left");
            }
        }

        @Test
        void reportsAFullDiskWhenLastIsWritten() throws Exception {
            try (mounts) {
                mounts.memory(checkpoints, DISK_KIB);
                assertThatThrownBy(() -> fit(faces, args(checkpoints).listeners(afterStep(this::fill))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessage("cannot write " + checkpoints.resolve("last.ckpt")
                                + ": No space left on device; an existing"
                                + " file of that name is unchanged; free some space or choose another folder");
                assertThat(CheckpointContents.steps(checkpoints.resolve("last.ckpt")))
                        .isEqualTo(CHECKPOINT_EVERY);
                assertThat(names(checkpoints)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void reportsAFullDiskWhenBestIsWritten() throws Exception {
            try (mounts) {
                mounts.memory(checkpoints, DISK_KIB);
                assertThatThrownBy(() -> fit(faces, args(checkpoints).listeners(inValidation(this::fill))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(
                                "cannot write " + checkpoints.resolve("best.ckpt") + ": No space left on device; ");
                assertThat(CheckpointContents.steps(checkpoints.resolve("last.ckpt")))
                        .isEqualTo(10);
                assertThat(names(checkpoints)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void reportsAFullDiskWhenTrainingIsResumed() throws Exception {
            try (mounts) {
                mounts.memory(checkpoints, DISK_KIB);
                fit(faces, args(checkpoints).maxSteps(FAULT_STEP));
                fill();
                assertThatThrownBy(() -> fit(faces, args(checkpoints).resume(true)))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageContaining("No space left on device");
                assertThat(names(checkpoints)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void reportsAFolderThatBecomesReadOnly() throws Exception {
            try (mounts) {
                mounts.memory(checkpoints, DISK_KIB); // skips the test if mounting is not allowed
                assertThatThrownBy(() ->
                                fit(faces, args(checkpoints).listeners(afterStep(() -> mounts.readOnly(checkpoints)))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(
                                "cannot write " + checkpoints.resolve("last.ckpt") + ": Read-only file system; ");
                assertThatThrownBy(() -> fit(faces, args(checkpoints).resume(true)))
                        .as("while the folder is read-only")
                        .isInstanceOf(WeightsException.class)
                        .hasMessage("cannot write into checkpoint folder " + checkpoints
                                + ": Read-only file system; choose another folder");
                mounts.unmountLast();
                assertResumes();
            }
        }
    }

    @Nested
    class Folders {
        @Test
        void recreatesADeletedFolder() throws Exception {
            fit(faces, args(checkpoints).listeners(afterStep(() -> delete(checkpoints))));
            CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
            assertThat(names(checkpoints)).containsExactly("best.ckpt", "last.ckpt");
        }

        @Test
        void reportsAFolderThatBecomesAFile() throws Exception {
            Path elsewhere = folder.resolve("elsewhere");
            assertThatThrownBy(() -> fit(faces, args(checkpoints).listeners(afterStep(() -> {
                        Files.move(checkpoints, elsewhere);
                        Files.writeString(checkpoints, "a file");
                    }))))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage("cannot write " + checkpoints.resolve("last.ckpt") + ": " + checkpoints
                            + " is not a folder; an"
                            + " existing file of that name is unchanged; free some space or choose another folder");
            assertThat(checkpoints).hasContent("a file");

            Files.delete(checkpoints);
            Files.move(elsewhere, checkpoints);
            assertResumes();
        }

        @Test
        void reportsACheckpointThatBecomesAFolder() throws Exception {
            Path last = checkpoints.resolve("last.ckpt");
            Path elsewhere = folder.resolve("last.ckpt");
            assertThatThrownBy(() -> fit(faces, args(checkpoints).listeners(afterStep(() -> {
                        Files.move(last, elsewhere);
                        Files.createDirectory(last);
                    }))))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith("cannot write " + last + ": it is a folder; ");

            Files.delete(last);
            Files.move(elsewhere, last);
            assertResumes();
        }
    }

    /**
     * Durations are measured for the reports only; no decision depends on the clock or on file times. ArchitectureTest
     * rejects code that reads the wall clock.
     */
    @Nested
    class Clocks {
        @ParameterizedTest
        @ValueSource(strings = {"1970-01-02T00:00:00Z", "2099-12-31T00:00:00Z"})
        void ignoresFileTimesInThePastAndFuture(String time) throws Exception {
            FileTime stamp = FileTime.from(Instant.parse(time));
            fit(faces, args(checkpoints).maxSteps(FAULT_STEP));
            List<Path> left = List.of(
                    checkpoints.resolve(".last.ckpt.0123456789abcdef.tmp"),
                    checkpoints.resolve(".best.ckpt.fedcba9876543210.tmp"),
                    checkpoints.resolve(".training.lock")); // as a killed process leaves them
            for (Path file : left) {
                Files.writeString(file, "process 1, a training since " + time);
            }
            try (Stream<Path> files = Files.walk(checkpoints)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.setLastModifiedTime(file, stamp);
                }
            }

            assertResumes();
            assertThat(names(checkpoints)).containsExactly("best.ckpt", "last.ckpt");
        }

        @Test
        void ignoresFileTimesThatJumpDuringTraining() throws Exception {
            fit(faces, args(checkpoints).listeners(new TrainingListener() {
                @Override
                public void checkpointSaved(Path file) {
                    happen(() -> {
                        try (Stream<Path> files = Files.list(checkpoints)) {
                            for (Path each : files.toList()) {
                                boolean future = Files.size(each) % 2 == 0;
                                Files.setLastModifiedTime(
                                        each, FileTime.from(Instant.ofEpochSecond(future ? 4_000_000_000L : 1)));
                            }
                        }
                    });
                }
            }));
            CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
        }

        @Test
        void acceptsUnchangedImagesWithNewFileTimes() throws Exception {
            Path ownFaces = TinyTraining.writeFaces(folder.resolve("faces"));
            fit(ownFaces, args(checkpoints).maxSteps(FAULT_STEP));
            try (Stream<Path> images = Files.walk(ownFaces)) {
                for (Path image : images.toList()) {
                    Files.setLastModifiedTime(image, FileTime.from(Instant.parse("2099-12-31T00:00:00Z")));
                }
            }
            fit(ownFaces, args(checkpoints).resume(true));
            CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
        }
    }

    @Nested
    class Data {
        private Path ownFaces;
        private Map<String, byte[]> contents;

        @BeforeEach
        void write() throws IOException {
            ownFaces = TinyTraining.writeFaces(folder.resolve("faces"));
            contents = new TreeMap<>();
            try (Stream<Path> images = Files.walk(ownFaces)) {
                for (Path image : images.filter(Files::isRegularFile).toList()) {
                    contents.put(ownFaces.relativize(image).toString(), Files.readAllBytes(image));
                }
            }
        }

        /** Moves the whole folder at once, so that no batch is built from a part of the images. */
        private void vanish() throws IOException {
            Files.move(ownFaces, folder.resolve("elsewhere"));
        }

        private void restore() throws IOException {
            contents.forEach((name, bytes) -> {
                try {
                    Files.createDirectories(ownFaces.resolve(name).getParent());
                    Files.write(ownFaces.resolve(name), bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }

        private void assertResumesWhenRestored() throws IOException {
            restore();
            fit(ownFaces, args(checkpoints).resume(true));
            CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
        }

        @Test
        void reportsAnImageThatVanishes() throws Exception {
            Path image = ownFaces.resolve("person3").resolve("2.png");
            assertThatThrownBy(() -> fit(ownFaces, args(checkpoints).listeners(afterStep(() -> Files.delete(image)))))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image " + image + " does not exist");
            assertResumesWhenRestored();
        }

        @Test
        void reportsADataFolderThatVanishes() throws Exception {
            assertThatThrownBy(() -> fit(ownFaces, args(checkpoints).listeners(afterStep(this::vanish))))
                    .isInstanceOf(DataException.class)
                    .message()
                    .matches("image \\Q" + ownFaces + "\\E.person\\d.\\d\\.png does not exist");
            assertResumesWhenRestored();
        }

        @ParameterizedTest
        @EnumSource(BadImages.class)
        void reportsOrSkipsAnImageThatBecomesUnreadable(BadImages policy) throws Exception {
            Map<String, String> skipped = new TreeMap<>();
            Path image = ownFaces.resolve("person3").resolve("2.png");
            TrainerArgs.Builder args = args(checkpoints)
                    .badImages(policy)
                    .listeners(afterStep(() -> Files.write(image, new byte[100])), skippedInto(skipped));
            if (policy == BadImages.SKIP) {
                fit(ownFaces, args);
                assertThat(skipped).containsOnlyKeys("person3/2.png");
                assertThat(CheckpointContents.steps(checkpoints.resolve("last.ckpt")))
                        .isEqualTo(20);
            } else {
                assertThatThrownBy(() -> fit(ownFaces, args))
                        .isInstanceOf(DataException.class)
                        .hasMessageStartingWith("image " + image + " ");
                assertResumesWhenRestored();
            }
        }

        @Test
        void skipsAndReportsAnImageThatVanishes() throws Exception {
            Map<String, String> skipped = new TreeMap<>();
            Path image = ownFaces.resolve("person3").resolve("2.png");
            fit(
                    ownFaces,
                    args(checkpoints)
                            .badImages(BadImages.SKIP)
                            .listeners(afterStep(() -> Files.delete(image)), skippedInto(skipped)));
            assertThat(skipped).containsOnlyKeys("person3/2.png");
            assertThat(CheckpointContents.steps(checkpoints.resolve("last.ckpt")))
                    .isEqualTo(20);
        }

        @Test
        void reportsADataFolderThatVanishesEvenIfBadImagesAreSkipped() throws Exception {
            assertThatThrownBy(() -> fit(
                            ownFaces,
                            args(checkpoints).badImages(BadImages.SKIP).listeners(afterStep(this::vanish))))
                    .isInstanceOf(DataException.class)
                    .hasMessageMatching("at least one image must be usable, but none of \\d+ is");
            restore();
            fit(ownFaces, args(checkpoints).badImages(BadImages.SKIP).resume(true));
            CheckpointContents.assertSame(checkpoints.resolve("last.ckpt"), whole);
        }
    }
}
