package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.awt.Graphics2D;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Converts Java images to OpenCV images. Java's drawing routines convert all color models correctly, but treat gray
 * values as linear: gray images of 16 bits or with transparency would become brighter than the same file decoded
 * elsewhere. So gray values are copied rather than drawn. They also blend with what is below, while OpenCV leaves out
 * the transparency of files: colors that have it are copied too, unless they were multiplied by it already.
 */
final class JavaImages {
    private JavaImages() {}

    static Mat toRgb(BufferedImage image) {
        check(image);
        byte[] rgb = isGray(image.getColorModel()) ? copyGray(image) : colors(image);
        Mat mat = new Mat(image.getHeight(), image.getWidth(), CV_8UC3);
        mat.data().put(rgb);
        return mat;
    }

    private static byte[] colors(BufferedImage image) {
        ColorModel colors = image.getColorModel();
        if (image.isAlphaPremultiplied()) {
            return drawColors(image);
        }
        boolean wide = colors instanceof ComponentColorModel && colors.getTransferType() == DataBuffer.TYPE_USHORT;
        if (wide && colors.getColorSpace().isCS_sRGB()) {
            return copyWideColors(image);
        }
        return colors.hasAlpha() ? copyColors(image) : drawColors(image);
    }

    /** Returns the upper bytes of R, G and B of each pixel, as OpenCV takes them from a file. */
    private static byte[] copyWideColors(BufferedImage image) {
        int width = image.getWidth();
        byte[] rgb = new byte[3 * width * image.getHeight()];
        int[] values = new int[width];
        for (int y = 0; y < image.getHeight(); y++) {
            for (int band = 0; band < 3; band++) {
                image.getRaster().getSamples(0, y, width, 1, band, values);
                for (int x = 0; x < width; x++) {
                    rgb[3 * (y * width + x) + band] = (byte) (values[x] >> 8);
                }
            }
        }
        return rgb;
    }

    private static void check(BufferedImage image) {
        long pixels = (long) image.getWidth() * image.getHeight();
        if (pixels > ImageReader.MAX_PIXELS) {
            throw new IllegalArgumentException("image must have at most " + ImageReader.MAX_PIXELS + " pixels, but was "
                    + image.getWidth() + "x" + image.getHeight());
        }
        ColorModel colors = image.getColorModel();
        int type = colors.getTransferType();
        boolean packed = !(colors instanceof ComponentColorModel) && type == DataBuffer.TYPE_INT;
        if (type != DataBuffer.TYPE_BYTE && type != DataBuffer.TYPE_USHORT && !packed) {
            throw new IllegalArgumentException(
                    "image must have values of 8 or 16 bits, but was a Java image of data type " + type);
        }
    }

    private static boolean isGray(ColorModel colors) {
        return colors instanceof ComponentColorModel && colors.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    }

    /** Returns R, G and B of each pixel. */
    private static byte[] copyGray(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        Raster raster = image.getRaster();
        int max = (1 << image.getColorModel().getComponentSize(0)) - 1;
        byte[] rgb = new byte[3 * width * height];
        int[] values = new int[width];
        for (int y = 0, i = 0; y < height; y++) {
            raster.getSamples(0, y, width, 1, 0, values);
            for (int x = 0; x < width; x++) {
                byte gray = (byte) (max == 0xffff ? values[x] >> 8 : values[x] * 255 / max);
                rgb[i++] = gray;
                rgb[i++] = gray;
                rgb[i++] = gray;
            }
        }
        return rgb;
    }

    /** Returns R, G and B of each pixel, also of those that are hidden. */
    private static byte[] copyColors(BufferedImage image) {
        int width = image.getWidth();
        byte[] rgb = new byte[3 * width * image.getHeight()];
        int[] argb = new int[width];
        for (int y = 0, i = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, width, 1, argb, 0, width);
            for (int color : argb) {
                rgb[i++] = (byte) (color >> 16);
                rgb[i++] = (byte) (color >> 8);
                rgb[i++] = (byte) color;
            }
        }
        return rgb;
    }

    /** Returns R, G and B of each pixel. */
    private static byte[] drawColors(BufferedImage image) {
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
        return bytes;
    }
}
