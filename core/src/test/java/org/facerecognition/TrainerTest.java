package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.data.SplitSettings;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.NonFiniteLossException;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the trainer: its settings, the reports of a run, and invalid arguments. */
class TrainerTest {
    @TempDir
    static Path faces;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    @Test
    void learnsAndReportsItsHistory() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history =
                    TinyTraining.fit(recognizer, faces, TinyTraining.args().epochs(6));

            assertThat(history.epochs()).hasSize(6);
            assertThat(history.epochs()).allMatch(epoch -> epoch.waitShare() > 0 && epoch.waitShare() < 1);
            assertThat(history.steps()).isEqualTo(6 * 10);
            assertThat(history.last().orElseThrow().trainLoss())
                    .isLessThan(history.epochs().get(0).trainLoss() / 2);
            assertThat(history.best().orElseThrow().valAccuracy()).isGreaterThan(0.9);
            assertThat(history.imagesPerSecond()).isPositive();
            assertThat(recognizer.identities()).containsExactly("person0", "person1", "person2", "person3", "person4");
        }
    }

    @Test
    void verifiesUnseenPeopleAfterEachEpochAndSelectsTheBest(@TempDir Path folder) {
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL); // the names of the people are not compared
        TrainerArgs.Builder args = TinyTraining.args()
                .verification(unseen)
                .bestBy(BestBy.UNSEEN_AUC)
                .checkpoints(folder);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = TinyTraining.fit(recognizer, faces, args.epochs(3));
            assertThat(history.epochs()).allSatisfy(epoch -> {
                assertThat(epoch.unseen()).isNotNull();
                assertThat(epoch.figure(BestBy.UNSEEN_AUC)).isBetween(0.5, 1.0);
                assertThat(epoch.unseen().far()).isEqualTo(1.0 / 40); // 40 pairs of different people
            });
            assertThat(history.last().orElseThrow().unseen().auc())
                    .as("the last epoch's AUC, of the current weights")
                    .isEqualTo(Verification.ofAllPairs(recognizer.embed(unseen, false))
                            .roc()
                            .auc());
            int best = history.best(BestBy.UNSEEN_AUC).orElseThrow().epoch();
            try (Recognizer bestModel = Recognizer.load(
                    folder.resolve("best.ckpt"),
                    new TinyBackbone(16),
                    new MarginSoftmax(TinyTraining.PEOPLE, 16, new ArcFaceMargin(10, 0.1)))) {
                assertThat(Verification.ofAllPairs(bestModel.embed(unseen, false))
                                .roc()
                                .auc())
                        .isEqualTo(history.epochs().get(best - 1).unseen().auc());
            }
            History resumed = TinyTraining.fit(recognizer, faces, args.epochs(4).resume(true));
            assertThat(resumed.epochs().subList(0, 3)).isEqualTo(history.epochs());
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args.bestBy(BestBy.UNSEEN_TAR)))
                    .hasMessageContaining("is of another training: best by was unseen-auc, is now unseen-tar");
        }
    }

    /** best() used to say the last epoch, while best.ckpt was chosen by the verification. */
    @Test
    void theBestEpochIsThatOfTheBestVerificationWhereNothingElseIsMeasured(@TempDir Path folder) {
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL);
        TrainerArgs args = TinyTraining.args()
                .verification(unseen)
                .checkpoints(folder)
                .optimizer(new AdamW(1e-9, 0)) // so that no epoch is better than the first
                .build();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = new Trainer(args).fit(recognizer, TinyTraining.train(faces));
            int best = history.best(BestBy.UNSEEN_AUC).orElseThrow().epoch();
            assertThat(best).isEqualTo(1);
            assertThat(history.best().orElseThrow().epoch()).isEqualTo(best);
        }
    }

    /** Places of broken images used to count the next usable one again, under its label. */
    @Test
    void brokenValidationImagesAreLeftOut(@TempDir Path folder) throws IOException {
        TinyTraining.writeFaces(folder);
        for (int i = 0; i < TinyTraining.IMAGES_EACH; i += 2) {
            Files.write(folder.resolve("person1/" + i + ".png"), new byte[0]);
            Files.write(folder.resolve("person4/" + i + ".png"), new byte[0]);
        }
        SplitSettings halves = new SplitSettings(0.5, 0, 1, 0);
        FaceDataset broken = FaceDataset.folders(folder, Split.VAL, halves);
        Set<Integer> unusable = IntStream.range(0, broken.size())
                .filter(i -> broken.sample(i).image().contentBytes() == 0)
                .boxed()
                .collect(Collectors.toSet());
        assertThat(unusable).isNotEmpty();
        FaceDataset whole = broken.without(unusable);
        TrainerArgs args = TinyTraining.args().badImages(BadImages.SKIP).build();
        List<History> histories = new ArrayList<>();
        for (FaceDataset validation : List.of(broken, whole)) {
            try (Recognizer recognizer = TinyTraining.recognizer()) {
                histories.add(new Trainer(args).fit(recognizer, TinyTraining.train(faces), validation));
            }
        }
        List<EpochReport> ofBroken = histories.get(0).epochs();
        List<EpochReport> ofWhole = histories.get(1).epochs();
        for (int i = 0; i < ofWhole.size(); i++) {
            assertThat(ofBroken.get(i).valAccuracy()).isEqualTo(ofWhole.get(i).valAccuracy());
            assertThat(ofBroken.get(i).valLoss())
                    .isCloseTo(ofWhole.get(i).valLoss(), within(1e-6)); // of batches of other sizes
        }
    }

    @Test
    void verificationDoesNotChangeTraining() {
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL);
        assertThat(TinyTraining.losses(faces, TinyTraining.args().verification(unseen)))
                .isEqualTo(TinyTraining.losses(faces, TinyTraining.args()));
        assertThatThrownBy(() -> TinyTraining.args().bestBy(BestBy.UNSEEN_TAR).build())
                .hasMessage(
                        "bestBy unseen-tar must go with faces of people who are not trained on, but verification was"
                                + " not set");
    }

    @Test
    void scheduleSetsTheLearningRatePerEpoch() {
        List<Double> learningRates = learningRates(TinyTraining.args().epochs(3));

        // CosineAnnealingWarmRestarts(T_0=2, eta_min=1e-4) from 3e-3
        assertThat(learningRates.get(0)).isEqualTo(3e-3);
        assertThat(learningRates.get(10)).isCloseTo((3e-3 + 1e-4) / 2, within(1e-12));
        assertThat(learningRates.get(20)).isEqualTo(3e-3);
    }

    @Test
    void scheduleSetsTheLearningRatePerStep() {
        LearningRate decay = LearningRate.polynomial(10, 1);
        List<Double> learningRates =
                learningRates(TinyTraining.args().epochs(1).learningRate(decay, ScheduleUnit.STEP));

        assertThat(learningRates.get(0)).isEqualTo(3e-3);
        assertThat(learningRates.get(5)).isCloseTo(1.5e-3, within(1e-12));
    }

    private static List<Double> learningRates(TrainerArgs.Builder args) {
        List<Double> learningRates = new ArrayList<>();
        args.listeners(new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                learningRates.add(step.learningRate());
            }
        });
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, args);
        }
        return learningRates;
    }

    @Test
    void lossDependsOnScaleAndMargin() {
        assertThat(firstLoss(10, 0.1)).isNotEqualTo(firstLoss(5, 0.1));
        assertThat(firstLoss(10, 0.5)).isGreaterThan(firstLoss(10, 0.1));
    }

    private static double firstLoss(double s, double m) {
        try (Recognizer recognizer = TinyTraining.recognizer(s, m)) {
            return TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(1))
                    .firstLoss();
        }
    }

    @Test
    void frozenLayersAreUnchangedIncludingBatchNormalization() {
        LayerFreezer freezer = LayerFreezer.byEpoch("encoder", List.of(2)); // conv and bn in epoch 0 only
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, TinyTraining.args().epochs(1).freezer(freezer));
            Map<String, float[]> after = TinyTraining.weights(recognizer);

            assertThat(after.get("model.encoder.conv.weight")).isEqualTo(before.get("model.encoder.conv.weight"));
            assertThat(after.get("model.encoder.bn.weight")).isEqualTo(before.get("model.encoder.bn.weight"));
            assertThat(after.get("model.encoder.bn.running_mean"))
                    .isEqualTo(before.get("model.encoder.bn.running_mean"));
            assertThat(after.get("model.encoder.fc.weight")).isNotEqualTo(before.get("model.encoder.fc.weight"));
            assertThat(after.get("model.head.weight")).isNotEqualTo(before.get("model.head.weight"));
        }
        try (Recognizer recognizer = TinyTraining.recognizer()) { // no layer is frozen in later epochs
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, TinyTraining.args().epochs(2).freezer(freezer));
            Map<String, float[]> after = TinyTraining.weights(recognizer);

            assertThat(after.get("model.encoder.conv.weight")).isNotEqualTo(before.get("model.encoder.conv.weight"));
            assertThat(after.get("model.encoder.bn.running_mean"))
                    .isNotEqualTo(before.get("model.encoder.bn.running_mean"));
        }
    }

    @Test
    void headLrMultiplierScalesTheHeadsSteps() {
        // plain SGD moves each weight by learning rate x gradient, so the head's first step must be ten times as long
        double plain = headStepLength(1);
        double fast = headStepLength(10);

        assertThat(fast / plain).isCloseTo(10, within(1e-3));
    }

    private static double headStepLength(double multiplier) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            float[] before = TinyTraining.weights(recognizer).get("model.head.weight");
            TinyTraining.fit(
                    recognizer,
                    faces,
                    TinyTraining.args()
                            .optimizer(new Sgd(1e-2, 0, 0))
                            .headLrMultiplier(multiplier)
                            .maxSteps(1));
            return distance(before, TinyTraining.weights(recognizer).get("model.head.weight"));
        }
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.pow(a[i] - b[i], 2);
        }
        return Math.sqrt(sum);
    }

    @Test
    void weightDecayCanExcludeNormalizationAndBiases() {
        // the weight decay per step is 1e-9 x 1e8 = 0.1, while the gradients have almost no effect
        TrainerArgs.Builder args =
                TinyTraining.args().optimizer(new AdamW(1e-9, 1e8)).maxSteps(1);
        assertThat(shares(args)).containsOnly(0.9, 0.9, 0.9);
        assertThat(shares(args.decayNormAndBias(false))).containsExactly(1, 1, 0.9);
    }

    /** Returns which shares of a normalization's weights, a layer's biases and its weights a training leaves. */
    private static double[] shares(TrainerArgs.Builder args) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, args);
            Map<String, float[]> after = TinyTraining.weights(recognizer);
            return Stream.of("bn.weight", "conv.bias", "conv.weight")
                    .map(name -> "model.encoder." + name)
                    .mapToDouble(name -> after.get(name)[0] / before.get(name)[0])
                    .map(share -> Math.round(1_000 * share) / 1_000.0)
                    .toArray();
        }
    }

    @Test
    void accumulationCombinesBatchesIntoOneStep() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().epochs(1).accumulation(4));
            assertThat(history.steps()).isEqualTo(3); // 10 batches: 4 + 4 + 2
        }
    }

    /** In batches of 40, of 20 and 20, and of 32 and 8. */
    @Test
    void accumulatedBatchesCountByTheirImages() {
        float[] whole = hiddenAfterOneStep(40, 1);

        assertThat(hiddenAfterOneStep(20, 2)).containsExactly(whole, within(1e-6f));
        assertThat(hiddenAfterOneStep(32, 2)).containsExactly(whole, within(1e-6f));
        assertThat(hiddenAfterOneStep(39, 2)).containsExactly(whole, within(1e-6f)); // one joins: 40
        assertThat(hiddenAfterOneStep(13, 4)).containsExactly(whole, within(1e-6f)); // 13 + 13 + 14
    }

    private static float[] hiddenAfterOneStep(int batchSize, int accumulation) {
        torch.manual_seed(3);
        try (Recognizer recognizer = Recognizer.of(
                new SmoothBackbone(16), TinyTraining.head(), TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            TrainerArgs args = TinyTraining.args()
                    .optimizer(new Sgd(0.1, 0, 0))
                    .sampler(Sampler.sequential())
                    .batchSize(batchSize)
                    .accumulation(accumulation)
                    .epochs(1)
                    .build();
            History history = new Trainer(args).fit(recognizer, FaceDataset.folders(faces, Split.TRAIN));
            assertThat(history.steps()).isEqualTo(1);
            return TinyTraining.weights(recognizer).get("model.encoder.hidden.weight");
        }
    }

    @Test
    void marginWarmupStartsAtZeroAndRestoresTheMargin() {
        double lossWithoutMargin = firstLoss(10, 0);
        try (Recognizer recognizer = TinyTraining.recognizer(10, 0.5)) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().marginWarmupEpochs(2).maxSteps(1));
            assertThat(history.firstLoss()).isEqualTo(lossWithoutMargin);
            assertThat(((MarginSoftmax) recognizer.head()).margin()).isEqualTo(new ArcFaceMargin(10, 0.5));
        }
    }

    @Test
    void headFromMeansLowersTheFirstLoss() {
        try (Recognizer recognizer = TinyTraining.recognizer(10, 0)) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().headFromMeans(true).maxSteps(1));
            assertThat(history.firstLoss()).isLessThan(firstLoss(10, 0) - 0.2);
        }
    }

    @Test
    void reportsTheProgressOfPassesWithoutTraining() {
        List<String> finishedPasses = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void passed(String what, int done, int images) {
                if (done == images) {
                    finishedPasses.add(what + " " + images);
                }
            }
        };
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(
                    recognizer,
                    faces,
                    TinyTraining.args().headFromMeans(true).epochs(1).listeners(listener));
        }
        assertThat(finishedPasses).hasSize(2);
        assertThat(finishedPasses.get(0)).startsWith("first centers ");
        assertThat(finishedPasses.get(1)).startsWith("validation ");
    }

    @Test
    void gradientClippingBoundsTheStep() {
        assertThat(encoderStepLength(1e-3)).isLessThanOrEqualTo(1e-3 * 1.001);
        assertThat(encoderStepLength(0)).isGreaterThan(1e-3);
    }

    private static double encoderStepLength(double clip) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            float[] before = TinyTraining.weights(recognizer).get("model.encoder.fc.weight");
            TinyTraining.fit(
                    recognizer,
                    faces,
                    TinyTraining.args()
                            .optimizer(new Sgd(1, 0, 0))
                            .gradientClip(clip)
                            .maxSteps(1));
            return distance(before, TinyTraining.weights(recognizer).get("model.encoder.fc.weight"));
        }
    }

    @Test
    void bfloat16TrainsLikeFloat32() {
        List<Double> fp32 = TinyTraining.losses(faces, TinyTraining.args().epochs(1));
        List<Double> bf16 =
                TinyTraining.losses(faces, TinyTraining.args().epochs(1).precision(Precision.BF16));

        assertThat(bf16).isNotEqualTo(fp32);
        assertThat(bf16.get(0)).isCloseTo(fp32.get(0), within(0.05));
        assertThat(bf16.get(9)).isLessThan(bf16.get(0));
    }

    @Test
    void nonFiniteLossIsReportedWithItsStepAndAdvice() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(
                            recognizer, faces, TinyTraining.args().optimizer(new Sgd(1e30, 0, 0))))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageMatching(
                            "loss must stay finite, but was (NaN|Infinity) in epoch 1, step \\d+, at learning rate"
                                    + " 1.0E30; (no embedding|all embeddings) of the batch (is|are) finite; try a lower learning rate, gradient clipping, a smaller s or m, or precision fp32");
        }
    }

    @Test
    void stopEndsTrainingAfterTheCurrentStep() {
        Trainer[] trainer = new Trainer[1];
        trainer[0] = new Trainer(TinyTraining.args()
                .listeners(new TrainingListener() {
                    @Override
                    public void stepped(StepReport step) {
                        if (step.step() == 4) {
                            trainer[0].stop();
                        }
                    }
                })
                .build());
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = trainer[0].fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
            assertThat(history.steps()).isEqualTo(4);
        }
    }

    @Test
    void anInterruptEndsTrainingBeforeTheNextStep() {
        List<Long> steps = new ArrayList<>();
        TrainerArgs.Builder args = TinyTraining.args().listeners(new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                steps.add(step.step());
                if (step.step() == 3) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("interrupted before step 4");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(steps).containsExactly(1L, 2L, 3L);
    }

    /** It went on to the next step, or to the end where none was to come. */
    @ParameterizedTest
    @ValueSource(strings = {"first centers", "validation", "verification"})
    void anInterruptEndsTrainingBetweenItsSteps(String passing) {
        List<Integer> passed = new ArrayList<>();
        TrainerArgs.Builder args = TinyTraining.args()
                .epochs(1)
                .headFromMeans(true)
                .verification(TinyTraining.validation(faces))
                .listeners(new TrainingListener() {
                    @Override
                    public void passed(String what, int done, int images) {
                        if (what.equals(passing)) {
                            passed.add(done);
                            Thread.currentThread().interrupt();
                        }
                    }
                });
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("interrupted while images were embedded");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(passed).hasSize(1);
    }

    @Test
    void tellsThatAHeadHasMoreClassesThanTheData() {
        List<String> notes = new ArrayList<>();
        TrainerArgs.Builder args = TinyTraining.args().maxSteps(1).listeners(new TrainingListener() {
            @Override
            public void noted(String message) {
                notes.add(message);
            }
        });
        try (Recognizer recognizer = Recognizer.of(new TinyBackbone(16), new LinearSoftmax(9, 16))) {
            TinyTraining.fit(recognizer, faces, args);
        }
        assertThat(notes)
                .containsExactly("the head has 9 classes, but the training data only 5 identities: the others have no"
                        + " image to learn from; build it with classes(5) unless they are to come");
    }

    @Test
    void rejectsMoreIdentitiesThanClasses() {
        try (Recognizer recognizer = Recognizer.of(new TinyBackbone(16), new LinearSoftmax(3, 16))) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, TinyTraining.args()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("labels must be in [0, 3) for a recognizer of 3 classes, but the TRAIN data has 5"
                            + " identities; build it with classes(5)");
        }
    }

    @Test
    void rejectsDifferentCropsOfTrainAndValidation() {
        FaceDataset other = FaceDataset.folders(faces, Split.VAL).withCrop(Crop.CELEBA_CROP);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() ->
                            new Trainer(TinyTraining.args().build()).fit(recognizer, TinyTraining.train(faces), other))
                    .hasMessage("train and validation must be cropped alike, but were whole and celeba-crop");
        }
    }

    @Test
    void rejectsInvalidArgs() {
        assertThatThrownBy(() -> TrainerArgs.builder().batchSize(0).build())
                .hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> TrainerArgs.builder().epochs(0).build())
                .hasMessage("epochs must be at least 1, but was 0");
        assertThatThrownBy(
                        () -> TrainerArgs.builder().headLrMultiplier(Double.NaN).build())
                .hasMessage("headLrMultiplier must be positive and finite, but was NaN");
        assertThatThrownBy(() -> TrainerArgs.builder()
                        .headLrMultiplier(Double.POSITIVE_INFINITY)
                        .build())
                .hasMessage("headLrMultiplier must be positive and finite, but was Infinity");
        assertThatThrownBy(() -> TrainerArgs.builder().optimizer(null).build())
                .hasMessage("optimizer must be given, but was null");
        assertThatThrownBy(() -> TrainerArgs.builder().sampler(null).build())
                .hasMessage("sampler must be given, but was null");
        assertThatThrownBy(() -> TrainerArgs.builder().score(null).build())
                .hasMessage("score must be given, but was null");
        assertThatThrownBy(() ->
                        TrainerArgs.builder().listeners((TrainingListener) null).build())
                .hasMessage("listeners must be given, but one was null");
        assertThatThrownBy(() -> TrainerArgs.builder().resume(true).build())
                .hasMessage("resume must go with a checkpoint folder to continue from, but checkpoints was not set");
        assertThatThrownBy(() -> TrainerArgs.builder().checkpointEverySteps(500).build())
                .hasMessage("checkpointEverySteps must go with a folder to write checkpoints to, but checkpoints was"
                        + " not set");
    }
}
