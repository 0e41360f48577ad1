package org.facerecognition.weights;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.facerecognition.weights.StateDictUnpickler.View;
import org.jspecify.annotations.Nullable;

/**
 * Finds the weights among all that a training script saved. A dictionary with tensors under a known key comes before
 * tensors beside it, such as the best accuracy so far, and before dictionaries under other keys. Without a known key,
 * all tensors are taken, each under the keys that lead to it: {@code my_net.conv1.weight}. Texts and integers are keys
 * that lead to tensors. What belongs to an optimizer is never taken.
 */
final class CheckpointParts {
    /** The keys under which training scripts save a network's weights, the most likely first. */
    static final List<String> KNOWN_KEYS = List.of(
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

    /** Searched for in keys of any length, so it must not look at a character for each one before it. */
    private static final Pattern AVERAGED = Pattern.compile("(?i)(?<![^._-])ema(?![^._-])");

    /** Keys of an optimizer's parts, as of {@code lr_scheduler}; not those of an optimized or an upscaler network. */
    private static final Pattern OF_OPTIMIZER =
            Pattern.compile("optim(?!i[sz](?!er)|al|um)|sched(?!uled)|(?<![a-z])(grad|amp|loss)?scaler");

    private static final int MAX_KNOWN = 5; // known keys that lead to one another
    private static final int MAX_DEPTH = 200; // dictionaries, or modules of a TorchScript archive, in one another
    private static final long MAX_WORK = 100_000_000; // entries that are visited and characters of keys and names
    private static final int HEAP_BYTES_PER_WORK = 4;
    private static final int WORK_PER_TENSOR = 100;
    private static final String ALONE = "save the weights alone, with torch.save(model.state_dict(), file)";

    private final Path file;
    private final Set<Object> empty = identitySet(); // dictionaries without tensors
    private long workLeft = Math.min(MAX_WORK, Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_WORK);
    private @Nullable String network; // the class of a whole network that was saved instead of its weights
    private boolean hasArrays; // of NumPy

    /**
     * The tensors of the weights by name.
     *
     * @param names of all, in the order of the file
     * @param views those that can be read
     * @param unreadable those of other kinds, which may lie beside the weights of a network
     */
    record Found(List<String> names, Map<String, View> views, Map<String, Placeholder> unreadable) {
        Found() {
            this(new ArrayList<>(), new HashMap<>(), new HashMap<>());
        }
    }

    private CheckpointParts(Path file) {
        this.file = file;
    }

    /**
     * Returns the tensors of the weights. They may lie outside of the file; that is checked elsewhere.
     *
     * @param root the value of the pickle
     * @throws WeightsException when there are no weights, when none of them is of a kind that is read, or when two of
     *     them have the same name
     */
    static Found weights(Path file, @Nullable Object root) {
        return new CheckpointParts(file).find(root);
    }

    /** Returns whether a key or the prefix of a name says that the weights are a moving average. */
    static boolean isAveraged(String key) {
        return AVERAGED.matcher(key).find();
    }

    private Found find(@Nullable Object root) {
        Map<?, ?> dictionary = dictionary(root);
        if (dictionary == null) {
            throw noWeights();
        }
        boolean scripted = root instanceof Placeholder network && network.isScripted(); // its modules may have any name
        Map<?, ?> known = scripted ? null : known(dictionary, MAX_KNOWN);
        Found found = flattened(known == null ? dictionary : known);
        if (found.names().isEmpty() && scripted) {
            throw new WeightsException(file + " is a TorchScript archive with its weights in its program, as freezing"
                    + " leaves them; use the checkpoint that it was exported from, or a TorchScript archive from before"
                    + " torch.jit.freeze");
        }
        if (found.names().isEmpty() || known == null && hasOnlyValuesBesideANetwork(dictionary, found)) {
            throw noWeights();
        }
        if (found.views().isEmpty()) {
            String name = found.names().get(0);
            throw new WeightsException(file + ": \"" + name + "\" "
                    + Objects.requireNonNull(found.unreadable().get(name)).asTensor());
        }
        return found;
    }

    /** Returns whether there is a whole network under a known key, and no tensors but single ones beside it. */
    private boolean hasOnlyValuesBesideANetwork(Map<?, ?> dictionary, Found found) {
        boolean whole = false;
        for (Map.Entry<?, ?> entry : dictionary.entrySet()) {
            if (entry.getKey() instanceof String key
                    && (KNOWN_KEYS.contains(key) || isAveraged(key))
                    && entry.getValue() instanceof Placeholder part
                    && part.isNetwork()) {
                network = part.name();
                whole = true;
            }
        }
        return whole && found.names().stream().allMatch(name -> dictionary.get(name) instanceof View);
    }

    private WeightsException noWeights() {
        if (network != null) {
            return new WeightsException(file + " holds a whole pickled network (Python's " + network
                    + ") rather than its weights, and nothing of it was executed; load it in Python and " + ALONE);
        }
        if (hasArrays) {
            return new WeightsException(file + " holds NumPy arrays rather than tensors; load it in Python, convert"
                    + " them with torch.from_numpy, and save them by name with torch.save(tensors, file)");
        }
        return new WeightsException(
                file + " must hold a state dict (names and tensors), at the top or under a key such as "
                        + String.join(", ", KNOWN_KEYS.subList(0, 6)) + ", but holds none");
    }

    private @Nullable Map<?, ?> dictionary(@Nullable Object value) {
        if (value instanceof Placeholder placeholder) {
            hasArrays |= placeholder.isNumpyArray();
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
            Map<?, ?> found =
                    key instanceof String name && isAverageOfWeights(name) ? known(dictionary.get(key), depth) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private boolean isAverageOfWeights(String key) {
        work(1 + key.length());
        return isAveraged(key) && !isOfOptimizer(key);
    }

    private @Nullable Map<?, ?> known(@Nullable Object value, int depth) {
        Map<?, ?> part = dictionary(value);
        if (part == null || empty.contains(part)) {
            return null;
        }
        Map<?, ?> inner = known(part, depth - 1);
        return inner != null ? inner : flattened(part).views().isEmpty() ? null : part;
    }

    private Found flattened(Map<?, ?> dictionary) {
        Found found = new Found();
        flatten("", dictionary, MAX_DEPTH, identitySet(), found);
        return found;
    }

    private static Set<Object> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /**
     * Adds the tensors of a dictionary and of those in it. One that several keys lead to is visited for each of them.
     *
     * @param path the dictionaries that this one is in: one that contains itself is visited once
     */
    private void flatten(String prefix, Map<?, ?> dictionary, int depth, Set<Object> path, Found into) {
        if (empty.contains(dictionary) || isOfOptimizer(dictionary) || !path.add(dictionary)) {
            return;
        }
        if (depth == 0) {
            throw new WeightsException(file + " is refused: its dictionaries must be at most " + MAX_DEPTH
                    + " deep in one another; " + ALONE);
        }
        int before = into.names().size();
        dictionary.forEach((key, value) -> {
            work(1);
            String text = text(key);
            if (text != null && value instanceof View view) {
                add(prefix + text, view, into.views(), into);
            } else if (text != null && value instanceof Placeholder part && part.isTensor()) {
                add(prefix + text, part, into.unreadable(), into);
            } else if (text != null) {
                boolean module = value instanceof Placeholder part && part.isScripted(); // may have any name
                Map<?, ?> inner = isOfOptimizer(text) && !module ? null : dictionary(value);
                if (inner != null) {
                    work(prefix.length() + text.length());
                    flatten(prefix + text + ".", inner, depth - 1, path, into);
                }
            }
        });
        path.remove(dictionary);
        if (into.names().size() == before) {
            empty.add(dictionary);
        }
    }

    /** Returns a key as a part of a name: a text, or an integer such as the number of a layer. */
    private static @Nullable String text(@Nullable Object key) {
        boolean integer = key instanceof Integer || key instanceof Long || key instanceof BigInteger;
        return key instanceof String text ? text : integer ? String.valueOf(key) : null;
    }

    /** Limits the time and memory for dictionaries that contain each other many times, and for long keys. */
    private void work(long amount) {
        workLeft -= amount;
        if (workLeft < 0) {
            throw new WeightsException(
                    file + " is refused: its dictionaries lead to more or longer names than any network has; " + ALONE);
        }
    }

    private <T> void add(String name, T tensor, Map<String, T> to, Found into) {
        PickledTensors.checkName(file, name);
        work(WORK_PER_TENSOR + name.length());
        boolean isNew = !into.views().containsKey(name) && !into.unreadable().containsKey(name);
        if (isNew) {
            into.names().add(name);
            to.put(name, tensor);
        } else if (!tensor.equals(to.get(name))) {
            throw new WeightsException(file + " is refused: two of its tensors are named \"" + name
                    + "\" when their keys are joined by dots; rename one of the keys in Python, or " + ALONE);
        }
    }

    private static boolean isOfOptimizer(Map<?, ?> dictionary) {
        return dictionary.containsKey("state") && dictionary.containsKey("param_groups");
    }

    private static boolean isOfOptimizer(String key) {
        return key.length() <= 100
                && OF_OPTIMIZER.matcher(key.toLowerCase(Locale.ROOT)).find();
    }
}
