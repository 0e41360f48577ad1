package org.facerecognition.inference;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Does the work of a net's layers, in order; from any number of threads at a time. */
interface Execution extends AutoCloseable {
    /**
     * Inside a scope and without gradients.
     *
     * @param images [B, 3, S, S], in whatever type and layout, on whatever device
     * @return [B, D], float32
     */
    Tensor run(Tensor images);

    /**
     * What each node takes, in seconds; inside a scope and without gradients.
     *
     * @param images as many as go through the layers at a time, or fewer
     */
    List<LayerCost> profile(Tensor images);

    /** Most images that go through the layers at a time. */
    int turn();

    /** How many pieces of working memory are kept for the next callers. */
    default int workspaces() {
        return 0;
    }

    /** Their size in bytes. */
    default long workspaceBytes() {
        return 0;
    }

    @Override
    void close();
}
