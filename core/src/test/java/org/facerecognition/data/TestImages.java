package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.opencv.opencv_core.Mat;

/** Small random images for tests. */
public final class TestImages {
    private TestImages() {}

    public static Mat noise(int width, int height, long seed) {
        byte[] bytes = new byte[3 * width * height];
        new Random(seed).nextBytes(bytes);
        Mat image = new Mat(height, width, CV_8UC3);
        image.data().put(bytes);
        return image;
    }

    public static Path write(Path file, int width, int height, long seed) {
        try (Mat image = noise(width, height, seed)) {
            Files.createDirectories(file.getParent());
            imwrite(file.toString(), image);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static byte[] bytes(Mat image) {
        try (Mat packed = image.clone()) {
            byte[] bytes = new byte[(int) (3 * packed.total())];
            packed.data().get(bytes);
            return bytes;
        }
    }
}
