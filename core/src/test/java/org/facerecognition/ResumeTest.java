package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.CrossEntropy;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that a training run resumes exactly, wherever it ended, or reports which setting or data differs. */
class ResumeTest {
    @TempDir
    Path faces;

    @TempDir
    Path folder;

    @BeforeEach
    void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static final class SimulatedCrash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Throws at the end of the given validation, counted from 1. */
    private static TrainingListener crashInValidation(int validation) {
        return new TrainingListener() {
            private int validations;

            @Override
            public void passed(String what, int done, int images) {
                if (done == images && ++validations == validation) {
                    throw new SimulatedCrash();
                }
            }
        };
    }

    @Test
    void resumedValidationUsesTheMarginOfItsEpoch() {
        TrainerArgs.Builder args = TinyTraining.args().marginWarmupEpochs(3).epochs(2);
        List<EpochReport> whole = history(args).epochs();

        TrainerArgs.Builder resumable =
                TinyTraining.args().marginWarmupEpochs(3).epochs(2).checkpoints(folder);
        assertThatThrownBy(() -> history(resumable.listeners(crashInValidation(1))))
                .isInstanceOf(SimulatedCrash.class);
        List<EpochReport> resumed = history(resumable.listeners().resume(true)).epochs();

        for (int i = 0; i < whole.size(); i++) {
            assertThat(resumed.get(i).valLoss()).isEqualTo(whole.get(i).valLoss());
            assertThat(resumed.get(i).trainLoss()).isEqualTo(whole.get(i).trainLoss());
        }
    }

    private History history(TrainerArgs.Builder args) {
        try (Recognizer recognizer = TinyTraining.recognizer(10, 0.5)) {
            return TinyTraining.fit(recognizer, faces, args);
        }
    }

    /** A new training would begin, and replace what is on the disk as soon as that is there again. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisabledOnOs(OS.WINDOWS)
    void doesNotStartAgainWhereTheDiskWithTheCheckpointIsNotMounted(boolean resume) throws IOException {
        Path disk = folder.resolve("disk");
        for (String name : List.of("last.ckpt", "best.ckpt")) {
            Files.createSymbolicLink(folder.resolve(name), disk.resolve(name));
        }
        assertThatThrownBy(() -> history(
                        TinyTraining.args().epochs(1).checkpoints(folder).resume(resume)))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith("checkpoint " + folder.resolve("last.ckpt")
                        + " may exist, but cannot be read: it is a link into ")
                .hasMessageContaining("which is missing; mount the disk that has it");
        assertThat(disk).doesNotExist();
    }

    /** Going back to an earlier version used to end with "is damaged", and the advice to remove the checkpoint. */
    @Test
    void tellsACheckpointOfALaterVersionFromADamagedOne() throws IOException {
        TrainerArgs.Builder args = TinyTraining.args().epochs(1).checkpoints(folder);
        history(args);
        Path last = folder.resolve("last.ckpt");
        Path best = folder.resolve("best.ckpt");
        String whole = Files.readString(last, StandardCharsets.ISO_8859_1);
        assertThat(whole).contains("lastLoss\\\":");
        Files.writeString(last, whole.replace("lastLoss\\\":", "lastLosX\\\":"), StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> history(args.epochs(2).resume(true)))
                .isInstanceOf(WeightsException.class)
                .hasMessage(
                        last + " was written by a later version of this library: its progress has \"lastLosX\", which"
                                + " this version does not know; resume with that one");
        Files.writeString(last, whole.replace("lastLoss\\\":", "lastLoss\\\";"), StandardCharsets.ISO_8859_1);
        Files.copy(last, best, StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> history(args.epochs(2).resume(true)))
                .hasMessageEndingWith("cannot be understood; move it away to continue from best.ckpt");
        Files.delete(best);
        assertThatThrownBy(() -> history(args.epochs(2).resume(true))).hasMessageEndingWith("cannot be understood");
    }

    @Test
    void aBestCheckpointThatWasRemovedIsWrittenAgain() throws IOException {
        history(TinyTraining.args().epochs(1).checkpoints(folder));
        Files.delete(folder.resolve("best.ckpt"));
        List<String> notes = new ArrayList<>();
        history(TinyTraining.args().epochs(2).checkpoints(folder).resume(true).listeners(notesInto(notes)));
        assertThat(notes)
                .containsExactly("there is no best.ckpt any more in " + folder
                        + ": the next epoch that is trained to its end is written there, whatever its figures");
        assertThat(folder.resolve("best.ckpt")).exists();
    }

