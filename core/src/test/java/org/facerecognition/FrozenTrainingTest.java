package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests training with a cache for the features that frozen layers compute. */
class FrozenTrainingTest {
    @TempDir
    static Path faces;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static TrainerArgs.Builder args(String layer) {
        return TinyTraining.args().freezer(new FreezeBefore(layer));
    }

    private static Recognizer recognizer() {
        torch.manual_seed(3);
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(TinyTraining.PEOPLE)
                .imageSizePx(32)
                .build());
    }

    private static History fit(TrainerArgs args) {
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN)
                .withAugmentations(TransformLine.parse("RandomHorizontalFlip()"), true);
        try (Recognizer recognizer = recognizer()) {
            return new Trainer(args).fit(recognizer, train, FaceDataset.folders(faces, Split.VAL));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"encoder.layer3", "encoder.fc"})
    void cachedFeaturesGiveTheSameLosses(String layer) {
        List<EpochReport> uncached = fit(args(layer).build()).epochs();
        List<EpochReport> cached = fit(args(layer).featureCacheMib(64).build()).epochs();
        assertThat(cached).hasSameSizeAs(uncached);
        for (int i = 0; i < cached.size(); i++) {
            assertThat(cached.get(i).trainLoss()).isCloseTo(uncached.get(i).trainLoss(), within(1e-2));
            assertThat(cached.get(i).valLoss()).isCloseTo(uncached.get(i).valLoss(), within(1e-2));
        }
    }

    /** It does not matter what becomes of their weights after the first epoch. */
    @Test
    void laterEpochsDoNotRunTheFrozenLayers() {
        List<Double> losses = losses(false);
        assertThat(losses).hasSize(2);
        assertThat(losses(true)).isEqualTo(losses);
    }

    private static List<Double> losses(boolean spoils) {
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN);
        try (Recognizer recognizer = recognizer()) {
            TrainingListener spoiling = new TrainingListener() {
                @Override
                public void epochEnded(EpochReport epoch, History soFar) {
                    try (PointerScope scope = new PointerScope();
                            NoGradGuard noGrad = new NoGradGuard()) {
                        Tensor weight =
                                NamedTensors.parameters(recognizer.encoder()).get("conv1.weight");
                        weight.mul_(new Scalar(spoils ? -1 : 1));
                    }
                }
            };
            TrainerArgs args = args("encoder.layer3")
                    .epochs(2)
                    .featureCacheMib(64)
                    .listeners(spoiling)
                    .build();
            return new Trainer(args)
                    .fit(recognizer, train).epochs().stream()
                            .map(EpochReport::trainLoss)
                            .toList();
        }
    }

    /** Earlier, the first batch failed, with a message that did not say of what option. */
    @Test
    void rejectsLayersBeforeWhichTheNetworkCannotBeSplit() {
        assertThatThrownBy(() ->
                        fit(args("encoder.layer4.1.conv2").featureCacheMib(64).build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("featureCacheMib cannot be used with the freezer ")
                .hasMessageContaining("layer to split the network at must be one of [conv1,");
    }

    @Test
    void rejectsFreezersThatThawLayersLater() {
        for (TrainerArgs.Builder args :
                List.of(TinyTraining.args(), TinyTraining.args().freezer(LayerFreezer.gradual("encoder", 1)))) {
            assertThatThrownBy(() -> fit(args.featureCacheMib(64).build()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(
                            "featureCacheMib must go with a freezer that freezes all before a layer of the"
                                    + " encoder throughout, but the freezer was ");
        }
    }
}
