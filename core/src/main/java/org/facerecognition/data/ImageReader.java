package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR_RGB;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_2;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_4;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_8;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.EncodedImage.Damage;
import org.facerecognition.natives.NativeLibraries;

/**
 * Images from files, bytes and Java images, always as RGB, CV_8UC3. The only place that decodes.
 *
 * <p>Files come from strangers: an image is decoded only when its format is one of those that are read here, its header
 * says how many pixels it has, and there are not too many. An image whose size is not understood is rejected.
 */
public final class ImageReader {
    /** Images whose header declares more pixels are rejected before anything is allocated for them: 300 MB, decoded. */
    public static final long MAX_PIXELS = 100_000_000;

    private static final int MAX_SIDE_PX = 1 << 20; // that of OpenCV
    private static final int MAX_PASSES = 100;
    private static final int USUAL_PASSES = 12; // over all pixels, of what programs write
    private static final long MAX_BUFFER_BYTES = 400_000_000;
    private static final int BUFFER_BYTES_PER_PIXEL = 6; // of a smaller limit
    private static final String WAY_OUT = "; replace the file or take it out of the data set";

    private ImageReader() {}

    /**
     * Reads an image file, whatever its name: JPEG, PNG, BMP, WebP, TIFF, GIF (the first frame), Netpbm (PBM, PGM, PPM,
     * PAM), Sun raster and Radiance HDR. Other formats, such as HEIC, are named in the message.
     *
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when the file is missing, unreadable, truncated, too large or no image
     */
    public static Mat read(Path file) {
        return decode(bytes(file), file.toString());
    }

    /**
     * Reads an image file where a smaller image will do. A JPEG is decoded at a half, a quarter or an eighth of its
     * size when both sides stay at least {@code leastPx}.
     *
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when the file is missing, unreadable, truncated, too large or no image
     */
    public static Mat read(Path file, int leastPx) {
        return decode(bytes(file), leastPx, file.toString());
    }