    @Test
    void tellsThatTheMemoryLayoutIsAnother() {
        history(TinyTraining.args().epochs(1).checkpoints(folder));
        List<String> notes = new ArrayList<>();
        history(TinyTraining.args()
                .epochs(1)
                .channelsLast(false)
                .checkpoints(folder)
                .resume(true)
                .listeners(notesInto(notes)));
        assertThat(notes)
                .containsExactly(
                        "memory layout was channels last, is now contiguous: the results differ by rounding from"
                                + " those without the change");
    }

    /** It was changed without a word, by a command line that left --processes out. */
    @Test
    void tellsThatTheNumberOfProcessesIsAnother() throws IOException {
        history(TinyTraining.args().epochs(1).checkpoints(folder));
        Path last = folder.resolve("last.ckpt");
        String one = "number of processes\\\":\\\"1";
        String whole = Files.readString(last, StandardCharsets.ISO_8859_1);
        assertThat(whole).contains(one);
        Files.writeString(last, whole.replace(one, one.replace('1', '4')), StandardCharsets.ISO_8859_1);
        List<String> notes = new ArrayList<>();
        history(TinyTraining.args().epochs(1).checkpoints(folder).resume(true).listeners(notesInto(notes)));
        assertThat(notes)
                .containsExactly(
                        "number of processes was 4, is now 1: the results differ by rounding, and by what batch"
                                + " normalization sees of a batch, from those without the change");
    }

    /** Frozen layers see the images in other batches with a cache than without one. */
    @Test
    void tellsThatThereIsAFeatureCacheOrNoneAnyMore() {
        FreezeBefore freezer = new FreezeBefore("encoder.features.9");
        recipe(
                0.1,
                TinyTraining.args()
                        .freezer(freezer)
                        .featureCacheMib(16)
                        .checkpoints(folder)
                        .maxSteps(1));
        List<String> notes = new ArrayList<>();
        recipe(
                0.1,
                TinyTraining.args()
                        .freezer(freezer)
                        .checkpoints(folder)
                        .maxSteps(2)
                        .resume(true)
                        .listeners(notesInto(notes)));
        assertThat(notes)
                .containsExactly("feature cache was in use, is now none: the results differ by rounding from those"
                        + " without the change");
    }

    private static TrainingListener notesInto(List<String> notes) {
        return new TrainingListener() {
            @Override
            public void noted(String message) {
                notes.add(message);
            }
        };
    }

    /** Of custom parts, whose loss a file calls custom. */
    @Test
    void rejectsAnotherMarginOrLossOfAHeadOfOnesOwn() {
        TrainerArgs.Builder args = TinyTraining.args().epochs(1).checkpoints(folder);
        history(args);
        try (Recognizer other = TinyTraining.recognizer(64, 0.5)) {
            assertThatThrownBy(() -> TinyTraining.fit(other, faces, args.resume(true)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("head margin was ArcFaceMargin[s=10.0, m=0.5, ")
                    .hasMessageContaining(", is now ArcFaceMargin[s=64.0, m=0.5, ");
        }
        MarginSoftmax smoothed =
                new MarginSoftmax(TinyTraining.PEOPLE, 16, new ArcFaceMargin(10, 0.1), 1, new CrossEntropy(0.3, 0));
        smoothed.setPartialFraction(0.5);
        try (Recognizer other =
                Recognizer.of(new TinyBackbone(16), smoothed, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            assertThatThrownBy(() -> TinyTraining.fit(other, faces, args))
                    .hasMessageContaining("head softmax was CrossEntropy[labelSmoothing=0.0, focalGamma=0.0], is now"
                            + " CrossEntropy[labelSmoothing=0.3, focalGamma=0.0]")
                    .hasMessageContaining("head sampling was none, is now PartialFc[fraction=0.5]");
        }
    }

    @Test
    void lastCheckpointIsSavedBeforeVerificationCanFail() throws IOException {
        Path image = faces.resolve("person0/0.png");
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL);
        TrainerArgs.Builder args =
                TinyTraining.args().checkpoints(folder).epochs(1).verification(unseen);
        TrainingListener overwriteImages = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (step.step() == 10) {
                    overwriteAll(faces);
                }
            }
        };
        assertThatThrownBy(() -> history(args.imageCacheMib(64).listeners(overwriteImages)))
                .isInstanceOf(DataException.class);
        assertThat(folder.resolve("last.ckpt")).exists();

        TinyTraining.writeFaces(faces);
        assertThat(image).exists();
        assertThat(history(args.resume(true).listeners()).epochs()).hasSize(1);
    }

