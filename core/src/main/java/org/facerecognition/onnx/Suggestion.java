package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.stream.Collectors;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Graph;
import org.facerecognition.onnx.ModelProto.ValueProto;

/** Says what to give where a model does not say what pixels it takes, with what its graph shows. */
final class Suggestion {
    private static final int DEFAULT_SIZE_PX = 112; // to look at the first nodes of a graph that leaves it open

    private Suggestion() {}

    /** Returns the sentence. */
    static String of(Path file, ModelProto proto, ValueProto images, boolean channelsLast, String output) {
        String names = InputContract.names().stream().collect(Collectors.joining(", "));
        return file + " does not say what pixels it takes; give the input that it was trained with, one of " + names
                + " or, for example, \"BGR mean=127.5 std=128\" (command line: --input)"
                + shown(proto, images, channelsLast, output)
                + "; evaluate --input try finds on labeled faces which one fits";
    }

    private static String shown(ModelProto proto, ValueProto images, boolean channelsLast, String output) {
        if (images.type() == TensorProto.UINT8) {
            return "; it takes bytes, so its graph normalizes them itself: mean=0 std=1 with RGB or BGR";
        }
        List<String> first =
                proto.nodes().stream().limit(4).map(NodeProto::type).toList();
        try (Graph graph =
                Converter.graph(proto, shape(images, channelsLast), channelsLast, output, new IdentityHashMap<>())) {
            return LeadingNormalization.of(graph)
                    .map(Suggestion::sentence)
                    .orElse("; its graph does not begin with a normalization, so pixels must be normalized before it");
        } catch (Uncovered e) {
            return "; its graph begins with " + first;
        }
    }

    private static String sentence(Normalization included) {
        return "; its graph begins with (x - " + included.mean() + ") / " + included.std()
                + ", so it most likely takes pixels 0..255: mean=0 std=1 with RGB or BGR";
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
