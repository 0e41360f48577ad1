package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.inference.CalmNets.SIZE_PX;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.inference.CalmNets;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrozenMemoryTest {
    private static final String LAYER = "features.9";
    private static final long PLENTY = 1 << 30;
    private static final long PICTURE_BYTES = 128 * 4 * 4 * 4; // before features.9, of 32 pixels

    private static Tensor images(int count) {
        return torch.randn(count, 3, SIZE_PX, SIZE_PX);
    }

    private static double difference(Tensor a, Tensor b) {
        return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
    }

    private static Tensor parameter(Backbone net, String name) {
        return NamedTensors.parameters(net).get(name);
    }

    private static void forgetFirstLayer(Backbone net) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            parameter(net, "conv1.0.weight").zero_();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "RESNET18, layer3",
        "RESNET18, layer2.1",
        "RESNET50, maxpool",
        "IRESNET18, layer4",
        "IRESNET18, bn2",
        "MOBILEFACENET, features.9",
        "MOBILEFACENET, conv1",
        "EFFICIENTNET_B0, features.4",
        "EFFICIENTNET_B0, features.3.1"
    })
    void aNetRunInTwoPartsIsTheNet(Encoder encoder, String layer) {
        try (Backbone net = CalmNets.make(encoder, 24);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = images(3);
            Tensor whole = net.forward(images);
            assertThat(net.forwardFrom(layer, net.forwardBefore(layer, images)).equal(whole))
                    .isTrue();
        }
    }

    @Test
    void knownPicturesAreNotWorkedOnAgain() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache memory = new FrozenFeatureCache(net, LAYER, PLENTY);
                PointerScope scope = new PointerScope()) {
            Tensor known = images(4);
            Tensor expected = net.forward(known);
            assertThat(difference(memory.embed(known), expected)).isLessThan(1e-5);
            assertThat(memory.size()).isEqualTo(4);
            forgetFirstLayer(net); // who is computed now gets another embedding
            Tensor fresh = images(2);
            Tensor mixed = torch.cat(new TensorVector(fresh, known), 0);
            Tensor embedded = memory.embed(mixed);
            assertThat(difference(embedded.narrow(0, 2, 4), expected)).isLessThan(1e-5);
            assertThat(difference(embedded.narrow(0, 0, 2), net.forward(fresh))).isLessThan(1e-5);
            assertThat(difference(net.forward(known), expected)).isGreaterThan(1e-2);
            assertThat(memory.size()).isEqualTo(6);
        }
    }

    @Test
    void onePixelMakesAnotherPicture() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache memory = new FrozenFeatureCache(net, LAYER, PLENTY);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(1);
            memory.embed(images);
            images.view(-1).narrow(0, 100, 1).add_(torch.ones(1));
            memory.embed(images);
            memory.embed(images);
            assertThat(memory.size()).isEqualTo(2);
        }
    }

    @Test
    void onlyWhatThereIsRoomForIsKept() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache memory = new FrozenFeatureCache(net, LAYER, 3 * PICTURE_BYTES + 1);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(5);
            memory.embed(images);
            assertThat(memory.size()).isEqualTo(3);
            assertThat(difference(memory.embed(images), net.forward(images))).isLessThan(1e-5);
            assertThat(memory.size()).isEqualTo(3);
        }
    }

    @Test
    void gradientsAreThoseOfTheWholeNet() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache memory = new FrozenFeatureCache(net, LAYER, PLENTY);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(3);
            net.forward(images).square().sum().backward();
            Tensor expected =
                    parameter(net, "features.9.conv.0.0.weight").grad().clone();
            NamedTensors.parameters(net)
                    .values()
                    .forEach(parameter -> parameter.mutable_grad().reset());
            memory.embed(images);
            memory.embed(images).square().sum().backward();
            assertThat(difference(parameter(net, "features.9.conv.0.0.weight").grad(), expected))
                    .isLessThan(1e-4);
            assertThat(parameter(net, "features.8.conv.0.0.weight").grad().defined())
                    .isFalse();
        }
    }

    @Test
    void namesTheLayersThereAre() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PointerScope scope = new PointerScope()) {
            assertThatThrownBy(() -> net.forwardBefore("layer2.1.conv2", images(1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(
                            "layer to run a net from must be one of [conv1, bn1, relu, maxpool, layer1.0,")
                    .hasMessageEndingWith("but was \"layer2.1.conv2\"");
        }
    }

    /** A resumed training meets its images in other batches than one that was never stopped. */
    @ParameterizedTest
    @CsvSource({"RESNET18, layer3", "IRESNET18, layer4", "MOBILEFACENET, features.9", "EFFICIENTNET_B0, features.4"})
    void whatIsKeptOfAnImageDoesNotDependOnTheImagesBesideIt(Encoder encoder, String layer) {
        try (Backbone net = CalmNets.make(encoder, 24);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = images(11);
            Tensor together;
            try (FrozenFeatureCache memory = new FrozenFeatureCache(net, layer, PLENTY)) {
                memory.embed(images);
                together = memory.embed(images);
            }
            try (FrozenFeatureCache memory = new FrozenFeatureCache(net, layer, PLENTY)) {
                for (long[] batch : new long[][] {{10, 1}, {3, 4}, {0, 11}}) { // some met alone, some among others
                    memory.embed(images.narrow(0, batch[0], batch[1]));
                }
                assertThat(memory.embed(images).equal(together)).isTrue();
            }
        }
    }
}
