package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Graph;

/**
 * A network's fused layers.
 *
 * @param folded the network without the normalizations that other layers can do; owned
 * @param shapes of the values for one image
 */
record FusedLayers(Graph folded, List<FusedNode> nodes, long[][] shapes) implements AutoCloseable {
    /** The maximum size of a value between layers on a CPU; larger ones do not stay in the cache. */
    private static final long MAX_VALUE_BYTES = 16 << 20;

    static FusedLayers of(Graph graph, int batchSize, int sizePx) {
        return of(graph, batchSize, sizePx, sizePx);
    }

    static FusedLayers of(Graph graph, int batchSize, int heightPx, int widthPx) {
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        Graph folded = BatchNormFolding.fold(graph);
        try {
            List<FusedNode> nodes = FusedNode.of(folded);
            return new FusedLayers(
                    folded, nodes, Shapes.of(nodes, folded.nodes().size(), heightPx, widthPx));
        } catch (RuntimeException e) {
            folded.close();
            throw e;
        }
    }

    int embeddingSize() {
        long[] rows = Objects.requireNonNull(shapes[nodes.get(nodes.size() - 1).output()]);
        if (rows.length != 1) {
            throw new UnsupportedOperationException("a net to be prepared must end in embeddings of one dimension,"
                    + " but ended in a value of shape " + Arrays.toString(rows));
        }
        return Math.toIntExact(rows[0]);
    }

    /** Returns a size that splits a batch into the fewest chunks, all of nearly the same size. */
    int chunkSize(int batchSize, ScalarType type) {
        int bytes = type == ScalarType.Float ? Float.BYTES : Short.BYTES;
        long maxChunkSize = MAX_VALUE_BYTES / bytes / Shapes.largest(shapes);
        int chunks = (int) Math.ceil((double) batchSize / Math.max(1, maxChunkSize));
        return (int) Math.ceil((double) batchSize / chunks);
    }

    @Override
    public void close() {
        folded.close();
    }
}
