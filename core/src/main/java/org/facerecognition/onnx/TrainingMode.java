package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.List;
import org.facerecognition.onnx.NodeProto.Attribute;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/** Refuses models that were exported in training mode: their results depend on the other images, or on chance. */
final class TrainingMode {
    private TrainingMode() {}

    /**
     * Refuses a model whose result depends on a node in training mode, whatever would run it.
     *
     * @param output the name of the value that is the embeddings
     * @throws WeightsException naming the node
     */
    static void refuse(Path file, ModelProto model, String output) {
        for (NodeProto node : NeededNodes.of(model, List.of(output))) {
            if (isOf(node, model.opset()) || isDropoutInTraining(node, model)) {
                throw new WeightsException(file + " was exported in training mode: the result of " + node.title()
                        + " for an image depends on the other images or on chance; export it again in inference mode"
                        + " (in PyTorch, after model.eval(), with training=TrainingMode.EVAL)");
            }
        }
    }

    /** Returns whether a node is a batch normalization by the statistics of the batch. */
    static boolean isOf(NodeProto node, long opset) {
        return node.type().equals("BatchNormalization")
                && (opset < 14 ? node.outputs().size() > 1 : node.number("training_mode", 0) != 0);
    }

    private static boolean isDropoutInTraining(NodeProto node, ModelProto model) {
        if (!node.type().equals("Dropout") || !node.hasInput(2)) {
            return false;
        }
        TensorProto mode = constant(model, node.inputs().get(2));
        return mode != null && Known.of(mode).requireFixed()[0] != 0;
    }

    private static @Nullable TensorProto constant(ModelProto model, String name) {
        TensorProto initializer = model.initializers().get(name);
        NodeProto producer = model.producers().get(name);
        Attribute value = producer != null && producer.type().equals("Constant")
                ? producer.attributes().get("value")
                : null;
        return initializer != null || value == null ? initializer : value.tensor();
    }
}
