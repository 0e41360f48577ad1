package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.ModuleApplyFunction;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract that every encoder fulfills. */
class BackboneContractTest {
    /**
     * Numbers of parameters from the documentation of the origin: torchvision's with 1,000 outputs, insightface's with
     * 512 (which count the fixed scale of the last normalization), MobileFaceNet's weights with 128.
     */
    private static final Map<Encoder, Long> PARAMETERS = new EnumMap<>(Map.ofEntries(
            Map.entry(Encoder.RESNET18, 11_689_512L),
            Map.entry(Encoder.RESNET34, 21_797_672L),
            Map.entry(Encoder.RESNET50, 25_557_032L),
            Map.entry(Encoder.RESNET101, 44_549_160L),
            Map.entry(Encoder.RESNET152, 60_192_808L),
            Map.entry(Encoder.EFFICIENTNET_B0, 5_288_548L),
            Map.entry(Encoder.EFFICIENTNET_V2_M, 54_139_356L),
            Map.entry(Encoder.IRESNET18, 24_025_600L),
            Map.entry(Encoder.IRESNET34, 34_139_328L),
            Map.entry(Encoder.IRESNET50, 43_590_848L),
            Map.entry(Encoder.IRESNET100, 65_156_160L),
            Map.entry(Encoder.MOBILEFACENET, 999_936L)));

    /**
     * Returns a network whose activations stay finite. insightface's N(0, 0.1) relies on the running statistics of
     * batch normalization, and overflows in evaluation mode before these have seen some batches.
     */
    private static Backbone bounded(Encoder encoder, BackboneOptions options) {
        Backbone net = encoder.create(encoder.lastLayerName(), List.of(24), options);
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            NamedTensors.parameters(net).values().stream()
                    .filter(weight -> encoder.origin() == Encoder.Origin.INSIGHTFACE && weight.dim() == 4)
                    .forEach(weight -> weight.mul_(new Scalar(5 / Math.sqrt(weight.numel() / weight.size(0)))));
        }
        return net;
    }

    @Test
    void findsEncodersByIdInAnyCase() {
        assertThat(Encoder.of("ResNet34")).isEqualTo(Encoder.RESNET34);
        assertThatThrownBy(() -> Encoder.of("resnet38"))
                .hasMessage(
                        "encoder must be one of resnet18, resnet34, resnet50, resnet101, resnet152, efficientnet_b0,"
                                + " efficientnet_v2_m, iresnet18, iresnet34, iresnet50, iresnet100, mobilefacenet,"
                                + " but was \"resnet38\"");
    }

    @ParameterizedTest
    @EnumSource
    void hasTheNumberOfParametersOfItsOrigin(Encoder encoder) {
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(encoder.originalOutputs()));
                PointerScope scope = new PointerScope()) {
            long count = NamedTensors.parameters(net).values().stream()
                    .mapToLong(Tensor::numel)
                    .sum();
            assertThat(count).isEqualTo(PARAMETERS.get(encoder));
        }
    }

    /** A batch normalization that trains on would let the images of a batch change each other's embeddings. */
    @ParameterizedTest
    @EncodersToTest
    void aNewLastLayerEvaluatesWithTheOthers(Encoder encoder) {
        try (Backbone net = bounded(encoder, new BackboneOptions(64, false, 0.5));
                PointerScope scope = new PointerScope()) {
            net.eval();
            net.replaceLastLayer(net.lastLayerName(), 8);
            net.apply(new ModuleApplyFunction() {
                @Override
                public void call(Module module) {
                    assertThat(module.is_training())
                            .as(module.name().getString())
                            .isFalse();
                }
            });
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void embedsImagesOfSeveralSizesWithoutNan(Encoder encoder) {
        for (int size : new int[] {112, 128, 160, 224}) {
            BackboneOptions options = new BackboneOptions(size, false, 0);
            try (Backbone net = bounded(encoder, options)) {
                net.eval();
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
    @EncodersToTest
    void everyParameterGetsAGradient(Encoder encoder) {
        torch.manual_seed(1);
        try (Backbone net = bounded(encoder, BackboneOptions.DEFAULT);
                PointerScope scope = new PointerScope()) {
            net.train(true);
            net.forward(torch.rand(4, 3, 112, 112)).square().sum().backward();
            NamedTensors.parameters(net).forEach((name, parameter) -> {
                if (encoder.origin() == Encoder.Origin.INSIGHTFACE && name.equals("features.weight")) {
                    assertThat(parameter.requires_grad()).as(name).isFalse(); // fixed at 1
                    return;
                }
                assertThat(parameter.grad().defined()).as(name).isTrue();
                assertThat(parameter.grad().isfinite().all().item_bool())
                        .as(name)
                        .isTrue();
                assertThat(parameter.grad().abs().max().item_double()).as(name).isPositive();
            });
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void evaluationDoesNotDependOnTheRestOfTheBatch(Encoder encoder) {
        torch.manual_seed(1);
        try (Backbone net = bounded(encoder, BackboneOptions.DEFAULT);
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
    @EncodersToTest
    void channelsLastChangesOnlyRounding(Encoder encoder) {
        try (Backbone net = bounded(encoder, BackboneOptions.DEFAULT);
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
    void replacesTheLastLayerWithOneOrSeveral(Encoder encoder) {
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
    void theTableInTheReadmeListsAllEncoders() throws IOException {
        List<String> rows = Files.readAllLines(Path.of("README.md")).stream()
                .filter(line -> line.matches("\\| `[a-z0-9_]+` \\|.* M \\|.*"))
                .toList();
        assertThat(rows)
                .containsExactlyElementsOf(Arrays.stream(Encoder.values())
                        .map(encoder -> String.format(
                                Locale.ROOT,
                                "| `%s` | %s | %.1f M | `%s`, %d |",
                                encoder.id(),
                                encoder.origin().name().toLowerCase(Locale.ROOT),
                                PARAMETERS.get(encoder) / 1e6,
                                encoder.lastLayerName(),
                                encoder.originalOutputs()))
                        .toList());
    }
}
