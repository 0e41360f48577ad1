package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.losses.ChunkedHeads.SIZE;
import static org.facerecognition.losses.ChunkedHeads.assertClose;
import static org.facerecognition.losses.ChunkedHeads.chunks;
import static org.facerecognition.losses.ChunkedHeads.head;
import static org.facerecognition.losses.ChunkedHeads.labels;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.ChunkedHeads.Step;
import org.facerecognition.natives.RandomStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Heads whose centers are spread over processes, which are threads here, against whole ones. */
class ShardedHeadTest {
    static List<Arguments> cases() {
        List<Arguments> all = new ArrayList<>();
        for (Margin margin : ChunkedPassesTest.margins()) {
            all.add(Arguments.of(margin, 11, 2, 1));
            all.add(Arguments.of(margin, 11, 3, 3)); // shares of 3, 4 and 4 identities with 3 centers each
        }
        all.add(Arguments.of(new ArcFaceMargin(10, 0.4), 2, 3, 1)); // a share of none
        all.add(Arguments.of(new ChunkedHeads.EverythingMargin(12), 1, 2, 2));
        all.add(Arguments.of(new ArcFaceMargin(10, 0.4), 5, 1, 1));
        return all;
    }

    /** Two backward passes, the second with another factor: their gradients are added. */
    @ParameterizedTest
    @MethodSource("cases")
    void lossGradientsAndRanksAreThoseOfTheWholeHead(Margin margin, int classes, int ranks, int subCenters)
            throws Exception {
        for (ScalarType type : List.of(ScalarType.Double, ScalarType.Float)) {
            try (PointerScope scope = new PointerScope()) {
                Tensor x = torch.randn(5, SIZE).mul(new Scalar(10.0)).to(type);
                Tensor labels = labels(5, classes);
                Step expected = step(whole(classes, margin, subCenters, type), x, labels);
                Queue<MarginSoftmax> heads = equal(ranks, () -> whole(classes, margin, subCenters, type));
                List<Step> actual = ShardsOfThreads.run(ranks, classes, shard -> {
                    MarginSoftmax head = heads.remove();
                    head.shard(shard);
                    return step(head, x, labels);
                });
                double[] gradient = actual.stream()
                        .flatMapToDouble(step -> DoubleStream.of(step.toW()))
                        .toArray();
                for (Step step : actual) {
                    assertThat(step.loss()).isEqualTo(actual.get(0).loss());
                    assertThat(step.loss()).isCloseTo(expected.loss(), within(1e-6 * Math.max(1, expected.loss())));
                    assertThat(step.ranks()).isEqualTo(expected.ranks());
                    new Step(step.loss(), step.toX(), gradient, step.ranks())
                            .isCloseTo(expected, type == ScalarType.Double ? 1e-12 : 3e-6);
                }
            }
        }
    }

    /** Equal heads for threads, which cannot make them: their initial values are from one generator. */
    private static Queue<MarginSoftmax> equal(int count, Supplier<MarginSoftmax> whole) {
        return Stream.generate(whole).limit(count).collect(Collectors.toCollection(ConcurrentLinkedQueue::new));
    }

    private static MarginSoftmax whole(int classes, Margin margin, int subCenters, ScalarType type) {
        MarginSoftmax head = head(classes, margin, subCenters, type);
        head.setChunks(chunks(2, 1 << 20));
        return head;
    }

    private static Step step(MarginSoftmax head, Tensor x, Tensor labels) {
        try (Device cpu = new Device("cpu");
                RandomStream random = new RandomStream(cpu, 8)) {
            return random.during(() -> ChunkedHeads.step(head, x, labels, 1, -0.25));
        }
    }

