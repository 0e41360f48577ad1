package org.facerecognition.data;

import org.bytedeco.pytorch.Tensor;
import org.facerecognition.natives.Lifetime;

/**
 * Some samples, ready for a net. Its tensors are made afresh for each batch and belong to the reader's scope; the bytes
 * under them are reused once the batch is closed.
 */
public final class Batch implements AutoCloseable {
    private final Lifetime loader; // that frees the buffer
    private final BatchBuffer buffer;
    private final int size;
    private final int index;
    private final Runnable onClose;
    private boolean closed;

    Batch(Lifetime loader, BatchBuffer buffer, int size, int index, Runnable onClose) {
        this.loader = loader;
        this.buffer = buffer;
        this.size = size;
        this.index = index;
        this.onClose = onClose;
    }

    /** Number of samples, B. */
    public int size() {
        return size;
    }

    /** Which batch of its epoch this is, from 0. */
    public int index() {
        return index;
    }

    /**
     * The images, RGB, normalized, on the loader's device. Call inside a PointerScope, which ends the tensor.
     *
     * @return [B, 3, H, W], float32
     * @throws IllegalStateException when the loader is closed
     */
    public Tensor images() {
        try (Lifetime.Use use = loader.enter()) {
            return buffer.images(size);
        }
    }

    /**
     * The identities, on the loader's device. Call inside a PointerScope, which ends the tensor.
     *
     * @return [B], int64
     * @throws IllegalStateException when the loader is closed
     */
    public Tensor labels() {
        try (Lifetime.Use use = loader.enter()) {
            return buffer.labels(size);
        }
    }

    /** Gives the buffer back. Closing twice does nothing more. */
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
