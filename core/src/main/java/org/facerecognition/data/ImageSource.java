package org.facerecognition.data;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * An image that can be read again and again, from any thread: {@link #of(Path) a file}, {@link #of(byte[], String) its
 * bytes}, {@link #of(BufferedImage) Java's} or {@link #of(Mat) OpenCV's}.
 */
public interface ImageSource {
    /** An image file, turned upright by its EXIF orientation when it is read. */
    static ImageSource of(Path file) {
        return new FileImage(file.getFileSystem().getPath(""), file.toString());
    }

    /** The bytes of an image file; as {@link #of(byte[], String)}. */
    static ImageSource of(byte[] bytes) {
        return of(bytes, GIVEN);
    }

    /**
     * The bytes of an image file, turned upright by its EXIF orientation when it is read.
     *
     * @param bytes not copied: leave them as they are
     * @param name what to call it in messages
     */
    static ImageSource of(byte[] bytes, String name) {
        return new EncodedBytes(bytes, name);
    }

    /** A Java image; transparency is laid on black. Reading it throws as {@link ImageReader#from}. */
    static ImageSource of(BufferedImage image) {
        return new GivenImage(() -> ImageReader.from(image));
    }

    /**
     * OpenCV's. Reading it throws an IllegalArgumentException when it is closed, empty, of another type or larger than
     * {@link ImageReader#MAX_PIXELS}.
     *
     * @param image RGB, CV_8UC3; may be a region of a larger one; not copied: leave it as it is, and open
     */
    static ImageSource of(Mat image) {
        return new GivenImage(() -> {
            RgbImages.require(image); // before its header is copied: a closed one has none
            return new Mat(image); // its pixels are shared, and counted
        });
    }

    /** What an image without a name is called. */
    String GIVEN = "given";

    /** What the image is called in messages: its file, mostly. */
    String name();

    /**
     * Reads it.
     *
     * @return RGB, CV_8UC3; the caller closes it
     * @throws DataException when it cannot be read
     */
    Mat read();

    /**
     * Reads it where a smaller one will do: decoders of JPEG leave detail out at a fraction of the cost.
     *
     * @param leastPx neither side becomes smaller than this, unless it is
     * @return RGB, CV_8UC3; the caller closes it
     * @throws DataException when it cannot be read
     */
    default Mat read(int leastPx) {
        return read();
    }

    /**
     * Its bytes as they are kept: an encoded image, to be packed as it is.
     *
     * @throws DataException when they cannot be read
     */
    default byte[] encoded() {
        try (Mat image = read()) {
            return ImageReader.png(image);
        }
    }

    /**
     * Size in bytes of what {@link #encoded} gives, where that is known without reading it; 0 where it is not. With
     * {@link #contentChecksum} it tells whether an image was replaced under the same name.
     *
     * @throws DataException when it cannot be told
     */
    default long contentBytes() {
        return 0;
    }

    /**
     * CRC-32 of what {@link #encoded} gives, or of what determines it.
     *
     * @throws DataException when it cannot be read
     */
    default long contentChecksum() {
        return Checksum.of(encoded());
    }

    /** Side in pixels of an image that is framed already, and only needs to be read; 0 for one that is not. */
    default int framedPx() {
        return 0;
    }
}
