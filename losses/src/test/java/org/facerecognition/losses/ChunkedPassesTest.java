package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Autocast;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The softmax in chunks of classes against the plain writing. */
class ChunkedPassesTest {
    private static final int SIZE = 6;

    /** A margin that uses all that a margin may: others, norms, a penalty, a state, the others' sum. */
    private record EverythingMargin(double s) implements Margin {
        @Override
        public Tensor apply(Targets targets) {
            Tensor m = targets.norms().mul(new Scalar(0.05)).add(targets.state().get("t"));
            return targets.cosine().sub(m.mul(targets.cosine()));
        }

        @Override
        public Margin scaledBy(double share) {
            return this;
        }

        @Override
        public Map<String, Double> state() {
            return Map.of("t", 0.1);
        }

        @Override
        public void observe(Targets targets, java.util.function.UnaryOperator<Tensor> othersLogSum) {
            targets.state()
                    .get("t")
                    .copy_(othersLogSum
                            .apply(torch.scalar_tensor(new Scalar(2.0))
                                    .to(targets.cosine().scalar_type()))
                            .exp()
                            .log1p()
                            .mean()
                            .mul(new Scalar(0.01)));
        }

        @Override
        public boolean changesNegatives() {
            return true;
        }

        @Override
        public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
            Tensor harderOnes = cosines.mul(cosines.add(targets.state().get("t")));
            return torch.where(cosines.gt(targetWithMargin.unsqueeze(1)), harderOnes, cosines);
        }

