package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.flip;
import static org.bytedeco.opencv.global.opencv_core.transpose;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR_RGB;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_2;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_4;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_GRAYSCALE_8;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imdecode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.EncodedImage.Damage;
import org.facerecognition.data.TiffHeader.TileOrientation;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.vision.OpenCvThreads;
import org.facerecognition.vision.Pixels;

/**
 * Reads images from files, bytes and Java images, always as RGB, CV_8UC3. This is the only place that decodes.
 *
 * <p>Files are untrusted: an image is decoded only when its format is supported here, its header declares how many
 * pixels it has, and these are not too many. An image whose size cannot be determined is rejected.
 */
public final class ImageReader {
    /**
     * Images whose header declares more pixels are rejected before decoding; so many take 300 MB when decoded. For a
     * JPEG that is decoded at a reduced size row by row, this is the limit of that size.
     */
    public static final long MAX_PIXELS = 100_000_000;

    private static final long MAX_PIXELS_TO_REDUCE = 250_000_000; // of the largest cameras; bounds the time

    private static final int MAX_SIDE_PX = 1 << 20; // OpenCV's limit
    private static final int MAX_PASSES = 100;
    private static final int USUAL_PASSES = 12; // over all pixels, in files that common programs write
    private static final long MAX_BUFFER_BYTES = 400_000_000;
    private static final int BUFFER_BYTES_PER_PIXEL = 6; // when the caller limits the number of pixels
    private static final String WAY_OUT = "; replace the file or remove it from the data set";

    private ImageReader() {}

    /**
     * Reads an image file, whatever its name: JPEG, PNG, BMP, WebP, TIFF, GIF (the first frame), Netpbm (PBM, PGM, PPM,
     * PAM), Sun raster and Radiance HDR. Other formats, such as HEIC, are named in the message.
     *
     * @return RGB, CV_8UC3, rotated upright by its EXIF orientation; owned
     * @throws DataException when the file is missing, unreadable, truncated, too large or not an image
     */
    public static Mat read(Path file) {
        return FileBytes.use(file, bytes -> decode(bytes, file.toString()));
    }

    /**
     * Reads an image file when a smaller image is sufficient. A JPEG is decoded at a half, a quarter or an eighth of
     * its size if both sides stay at least {@code minPx}; where its EXIF orientation turns it, by a factor that
     * divides its sides.
     *
     * @return RGB, CV_8UC3, rotated upright by its EXIF orientation; owned
     * @throws DataException when the file is missing, unreadable, truncated, too large or not an image
     */
    public static Mat read(Path file, int minPx) {
        return readReduced(file, minPx).pixels();
    }

    static ImageSource.Reduced readReduced(Path file, int minPx) {
        return FileBytes.use(file, bytes -> decodeReduced(bytes, minPx, file.toString()));
    }

    /** Refuses a file that does not fit into an array, or into the heap beside others. */
    static void checkFileSize(long bytes, long max, String name) {
        if (bytes > max) {
            throw new DataException("image " + name + " must have at most " + max
                    + " bytes, half of the Java heap, but has " + bytes + WAY_OUT);
        }
    }

    /**
     * Refuses a file by its beginning, before all of it is read, when that is not an image's or has too many pixels.
     *
     * @param bytes of the whole file
     */
    static void checkStart(byte[] start, long bytes, String name) {
        if (!ImageHeader.isKnown(start) || TiffHeader.isRawWithPreview(new HeaderBytes(start))) {
            throw unreadable(start, bytes, name);
        }
        long max = isJpeg(start) ? MAX_PIXELS_TO_REDUCE : MAX_PIXELS; // what it is reduced to is checked later
        ImageHeader.of(start).ifPresent(header -> check(header.size(), name, max));
    }

    /**
     * Decodes an image file's bytes.
     *
     * @param name of the image in messages
     * @return RGB, CV_8UC3, rotated upright by its EXIF orientation; owned
     * @throws DataException when the image is truncated or too large, or the bytes are not an image
     */
    public static Mat decode(byte[] bytes, String name) {
        return decode(bytes, name, MAX_PIXELS);
    }

