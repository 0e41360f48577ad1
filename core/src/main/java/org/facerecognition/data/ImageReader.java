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

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
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

/** Pictures from files, bytes and Java images, always as RGB, CV_8UC3. The only place that decodes. */
public final class ImageReader {
    /** More pixels than this are refused before anything is allocated for them: 300 MB, decoded. */
    public static final long MOST_PIXELS = 100_000_000;

    private ImageReader() {}

    /**
     * Reads an image file, whatever its name: JPEG, PNG, BMP, WebP, TIFF, PGM, GIF (the first frame) and what else
     * OpenCV decodes. Formats that it does not decode, such as HEIC, are named in the message.
     *
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when the file is missing, unreadable, truncated or no image
     */
    public static Mat read(Path file) {
        return decode(bytes(file), file.toString());
    }

    /**
     * Reads an image file where a smaller image will do. A JPEG is decoded at a half, a quarter or an eighth of its size
     * when both sides stay at least {@code leastPx}.
     *
     * @return RGB, CV_8UC3, turned upright by its EXIF orientation; the caller closes it
     * @throws DataException when the file is missing, unreadable, truncated or no image
     */
    public static Mat read(Path file, int leastPx) {
        return decode(bytes(file), leastPx, file.toString());
    }

    static byte[] bytes(Path file) {
        try {
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
     * @return RGB, CV_8UC3; the caller closes it
     * @throws DataException when it is truncated or no image
     */
    public static Mat decode(byte[] bytes, String name) {
        return decode(bytes, Integer.MAX_VALUE, name);
    }

    static Mat decode(byte[] bytes, int leastPx, String name) {
        Damage damage = EncodedImage.damageOf(bytes);
        if (damage != Damage.NONE) {
            throw new DataException("image " + name + " " + damage.sentence() + " (" + bytes.length
                    + " bytes); replace the file or take it out of the data set");
        }
        Optional<ImageSize> size = ImageSize.of(bytes);
        if (size.isPresent() && size.get().pixels() > MOST_PIXELS) {
            throw new DataException("image " + name + " must have at most " + MOST_PIXELS + " pixels, but claims "
                    + size.get().width() + "x" + size.get().height()
                    + "; make it smaller or take it out of the data set");
        }
        NativeLibraries.load(opencv_imgcodecs.class, "OpenCV");
        Mat image;
        try (BytePointer data = new BytePointer(bytes);
                Mat encoded = new Mat(1, bytes.length, CV_8UC1, data)) {
            image = imdecode(encoded, IMREAD_COLOR_RGB | reduction(bytes, size, leastPx));
        } catch (RuntimeException e) { // cv::Exception: too many pixels, a codec's complaint
            String why = FileSignature.sentence(bytes).orElse("cannot be decoded: " + firstLine(e));
            throw new DataException("image " + name + " " + why, e);
        }
        if (image.empty()) {
            image.close();
            throw new DataException("image " + name + " "
                    + FileSignature.sentence(bytes)
                            .orElse("is not an image that can be decoded (" + bytes.length
                                    + " bytes); replace the file or take it out of the data set"));
        }
        return image;
    }

    /** OpenCV's flag for a half, a quarter or an eighth of the size; for JPEG, whose decoder saves work that way. */
    private static int reduction(byte[] bytes, Optional<ImageSize> size, int leastPx) {
        boolean jpeg = (bytes[0] & 0xff) == 0xff;
        if (!jpeg || size.isEmpty()) {
            return 0;
        }
        long smaller = Math.min(size.get().width(), size.get().height());
        return smaller / 8 >= leastPx
                ? IMREAD_REDUCED_GRAYSCALE_8
                : smaller / 4 >= leastPx
                        ? IMREAD_REDUCED_GRAYSCALE_4
                        : smaller / 2 >= leastPx ? IMREAD_REDUCED_GRAYSCALE_2 : 0;
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
     */
    public static Mat from(BufferedImage image) {
        NativeLibraries.load(opencv_core.class, "OpenCV");
        BufferedImage bgr = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = bgr.createGraphics();
        graphics.drawImage(image, 0, 0, null);
        graphics.dispose();
        byte[] bytes = ((DataBufferByte) bgr.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < bytes.length; i += 3) {
            byte blue = bytes[i];
            bytes[i] = bytes[i + 2];
            bytes[i + 2] = blue;
        }
        Mat mat = new Mat(image.getHeight(), image.getWidth(), CV_8UC3);
        mat.data().put(bytes);
        return mat;
    }

    private static String firstLine(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
