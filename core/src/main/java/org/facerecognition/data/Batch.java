package org.facerecognition.data;

import org.bytedeco.pytorch.Tensor;

/**
 * Some samples, ready for a net. Its tensors are made afresh for each batch and belong to the reader's scope; the bytes
 * under them are reused once the batch is closed.
 */
public final class Batch implements AutoCloseable {
    private final BatchBuffer buffer;
    private final int size;
    private final int index;
    private final Runnable onClose;
    private boolean closed;

    Batch(BatchBuffer buffer, int size, int index, Runnable onClose) {
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
     * The pictures, RGB, normalised, on the loader's device. Call inside a PointerScope, which ends the tensor.
     *
     * @return [B, 3, H, W], float32
     */
    public Tensor images() {
        return buffer.images(size);
    }

    /**
     * The identities, on the loader's device. Call inside a PointerScope, which ends the tensor.
     *
     * @return [B], int64
     */
    public Tensor labels() {
        return buffer.labels(size);
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
