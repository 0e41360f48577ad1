package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every head must keep to. */
class HeadContractTest {
    private static final int CLASSES = 7;
    private static final int SIZE = 5;

    record Maker(String name, BiFunction<Integer, Integer, Head> make) {
        Head head() {
            torch.manual_seed(4);
            return make.apply(CLASSES, SIZE);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Maker> makers() {
        return List.of(
                new Maker("ArcFace", (c, d) -> new MarginSoftmax(c, d, new ArcFaceMargin(10, 0.4))),
                new Maker("linear", LinearSoftmax::new));
    }

    @ParameterizedTest
    @MethodSource("makers")
    void givesAScalarLossAndAScoreForEachClass(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            Head.Output output = head.forward(torch.randn(3, SIZE), Tensors.labels(0, 6, 2));

            assertThat(output.loss().dim()).isZero();
            assertThat(output.loss().item_double()).isPositive().isFinite();
            assertThat(Shapes.of(output.scores())).isEqualTo("[3, 7]");
            assertThat(output.scores().requires_grad()).isFalse();
            assertThat(head.classes()).isEqualTo(CLASSES);
            assertThat(head.embeddingSize()).isEqualTo(SIZE);
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void theGradientToTheEmbeddingsIsThatOfFiniteDifferences(Maker maker) {
        double h = 1e-6;
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            head.to(ScalarType.Double, false);
            double[] x = Tensors.values(torch.randn(2 * SIZE));
            Tensor labels = Tensors.labels(3, 0);
            Tensor embeddings = Tensors.doubles(x).reshape(2, SIZE).detach();
            embeddings.set_requires_grad(true);
            head.forward(embeddings, labels).loss().backward();
            double[] gradient = Tensors.values(embeddings.grad());

            for (int i = 0; i < x.length; i++) {
                double slope = (loss(head, labels, x, i, h) - loss(head, labels, x, i, -h)) / (2 * h);
                assertThat(gradient[i]).isCloseTo(slope, within(1e-7));
            }
        }
    }

    private static double loss(Head head, Tensor labels, double[] x, int at, double by) {
        double[] moved = x.clone();
        moved[at] += by;
        return head.forward(Tensors.doubles(moved).reshape(2, SIZE), labels)
                .loss()
                .item_double();
    }

    @ParameterizedTest
    @MethodSource("makers")
    void everyParameterGetsAGradient(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            head.forward(
                            torch.randn(20, SIZE),
                            torch.arange(new org.bytedeco.pytorch.Scalar(20))
                                    .remainder(new org.bytedeco.pytorch.Scalar(CLASSES)))
                    .loss()
                    .backward();
            for (long i = 0; i < head.parameters().size(); i++) {
                Tensor gradient = head.parameters().get(i).grad();
                assertThat(gradient.defined()).isTrue();
                assertThat(Tensors.boxed(Tensors.values(gradient))).allMatch(g -> Double.isFinite(g) && g != 0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void staysInFloat32InsideAutocast(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            Tensor embeddings = torch.randn(4, SIZE);
            Tensor labels = Tensors.labels(1, 2, 3, 4);
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

    @ParameterizedTest
    @MethodSource("makers")
    void takesEmbeddingsInBfloat16(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            Tensor rounded = torch.randn(4, SIZE).to(ScalarType.BFloat16);
            Tensor labels = Tensors.labels(1, 2, 3, 4);

            assertThat(head.forward(rounded, labels).loss().item_double())
                    .isEqualTo(head.forward(rounded.to(ScalarType.Float), labels)
                            .loss()
                            .item_double());
        }
    }

    @ParameterizedTest
    @MethodSource("makers")
    void wrongShapesAndLabelsAreASentence(Maker maker) {
        try (PointerScope scope = new PointerScope()) {
            Head head = maker.head();
            Tensor good = torch.randn(2, SIZE);
            refused(head, torch.randn(2, 6), Tensors.labels(0, 1), "embeddings must be [B, 5], but was [2, 6]");
            refused(head, torch.randn(SIZE), Tensors.labels(0, 1), "embeddings must be [B, 5], but was [5]");
            refused(head, good, Tensors.labels(0), "labels must be [2] like the embeddings, but was [1]");
            refused(
                    head,
                    good,
                    Tensors.labels(0, 7),
                    "labels must be in [0, 7) for a head of 7 classes, but one was 7");
            refused(
                    head,
                    good,
                    Tensors.labels(-1, 0),
                    "labels must be in [0, 7) for a head of 7 classes, but one was -1");
        }
        assertThatThrownBy(() -> maker.make().apply(0, 5)).hasMessage("classes must be at least 1, but was 0");
        assertThatThrownBy(() -> maker.make().apply(5, 0)).hasMessage("embeddingSize must be at least 1, but was 0");
    }

    private static void refused(Head head, Tensor embeddings, Tensor labels, String sentence) {
        assertThatThrownBy(() -> head.forward(embeddings, labels))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(sentence);
    }
}
