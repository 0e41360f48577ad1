package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.losses.MetricHead;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;
import org.facerecognition.train.NonFiniteLossException;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests every loss with the trainer, with checkpoints and with model files. */
class LossTrainingTest {
    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static Recognizer recognizer(LossName loss, Double s) {
        torch.manual_seed(3);
        LossSettings settings = LossSettings.DEFAULTS.with(s, null);
        Head head = loss.create(TinyTraining.PEOPLE, 16, settings);
        return Recognizer.of(new TinyBackbone(16), head, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC);
    }

    /** Batches of 5 people with 2 images each, so that each batch has genuine and impostor pairs. */
    private static TrainerArgs.Builder args() {
        return TinyTraining.args().batchSize(10).sampler(Sampler.identities(5, 2));
    }

    @ParameterizedTest
    @EnumSource(LossName.class)
    void everyLossLearnsToClassify(LossName loss) {
        try (Recognizer recognizer = recognizer(loss, 16.0)) {
            History history = TinyTraining.fit(recognizer, faces, args().epochs(3));
            assertThat(history.epochs()).allSatisfy(epoch -> {
                assertThat(epoch.trainLoss()).isFinite();
                assertThat(epoch.valLoss()).isFinite();
            });
            List<EpochReport> epochs = history.epochs();
            assertThat(epochs.get(2).trainLoss())
                    .as("the loss; losses of pairs classify by means of embeddings, even without any training")
                    .isLessThan(0.8 * epochs.get(0).trainLoss());
            assertThat(history.last().orElseThrow().valAccuracy())
                    .as("accuracy on five people, who differ in color")
                    .isGreaterThan(0.5);
        }
    }

    /** The state that these losses update during training, and the random state, must be saved and restored. */
    @ParameterizedTest
    @EnumSource(
            value = LossName.class,
            names = {"ADAFACE", "CURRICULARFACE", "ADACOS_DYNAMIC", "ELASTICFACE_ARC", "CENTER", "SUPCON"})
    void resumedTrainingHasTheLossesOfAnUninterruptedOne(LossName loss) {
        Map<String, float[]> weights = new LinkedHashMap<>();
        List<Double> whole = losses(loss, args().epochs(2).maxSteps(9).marginWarmupEpochs(1), weights);

        TrainerArgs.Builder inParts =
                args().epochs(2).maxSteps(9).marginWarmupEpochs(1).checkpoints(folder);
        List<Double> parts = new ArrayList<>(losses(loss, inParts.maxSteps(4), new LinkedHashMap<>()));
        Map<String, float[]> resumed = new LinkedHashMap<>();
        parts.addAll(losses(loss, inParts.maxSteps(9).resume(true), resumed));

        assertThat(parts).isEqualTo(whole);
        assertThat(resumed.keySet()).isEqualTo(weights.keySet());
        weights.forEach((name, values) -> assertThat(resumed.get(name)).as(name).isEqualTo(values));
        int state = switch (loss) {
            case ADAFACE -> 2;
            case ELASTICFACE_ARC -> 0;
            default -> 1;
        };
        assertThat(resumed.keySet())
                .filteredOn(name ->
                        name.startsWith("model.head.") && !name.matches("model\\.head\\.(weight|classifier\\..*)"))
                .hasSize(state);
    }