    /**
     * Decodes an image file's bytes with a smaller limit, for programs that decode many images at the same time.
     *
     * @param name of the image in messages
     * @param maxPixels images whose header declares more are rejected before decoding; 1 to {@link #MAX_PIXELS}
     * @return RGB, CV_8UC3, rotated upright by its EXIF orientation; owned
     * @throws DataException when the image is truncated or too large, or the bytes are not an image
     */
    public static Mat decode(byte[] bytes, String name, long maxPixels) {
        if (maxPixels < 1 || maxPixels > MAX_PIXELS) {
            throw new IllegalArgumentException("maxPixels must be in [1, " + MAX_PIXELS + "], but was " + maxPixels);
        }
        return decode(bytes, Integer.MAX_VALUE, name, maxPixels).pixels();
    }

    static ImageSource.Reduced decodeReduced(byte[] bytes, int minPx, String name) {
        return decode(bytes, minPx, name, MAX_PIXELS);
    }

    private static ImageSource.Reduced decode(byte[] bytes, int minPx, String name, long maxPixels) {
        Damage damage = EncodedImage.damageOf(bytes);
        if (damage != Damage.NONE) {
            throw new DataException(
                    "image " + name + " " + damage.sentence() + " (" + bytes.length + " bytes)" + WAY_OUT);
        }
        HeaderBytes start = new HeaderBytes(bytes);
        if (TiffHeader.isRawWithPreview(start)) {
            throw unreadable(bytes, name);
        }
        load();
        ImageHeader header = ImageHeader.of(bytes).orElseThrow(() -> unreadable(bytes, name));
        int reduction = reduction(bytes, header.size(), minPx);
        check(header, bytes.length, name, reduction, maxPixels);
        byte[] input = decodable(bytes).orElseThrow(() -> unreadable(bytes, name));
        Optional<TileOrientation> turned = TiffHeader.tileOrientation(start);
        if (turned.isPresent()) {
            input = input.clone();
            input[turned.get().at()] = 1;
        }
        Mat image;
        try (BytePointer data = new BytePointer(input);
                Mat encoded = new Mat(1, input.length, CV_8UC1, data)) {
            image = imdecode(encoded, IMREAD_COLOR_RGB | flag(reduction));
        } catch (RuntimeException e) { // cv::Exception, thrown by a codec
            String why =
                    FileSignature.sentence(bytes, bytes.length).orElse("cannot be decoded: " + NativeErrors.reason(e));
            throw new DataException("image " + name + " " + why, e);
        }
        if (image.empty()) {
            image.close();
            throw unreadable(bytes, name);
        }
        if (turned.isPresent()) {
            turn(image, turned.get().value());
        }
        return checked(image, header.size(), reduction, name);
    }

    /** Turns an image upright in place. */
    private static void turn(Mat image, int orientation) {
        if (orientation > 4) {
            transpose(image, image);
        }
        switch (orientation) {
            case 2, 6 -> flip(image, image, 1); // left and right
            case 3, 7 -> flip(image, image, -1); // in both directions
            default -> throw new IllegalStateException("no orientation of tiles is " + orientation);
        }
    }

    private static DataException unreadable(byte[] bytes, String name) {
        return unreadable(bytes, bytes.length, name);
    }

    private static DataException unreadable(byte[] start, long bytes, String name) {
        return new DataException("image " + name + " "
                + FileSignature.sentence(start, bytes)
                        .orElse("is not an image that can be decoded (" + bytes + " bytes)" + WAY_OUT));
    }

