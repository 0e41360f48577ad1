package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A cache of decoded and cropped images. With the study's copies by augmentation and its epochs each image is needed
 * hundreds of times, and decoding is most of the work of reading one.
 *
 * <p>It holds the first images of a data set, as many as fit, and never evicts one: in an epoch all are needed equally
 * often, so that any other choice would be no better and would cost work. Thread-safe.
 */
final class DecodedImageCache implements AutoCloseable {
    private final int sizePx;
    private final int capacity; // in images
    private final AtomicIntegerArray present; // 1 when the pixels are there

    /** [capacity, sizePx * sizePx * 3]; the operating system allocates the pages as they are filled. */
    private final @Nullable Tensor pixels;

    /**
     * @param images number of images in the data set
     * @param sizePx side of each square image
     * @param maxBytes memory to use at most
     */
    DecodedImageCache(int images, int sizePx, long maxBytes) {
        this.sizePx = sizePx;
        this.capacity = (int) Math.min(images, maxBytes / bytesEach());
        this.present = new AtomicIntegerArray(capacity);
        if (capacity == 0) {
            this.pixels = null;
            return;
        }
        try (TensorOptions bytes = new TensorOptions().dtype(new ScalarTypeOptional(ScalarType.Byte));
                MemoryFormatOptional usual = new MemoryFormatOptional()) {
            this.pixels = torch.empty(new long[] {capacity, bytesEach()}, bytes, usual)
                    .retainReference();
        }
    }

    private long bytesEach() {
        return 3L * sizePx * sizePx;
    }

    /**
     * Returns a cached image.
     *
     * @return a view of the memory, not to be changed and valid until this is closed; the view itself is owned. Null
     *     when the image is not cached
     */
    @Nullable
    Mat get(int image) {
        boolean cached = image < capacity && present.get(image) == 1;
        return cached ? new Mat(sizePx, sizePx, CV_8UC3, address(image)) : null;
    }

    /**
     * Stores a copy of a cropped image if there is room. Two threads may do so at once: both write the same bytes. An
     * image of another size or type is not stored; {@link BatchBuffer#put} reports what is wrong with it.
     */
    void put(int image, Mat cropped) {
        boolean fits = cropped.type() == CV_8UC3
                && cropped.rows() == sizePx
                && cropped.cols() == sizePx
                && cropped.isContinuous();
        if (fits && image < capacity && present.get(image) == 0) {
            try (BytePointer address = address(image)) {
                Pointer.memcpy(address, cropped.data(), bytesEach());
            }
            present.set(image, 1);
        }
    }

    private BytePointer address(int image) {
        return Objects.requireNonNull(pixels, "pixels").data_ptr_byte().getPointer(image * bytesEach());
    }

    @Override
    public void close() {
        if (pixels != null) {
            pixels.close();
        }
    }
}
