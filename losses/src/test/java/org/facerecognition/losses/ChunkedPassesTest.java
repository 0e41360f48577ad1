package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.losses.ChunkedHeads.SIZE;
import static org.facerecognition.losses.ChunkedHeads.chunks;
import static org.facerecognition.losses.ChunkedHeads.embeddings;
import static org.facerecognition.losses.ChunkedHeads.head;
import static org.facerecognition.losses.ChunkedHeads.labels;
import static org.facerecognition.losses.ChunkedHeads.step;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.ChunkedHeads.EverythingMargin;
import org.facerecognition.losses.ChunkedHeads.Step;
import org.facerecognition.natives.Autocast;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The results of the softmax in chunks of classes against the direct computation. */
class ChunkedPassesTest {
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

    static List<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (Margin margin : margins()) {
            all.add(Arguments.of(margin, 11, 5, 1, chunks(4, 200))); // keeps some of the cosines
            all.add(Arguments.of(margin, 11, 5, 3, chunks(4, 1 << 20)));
        }
        for (Margin margin : List.of(new ArcFaceMargin(10, 0.4), new EverythingMargin(12))) {
            for (int chunk : new int[] {1, 10, 11, 12, Integer.MAX_VALUE - 5, Integer.MAX_VALUE}) {
                all.add(Arguments.of(margin, 11, 5, 1, chunks(chunk, 0)));
                all.add(Arguments.of(margin, 11, 5, 2, chunks(chunk, 1 << 20)));
            }
            all.add(Arguments.of(margin, 1, 3, 1, chunks(1, 0)));
            all.add(Arguments.of(margin, 7, 1, 2, chunks(3, 0)));
            all.add(Arguments.of(margin, 1, 1, 1, ClassChunks.DEFAULT));
            all.add(Arguments.of(margin, 4100, 3, 1, ClassChunks.DEFAULT)); // three chunks
        }
        return all;
    }

    /** Two backward passes, the second with another factor: their gradients are added. */
    @ParameterizedTest
    @MethodSource("cases")
    void lossGradientsAndRanksAreThoseOfTheDirectComputation(
            Margin margin, int classes, int batch, int subCenters, ClassChunks chunks) {
        try (PointerScope scope = new PointerScope()) {
            for (ScalarType type : List.of(ScalarType.Double, ScalarType.Float)) {
                MarginSoftmax direct = head(classes, margin, subCenters, type);
                MarginSoftmax chunked = head(classes, margin, subCenters, type);
                chunked.setChunks(chunks);
                Tensor x = torch.randn(batch, SIZE).mul(new Scalar(10.0)).to(ScalarType.BFloat16);
                Tensor labels = labels(batch, classes);
                Step expected = step(direct, x, labels, 1, -0.25);
                Step actual = step(chunked, x, labels, 1, -0.25);
                if (type == ScalarType.Double) {
                    actual.isCloseTo(expected, 1e-12);
                } else {
                    actual.isCloseTo(expected, 5e-6, 1.0 / 64); // each pass may round up or down
                }
                assertThat(actual.ranks())
                        .isEqualTo(Tensors.values(
                                Ranks.of(direct.scores(x), labels).to(ScalarType.Double)));
                direct.close();
                chunked.close();
            }
        }
    }

    @Test
    void gradientsAreThoseOfFiniteDifferences() {
        double h = 1e-6;
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(5, new EverythingMargin(8));
            head.train(false); // so that the state does not change
            head.setChunks(chunks(2, 50));
            Tensor x = embeddings(3);
            Tensor labels = Tensors.labels(4, 0, 2);
            Step step = step(head, x, labels, 1);
            Tensor weight = head.parameters().get(0);
            for (int i = 0; i < 30; i++) {
                double slope = slope(head, x, labels, weight.detach().flatten().narrow(0, i, 1), h);
                assertThat(step.toW()[i]).isCloseTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
            }
            for (int i = 0; i < 18; i++) {
                double slope = slope(head, x, labels, x.flatten().narrow(0, i, 1), h);
                assertThat(step.toX()[i]).isCloseTo(slope, within(1e-6 * Math.max(1, Math.abs(slope))));
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
    void manyScoresAreComputedInChunksByDefault() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(40_000, new ArcFaceMargin(10, 0.4));
            Tensor x = embeddings(64);
            Head.Output output = head.forward(x, labels(64, 40_000));
            assertThat(output.ranks()).isPresent();
            assertThat(Shapes.of(output.scores())).isEqualTo("[64, 40000]");
            assertThat(output.scores().requires_grad()).isFalse();
            assertThat(head.forward(x.narrow(0, 0, 2), labels(2, 40_000)).ranks())
                    .isEmpty();
        }
    }

    /** Heads in bfloat16 have 128 tickets; one that waits for its backward pass keeps its own. */
    @Test
    void aWaitingPassKeepsItsTicketWhileOthersComeAndGo() {
        try (PointerScope scope = new PointerScope();
                MarginSoftmax waiting = halfHead();
                MarginSoftmax busy = halfHead()) {
            Tensor x = torch.randn(4, 8).to(torch.ScalarType.BFloat16);
            x.set_requires_grad(true);
            Tensor labels = labels(4, 40);
            Tensor first = waiting.forward(x, labels).loss();
            for (int i = 0; i < 300; i++) {
                try (PointerScope step = new PointerScope()) {
                    Tensor loss = busy.forward(x, labels).loss();
                    if (i == 150) {
                        first.backward();
                    }
                    loss.backward();
                }
            }
            Tensor last = busy.forward(x, labels).loss();
            waiting.close();
            last.backward();
        }
    }

    private static MarginSoftmax halfHead() {
        MarginSoftmax head = new MarginSoftmax(40, 8, new ArcFaceMargin(10, 0.4));
        head.to(torch.ScalarType.BFloat16, false);
        head.setChunks(chunks(16, 50));
        return head;
    }

    @Test
    void polesAndRowsOfZerosGiveTheResultsOfTheDirectComputation() {
        try (PointerScope scope = new PointerScope()) {
            Tensor centers =
                    Tensors.doubles(1, 0, 0, 1, -1, -1, 0, 0, 3e-13, 4e-13).reshape(5, 2);
            Tensor x = Tensors.doubles(5, 0, 0, -5, 0, 0, 1, 2, -3, -3).reshape(5, 2);
            Tensor labels = Tensors.labels(0, 1, 2, 4, 3);
            Step direct = step(headOf(centers), x, labels, 1);
            MarginSoftmax inChunks = headOf(centers);
            inChunks.setChunks(chunks(2, 50));
            Step chunked = step(inChunks, x, labels, 1);
            assertThat(chunked.loss()).isFinite();
            chunked.isCloseTo(direct, 1e-12);
        }
    }

    private static MarginSoftmax headOf(Tensor centers) {
        MarginSoftmax head = new MarginSoftmax(5, 2, new ArcFaceMargin(20, 0.5));
        head.to(ScalarType.Double, false);
        head.parameters().get(0).set_data(centers.clone());
        return head;
    }

    @Test
    void anEmbeddingOfNaNGivesALossOfNaNAndTheLastRank() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(7, new ArcFaceMargin(10, 0.4));
            head.setChunks(chunks(3, 0));
            Tensor x = embeddings(2);
            x.get(1).fill_(new Scalar(Double.NaN));
            Head.Output output = head.forward(x, Tensors.labels(1, 2));
            assertThat(output.loss().item_double()).isNaN();
            assertThat(output.ranks().orElseThrow().get(1).item_long()).isEqualTo(7);
        }
    }

    /** Backward finds its head by a number that goes through the graph, of which bfloat16 keeps eight bits. */
    @Test
    void manyPassesWithFewDigits() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(7, new ArcFaceMargin(10, 0.4), 1, ScalarType.BFloat16);
            head.setChunks(chunks(3, 0));
            Tensor labels = Tensors.labels(1, 2);
            Tensor images = torch.randn(2, SIZE).to(ScalarType.BFloat16);
            for (int i = 0; i < 300; i++) {
                try (PointerScope step = new PointerScope()) {
                    Tensor x = images.detach().set_requires_grad(true);
                    head.forward(x, labels).loss().mul(new Scalar(1 / 3.0)).backward();
                    assertThat(x.grad().abs().sum().item_double())
                            .as("pass %d", i)
                            .isPositive();
                }
            }
        }
    }

    @Test
    void theResultsAreTheSameInsideAutocast() {
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
    void gradientsWithoutHooksAreTheSame() {
        try (PointerScope scope = new PointerScope();
                ChunkedPasses hooks = new ChunkedPasses(true);
                ChunkedPasses noHooks = new ChunkedPasses(false)) {
            List<Step> steps = new ArrayList<>();
            for (ChunkedPasses passes : List.of(hooks, noHooks)) {
                torch.manual_seed(1);
                Tensor centers = torch.randn(9, SIZE).to(ScalarType.Double).set_requires_grad(true);
                Tensor x = torch.randn(4, SIZE).to(ScalarType.Double).set_requires_grad(true);
                var mode = new ChunkedPasses.Mode(new MagFaceMargin(10), Map.of(), true, 1, null);
                Tensor loss = passes.forward(x, centers, Tensors.labels(8, 0, 3, 3), mode, chunks(4, 130))
                        .loss();
                loss.mul(new Scalar(0.5)).backward();
                steps.add(new Step(
                        loss.item_double(), Tensors.values(x.grad()), Tensors.values(centers.grad()), new double[0]));
            }
            steps.get(1).isCloseTo(steps.get(0), 1e-14);
        }
    }
}
