package org.facerecognition.onnx;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A node that is being converted, with its inputs.
 *
 * @param inputs null for those that are absent
 */
record Nodes(Converter converter, NodeProto node, List<@Nullable Datum> inputs) {
    /** Converts nodes of some operators. */
    interface Kind {
        /** Returns the node's results; none if the operator is of another kind. */
        List<? extends Datum> convert(Nodes node);
    }

    boolean has(int index) {
        return index < inputs.size() && inputs.get(index) != null;
    }

    Datum input(int index) {
        Datum input = index < inputs.size() ? inputs.get(index) : null;
        if (input == null) {
            throw new Uncovered(node, "it has no input " + (index + 1));
        }
        return input;
    }

    /** Returns an input that depends on the images. */
    Computed computed(int index) {
        if (input(index) instanceof Computed x) {
            return x;
        }
        throw new Uncovered(node, "its input " + (index + 1) + " is a constant");
    }

    /** Returns an input that does not depend on the images. */
    Known known(int index) {
        if (input(index) instanceof Known constant) {
            return constant;
        }
        throw new Uncovered(node, "its input " + (index + 1) + " must be a constant");
    }

    Uncovered uncovered(String reason) {
        return new Uncovered(node, reason);
    }

    void require(boolean covered, String reason) {
        if (!covered) {
            throw uncovered(reason);
        }
    }
}
