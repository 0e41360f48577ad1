package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PlainArcFaceTest {
    @BeforeAll
    static void natives() {
        Libtorch.load();
    }

    private interface Loss {
        Tensor of(Tensor embeddings, Tensor centers, Tensor labels);
    }

    @Test
    void hasTheLossAndTheGradientsOfMarginSoftmax() {
        assertEquals(PlainArcFace::loss);
    }

    @Test
    void hasThemWithTheMarginOnAllCosinesToo() {
        assertEquals(PlainArcFace::lossOverAll);
    }

    private static void assertEquals(Loss plain) {
        try (PointerScope scope = new PointerScope();
                MarginSoftmax head = new MarginSoftmax(30, 8, new ArcFaceMargin(64, 0.5))) {
            torch.manual_seed(0);
            head.train(true);
            Tensor weight = new Tensor(head.parameters().get(0));
            Tensor labels = torch.arange(new Scalar(5)).to(ScalarType.Long);
            Tensor values = torch.randn(5, 8);
            Tensor opposite = weight.detach().select(0, 4).neg();
            values.select(0, 4).copy_(opposite.add(values.select(0, 4).mul(new Scalar(0.01)))); // margin beyond pi
            Tensor x = values.clone();
            x.set_requires_grad(true);
            Tensor expected = head.forward(x, labels).loss();
            expected.backward();
            Tensor expectedX = x.grad().clone();
            Tensor expectedWeight = weight.grad().clone();
            weight.mutable_grad().put(new Tensor());
            x.mutable_grad().put(new Tensor());

            Tensor loss = plain.of(x, weight, labels);
            loss.backward();
            assertThat(loss.item_float()).isCloseTo(expected.item_float(), within(1e-4f));
            assertThat(x.grad().allclose(expectedX, 1e-3, 1e-4, false)).isTrue();
            assertThat(weight.grad().allclose(expectedWeight, 1e-3, 1e-4, false))
                    .isTrue();
        }
    }
}