    /** Rejects images that should not be decoded, by their header. */
    private static void check(ImageHeader header, int bytes, String name, int reduction, long maxPixels) {
        ImageSize size = header.size();
        boolean rowByRow = reduction > 1 && header.bufferBytes() == 0; // others are kept in memory as a whole
        check(size, name, rowByRow ? Math.min(MAX_PIXELS_TO_REDUCE, maxPixels * reduction * reduction) : maxPixels);
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
                    + "; save it again with another program or remove it from the data set");
        }
    }

    private static void check(ImageSize size, String name, long maxPixels) {
        if (size.pixels() > maxPixels) {
            throw tooLarge(name, maxPixels + " pixels", size.toString());
        }
        if (Math.max(size.width(), size.height()) > MAX_SIDE_PX) {
            throw tooLarge(name, MAX_SIDE_PX + " pixels on a side", size.toString());
        }
    }

    private static DataException tooLarge(String name, String max, String claim) {
        return new DataException("image " + name + " must have at most " + max + ", but claims " + claim
                + "; make it smaller or remove it from the data set");
    }

    /** Returns the file as the decoder reads it right: the first image of an animation, samples of 8 bits. */
    private static Optional<byte[]> decodable(byte[] bytes) {
        HeaderBytes header = new HeaderBytes(bytes);
        if (header.ascii(0, "GIF8")) {
            return GifFrames.first(bytes);
        } else if (header.at(0) == 'P') {
            return NetpbmSamples.plain(bytes);
        }
        return header.at(0) == 0x89 ? PngChunks.still(bytes) : Optional.of(bytes);
    }

    /** Returns the factor by which a JPEG is reduced while decoding, which saves work: 8, 4, 2 or 1; 1 for others. */
    private static int reduction(byte[] bytes, ImageSize size, int minPx) {
        if (!isJpeg(bytes)) {
            return 1;
        }
        int times = reduction(Math.min(size.width(), size.height()), minPx);
        boolean turned = times > 1 && JpegHeader.isTurned(new HeaderBytes(bytes));
        while (turned && (size.width() % times != 0 || size.height() % times != 0)) {
            times /= 2; // the decoder fills up the right and the bottom, which may become the left and the top
        }
        return times;
    }

    private static boolean isJpeg(byte[] start) {
        return (start[0] & 0xff) == 0xff;
    }

    /** Returns the largest factor, 8, 4, 2 or 1, by which a side can be reduced without becoming too short. */
    static int reduction(long sidePx, int minPx) {
        int times = 8;
        while (times > 1 && sidePx / times < minPx) {
            times /= 2;
        }
        return times;
    }

    private static int flag(int reduction) {
        return switch (reduction) {
            case 8 -> IMREAD_REDUCED_GRAYSCALE_8;
            case 4 -> IMREAD_REDUCED_GRAYSCALE_4;
            case 2 -> IMREAD_REDUCED_GRAYSCALE_2;
            default -> 0;
        };
    }

    /** Checks that the decoder found the same size as the header, possibly rotated. */
    private static ImageSource.Reduced checked(Mat image, ImageSize claimed, int reduction, String name) {
        long width = (claimed.width() + reduction - 1) / reduction;
        long height = (claimed.height() + reduction - 1) / reduction;
        boolean same = image.cols() == width && image.rows() == height;
        boolean rotated = image.cols() == height && image.rows() == width;
        if (image.type() != CV_8UC3 || !(same || rotated)) {
            String found = image.cols() + "x" + image.rows() + " (" + Pixels.describe(image) + ")";
            image.close();
            throw new DataException("image " + name + " is damaged: its header claims " + claimed
                    + " pixels, but it was decoded to " + found + WAY_OUT);
        }
        int wide = Math.toIntExact(claimed.width());
        int high = Math.toIntExact(claimed.height());
        return same
                ? new ImageSource.Reduced(image, reduction, wide, high)
                : new ImageSource.Reduced(image, reduction, high, wide);
    }

    /**
     * Encodes an image as PNG, without loss.
     *
     * @param image RGB, CV_8UC3; borrowed
     * @throws IllegalArgumentException when it is closed, empty or of another type
     */
    public static byte[] png(Mat image) {
        RgbImages.require(image);
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
     * Loads what decodes images, and compresses them for augmentations: the first use must not fall on an interrupted
     * thread.
     */
    static void load() {
        NativeLibraries.load(opencv_imgcodecs.class, "OpenCV");
        OpenCvThreads.bound();
    }

    /**
     * Converts a Java image. Transparency is left out, as it is of files: hidden colors show. Colors that were
     * multiplied by their transparency stay so.
     *
     * @return RGB, CV_8UC3; owned
     * @throws IllegalArgumentException when it has more than {@link #MAX_PIXELS} or its values are not integers of 8 or
     *     16 bits
     */
    public static Mat from(BufferedImage image) {
        OpenCvThreads.bound();
        return JavaImages.toRgb(image);
    }

    /**
     * Copies an image's pixels.
     *
     * @param image RGB, CV_8UC3; may be a region of a larger image. Borrowed
     * @return R, G and B of each pixel, row by row
     * @throws IllegalArgumentException when it is empty or of another type
     */
    public static byte[] pixels(Mat image) {
        RgbImages.require(image);
        return Pixels.of(image);
    }
}
