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
 * What happens to machines in the middle of a training: full disks, folders that become read-only or vanish, clocks
 * that jump. Each ends in one sentence or is survived, and the last checkpoint goes on as if nothing had been.
 */
class MachineFaultsTest {
    private static final int EVERY = 4; // steps between checkpoints
    private static final int FAULT = 6; // the step after which it happens
    private static final int SMALL_KIB = 1024; // room for some ten checkpoints

    @TempDir
    static Path shared;

    private static Path whole; // last.ckpt of a training that nothing happened to

    @TempDir
    Path folder;

    private Path faces;
    private Path backup;

    /** What happens to the machine. */
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
    void name() {
        faces = shared.resolve("faces");
        backup = folder.resolve("backup");
    }

    private static TrainerArgs.Builder args(Path backup) {
        return TinyTraining.args()
                .epochs(2)
                .imageCacheMib(0) // so that images are read as long as the training runs
                .checkpoints(backup)
                .checkpointEverySteps(EVERY);
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
                if (step.step() == FAULT) {
                    happen(fault);
                }
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
        fit(faces, args(backup).resume(true));
        CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
        assertThat(names(backup)).contains("best.ckpt", "last.ckpt").noneMatch(name -> name.endsWith(".tmp"));
        assertThat(backup.resolve(".training.lock")).doesNotExist();
    }

    @Nested
    class Disks {
        private final Mounts mounts = new Mounts();

