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
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Golden;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests the optimizers against the values of PyTorch, their state, gradient clipping, and sparse row updates. */
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

    /** Two parameters in two groups, the second with ten times the learning rate. */
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

        /** Steps with the gradients of the golden file: b has none in steps 0, 1 and 5. */
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
    void matchesPyTorch(String name, OptimizerSettings settings) {
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

    /**
     * The meta device stands in for a GPU: there are no kernels for it, but tensors can be created on it and copied to
     * it.
     */
    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void stateIsLoadedToTheDeviceOfTheParameters(String name, OptimizerSettings settings) {
        Net net = new Net(settings);
        net.step(2);
        Device meta = new Device("meta");
        Tensor a = net.a.detach().to(meta, ScalarType.Float);
        Tensor b = net.b.detach().to(meta, ScalarType.BFloat16);
        try (ParameterOptimizer elsewhere = settings.over(
                List.of(new ParameterGroup(Map.of("a", a), 1, 0), new ParameterGroup(Map.of("b", b), 1, 0)))) {
            elsewhere.load(net.optimizer.state());
            assertThat(elsewhere.state().keySet())
                    .isEqualTo(net.optimizer.state().keySet())
                    .contains("step.a", "step.b");
            elsewhere.state().forEach((key, tensor) -> {
                assertThat(tensor.is_meta()).as(key).isTrue();
                boolean half = key.endsWith(".b") && !key.startsWith("step");
                assertThat(tensor.scalar_type().intern())
                        .as(key)
                        .isEqualTo(half ? ScalarType.BFloat16 : ScalarType.Float);
            });
        }
        net.optimizer.close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void resumesFromItsStateExactly(String name, OptimizerSettings settings) {
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
        second.step(0); // state that load must replace
        second.a.detach().copy_(first.a.detach());
        second.optimizer.load(saved);
        for (int step = 4; step < 10; step++) {
            second.step(step);
        }

        assertThat(second.values()).isEqualTo(whole.values());
        Stream.of(whole, first, second).forEach(net -> net.optimizer.close());
    }

    @Test
    void parameterWithoutGradientIsUnchangedDespiteWeightDecay() {
        Net net = new Net(new AdamW(1, 0.5));
        net.step(0);
        assertThat(List.of(net.values()[3], net.values()[4], net.values()[5], net.values()[6]))
                .containsExactly(1f, -0.25f, 0f, 3f);
        assertThat(net.optimizer.state().keySet()).allMatch(key -> key.endsWith(".a"));
    }

    @Test
    void zeroGradRemovesGradients() {
        Net net = new Net(new Sgd(1, 0, 0));
        net.step(3);
        net.optimizer.zeroGrad();
        assertThat(net.a.grad().defined()).isFalse();
    }

    @Test
    void clippingScalesAllGradientsByTheirTotalNorm() {
        Net net = new Net(new Sgd(1, 0, 0));
        net.a.mutable_grad().put(Tensor.create(3f, 0f, 0f));
        net.b.mutable_grad().put(Tensor.create(0f, 4f, 0f, 0f).reshape(2, 2));

        assertThat(net.optimizer.clipGradients(10)).isCloseTo(5, within(1e-6));
        assertThat(net.a.grad().get(0).item_float()).isEqualTo(3f); // unchanged, because the norm is below the limit
        assertThat(net.optimizer.clipGradients(1)).isCloseTo(5, within(1e-6));
        assertThat(net.a.grad().get(0).item_float()).isCloseTo(0.6f, within(1e-5f));
        assertThatThrownBy(() -> net.optimizer.clipGradients(0)).hasMessage("maxNorm must be positive, but was 0.0");
    }

    @Test
    void acceptsGradientsInAnotherMemoryFormat() {
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
    void rejectsAStateThatDoesNotFitWithoutChanges() {
        Net net = new Net(new Sgd(1, 0.9, 0));
        net.step(3);
        Map<String, Tensor> state = new LinkedHashMap<>(net.optimizer.state());
        List<Float> before = values(net.optimizer.state().get("momentum_buffer.a"));

        Map<String, Tensor> misshapen = new LinkedHashMap<>(state);
        misshapen.put("momentum_buffer.a", torch.zeros(9));
        assertThatThrownBy(() -> net.optimizer.load(misshapen))
                .hasMessage("optimizer state \"momentum_buffer.a\" must be [3], but was [9]");
        Map<String, Tensor> unknown = new LinkedHashMap<>(state);
        unknown.put("momentum_buffer.z", torch.zeros(9));
        assertThatThrownBy(() -> net.optimizer.load(unknown)).hasMessageContaining("momentum_buffer.z");
        Map<String, Tensor> incomplete = new LinkedHashMap<>(state);
        incomplete.remove("step.a");
        assertThatThrownBy(() -> net.optimizer.load(incomplete)).hasMessageContaining("\"a\"");
        assertThat(values(net.optimizer.state().get("momentum_buffer.a"))).isEqualTo(before);
    }

    private static List<Float> values(Tensor tensor) {
        List<Float> values = new ArrayList<>();
        for (long i = 0; i < tensor.numel(); i++) {
            values.add(tensor.get(i).item_float());
        }
        return values;
    }

    // ---- rows of a table ----

    private static final int ROWS = 9;
    private static final int LENGTH = 16; // a multiple of every SIMD width, so that no remainder is rounded differently

    /** A table of rows and an optimizer for it. */
    private static final class Table {
        final Tensor values;
        final ParameterOptimizer optimizer;

        Table(OptimizerSettings settings, Tensor start) {
            values = start.detach().clone();
            values.set_requires_grad(true);
            optimizer = settings.over(List.of(new ParameterGroup(Map.of("table", values), 1, settings.weightDecay())));
        }

        Table(OptimizerSettings settings) {
            this(settings, start());
        }

        static Tensor start() {
            torch.manual_seed(3);
            return torch.randn(ROWS, LENGTH);
        }

        void step(int step, long... rows) {
            optimizer.addRowGradient("table", Tensor.create(rows), gradient(step, rows));
            optimizer.step(0.1 / (step + 1));
            optimizer.zeroGrad();
        }

        /** Steps with one gradient for the whole table. */
        void wholeStep(int step, long... rows) {
            values.mutable_grad().put(gradient(step, rows));
            optimizer.step(0.1 / (step + 1));
            optimizer.zeroGrad();
        }

        static Tensor gradient(int step, long... rows) {
            torch.manual_seed(100 + step);
            return torch.randn(ROWS, LENGTH).index_select(0, Tensor.create(rows));
        }

        List<Float> row(int i) {
            return ParameterOptimizerTest.values(values.detach().get(i));
        }
    }

    private static final long[] ALL = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    private static final long[] SOME = {1, 4, 8};

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void updatesOfAllRowsEqualADenseUpdate(String name, OptimizerSettings settings) {
        Table rows = new Table(settings);
        Table whole = new Table(settings);
        for (int step = 0; step < 5; step++) {
            rows.step(step, ALL);
            whole.wholeStep(step, ALL);
        }
        assertThat(rows.values.equal(whole.values)).isTrue();
        rows.optimizer.close();
        whole.optimizer.close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void updatesOfSomeRowsEqualADenseUpdateOfThoseRowsAlone(String name, OptimizerSettings settings) {
        Table rows = new Table(settings);
        Table own = new Table(settings, Table.start().index_select(0, Tensor.create(SOME)));
        for (int step = 0; step < 5; step++) {
            rows.step(step, SOME);
            own.wholeStep(step, SOME);
        }
        Tensor changed = rows.values.index_select(0, Tensor.create(SOME));
        assertThat(changed.equal(own.values)).isTrue();
        Tensor start = Table.start();
        for (int row : new int[] {0, 2, 3, 5, 6, 7}) {
            assertThat(rows.row(row)).as("row %d", row).isEqualTo(values(start.get(row)));
        }
        for (Tensor state : rows.optimizer.state().values()) {
            if (state.dim() > 0) {
                assertThat(state.get(0).abs().sum().item_double()).isZero();
                assertThat(state.get(4).abs().sum().item_double()).isPositive();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("optimizers")
    void rowUpdatesResumeFromTheirStateExactly(String name, OptimizerSettings settings) {
        long[][] rows = {{1, 4}, {0, 4, 8}, {2}, {1, 2, 3}, {4, 8}};
        Table whole = new Table(settings);
        Table first = new Table(settings);
        for (int step = 0; step < 5; step++) {
            whole.step(step, rows[step]);
            if (step < 2) {
                first.step(step, rows[step]);
            }
        }
        Map<String, Tensor> saved = new LinkedHashMap<>();
        first.optimizer.state().forEach((key, tensor) -> saved.put(key, tensor.clone()));
        Table second = new Table(settings, first.values);
        second.optimizer.load(saved);
        for (int step = 2; step < 5; step++) {
            second.step(step, rows[step]);
        }
        assertThat(second.values.equal(whole.values)).isTrue();
    }

    @Test
    void rowGradientsOfSeveralPassesAreSummed() {
        Table table = new Table(new Sgd(1, 0, 0));
        table.optimizer.addRowGradient(
                "table", Tensor.create(1L, 4L), torch.ones(2, LENGTH).mul(new org.bytedeco.pytorch.Scalar(2.0)));
        table.optimizer.addRowGradient("table", Tensor.create(0L, 4L, 5L), torch.ones(3, LENGTH));
        assertThat(table.optimizer.clipGradients(1e9)).isCloseTo(Math.sqrt(LENGTH * (4 + 9 + 1 + 1)), within(1e-4));
        table.optimizer.step(1);
        Tensor moved = Table.start().sub(table.values.detach());
        double[] expected = {1, 2, 0, 0, 3, 1, 0, 0, 0};
        for (int i = 0; i < ROWS; i++) {
            assertThat(moved.get(i).get(7).item_double()).isCloseTo(expected[i], within(1e-6));
        }
    }

    @Test
    void clippingScalesRowGradientsWithAllOthers() {
        Tensor dense = torch.zeros(2);
        dense.set_requires_grad(true);
        Tensor table = torch.zeros(ROWS, 1);
        table.set_requires_grad(true);
        try (ParameterOptimizer optimizer = new Sgd(1, 0, 0)
                .over(List.of(new ParameterGroup(new LinkedHashMap<>(Map.of("o", dense, "t", table)), 1, 0)))) {
            dense.mutable_grad().put(Tensor.create(3f, 0f));
            optimizer.addRowGradient("t", Tensor.create(5L), Tensor.create(4f).reshape(1, 1));
            assertThat(optimizer.clipGradients(1)).isCloseTo(5, within(1e-6));
            optimizer.step(1);
            assertThat(table.get(5).item_float()).isCloseTo(-0.8f, within(1e-5f));
            assertThat(dense.get(0).item_float()).isCloseTo(-0.6f, within(1e-5f));
        }
    }

    @Test
    void rejectsInvalidRowGradients() {
        Table table = new Table(new Sgd(1, 0, 0));
        Tensor two = Tensor.create(0L, 1L);
        assertThatThrownBy(() -> table.optimizer.addRowGradient("tabel", two, torch.zeros(2, LENGTH)))
                .hasMessage("rows must be of one of the optimizer's parameters, but were of \"tabel\"");
        assertThatThrownBy(() -> table.optimizer.addRowGradient("table", two, torch.zeros(3, LENGTH)))
                .hasMessage("gradient of [2] rows of \"table\" must be [2, 16], but was [3, 16]");
        table.values.mutable_grad().put(torch.zeros(ROWS, LENGTH));
        table.optimizer.addRowGradient("table", two, torch.zeros(2, LENGTH));
        assertThatThrownBy(() -> table.optimizer.step(1))
                .hasMessage("\"table\" must have a gradient or gradients of rows, but had both");
        table.optimizer.zeroGrad();
        table.optimizer.step(1); // nothing to do
        assertThat(table.values.equal(Table.start())).isTrue();
    }

    @Test
    void rejectsInvalidSettings() {
        assertThatThrownBy(() -> new Adam(0)).hasMessage("learningRate must be positive and finite, but was 0.0");
        assertThatThrownBy(() -> new AdamW(1, -1))
                .hasMessage("weightDecay must be at least 0 and finite, but was -1.0");
        assertThatThrownBy(() -> new AdamW(1e-3, 0, 0.9, 0.999, Double.POSITIVE_INFINITY))
                .hasMessage("epsilon must be at least 0 and finite, but was Infinity");
        assertThatThrownBy(() -> new Sgd(1, 1, 0)).hasMessage("momentum must be in [0, 1), but was 1.0");
        assertThatThrownBy(() -> new Sgd(1, 0, 0, true))
                .hasMessage("nesterov must go with a momentum above 0, but momentum was 0");
    }
}
