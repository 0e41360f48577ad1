package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads one image in many formats; {@code images/make.py} wrote the files. */
class ImageFormatsTest {
    private static final int[] LEFT = {200, 30, 40};
    private static final int[] RIGHT = {30, 60, 190};

    @TempDir
    Path folder;

    static Path resource(String name) {
        try {
            return Path.of(ImageFormatsTest.class.getResource("/images/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "plain.jpg, 4",
        "progressive.jpg, 4",
        "exif.jpg, 4",
        "cmyk.jpg, 6",
        "plain.png, 0",
        "palette.png, 0",
        "alpha.png, 0",
        "plain.bmp, 0",
        "plain.ppm, 0",
        "lossless.webp, 0",
        "lossy.webp, 8"
    })
    void allFormatsGiveTheSamePixels(String name, int tolerance) throws IOException {
        try (Mat image = ImageReader.read(resource(name))) {
            assertThat(image.type()).isEqualTo(CV_8UC3);
            assertThat(image.cols()).as("upright").isEqualTo(24);
            assertThat(image.rows()).isEqualTo(16);
            byte[] bytes = TestImages.bytes(image);
            for (int channel = 0; channel < 3; channel++) {
                assertThat(bytes[3 * (8 * 24 + 4) + channel] & 0xff)
                        .as("left, channel %d", channel)
                        .isBetween(LEFT[channel] - tolerance, LEFT[channel] + tolerance);
                assertThat(bytes[3 * (8 * 24 + 20) + channel] & 0xff)
                        .as("right, channel %d", channel)
                        .isBetween(RIGHT[channel] - tolerance, RIGHT[channel] + tolerance);
            }
        }
        ImageSize size = ImageSize.of(Files.readAllBytes(resource(name))).orElseThrow();
        assertThat(size.pixels()).isEqualTo(24 * 16);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gray.jpg", "gray.pgm", "gray16.png"})
    void grayHasThreeEqualChannels(String name) {
        int gray = (int) Math.round(0.299 * 200 + 0.587 * 30 + 0.114 * 40);
        try (Mat image = ImageReader.read(resource(name))) {
            byte[] bytes = TestImages.bytes(image);
            int at = 3 * (8 * 24 + 4);
            assertThat(bytes[at] & 0xff).isBetween(gray - 2, gray + 2);
            assertThat(bytes[at + 1]).isEqualTo(bytes[at]);
            assertThat(bytes[at + 2]).isEqualTo(bytes[at]);
        }
    }

    @Test
    void rejectsTooManyPixelsBeforeAllocating() throws IOException {
        byte[] png = Files.readAllBytes(resource("plain.png"));
        png[16] = 0; // 70,000 x 70,000
        png[17] = 1;
        png[18] = 0x11;
        png[19] = 0x70;
        System.arraycopy(png, 16, png, 20, 4);
        byte[] jpeg = Files.readAllBytes(resource("plain.jpg"));
        for (int i = 2; i < jpeg.length; i++) {
            if ((jpeg[i] & 0xff) == 0xff && (jpeg[i + 1] & 0xff) == 0xc0) {
                Arrays.fill(jpeg, i + 5, i + 9, (byte) 0xff); // 65,535 x 65,535
                break;
            }
        }
        byte[] bmp = Files.readAllBytes(resource("plain.bmp"));
        bmp[20] = 1; // 65,560 x 65,552
        bmp[24] = 1;
        byte[] webp = Files.readAllBytes(resource("lossless.webp"));
        webp[21] = (byte) 0xff; // 16,384 x 16,384
        webp[22] = (byte) 0xff;
        webp[23] = (byte) 0xff;
        webp[24] |= 0x0f;
        byte[] ppm = "P6 # much\n99999 99999\n255\n...".getBytes(StandardCharsets.US_ASCII);
        for (byte[] bytes : List.of(png, jpeg, bmp, webp, ppm)) {
            long before = Pointer.physicalBytes();
            assertThatThrownBy(() -> ImageReader.decode(bytes, "huge"))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("image huge must have at most 100000000 pixels, but claims ");
            assertThat(Pointer.physicalBytes() - before).isLessThan(100L << 20);
        }
    }

    @Test
    void reducesALargeJpegWhenASmallImageIsSufficient() {
        Path file = folder.resolve("large.jpg");
        try (Scalar color = new Scalar(40, 30, 200, 0); // blue, green, red
                Mat large = new Mat(700, 1000, CV_8UC3, color)) {
            imwrite(file.toString(), large);
        }
        int[][] minPxAndRows = {{701, 700}, {351, 700}, {350, 350}, {176, 350}, {175, 175}, {88, 175}, {87, 88}, {1, 88}
        };
        for (int[] expected : minPxAndRows) {
            try (Mat image = ImageReader.read(file, expected[0])) {
                assertThat(image.rows()).as("at least %d", expected[0]).isEqualTo(expected[1]);
                assertThat(TestImages.bytes(image)[0] & 0xff).isBetween(196, 204);
            }
        }
        try (Mat image = ImageReader.read(resource("exif.jpg"), 8)) {
            assertThat(image.cols()).as("upright").isEqualTo(12);
            assertThat(image.rows()).isEqualTo(8);
        }
        try (Mat image = ImageReader.read(resource("plain.png"), 1)) {
            assertThat(image.cols()).isEqualTo(24);
        }
    }

    /** A gray image whose blocks all take two bits: a code of one bit for no difference, one for the end of a block. */
    private static byte[] uniformJpeg(int width, int height, int frame) {
        ByteBuffer jpeg = ByteBuffer.allocate(200 + width / 8 * (height / 8) / 4);
        jpeg.putInt(0xffd8ffdb).putShort((short) 67).put((byte) 0);
        for (int i = 0; i < 64; i++) {
            jpeg.put((byte) 16);
        }
        jpeg.putShort((short) frame).putShort((short) 11).put((byte) 8);
        jpeg.putShort((short) height).putShort((short) width).put(new byte[] {1, 1, 0x11, 0});
        for (int table : new int[] {0x00, 0x10}) {
            jpeg.putShort((short) 0xffc4).putShort((short) 20).put((byte) table).put((byte) 1);
            jpeg.put(new byte[16]); // 15 lengths of codes without any, and the symbol 0
        }
        jpeg.putShort((short) 0xffda).putShort((short) 8).put(new byte[] {1, 1, 0, 0, 63, 0});
        jpeg.position(jpeg.limit() - 2);
        return jpeg.putShort((short) 0xffd9).array();
    }

    /** Telephones take photographs of 108 and 200 megapixels; those that are kept in memory as a whole are refused. */
    @Test
    void reducesAJpegThatIsTooLargeAsItIs() throws IOException {
        byte[] bytes = uniformJpeg(12_000, 9_000, 0xffc0);
        try (Mat image = ImageSource.of(bytes, "phone").read(640)) {
            assertThat(image.cols()).isEqualTo(1_500);
            assertThat(TestImages.bytes(image)[0]).isEqualTo((byte) 128);
        }
        Path file = Files.write(folder.resolve("phone.jpg"), bytes);
        try (Mat image = ImageReader.read(file, 4_500)) {
            assertThat(image.cols()).isEqualTo(6_000);
        }
        String refusal = "image phone must have at most 100000000 pixels, but claims 12000x9000";
        assertThatThrownBy(() -> ImageReader.decode(bytes, "phone")).hasMessageStartingWith(refusal);
        byte[] progressive = uniformJpeg(12_000, 9_000, 0xffc2);
        assertThatThrownBy(() -> ImageSource.of(progressive, "phone").read(640)).hasMessageStartingWith(refusal);
        byte[] absurd = uniformJpeg(16_000, 16_000, 0xffc0);
        assertThatThrownBy(() -> ImageSource.of(absurd, "phone").read(640))
                .hasMessageStartingWith("image phone must have at most 250000000 pixels, but claims 16000x16000");
    }

    /**
     * Flipped bits, truncation, other headers, absurd sizes: the result is an image or a sentence, and nothing leaks.
     */
    @Test
    void readsOrRejectsTenThousandDamagedImages() throws IOException {
        String[] names = {
            "plain.jpg",
            "progressive.jpg",
            "cmyk.jpg",
            "exif.jpg",
            "plain.png",
            "palette.png",
            "alpha.png",
            "gray16.png",
            "plain.bmp",
            "plain.ppm",
            "gray.pgm",
            "lossless.webp",
            "lossy.webp"
        };
        byte[][] whole = new byte[names.length][];
        for (int i = 0; i < names.length; i++) {
            whole[i] = Files.readAllBytes(resource(names[i]));
        }
        Random random = new Random(17);
        int rejected = 0;
        long pointers = 0;
        for (int i = 0; i < 10_000; i++) {
            if (i == 1_000) {
                pointers = Pointer.totalCount();
            }
            byte[] bytes = damaged(whole[i % names.length], random);
            try (Mat image = ImageReader.decode(bytes, "damaged")) {
                assertThat(image.type()).isEqualTo(CV_8UC3);
                assertThat(image.total()).isBetween(1L, ImageReader.MAX_PIXELS);
            } catch (DataException e) {
                assertThat(e).hasMessageContaining("image damaged");
                rejected++;
            }
        }
        assertThat(rejected).isBetween(2_000, 9_000);
        assertThat(Pointer.totalCount() - pointers).isLessThan(50);
    }

    private static byte[] damaged(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        switch (random.nextInt(4)) {
            case 0 -> { // bits flipped
                for (int flips = 1 + random.nextInt(8); flips > 0; flips--) {
                    bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            case 1 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length)); // cut
            case 2 -> { // another header
                byte[] header = new byte[Math.min(bytes.length, 1 + random.nextInt(30))];
                random.nextBytes(header);
                System.arraycopy(header, 0, bytes, 0, header.length);
            }
            default -> { // the size, somewhere in the first bytes
                int at = random.nextInt(Math.min(60, bytes.length - 4));
                Arrays.fill(bytes, at, at + 2 + random.nextInt(2), (byte) (random.nextBoolean() ? 0xff : 0x7f));
            }
        }
        return bytes;
    }

    @Test
    void pngIsLossless() {
        try (Mat image = TestImages.noise(9, 7, 3);
                Mat back = ImageReader.decode(ImageReader.png(image), "x")) {
            assertThat(TestImages.bytes(back)).isEqualTo(TestImages.bytes(image));
        }
    }
}
