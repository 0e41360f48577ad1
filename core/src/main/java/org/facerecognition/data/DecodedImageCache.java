package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

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
 * Images that were decoded and framed once, kept as pixels for the next time. The study's copies by augmentation and
 * its epochs ask for each image hundreds of times, and decoding is most of the work of reading one.
 *
 * <p>Holds the first so many images of a data set, as many as there is room for, and never gives one up for another:
 * in an epoch each is asked for equally often, so that any other choice would be no better and cost work. For any
 * number of threads.
 */
final class DecodedImageCache implements AutoCloseable {
    private final int sizePx;
    private final int places;
    private final AtomicIntegerArray kept; // 1 when the pixels are there

    /** [places, sizePx * sizePx * 3]; the system gives the pages as they are filled. */
    private final @Nullable Tensor pixels;

    /**
     * @param images of the data set
     * @param sizePx side of each
     * @param mostBytes of memory to use
     */
    DecodedImageCache(int pictures, int sizePx, long mostBytes) {
        this.sizePx = sizePx;
        this.places = (int) Math.min(pictures, mostBytes / bytesEach());
        this.kept = new AtomicIntegerArray(places);
        if (places == 0) {
            this.pixels = null;
            return;
        }
        try (TensorOptions bytes = new TensorOptions().dtype(new ScalarTypeOptional(ScalarType.Byte));
                MemoryFormatOptional usual = new MemoryFormatOptional()) {
            this.pixels =
                    torch.empty(new long[] {places, bytesEach()}, bytes, usual).retainReference();
        }
    }

    private long bytesEach() {
        return 3L * sizePx * sizePx;
    }

    /**
     * An image that was kept.
     *
     * @return a view of the memory, not to be changed, valid until this is closed; null when it is not here
     */
    @Nullable
    Mat recall(int picture) {
        return picture < places && kept.get(picture) == 1 ? new Mat(sizePx, sizePx, CV_8UC3, place(picture)) : null;
    }

    /**
     * Keeps a copy where there is room. Two threads may do so at once: both write the same bytes. An image of another
     * size or type is not kept; {@link BatchBuffer#put} says what is wrong with it.
     */
    void keep(int picture, Mat framed) {
        boolean fits =
                framed.type() == CV_8UC3 && framed.rows() == sizePx && framed.cols() == sizePx && framed.isContinuous();
        if (fits && picture < places && kept.get(picture) == 0) {
            try (BytePointer place = place(picture)) {
                Pointer.memcpy(place, framed.data(), bytesEach());
            }
            kept.set(picture, 1);
        }
    }

    private BytePointer place(int picture) {
        return pixels.data_ptr_byte().getPointer(picture * bytesEach());
    }

    @Override
    public void close() {
        if (pixels != null) {
            pixels.close();
        }
    }
}
