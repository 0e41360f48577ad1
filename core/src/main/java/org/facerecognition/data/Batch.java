package org.facerecognition.data;

import org.bytedeco.pytorch.Tensor;
import org.facerecognition.natives.Lifetime;

/** A batch of samples, ready for a model. Its tensors are scoped; its buffer is reused once the batch is closed. */
public final class Batch implements AutoCloseable {
    private final Lifetime loader; // which frees the buffer
    private final BatchBuffer buffer;
    private final int size;
    private final int wholeSize;
    private final int index;
    private final Runnable onClose;
    private boolean closed;

    Batch(Lifetime loader, BatchBuffer buffer, int size, int wholeSize, int index, Runnable onClose) {
        this.loader = loader;
        this.buffer = buffer;
        this.size = size;
        this.wholeSize = wholeSize;
        this.index = index;
        this.onClose = onClose;
    }

    /** Returns the number of samples, B. */
    public int size() {
        return size;
    }

    /** Returns the number of samples of all processes that share the batch; {@link #size} where only one reads. */
    public int wholeSize() {
        return wholeSize;
    }

    /** Returns the number of this batch in its epoch, from 0. */
    public int index() {
        return index;
    }

    /**
     * Returns the images, RGB and normalized, on the loader's device.
     *
     * @return [B, 3, H, W], float32; scoped
     * @throws IllegalStateException when the loader is closed
     */
    public Tensor images() {
        try (Lifetime.Use use = loader.enter()) {
            return buffer.images(size);
        }
    }

    /**
     * Returns the labels of the identities, on the loader's device.
     *
     * @return [B], int64; scoped
     * @throws IllegalStateException when the loader is closed
     */
    public Tensor labels() {
        try (Lifetime.Use use = loader.enter()) {
            return buffer.labels(size);
        }
    }

    /** Returns the buffer to the loader. Closing twice has no further effect. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            onClose.run();
        }
    }

    @Override
    public String toString() {
        return "batch " + index + ": " + size + " samples";
    }
}
