package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_PROGRESSIVE;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_TIFF_COMPRESSION;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_WEBP_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2GRAY;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.stream.ImageOutputStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.opencv_core.Mat;

/** One small image in every supported format and in the variants that programs write, generated on demand. */
final class ImageVariants {
    static final int WIDTH = 37;
    static final int HEIGHT = 29;
    private static final int TILE_BYTES = 3 * 16 * 16;

    private ImageVariants() {}

    /** Returns the files by name; the images are {@link #WIDTH} by {@link #HEIGHT}. */
    static Map<String, byte[]> images() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        try (Mat image = image();
                Mat gray = new Mat();
                Mat wide = new Mat()) {
            cvtColor(image, gray, COLOR_RGB2GRAY);
            image.convertTo(wide, CV_32F, 1 / 255.0, 0);
            for (String extension : new String[] {"jpg", "png", "bmp", "webp", "tiff", "gif", "ppm", "pam", "ras"}) {
                files.put("plain." + extension, encoded(extension, image));
                if (!extension.equals("gif")) { // is always in color
                    files.put("gray." + extension, encoded(extension.equals("ppm") ? "pgm" : extension, gray));
                }
            }
            files.put("progressive.jpg", encoded("jpg", image, IMWRITE_JPEG_PROGRESSIVE, 1));
            files.put("lossless.webp", encoded("webp", image, IMWRITE_WEBP_QUALITY, 101));
            files.put("uncompressed.tiff", encoded("tiff", image, IMWRITE_TIFF_COMPRESSION, 1));
            files.put("deflated.tiff", encoded("tiff", image, IMWRITE_TIFF_COMPRESSION, 8));
            files.put("plain.hdr", encoded("hdr", wide));
        }
        files.put("palette.png", javaEncoded("png", BufferedImage.TYPE_BYTE_INDEXED, false));
        files.put("bits.png", javaEncoded("png", BufferedImage.TYPE_BYTE_BINARY, false));
        files.put("transparent.png", javaEncoded("png", BufferedImage.TYPE_INT_ARGB, false));
        files.put("interlaced.png", javaEncoded("png", BufferedImage.TYPE_3BYTE_BGR, true));
        files.put("gray16.png", javaEncoded("png", BufferedImage.TYPE_USHORT_GRAY, false));
        files.put("interlaced.gif", javaEncoded("gif", BufferedImage.TYPE_BYTE_INDEXED, true));
        files.put("animated.gif", animatedGif());
        files.put("java.jpg", javaEncoded("jpg", BufferedImage.TYPE_3BYTE_BGR, false));
        files.put("java.bmp", javaEncoded("bmp", BufferedImage.TYPE_BYTE_INDEXED, false));
        files.put("java.tiff", javaEncoded("tiff", BufferedImage.TYPE_3BYTE_BGR, false));
        files.put("os2.bmp", os2Bmp());
        files.put("big.tiff", bigTiff(ByteOrder.LITTLE_ENDIAN));
        files.put("big-endian-big.tiff", bigTiff(ByteOrder.BIG_ENDIAN));
        files.put("text.ppm", netpbmText());
        files.put("bits.pbm", netpbmBits());
        return files;
    }

    static Mat image() {
        return ImageReader.from(javaImage(BufferedImage.TYPE_3BYTE_BGR));
    }

    static BufferedImage javaImage(int type) {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, type);
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(new Color(200, 160, 120));
        graphics.fillRect(0, 0, WIDTH, HEIGHT);
        graphics.setColor(new Color(30, 60, 190));
        graphics.fillOval(5, 4, 14, 20);
        graphics.setColor(Color.WHITE);
        graphics.drawLine(0, HEIGHT, WIDTH, 0);
        graphics.dispose();
        return image;
    }

    static byte[] encoded(String extension, Mat image, int... parameters) {
        try (BytePointer bytes = new BytePointer();
                IntPointer options = new IntPointer(parameters)) {
            imencode("." + extension, image, bytes, options);
            byte[] result = new byte[(int) bytes.limit()];
            bytes.get(result);
            return result;
        }
    }

    private static byte[] javaEncoded(String format, int type, boolean interlaced) {
        ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            ImageWriteParam options = writer.getDefaultWriteParam();
            if (interlaced) {
                options.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
            }
            writer.write(null, new IIOImage(javaImage(type), null, null), options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] animatedGif() {
        ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            BufferedImage frame = javaImage(BufferedImage.TYPE_BYTE_INDEXED);
            IIOMetadata metadata = writer.getDefaultImageMetadata(new ImageTypeSpecifier(frame), null);
            writer.prepareWriteSequence(null);
            for (int i = 0; i < 3; i++) {
                writer.writeToSequence(new IIOImage(frame, null, metadata), null);
            }
            writer.endWriteSequence();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    // ---- variants that neither library writes ----

    /** Returns a BMP with OS/2's first header, which has 12 bytes and sides of 16 bits. */
    static byte[] os2Bmp() {
        int row = (3 * WIDTH + 3) / 4 * 4;
        ByteBuffer bmp = ByteBuffer.allocate(26 + row * HEIGHT).order(ByteOrder.LITTLE_ENDIAN);
        bmp.put((byte) 'B').put((byte) 'M').putInt(bmp.capacity()).putInt(0).putInt(26);
        bmp.putInt(12)
                .putShort((short) WIDTH)
                .putShort((short) HEIGHT)
                .putShort((short) 1)
                .putShort((short) 24);
        return bmp.array();
    }

    /** Returns a BigTIFF: RGB in one strip, with offsets of 8 bytes. */
    static byte[] bigTiff(ByteOrder order) {
        int tags = 9;
        int data = 16 + 8 + 20 * tags + 8;
        ByteBuffer tiff = ByteBuffer.allocate(data + 3 * WIDTH * HEIGHT).order(order);
        byte mark = (byte) (order == ByteOrder.LITTLE_ENDIAN ? 'I' : 'M');
        tiff.put(mark)
                .put(mark)
                .putShort((short) 43)
                .putShort((short) 8)
                .putShort((short) 0)
                .putLong(16);
        tiff.putLong(tags);
        bigTag(tiff, 256, 3, 1, WIDTH);
        bigTag(tiff, 257, 3, 1, HEIGHT);
        tiff.putShort((short) 258)
                .putShort((short) 3)
                .putLong(3)
                .putShort((short) 8)
                .putShort((short) 8);
        tiff.putShort((short) 8).putShort((short) 0);
        bigTag(tiff, 259, 3, 1, 1);
        bigTag(tiff, 262, 3, 1, 2);
        bigTag(tiff, 273, 16, 1, data);
        bigTag(tiff, 277, 3, 1, 3);
        bigTag(tiff, 278, 3, 1, HEIGHT);
        bigTag(tiff, 279, 16, 1, 3 * WIDTH * HEIGHT);
        return tiff.array();
    }

    private static void bigTag(ByteBuffer tiff, int tag, int type, long count, long value) {
        tiff.putShort((short) tag).putShort((short) type).putLong(count);
        if (type == 3) {
            tiff.putShort((short) value).putShort((short) 0).putInt(0);
        } else {
            tiff.putLong(value);
        }
    }

    /** Returns a TIFF of RGB in tiles of 16 by 16; OpenCV reads tiles only when they are compressed. */
    static byte[] tiledTiff() {
        int tiles = (WIDTH + 15) / 16 * ((HEIGHT + 15) / 16);
        int tags = 10;
        int offsets = 8 + 2 + 12 * tags + 4;
        int bits = offsets + 8 * tiles;
        int data = bits + 6;
        ByteBuffer tiff = ByteBuffer.allocate(data + TILE_BYTES * tiles).order(ByteOrder.LITTLE_ENDIAN);
        tiff.put((byte) 'I').put((byte) 'I').putShort((short) 42).putInt(8).putShort((short) tags);
        int[][] entries = {
            {256, 4, 1, WIDTH},
            {257, 4, 1, HEIGHT},
            {258, 3, 3, bits},
            {259, 3, 1, 1},
            {262, 3, 1, 2},
            {277, 3, 1, 3},
            {322, 3, 1, 16},
            {323, 3, 1, 16},
            {324, 4, tiles, offsets},
            {325, 4, tiles, offsets + 4 * tiles}
        };
        for (int[] entry : entries) {
            tiff.putShort((short) entry[0])
                    .putShort((short) entry[1])
                    .putInt(entry[2])
                    .putInt(entry[3]);
        }
        tiff.putInt(0);
        for (int i = 0; i < tiles; i++) {
            tiff.putInt(data + TILE_BYTES * i);
        }
        for (int i = 0; i < tiles; i++) {
            tiff.putInt(TILE_BYTES);
        }
        tiff.putShort((short) 8).putShort((short) 8).putShort((short) 8);
        return tiff.array();
    }

    private static byte[] netpbmText() {
        StringBuilder text = new StringBuilder("P3 # by hand\n" + WIDTH + " " + HEIGHT + "\n255\n");
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            text.append(i % 256).append(" 0 255\n");
        }
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] netpbmBits() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(("P4\n" + WIDTH + " " + HEIGHT + "\n").getBytes(StandardCharsets.US_ASCII));
        bytes.writeBytes(new byte[(WIDTH + 7) / 8 * HEIGHT]);
        return bytes.toByteArray();
    }

    static byte[] resource(String name) {
        try (InputStream in = ImageVariants.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
