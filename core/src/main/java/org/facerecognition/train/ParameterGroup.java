package org.facerecognition.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.weights.NamedTensors;

/**
 * Parameters that share a learning rate and a weight decay.
 *
 * @param parameters by name
 * @param lrMultiplier multiplies the learning rate of the optimizer; positive
 * @param weightDecay at least 0
 */
public record ParameterGroup(Map<String, Tensor> parameters, double lrMultiplier, double weightDecay) {
    public ParameterGroup {
        parameters = new LinkedHashMap<>(parameters); // keeps the network's order
        Bounds.positive("lrMultiplier", lrMultiplier);
        Bounds.notNegative("weightDecay", weightDecay);
    }

    /** Names of the encoder's parameters begin so, as in checkpoints. */
    public static final String ENCODER_PREFIX = "encoder.";
    /** Names of the head's parameters begin so, as in checkpoints. */
    public static final String HEAD_PREFIX = "head.";

    /**
     * Returns the groups of a whole network.
     *
     * @param settings weight decay, learning rate of the head, and whether vectors decay
     * @return of scoped tensors: call inside a PointerScope
     */
    public static List<ParameterGroup> of(Module encoder, Module head, Optimization settings) {
        double decay = settings.optimizer().weightDecay();
        boolean vectorsDecay = settings.decayNormAndBias();
        List<ParameterGroup> groups = new ArrayList<>();
        groups.addAll(of(ENCODER_PREFIX, NamedTensors.parameters(encoder), 1, decay, vectorsDecay));
        groups.addAll(of(HEAD_PREFIX, NamedTensors.parameters(head), settings.headLrMultiplier(), decay, vectorsDecay));
        return groups;
    }

    /**
     * Returns the groups of a module's parameters.
     *
     * @param prefix put before the names, such as {@code encoder.}
     * @param decayNormAndBias false to exempt vectors from weight decay: biases, and the scales and shifts of
     *     normalization, for which zero is not a preferred value
     */
    public static List<ParameterGroup> of(
            String prefix,
            Map<String, Tensor> parameters,
            double lrMultiplier,
            double weightDecay,
            boolean decayNormAndBias) {
        Map<String, Tensor> decaying = new LinkedHashMap<>();
        Map<String, Tensor> others = new LinkedHashMap<>();
        parameters.forEach((name, tensor) ->
                (decayNormAndBias || tensor.dim() > 1 ? decaying : others).put(prefix + name, tensor));
        List<ParameterGroup> groups = new ArrayList<>();
        groups.add(new ParameterGroup(decaying, lrMultiplier, weightDecay));
        if (!others.isEmpty()) {
            groups.add(new ParameterGroup(others, lrMultiplier, 0));
        }
        return groups;
    }
}
