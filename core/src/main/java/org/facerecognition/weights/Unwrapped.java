package org.facerecognition.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;

/**
 * Weights under a network's own names. A network inside another one, such as that of a training framework, has names
 * with a prefix: {@code model.}, {@code module.backbone.} or {@code student._orig_mod.}. The prefix is not guessed from
 * a list: it is what the names have before those of the network.
 *
 * @param weights without what lies outside the prefix
 * @param prefix what was removed; empty when the names fit as they are, or fit under no prefix
 * @param outside names in the file that do not belong to the network: other prefixes, or first parts that the network
 *     does not have
 */
record Unwrapped(Weights weights, String prefix, List<String> outside) {
    /** Parts of names that wrappers insert, also in the middle, and that no layer is called. */
    private static final Set<String> WRAPPERS =
            Set.of("module", "_module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module");

    private static final int MAX_PARTS = 16; // of a name, in which the prefix may end

    /** @param network its tensors by name; borrowed */
    static Unwrapped of(Weights weights, Map<String, Tensor> network) {
        Set<String> needed = network.keySet().stream()
                .filter(name -> !WeightsFit.isCounter(name))
                .collect(Collectors.toSet());
        if (weights.names().containsAll(needed)) {
            return under("", weights, network);
        }
        Weights plain = withoutWrappers(weights, network);
        return under(bestPrefix(plain, needed), plain, network);
    }

    private static Unwrapped under(String prefix, Weights weights, Map<String, Tensor> network) {
        Set<String> parts = network.keySet().stream().map(Unwrapped::firstPart).collect(Collectors.toSet());
        List<String> outside = new ArrayList<>();
        Weights inside = weights.renamed(name -> {
            String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
            if (parts.contains(firstPart(rest))) {
                return rest;
            }
            outside.add(name);
            return null;
        });
        return new Unwrapped(inside, prefix, List.copyOf(outside));
    }

    private static String firstPart(String name) {
        int dot = name.indexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }

    /** Removes the parts that wrappers insert, unless that would make two names equal. */
    private static Weights withoutWrappers(Weights weights, Map<String, Tensor> network) {
        Map<String, Long> counts = weights.names().stream()
                .collect(Collectors.groupingBy(name -> withoutWrappers(name, network), Collectors.counting()));
        return weights.renamed(name -> {
            String plain = withoutWrappers(name, network);
            return counts.getOrDefault(plain, 0L) == 1 ? plain : name;
        });
    }

    private static String withoutWrappers(String name, Map<String, Tensor> network) {
        if (network.containsKey(name)) {
            return name;
        }
        return Arrays.stream(name.split("\\.", -1))
                .filter(part -> !WRAPPERS.contains(part))
                .collect(Collectors.joining("."));
    }

    /**
     * Returns the prefix under which most names of the network are found; of equal ones the first in the file that is
     * not of a moving average. Empty unless these are more names than without a prefix, and more than half of the
     * network's or of the file's.
     */
    private static String bestPrefix(Weights weights, Set<String> needed) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (String name : weights.names()) {
            int begin = 0;
            for (int part = 0; part < MAX_PARTS && begin >= 0; part++) {
                if (needed.contains(name.substring(begin))) {
                    counts.merge(name.substring(0, begin), 1, Integer::sum);
                }
                int dot = name.indexOf('.', begin);
                begin = dot < 0 ? -1 : dot + 1;
            }
        }
        String best = "";
        int half = Math.min(needed.size(), weights.names().size()) / 2;
        int most = Math.max(counts.getOrDefault("", 0), half);
        for (Map.Entry<String, Integer> candidate : counts.entrySet()) {
            boolean preferred = CheckpointParts.isAveraged(best) && !CheckpointParts.isAveraged(candidate.getKey());
            if (candidate.getValue() > most || candidate.getValue() == most && preferred) {
                best = candidate.getKey();
                most = candidate.getValue();
            }
        }
        return best;
    }
}
