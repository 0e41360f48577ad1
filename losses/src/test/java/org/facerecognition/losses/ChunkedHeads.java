package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Heads, batches and training steps for the tests of the chunked softmax. */
final class ChunkedHeads {
    /** The embedding size, D. */
    static final int SIZE = 6;

    private ChunkedHeads() {}

    static ClassChunks chunks(int classes, long keptBytes) {
        return new ClassChunks(classes, keptBytes, false);
    }

    static MarginSoftmax head(int classes, Margin margin, int subCenters, ScalarType type) {
        torch.manual_seed(3);
        MarginSoftmax head = new MarginSoftmax(classes, SIZE, margin, subCenters, CrossEntropy.PLAIN);
        head.to(type, false);
        head.train(true);
        return head;
    }

    static MarginSoftmax head(int classes, Margin margin) {
        return head(classes, margin, 1, ScalarType.Double);
    }

    /** [B, D], double. */
    static Tensor embeddings(int batch) {
        return torch.randn(batch, SIZE).to(ScalarType.Double);
    }

    /** [B], the last class among them. */
    static Tensor labels(int batch, int classes) {
        long[] labels = new long[batch];
        for (int i = 0; i < batch; i++) {
            labels[i] = (classes - 1 - 3L * i % classes + classes) % classes;
        }
        return Tensors.labels(labels);
    }

    /**
     * The results of a training step.
     *
     * @param toX the gradient of the embeddings
     * @param toW the gradient of the centers
     */
    record Step(double loss, double[] toX, double[] toW, double[] ranks) {
        void isCloseTo(Step other, double relative) {
            isCloseTo(other, relative, 0);
        }

        /** @param ulp how much rounding to the type of the embeddings may change their gradients, relative to each */
        void isCloseTo(Step other, double relative, double ulp) {
            assertThat(loss).isCloseTo(other.loss, within(relative * Math.max(1, Math.abs(other.loss))));
            assertClose(toX, other.toX, relative, ulp);
            assertClose(toW, other.toW, relative, 0);
        }
    }

    static void assertClose(double[] actual, double[] expected, double relative) {
        assertClose(actual, expected, relative, 0);
    }

    private static void assertClose(double[] actual, double[] expected, double relative, double ulp) {
        double largest = 1e-3;
        for (double one : expected) {
            largest = Math.max(largest, Math.abs(one));
        }
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(relative * largest + ulp * Math.abs(expected[i])));
        }
    }

    /** One forward and backward pass per factor of the loss; gradients are added up. */
    static Step step(MarginSoftmax head, Tensor x, Tensor labels, double... factors) {
        Tensor leaf = x.detach().clone();
        leaf.set_requires_grad(true);
        double loss = 0;
        double[] ranks = {};
        torch.manual_seed(8); // for random margins
        for (double factor : factors) {
            Head.Output output = head.forward(leaf, labels);
            loss = output.loss().item_double();
            output.loss().mul(new Scalar(factor)).backward();
            ranks = output.ranks().map(Tensors::values).orElse(ranks);
        }
        Tensor weight = head.parameters().get(0);
        return new Step(loss, Tensors.values(leaf.grad()), Tensors.values(weight.grad()), ranks);
    }

    /**
     * A margin that uses everything a margin may use: negatives, norms, a penalty, a state, the sum over the negatives.
     */
    record EverythingMargin(double s) implements Margin {
        @Override
        public Tensor apply(Targets targets) {
            Tensor m = targets.norms().mul(new Scalar(0.05)).add(targets.state().get("t"));
            return targets.cosine().sub(m.mul(targets.cosine()));
        }

        @Override
        public Margin scaledBy(double factor) {
            return this;
        }

        @Override
        public Map<String, Double> state() {
            return Map.of("t", 0.1);
        }

        @Override
        public void observe(Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {
            Tensor scale =
                    torch.scalar_tensor(new Scalar(2.0)).to(targets.cosine().scalar_type());
            Tensor mean = negativesLogSumExp.apply(scale).exp().log1p().mean();
            targets.state().get("t").copy_(mean.mul(new Scalar(0.01)));
        }

        @Override
        public boolean changesNegatives() {
            return true;
        }

        @Override
        public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
            Tensor weighted = cosines.mul(cosines.add(targets.state().get("t")));
            return torch.where(cosines.gt(targetWithMargin.unsqueeze(1)), weighted, cosines);
        }

        @Override
        public Tensor penalty(Targets targets) {
            return targets.norms()
                    .reciprocal()
                    .mean()
                    .add(targets.cosine().mean().mul(new Scalar(0.3)));
        }
    }
}
