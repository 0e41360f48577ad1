package org.facerecognition.data;

import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.natives.Lifetime;

/** A batch of samples, ready for a model. Its tensors are scoped; its buffer is reused once the batch is closed. */
public final class Batch implements AutoCloseable {
    private final Lifetime loader; // which frees the buffer
    private final BatchBuffer buffer;
    private final int size;
    private final int wholeSize;
    private final int index;
    private final List<Integer> replacements;
    private final Runnable onClose;
    private boolean closed;

    Batch(
            Lifetime loader,
            BatchBuffer buffer,
            int size,
            int wholeSize,
            int index,
            List<Integer> replacements,
            Runnable onClose) {
        this.loader = loader;
        this.buffer = buffer;
        this.size = size;
        this.wholeSize = wholeSize;
        this.index = index;
        this.replacements = List.copyOf(replacements);
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
     * Returns the rows, from 0 and ascending, that hold another sample than their own, because the images of their own
     * cannot be used: the next sample that can, with its label. Training goes on with them; a measurement must leave
     * them out, or it counts those samples twice.
     */
    public List<Integer> replacements() {
        return replacements;
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

    /**
     * Returns the labels as {@link #labels}, with -1 in the rows of {@link #replacements}.
     *
     * @return [B], int64, on the loader's device; scoped
     * @throws IllegalStateException when the loader is closed
     */
    public Tensor ownLabels() {
        Tensor own = labels(); // a copy
        for (int row : replacements) {
            own.narrow(0, row, 1).fill_(new Scalar(-1L));
        }
        return own;
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