    static byte[] bytes(Path file) {
        try {
            long size = Files.size(file);
            long most = Math.min(Integer.MAX_VALUE - 8, Runtime.getRuntime().maxMemory() / 2);
            if (size > most) {
                throw new DataException("image " + file + " must have at most " + most
                        + " bytes, half of the Java heap, but has " + size + WAY_OUT);
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new DataException("image " + file + " does not exist", e);
        } catch (IOException e) {
            throw new DataException("image " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Decodes an image file's bytes.
     *
     * @param name what to call it in messages
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when it is truncated, too large or no image
     */
    public static Mat decode(byte[] bytes, String name) {
        return decode(bytes, name, MAX_PIXELS);
    }

    /**
     * Decodes an image file's bytes where many may be decoded at once, so that each must be smaller.
     *
     * @param name what to call it in messages
     * @param maxPixels images whose header declares more are rejected; 1 to {@link #MAX_PIXELS}
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when it is truncated, too large or no image
     */
    public static Mat decode(byte[] bytes, String name, long maxPixels) {
        if (maxPixels < 1 || maxPixels > MAX_PIXELS) {
            throw new IllegalArgumentException("maxPixels must be in [1, " + MAX_PIXELS + "], but was " + maxPixels);
        }
        return decode(bytes, Integer.MAX_VALUE, name, maxPixels);
    }

    static Mat decode(byte[] bytes, int leastPx, String name) {
        return decode(bytes, leastPx, name, MAX_PIXELS);
    }

    private static Mat decode(byte[] bytes, int leastPx, String name, long maxPixels) {
        Damage damage = EncodedImage.damageOf(bytes);
        if (damage != Damage.NONE) {
            throw new DataException(
                    "image " + name + " " + damage.sentence() + " (" + bytes.length + " bytes)" + WAY_OUT);
        }
        NativeLibraries.load(opencv_imgcodecs.class, "OpenCV");
        ImageHeader header = ImageHeader.of(bytes).orElseThrow(() -> unreadable(bytes, name));
        check(header, bytes.length, name, maxPixels);
        byte[] input = still(bytes).orElseThrow(() -> unreadable(bytes, name));
        int reduction = reduction(bytes, header.size(), leastPx);
        Mat image;
        try (BytePointer data = new BytePointer(input);
                Mat encoded = new Mat(1, input.length, CV_8UC1, data)) {
            image = imdecode(encoded, IMREAD_COLOR_RGB | flag(reduction));
        } catch (RuntimeException e) { // cv::Exception: a codec's complaint
            String why = FileSignature.sentence(bytes).orElse("cannot be decoded: " + firstLine(e));
            throw new DataException("image " + name + " " + why, e);
        }
        if (image.empty()) {
            image.close();
            throw unreadable(bytes, name);
        }
        checkDecoded(image, header.size(), reduction, name);
        return image;
    }

    private static DataException unreadable(byte[] bytes, String name) {
        return new DataException("image " + name + " "
                + FileSignature.sentence(bytes)
                        .orElse("is not an image that can be decoded (" + bytes.length + " bytes)" + WAY_OUT));
    }

    /** Whether it is worth to be decoded at all, by what its header says. */
    private static void check(ImageHeader header, int bytes, String name, long maxPixels) {
        ImageSize size = header.size();
        if (size.pixels() > maxPixels) {
            throw tooLarge(name, maxPixels + " pixels", size.toString());
        }
        if (Math.max(size.width(), size.height()) > MAX_SIDE_PX) {
            throw tooLarge(name, MAX_SIDE_PX + " pixels on a side", size.toString());
        }
        if (header.minBytes() > bytes) {
            throw new DataException("image " + name + " is truncated: " + bytes + " bytes are too few for the " + size
                    + " pixels that its header claims" + WAY_OUT);
        }
        long maxBuffer = Math.min(MAX_BUFFER_BYTES, BUFFER_BYTES_PER_PIXEL * maxPixels);
        if (header.bufferBytes() > maxBuffer) {
            throw tooLarge(
                    name,
                    maxBuffer + " bytes in its decoder's buffers",
                    header.bufferBytes() + " for its " + size + " pixels");
        }
        long maxPasses = Math.min(MAX_PASSES, USUAL_PASSES * MAX_PIXELS / size.pixels());
        if (header.passes() > maxPasses) {
            throw new DataException("image " + name + " must have at most " + maxPasses + " scans of its " + size
                    + " pixels, but has " + header.passes()
                    + "; save it again with another program or take it out of the data set");
        }
    }

    private static DataException tooLarge(String name, String most, String claim) {
        return new DataException("image " + name + " must have at most " + most + ", but claims " + claim
                + "; make it smaller or take it out of the data set");
    }

    /** Without what follows the first image of an animation; empty where the file is damaged. */
    private static Optional<byte[]> still(byte[] bytes) {
        HeaderBytes header = new HeaderBytes(bytes);
        if (header.ascii(0, "GIF8")) {
            return GifFrames.first(bytes);
        }
        return header.at(0) == 0x89 ? PngChunks.still(bytes) : Optional.of(bytes);
    }

    /** How many times smaller to decode it: 2, 4, 8, or 1; for JPEG, whose decoder saves work that way. */
    private static int reduction(byte[] bytes, ImageSize size, int leastPx) {
        boolean jpeg = (bytes[0] & 0xff) == 0xff;
        long smaller = Math.min(size.width(), size.height());
        for (int times = 8; jpeg && times > 1; times /= 2) {
            if (smaller / times >= leastPx) {
                return times;
            }
        }
        return 1;
    }

    private static int flag(int reduction) {
        return switch (reduction) {
            case 8 -> IMREAD_REDUCED_GRAYSCALE_8;
            case 4 -> IMREAD_REDUCED_GRAYSCALE_4;
            case 2 -> IMREAD_REDUCED_GRAYSCALE_2;
            default -> 0;
        };
    }

    /** The decoder must have found the size that was checked, upright or turned. */
    private static void checkDecoded(Mat image, ImageSize claimed, int reduction, String name) {
        long width = (claimed.width() + reduction - 1) / reduction;
        long height = (claimed.height() + reduction - 1) / reduction;
        boolean same = image.cols() == width && image.rows() == height;
        boolean turned = image.cols() == height && image.rows() == width;
        if (image.type() != CV_8UC3 || !(same || turned)) {
            String found = image.cols() + "x" + image.rows() + " (" + RgbImages.describe(image) + ")";
            image.close();
            throw new DataException("image " + name + " is damaged: its header claims " + claimed
                    + " pixels, but it was decoded to " + found + WAY_OUT);
        }
    }

    /** Encodes without loss. */
    public static byte[] png(Mat image) {
        try (Mat bgr = new Mat();
                BytePointer png = new BytePointer()) {
            cvtColor(image, bgr, COLOR_RGB2BGR);
            imencode(".png", bgr, png);
            byte[] bytes = new byte[Math.toIntExact(png.limit())];
            png.get(bytes);
            return bytes;
        }
    }

    /**
     * Converts a Java image; transparency is laid on black.
     *
     * @return RGB, CV_8UC3; the caller closes it
     * @throws IllegalArgumentException when it has more than {@link #MAX_PIXELS} or its values are no integers of 8 or
     *     16 bits
     */
    public static Mat from(BufferedImage image) {
        NativeLibraries.load(opencv_core.class, "OpenCV");
        return JavaImages.toRgb(image);
    }

    /**
     * Copies an image's pixels.
     *
     * @param image RGB, CV_8UC3; may be a region of a larger one
     * @return R G B of each pixel, row by row
     * @throws IllegalArgumentException when it is empty or of another type
     */
    public static byte[] pixels(Mat image) {
        RgbImages.require(image);
        if (!image.isContinuous()) {
            try (Mat dense = image.clone()) {
                return pixels(dense);
            }
        }
        byte[] bytes = new byte[Math.toIntExact(3 * image.total())];
        try (BytePointer data = image.data()) {
            data.get(bytes);
        }
        return bytes;
    }

    /** What OpenCV says, without where in its sources and the number of the error. */
    private static String firstLine(RuntimeException e) {
        String line = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return line.replaceFirst("^OpenCV\\([^)]*\\) \\S+ error: \\([^)]*\\) ", "");
    }
}
