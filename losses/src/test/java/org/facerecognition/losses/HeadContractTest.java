package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Autocast;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract of all heads, checked for every loss. */
class HeadContractTest {
    private static final int CLASSES = 7;
    private static final int SIZE = 5;
    private static final int BATCH = 5;

    /** A small scale, so that the softmax of random embeddings gives every class a noticeable probability. */
    private static final LossSettings SMALL_SCALE = LossSettings.DEFAULTS.with(10.0, null);

    /** Creates the heads of a loss, always with the same weights. */
    record Maker(LossName loss) {
        Head training() {
            torch.manual_seed(4);
            return loss.create(CLASSES, SIZE, SMALL_SCALE);
        }

        Head evaluating() {
            Head head = training();
            head.eval();
            return head;
        }

        @Override
        public String toString() {
            return loss.id();
        }
    }

    static List<Maker> makers() {
        return Arrays.stream(LossName.values()).map(Maker::new).toList();
    }

    @ParameterizedTest
    @MethodSource("makers")
    void returnsAScalarLossAndAScorePerClass(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.training();
            Head.Output output = head.forward(torch.randn(4, SIZE), Tensors.labels(0, 6, 6, 0));

            assertThat(output.loss().dim()).isZero();
            assertThat(output.loss().item_double()).isPositive().isFinite();
            assertThat(Shapes.of(output.scores())).isEqualTo("[4, 7]");
            assertThat(output.scores().requires_grad()).isFalse();
            assertThat(head.classes()).isEqualTo(CLASSES);
            assertThat(head.embeddingSize()).isEqualTo(SIZE);
        }
    }

    /** Without circle, whose weights pass no gradient, and AdaFace, whose norms pass none: other tests cover those. */
    static List<Maker> withTrueGradient() {
        return makers().stream()
                .filter(maker -> !List.of(LossName.CIRCLE, LossName.CIRCLE_PAIRS, LossName.ADAFACE)
                        .contains(maker.loss))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("withTrueGradient")
    void theGradientOfTheEmbeddingsIsThatOfFiniteDifferences(Maker maker) {
        double h = 1e-6;
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            head.to(ScalarType.Double, false);
            // norms in the range of MagFace
            double[] x = Tensors.values(torch.randn(BATCH * SIZE).mul(new Scalar(8.0)));
            Tensor embeddings = Tensors.doubles(x).reshape(BATCH, SIZE).detach();
            embeddings.set_requires_grad(true);
            head.forward(embeddings, labels()).loss().backward();
            double[] gradient = Tensors.values(embeddings.grad());

            for (int i = 0; i < x.length; i++) {
                double slope = (loss(head, x, i, h) - loss(head, x, i, -h)) / (2 * h);
                assertThat(gradient[i]).isCloseTo(slope, within(1e-7));
            }
            assertThat(Tensors.boxed(gradient)).anyMatch(g -> g != 0);
        }
    }

    private static Tensor labels() {
        return Tensors.labels(3, 0, 3, 1, 0);
    }

    private static double loss(Head head, double[] x, int at, double by) {
        double[] moved = x.clone();
        moved[at] += by;
        return head.forward(Tensors.doubles(moved).reshape(BATCH, SIZE), labels())
                .loss()
                .item_double();
    }

    /** int32 labels, as Tensor.create makes of int[], trained or failed in libtorch, by the number of classes. */
    @ParameterizedTest
    @MethodSource("makers")
    void refusesTensorsOfOtherTypes(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor embeddings = torch.randn(BATCH, SIZE);
            assertThatThrownBy(() -> head.forward(embeddings, labels().to(ScalarType.Int)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("labels must be int64 (ScalarType.Long), but was Int; convert them with"
                            + " labels.to(ScalarType.Long)");
            assertThatThrownBy(() -> head.forward(embeddings, labels().to(ScalarType.Float)))
                    .hasMessageStartingWith("labels must be int64 (ScalarType.Long), but was Float");
            assertThatThrownBy(() -> head.forward(embeddings.to(ScalarType.Long), labels()))
                    .hasMessage("embeddings must be of a floating type such as float32, but was Long");
        }
    }

    /** They used to end in an error of libtorch that named neither, or to be computed nowhere. */
    @ParameterizedTest
    @MethodSource("makers")
    void refusesTensorsOnAnotherDevice(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor elsewhere = torch.randn(BATCH, SIZE).to(new Device("meta"), ScalarType.Float);
            Tensor labelsElsewhere = labels().to(new Device("meta"), ScalarType.Long);
            String message = "embeddings must be on the device of the head, but that is on the CPU and the embeddings"
                    + " on the meta";
            assertThatThrownBy(() -> head.scores(elsewhere))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(message);
            assertThatThrownBy(() -> head.forward(elsewhere, labelsElsewhere))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(message);
            assertThatThrownBy(() -> head.forward(torch.randn(BATCH, SIZE), labelsElsewhere))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("labels must be on the device of the embeddings, but those are on the CPU and the"
                            + " labels on the meta");
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void refusesToScoreEmbeddingsOfAnotherSize(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            assertThatThrownBy(() -> head.scores(torch.randn(BATCH, SIZE + 1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("embeddings must be [B, 5], but was [5, 6]");
        }
    }

    /** A training stops where the loss is NaN; comparisons with NaN are false and used to leave such a sample out. */
    @ParameterizedTest
    @MethodSource("makers")
    void anEmbeddingOfNanIsNotHidden(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            for (int sample = 0; sample < BATCH; sample++) {
                Tensor embeddings = torch.randn(BATCH, SIZE);
                embeddings.select(0, sample).fill_(new Scalar(Double.NaN));
                assertThat(head.forward(embeddings, labels()).loss().item_double())
                        .as("sample %d", sample)
                        .isNaN();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void evaluationDrawsNoRandomNumbersAndChangesNoState(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor embeddings = torch.randn(BATCH, SIZE);
            double[] generator = generatorState();
            Map<String, double[]> before = buffers(head);
            double first = head.forward(embeddings, labels()).loss().item_double();

            assertThat(generatorState()).isEqualTo(generator);
            assertThat(head.forward(embeddings, labels()).loss().item_double()).isEqualTo(first);
            buffers(head).forEach((name, now) -> assertThat(now).as(name).isEqualTo(before.get(name)));
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void trainingChangesTheStateAndDrawsRandomMargins(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.training();
            Tensor embeddings = torch.randn(BATCH, SIZE);
            double[] generator = generatorState();
            Map<String, double[]> before = buffers(head);
            head.forward(embeddings, labels());

            buffers(head).forEach((name, now) -> assertThat(now).as(name).isNotEqualTo(before.get(name)));
            boolean isElastic =
                    List.of(LossName.ELASTICFACE_ARC, LossName.ELASTICFACE_COS).contains(maker.loss);
            assertThat(!Arrays.equals(generatorState(), generator)).isEqualTo(isElastic);
            Map<LossName, Integer> buffers = Map.of(
                    LossName.ADAFACE, 2, LossName.CURRICULARFACE, 1, LossName.ADACOS_DYNAMIC, 1, LossName.CENTER, 1);
            int expected = maker.loss.needsPairs() ? 1 : buffers.getOrDefault(maker.loss, 0);
            assertThat(before).hasSize(expected);
        }
    }

    private static double[] generatorState() {
        return Tensors.values(torch.getDefaultCPUGenerator().get_state());
    }

    private static Map<String, double[]> buffers(Head head) {
        Map<String, double[]> values = new LinkedHashMap<>();
        for (long i = 0; i < head.named_buffers().size(); i++) {
            var item = head.named_buffers().get(i);
            values.put(item.key().getString(), Tensors.values(item.value()));
        }
        return values;
    }

    @ParameterizedTest
    @MethodSource("makers")
    void scoresContainNoMargin(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor embeddings = torch.randn(BATCH, SIZE);
            double[] scores = Tensors.values(head.scores(embeddings));
            assertThat(Tensors.values(head.forward(embeddings, labels()).scores()))
                    .isEqualTo(scores);
            assertThat(Tensors.values(head.forward(embeddings, Tensors.labels(1, 2, 4, 5, 6))
                            .scores()))
                    .as("whatever the labels")
                    .isEqualTo(scores);
        }
    }

    static List<Maker> withCenters() {
        return makers().stream().filter(maker -> maker.loss.hasCenters()).toList();
    }

    @ParameterizedTest
    @MethodSource("withCenters")
    void scoresDoNotDependOnTheMargin(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = (MarginSoftmax) maker.evaluating();
            Tensor embeddings = torch.randn(BATCH, SIZE);
            double[] scores = Tensors.values(head.scores(embeddings));
            head.setMargin(new NormFaceMargin(head.margin().s()));
            assertThat(Tensors.values(head.scores(embeddings))).isEqualTo(scores);
        }
    }

    @ParameterizedTest
    @MethodSource("withCenters")
    void aMarginScaledByOneIsEqual(Maker maker) {
        Margin margin = maker.loss.margin(CLASSES, SMALL_SCALE);
        assertThat(margin.scaledBy(1)).isEqualTo(margin);
    }

    /** Without dynamic AdaCos: its scale is not a margin, and is not scaled. */
    static List<Maker> withAMarginToScale() {
        return withCenters().stream()
                .filter(maker -> maker.loss != LossName.ADACOS_DYNAMIC)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("withAMarginToScale")
    void aMarginScaledByZeroIsNormalizedSoftmax(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = (MarginSoftmax) maker.training();
            Tensor embeddings = torch.randn(BATCH, SIZE).mul(new Scalar(8.0));
            double s = head.margin().s();
            head.setMargin(head.margin().scaledBy(0));
            double scaledByZero = head.forward(embeddings, labels()).loss().item_double();
            head.setMargin(new NormFaceMargin(s));
            assertThat(head.forward(embeddings, labels()).loss().item_double()).isCloseTo(scaledByZero, within(2e-6));
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void everyParameterAndEveryEmbeddingGetsAGradient(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.training();
            Tensor embeddings = torch.randn(60, SIZE).mul(new Scalar(8.0));
            embeddings.set_requires_grad(true);
            Tensor labels = torch.arange(new Scalar(60)).remainder(new Scalar(CLASSES));
            head.forward(embeddings, labels).loss().backward();
            for (long i = 0; i < head.parameters().size(); i++) {
                Tensor gradient = head.parameters().get(i).grad();
                assertThat(gradient.defined()).isTrue();
                assertThat(Tensors.boxed(Tensors.values(gradient))).allMatch(g -> Double.isFinite(g) && g != 0);
            }
            assertThat(Tensors.boxed(Tensors.values(embeddings.grad()))).allMatch(Double::isFinite);
            assertThat(Tensors.boxed(Tensors.values(embeddings.grad().abs().sum(1))))
                    .as("few batches have a semi-hard negative for every sample")
                    .matches(rows -> rows.stream().filter(g -> g > 0).count() >= 30);
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void staysInFloat32InsideAutocast(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor embeddings = torch.randn(4, SIZE);
            Tensor labels = Tensors.labels(1, 2, 1, 2);
            double outside = head.forward(embeddings, labels).loss().item_double();
            try (Autocast bf16 = Autocast.bfloat16(DeviceType.CPU)) {
                Head.Output inside = head.forward(embeddings, labels);
                assertThat(inside.loss().item_double()).isEqualTo(outside);
                assertThat(inside.scores().dtype().toScalarType().value).isEqualTo(ScalarType.Float.value);
                assertThat(torch.is_autocast_enabled(DeviceType.CPU)).isTrue();
            }
            assertThat(torch.is_autocast_enabled(DeviceType.CPU)).isFalse();
        }
    }

    static List<Maker> withCosines() {
        return makers().stream()
                .filter(maker -> maker.loss.hasCenters() || maker.loss.needsPairs())
                .toList();
    }

    /** In bfloat16 a cosine of 0.9999 would be 1: the next smaller value is 0.9961. */
    @ParameterizedTest
    @MethodSource("withCosines")
    void aCosineOfAlmostOneIsNotRoundedToOneInsideAutocast(Maker maker) {
        double angle = Math.acos(0.9999);
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            boolean hasParameter = head instanceof MarginSoftmax;
            Tensor centers = hasParameter
                    ? head.parameters().get(0)
                    : head.named_buffers().get("centres");
            double s = head instanceof MarginSoftmax margins ? margins.margin().s() : 1;
            float[] values = new float[(int) centers.numel()];
            values[0] = hasParameter ? 3 : 1; // MetricHead keeps unit-norm centers
            centers.set_data(Tensors.floats(values).reshape(centers.size(0), SIZE));
            Tensor embedding = Tensors.floats((float) Math.cos(angle), 0, 0, (float) Math.sin(angle), 0)
                    .reshape(1, SIZE);
            try (Autocast bf16 = Autocast.bfloat16(DeviceType.CPU)) {
                Tensor scores = head.forward(embedding, Tensors.labels(0)).scores();
                assertThat(Tensors.values(scores)[0] / s).isCloseTo(0.9999, within(1e-6));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void acceptsEmbeddingsInBfloat16(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.evaluating();
            Tensor rounded = torch.randn(4, SIZE).to(ScalarType.BFloat16);
            Tensor labels = Tensors.labels(1, 2, 1, 2);

            assertThat(head.forward(rounded, labels).loss().item_double())
                    .isEqualTo(head.forward(rounded.to(ScalarType.Float), labels)
                            .loss()
                            .item_double());
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void rejectsWrongShapesAndLabels(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.training();
            Tensor good = torch.randn(2, SIZE);
            assertRejected(head, torch.randn(2, 6), Tensors.labels(0, 1), "embeddings must be [B, 5], but was [2, 6]");
            assertRejected(head, torch.randn(SIZE), Tensors.labels(0, 1), "embeddings must be [B, 5], but was [5]");
            assertRejected(head, good, Tensors.labels(0), "labels must be [2] like the embeddings, but was [1]");
            assertRejected(
                    head,
                    good,
                    Tensors.labels(0, 7),
                    "labels must be in [0, 7) for a head of 7 classes, but one was 7");
            assertRejected(
                    head,
                    good,
                    Tensors.labels(-1, 0),
                    "labels must be in [0, 7) for a head of 7 classes, but one was -1");
        }
        assertThatThrownBy(() -> maker.loss.create(0, 5, SMALL_SCALE))
                .hasMessageMatching("classes must be at least [14].*, but was 0");
        assertThatThrownBy(() -> maker.loss.create(5, 0, SMALL_SCALE))
                .hasMessage("embeddingSize must be at least 1, but was 0");
    }

    private static void assertRejected(Head head, Tensor embeddings, Tensor labels, String message) {
        assertThatThrownBy(() -> head.forward(embeddings, labels))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
