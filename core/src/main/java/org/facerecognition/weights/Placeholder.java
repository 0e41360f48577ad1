package org.facerecognition.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import net.razorvine.pickle.IObjectConstructor;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a Python function or class that this library does not know, and for what Python would make with it.
 * Nothing is executed: its arguments are dropped, and only what it holds as a dictionary is kept.
 */
final class Placeholder implements IObjectConstructor {
    private final String name;
    private final @Nullable String tensor; // what a tensor must be instead
    private final Map<Object, Object> entries = new LinkedHashMap<>();
    private boolean network;

    private Placeholder(String name, @Nullable String tensor) {
        this.name = name;
        this.tensor = tensor;
    }

    /** @param name the name in Python, including its module */
    Placeholder(String name) {
        this(name, null);
    }

    /**
     * Stands for a tensor of a kind that this library does not read.
     *
     * @param kind the name of the function that makes it
     */
    static Placeholder tensor(String kind) {
        return new Placeholder(
                kind,
                "must be a dense tensor of floating-point or integer values, but was of another kind (" + kind
                        + "); save an ordinary tensor instead");
    }

    /** Stands for a tensor of values that this library does not read, such as {@code torch.float8_e4m3fn}. */
    static Placeholder tensorOfType(String type) {
        return new Placeholder(
                type,
                "must be of a type such as float32, float16 or int64, but was " + type
                        + "; convert it in Python first");
    }

    /** Returns a placeholder for the object that Python would make. */
    @Override
    public Object construct(Object[] arguments) {
        return new Placeholder(name, tensor);
    }

    /** Notes whether these attributes are those of a {@code torch.nn.Module}. */
    void recognize(Map<?, ?> attributes) {
        network |= attributes.containsKey("_parameters") && attributes.containsKey("_modules");
    }

    String name() {
        return name;
    }

    /** Returns whether this is a tensor that this library does not read. */
    boolean isTensor() {
        return tensor != null;
    }

    /** Returns what this tensor must be, but is not: a clause whose subject is the tensor. */
    String asTensor() {
        return Objects.requireNonNull(tensor, name);
    }

    /** Returns whether this is a whole network rather than its weights. */
    boolean isNetwork() {
        return network;
    }

    /** Returns whether this is an array of NumPy, which versions make with different functions. */
    boolean isNumpyArray() {
        return name.startsWith("numpy.")
                && (name.endsWith(".multiarray._reconstruct") || name.endsWith(".numeric._frombuffer"));
    }

    /** Returns whether this is a module of a TorchScript archive, whose classes have names of their own. */
    boolean isScripted() {
        return name.startsWith("__torch__.");
    }

    /** Returns the items of a subclass of a dictionary, or the attributes of a TorchScript module; modifiable. */
    Map<Object, Object> entries() {
        return entries;
    }
}
