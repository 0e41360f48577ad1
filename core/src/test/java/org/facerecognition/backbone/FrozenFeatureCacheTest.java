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
import org.facerecognition.natives.Libtorch;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The cache of frozen features, and networks run in two parts, on which it is built. */
class FrozenFeatureCacheTest {
    private static final String LAYER = "features.9";
    private static final long UNLIMITED_BYTES = 1 << 30;
    private static final long FEATURE_BYTES = 128 * 4 * 4 * 4; // of one image before LAYER: [128, 4, 4], float

    private static Tensor images(int count) {
        return torch.randn(count, 3, SIZE_PX, SIZE_PX);
    }

    private static double relativeDifference(Tensor a, Tensor b) {
        return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
    }

    private static Tensor parameter(Backbone net, String name) {
        return NamedTensors.parameters(net).get(name);
    }

    private static void zeroFirstLayer(Backbone net) {
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
        "EFFICIENTNET_B0, features.3.1",
        "RESNET18, fc",
        "IRESNET18, fc",
        "MOBILEFACENET, conv3",
        "EFFICIENTNET_B0, classifier.1",
        "EFFICIENTNET_B0, classifier"
    })
    void twoPartsGiveTheOutputOfTheWholeNetwork(Encoder encoder, String layer) {
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
    void cachedImagesAreNotComputedAgain() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache cache = new FrozenFeatureCache(net, LAYER, UNLIMITED_BYTES);
                PointerScope scope = new PointerScope()) {
            Tensor cached = images(4);
            Tensor expected = net.forward(cached);
            assertThat(relativeDifference(cache.embed(cached), expected)).isLessThan(1e-5);
            assertThat(cache.size()).isEqualTo(4);
            zeroFirstLayer(net); // images computed from here on get a different embedding
            Tensor fresh = images(2);
            Tensor mixed = torch.cat(new TensorVector(fresh, cached), 0);
            Tensor embedded = cache.embed(mixed);
            assertThat(relativeDifference(embedded.narrow(0, 2, 4), expected)).isLessThan(1e-5);
            assertThat(relativeDifference(embedded.narrow(0, 0, 2), net.forward(fresh)))
                    .isLessThan(1e-5);
            assertThat(relativeDifference(net.forward(cached), expected)).isGreaterThan(1e-2);
            assertThat(cache.size()).isEqualTo(6);
        }
    }

    @Test
    void imagesThatDifferInOnePixelAreCachedSeparately() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache cache = new FrozenFeatureCache(net, LAYER, UNLIMITED_BYTES);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(1);
            cache.embed(images);
            images.view(-1).narrow(0, 100, 1).add_(torch.ones(1));
            cache.embed(images);
            cache.embed(images);
            assertThat(cache.size()).isEqualTo(2);
        }
    }

    @Test
    void imagesBeyondTheCapacityAreComputedEachTime() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache cache = new FrozenFeatureCache(net, LAYER, 3 * FEATURE_BYTES + 1);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(5);
            cache.embed(images);
            assertThat(cache.size()).isEqualTo(3);
            assertThat(relativeDifference(cache.embed(images), net.forward(images)))
                    .isLessThan(1e-5);
            assertThat(cache.size()).isEqualTo(3);
        }
    }

    @Test
    void trainedLayersGetTheGradientsOfTheWholeNetwork() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                FrozenFeatureCache cache = new FrozenFeatureCache(net, LAYER, UNLIMITED_BYTES);
                PointerScope scope = new PointerScope()) {
            Tensor images = images(3);
            net.forward(images).square().sum().backward();
            Tensor expected =
                    parameter(net, "features.9.conv.0.0.weight").grad().clone();
            NamedTensors.parameters(net)
                    .values()
                    .forEach(parameter -> parameter.mutable_grad().reset());
            cache.embed(images);
            cache.embed(images).square().sum().backward();
            assertThat(relativeDifference(
                            parameter(net, "features.9.conv.0.0.weight").grad(), expected))
                    .isLessThan(1e-4);
            assertThat(parameter(net, "features.8.conv.0.0.weight").grad().defined())
                    .isFalse();
        }
    }

    @Test
    void rejectsUnknownLayersAndListsTheNames() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PointerScope scope = new PointerScope()) {
            assertThatThrownBy(() -> net.forwardBefore("layer2.1.conv2", images(1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(
                            "layer to split the network at must be one of [conv1, bn1, relu, maxpool, layer1.0,")
                    .hasMessageEndingWith("but was \"layer2.1.conv2\"");
        }
    }

    /**
     * A resumed training run meets its images in other batches than one that was never stopped. With one thread, as
     * with AVX, libtorch's kernels for some layers of EfficientNet round differently.
     */
    @ParameterizedTest
    @CsvSource({"RESNET18, layer3", "IRESNET18, layer4", "MOBILEFACENET, features.9", "EFFICIENTNET_B0, features.4"})
    void cachedFeaturesDoNotDependOnTheOtherImagesOfTheBatch(Encoder encoder, String layer) {
        int threads = torch.get_num_threads();
        torch.set_num_threads(2);
        try (Backbone net = CalmNets.make(encoder, 24);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = images(11);
            Tensor together;
            try (FrozenFeatureCache cache = new FrozenFeatureCache(net, layer, UNLIMITED_BYTES)) {
                cache.embed(images);
                together = cache.embed(images);
            }
            try (FrozenFeatureCache cache = new FrozenFeatureCache(net, layer, UNLIMITED_BYTES)) {
                for (long[] batch : new long[][] {{10, 1}, {3, 4}, {0, 11}}) { // some alone, some with others
                    cache.embed(images.narrow(0, batch[0], batch[1]));
                }
                Tensor apart = cache.embed(images);
                if (Libtorch.keptToAvx()) { // whose kernels for some layers of EfficientNet round differently
                    assertThat(relativeDifference(apart, together)).isLessThan(1e-5);
                } else {
                    assertThat(apart.equal(together)).isTrue();
                }
            }
        } finally {
            torch.set_num_threads(threads);
        }
    }
}