        private Path filler() {
            return backup.resolve("filler");
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
        void aDiskThatIsFullWhenLastIsWrittenIsOneSentence() throws Exception {
            try (mounts) {
                mounts.memory(backup, SMALL_KIB);
                assertThatThrownBy(() -> fit(faces, args(backup).listeners(afterStep(this::fill))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessage(
                                "cannot write " + backup.resolve("last.ckpt") + ": No space left on device; an existing"
                                        + " file of that name is unchanged; free some space or choose another folder");
                assertThat(CheckpointContents.steps(backup.resolve("last.ckpt")))
                        .isEqualTo(EVERY);
                assertThat(names(backup)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void aDiskThatIsFullWhenBestIsWrittenIsOneSentence() throws Exception {
            try (mounts) {
                mounts.memory(backup, SMALL_KIB);
                assertThatThrownBy(() -> fit(faces, args(backup).listeners(inValidation(this::fill))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(
                                "cannot write " + backup.resolve("best.ckpt") + ": No space left on device; ");
                assertThat(CheckpointContents.steps(backup.resolve("last.ckpt")))
                        .isEqualTo(10);
                assertThat(names(backup)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void aFullDiskIsOneSentenceAtTheStartToo() throws Exception {
            try (mounts) {
                mounts.memory(backup, SMALL_KIB);
                fit(faces, args(backup).maxSteps(FAULT));
                fill();
                assertThatThrownBy(() -> fit(faces, args(backup).resume(true)))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageContaining("No space left on device");
                assertThat(names(backup)).containsExactly("filler", "last.ckpt");

                Files.delete(filler());
                assertResumes();
            }
        }

        @Test
        void aFolderThatBecomesReadOnlyIsOneSentence() throws Exception {
            try (mounts) {
                mounts.memory(backup, SMALL_KIB); // skips the test where mounting is not allowed
                assertThatThrownBy(() -> fit(faces, args(backup).listeners(afterStep(() -> mounts.readOnly(backup)))))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(
                                "cannot write " + backup.resolve("last.ckpt") + ": Read-only file system; ");
                assertThatThrownBy(() -> fit(faces, args(backup).resume(true)))
                        .as("as long as it is")
                        .isInstanceOf(WeightsException.class)
                        .hasMessage("cannot write into checkpoint folder " + backup
                                + ": Read-only file system; choose another folder");
                mounts.undo();
                assertResumes();
            }
        }
    }

    @Nested
    class Folders {
        @Test
        void aFolderThatIsDeletedIsMadeAgain() throws Exception {
            fit(faces, args(backup).listeners(afterStep(() -> delete(backup))));
            CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
            assertThat(names(backup)).containsExactly("best.ckpt", "last.ckpt");
        }

        @Test
        void aFolderThatIsAFileNowIsOneSentence() throws Exception {
            Path elsewhere = folder.resolve("elsewhere");
            assertThatThrownBy(() -> fit(faces, args(backup).listeners(afterStep(() -> {
                        Files.move(backup, elsewhere);
                        Files.writeString(backup, "a file");
                    }))))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage("cannot write " + backup.resolve("last.ckpt") + ": " + backup + " is not a folder; an"
                            + " existing file of that name is unchanged; free some space or choose another folder");
            assertThat(backup).hasContent("a file");

            Files.delete(backup);
            Files.move(elsewhere, backup);
            assertResumes();
        }

        @Test
        void aCheckpointThatIsAFolderNowIsOneSentence() throws Exception {
            Path last = backup.resolve("last.ckpt");
            Path elsewhere = folder.resolve("last.ckpt");
            assertThatThrownBy(() -> fit(faces, args(backup).listeners(afterStep(() -> {
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
     * Time is measured, in seconds that the reports show, and decides nothing; ArchitectureTest finds who would ask for
     * it.
     */
    @Nested
    class Clocks {
        @ParameterizedTest
        @ValueSource(strings = {"1970-01-02T00:00:00Z", "2099-12-31T00:00:00Z"})
        void filesOfAnotherTimeAreTakenAsTheyAre(String time) throws Exception {
            FileTime stamp = FileTime.from(Instant.parse(time));
            fit(faces, args(backup).maxSteps(FAULT));
            List<Path> left = List.of(
                    backup.resolve(".last.ckpt.0123456789abcdef.tmp"),
                    backup.resolve(".best.ckpt.fedcba9876543210.tmp"),
                    backup.resolve(".training.lock")); // as a killed training leaves them
            for (Path file : left) {
                Files.writeString(file, "process 1, a training since " + time);
            }
            try (Stream<Path> files = Files.walk(backup)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.setLastModifiedTime(file, stamp);
                }
            }

            assertResumes();
            assertThat(names(backup)).containsExactly("best.ckpt", "last.ckpt");
        }

        @Test
        void filesWhoseTimesJumpDuringATrainingAreTakenAsTheyAre() throws Exception {
            fit(faces, args(backup).listeners(new TrainingListener() {
                @Override
                public void checkpointSaved(Path file) {
                    happen(() -> {
                        try (Stream<Path> files = Files.list(backup)) {
                            for (Path each : files.toList()) {
                                boolean future = Files.size(each) % 2 == 0;
                                Files.setLastModifiedTime(
                                        each, FileTime.from(Instant.ofEpochSecond(future ? 4_000_000_000L : 1)));
                            }
                        }
                    });
                }
            }));
            CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
        }

        @Test
        void imagesThatWereTouchedAreTheSameImages() throws Exception {
            Path own = TinyTraining.writeFaces(folder.resolve("faces"));
            fit(own, args(backup).maxSteps(FAULT));
            try (Stream<Path> images = Files.walk(own)) {
                for (Path image : images.toList()) {
                    Files.setLastModifiedTime(image, FileTime.from(Instant.parse("2099-12-31T00:00:00Z")));
                }
            }
            fit(own, args(backup).resume(true));
            CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
        }
    }

    @Nested
    class Data {
        private Path own;
        private Map<String, byte[]> contents;

        @BeforeEach
        void write() throws IOException {
            own = TinyTraining.writeFaces(folder.resolve("faces"));
            contents = new TreeMap<>();
            try (Stream<Path> images = Files.walk(own)) {
                for (Path image : images.filter(Files::isRegularFile).toList()) {
                    contents.put(own.relativize(image).toString(), Files.readAllBytes(image));
                }
            }
        }

        /** In one moment, so that no batch is made of what is left on the way. */
        private void vanish() throws IOException {
            Files.move(own, folder.resolve("elsewhere"));
        }

        private void restore() throws IOException {
            contents.forEach((name, bytes) -> {
                try {
                    Files.createDirectories(own.resolve(name).getParent());
                    Files.write(own.resolve(name), bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }

        private void assertGoesOnWhenRestored() throws IOException {
            restore();
            fit(own, args(backup).resume(true));
            CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
        }

        @Test
        void anImageThatVanishesIsOneSentence() throws Exception {
            Path image = own.resolve("person3").resolve("2.png");
            assertThatThrownBy(() -> fit(own, args(backup).listeners(afterStep(() -> Files.delete(image)))))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image " + image + " does not exist");
            assertGoesOnWhenRestored();
        }

        @Test
        void aDataFolderThatVanishesIsOneSentence() throws Exception {
            assertThatThrownBy(() -> fit(own, args(backup).listeners(afterStep(this::vanish))))
                    .isInstanceOf(DataException.class)
                    .message()
                    .matches("image \\Q" + own + "\\E.person\\d.\\d\\.png does not exist");
            assertGoesOnWhenRestored();
        }

        @ParameterizedTest
        @EnumSource(BadImages.class)
        void anImageThatIsNoImageAnyMoreIsOneSentenceOrSkipped(BadImages policy) throws Exception {
            Path image = own.resolve("person3").resolve("2.png");
            TrainerArgs.Builder args =
                    args(backup).badImages(policy).listeners(afterStep(() -> Files.write(image, new byte[100])));
            if (policy == BadImages.SKIP) {
                fit(own, args);
            } else {
                assertThatThrownBy(() -> fit(own, args))
                        .isInstanceOf(DataException.class)
                        .hasMessageStartingWith("image " + image + " ");
                assertGoesOnWhenRestored();
            }
        }

        @Test
        void anImageThatVanishesIsSkippedAndTold() throws Exception {
            Map<String, String> skipped = new TreeMap<>();
            Path image = own.resolve("person3").resolve("2.png");
            fit(
                    own,
                    args(backup)
                            .badImages(BadImages.SKIP)
                            .listeners(afterStep(() -> Files.delete(image)), new TrainingListener() {
                                @Override
                                public void skipped(Map<String, String> images) {
                                    skipped.putAll(images);
                                }
                            }));
            assertThat(skipped).containsOnlyKeys("person3/2.png");
            assertThat(CheckpointContents.steps(backup.resolve("last.ckpt"))).isEqualTo(20);
        }

        @Test
        void aDataFolderThatVanishesIsOneSentenceEvenWhereImagesAreSkipped() throws Exception {
            assertThatThrownBy(() ->
                            fit(own, args(backup).badImages(BadImages.SKIP).listeners(afterStep(this::vanish))))
                    .isInstanceOf(DataException.class)
                    .hasMessageMatching("at least one image must be usable, but none of \\d+ is");
            restore();
            fit(own, args(backup).badImages(BadImages.SKIP).resume(true));
            CheckpointContents.assertSame(backup.resolve("last.ckpt"), whole);
        }
    }
}
