package org.facerecognition.onnx;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A node of a graph.
 *
 * @param name may be empty
 * @param type of the operator, such as {@code Conv}; with the domain in front if that is not ONNX's own
 * @param inputs names of values; an empty name stands for an optional input that is absent
 * @param outputs names of values
 */
record NodeProto(
        String name, String type, List<String> inputs, List<String> outputs, Map<String, Attribute> attributes) {

    /** An attribute; only the field that its kind needs is set, the others are zero or empty. */
    record Attribute(
            float real,
            long number,
            String text,
            float[] reals,
            long[] numbers,
            @Nullable TensorProto tensor) {}

    /** Returns what messages call the node: its operator, and its name or else its result's. */
    String title() {
        return "node " + (name.isEmpty() ? "of " + (outputs.isEmpty() ? "no value" : outputs.get(0)) : name) + " ("
                + type + ")";
    }

    boolean has(String attribute) {
        return attributes.containsKey(attribute);
    }

    long number(String attribute, long otherwise) {
        Attribute found = attributes.get(attribute);
        return found == null ? otherwise : found.number();
    }

    double real(String attribute, double otherwise) {
        Attribute found = attributes.get(attribute);
        return found == null ? otherwise : found.real();
    }

    String text(String attribute, String otherwise) {
        Attribute found = attributes.get(attribute);
        return found == null ? otherwise : found.text();
    }

    long[] numbers(String attribute, long... otherwise) {
        Attribute found = attributes.get(attribute);
        return found == null ? otherwise : found.numbers();
    }

    float[] reals(String attribute) {
        Attribute found = attributes.get(attribute);
        return found == null ? new float[0] : found.reals();
    }

    /** Returns whether an optional input is present. */
    boolean hasInput(int index) {
        return index < inputs.size() && !inputs.get(index).isEmpty();
    }

    /** @throws Uncovered if the node has no such input */
    String input(int index) {
        if (!hasInput(index)) {
            throw new Uncovered(this, "it has no input " + (index + 1));
        }
        return inputs.get(index);
    }

    /** @throws Uncovered if the node has no result */
    String output() {
        if (outputs.isEmpty() || outputs.get(0).isEmpty()) {
            throw new Uncovered(this, "it has no result");
        }
        return outputs.get(0);
    }
}
