package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Golden;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ParameterOptimizerTest {
    private static final float[] A = {0.5f, -1, 2};
    private static final float[] B = {1, -0.25f, 0, 3};

    private PointerScope scope;

    @BeforeEach
    void openScope() {
        scope = new PointerScope();
    }

    @AfterEach
    void closeScope() {
        scope.close();
    }

    static Stream<Arguments> optimizers() {
        return Stream.of(
                Arguments.of("adam 0", new Adam(1)),
                Arguments.of("adam 0.1", new Adam(1, 0.1)),
                Arguments.of("adamw 0.01", new AdamW(1, 0.01)),
                Arguments.of("adamw 1", new AdamW(1, 1)),
                Arguments.of("sgd 0 0 false", new Sgd(1, 0, 0)),
                Arguments.of("sgd 0.9 0.05 false", new Sgd(1, 0.9, 0.05)),
                Arguments.of("sgd 0.9 0.05 true", new Sgd(1, 0.9, 0.05, true)));
    }

    /** Two parameters in two groups, the second with ten times the rate. */
    private static final class Net {
        final Tensor a = parameter(A, 3);
        final Tensor b = parameter(B, 2, 2);
        final ParameterOptimizer optimizer;

        Net(OptimizerSettings settings) {
            optimizer = settings.over(List.of(
                    new ParameterGroup(Map.of("a", a), 1, settings.weightDecay()),
                    new ParameterGroup(Map.of("b", b), 10, settings.weightDecay())));
        }

        private static Tensor parameter(float[] values, long... shape) {
            Tensor tensor = Tensor.create(values).reshape(shape).clone();
            tensor.set_requires_grad(true);
            return tensor;
        }

        /** The golden file's gradients: b has none in steps 0, 1 and 5. */
        void step(int step) {
            a.mutable_grad().put(gradient(3, step));
            if (step == 0 || step == 1 || step == 5) {
                b.mutable_grad().put(new Tensor());
            } else {
                b.mutable_grad().put(gradient(4, step).reshape(2, 2));
            }
            optimizer.step(0.05 / (step + 1));
        }

        private static Tensor gradient(int size, int step) {
            float[] values = new float[size];
            for (int i = 0; i < size; i++) {
                values[i] = (float) (Math.sin(1.3 * i + step) * (i + 1));
            }
            return Tensor.create(values);
        }

        float[] values() {
            float[] values = new float[7];
            a.detach().data_ptr_float().get(values, 0, 3);
            b.detach().data_ptr_float().get(values, 3, 4);
            return values;
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void givesTorchsNumbers(String name, OptimizerSettings settings) {
        JsonNode expected = Golden.read("/torch/optimizers.json").get(name);
        Net net = new Net(settings);
        for (int step = 0; step < 10; step++) {
            net.step(step);
            float[] actual = net.values();
            double[] wanted = Golden.numbers(expected.get(step));
            for (int i = 0; i < 7; i++) {
                assertThat((double) actual[i]).as("step %d, value %d", step, i).isCloseTo(wanted[i], within(2e-5));
            }
        }
        net.optimizer.close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void goesOnFromItsStateToTheLastBit(String name, OptimizerSettings settings) {
        Net whole = new Net(settings);
        for (int step = 0; step < 10; step++) {
            whole.step(step);
        }
        Net first = new Net(settings);
        for (int step = 0; step < 4; step++) {
            first.step(step);
        }
        Map<String, Tensor> saved = new LinkedHashMap<>();
        first.optimizer.state().forEach((key, tensor) -> saved.put(key, tensor.clone()));
        Net second = new Net(settings);
        second.a.detach().copy_(first.a.detach());
        second.b.detach().copy_(first.b.detach());
        second.step(0); // a memory that must go
        second.a.detach().copy_(first.a.detach());
        second.optimizer.load(saved);
        for (int step = 4; step < 10; step++) {
            second.step(step);
        }

        assertThat(second.values()).isEqualTo(whole.values());
        Stream.of(whole, first, second).forEach(net -> net.optimizer.close());
    }

    @Test
    void aParameterWithoutGradientIsLeftAloneEvenByDecay() {
        Net net = new Net(new AdamW(1, 0.5));
        net.step(0);
        assertThat(List.of(net.values()[3], net.values()[4], net.values()[5], net.values()[6]))
                .containsExactly(1f, -0.25f, 0f, 3f);
        assertThat(net.optimizer.state().keySet()).allMatch(key -> key.endsWith(".a"));
    }

    @Test
    void zeroGradTakesGradientsAway() {
        Net net = new Net(new Sgd(1, 0, 0));
        net.step(3);
        net.optimizer.zeroGrad();
        assertThat(net.a.grad().defined()).isFalse();
    }

    @Test
    void clippingScalesAllGradientsToTheirCommonNorm() {
        Net net = new Net(new Sgd(1, 0, 0));
        net.a.mutable_grad().put(Tensor.create(3f, 0f, 0f));
        net.b.mutable_grad().put(Tensor.create(0f, 4f, 0f, 0f).reshape(2, 2));

        assertThat(net.optimizer.clipGradients(10)).isCloseTo(5, within(1e-6));
        assertThat(net.a.grad().get(0).item_float()).isEqualTo(3f); // below: untouched
        assertThat(net.optimizer.clipGradients(1)).isCloseTo(5, within(1e-6));
        assertThat(net.a.grad().get(0).item_float()).isCloseTo(0.6f, within(1e-5f));
        assertThatThrownBy(() -> net.optimizer.clipGradients(0)).hasMessage("maxNorm must be positive, but was 0.0");
    }

    @Test
    void aGradientInAnotherLayoutIsPutInOrder() {
        Tensor weight = torch.randn(4, 3, 2, 2).contiguous(torch.MemoryFormat.ChannelsLast);
        weight.set_requires_grad(true);
        Tensor before = weight.detach().clone();
        Tensor gradient = torch.randn(4, 3, 2, 2); // contiguous
        weight.mutable_grad().put(gradient);
        try (ParameterOptimizer optimizer =
                new Sgd(1, 0, 0).over(List.of(new ParameterGroup(Map.of("w", weight), 1, 0)))) {
            optimizer.step(1);
        }
        assertThat(weight.detach().add(gradient).sub(before).abs().max().item_double())
                .isLessThan(1e-6);
    }

    @Test
    void aStateThatDoesNotFitIsRefusedAndChangesNothing() {
        Net net = new Net(new Sgd(1, 0.9, 0));
        net.step(3);
        Map<String, Tensor> state = new LinkedHashMap<>(net.optimizer.state());
        List<Float> before = values(net.optimizer.state().get("momentum_buffer.a"));

        Map<String, Tensor> other = new LinkedHashMap<>(state);
        other.put("momentum_buffer.a", torch.zeros(9));
        assertThatThrownBy(() -> net.optimizer.load(other))
                .hasMessage("optimizer state \"momentum_buffer.a\" must be [3], but was [9]");
        Map<String, Tensor> more = new LinkedHashMap<>(state);
        more.put("momentum_buffer.z", torch.zeros(9));
        assertThatThrownBy(() -> net.optimizer.load(more)).hasMessageContaining("momentum_buffer.z");
        Map<String, Tensor> fewer = new LinkedHashMap<>(state);
        fewer.remove("step.a");
        assertThatThrownBy(() -> net.optimizer.load(fewer)).hasMessageContaining("\"a\"");
        assertThat(values(net.optimizer.state().get("momentum_buffer.a"))).isEqualTo(before);
    }

    private static List<Float> values(Tensor tensor) {
        List<Float> values = new ArrayList<>();
        for (long i = 0; i < tensor.numel(); i++) {
            values.add(tensor.get(i).item_float());
        }
        return values;
    }

    @Test
    void settingsRefuseNonsense() {
        assertThatThrownBy(() -> new Adam(0)).hasMessage("rate must be positive and finite, but was 0.0");
        assertThatThrownBy(() -> new AdamW(1, -1)).hasMessage("weightDecay must be at least 0, but was -1.0");
        assertThatThrownBy(() -> new Sgd(1, 1, 0)).hasMessage("momentum must be in [0, 1), but was 1.0");
        assertThatThrownBy(() -> new Sgd(1, 0, 0, true))
                .hasMessage("nesterov must go with a momentum above 0, but momentum was 0");
    }
}
