package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.inference.OneDnnWeights.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OneDnnWeightsTest {
    private static final long[] WHOLE = {4, 3, 1, 1};
    private static final long[] PART = {2, 3, 1, 1};

    /** A detector's plans for sizes of images come and go, and each asks for the parts of layers again. */
    @Test
    void partsAreMadeOnce() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
        float[] values = new float[12];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        try (OneDnnWeights weights = new OneDnnWeights();
                PointerScope scope = new PointerScope()) {
            weights.matrix(1, Constant.of(values, WHOLE), WHOLE, OneDnn.rowMajor(data_type.f32, WHOLE));
            memory.desc same = OneDnn.rowMajor(data_type.f32, PART);
            memory.desc other = new memory.desc(PART, data_type.f32, new long[] {1, 2, 6, 6}); // channels within inputs
            memory view = weights.matrixPart(1, WHOLE, 2, PART, same);
            memory copy = weights.matrixPart(1, WHOLE, 2, PART, other);
            assertThat(values(view)).containsExactly(6, 7, 8, 9, 10, 11);
            assertThat(values(copy)).containsExactly(6, 9, 7, 10, 8, 11);
            weights.vector(1, Vector.BIAS, Constant.of(new float[] {1, 2, 3, 4}, new long[] {4}), 4);
            memory bias = weights.vectorPart(1, Vector.BIAS, 2, 2);
            for (int i = 0; i < 3; i++) {
                assertThat(weights.matrixPart(1, WHOLE, 2, PART, same)).isSameAs(view);
                assertThat(weights.matrixPart(1, WHOLE, 2, PART, other)).isSameAs(copy);
                assertThat(weights.vectorPart(1, Vector.BIAS, 2, 2)).isSameAs(bias);
            }
            assertThat(weights.matrixPart(1, WHOLE, 0, PART, same)).isNotSameAs(view);
        }
    }

    /** Dividing such weights by their scale, which is zero in float32, gave NaN. */
    @Test
    void integersOfWeightsThatAreAsGoodAsZeroAreZero() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
        long[] shape = {2, 3, 1, 1};
        try (OneDnnWeights weights = new OneDnnWeights();
                PointerScope scope = new PointerScope()) {
            Constant tiny = Constant.of(new float[] {1, -2, 0.5f, 1e-44f, -1e-44f, 0}, shape);
            memory integers = weights.integers(1, tiny, OneDnn.rowMajor(data_type.s8, shape), 127);
            byte[] values = new byte[6];
            new BytePointer(integers.get_data_handle()).get(values);
            assertThat(values).containsExactly(64, -127, 32, 0, 0, 0);
        }
    }

    /** Activations turn NaN into zero, so that embeddings would be finite and wrong. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void valuesThatAreNotFiniteAreRefused(float value) {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
        float[] values = new float[3 * 4099];
        values[8200] = value;
        long[] shape = {3, 4099, 1, 1};
        Constant weight = Constant.of(values, shape);
        String message = "a weight of the shape [3, 4099, 1, 1] contains NaN or infinity; its training has diverged, so"
                + " use an earlier file";
        try (OneDnnWeights weights = new OneDnnWeights();
                PointerScope scope = new PointerScope()) {
            memory.desc layout = OneDnn.rowMajor(data_type.f32, shape);
            assertThatThrownBy(() -> weights.matrix(1, weight, shape, layout))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(message);
            assertThatThrownBy(() -> weights.integers(1, weight, OneDnn.rowMajor(data_type.s8, shape), 127))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(message);
            values[8200] = Float.MAX_VALUE;
            assertThat(weights.matrix(1, weight, shape, layout)).isNotNull();
        }
    }

    /** Intermediate values have other numbers in other plans, which share the weights. */
    @Test
    void slopesAreKeptByTheirLayer() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
        long[][] shapes = {{3, 4, 4}, {3, 4, 4}};
        FusedNode node = new FusedNode(Activation.RELU, null, List.of(0), FusedNode.NONE, 1, List.of(0));
        try (OneDnnWeights weights = new OneDnnWeights();
                OneDnnPlan plan = new OneDnnPlan(
                        List.of(node), shapes, 1, 1, data_type.f32, null, weights, OneDnnAutotuner.withoutMeasuring());
                PointerScope scope = new PointerScope()) {
            OneDnnPointwise pointwise = new OneDnnPointwise(plan, weights);
            int intermediate = plan.define(OneDnn.rowMajor(data_type.f32, 1, 3, 4, 4));
            for (int layer = 7; layer < 9; layer++) {
                Constant slopes = Constant.of(new float[] {layer, 1, 2}, 3);
                pointwise.add(new PRelu(slopes), layer, intermediate, intermediate);
                memory kept = weights.vector(layer, Vector.SLOPES, Constant.of(new float[3], 3), 1, 3, 1, 1);
                assertThat(new FloatPointer(kept.get_data_handle()).get()).isEqualTo(layer);
            }
        }
    }

    private static float[] values(memory part) {
        float[] values = new float[6];
        new FloatPointer(part.get_data_handle()).get(values);
        return values;
    }
}
