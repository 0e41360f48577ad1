package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation.BatchNorm;

/**
 * A network's fused layers.
 *
 * @param folded the network without the normalizations that other layers can do; owned
 * @param shapes of the values for one image
 */
record FusedLayers(Graph folded, List<FusedNode> nodes, long[][] shapes) implements AutoCloseable {
    /** The maximum size of a value between layers on a CPU; larger ones do not stay in the cache. */
    private static final long MAX_VALUE_BYTES = 16 << 20;

    /** Of one image between layers: real networks for faces have a million. A file could claim any number. */
    private static final long MAX_VALUES = 1 << 26;

    /**
     * Fuses the layers of a network for faces.
     *
     * @throws UnsupportedOperationException when layers do not fit each other, or one has more than 2^26 values per
     *     image
     * @throws NonFiniteWeightsException when a variance is negative
     */
    static FusedLayers of(Graph graph, int batchSize, int sizePx) {
        return of(graph, batchSize, sizePx, sizePx, MAX_VALUES);
    }

    /**
     * Fuses the layers of a network for images of any size.
     *
     * @throws UnsupportedOperationException when layers do not fit each other
     * @throws NonFiniteWeightsException when a variance is negative
     */
    static FusedLayers of(Graph graph, int batchSize, int heightPx, int widthPx) {
        return of(graph, batchSize, heightPx, widthPx, Long.MAX_VALUE);
    }

    private static FusedLayers of(Graph graph, int batchSize, int heightPx, int widthPx, long maxValues) {
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        long largest = Shapes.largest(Shapes.of(graph, heightPx, widthPx)); // folding takes for granted that layers fit
        if (largest > maxValues) {
            throw new UnsupportedOperationException("a net to be prepared must have at most " + maxValues
                    + " values per image between its layers, but had " + largest + "; use smaller images");
        }
        requirePositiveVariances(graph);
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

    /** The square root of another one is not finite, and not all embeddings show it. */
    private static void requirePositiveVariances(Graph graph) {
        for (Node node : graph.nodes()) {
            if (node.operation() instanceof BatchNorm norm) {
                for (float variance : norm.variance().values()) {
                    if (variance + norm.epsilon() <= 0) { // one that is NaN is refused as a weight
                        throw NonFiniteWeightsException.ofVariance(variance + norm.epsilon());
                    }
                }
            }
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
