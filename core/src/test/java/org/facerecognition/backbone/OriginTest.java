package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Golden;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Networks against their Python originals. On both sides, the weights are a formula of a tensor's name and index;
 * {@code torch/make.py} is the Python side.
 */
class OriginTest {
    @ParameterizedTest
    @EncodersToTest
    void equalWeightsGiveEqualOutputsAndGradients(Encoder encoder) {
        assumeTrue(encoder != Encoder.MOBILEFACENET, "covered by OnnxRecognizerTest, with the weights of its origin");
        assumeTrue(
                encoder != Encoder.IRESNET34 && encoder != Encoder.IRESNET100,
                "covered by encoders of its family with fewer blocks");
        assumeTrue(
                encoder != Encoder.RESNET34 || Boolean.getBoolean("tests.long"),
                "covered by RESNET18, with fewer blocks; run it with -Dtests.long=true");
        assertEqual(encoder.id(), encoder, new BackboneOptions(64, false, 0));
    }

    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "RESNET50", "EFFICIENTNET_B0"})
    void equalWeightsGiveEqualOutputsAndGradientsForSmallFaces(Encoder encoder) {
        assertEqual(encoder.id() + " small", encoder, new BackboneOptions(64, true, 0));
    }

    private static void assertEqual(String golden, Encoder encoder, BackboneOptions options) {
        JsonNode expected = Golden.read("/torch/formula.json").get(golden);
        try (Backbone net = encoder.create(encoder.lastLayerName(), List.of(encoder.originalOutputs()), options);
                PointerScope scope = new PointerScope()) {
            net.to(ScalarType.Double, false);
            net.eval();
            Map<String, Tensor> named = NamedTensors.of(net);
            List<String> names = Golden.strings(expected.get("names"));
            assertThat(named.keySet()).containsExactlyInAnyOrderElementsOf(names);
            try (NoGradGuard noGrad = new NoGradGuard()) {
                for (int t = 0; t < names.size(); t++) {
                    setByFormula(names.get(t), t, named.get(names.get(t)));
                }
            }
            Tensor images = wave(2 * 3 * 64 * 64, 0.37, 0).reshape(2, 3, 64, 64);
            Tensor output = net.forward(images);
            output.square().mean().backward();

            close(output.narrow(1, 0, 40), expected.get("output"));
            expected.get("gradients")
                    .properties()
                    .forEach(gradient -> close(
                            named.get(gradient.getKey())
                                    .grad()
                                    .flatten()
                                    .narrow(0, 0, gradient.getValue().size()),
                            gradient.getValue()));
        }
    }

    private static void setByFormula(String name, int index, Tensor tensor) {
        if (!tensor.is_floating_point()) {
            return;
        }
        long[] shape = new long[(int) tensor.dim()];
        Arrays.setAll(shape, tensor::size);
        Tensor values = wave(tensor.numel(), 1.7, index).reshape(shape);
        if (shape.length > 1) {
            values = values.mul(new Scalar(Math.sqrt(2.0 / (tensor.numel() / (double) shape[0]))));
        } else if (name.endsWith("running_var") || name.endsWith("weight")) {
            values = values.mul(new Scalar(0.3)).add(new Scalar(1.0));
        } else {
            values = values.mul(new Scalar(0.1));
        }
        tensor.copy_(values);
    }

    private static Tensor wave(long count, double step, double from) {
        return torch.arange(new Scalar(count))
                .to(ScalarType.Double)
                .mul(new Scalar(step))
                .add(new Scalar(from))
                .sin();
    }

    private static void close(Tensor actual, JsonNode expectedJson) {
        Tensor flat = actual.detach().flatten().contiguous();
        double[] expected = Golden.numbers(expectedJson);
        double[] values = new double[expected.length];
        assertThat(flat.numel()).isEqualTo(expected.length);
        flat.data_ptr_double().get(values);
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(scale).isPositive();
        for (int i = 0; i < expected.length; i++) {
            assertThat(values[i]).as("value %d", i).isCloseTo(expected[i], within(1e-6 * scale));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EFFICIENTNET_B0", "EFFICIENTNET_V2_M", "RESNET101"})
    void equalSeedsGiveEqualWeights(Encoder encoder) {
        JsonNode expected = Golden.read("/torch/fresh.json").get(encoder.id());
        torch.manual_seed(5);
        BackboneOptions options = BackboneOptions.DEFAULT;
        try (Backbone net = switch (encoder) {
                    case EFFICIENTNET_B0 -> EfficientNet.b0(1000, options);
                    case EFFICIENTNET_V2_M -> EfficientNet.v2m(1000, options);
                    default -> ResNet.resnet101(1000, options);
                };
                PointerScope scope = new PointerScope()) {
            NamedTensors.parameters(net).forEach((name, tensor) -> {
                Tensor values = tensor.to(ScalarType.Double);
                double sum = expected.get(name).get(0).asDouble();
                double squares = expected.get(name).get(1).asDouble();
                assertThat(values.sum().item_double()).as(name).isCloseTo(sum, within(1e-4 * Math.max(1, squares)));
                assertThat(values.square().sum().item_double()).as(name).isCloseTo(squares, within(1e-5 * squares));
            });
        }
    }
}
