package org.facerecognition.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import net.razorvine.pickle.IObjectConstructor;

/**
 * Stands for a Python function or class that this library does not know, and for what Python would make with it.
 * Nothing is executed: its arguments are dropped, and only what it holds as a dictionary is kept.
 */
final class Placeholder implements IObjectConstructor {
    private final String name;
    private final boolean tensor;
    private final Map<Object, Object> entries = new LinkedHashMap<>();
    private boolean network;

    /**
     * @param name the name in Python, including its module, or another description
     * @param tensor whether this is a tensor of a kind that this library does not read
     */
    Placeholder(String name, boolean tensor) {
        this.name = name;
        this.tensor = tensor;
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

    boolean isTensor() {
        return tensor;
    }

    /** Returns whether this is a whole network rather than its weights. */
    boolean isNetwork() {
        return network;
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
