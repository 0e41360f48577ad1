package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.facerecognition.augment.Transform;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.ModelOrigin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests that settings and data that would fail or mislead after hours are rejected before the first step, and that a
 * rejected training run changes nothing.
 */
class TrainingRefusalTest {
    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    private Recognizer recognizer;
    private String fingerprint;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    @BeforeEach
    void createRecognizer() {
        recognizer = TinyTraining.recognizer();
        fingerprint = recognizer.fingerprint();
    }

    @AfterEach
    void assertNothingChanged() throws IOException {
        assertThat(recognizer.identities()).isEmpty();
        assertThat(recognizer.crop()).isEqualTo(Crop.WHOLE);
        assertThat(recognizer.origin()).isEqualTo(ModelOrigin.UNKNOWN);
        assertThat(recognizer.fingerprint()).isEqualTo(fingerprint);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().equals("batch-loader"));
        try (var files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
        recognizer.close();
    }

    private ThrowingCallable fit(TrainerArgs.Builder args, FaceDataset train, FaceDataset validation) {
        return () -> new Trainer(args.build()).fit(recognizer, train, validation);
    }

    private ThrowingCallable fit(TrainerArgs.Builder args) {
        return fit(args, TinyTraining.train(faces), TinyTraining.validation(faces));
    }

