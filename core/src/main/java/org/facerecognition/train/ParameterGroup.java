package org.facerecognition.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Parameters that an optimizer treats alike.
 *
 * @param parameters by name
 * @param lrMultiplier the group's rate is the optimizer's times this; positive
 * @param weightDecay at least 0
 */
public record ParameterGroup(Map<String, Tensor> parameters, double lrMultiplier, double weightDecay) {
    public ParameterGroup {
        parameters = new LinkedHashMap<>(parameters); // keeps the net's order
        if (!(lrMultiplier > 0)) {
            throw new IllegalArgumentException("rateFactor must be positive, but was " + lrMultiplier);
        }
        if (!(weightDecay >= 0)) {
            throw new IllegalArgumentException("weightDecay must be at least 0, but was " + weightDecay);
        }
    }

    /**
     * Groups for a module's parameters.
     *
     * @param prefix put before the names, such as {@code encoder.}
     * @param decayNormAndBias false to keep decay from vectors: biases and the scales and shifts of normalization, for
     *     which zero is no better a value than another
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
