package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.losses.ChunkedHeads.SIZE;
import static org.facerecognition.losses.ChunkedHeads.assertClose;
import static org.facerecognition.losses.ChunkedHeads.chunks;
import static org.facerecognition.losses.ChunkedHeads.embeddings;
import static org.facerecognition.losses.ChunkedHeads.head;
import static org.facerecognition.losses.ChunkedHeads.labels;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.ChunkedHeads.EverythingMargin;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** When backward may be called after a forward pass in chunks, which gradients it sets, and what it keeps. */
class ChunkedBackwardTest {
    @Test
    void aFrozenEncoderGetsNoGradient() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4));
            head.setChunks(ClassChunks.DEFAULT);
            Tensor x = embeddings(3);
            head.forward(x, Tensors.labels(1, 2, 3)).loss().backward();
            assertThat(head.parameters().get(0).grad().defined()).isTrue();
            assertThat(x.grad().defined()).isFalse();
        }
    }

    @Test
    void frozenCentersGetNoGradient() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4));
            head.setChunks(ClassChunks.DEFAULT);
            Tensor weight = head.parameters().get(0);
            weight.set_requires_grad(false);
            Tensor x = embeddings(3);
            x.set_requires_grad(true);
            head.forward(x, Tensors.labels(1, 2, 3)).loss().backward();
            assertThat(weight.grad().defined()).isFalse();
            assertThat(x.grad().defined()).isTrue();
        }
    }

    @Test
    void backwardPassesMayComeInAnyOrder() {
        try (PointerScope scope = new PointerScope()) {
            Tensor a = embeddings(3);
            Tensor b = embeddings(2);
            double[][] gradients = new double[2][];
            for (int i = 0; i < 2; i++) {
                MarginSoftmax head = head(11, new EverythingMargin(10));
                if (i == 1) {
                    head.setChunks(chunks(4, 1 << 20));
                }
                Tensor first = head.forward(a, Tensors.labels(1, 10, 3)).loss();
                Tensor second = head.forward(b, Tensors.labels(0, 5)).loss();
                second.backward();
                first.backward();
                gradients[i] = Tensors.values(head.parameters().get(0).grad());
            }
            assertClose(gradients[1], gradients[0], 1e-12);
        }
    }

    @Nested
    class Rejects {
        @Test
        void aSecondBackwardThroughOneLoss() {
            try (PointerScope scope = new PointerScope()) {
                Tensor loss = loss(chunkedHead());
                loss.backward();
                assertThatThrownBy(loss::backward).hasMessageContaining("backward through the graph a second time");
            }
        }

        @Test
        void backwardAfterTheCentersChanged() {
            try (PointerScope scope = new PointerScope()) {
                MarginSoftmax head = chunkedHead();
                Tensor loss = loss(head);
                try (NoGradGuard noGrad = new NoGradGuard()) {
                    head.parameters().get(0).add_(new Scalar(1.0));
                }
                assertThatThrownBy(loss::backward)
                        .hasMessageContaining("the centers must not be changed between forward and backward");
            }
        }

        @Test
        void backwardAfterTooManyOtherForwardPasses() {
            try (PointerScope scope = new PointerScope()) {
                MarginSoftmax head = chunkedHead();
                Tensor oldest = loss(head);
                for (int i = 0; i < ChunkedPasses.MAX_WAITING; i++) {
                    loss(head);
                }
                assertThatThrownBy(oldest::backward)
                        .hasMessageContaining("backward must be called once for each forward of a head, before 8 more");
            }
        }

        private static MarginSoftmax chunkedHead() {
            MarginSoftmax head = head(11, new ArcFaceMargin(10, 0.4));
            head.setChunks(ClassChunks.DEFAULT);
            return head;
        }

        private static Tensor loss(MarginSoftmax head) {
            return head.forward(embeddings(3), Tensors.labels(1, 2, 3)).loss();
        }
    }

    /** As where another process has failed: six tensors used to stay. */
    @Test
    void aForwardPassThatFailsKeepsNothing() {
        ClassShard failing = new ClassShard() {
            @Override
            public int from() {
                return 0;
            }

            @Override
            public int to() {
                return 11;
            }

            @Override
            public void sum(Tensor mine) {
                throw new IllegalStateException("a process has failed");
            }

            @Override
            public Tensor gather(Tensor mine) {
                throw new IllegalStateException("a process has failed");
            }
        };
        try (MarginSoftmax head = new MarginSoftmax(11, SIZE, new ArcFaceMargin(10, 0.4))) {
            head.shard(failing);
            long kept = kept(() -> assertThatThrownBy(() -> head.forward(torch.randn(3, SIZE), Tensors.labels(1, 2, 3)))
                    .hasMessage("a process has failed"));
            assertThat(kept).isLessThan(20);
        }
    }

    /** As where a training ends because the loss is not finite. */
    @Test
    void aForwardPassWithoutABackwardPassCanBeForgotten() {
        try (MarginSoftmax head = new MarginSoftmax(11, SIZE, new ArcFaceMargin(10, 0.4))) {
            head.setChunks(ClassChunks.DEFAULT);
            Runnable forward = () -> {
                Tensor x = torch.randn(3, SIZE);
                x.set_requires_grad(true);
                head.forward(x, Tensors.labels(1, 2, 3));
            };
            try (PointerScope scope = new PointerScope()) {
                forward.run();
                head.forgetForward();
            }
            long before = Pointer.totalCount();
            try (PointerScope scope = new PointerScope()) {
                forward.run();
                forward.run();
                head.forgetForward();
            }
            assertThat(Pointer.totalCount() - before).isLessThan(5);
        }
    }

    /** Returns how many native objects are left by 20 runs. */
    private static long kept(Runnable work) {
        long before = 0;
        for (int i = 0; i <= 20; i++) {
            try (PointerScope scope = new PointerScope()) {
                work.run();
            }
            if (i == 0) {
                before = Pointer.totalCount();
            }
        }
        return Pointer.totalCount() - before;
    }

    @Test
    void manyStepsDoNotLeakMemory() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = head(3000, new EverythingMargin(10), 1, ScalarType.Float);
            head.setChunks(chunks(512, 1 << 18));
            long[] counts = new long[3];
            long[] bytes = new long[3];
            for (int i = 0; i < 3; i++) {
                for (int step = 0; step < (i == 2 ? 24 : 8); step++) {
                    step(head);
                }
                System.gc();
                counts[i] = Pointer.totalCount();
                bytes[i] = Pointer.physicalBytes();
            }
            assertThat(counts[2]).isLessThanOrEqualTo(counts[1]); // other tests leave some to the garbage collector
            // the kept cosines of one step alone are 0.7 MB, and there are 24 steps
            assertThat(bytes[2] - bytes[1]).isLessThan(10L << 20);
        }
    }

    private static void step(MarginSoftmax head) {
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(64, SIZE);
            x.set_requires_grad(true);
            Head.Output output = head.forward(x, labels(64, 3000));
            output.loss().backward();
            head.forward(x, labels(64, 3000)); // without a backward pass
            try (NoGradGuard noGrad = new NoGradGuard()) {
                head.forward(x, labels(64, 3000));
            }
        }
    }
}
