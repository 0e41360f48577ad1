package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Sampler;
import org.facerecognition.losses.LossName;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.BatchEmbeddingStats;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests that training on a GPU gives the results of the CPU, and that either device resumes checkpoints of the other.
 */
class GpuTrainingTest extends GpuFixture {
    @TempDir
    Path folder;

    private static Path model;

    @BeforeAll
    static void saveModel(@TempDir Path shared) {
        model = shared.resolve("model.safetensors");
        saveTrainedModel(model);
    }

    static Stream<Arguments> recipes() {
        List<OptimizerSettings> optimizers =
                List.of(new AdamW(1e-3, 0.01), new Adam(1e-3, 1e-4), new Sgd(0.02, 0.9, 5e-4));
        return optimizers.stream()
                .flatMap(optimizer ->
                        Stream.of(Precision.values()).map(precision -> Arguments.of(optimizer, precision)));
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void trainingStartsLikeOnTheCpuAndConverges(OptimizerSettings optimizer, Precision precision) {
        List<Double> losses =
                losses(LossName.ARCFACE, TRAIN, args().optimizer(optimizer).precision(precision));
        assertFiniteAndDecreasing(losses);
        double onCpu = firstLossOnCpu(LossName.ARCFACE, TRAIN, args().optimizer(optimizer));
        assertClose(losses.get(0), onCpu, precision == Precision.FP32 ? 0.01 : 0.05);
    }

    @Test
    void partialFcTrainsWithRowGradients() {
        RecognizerArgs recipe = recipe(24).partialFraction(0.5).subCenters(2).build();
        TrainerArgs.Builder training =
                args().batchSize(8).accumulation(2).gradientClip(5).epochs(6);
        List<Double> losses;
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, recipe)) {
            losses = losses(recognizer, MANY_PEOPLE, training);
        }
        assertFiniteAndDecreasing(losses);
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, recipe)) {
            double onCpu = losses(
                            recognizer,
                            MANY_PEOPLE,
                            training.device(ComputeDevice.CPU).maxSteps(1))
                    .get(0);
            assertClose(losses.get(0), onCpu, 0.01);
        }
    }

    @Test
    void headFromMeansAndFeatureCacheMatchTheCpu() {
        TrainerArgs.Builder training = args().freezer(new FreezeBefore("encoder.layer4"))
                .featureCacheMib(16)
                .headFromMeans(true);
        List<Double> losses = losses(LossName.ARCFACE, TRAIN, training);
        assertFiniteAndDecreasing(losses);
        assertClose(losses.get(0), firstLossOnCpu(LossName.ARCFACE, TRAIN, training), 0.02);
    }

    @Test
    void metricHeadStartsLikeOnTheCpu() {
        TrainerArgs.Builder training = args().sampler(Sampler.identities(4, 4));
        List<Double> losses = losses(LossName.TRIPLET, TRAIN, training);
        assertThat(losses).allSatisfy(loss -> assertThat(loss).isFinite());
        assertClose(losses.get(0), firstLossOnCpu(LossName.TRIPLET, TRAIN, training), 0.05);
    }

    @Test
    void dropoutAndStochasticDepthAreReproducible() {
        RecognizerArgs recipe =
                recipe(6).encoder(Encoder.EFFICIENTNET_B0).dropout(0.3).build();
        List<List<Double>> twice = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (Recognizer recognizer = Recognizer.arcFace(recipe)) {
                twice.add(losses(recognizer, TRAIN, args().maxSteps(2)));
            }
        }
        assertThat(twice.get(0)).allSatisfy(loss -> assertThat(loss).isFinite());
        assertClose(twice.get(1).get(0), twice.get(0).get(0), 1e-3);
    }

    @Test
    void validationVerificationAndEmbeddingStatsMatchTheCpu() {
        class StatsListener implements TrainingListener {
            final List<BatchEmbeddingStats> all = new ArrayList<>();

            @Override
            public boolean wantsEmbeddingStats() {
                return true;
            }

            @Override
            public void embeddingStats(BatchEmbeddingStats stats) {
                all.add(stats);
            }
        }
        List<History> histories = new ArrayList<>();
        List<StatsListener> statsListeners = new ArrayList<>();
        for (ComputeDevice device : List.of(ComputeDevice.CPU, GPU)) {
            statsListeners.add(new StatsListener());
            try (Recognizer recognizer = Recognizer.load(model)) {
                histories.add(new Trainer(args().optimizer(new Sgd(1e-9, 0, 0))
                                .device(device)
                                .epochs(1)
                                .verification(UNSEEN)
                                .listeners(statsListeners.get(statsListeners.size() - 1))
                                .build())
                        .fit(recognizer, TRAIN, VALIDATION));
            }
        }
        var onCpu = histories.get(0).epochs().get(0);
        var onGpu = histories.get(1).epochs().get(0);
        assertClose(onGpu.valLoss(), onCpu.valLoss(), 0.02);
        assertThat(onGpu.valAccuracy()).isCloseTo(onCpu.valAccuracy(), within(0.1));
        assertThat(onGpu.unseen().auc()).isCloseTo(onCpu.unseen().auc(), within(0.02));
        assertThat(statsListeners.get(1).all).hasSize(3);
        assertThat(statsListeners.get(1).all.get(0).norms()[0])
                .isCloseTo(
                        statsListeners.get(0).all.get(0).norms()[0],
                        within(0.01 * statsListeners.get(0).all.get(0).norms()[0]));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void checkpointsAreResumedOnTheOtherDevice(boolean fromGpu) {
        List<Double> whole = losses(LossName.ARCFACE, TRAIN, args().epochs(2).device(ComputeDevice.CPU));
        List<Double> resumed = new ArrayList<>(losses(
                LossName.ARCFACE,
                TRAIN,
                args().epochs(2).maxSteps(4).checkpoints(folder).device(fromGpu ? GPU : ComputeDevice.CPU)));
        assertThat(SafeTensors.open(folder.resolve("last.ckpt")).names().contains("random.accelerator"))
                .isEqualTo(fromGpu && !REHEARSAL);
        resumed.addAll(losses(
                LossName.ARCFACE,
                TRAIN,
                args().epochs(2).checkpoints(folder).resume(true).device(fromGpu ? ComputeDevice.CPU : GPU)));
        assertThat(resumed).hasSameSizeAs(whole);
        for (int i = 0; i < resumed.size(); i++) {
            assertThat(resumed.get(i)).as("loss of step %d", i).isCloseTo(whole.get(i), within(0.1 * whole.get(i)));
        }
        try (PointerScope scope = new PointerScope()) {
            SafeTensors last = SafeTensors.open(folder.resolve("last.ckpt"));
            assertThat(last.read("optimizer.step.encoder.conv1.weight").item_float())
                    .isEqualTo(6);
        }
    }
}
