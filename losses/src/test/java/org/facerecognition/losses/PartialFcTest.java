package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sampling of identities, and training steps with a fraction of them. */
class PartialFcTest {
    private static final int SIZE = 4;

    private static MarginSoftmax head(int classes, int subCenters) {
        torch.manual_seed(2);
        MarginSoftmax head =
                new MarginSoftmax(classes, SIZE, new ArcFaceMargin(10, 0.3), subCenters, CrossEntropy.PLAIN);
        head.train(true);
        return head;
    }

    private static double[] rows(Tensor labels, double fraction, int classes, int subCenters) {
        Tensor centers = torch.randn((long) classes * subCenters, SIZE);
        return Tensors.values(new PartialFc(fraction)
                .draw(labels, classes, centers, subCenters, null)
                .rows());
    }

    @Test
    void samplesTheBatchsIdentitiesAndOthersOnceAndAscending() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(rows(Tensors.labels(7, 99, 7, 0), 0.25, 100, 1))
                    .hasSize(25)
                    .contains(0, 7, 99)
                    .doesNotHaveDuplicates()
                    .isSorted();
        }
    }

    @Test
    void samplesAllIdentitiesWithAFractionOfOne() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(rows(Tensors.labels(0), 1, 3, 1)).containsExactly(0, 1, 2);
            assertThat(rows(Tensors.labels(0), 1, 1, 1)).containsExactly(0);
        }
    }

    @Test
    void samplesOnlyTheBatchsIdentitiesIfTheyAreMore() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(rows(Tensors.labels(7, 99, 7, 0), 0.02, 100, 1)).containsExactly(0, 7, 99); // more than 2
            assertThat(rows(Tensors.labels(1), 1e-9, 100, 1)).containsExactly(1);
        }
    }

    @Test
    void samplesAllSubCentersOfAnIdentity() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(rows(Tensors.labels(2, 0), 0.5, 5, 3)).containsExactly(0, 1, 2, 6, 7, 8);
        }
    }

    @Test
    void samplesOtherIdentitiesUniformly() {
        try (PointerScope scope = new PointerScope()) {
            int[] times = new int[20];
            for (int i = 0; i < 600; i++) {
                try (PointerScope each = new PointerScope()) {
                    DoubleStream.of(rows(Tensors.labels(3), 0.25, 20, 1)).forEach(row -> times[(int) row]++);
                }
            }
            assertThat(times[3]).isEqualTo(600);
            times[3] = 126;
            // 4 of the other 19 in each round: 126 on average, with a standard deviation of 10
            assertThat(Arrays.stream(times).boxed().toList())
                    .allSatisfy(n -> assertThat((double) n).isCloseTo(126, within(50.0)));
        }
    }

    @Test
    void equalSeedsSampleEqualIdentities() {
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(9);
            double[] first = rows(Tensors.labels(3), 0.25, 200, 1);
            double[] second = rows(Tensors.labels(3), 0.25, 200, 1);
            torch.manual_seed(9);
            assertThat(rows(Tensors.labels(3), 0.25, 200, 1)).isEqualTo(first);
            assertThat(second).isNotEqualTo(first);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStepWithAllIdentitiesEqualsThatOfTheWholeHead(boolean chunked) {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(5, SIZE);
            Tensor labels = Tensors.labels(8, 1, 1, 0, 5);
            MarginSoftmax whole = head(9, 2);
            MarginSoftmax partial = head(9, 2);
            partial.setPartialFraction(1);
            if (chunked) {
                whole.setChunks(new ClassChunks(4, 0, false));
                partial.setChunks(new ClassChunks(4, 0, false));
            }
            Head.Output expected = whole.forward(x, labels);
            Head.Output actual = partial.forward(x, labels);
            expected.loss().backward();
            actual.loss().backward();

            assertThat(actual.loss().item_double()).isEqualTo(expected.loss().item_double());
            MarginSoftmax.SampledRows sampled = partial.sampled().orElseThrow();
            assertThat(Tensors.values(sampled.values().grad()))
                    .isEqualTo(Tensors.values(whole.parameters().get(0).grad()));
            assertThat(partial.parameters().get(0).grad().defined()).isFalse();
            assertThat(Tensors.values(actual.ranks().orElseThrow()))
                    .isEqualTo(Tensors.values(Ranks.of(expected.scores(), labels)));
            assertThat(Tensors.values(actual.scores())).isEqualTo(Tensors.values(expected.scores()));
        }
    }

    @Test
    void aStepWithAFractionEqualsThatOfAHeadOfThoseIdentities() {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(2, SIZE);
            MarginSoftmax partial = head(40, 1);
            partial.setPartialFraction(0.2);
            double loss = partial.forward(x, Tensors.labels(39, 4)).loss().item_double();
            MarginSoftmax.SampledRows sampled = partial.sampled().orElseThrow();
            double[] rows = Tensors.values(sampled.rows());
            assertThat(rows).hasSize(8);

            MarginSoftmax small = head(8, 1);
            small.parameters().get(0).set_data(sampled.values().detach());
            Tensor labels = Tensors.labels(7, Arrays.binarySearch(rows, 4));
            assertThat(loss).isEqualTo(small.forward(x, labels).loss().item_double());
            for (int i = 0; i < 8; i++) {
                assertThat(Tensors.values(sampled.values().get(i)))
                        .isEqualTo(Tensors.values(partial.parameters().get(0).get((long) rows[i])));
            }
        }
    }

    @Test
    void allIdentitiesCountOutsideTraining() {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(3, SIZE);
            Tensor labels = Tensors.labels(39, 4, 0);
            MarginSoftmax whole = head(40, 1);
            MarginSoftmax partial = head(40, 1);
            partial.setPartialFraction(0.2);
            whole.train(false);
            partial.train(false);
            assertThat(partial.forward(x, labels).loss().item_double())
                    .isEqualTo(whole.forward(x, labels).loss().item_double());
            assertThat(partial.sampled()).isEmpty();
            partial.train(true);
            partial.forward(x, labels);
            assertThat(partial.sampled()).isPresent();
            partial.train(false); // as a freezer does: the tensors of the step before are closed
            partial.forward(x, labels);
            assertThat(partial.sampled()).isEmpty();
        }
    }

    @Test
    void theSampleOfAFrozenHeadGetsNoGradient() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax partial = head(40, 1);
            partial.setPartialFraction(0.2);
            partial.parameters().get(0).set_requires_grad(false);
            Tensor x = torch.randn(1, SIZE);
            x.set_requires_grad(true);
            partial.forward(x, Tensors.labels(1)).loss().backward();
            assertThat(partial.sampled().orElseThrow().values().grad().defined())
                    .isFalse();
        }
    }

    @Test
    void rejectsFractionsOutOfRange() {
        for (double fraction : new double[] {0, -0.1, 1.1, Double.NaN}) {
            MarginSoftmax head = head(2, 1);
            assertThatThrownBy(() -> head.setPartialFraction(fraction))
                    .hasMessage("partialFraction must be in (0, 1], but was " + fraction);
        }
    }
}
