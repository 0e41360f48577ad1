package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.zeros;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.vision.Pixels;
import org.jspecify.annotations.Nullable;

/**
 * Reusable memory for one batch: pixels as the decoder returns them, [B, H, W, 3] uint8, and labels. Pixels are copied
 * to the device as bytes, a quarter of the size of floats, and are normalized there.
 *
 * <p>Bytes in this order are channels_last once the axes are permuted to [B, 3, H, W], so the layout that convolutions
 * prefer costs nothing.
 */
public final class BatchBuffer implements AutoCloseable {
    private final int sizePx;
    private final Device device;
    private final boolean channelsLast;
    private final boolean pinned;
    private final Tensor mean; // [1, 3, 1, 1], on the device
    private final Tensor inverseStd; // [1, 3, 1, 1], on the device
    private final Tensor pixels; // [B, H, W, 3] uint8
    private final Tensor labels; // [B] int64
    private final @Nullable CopyFence copies; // of pinned memory, which a GPU reads asynchronously

    /**
     * Allocates the memory.
     *
     * @param batchSize maximum number of samples
     * @param sizePx side of the square images
     * @param normalization of pixel values
     * @param device where the tensors go; borrowed
     * @param channelsLast memory layout of the images there; false for contiguous
     */
    public BatchBuffer(int batchSize, int sizePx, Normalization normalization, Device device, boolean channelsLast) {
        this.sizePx = sizePx;
        this.device = device;
        this.channelsLast = channelsLast;
        this.pinned = device.is_cuda();
        this.copies = pinned ? new CopyFence(device) : null;
        try (PointerScope scope = new PointerScope()) {
            this.pixels = zeros(new long[] {batchSize, sizePx, sizePx, 3}, host(ScalarType.Byte))
                    .retainReference();
            this.labels = empty(new long[] {batchSize}, host(ScalarType.Long), new MemoryFormatOptional())
                    .retainReference();
            double[] means = new double[3];
            double[] inverseStds = new double[3];
            for (int channel = 0; channel < 3; channel++) {
                means[channel] = normalization.mean().get(channel);
                inverseStds[channel] = 1 / normalization.std().get(channel);
            }
            this.mean = perChannel(means).retainReference();
            this.inverseStd = perChannel(inverseStds).retainReference();
        }
    }

    private TensorOptions host(ScalarType type) {
        return new TensorOptions().dtype(new ScalarTypeOptional(type)).pinned_memory(new BoolOptional(pinned));
    }

    private Tensor perChannel(double[] values) {
        return Tensor.create(values, 1, 3, 1, 1).to(device, ScalarType.Float);
    }

    /**
     * Copies an image and its label to place {@code slot}; may be called from any thread.
     *
     * @param image RGB, CV_8UC3, of the buffer's size; may be a region of a larger image. Borrowed
     * @throws IllegalStateException when the image is of another size or type
     */
    public void put(int slot, Mat image, int label) {
        if (copies != null) {
            copies.await();
        }
        if (image.isNull() || image.type() != CV_8UC3 || image.rows() != sizePx || image.cols() != sizePx) {
            throw new IllegalStateException(
                    "a transform changed the size or type of an image: it must be RGB, CV_8UC3, of " + sizePx + "x"
                            + sizePx + ", but was " + Pixels.describe(image));
        }
        if (!image.isContinuous()) { // a region of a larger image
            try (Mat dense = image.clone()) {
                put(slot, dense, label);
                return;
            }
        }
        long bytes = 3L * sizePx * sizePx;
        try (PointerScope scope = new PointerScope()) {
            BytePointer target = pixels.data_ptr_byte().getPointer(slot * bytes);
            Pointer.memcpy(target, image.data(), bytes);
            labels.data_ptr_long().put(slot, label);
        }
    }

    /**
     * Returns the first {@code count} images. Intermediate tensors are scoped too.
     *
     * @return [count, 3, H, W], float32, normalized, on the device; scoped
     */
    public Tensor images(int count) {
        Tensor x = pixels.narrow(0, 0, count).permute(0, 3, 1, 2); // [B, 3, H, W], uint8
        x = x.to(device, ScalarType.Byte, pinned, false, new MemoryFormatOptional());
        recordCopies();
        x = x.to(ScalarType.Float); // keeps the strides: channels_last
        x = x.sub_(mean).mul_(inverseStd);
        return channelsLast ? x : x.contiguous(MemoryFormat.Contiguous);
    }

    /**
     * Returns the first {@code count} labels.
     *
     * @return [count], int64, on the device; scoped
     */
    public Tensor labels(int count) {
        // copied on the CPU too: workers reuse the buffer while the tensor may still be in use
        Tensor copy = labels.narrow(0, 0, count).to(device, ScalarType.Long, pinned, true, new MemoryFormatOptional());
        recordCopies();
        return copy;
    }

    private void recordCopies() {
        if (copies != null) {
            copies.record();
        }
    }

    @Override
    public void close() {
        if (copies != null) {
            copies.close();
        }
        pixels.close();
        labels.close();
        mean.close();
        inverseStd.close();
    }
}
