package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every encoder must keep to. */
class BackboneContractTest {
    /** Parameters with torchvision's 1,000 outputs, as its documentation gives them. */
    private static final Map<Encoder, Long> PARAMETERS =
            Map.of(Encoder.RESNET18, 11_689_512L, Encoder.RESNET34, 21_797_672L, Encoder.RESNET50, 25_557_032L);

    @ParameterizedTest
    @EnumSource
    void hasThePapersNumberOfParameters(Encoder encoder) {
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(1000));
                PointerScope scope = new PointerScope()) {
            long count = NamedTensors.parameters(net).values().stream()
                    .mapToLong(Tensor::numel)
                    .sum();
            assertThat(count).isEqualTo(PARAMETERS.get(encoder));
        }
    }

    @ParameterizedTest
    @EnumSource
    void embedsPicturesOfManySizesWithoutNan(Encoder encoder) {
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(24))) {
            net.eval();
            for (int size : new int[] {112, 128, 160, 224}) {
                try (PointerScope scope = new PointerScope();
                        NoGradGuard noGrad = new NoGradGuard()) {
                    Tensor embedding = net.forward(torch.rand(2, 3, size, size));
                    assertThat(embedding.size(0)).isEqualTo(2);
                    assertThat(embedding.size(1)).isEqualTo(net.embeddingSize()).isEqualTo(24);
                    assertThat(embedding.isfinite().all().item_bool()).isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyParameterGetsAGradient(Encoder encoder) {
        torch.manual_seed(1);
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(24));
                PointerScope scope = new PointerScope()) {
            net.train(true);
            net.forward(torch.rand(4, 3, 112, 112)).square().sum().backward();
            NamedTensors.parameters(net).forEach((name, parameter) -> {
                assertThat(parameter.grad().defined()).as(name).isTrue();
                assertThat(parameter.grad().isfinite().all().item_bool())
                        .as(name)
                        .isTrue();
                assertThat(parameter.grad().abs().max().item_double()).as(name).isPositive();
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void inEvaluationAPictureDoesNotDependOnItsCompany(Encoder encoder) {
        torch.manual_seed(1);
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(24));
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = torch.rand(3, 3, 112, 112);
            net.eval();
            Tensor together = net.forward(images).narrow(0, 1, 1);
            Tensor alone = net.forward(images.narrow(0, 1, 1).contiguous());
            double scale = alone.abs().max().item_double();
            assertThat(together.sub(alone).abs().max().item_double()).isCloseTo(0, within(1e-4 * scale));

            net.train(true);
            Tensor training = net.forward(images).narrow(0, 1, 1);
            assertThat(training.sub(alone).abs().max().item_double()).isGreaterThan(1e-2 * scale);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theLayoutOfWeightsChangesOnlyRounding(Encoder encoder) {
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(24));
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            net.eval();
            Tensor images = torch.rand(2, 3, 112, 112);
            Tensor contiguous = net.forward(images);
            net.setChannelsLast(true);
            Tensor last = net.forward(images.contiguous(MemoryFormat.ChannelsLast));
            double scale = contiguous.abs().max().item_double();
            assertThat(last.sub(contiguous).abs().max().item_double()).isLessThan(1e-4 * scale);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theLastLayerIsReplacedByNameByOneOrSeveral(Encoder encoder) {
        String last = encoder.lastLayerName();
        try (Backbone net = encoder.create(last, List.of(64, 24));
                PointerScope scope = new PointerScope()) {
            Map<String, Tensor> named = NamedTensors.parameters(net);
            assertThat(named).containsKeys(last + ".0.weight", last + ".1.bias").doesNotContainKey(last + ".weight");
            assertThat(net.embeddingSize()).isEqualTo(24);
        }
        assertThatThrownBy(() -> encoder.create("head", List.of(24)))
                .hasMessage("last layer must be \"" + last + "\" for this backbone, but was \"head\"");
        assertThatThrownBy(() -> encoder.create(last, List.of(24, 0)))
                .hasMessage("embeddingSize must be at least 1, but was 0");
        assertThatThrownBy(() -> encoder.create(last, List.of()))
                .hasMessage("sizes must name at least one layer, but was empty");
    }

    @Test
    void encodersAreFoundByName() {
        assertThat(Encoder.of("ResNet34")).isEqualTo(Encoder.RESNET34);
        assertThatThrownBy(() -> Encoder.of("resnet38"))
                .hasMessage("encoder must be one of resnet18, resnet34, resnet50, but was \"resnet38\"");
    }
}