    /** @param weights gets those after the training, with all state */
    private static List<Double> losses(LossName loss, TrainerArgs.Builder args, Map<String, float[]> weights) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        try (Recognizer recognizer = recognizer(loss, 16.0)) {
            TinyTraining.fit(recognizer, faces, args.listeners(losses));
            weights.putAll(TinyTraining.weights(recognizer));
        }
        return losses.all;
    }

    // ---- factory methods and model files ----

    private static RecognizerArgs.Builder tiny() {
        return RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(128)
                .classes(5);
    }

    @ParameterizedTest
    @EnumSource(
            value = LossName.class,
            names = {"ADAFACE", "SUBCENTER_ARCFACE", "NORMFACE", "CENTER", "TRIPLET"})
    void loadsAModelWithItsLossAndItsState(LossName loss) {
        Path file = folder.resolve("some.model");
        String text;
        Map<String, float[]> saved;
        try (Recognizer recognizer =
                Recognizer.withLoss(loss, tiny().labelSmoothing(0.1).build())) {
            try (PointerScope scope = new PointerScope()) {
                Tensor embeddings = torch.randn(4, 128);
                Head head = recognizer.head();
                head.train(true);
                head.forward(embeddings, Tensor.create(new long[] {0, 1, 0, 4})); // updates any state
                head.eval();
            }
            recognizer.save(file);
            text = recognizer.toString();
            saved = headTensors(recognizer);
        }
        try (Recognizer recognizer = Recognizer.load(file)) {
            assertThat(recognizer).hasToString(text);
            assertThat(headTensors(recognizer)).usingRecursiveComparison().isEqualTo(saved);
        }
    }

    private static Map<String, float[]> headTensors(Recognizer recognizer) {
        Map<String, float[]> values = new LinkedHashMap<>();
        try (PointerScope scope = new PointerScope()) {
            ModelFiles.tensors(recognizer.net()).forEach((name, tensor) -> {
                if (name.startsWith("model.head.")) {
                    float[] all = new float[(int) tensor.numel()];
                    tensor.detach().contiguous().data_ptr_float().get(all);
                    values.put(name, all);
                }
            });
        }
        return values;
    }

    @Test
    void everyFactoryUsesItsPapersSettingsAndArcFaceThoseOfTheStudy() {
        try (Recognizer arc = Recognizer.arcFace(tiny().build());
                Recognizer cos = Recognizer.cosFace(tiny().build());
                Recognizer sphere = Recognizer.sphereFace(tiny().build());
                Recognizer ada = Recognizer.adaFace(tiny().m(0.3).build());
                Recognizer mag = Recognizer.magFace(tiny().build());
                Recognizer curricular = Recognizer.curricularFace(tiny().build());
                Recognizer elastic = Recognizer.elasticFace(tiny().build());
                Recognizer sub = Recognizer.subCenterArcFace(tiny().build());
                Recognizer plain = Recognizer.crossEntropy(tiny().s(5).build())) {
            assertThat(arc.toString()).contains("ArcFace s=5.0 m=0.1,");
            assertThat(cos.toString()).contains("CosFace s=64.0 m=0.35,");
            assertThat(sphere.toString()).contains("SphereFace s=64.0 m=1.35,");
            assertThat(ada.toString()).contains("AdaFace s=64.0 m=0.3,");
            assertThat(mag.toString()).contains("MagFace s=64.0 m=0.45,");
            assertThat(curricular.toString()).contains("CurricularFace s=64.0 m=0.5,");
            assertThat(elastic.toString()).contains("ElasticFace-Arc s=64.0 m=0.5,");
            assertThat(sub.toString()).contains("sub-center ArcFace s=64.0 m=0.5,");
            assertThat(((MarginSoftmax) sub.head()).subCenters()).isEqualTo(3);
            assertThat(plain.toString()).contains("cross-entropy, embeddings");
            assertThat(plain.warnings()).containsExactly("s has no meaning for cross-entropy and is not used");
            assertThat(cos.warnings()).isEmpty();
        }
        try (Recognizer small = Recognizer.arcFace(tiny().classes(500).build())) {
            assertThat(small.warnings())
                    .singleElement()
                    .asString()
                    .startsWith("s = 5.0 is small for 500 identities")
                    .endsWith("s must be at least 8.39");
        }
        try (Recognizer smoothed =
                Recognizer.arcFace(tiny().bf16Logits(true).labelSmoothing(0.1).build())) {
            assertThat(smoothed.warnings())
                    .containsExactly(
                            "bf16Logits has no meaning with label smoothing or focal weighting and is not used");
        }
        try (Recognizer smoothed = Recognizer.arcFace(
                tiny().partialFraction(0.5).labelSmoothing(0.1).build())) {
            assertThat(smoothed.warnings())
                    .containsExactly(
                            "with partialFraction below 1 label smoothing is spread over the sampled identities in"
                                    + " training and over all in validation, so that the two losses cannot be"
                                    + " compared");
        }
        assertThatThrownBy(() -> Recognizer.sphereFace(tiny().m(0.1).build()))
                .hasMessage("m must be in [1, 16], but was 0.1");
    }

    /** Earlier versions wrote enum constants instead of loss ids, and had fewer settings. */
    @Test
    void readsFilesOfEarlierVersions() throws Exception {
        for (String old : List.of("ARCFACE", "CROSS_ENTROPY")) {
            Path file = folder.resolve(old + ".model");
            boolean arc = old.equals("ARCFACE");
            try (Recognizer recognizer =
                    arc ? Recognizer.arcFace(tiny().s(7).m(0.2).build()) : Recognizer.crossEntropy(tiny().build())) {
                Map<String, String> metadata = ModelFiles.metadata(recognizer.model());
                metadata.put("loss", old);
                ObjectNode args = (ObjectNode) new ObjectMapper().readTree(metadata.get("args"));
                args.remove(List.of("subCenters", "labelSmoothing", "focalGamma", "straightThrough"));
                args.put("s", 7.0).put("m", 0.2);
                metadata.put("args", args.toString());
                try (PointerScope scope = new PointerScope()) {
                    SafeTensors.write(file, ModelFiles.tensors(recognizer.net()), metadata);
                }
            }
            try (Recognizer recognizer = Recognizer.load(file)) {
                assertThat(recognizer.head() instanceof MarginSoftmax).isEqualTo(arc);
                if (recognizer.head() instanceof MarginSoftmax head) {
                    assertThat(head.margin()).isEqualTo(new ArcFaceMargin(7, 0.2));
                }
                assertThat(recognizer.warnings()).isEmpty();
            }
        }
    }

    @Test
    void rejectsHeadFromMeansForMetricHeads() {
        try (Recognizer recognizer = recognizer(LossName.TRIPLET, null)) {
            assertThat(recognizer.head()).isInstanceOf(MetricHead.class);
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args().headFromMeans(true)))
                    .hasMessage("headFromMeans must go with a margin head, but the head is MetricHead");
        }
    }

    // ---- embeddings that are not finite ----

    /** A network that returns NaN for the third image of each batch. */
    private static final class NanForThirdImage extends AroundTinyBackbone {
        NanForThirdImage() {
            super("NanForThirdImage");
        }

        @Override
        public Tensor forward(Tensor images) {
            Tensor embeddings = net.forward(images);
            embeddings.select(0, 2).fill_(new Scalar(Double.NaN));
            return embeddings;
        }
    }

    @Test
    void nonFiniteEmbeddingIsReportedByRowAndFile() {
        Head head = LossName.ARCFACE.create(TinyTraining.PEOPLE, 16, LossSettings.DEFAULTS);
        TrainerArgs.Builder inOrder = TinyTraining.args().sampler(Sampler.sequential());
        String third = TinyTraining.train(faces).sample(2).image().name();
        try (Recognizer recognizer =
                Recognizer.of(new NanForThirdImage(), head, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, inOrder))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageContaining(
                            "not finite are the embeddings of row 2 (" + third + "); try a lower learning rate");
        }
    }
}
