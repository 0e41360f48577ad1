package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.SharedFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReaderTest {
    @TempDir
    Path folder;

    @Test
    void colorsAreRgb() throws IOException {
        // a portable pixmap of a red and a blue pixel, byte for byte
        ByteArrayOutputStream ppm = new ByteArrayOutputStream();
        ppm.writeBytes("P6 2 1 255\n".getBytes(StandardCharsets.US_ASCII));
        ppm.writeBytes(new byte[] {(byte) 255, 1, 2, 3, 4, (byte) 250});
        Path file = Files.write(folder.resolve("two.ppm"), ppm.toByteArray());
        try (Mat image = ImageReader.read(file)) {
            assertThat(image.type()).isEqualTo(CV_8UC3);
            assertThat(TestImages.bytes(image)).containsExactly((byte) 255, 1, 2, 3, 4, (byte) 250);
        }
    }

    @Test
    void grayBecomesThreeEqualChannels() throws IOException {
        Path file = Files.write(folder.resolve("g.pgm"), "P5 2 1 255\nAz".getBytes(StandardCharsets.US_ASCII));
        try (Mat image = ImageReader.read(file)) {
            assertThat(TestImages.bytes(image)).containsExactly('A', 'A', 'A', 'z', 'z', 'z');
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jpg", "png"})
    void namesATruncatedFile(String extension) throws IOException {
        Path whole = TestImages.write(folder.resolve("whole." + extension), 40, 30, 1);
        byte[] bytes = Files.readAllBytes(whole);
        for (int length : new int[] {bytes.length - 1, bytes.length - 20, bytes.length / 2, 30}) {
            Path cut = Files.write(folder.resolve("cut." + extension), Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> ImageReader.read(cut))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image " + cut + " is truncated: its end is missing (" + length
                            + " bytes); replace the file or remove it from the data set");
        }
    }

    @Test
    void namesFilesThatAreNotImages() throws IOException {
        Path text = Files.writeString(folder.resolve("a.jpg"), "this is no image");
        assertThatThrownBy(() -> ImageReader.read(text))
                .isInstanceOf(DataException.class)
                .hasMessage("image " + text + " is not an image that can be decoded (16 bytes); replace the file or"
                        + " remove it from the data set");
        Path empty = Files.write(folder.resolve("empty.png"), new byte[0]);
        assertThatThrownBy(() -> ImageReader.read(empty)).hasMessageContaining("is empty (0 bytes)");
        assertThatThrownBy(() -> ImageReader.read(folder.resolve("nowhere.png")))
                .hasMessage("image " + folder.resolve("nowhere.png") + " does not exist");
        assertThatThrownBy(() -> ImageReader.read(folder)).hasMessageContaining("image " + folder);
    }

    @Test
    void readsOrRejectsDamagedBytes() throws IOException {
        Random random = new Random(9);
        for (String extension : new String[] {"jpg", "png", "bmp", "webp"}) {
            byte[] whole = Files.readAllBytes(TestImages.write(folder.resolve("x." + extension), 40, 30, 1));
            for (int i = 0; i < 40; i++) {
                byte[] bytes = whole.clone();
                for (int flips = 1 + random.nextInt(6); flips > 0; flips--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
                }
                try (Mat image = ImageReader.decode(bytes, "damaged")) {
                    assertThat(image.type()).isEqualTo(CV_8UC3);
                } catch (DataException e) {
                    assertThat(e).hasMessageContaining("damaged");
                }
            }
        }
    }

    @Test
    void readsRealPhotographs() throws IOException {
        try (var files = Files.list(SharedFiles.orSkip("data/photos"))) {
            assertThat(files.filter(f -> f.toString().endsWith(".jpg")).toList())
                    .isNotEmpty()
                    .allSatisfy(file -> {
                        try (Mat image = ImageReader.read(file)) {
                            assertThat(image.total()).isPositive();
                        }
                    });
        }
    }
}