    /** These used to fail when their epoch came, and the training could not be resumed with another freezer. */
    @Test
    void rejectsFreezersThatWouldFailInALaterEpoch() {
        LayerFreezer tooMany = LayerFreezer.byEpoch("encoder", List.of(0, 0, 99));
        assertThatThrownBy(fit(TinyTraining.args().epochs(3).freezer(tooMany)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("in epoch 3: freezer must freeze between 0 and ");
        Freezer everything = (net, epoch) -> {
            Freezer.setFrozen(net, true);
            return 1;
        };
        assertThatThrownBy(fit(TinyTraining.args().epochs(3).freezer(everything)))
                .hasMessage("freezer must leave something to be trained, but freezes all parameters of the network in"
                        + " epoch 1");
    }

    /** Such a training used to try the freezer for each of its epochs, which would have taken weeks. */
    @Test
    void triesFreezersForTheEpochsThatCanBeReached() {
        int[] calls = new int[1];
        Freezer counting = Freezer.named("counting", (net, epoch) -> {
            if (++calls[0] > 5000) {
                throw new AssertionError("tried too often");
            }
            return 0;
        });
        TrainerArgs.Builder args =
                TinyTraining.args().freezer(counting).epochs(Integer.MAX_VALUE).batchSize(20);
        try (Recognizer trained = TinyTraining.recognizer()) {
            TinyTraining.fit(trained, faces, args.maxSteps(5));
        }
        assertThat(calls[0]).as("two epochs of four steps, tried and trained").isEqualTo(4);
        TrainingListener failing = new TrainingListener() {
            @Override
            public void started(History soFar) {
                throw new IllegalStateException("seen");
            }
        };
        assertThatThrownBy(fit(args.maxSteps(0).listeners(failing))).hasMessage("seen");
        assertThat(calls[0]).isEqualTo(1004);
    }

    /** The encoder used to be left in the layout of the refused training. */
    @Test
    void aRefusedTrainingLeavesTheMemoryLayoutAsItWas() {
        LayerFreezer tooMany = LayerFreezer.first("encoder", 99);
        assertThatThrownBy(fit(TinyTraining.args().channelsLast(false).freezer(tooMany)))
                .hasMessageContaining("freezer must freeze between 0 and ");
        try (PointerScope scope = new PointerScope()) {
            TensorVector parameters = recognizer.encoder().parameters();
            assertThat(parameters.get(0).dim()).isEqualTo(4);
            assertThat(parameters.get(0).is_contiguous(MemoryFormat.ChannelsLast))
                    .isTrue();
        }
    }

    @Test
    void rejectsValidationOfOtherPeople() {
        FaceDataset others = TinyTraining.validation(faces).withIdentities(List.of("person0", "person2", "person1"));
        assertThatThrownBy(fit(TinyTraining.args(), TinyTraining.train(faces), others))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "validation must show the identities of the training data under the same labels, but label 1"
                                + " is \"person1\" in training and \"person2\" in validation, label 2 is \"person2\" in training"
                                + " and \"person1\" in validation; use validation.withIdentities(train.identities())");
    }

    @Test
    void rejectsUnseenFacesWithoutGenuineOrImpostorPairs() {
        FaceDataset singleImages = TinyTraining.validation(faces).withAtMost(1);
        assertThatThrownBy(fit(TinyTraining.args().verification(singleImages)))
                .hasMessage(
                        "faces to verify must form genuine and impostor pairs, but form none of the same person; add a"
                                + " second image of at least one person");
        FaceDataset singlePerson = TinyTraining.validation(faces).withIdentities(List.of("person0"));
        assertThatThrownBy(fit(TinyTraining.args().verification(singlePerson)))
                .hasMessageEndingWith("but form none of different people; add another person");
    }

    @Test
    void rejectsMoreUnseenFacesThanFitIntoMemoryAsPairs() {
        FaceDataset many = FaceDataset.synthetic(
                new SyntheticFaces(0, 32).identities(0, 20_000).images(0, 2), Split.TEST);
        assertThatThrownBy(fit(TinyTraining.args().verification(VerificationSet.of(many))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(
                        "faces to compare each with each must be at most \\d+ in a Java heap of \\d+ MiB, but are"
                                + " 40000; take fewer of each person \\(withAtMost\\), or give a list of pairs");
    }

    @Test
    void rejectsUnseenFacesOfAnotherCrop() {
        FaceDataset other = TinyTraining.validation(faces).withCrop(Crop.CELEBA_CROP);
        assertThatThrownBy(fit(TinyTraining.args().verification(other)))
                .hasMessage(
                        "the verification faces must be cropped like the training data, whole, but were celeba-crop");
    }

    @Test
    void rejectsSettingsWithoutAStableDescription() {
        LearningRate lambda = (base, step) -> base;
        assertRejectedWithCheckpoints(
                () -> TinyTraining.args().learningRate(lambda), "learningRate", "LearningRate.named");
        assertRejectedWithCheckpoints(
                () -> TinyTraining.args().learningRate(lambda.withWarmup(2, 0.5)),
                "learningRate",
                "LearningRate.named");
        Freezer freezer = (root, epoch) -> 0;
        assertRejectedWithCheckpoints(() -> TinyTraining.args().freezer(freezer), "freezer", "Freezer.named");
        assertRejectedWithCheckpoints(
                () -> TinyTraining.args().sampler((labels, random) -> new int[] {0, 1}), "sampler", "Sampler.named");
        Transform transform = (image, random) -> image.clone();
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN).withAugmentations(List.of(transform));
        assertThatThrownBy(fit(TinyTraining.args().checkpoints(folder), train, TinyTraining.validation(faces)))
                .hasMessageStartingWith(
                        "augmentations must describe itself in toString() for a training with checkpoints");
    }

    private record Named(String name) implements LearningRate {
        @Override
        public double at(double base, long step) {
            return base;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** A name such as a measure's used to be taken for an object without a name. */
    @ParameterizedTest
    @ValueSource(strings = {"recall@1", "precision@10", "cosine@50"})
    void namesMayContainNumbersAfterAnAt(String name, @TempDir Path other) {
        try (Recognizer trained = TinyTraining.recognizer()) {
            TrainerArgs.Builder args =
                    TinyTraining.args().epochs(1).learningRate(new Named(name)).checkpoints(other);
            assertThat(TinyTraining.fit(trained, faces, args).epochs()).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.b.C@1f", "C$D@1f2e3d4c", "C$$Lambda/0x00007f@1f2e3d4c", "[Mine@1f2e3d4]"})
    void rejectsNamesOfObjects(String name) {
        assertRejectedWithCheckpoints(
                () -> TinyTraining.args().learningRate(new Named(name)), "learningRate", "LearningRate.named");
    }

    /** The checkpoint's weights used to stay. */
    @Test
    void aRefusedResumptionChangesNothing(@TempDir Path checkpoints) {
        LayerFreezer tooMany = LayerFreezer.byEpoch("encoder", List.of(0, 0, 99));
        TrainerArgs.Builder args = TinyTraining.args().freezer(tooMany).checkpoints(checkpoints);
        try (Recognizer first = TinyTraining.recognizer()) {
            TinyTraining.fit(first, faces, args.epochs(2));
        }
        assertThatThrownBy(fit(args.epochs(3).resume(true)))
                .hasMessageStartingWith("in epoch 3: freezer must freeze between 0 and ");
    }

    /** The centers used to stay those of the means, beside the names of the people before. */
    @Test
    void aTrainingThatFailsAfterItsFirstCentersChangesNothing() {
        TrainingListener failing = new TrainingListener() {
            @Override
            public void started(History soFar) {
                throw new IllegalStateException("seen");
            }
        };
        Map<String, float[]> before = TinyTraining.weights(recognizer);
        assertThatThrownBy(fit(TinyTraining.args().headFromMeans(true).listeners(failing)))
                .hasMessage("seen");
        Map<String, float[]> after = TinyTraining.weights(recognizer);
        assertThat(after.keySet()).isEqualTo(before.keySet());
        before.forEach((name, values) -> assertThat(after.get(name)).as(name).isEqualTo(values));
    }

    private void assertRejectedWithCheckpoints(Supplier<TrainerArgs.Builder> args, String setting, String advice) {
        assertThatThrownBy(fit(args.get().checkpoints(folder)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(setting + " must describe itself in toString() for a training with checkpoints")
                .hasMessageContaining("use " + advice + "(");
    }

    @Test
    void rejectsUnreadableImagesBeforeTheFirstStep(@TempDir Path other) throws IOException {
        TinyTraining.writeFaces(other);
        for (int i = 0; i < TinyTraining.IMAGES_EACH; i++) {
            Files.write(other.resolve("person0").resolve(i + ".png"), new byte[] {1, 2, 3});
        }
        assertThatThrownBy(fit(
                        TinyTraining.args().headFromMeans(true),
                        TinyTraining.train(other),
                        TinyTraining.validation(other)))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("person0");
    }

    @Test
    void rejectsARecognizerThatIsBeingTrained() {
        TrainingListener second = new TrainingListener() {
            @Override
            public void started(History soFar) {
                assertThatThrownBy(fit(TinyTraining.args()))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("this recognizer is being trained already");
                throw new IllegalStateException("seen");
            }
        };
        assertThatThrownBy(fit(TinyTraining.args().listeners(second))).hasMessage("seen");
    }

    @Test
    void rejectsAFolderThatAnotherTrainingUses() {
        try (Recognizer first = TinyTraining.recognizer()) {
            boolean[] rejected = new boolean[1];
            TrainingListener second = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    if (!rejected[0]) {
                        rejected[0] = true;
                        assertThatThrownBy(fit(TinyTraining.args().checkpoints(folder.resolve("shared"))))
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageMatching(
                                        "another training writes into \\S+shared \\(process \\d+.*, a training"
                                                + " since .*\\); wait until it ends or choose another checkpoint folder");
                    }
                }
            };
            TinyTraining.fit(
                    first,
                    faces,
                    TinyTraining.args()
                            .checkpoints(folder.resolve("shared"))
                            .maxSteps(1)
                            .listeners(second));
            assertThat(rejected[0]).isTrue();
        } finally {
            deleteShared();
        }
    }

    private void deleteShared() {
        try {
            Files.deleteIfExists(folder.resolve("shared/last.ckpt"));
            Files.delete(folder.resolve("shared")); // fails if a lock or a temporary file is left
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void rejectsTooFewClasses() {
        try (Recognizer small = Recognizer.of(new TinyBackbone(16), new LinearSoftmax(3, 16))) {
            assertThatThrownBy(() -> TinyTraining.fit(small, faces, TinyTraining.args()))
                    .hasMessageContaining("build it with classes(5)");
            assertThat(small.identities()).isEmpty();
        }
    }
}
