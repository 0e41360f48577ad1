package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.stream.Collectors;
import org.facerecognition.data.Normalization;
import org.facerecognition.onnx.ModelProto.ValueProto;

/** Says what to give where a model does not say what pixels it takes, with what its graph shows. */
final class Suggestion {
    private static final int DEFAULT_SIZE_PX = 112; // to look at the first nodes of a graph that leaves it open

    private Suggestion() {}

    /** Returns the sentence. */
    static String of(Path file, ModelProto proto, ValueProto images, boolean channelsLast) {
        String names = InputContract.names().stream().collect(Collectors.joining(", "));
        return file + " does not say what pixels it takes; give the input that it was trained with, one of " + names
                + " or, for example, \"BGR mean=127.5 std=128\" (command line: --input, or for the start of a training"
                + " --init-input)"
                + shown(proto, images, channelsLast)
                + "; evaluate --input try finds on labeled faces which one fits";
    }

    private static String shown(ModelProto proto, ValueProto images, boolean channelsLast) {
        if (images.type() == TensorProto.UINT8) {
            return "; it takes bytes, so its graph normalizes them itself: mean=0 std=1 with RGB or BGR";
        }
        return LeadingNormalization.of(proto, shape(images, channelsLast), channelsLast)
                .map(Suggestion::sentence)
                .orElseGet(() -> withoutNormalization(proto));
    }

    private static String withoutNormalization(ModelProto proto) {
        boolean layers = LeadingNormalization.users(proto, proto.inputs().get(0).name())
                .allMatch(node -> node.type().equals("Conv"));
        return layers
                ? "; its graph does not begin with a normalization, so pixels must be normalized before it"
                : "; its graph begins with "
                        + proto.nodes().stream().limit(4).map(NodeProto::type).toList();
    }

    private static String sentence(Normalization included) {
        String begins = "; its graph begins with " + FittingInput.text(included) + ", so it most likely takes ";
        return begins
                + (FittingInput.takesPixels(InputContract.UNIT, included)
                        ? "pixels 0..255: mean=0 std=1 with RGB or BGR"
                        : "values that are normalized before it, such as 0..1: mean=0 std=255 with RGB or BGR");
    }

    private static long[] shape(ValueProto images, boolean channelsLast) {
        long[] shape = images.shape().clone();
        for (int i = 0; i < shape.length; i++) {
            shape[i] = shape[i] == ValueProto.FREE ? DEFAULT_SIZE_PX : shape[i];
        }
        shape[channelsLast ? 3 : 1] = 3;
        return shape;
    }
}
