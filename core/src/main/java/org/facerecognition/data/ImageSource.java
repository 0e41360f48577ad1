package org.facerecognition.data;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.BiFunction;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * An image that can be read repeatedly and from any thread: {@link #of(Path) a file}, {@link #of(byte[], String) the
 * bytes of a file}, {@link #of(BufferedImage) a Java image} or {@link #of(Mat) an OpenCV image}. Whichever thread reads
 * it has the context class loader of the one that asked for the result.
 */
public interface ImageSource {
    /** Returns a source for an image file, which is rotated upright by its EXIF orientation when it is read. */
    static ImageSource of(Path file) {
        return new FileImage(file.getFileSystem().getPath(""), file.toString());
    }

    /** Returns a source for the bytes of an image file; see {@link #of(byte[], String)}. */
    static ImageSource of(byte[] bytes) {
        return of(bytes, GIVEN);
    }

    /**
     * Returns a source for the bytes of an image file, which is rotated upright by its EXIF orientation when it is
     * read.
     *
     * @param bytes not copied; must not be changed
     * @param name of the image in messages
     */
    static ImageSource of(byte[] bytes, String name) {
        return new EncodedBytes(bytes, name);
    }

    /** Returns a source for a Java image; reading it converts it and throws exceptions as {@link ImageReader#from}. */
    static ImageSource of(BufferedImage image) {
        Objects.requireNonNull(image, "image");
        return new GivenImage(() -> ImageReader.from(image));
    }

    /**
     * Returns a source for an OpenCV image. Reading it throws an IllegalArgumentException when it is closed, empty, of
     * another type or larger than {@link ImageReader#MAX_PIXELS}.
     *
     * @param image RGB, CV_8UC3; may be a region of a larger image. Borrowed and not copied: it must stay open and must
     *     not be changed
     */
    static ImageSource of(Mat image) {
        Objects.requireNonNull(image, "image");
        return new GivenImage(() -> {
            RgbImages.require(image); // before the header is copied: a closed Mat has none
            return new Mat(image); // shares the reference-counted pixels
        });
    }

    /** The name of an image that was given none. */
    String GIVEN = "given";

    /** Returns the name of the image in messages, usually its file. */
    String name();

    /**
     * Reads the image.
     *
     * @return RGB, CV_8UC3; owned
     * @throws DataException when the image cannot be read
     */
    Mat read();

    /**
     * Reads the image when a smaller one is sufficient: JPEG decoders can reduce it at a fraction of the cost.
     *
     * @param minPx the result's sides are at least this long, unless the image itself is smaller
     * @return RGB, CV_8UC3; owned
     * @throws DataException when the image cannot be read
     */
    default Mat read(int minPx) {
        return readReduced(minPx).pixels();
    }

    /**
     * An image that was read at its size or at a fraction of it.
     *
     * @param pixels RGB, CV_8UC3; owned
     * @param factor by which its sides are shorter: 1, 2, 4 or 8
     * @param widthPx of the image itself
     * @param heightPx of the image itself
     */
    record Reduced(Mat pixels, int factor, int widthPx, int heightPx) {
        /** Returns an image that is not reduced. */
        static Reduced whole(Mat pixels) {
            return new Reduced(pixels, 1, pixels.cols(), pixels.rows());
        }
    }

    /**
     * Reads the image as {@link #read(int)}, and says by how much it is reduced. Sources that can reduce images
     * override this method, which the library calls.
     *
     * @param minPx the result's sides are at least this long, unless the image itself is smaller
     * @throws DataException when the image cannot be read
     */
    default Reduced readReduced(int minPx) {
        return Reduced.whole(read());
    }

    /**
     * Reads the image for work that may decode it twice, reduced and then whole, so that its bytes are read once and
     * are not kept longer than that work.
     *
     * @param reader receives an image to decode now, and one to decode later
     * @return its result
     * @throws DataException when the image cannot be read
     */
    default <R> R readOnce(BiFunction<ImageSource, ImageSource, R> reader) {
        return reader.apply(this, this);
    }

    /**
     * Returns the image as the bytes of an image file, to be packed unchanged.
     *
     * @throws DataException when they cannot be read
     */
    default byte[] encoded() {
        try (Mat image = read()) {
            return ImageReader.png(image);
        }
    }

    /**
     * Returns the number of bytes of {@link #encoded}, or of the data that determine it, when that is known without
     * reading them, 0 otherwise. Together with {@link #contentChecksum} it shows whether an image was replaced under
     * the same name.
     *
     * @throws DataException when the size cannot be determined
     */
    default long contentBytes() {
        return 0;
    }

    /**
     * Returns the CRC-32 of {@link #encoded}, or of the data that determine it.
     *
     * @throws DataException when it cannot be read
     */
    default long contentChecksum() {
        return Checksum.of(encoded());
    }

    /** Returns the side in pixels of an image that is cropped already and only needs to be read; 0 for others. */
    default int croppedPx() {
        return 0;
    }
}