    private static void overwriteAll(Path faces) {
        try (var files = Files.walk(faces)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.write(file, new byte[] {1, 2, 3});
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void skipsBadImagesInVerificationAndHeadMeans() throws IOException {
        Files.write(faces.resolve("person1/0.png"), new byte[] {1, 2, 3});
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN);
        FaceDataset validation = FaceDataset.folders(faces, Split.VAL);
        List<Integer> skipped = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void skipped(Map<String, String> images) {
                skipped.add(images.size());
            }
        };
        TrainerArgs args = TinyTraining.args()
                .epochs(2)
                .badImages(BadImages.SKIP)
                .headFromMeans(true)
                .verification(train.with(validation))
                .listeners(listener)
                .build();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = new Trainer(args).fit(recognizer, train, validation);
            assertThat(history.epochs()).hasSize(2).allMatch(epoch -> epoch.unseen() != null);
        }
        assertThat(skipped).containsExactly(1);
    }

    // ---- the feature cache ----

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2})
    void featureCacheDoesNotChangeAResumedTraining(long seed, @TempDir Path other) {
        List<Double> whole = lossesWithFeatureCache(args(seed).checkpoints(other));
        List<Double> resumed = new ArrayList<>();
        for (int steps : new int[] {3, 8, 0}) {
            resumed.addAll(lossesWithFeatureCache(
                    args(seed).checkpoints(folder).maxSteps(steps).resume(true)));
        }
        assertThat(resumed).isEqualTo(whole);
    }

    private static TrainerArgs.Builder args(long seed) {
        return TinyTraining.args()
                .freezer(new FreezeBefore("encoder.features.9"))
                .featureCacheMib(64)
                .headFromMeans(true)
                .batchSize(7)
                .epochs(2)
                .seed(seed);
    }

    private List<Double> lossesWithFeatureCache(TrainerArgs.Builder args) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN)
                .withAugmentations(TransformLine.parse("RandomHorizontalFlip()"), true);
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(TinyTraining.PEOPLE)
                .imageSizePx(32)
                .dropout(0.2)
                .build())) {
            new Trainer(args.listeners(losses).build()).fit(recognizer, train, FaceDataset.folders(faces, Split.VAL));
        }
        return losses.all;
    }

    // ---- settings and data that differ ----

    @Test
    void reportsADifferentSettingWithBothValues() {
        history(TinyTraining.args().checkpoints(folder).maxSteps(2));

        assertThatThrownBy(() -> history(TinyTraining.args()
                        .checkpoints(folder)
                        .resume(true)
                        .batchSize(4)
                        .learningRate(LearningRate.constant())))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(folder.resolve("last.ckpt") + " is of another training: learning rate schedule was"
                        + " CosineWarmRestarts[t0=2, tMult=1, etaMin=1.0E-4] by EPOCH, is now Constant[] by EPOCH; batch size"
                        + " was 8, is now 4; use the former settings and data, or another checkpoint folder");
    }

    @Test
    void reportsADifferentModelSetting() {
        recipe(0.1, TinyTraining.args().checkpoints(folder).maxSteps(1));
        assertThatThrownBy(() ->
                        recipe(0.5, TinyTraining.args().checkpoints(folder).resume(true)))
                .hasMessageContaining(" is of another training: m was 0.1, is now 0.5; use the former settings");
    }

    private void recipe(double m, TrainerArgs.Builder args) {
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(TinyTraining.PEOPLE)
                .imageSizePx(32)
                .m(m)
                .build())) {
            TinyTraining.fit(recognizer, faces, args);
        }
    }

    @Test
    void reportsDifferentData() throws IOException {
        history(TinyTraining.args().checkpoints(folder).maxSteps(1));
        Path addedImage = faces.resolve("person0/addedImage.png");
        Files.copy(faces.resolve("person0/1.png"), addedImage);

        assertThatThrownBy(() -> history(TinyTraining.args().checkpoints(folder).resume(true)))
                .hasMessageContaining(
                        "is of another training: data was 5 people, 80 training samples, 10 validation images, is"
                                + " now 5 people, 82 training samples, 10 validation images; use");

        Files.move(addedImage, faces.resolve("person0/3.png"), StandardCopyOption.REPLACE_EXISTING);
        Files.move(faces.resolve("person0/3.png"), faces.resolve("person0/33.png"));
        assertThatThrownBy(() -> history(TinyTraining.args().checkpoints(folder).resume(true)))
                .hasMessageContaining("the names or labels of the ");
    }

    @Test
    void reportsReplacedImagesUnlessTheyAreAccepted() throws IOException {
        history(TinyTraining.args().checkpoints(folder).maxSteps(1));
        Files.copy(faces.resolve("person0/1.png"), faces.resolve("person1/1.png"), StandardCopyOption.REPLACE_EXISTING);

        TrainerArgs.Builder args =
                TinyTraining.args().checkpoints(folder).resume(true).epochs(1);
        assertThatThrownBy(() -> history(args))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(
                        "is of another training: images have other contents under the same names (to go on with"
                                + " them, set acceptChangedImages, on the command line --accept-changed-images); use");
        assertThat(history(args.acceptChangedImages(true)).steps()).isEqualTo(10);
    }

    /** The best score so far would be that of other images. */
    @Test
    void reportsReplacedImagesOfFacesToVerify(@TempDir Path others) throws IOException {
        TinyTraining.writeFaces(others);
        TrainerArgs.Builder args = TinyTraining.args().checkpoints(folder).epochs(1);
        history(args.maxSteps(1).verification(FaceDataset.folders(others, Split.VAL)));
        for (int person = 0; person < TinyTraining.PEOPLE; person++) {
            Files.delete(others.resolve("person" + person + "/0.png"));
            for (int i = 1; i < TinyTraining.IMAGES_EACH; i++) {
                Path image = others.resolve("person" + person + "/" + i + ".png");
                Files.move(image, image.resolveSibling((i - 1) + ".png"));
            }
            Files.copy(
                    others.resolve("person" + person + "/0.png"),
                    others.resolve("person" + person + "/" + (TinyTraining.IMAGES_EACH - 1) + ".png"));
        }
        args.maxSteps(0).resume(true).verification(FaceDataset.folders(others, Split.VAL));
        assertThatThrownBy(() -> history(args))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is of another training: faces to verify have other contents under the same names"
                        + " (to go on with them, set acceptChangedImages, on the command line --accept-changed-images);"
                        + " use");
        assertThat(history(args.acceptChangedImages(true)).steps()).isEqualTo(10);
    }

    @ParameterizedTest
    @EnumSource
    void reportedLearningRateIsThatOfTheLastStep(ScheduleUnit unit) {
        LearningRate decay = LearningRate.polynomial(unit == ScheduleUnit.STEP ? 20 : 2, 1);
        List<EpochReport> epochs =
                history(TinyTraining.args().epochs(2).learningRate(decay, unit)).epochs();
        boolean perStep = unit == ScheduleUnit.STEP;
        assertThat(epochs.get(0).learningRate()).isCloseTo(3e-3 * (perStep ? 11.0 / 20 : 1), within(1e-12));
        assertThat(epochs.get(1).learningRate()).isCloseTo(3e-3 * (perStep ? 1.0 / 20 : 0.5), within(1e-12));
    }

    @Test
    void resumesNamedSchedules() {
        LearningRate schedule = LearningRate.named("halved after 5 steps", (base, step) -> step < 5 ? base : base / 2);
        TrainerArgs.Builder args =
                TinyTraining.args().learningRate(schedule, ScheduleUnit.STEP).checkpoints(folder);
        history(args.maxSteps(3));
        assertThat(history(args.maxSteps(6).resume(true)).steps()).isEqualTo(6);
    }
}
