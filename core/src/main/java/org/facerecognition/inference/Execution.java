package org.facerecognition.inference;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Runs the layers of a network in order. It is thread-safe, except that nothing may run when it is closed. */
interface Execution extends AutoCloseable {
    /**
     * Runs the network. Call it inside a {@code PointerScope} and without gradients.
     *
     * @param images [B, 3, S, S], in any type and layout, on any device; borrowed
     * @return [B, D], float32, scoped
     */
    Tensor run(Tensor images);

    /**
     * Runs the network.
     *
     * @return the embedding of each image, not L2-normalized
     */
    float[][] run(InputImages images);

    /**
     * Runs the network and measures the time of each node. Call it inside a {@code PointerScope} and without gradients.
     *
     * @param images [B, 3, S, S], borrowed; B is at most {@link #chunkSize}
     */
    List<LayerCost> profile(Tensor images);

    /** Returns the maximum number of images that pass through the layers together; larger batches run in chunks. */
    int chunkSize();

    /** Returns the number of idle workspaces, which are kept for the next calls. */
    default int workspaces() {
        return 0;
    }

    /** Returns the size of the idle workspaces in bytes. */
    default long workspaceBytes() {
        return 0;
    }

    @Override
    void close();
}
