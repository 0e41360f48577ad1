package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.losses.LossName;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.BatchEmbeddingStats;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that a training run neither affects other runs or the rest of the process nor is affected by them. */
class TrainingIsolationTest {
    @TempDir
    static Path faces;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    /** Returns a built-in network whose training uses random numbers in every step. */
    private static Recognizer recipe(String loss, Encoder encoder) {
        RecognizerArgs.Builder args = RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(16)
                .classes(TinyTraining.PEOPLE)
                .imageSizePx(32)
                .dropout(0.3);
        if (!loss.equals("cross-entropy")) {
            args.partialFraction(0.5);
        }
        return Recognizer.withLoss(LossName.of(loss), args.build());
    }

    private static List<Double> losses(Recognizer source, TrainerArgs.Builder args, TrainingListener... others) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        List<TrainingListener> listeners = new ArrayList<>(List.of(others));
        listeners.add(losses);
        try (Recognizer recognizer = source) {
            new Trainer(args.listeners(listeners.toArray(TrainingListener[]::new))
                            .build())
                    .fit(recognizer, FaceDataset.folders(faces, Split.TRAIN), FaceDataset.folders(faces, Split.VAL));
        }
        return losses.all;
    }

    // ---- random numbers ----

    @Test
    void lossesDependOnTheSeedOfTheArgsOnly() {
        TrainerArgs.Builder args = TinyTraining.args().maxSteps(6);
        torch.manual_seed(1);
        List<Double> first = losses(TinyTraining.recognizer(), args);
        torch.manual_seed(2);
        torch.rand(7);
        List<Double> second = losses(TinyTraining.recognizer(), args);

        assertThat(second).isEqualTo(first);
        assertThat(losses(TinyTraining.recognizer(), args.seed(1))).isNotEqualTo(first);
    }

    @ParameterizedTest
    @ValueSource(strings = {"custom parts", "elasticface-arc", "cross-entropy"})
    void listenersThatUseTheDefaultGeneratorDoNotChangeLosses(String kind, @TempDir Path folder) {
        Path model = folder.resolve("a.model");
        try (Recognizer other = recipe("arcface", Encoder.RESNET18)) {
            other.save(model);
        }
        TrainingListener disturbing = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                try (PointerScope scope = new PointerScope()) {
                    torch.rand(5);
                    torch.manual_seed(step.step());
                }
                Recognizer.load(model).close();
                recipe("arcface", Encoder.RESNET18).close();
            }
        };
        TrainerArgs.Builder args = TinyTraining.args().maxSteps(4);

        assertThat(losses(recognizer(kind), args, disturbing)).isEqualTo(losses(recognizer(kind), args));
    }

    private static Recognizer recognizer(String kind) {
        return kind.equals("custom parts") ? TinyTraining.recognizer() : recipe(kind, Encoder.RESNET18);
    }

    @Test
    void trainingDoesNotChangeTheDefaultGenerator(@TempDir Path folder) {
        Path model = folder.resolve("a.model");
        torch.manual_seed(11);
        byte[] before = generatorState();

        losses(recipe("elasticface-arc", Encoder.RESNET18), TinyTraining.args().maxSteps(2));
        try (Recognizer recognizer = Recognizer.of(new TinyBackbone(16), TinyTraining.head())) {
            torch.manual_seed(11); // the caller created the custom parts with libtorch's generator
            TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(2));
        }
        try (Recognizer recognizer = recipe("arcface", Encoder.MOBILEFACENET)) {
            recognizer.save(model);
            Recognizer.load(model).close();
        }

        assertThat(generatorState()).isEqualTo(before);
    }

    private static byte[] generatorState() {
        try (PointerScope scope = new PointerScope()) {
            Tensor state = torch.getDefaultCPUGenerator().get_state();
            byte[] bytes = new byte[(int) state.numel()];
            state.data_ptr_byte().get(bytes);
            return bytes;
        }
    }

    @Test
    void loadedModelHasExactlyTheSavedWeights(@TempDir Path folder) {
        for (Encoder encoder :
                List.of(Encoder.RESNET18, Encoder.MOBILEFACENET, Encoder.EFFICIENTNET_B0, Encoder.IRESNET18)) {
            Path model = folder.resolve(encoder.id());
            try (Recognizer saved = recipe("subcenter-arcface", encoder)) {
                saved.save(model);
                try (Recognizer loaded = Recognizer.load(model)) {
                    assertSameWeights(loaded, saved);
                }
            }
        }
    }

    // ---- listeners that use the recognizer ----

    /** IResNet ends in batch normalization, of which two equal images have no variance. */
    @ParameterizedTest
    @ValueSource(strings = {"iresnet18", "resnet18", "custom parts"})
    void aListenerThatEmbedsDoesNotChangeTheTraining(String kind, @TempDir Path folder) {
        List<float[]> during = new ArrayList<>();
        List<float[]> ofCheckpoints = new ArrayList<>();
        Path image = faces.resolve("person0").resolve("0.png");
        try (Recognizer watched = embedder(kind);
                Recognizer alone = embedder(kind)) {
            TrainingListener embedding = new TrainingListener() {
                @Override
                public boolean wantsEmbeddingStats() {
                    return true;
                }

                @Override
                public void embeddingStats(BatchEmbeddingStats batch) { // between forward pass and step
                    watched.embed(image);
                }

                @Override
                public void stepped(StepReport step) {
                    during.add(watched.embed(image));
                    watched.embed(FaceDataset.folders(faces, Split.VAL), false);
                    Path saved = folder.resolve(kind + step.step());
                    watched.save(saved);
                    try (Recognizer loaded = kind.equals("custom parts")
                            ? Recognizer.load(saved, new TinyBackbone(16), TinyTraining.head())
                            : Recognizer.load(saved)) {
                        ofCheckpoints.add(loaded.embed(image));
                    }
                }

                @Override
                public void epochEnded(EpochReport epoch, History soFar) {
                    watched.embed(FaceDataset.folders(faces, Split.VAL), true);
                    watched.embed(image);
                }
            };
            TrainerArgs.Builder args = TinyTraining.args().epochs(2).freezer(LayerFreezer.first("encoder", 2));
            FaceDataset train = FaceDataset.folders(faces, Split.TRAIN);
            History expected = new Trainer(args.listeners().build()).fit(alone, train);
            History history = new Trainer(args.listeners(embedding).build()).fit(watched, train);

            assertThat(history.last().orElseThrow().trainLoss())
                    .isEqualTo(expected.last().orElseThrow().trainLoss());
            assertSameWeights(watched, alone);
            assertThat(during).hasSameSizeAs(ofCheckpoints).isNotEmpty();
            for (int i = 0; i < during.size(); i++) {
                assertThat(Recognizer.similarity(during.get(i), ofCheckpoints.get(i)))
                        .as("an image embedded in the training and by its model")
                        .isCloseTo(1, within(1e-5));
            }
        }
    }

    private static Recognizer embedder(String kind) {
        torch.manual_seed(3);
        return kind.equals("custom parts") ? TinyTraining.recognizer() : recipe("arcface", Encoder.of(kind));
    }

    @Test
    void thresholdsThatAListenerCalibratesAreForgottenWithTheNextStep(@TempDir Path folder) {
        SyntheticFaces people = new SyntheticFaces(0, 32);
        FaceDataset strangers = FaceDataset.synthetic(people.identities(0, 30).images(0, 2), Split.TEST);
        CalibrationSettings settings = CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.1));
        List<Integer> thresholds = new ArrayList<>();
        try (Recognizer recognizer = recipe("arcface", Encoder.RESNET18)) {
            TrainingListener calibrating = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    thresholds.add(recognizer.allThresholds().size());
                }

                @Override
                public void epochEnded(EpochReport epoch, History soFar) {
                    if (epoch.epoch() < 3) {
                        recognizer.calibrate(strangers, settings);
                    }
                }
            };
            new Trainer(TinyTraining.args()
                            .epochs(3)
                            .checkpoints(folder)
                            .listeners(calibrating)
                            .build())
                    .fit(recognizer, FaceDataset.folders(faces, Split.TRAIN));

            assertThat(thresholds).isNotEmpty().containsOnly(0);
            assertThat(recognizer.allThresholds()).isEmpty();
            try (Recognizer saved = Recognizer.load(folder.resolve("last.ckpt"))) {
                assertThat(saved.allThresholds()).isEmpty();
            }
            assertThat(recognizer.calibrate(strangers, settings)).hasSize(1);
            assertThat(recognizer.allThresholds()).hasSize(1);
        }
    }

    // ---- frozen layers ----

    @Test
    void layersFrozenInOneTrainingAreTrainedInTheNext() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(
                    recognizer, faces, TinyTraining.args().maxSteps(1).freezer(LayerFreezer.first("encoder", 2)));
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(1));
            Map<String, float[]> after = TinyTraining.weights(recognizer);

            assertThat(after.get("model.encoder.conv.weight")).isNotEqualTo(before.get("model.encoder.conv.weight"));
            assertThat(after.get("model.encoder.bn.weight")).isNotEqualTo(before.get("model.encoder.bn.weight"));
        }
    }

    @Test
    void layersFrozenInAFailedTrainingAreTrainedInTheNext() {
        TrainingListener failing = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                throw new IllegalStateException("on purpose");
            }
        };
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TrainerArgs.Builder args = TinyTraining.args().freezer(new FreezeBefore("encoder.fc"));
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args.listeners(failing)))
                    .hasMessage("on purpose");
            Map<String, float[]> before = TinyTraining.weights(recognizer);
            TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(1));
            assertThat(TinyTraining.weights(recognizer).get("model.encoder.conv.weight"))
                    .isNotEqualTo(before.get("model.encoder.conv.weight"));
        }
    }

    @Test
    void freezerDoesNotThawParametersThatTheNetworkFixes() {
        try (Recognizer recognizer = recipe("arcface", Encoder.IRESNET18)) {
            new Trainer(TinyTraining.args()
                            .maxSteps(2)
                            .optimizer(new Sgd(0.1, 0, 0))
                            .freezer(new FreezeBefore("encoder.layer4"))
                            .build())
                    .fit(recognizer, FaceDataset.folders(faces, Split.TRAIN), FaceDataset.folders(faces, Split.VAL));
            assertThat(TinyTraining.weights(recognizer).get("model.encoder.features.weight"))
                    .containsOnly(1f);
        }
    }

    private static void assertSameWeights(Recognizer a, Recognizer b) {
        Map<String, float[]> expected = TinyTraining.weights(b);
        Map<String, float[]> actual = TinyTraining.weights(a);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, values) ->
                assertThat(Arrays.equals(values, expected.get(name))).as(name).isTrue());
    }

    // ---- stopping and threads ----

    @Test
    void stopEndsTheRunningTrainingOnly() {
        Trainer[] trainer = new Trainer[1];
        int[] stops = {1};
        trainer[0] = new Trainer(TinyTraining.args()
                .epochs(1)
                .listeners(new TrainingListener() {
                    @Override
                    public void stepped(StepReport step) {
                        if (step.step() == 4 && stops[0]-- > 0) {
                            trainer[0].stop();
                        }
                    }
                })
                .build());
        trainer[0].stop(); // no training is running
        for (long expected : new long[] {4, 10}) {
            try (Recognizer recognizer = TinyTraining.recognizer()) {
                History history = trainer[0].fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
                assertThat(history.steps()).isEqualTo(expected);
            }
        }
    }

    @Test
    void openCvThreadCountIsRestored() {
        int before = opencv_core.getNumThreads();
        opencv_core.setNumThreads(3);
        try {
            int[] during = new int[1];
            TrainingListener listener = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    during[0] = opencv_core.getNumThreads();
                }
            };
            losses(TinyTraining.recognizer(), TinyTraining.args().maxSteps(1), listener);
            assertThat(during[0]).isEqualTo(1);
            assertThat(opencv_core.getNumThreads()).isEqualTo(3);
        } finally {
            opencv_core.setNumThreads(before);
        }
    }

    // ---- without validation ----

    @Test
    void theBestEpochIsTheLastOneWithoutValidation(@TempDir Path folder) {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            History history = new Trainer(
                            TinyTraining.args().epochs(2).checkpoints(folder).build())
                    .fit(recognizer, TinyTraining.train(faces));

            assertThat(history.epochs()).hasSize(2).allMatch(epoch -> Double.isNaN(epoch.valAccuracy()));
            assertThat(history.best().orElseThrow().epoch()).isEqualTo(2);
            try (Recognizer best =
                    Recognizer.load(folder.resolve("best.ckpt"), new TinyBackbone(16), TinyTraining.head())) {
                assertSameWeights(best, recognizer);
            }
            History resumed = new Trainer(TinyTraining.args()
                            .epochs(3)
                            .checkpoints(folder)
                            .resume(true)
                            .build())
                    .fit(recognizer, TinyTraining.train(faces));
            assertThat(resumed.epochs()).hasSize(3);
        }
    }
}
