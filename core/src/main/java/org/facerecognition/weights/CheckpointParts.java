package org.facerecognition.weights;

import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.facerecognition.weights.StateDictUnpickler.View;
import org.jspecify.annotations.Nullable;

/**
 * Finds the weights among all that a training script saved. A dictionary with tensors under a known key comes before
 * tensors beside it, such as the best accuracy so far, and before dictionaries under other keys. Without a known key,
 * all tensors are taken, each under the keys that lead to it: {@code my_net.conv1.weight}. What belongs to an optimizer
 * is never taken.
 */
final class CheckpointParts {
    /** The keys under which training scripts save a network's weights, the most likely first. */
    private static final List<String> KNOWN_KEYS = List.of(
            "state_dict",
            "model_state_dict",
            "state_dict_backbone", // insightface
            "backbone_state_dict",
            "model",
            "net",
            "network",
            "backbone",
            "encoder",
            "weights",
            "params",
            "module", // DeepSpeed
            "model_state",
            "net_state_dict",
            "student",
            "checkpoint");

    private static final Pattern AVERAGED = Pattern.compile("(?i)(^|.*[._-])ema([._-].*|$)");
    private static final List<String> OF_OPTIMIZERS = List.of("optim", "sched", "scaler");
    private static final int MAX_KNOWN = 5; // known keys that lead to one another
    private static final int MAX_DEPTH = 16; // dictionaries, or modules of a TorchScript archive, in one another

    private final Path file;
    private final Set<Object> empty = identitySet(); // dictionaries without tensors
    private @Nullable String network; // the class of a whole network that was saved instead of its weights

    private CheckpointParts(Path file) {
        this.file = file;
    }

    /**
     * Returns the tensors of the weights by name. They may lie outside of the file; that is checked elsewhere.
     *
     * @param root the value of the pickle
     * @throws WeightsException when there are no weights, or when one of them is of a kind that is not read
     */
    static Map<String, View> weights(Path file, @Nullable Object root) {
        return new CheckpointParts(file).find(root);
    }

    /** Returns whether a key or the prefix of a name says that the weights are a moving average. */
    static boolean isAveraged(String key) {
        return AVERAGED.matcher(key).matches();
    }

    private Map<String, View> find(@Nullable Object root) {
        Map<?, ?> dictionary = dictionary(root);
        if (dictionary == null) {
            throw noWeights();
        }
        boolean scripted = root instanceof Placeholder network && network.isScripted(); // its modules may have any name
        Map<?, ?> known = scripted ? null : known(dictionary, MAX_KNOWN);
        Map<String, View> views = flattened(known == null ? dictionary : known);
        if (views.isEmpty() && scripted) {
            throw new WeightsException(file + " is a TorchScript archive with its weights in its program, as freezing"
                    + " leaves them; use the checkpoint that it was exported from, or a TorchScript archive from before"
                    + " torch.jit.freeze");
        }
        if (views.isEmpty()) {
            throw noWeights();
        }
        return views;
    }

    private WeightsException noWeights() {
        return new WeightsException(
                network == null
                        ? file + " must hold a state dict (names and tensors), at the top or under a key such as "
                                + String.join(", ", KNOWN_KEYS.subList(0, 6)) + ", but holds none"
                        : file + " holds a whole pickled network (Python's " + network
                                + ") rather than its weights, and"
                                + " nothing of it was executed; load it in Python and save its weights alone, with"
                                + " torch.save(model.state_dict(), file)");
    }

    private @Nullable Map<?, ?> dictionary(@Nullable Object value) {
        if (value instanceof Placeholder placeholder) {
            if (placeholder.isNetwork()) {
                network = placeholder.name();
            }
            return placeholder.entries();
        }
        return value instanceof Map<?, ?> dictionary ? dictionary : null;
    }

    /** Returns the innermost dictionary with tensors that only known keys lead to, or null when there is none. */
    private @Nullable Map<?, ?> known(Map<?, ?> dictionary, int depth) {
        if (depth == 0) {
            return null;
        }
        for (String key : KNOWN_KEYS) {
            Map<?, ?> found = known(dictionary.get(key), depth);
            if (found != null) {
                return found;
            }
        }
        for (Object key : dictionary.keySet()) {
            Map<?, ?> found = key instanceof String name && isAveraged(name) && !isOfOptimizer(name)
                    ? known(dictionary.get(key), depth)
                    : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private @Nullable Map<?, ?> known(@Nullable Object value, int depth) {
        Map<?, ?> part = dictionary(value);
        if (part == null || empty.contains(part)) {
            return null;
        }
        Map<?, ?> inner = known(part, depth - 1);
        return inner != null ? inner : flattened(part).isEmpty() ? null : part;
    }

    private Map<String, View> flattened(Map<?, ?> dictionary) {
        Map<String, View> views = new LinkedHashMap<>();
        // each dictionary once: a few that contain each other many times would take forever
        Set<Object> seen = identitySet();
        flatten("", dictionary, MAX_DEPTH, seen, views);
        if (views.isEmpty()) {
            empty.addAll(seen);
        }
        return views;
    }

    private static Set<Object> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    private void flatten(String prefix, Map<?, ?> dictionary, int depth, Set<Object> seen, Map<String, View> into) {
        if (depth == 0 || empty.contains(dictionary) || !seen.add(dictionary)) {
            return;
        }
        dictionary.forEach((key, value) -> {
            if (!(key instanceof String text) || value == null) {
                return;
            }
            String name = prefix + text;
            if (value instanceof View view) {
                PickledTensors.checkName(file, name);
                into.put(name, view);
            } else if (value instanceof Placeholder placeholder && placeholder.isTensor()) {
                throw new WeightsException(
                        file + ": \"" + shortened(name) + "\" must be a dense tensor of floating-point"
                                + " or integer values, but was of another kind (" + placeholder.name()
                                + "); save an ordinary tensor instead");
            } else {
                boolean module = value instanceof Placeholder part && part.isScripted(); // may have any name
                Map<?, ?> inner = isOfOptimizer(text) && !module ? null : dictionary(value);
                if (inner != null) {
                    flatten(shortened(name) + ".", inner, depth - 1, seen, into);
                }
            }
        });
    }

    private static boolean isOfOptimizer(String key) {
        String lower = key.length() > 100 ? "" : key.toLowerCase(Locale.ROOT);
        return OF_OPTIMIZERS.stream().anyMatch(lower::contains);
    }

    /** Limits the length of names that are joined, since each of many could be a megabyte. */
    private static String shortened(String name) {
        return name.length() <= 100 ? name : name.substring(0, 100);
    }
}
