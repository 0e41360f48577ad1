package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.ClassShard;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Test;

class BufferCopiesTest {
    /** The first of two ranks with two identities each; a restored head exchanges nothing. */
    private static final class FirstHalf implements ClassShard {
        @Override
        public int from() {
            return 0;
        }

        @Override
        public int to() {
            return 2;
        }

        @Override
        public void sum(Tensor mine) {
            throw new AssertionError();
        }

        @Override
        public Tensor gather(Tensor mine) {
            throw new AssertionError();
        }
    }

    /** An error about shapes took the place of why a training had failed, and the rest was not restored. */
    @Test
    void aHeadThatIsSpreadMeanwhileIsLeftOut() {
        try (PointerScope scope = new PointerScope();
                Module net = new Module("net")) {
            MarginSoftmax head = new MarginSoftmax(4, 8, new ArcFaceMargin(8, 0.2));
            Tensor statistics = net.register_buffer("statistics", Tensor.create(1f, 2f));
            net.register_module("head", head);
            try (BufferCopies copies = BufferCopies.withHead(net)) {
                double first = sum(net);
                change(net);
                copies.restore(net);
                assertThat(sum(net)).isEqualTo(first);

                head.shard(new FirstHalf());
                change(net);
                copies.restore(net);
                assertThat(NamedTensors.of(net).get("head.weight").size(0)).isEqualTo(2);
                assertThat(statistics.sum().item_float()).isEqualTo(3);
            }
        }
    }

    private static void change(Module net) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            NamedTensors.of(net).values().forEach(tensor -> tensor.add_(new Scalar(1)));
        }
    }

    private static double sum(Module net) {
        return NamedTensors.of(net).values().stream()
                .mapToDouble(tensor -> tensor.sum().item_double())
                .sum();
    }
}
