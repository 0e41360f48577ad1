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
import org.jspecify.annotations.Nullable;

/**
 * Memory for one batch, reused: pixels as they come from the decoder, [B, H, W, 3] uint8, and labels. Pixels travel to
 * the device as bytes, a quarter of what floats would be, and are normalized there.
 *
 * <p>Bytes in this order are channels_last already once the axes are renamed to [B, 3, H, W], so the layout that
 * convolutions prefer costs nothing.
 */
public final class BatchBuffer implements AutoCloseable {
    private final int sizePx;
    private final Device device;
    private final boolean channelsLast;
    private final boolean pinned;
    private final Tensor mean; // [1, 3, 1, 1], on the device
    private final Tensor inverseDeviation; // [1, 3, 1, 1], on the device
    private final Tensor pixels; // [B, H, W, 3] uint8
    private final Tensor labels; // [B] int64
    private final @Nullable CopyFence copies; // of pinned memory, which a GPU reads while the program goes on

    /**
     * @param batchSize most samples it takes
     * @param sizePx side of the images
     * @param normalization of pixel values
     * @param device where the tensors go
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
            double[] m = new double[3];
            double[] d = new double[3];
            for (int channel = 0; channel < 3; channel++) {
                m[channel] = normalization.mean().get(channel);
                d[channel] = 1 / normalization.std().get(channel);
            }
            this.mean = perChannel(m).retainReference();
            this.inverseDeviation = perChannel(d).retainReference();
        }
    }

    private TensorOptions host(ScalarType type) {
        return new TensorOptions().dtype(new ScalarTypeOptional(type)).pinned_memory(new BoolOptional(pinned));
    }

    private Tensor perChannel(double[] values) {
        return Tensor.create(values, 1, 3, 1, 1).to(device, ScalarType.Float);
    }

    /**
     * Puts an image and its label in place {@code slot}; from any thread.
     *
     * @param image RGB, CV_8UC3, of the buffer's size; may be a region of a larger one
     * @throws IllegalStateException when the image is of another size or type
     */
    public void put(int slot, Mat image, int label) {
        if (copies != null) {
            copies.await();
        }
        if (image.isNull() || image.type() != CV_8UC3 || image.rows() != sizePx || image.cols() != sizePx) {
            throw new IllegalStateException(
                    "a transform changed the size or type of an image: it must be RGB, CV_8UC3, of " + sizePx + "x"
                            + sizePx + ", but was " + RgbImages.describe(image));
        }
        if (!image.isContinuous()) { // a region of a larger one
            try (Mat dense = image.clone()) {
                put(slot, dense, label);
                return;
            }
        }
        long bytes = 3L * sizePx * sizePx;
        try (PointerScope scope = new PointerScope()) {
            BytePointer place = pixels.data_ptr_byte().getPointer(slot * bytes);
            Pointer.memcpy(place, image.data(), bytes);
            labels.data_ptr_long().put(slot, label);
        }
    }

    /**
     * The first {@code count} images. Call inside a PointerScope: tensors on the way are left to it, like the result.
     *
     * @return [count, 3, H, W], float32, normalized, on the device
     */
    public Tensor images(int count) {
        Tensor x = pixels.narrow(0, 0, count).permute(0, 3, 1, 2); // [B, 3, H, W], uint8
        x = x.to(device, ScalarType.Byte, pinned, false, new MemoryFormatOptional());
        recordCopies();
        x = x.to(ScalarType.Float); // keeps the strides: channels_last
        x = x.sub_(mean).mul_(inverseDeviation);
        return channelsLast ? x : x.contiguous(MemoryFormat.Contiguous);
    }

    /**
     * The first {@code count} labels. Call inside a PointerScope, as {@link #images}.
     *
     * @return [count], int64, on the device
     */
    public Tensor labels(int count) {
        // a copy on the CPU too: the buffer goes back to the workers while the tensor may live on
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
        inverseDeviation.close();
    }
}