        @Override
        public Tensor penalty(Targets targets) {
            return targets.norms()
                    .reciprocal()
                    .mean()
                    .add(targets.cosine().mean().mul(new Scalar(0.3)));
        }
    }

    static List<Margin> margins() {
        return List.of(
                new ArcFaceMargin(10, 0.4),
                new ArcFaceMargin(64, 0.5),
                new CosFaceMargin(30, 0.35),
                new SphereFaceMargin(20, 1.7),
                new CombinedMargin(20, 1, 0.3, 0.2),
                new AdaFaceMargin(20, 0.4),
                new MagFaceMargin(20),
                new CurricularFaceMargin(15, 0.3),
                new ElasticArcMargin(20, 0.4),
                new ElasticCosMargin(20, 0.3),
                new AdaCosMargin(11, false),
                new AdaCosMargin(11, true),
                new NormFaceMargin(9),
                new CircleMargin(30, 0.25),
                new EverythingMargin(12));
    }

    private static ClassChunks chunks(int classes, long keptBytes) {
        return new ClassChunks(classes, keptBytes, false);
    }

    static List<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (Margin margin : margins()) {
            all.add(Arguments.of(margin, 11, 5, 1, chunks(4, 200))); // a part is kept
            all.add(Arguments.of(margin, 11, 5, 3, chunks(4, 1 << 20)));
        }
        for (Margin margin : List.of(new ArcFaceMargin(10, 0.4), new EverythingMargin(12))) {
            for (int chunk : new int[] {1, 10, 11, 12}) {
                all.add(Arguments.of(margin, 11, 5, 1, chunks(chunk, 0)));
                all.add(Arguments.of(margin, 11, 5, 2, chunks(chunk, 1 << 20)));
            }
            all.add(Arguments.of(margin, 1, 3, 1, chunks(1, 0)));
            all.add(Arguments.of(margin, 7, 1, 2, chunks(3, 0)));
            all.add(Arguments.of(margin, 1, 1, 1, ClassChunks.DEFAULT));
            all.add(Arguments.of(margin, 4100, 3, 1, ClassChunks.DEFAULT)); // three
        }
        return all;
    }

    /** What a step gives: loss, gradients of embeddings and centers, ranks. */
    private record Step(double loss, double[] toX, double[] toW, double[] ranks) {
        void isCloseTo(Step other, double relative) {
            assertThat(loss).isCloseTo(other.loss, within(relative * Math.max(1, Math.abs(other.loss))));
            close(toX, other.toX, relative);
            close(toW, other.toW, relative);
        }

        static void close(double[] actual, double[] expected, double relative) {
            double largest = 1e-3;
            for (double one : expected) {
                largest = Math.max(largest, Math.abs(one));
            }
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < actual.length; i++) {
                assertThat(actual[i]).isCloseTo(expected[i], within(relative * largest));
            }
        }
    }

    private static MarginSoftmax head(int classes, Margin margin, int subCenters, ScalarType type) {
        torch.manual_seed(3);
        MarginSoftmax head = new MarginSoftmax(classes, SIZE, margin, subCenters, CrossEntropy.PLAIN);
        head.to(type, false);
        head.train(true);
        return head;
    }

    private static MarginSoftmax head(int classes, Margin margin) {
        return head(classes, margin, 1, ScalarType.Double);
    }

    private static Step step(MarginSoftmax head, Tensor x, Tensor labels, double... factors) {
        Tensor leaf = x.detach().clone();
        leaf.set_requires_grad(true);
        double loss = 0;
        double[] ranks = {};
        torch.manual_seed(8); // for margins that are drawn
        for (double factor : factors) {
            Head.Output output = head.forward(leaf, labels);
            loss = output.loss().item_double();
            output.loss().mul(new Scalar(factor)).backward();
            ranks = output.ranks().map(Tensors::values).orElse(ranks);
        }
        Tensor weight = head.parameters().get(0);
        return new Step(loss, Tensors.values(leaf.grad()), Tensors.values(weight.grad()), ranks);
    }

    private static Tensor labels(int batch, int classes) {
        long[] labels = new long[batch];
        for (int i = 0; i < batch; i++) {
            labels[i] = (classes - 1 - 3L * i % classes + classes) % classes; // the last class is among them
        }
        return Tensors.labels(labels);
    }

    /** Two backward passes, the second with another factor: gradients are added up. */
    @ParameterizedTest
    @MethodSource("cases")
    void givesThePlainWritingsNumbers(Margin margin, int classes, int batch, int subCenters, ClassChunks chunks) {
        try (PointerScope scope = new PointerScope()) {
            for (ScalarType type : List.of(ScalarType.Double, ScalarType.Float)) {
                MarginSoftmax plain = head(classes, margin, subCenters, type);
                MarginSoftmax chunked = head(classes, margin, subCenters, type);
                chunked.setChunks(chunks);
                Tensor x = torch.randn(batch, SIZE).mul(new Scalar(10.0)).to(type);
                Tensor labels = labels(batch, classes);
                Step expected = step(plain, x, labels, 1, -0.25);
                Step actual = step(chunked, x, labels, 1, -0.25);
                actual.isCloseTo(expected, type == ScalarType.Double ? 1e-12 : 5e-6);
                assertThat(actual.ranks)
                        .isEqualTo(
                                Tensors.values(Ranks.of(plain.scores(x), labels).to(ScalarType.Double)));
                plain.close();
                chunked.close();
            }
        }
    }

    @Test
    void theGradientsAreThoseOfFiniteDifferences() {
        double h = 1e-6;
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(5, new EverythingMargin(8));
            head.train(false); // the state stays
            head.setChunks(chunks(2, 50));
            Tensor x = torch.randn(3, SIZE).to(ScalarType.Double);
            Tensor labels = Tensors.labels(4, 0, 2);
            Step step = step(head, x, labels, 1);
            Tensor weight = head.parameters().get(0);
            for (int i = 0; i < 30; i++) {
                double slope = slope(head, x, labels, weight.detach().flatten().narrow(0, i, 1), h);
                assertThat(step.toW[i]).isCloseTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
            }
            for (int i = 0; i < 18; i++) {
                double slope = slope(head, x, labels, x.flatten().narrow(0, i, 1), h);
                assertThat(step.toX[i]).isCloseTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
            }
        }
    }

    private static double slope(MarginSoftmax head, Tensor x, Tensor labels, Tensor moved, double h) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            moved.add_(new Scalar(h));
            double above = head.forward(x, labels).loss().item_double();
            moved.sub_(new Scalar(2 * h));
            double below = head.forward(x, labels).loss().item_double();
            moved.add_(new Scalar(h));
            return (above - below) / (2 * h);
        }
    }

    @Test
    void polesAndRowsOfNoughtGiveWhatThePlainWritingGives() {
        try (PointerScope scope = new PointerScope()) {
            Tensor centers =
                    Tensors.doubles(1, 0, 0, 1, -1, -1, 0, 0, 3e-13, 4e-13).reshape(5, 2);
            Tensor x = Tensors.doubles(5, 0, 0, -5, 0, 0, 1, 2, -3, -3).reshape(5, 2);
            Tensor labels = Tensors.labels(0, 1, 2, 4, 3);
            Step[] steps = new Step[2];
            for (int i = 0; i < 2; i++) {
                MarginSoftmax head = new MarginSoftmax(5, 2, new ArcFaceMargin(20, 0.5));
                head.to(ScalarType.Double, false);
                head.parameters().get(0).set_data(centers.clone());
                if (i == 1) {
                    head.setChunks(chunks(2, 50));
                }
                steps[i] = step(head, x, labels, 1);
            }
            assertThat(steps[1].loss).isFinite();
            steps[1].isCloseTo(steps[0], 1e-12);
        }
    }

    @Test
    void anEmbeddingOfNaNMakesTheLossNaNAndKnowsNobody() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(7, new ArcFaceMargin(10, 0.4));
            head.setChunks(chunks(3, 0));
            Tensor x = torch.randn(2, SIZE).to(ScalarType.Double);
            x.get(1).fill_(new Scalar(Double.NaN));
            Head.Output output = head.forward(x, Tensors.labels(1, 2));
            assertThat(output.loss().item_double()).isNaN();
            assertThat(output.ranks().orElseThrow().get(1).item_long()).isEqualTo(7);
        }
    }

    @Test
    void whereNoHookMayRunTheGradientsAreTheSame() {
        try (PointerScope scope = new PointerScope();
                ChunkedPasses hooks = new ChunkedPasses(true);
                ChunkedPasses none = new ChunkedPasses(false)) {
            List<Step> steps = new ArrayList<>();
            for (ChunkedPasses passes : List.of(hooks, none)) {
                torch.manual_seed(1);
                Tensor centers = torch.randn(9, SIZE).to(ScalarType.Double).set_requires_grad(true);
                Tensor x = torch.randn(4, SIZE).to(ScalarType.Double).set_requires_grad(true);
                var mode = new ChunkedPasses.Mode(new MagFaceMargin(10), Map.of(), true, 1);
                Tensor loss = passes.forward(x, centers, Tensors.labels(8, 0, 3, 3), mode, chunks(4, 130))
                        .loss();
                loss.mul(new Scalar(0.5)).backward();
                steps.add(new Step(
                        loss.item_double(), Tensors.values(x.grad()), Tensors.values(centers.grad()), new double[0]));
            }
            steps.get(1).isCloseTo(steps.get(0), 1e-14);
        }
    }

    @Test
    void backwardMayComeInAnyOrder() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new EverythingMargin(10));
            Tensor weight = head.parameters().get(0);
            Tensor a = torch.randn(3, SIZE).to(ScalarType.Double);
            Tensor b = torch.randn(2, SIZE).to(ScalarType.Double);
            double[][] gradients = new double[2][];
            for (int i = 0; i < 2; i++) {
                MarginSoftmax one = head(11, new EverythingMargin(10));
                if (i == 1) {
                    one.setChunks(chunks(4, 1 << 20));
                }
                Tensor first = one.forward(a, Tensors.labels(1, 10, 3)).loss();
                Tensor second = one.forward(b, Tensors.labels(0, 5)).loss();
                second.backward();
                first.backward();
                gradients[i] = Tensors.values(one.parameters().get(0).grad());
            }
            assertThat(weight.grad().defined()).isFalse();
            Step.close(gradients[1], gradients[0], 1e-12);
        }
    }

    @Test
    void aFrozenSideGetsNoGradient() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4));
            head.setChunks(ClassChunks.DEFAULT);
            Tensor weight = head.parameters().get(0);
            Tensor x = torch.randn(3, SIZE).to(ScalarType.Double);
            head.forward(x, Tensors.labels(1, 2, 3)).loss().backward(); // the encoder is frozen
            assertThat(weight.grad().defined()).isTrue();
            assertThat(x.grad().defined()).isFalse();

            weight.mutable_grad().put(new Tensor());
            weight.set_requires_grad(false);
            x.set_requires_grad(true);
            head.forward(x, Tensors.labels(1, 2, 3)).loss().backward();
            assertThat(weight.grad().defined()).isFalse();
            assertThat(x.grad().defined()).isTrue();
        }
    }

    @Test
    void aLossThatIsNotTheLastOneOrIsUsedTwiceIsRefusedInASentence() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4));
            head.setChunks(ClassChunks.DEFAULT);
            Tensor x = torch.randn(3, SIZE).to(ScalarType.Double);
            Tensor labels = Tensors.labels(1, 2, 3);

            Tensor twice = head.forward(x, labels).loss();
            twice.backward();
            assertThatThrownBy(twice::backward).hasMessageContaining("backward through the graph a second time");

            Tensor stale = head.forward(x, labels).loss();
            try (NoGradGuard noGrad = new NoGradGuard()) {
                head.parameters().get(0).add_(new Scalar(1.0));
            }
            assertThatThrownBy(stale::backward)
                    .hasMessageContaining("the centers must not be changed between forward and backward");

            Tensor old = head.forward(x, labels).loss();
            for (int i = 0; i < ChunkedPasses.MAX_WAITING; i++) {
                head.forward(x, labels);
            }
            assertThatThrownBy(old::backward)
                    .hasMessageContaining("backward must be called once for each forward of a head, before 8 more");
        }
    }

    @Test
    void takesManyStepsWithoutTakingMemory() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(3000, new EverythingMargin(10), 1, ScalarType.Float);
            head.setChunks(chunks(512, 1 << 18));
            long[] counts = new long[3];
            long[] bytes = new long[3];
            for (int i = 0; i < 3; i++) {
                for (int step = 0; step < 40; step++) {
                    step(head);
                }
                System.gc();
                counts[i] = Pointer.totalCount();
                bytes[i] = Pointer.physicalBytes();
            }
            assertThat(counts[2]).isEqualTo(counts[1]);
            assertThat(bytes[2] - bytes[1]).isLessThan(16L << 20); // one step's kept cosines alone are .7 MB, 40 times
        }
    }

    private static void step(MarginSoftmax head) {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(64, SIZE);
            x.set_requires_grad(true);
            Head.Output output = head.forward(x, labels(64, 3000));
            output.loss().backward();
            head.forward(x, labels(64, 3000)); // never taken backward
            try (NoGradGuard noGrad = new NoGradGuard()) {
                head.forward(x, labels(64, 3000));
            }
        }
    }

    @Test
    void manyScoresAreGoneThroughInChunksOfThemselves() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(40_000, new ArcFaceMargin(10, 0.4));
            Tensor x = torch.randn(64, SIZE).to(ScalarType.Double);
            assertThat(head.forward(x, labels(64, 40_000)).ranks()).isPresent();
            assertThat(head.forward(x.narrow(0, 0, 2), labels(2, 40_000)).ranks())
                    .isEmpty();
            Head.Output output = head.forward(x, labels(64, 40_000));
            assertThat(Shapes.of(output.scores())).isEqualTo("[64, 40000]");
            assertThat(output.scores().requires_grad()).isFalse();
        }
    }

    @Test
    void bfloat16RoundsAllButTheTargetsOwnCosine() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new NormFaceMargin(64));
            head.parameters().get(0).set_data(Tensors.floats(3, 0, 0, 2).reshape(2, 2));
            double angle = Math.acos(0.9999);
            Tensor x = Tensors.floats((float) Math.cos(angle), (float) Math.sin(angle))
                    .reshape(1, 2);
            head.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            double loss = head.forward(x, Tensors.labels(1)).loss().item_double();
            // the other's cosine, .9999, is rounded to 1; its own, sin(acos(.9999)), is not
            assertThat(loss).isCloseTo(64 * (1 - Math.sin(angle)), within(1e-4));
            double right = head.forward(x, Tensors.labels(0)).loss().item_double();
            assertThat(right).isLessThan(1e-6);
        }
    }

    @Test
    void bfloat16sErrorIsWhatTheJavadocSays() {
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(5);
            int classes = 2000;
            int size = 128;
            Step[] steps = new Step[2];
            Tensor x = torch.randn(32, size);
            for (int i = 0; i < 2; i++) {
                torch.manual_seed(6);
                MarginSoftmax head = new MarginSoftmax(classes, size, new ArcFaceMargin(64, 0.5));
                head.setChunks(ClassChunks.DEFAULT.withBf16Logits(i == 1));
                steps[i] = step(head, x, labels(32, classes), 1);
            }
            assertThat(steps[1].loss).isCloseTo(steps[0].loss, within(0.01));
            assertThat(error(steps[1].toX, steps[0].toX)).isBetween(1e-5, 0.02);
            assertThat(error(steps[1].toW, steps[0].toW)).isBetween(1e-5, 0.02);
        }
    }

    /** Euclidean, relative. */
    private static double error(double[] actual, double[] expected) {
        double squares = 0;
        double all = 0;
        for (int i = 0; i < actual.length; i++) {
            squares += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            all += expected[i] * expected[i];
        }
        return Math.sqrt(squares / all);
    }

    @Test
    void insideAutocastItIsTheSame() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4), 1, ScalarType.Float);
            head.setChunks(ClassChunks.DEFAULT);
            Tensor x = torch.randn(3, SIZE);
            Step outside = step(head, x, Tensors.labels(1, 2, 3), 1);
            head.parameters().get(0).mutable_grad().put(new Tensor());
            try (Autocast bf16 = Autocast.bfloat16(DeviceType.CPU)) {
                step(head, x, Tensors.labels(1, 2, 3), 1).isCloseTo(outside, 1e-15);
            }
        }
    }

    @Test
    void settingsRefuseNonsense() {
        assertThatThrownBy(() -> chunks(0, 0)).hasMessage("classes in a chunk must be at least 1, but was 0");
        assertThatThrownBy(() -> chunks(1, -1)).hasMessage("keptBytes must be at least 0, but was -1");
    }
}
