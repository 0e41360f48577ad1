package org.facerecognition.examples;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.facerecognition.data.ImageReader;
import org.facerecognition.synthetic.SyntheticFaces;

/** Small data for every command: synthetic people, lists of their pairs, and images for a detector of squares. */
record CliData(Path root) {
    /** A detector that takes a red square of 8 pixels for a face of 40x48. */
    static final Path DETECTOR = Path.of("../core/src/test/resources/vision/squares.onnx");

    /** Returns folders of people, as {@link Cli#faces} creates them. */
    Path faces() {
        Path faces = root.resolve("faces");
        return Files.exists(faces) ? faces : Cli.faces(faces);
    }

    /** Writes a list of pairs, {@code person/image person/image 1 or 0}, of the people of {@link #faces}. */
    Path pairs(String name, int genuine, int impostor) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < Math.max(genuine, impostor); i++) {
            if (i < genuine) {
                lines.append("person0/%d.png\tperson0/%d.png\t1%n".formatted(i % 6, (i + 1 + i / 6) % 6));
            }
            if (i < impostor) {
                lines.append("person0/%d.png\tperson1/%d.png\t0%n".formatted(i % 6, i % 5));
            }
        }
        return Files.writeString(root.resolve(name), lines);
    }

    /** Creates a folder in LFW's layout: 11 people with two images each, pairs.txt and pairsDevTest.txt. */
    Path lfw() throws IOException {
        Path lfw = root.resolve("lfw-data");
        StringBuilder pairs = new StringBuilder("10\t1\n");
        SyntheticFaces synthetic = new SyntheticFaces(0, 48);
        for (int person = 0; person < 11; person++) {
            String name = "P" + person;
            Path folder = Files.createDirectories(lfw.resolve("lfw/" + name));
            for (int i = 1; i <= 2; i++) {
                write(synthetic, person, i, folder.resolve("%s_000%d.png".formatted(name, i)));
            }
            if (person > 0) {
                pairs.append("%s\t1\t2%n%s\t1\tP0\t2%n".formatted(name, name));
            }
        }
        Files.writeString(lfw.resolve("pairs.txt"), pairs);
        Files.writeString(lfw.resolve("pairsDevTest.txt"), "2\nP1\t1\t2\nP2\t1\t2\nP1\t1\tP2\t1\nP3\t1\tP4\t1\n");
        return lfw;
    }

    /** Creates a folder in the layout of the CelebA identification benchmark. */
    Path celebaIr(int people) throws IOException {
        Path ir = root.resolve("ir");
        StringBuilder lines = new StringBuilder("img,id\n");
        SyntheticFaces synthetic = new SyntheticFaces(0, 48);
        Files.createDirectories(ir.resolve("celebA_query"));
        Files.createDirectories(ir.resolve("celebA_distractors"));
        for (int i = 0; i < 2 * people; i++) {
            write(synthetic, i / 2, i, ir.resolve("celebA_query/" + i + ".png"));
            lines.append(i).append(".png,").append(1000 + i / 2).append('\n');
            write(synthetic, 100 + i, 0, ir.resolve("celebA_distractors/" + i + ".png"));
        }
        Files.writeString(ir.resolve("celebA_anno_query.csv"), lines);
        return ir;
    }

    /** Writes an insightface verification set: a pickle of protocol 3 with images and whether pairs are genuine. */
    Path bin(List<Boolean> genuine) throws IOException {
        SyntheticFaces synthetic = new SyntheticFaces(0, 48);
        ByteArrayOutputStream bin = new ByteArrayOutputStream();
        bin.writeBytes(new byte[] {(byte) 0x80, 3, ']', '('});
        for (int i = 0; i < 2 * genuine.size(); i++) {
            boolean other = i % 2 == 1 && !genuine.get(i / 2);
            try (var image = synthetic.image(other ? 1 : 0, i)) {
                byte[] png = ImageReader.png(image);
                bin.write('B');
                bin.writeBytes(ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(png.length)
                        .array());
                bin.writeBytes(png);
            }
        }
        bin.writeBytes(new byte[] {'e', ']', '('});
        genuine.forEach(same -> bin.write(same ? 0x88 : 0x89));
        bin.writeBytes(new byte[] {'e', (byte) 0x86, '.'});
        return Files.write(root.resolve("pairs.bin"), bin.toByteArray());
    }

    private static void write(SyntheticFaces synthetic, int person, int shot, Path file) throws IOException {
        try (var image = synthetic.image(person, shot)) {
            Files.write(file, ImageReader.png(image));
        }
    }

    /** Writes a gray image, with or without a red square that {@link #DETECTOR} takes for a face. */
    Path photograph(String name, boolean face, int width, int height) throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        for (int i = 0; i < width; i += 5) {
            graphics.setColor(new Color(i * 7 % 256, i * 7 % 256, i * 7 % 256));
            graphics.fillRect(i, 0, 5, height);
        }
        if (face) {
            graphics.setColor(Color.RED);
            graphics.fillRect(80, 120, 8, 8);
        }
        graphics.dispose();
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(image, "png", file.toFile());
        return file;
    }
}
