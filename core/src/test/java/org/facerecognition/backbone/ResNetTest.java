package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.StringSharedModuleDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Golden;
import org.facerecognition.SharedFiles;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** ResNets against torchvision: equal seeds give equal names, weights, outputs and gradients. */
class ResNetTest {
    @ParameterizedTest
    @CsvSource({"RESNET18, 1", "RESNET34, 1", "RESNET34, 2", "RESNET50, 1"})
    void equalsTorchvisionWithTheSameSeed(Encoder encoder, int linearLayers) {
        JsonNode expected = Golden.read("/torch/resnet.json").get(encoder.id() + " " + linearLayers);
        torch.manual_seed(7);
        try (Backbone net = encoder.create("fc", linearLayers == 1 ? List.of(32) : List.of(48, 32));
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.rand(2, 3, 96, 80).to(ScalarType.Double);
            net.to(ScalarType.Double, false);
            net.eval();
            close(net.forward(images), expected.get("output"), 1e-9);
            net.train(true);
            Tensor batch = net.forward(images);
            close(batch, expected.get("output in training"), 1e-9);
            batch.square().mean().backward();
            Map<String, Tensor> named = NamedTensors.of(net);
            close(
                    named.get("conv1.weight").grad().flatten().narrow(0, 0, 20),
                    expected.get("gradient of conv1.weight"),
                    1e-9);
            close(named.get("bn1.running_var"), expected.get("running_var of bn1"), 1e-9);

            assertThat(names(NamedTensors.parameters(net))).isEqualTo(Golden.strings(expected.get("parameters")));
            assertThat(children(net)).isEqualTo(Golden.strings(expected.get("children")));
            assertThat(named).hasSize(expected.get("shapes").size());
            named.forEach((name, tensor) -> assertThat(shape(tensor))
                    .as(name)
                    .isEqualTo(Golden.numbers(expected.get("shapes").get(name))));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "RESNET34", "RESNET50"})
    void givesTheOutputThatTorchvisionsTestsExpect(Encoder encoder) {
        close(
                outputWithSeedZero(encoder),
                Golden.numbers(Golden.read("/torch/expect.json").get(encoder.id())),
                1e-4);
    }

    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "RESNET34", "RESNET50"})
    void givesTheOutputInTorchvisionsExpectationFiles(Encoder encoder) throws IOException {
        Path file = SharedFiles.orSkip("fixtures/torchvision_expect/ModelTester.test_" + encoder.id() + "_expect.pkl");
        // torch's legacy format ends with the values of the last storage
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer values =
                ByteBuffer.wrap(bytes, bytes.length - 50 * 4, 50 * 4).order(ByteOrder.LITTLE_ENDIAN);
        double[] expected = new double[50];
        Arrays.setAll(expected, i -> values.getFloat());

        close(outputWithSeedZero(encoder), expected, 1e-4);
    }

    private static double[] outputWithSeedZero(Encoder encoder) {
        torch.manual_seed(0);
        try (Backbone net = switch (encoder) {
                    case RESNET18 -> ResNet.resnet18(50);
                    case RESNET34 -> ResNet.resnet34(50);
                    default -> ResNet.resnet50(50);
                };
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            net.eval();
            return values(net.forward(torch.rand(1, 3, 224, 224)));
        }
    }

    private static void close(Tensor actual, JsonNode expected, double relative) {
        close(values(actual), Golden.numbers(expected), relative);
    }

    /** Tolerances are relative to the largest value, since small values are differences of large ones. */
    private static void close(double[] actual, double[] expected, double relative) {
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("value %d", i).isCloseTo(expected[i], within(relative * scale));
        }
    }

    private static double[] values(Tensor tensor) {
        Tensor flat = tensor.detach().to(ScalarType.Double).contiguous();
        double[] values = new double[(int) flat.numel()];
        flat.data_ptr_double().get(values);
        return values;
    }

    private static double[] shape(Tensor tensor) {
        double[] shape = new double[(int) tensor.dim()];
        Arrays.setAll(shape, tensor::size);
        return shape;
    }

    private static List<String> names(Map<String, Tensor> tensors) {
        return new ArrayList<>(tensors.keySet());
    }

    private static List<String> children(Backbone net) {
        List<String> names = new ArrayList<>();
        StringSharedModuleDict children = net.named_children();
        for (long i = 0; i < children.size(); i++) {
            names.add(children.keys().get(i).getString());
        }
        return names;
    }
}
