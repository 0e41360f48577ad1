package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.AdamW;
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

class TrainerTest {
    @TempDir
    static Path faces;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    @Test
    void learnsAndTells() {
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
    void unseenPeopleAreToldApartAfterEachEpochAndChooseTheBest(@TempDir Path folder) {
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL); // only their faces matter here, not their names
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
                    .as("of the net as it is now")
                    .isEqualTo(Verification.ofAllPairs(recognizer.embed(unseen, false))
                            .roc()
                            .auc());
            int best = history.best(BestBy.UNSEEN_AUC).orElseThrow().epoch();
            try (Recognizer kept = Recognizer.load(
                    folder.resolve("best.ckpt"),
                    new TinyBackbone(16),
                    new MarginSoftmax(TinyTraining.PEOPLE, 16, new ArcFaceMargin(10, 0.1)))) {
                assertThat(Verification.ofAllPairs(kept.embed(unseen, false))
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

    @Test
    void lookingAtUnseenPeopleDoesNotChangeATraining() {
        FaceDataset unseen = FaceDataset.folders(faces, Split.VAL);
        assertThat(TinyTraining.losses(faces, TinyTraining.args().verification(unseen)))
                .isEqualTo(TinyTraining.losses(faces, TinyTraining.args()));
        assertThatThrownBy(() -> TinyTraining.args().bestBy(BestBy.UNSEEN_TAR).build())
                .hasMessage(
                        "bestBy unseen-tar must go with faces of people who are not trained on, but verification was"
                                + " not set");
    }

    @Test
    void theScheduleSetsTheRateOfEachEpoch() {
        List<Double> rates = rates(TinyTraining.args().epochs(3));

        // CosineAnnealingWarmRestarts(T_0=2, eta_min=1e-4) from 3e-3
        assertThat(rates.get(0)).isEqualTo(3e-3);
        assertThat(rates.get(10)).isCloseTo((3e-3 + 1e-4) / 2, within(1e-12));
        assertThat(rates.get(20)).isEqualTo(3e-3);
    }

    @Test
    void theScheduleCanCountSteps() {
        LearningRate fall = LearningRate.polynomial(10, 1);
        List<Double> rates = rates(TinyTraining.args().epochs(1).learningRate(fall, ScheduleUnit.STEP));

        assertThat(rates.get(0)).isEqualTo(3e-3);
        assertThat(rates.get(5)).isCloseTo(1.5e-3, within(1e-12));
    }

    private static List<Double> rates(TrainerArgs.Builder args) {
        List<Double> rates = new ArrayList<>();
        args.listeners(new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                rates.add(step.learningRate());
            }
        });
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, args);
        }
        return rates;
    }

    @Test
    void scaleAndMarginAreInTheLoss() {
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
    void frozenLayersStayAsTheyAreToTheBitBatchNormalizationIncluded() {
        LayerFreezer freezer = LayerFreezer.byEpoch("encoder", List.of(2)); // conv and bn, in epoch 0 only
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
        try (Recognizer recognizer = TinyTraining.recognizer()) { // after the list, none is frozen
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, TinyTraining.args().epochs(2).freezer(freezer));
            Map<String, float[]> after = TinyTraining.weights(recognizer);

            assertThat(after.get("model.encoder.conv.weight")).isNotEqualTo(before.get("model.encoder.conv.weight"));
            assertThat(after.get("model.encoder.bn.running_mean"))
                    .isNotEqualTo(before.get("model.encoder.bn.running_mean"));
        }
    }

    @Test
    void theHeadCanHaveARateOfItsOwn() {
        // plain SGD moves each weight by rate x gradient: the head's first step must be ten times as long
        double plain = headMove(1);
        double fast = headMove(10);

        assertThat(fast / plain).isCloseTo(10, within(1e-3));
    }

    private static double headMove(double factor) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            float[] before = TinyTraining.weights(recognizer).get("model.head.weight");
            TinyTraining.fit(
                    recognizer,
                    faces,
                    TinyTraining.args()
                            .optimizer(new Sgd(1e-2, 0, 0))
                            .headLrMultiplier(factor)
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
    void biasesAndNormalizationCanBeSparedFromDecay() {
        TrainerArgs.Builder args =
                TinyTraining.args().optimizer(new AdamW(1e-9, 1e8)).maxSteps(1); // decay 0.1, no learning
        try (Recognizer decayed = TinyTraining.recognizer()) {
            TinyTraining.fit(decayed, faces, args);
            assertThat(TinyTraining.weights(decayed).get("model.encoder.bn.weight")[0])
                    .isCloseTo(0.9f, within(1e-3f));
        }
        try (Recognizer spared = TinyTraining.recognizer()) {
            TinyTraining.fit(spared, faces, args.decayNormAndBias(false));
            assertThat(TinyTraining.weights(spared).get("model.encoder.bn.weight")[0])
                    .isCloseTo(1f, within(1e-3f));
        }
    }

    @Test
    void accumulationMakesOneStepOfSeveralBatches() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().epochs(1).accumulation(4));
            assertThat(history.steps()).isEqualTo(3); // 10 batches: 4 + 4 + 2
        }
    }

    @Test
    void theMarginCanGrowFromNothingAndIsWholeAgainAtTheEnd() {
        double without = firstLoss(10, 0);
        try (Recognizer recognizer = TinyTraining.recognizer(10, 0.5)) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().marginWarmupEpochs(2).maxSteps(1));
            assertThat(history.firstLoss()).isEqualTo(without);
            assertThat(((MarginSoftmax) recognizer.head()).margin()).isEqualTo(new ArcFaceMargin(10, 0.5));
        }
    }

    @Test
    void theHeadCanStartFromTheMeansOfWhatItIsToLearn() {
        try (Recognizer recognizer = TinyTraining.recognizer(10, 0)) {
            History history = TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().headFromMeans(true).maxSteps(1));
            assertThat(history.firstLoss()).isLessThan(firstLoss(10, 0) - 0.2);
        }
    }

    @Test
    void tellsHowFarItIsWhereNothingIsLearnt() {
        List<String> told = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void passed(String what, int done, int images) {
                if (done == images) {
                    told.add(what + " " + images);
                }
            }
        };
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(
                    recognizer,
                    faces,
                    TinyTraining.args().headFromMeans(true).epochs(1).listeners(listener));
        }
        assertThat(told).hasSize(2);
        assertThat(told.get(0)).startsWith("first centers ");
        assertThat(told.get(1)).startsWith("validation ");
    }

    @Test
    void clippingBoundsTheStep() {
        assertThat(encoderMove(1e-3)).isLessThanOrEqualTo(1e-3 * 1.001);
        assertThat(encoderMove(0)).isGreaterThan(1e-3);
    }

    private static double encoderMove(double clip) {
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
    void bfloat16TrainsToNearlyTheSame() {
        List<Double> fp32 = TinyTraining.losses(faces, TinyTraining.args().epochs(1));
        List<Double> bf16 =
                TinyTraining.losses(faces, TinyTraining.args().epochs(1).precision(Precision.BF16));

        assertThat(bf16).isNotEqualTo(fp32);
        assertThat(bf16.get(0)).isCloseTo(fp32.get(0), within(0.05));
        assertThat(bf16.get(9)).isLessThan(bf16.get(0));
    }

    @Test
    void aLossThatIsNotFiniteStopsAndSaysWhereAndWhatToTry() {
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
    void stopEndsAfterTheStep() {
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
    void moreIdentitiesThanClassesIsOneSentence() {
        try (Recognizer recognizer =
                Recognizer.of(new TinyBackbone(16), new org.facerecognition.losses.LinearSoftmax(3, 16))) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, TinyTraining.args()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("labels must be in [0, 3) for a recognizer of 3 classes, but the TRAIN data has 5"
                            + " identities; build it with classes(5)");
        }
    }

    @Test
    void trainAndValidationMustBeFramedAlike() {
        FaceDataset other = FaceDataset.folders(faces, Split.VAL).withCrop(Crop.CELEBA_CROP);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() ->
                            new Trainer(TinyTraining.args().build()).fit(recognizer, TinyTraining.train(faces), other))
                    .hasMessage("train and validation must be cropped alike, but were whole and celeba-crop");
        }
    }

    @Test
    void argsRefuseNonsense() {
        assertThatThrownBy(() -> TrainerArgs.builder().batchSize(0).build())
                .hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> TrainerArgs.builder().epochs(0).build())
                .hasMessage("epochs must be at least 1, but was 0");
        assertThatThrownBy(
                        () -> TrainerArgs.builder().headLrMultiplier(Double.NaN).build())
                .hasMessage("headLrMultiplier must be positive, but was NaN");
        assertThatThrownBy(() -> TrainerArgs.builder().resume(true).build())
                .hasMessage("resume must go with a checkpoint folder to continue from, but checkpoints was not set");
    }
}
