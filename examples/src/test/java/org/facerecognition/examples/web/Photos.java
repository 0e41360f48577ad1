package org.facerecognition.examples.web;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * Synthetic photographs for core's test detector, which reports a blue square of 16 pixels as a face of 80x96 pixels.
 * The shades of gray around the square distinguish the people.
 */
public final class Photos {
    public static final Path DETECTOR = Path.of("../core/src/test/resources/vision/squares.onnx");
    static final int WIDTH = 320;
    static final int HEIGHT = 240;

    /** Dark on the left. */
    public static final int ANN = 0;

    /** Dark on the right. */
    static final int BOB = 1;

    /** Dark at the top. */
    static final int CLEO = 2;

    static final int NO_FACE = 3;
    private static final int FACE_X = 144;
    private static final int FACE_Y = 96;
    private static final int FACE_PX = 16;

    private Photos() {}

    /** Returns a PNG of people side by side. Images with different seeds differ. */
    public static byte[] of(long seed, int... people) {
        return png(image(seed, people));
    }

    /** Returns a PNG of a person with a small face of a bystander, which is a red square of 8 pixels, on the left. */
    static byte[] besideABystander(long seed, int person) {
        BufferedImage image = image(seed, person);
        for (int p = 0; p < 8 * 8; p++) {
            image.setRGB(40 + p % 8, 160 + p / 8, Color.RED.getRGB());
        }
        return png(image);
    }

    /**
     * Writes a detector that puts the five landmarks of a large face into one point, which no face has, and detects
     * small faces as {@link #DETECTOR} does.
     */
    public static Path detectorOfImplausibleFaces(Path folder) throws IOException {
        byte[] network = Files.readAllBytes(DETECTOR);
        ByteBuffer values = ByteBuffer.wrap(network).order(ByteOrder.LITTLE_ENDIAN);
        int weights = behind(network, "outputs.kps_8.weightJ"); // of all sizes of faces; for blue, green and red
        int biases = behind(network, "outputs.kps_8.biasJ");
        for (int i = 0; i < 10; i++) {
            values.putFloat(weights + 3 * i * Float.BYTES, -values.getFloat(biases + i * Float.BYTES) / 255);
        }
        return Files.write(folder.resolve("implausible.onnx"), network);
    }

    /** Returns where the values of an ONNX tensor begin: behind its name, a tag and their length. */
    private static int behind(byte[] network, String name) {
        return new String(network, StandardCharsets.ISO_8859_1).indexOf(name) + name.length() + 1;
    }

    /** Returns a PNG without a face. */
    static byte[] withoutFace() {
        return png(image(0, NO_FACE));
    }

    /** Returns a black JPEG. */
    public static byte[] jpeg(int width, int height) {
        return encoded(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), "jpg");
    }

    static BufferedImage image(long seed, int... people) {
        Random random = new Random(seed);
        BufferedImage image = new BufferedImage(WIDTH * people.length, HEIGHT, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < people.length; i++) {
            for (int y = 0; y < HEIGHT; y++) {
                for (int x = 0; x < WIDTH; x++) {
                    int gray = shade(people[i], x, y) + random.nextInt(30);
                    image.setRGB(i * WIDTH + x, y, new Color(gray, gray, gray).getRGB());
                }
            }
            for (int p = 0; people[i] != NO_FACE && p < FACE_PX * FACE_PX; p++) {
                image.setRGB(i * WIDTH + FACE_X + p % FACE_PX, FACE_Y + p / FACE_PX, Color.BLUE.getRGB());
            }
        }
        return image;
    }

    private static int shade(int person, int x, int y) {
        boolean dark = switch (person) {
            case ANN -> x < FACE_X + FACE_PX / 2;
            case BOB -> x >= FACE_X + FACE_PX / 2;
            case CLEO -> y < FACE_Y + FACE_PX / 2;
            default -> (x / 8 + y / 8) % 2 == 0;
        };
        return dark ? 30 : 190;
    }

    private static byte[] png(BufferedImage image) {
        return encoded(image, "png");
    }

    private static byte[] encoded(BufferedImage image, String format) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, format, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