    /** A fraction of the identities: the same ones, whatever the number of processes. */
    @ParameterizedTest
    @MethodSource("partialCases")
    void samplesAndGradientsOfPartialFcAreThoseOfTheWholeHead(double fraction, int classes, int ranks, int subCenters)
            throws Exception {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(4, SIZE).to(ScalarType.Double);
            Tensor labels = labels(4, classes);
            Rows expected = partialStep(whole(classes, subCenters, fraction), x, labels, 0);
            Queue<MarginSoftmax> heads = equal(ranks, () -> whole(classes, subCenters, fraction));
            List<Rows> actual = ShardsOfThreads.run(ranks, classes, shard -> {
                MarginSoftmax head = heads.remove();
                head.shard(shard);
                return partialStep(head, x, labels, shard.from() * subCenters);
            });
            assertThat(actual.stream()
                            .flatMapToDouble(rows -> DoubleStream.of(rows.rows()))
                            .toArray())
                    .isEqualTo(expected.rows());
            assertClose(
                    actual.stream()
                            .flatMapToDouble(rows -> DoubleStream.of(rows.gradient()))
                            .toArray(),
                    expected.gradient(),
                    1e-12);
            for (Rows rows : actual) {
                assertClose(rows.toX(), expected.toX(), 1e-12);
            }
        }
    }

    static List<Arguments> partialCases() {
        return List.of(
                Arguments.of(0.1, 40, 2, 1),
                Arguments.of(0.3, 40, 3, 3),
                Arguments.of(1.0, 7, 2, 1),
                Arguments.of(1e-9, 40, 4, 2)); // only the identities of the batch, of which a share may have none
    }

    private record Rows(double[] rows, double[] gradient, double[] toX) {}

    private static MarginSoftmax whole(int classes, int subCenters, double fraction) {
        MarginSoftmax head = whole(classes, new ArcFaceMargin(10, 0.3), subCenters, ScalarType.Double);
        head.setPartialFraction(fraction);
        return head;
    }

    private static Rows partialStep(MarginSoftmax head, Tensor x, Tensor labels, long firstRow) {
        Tensor leaf = x.detach().clone();
        leaf.set_requires_grad(true);
        try (Device cpu = new Device("cpu");
                RandomStream random = new RandomStream(cpu, 8)) {
            random.during(() -> {
                head.forward(leaf, labels).loss().backward();
                return null;
            });
        }
        MarginSoftmax.SampledRows sampled = head.sampled().orElseThrow();
        return new Rows(
                Tensors.values(sampled.rows().add(new Scalar(firstRow))),
                sampled.values().grad().defined()
                        ? Tensors.values(sampled.values().grad())
                        : new double[0],
                Tensors.values(leaf.grad()));
    }

    @Test
    void outsideTrainingScoresAndRanksAreThoseOfTheWholeHead() throws Exception {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(3, SIZE).to(ScalarType.Double);
            x.select(0, 1).fill_(new Scalar(Double.NaN));
            Tensor labels = labels(3, 10);
            MarginSoftmax whole = whole(10, 1, 0.2);
            whole.train(false);
            double[] scores = Tensors.values(whole.scores(x));
            double[] ranks = Tensors.values(whole.forward(x, labels).ranks().orElseThrow());
            assertThat(ranks[1]).isEqualTo(10);
            Queue<MarginSoftmax> heads = equal(3, () -> whole(10, 1, 0.2));
            ShardsOfThreads.run(3, 10, shard -> {
                MarginSoftmax head = heads.remove();
                head.train(false);
                head.shard(shard);
                Head.Output output = head.forward(x, labels);
                assertThat(Tensors.values(output.ranks().orElseThrow())).isEqualTo(ranks);
                assertThat(Tensors.values(output.scores())).isEqualTo(scores);
                return null;
            });
        }
    }

    @Test
    void aShareHasItsCentersAloneAndCanBecomeWholeAgain() throws Exception {
        Queue<MarginSoftmax> heads = equal(2, () -> whole(7, new ArcFaceMargin(10, 0.3), 2, ScalarType.Float));
        ShardsOfThreads.run(2, 7, shard -> {
            MarginSoftmax head = heads.remove();
            Tensor all = head.centers().detach().clone();
            head.shard(shard);
            assertThat(head.isSharded()).isTrue();
            assertThat(head.classes()).isEqualTo(7);
            assertThat(Tensors.values(head.centers()))
                    .isEqualTo(Tensors.values(all.narrow(0, 2L * shard.from(), 2L * (shard.to() - shard.from()))));
            assertThatThrownBy(() -> head.setCenters(all)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> head.shard(shard))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "the centers must be all in this process, but are spread over several; call unshard first");
            assertThatThrownBy(() -> head.unshard(all.narrow(0, 0, 13)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("centers must be [14, 6], but were [13, 6]");
            head.unshard(all);
            assertThat(head.isSharded()).isFalse();
            assertThat(Tensors.values(head.centers())).isEqualTo(Tensors.values(all));
            return null;
        });
    }

    /** Processes exchange buffers one after the other, so their order must not differ, as that of Map.of does. */
    @Test
    void buffersOfAMarginHaveOneOrder() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(3, new AdaFaceMargin(20, 0.4));
            assertThat(Tensors.values(head.buffers().get(0))).containsExactly(20); // norm_mean
            assertThat(Tensors.values(head.buffers().get(1))).containsExactly(100); // norm_std
        }
    }

    @Test
    void smoothedLabelsCannotBeSharded() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(4, SIZE, new ArcFaceMargin(10, 0.3), 1, new CrossEntropy(0.1, 0));
            assertThatThrownBy(() -> ShardsOfThreads.run(1, 4, shard -> {
                        head.shard(shard);
                        return null;
                    }))
                    .hasMessageContaining("a head that is spread over processes must have plain cross-entropy");
        }
    }
}
