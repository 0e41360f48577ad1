package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.zip.DeflaterOutputStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are valid, but that OpenCV reads as other pixels without a word. */
class UnusualFilesTest {
    private static final int WIDTH = 37; // more than two tiles
    private static final int HEIGHT = 21;

    private static byte[] decoded(byte[] file) {
        try (Mat image = ImageReader.decode(file, "file")) {
            return TestImages.bytes(image);
        }
    }

    /** The value of a sample, in 0..255. */
    private static int value(int x, int y, int color) {
        return (7 * x + 11 * y + 80 * color) % 256;
    }

    /** Returns a binary Netpbm file whose samples are {@link #value} of 255 parts of its maximum. */
    private static byte[] netpbm(String header, int depth, int max) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(header.getBytes(StandardCharsets.US_ASCII));
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                for (int color = 0; color < depth; color++) {
                    int sample = Math.round(value(x, y, color) * max / 255f);
                    if (max > 255) {
                        file.write(sample >> 8);
                    }
                    file.write(sample);
                }
            }
        }
        return file.toByteArray();
    }

    /** Files of 10 and 12 bits were almost black. */
    @ParameterizedTest
    @CsvSource({
        "P5, 1, 100",
        "P5, 1, 255",
        "P5, 1, 1023",
        "P5, 1, 4095",
        "P5, 1, 65535",
        "P6, 3, 100",
        "P6, 3, 4095",
        "P6, 3, 65535",
        "P7, 1, 4095",
        "P7, 3, 1023",
        "P7, 2, 255",
        "P7, 4, 255",
        "P7, 4, 4095",
        "P7, 2, 65535"
    })
    void netpbmHasItsMaximumAndNoTransparency(String kind, int depth, int max) {
        String type = new String[] {"", "GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"}[depth];
        String header = kind.equals("P7")
                ? "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n"
                        .formatted(WIDTH, HEIGHT, depth, max, type)
                : "%s\n%d %d\n# a comment\n%d\n".formatted(kind, WIDTH, HEIGHT, max);
        byte[] pixels = decoded(netpbm(header, depth, max));
        int tolerance = max < 255 ? 2 : 1;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                for (int color = 0; color < 3; color++) {
                    assertThat(pixels[3 * (y * WIDTH + x) + color] & 0xff)
                            .isBetween(
                                    value(x, y, depth < 3 ? 0 : color) - tolerance,
                                    value(x, y, depth < 3 ? 0 : color) + tolerance);
                }
            }
        }
    }

    @Test
    void netpbmIsReadWhereNumbersAreWrittenWithOtherDigits() {
        byte[] file = netpbm("P5\n" + WIDTH + " " + HEIGHT + "\n100\n", 1, 100);
        byte[] expected = decoded(file);
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag("ar-SA-u-nu-arab"));
        try {
            assertThat(decoded(file)).isEqualTo(expected);
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void netpbmThatIsNoneIsRejected() {
        byte[] whole = netpbm("P5 %d %d 4095\n".formatted(WIDTH, HEIGHT), 1, 4095);
        for (byte[] file : new byte[][] {
            Arrays.copyOf(whole, whole.length - 1),
            netpbm("P5 %d %d 70000\n".formatted(WIDTH, HEIGHT), 1, 4095),
            netpbm("P7\nWIDTH %d\nHEIGHT %d\nDEPTH 5\nMAXVAL 255\nENDHDR\n".formatted(WIDTH, HEIGHT), 5, 255),
            netpbm("P7\nWIDTH %d\nHEIGHT %d\nDEPTH 1\nENDHDR\n".formatted(WIDTH, HEIGHT), 1, 255)
        }) {
            assertThatThrownBy(() -> ImageReader.decode(file, "file")).isInstanceOf(DataException.class);
        }
    }

    /**
     * Returns a TIFF of RGB, compressed, because OpenCV reads no other tiles, in tiles of 16x16 or in one strip, with
     * further tags of one number.
     */
    private static byte[] tiff(ByteOrder order, boolean tiled, int orientation, int... further) {
        int tile = 16;
        int across = tiled ? (WIDTH + tile - 1) / tile : 1;
        int down = tiled ? (HEIGHT + tile - 1) / tile : 1;
        int wide = tiled ? tile : WIDTH;
        int high = tiled ? tile : HEIGHT;
        int[][] tags = {
            {256, WIDTH},
            {257, HEIGHT},
            {258, -1},
            {259, 8},
            {262, 2},
            {274, orientation},
            {277, 3},
            {tiled ? 322 : 278, high},
            {tiled ? 323 : 284, tiled ? high : 1},
            {tiled ? 324 : 273, -2},
            {tiled ? 325 : 279, -3}
        };
        int parts = across * down;
        int count = tags.length + further.length;
        int bits = 8 + 2 + 12 * count + 4;
        int offsets = bits + 6;
        List<byte[]> data = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            data.add(deflated(part % across * wide, part / across * high, wide, high));
        }
        int start = offsets + 8 * parts;
        int size = start + data.stream().mapToInt(part -> part.length).sum();
        ByteBuffer file = ByteBuffer.allocate(size).order(order);
        file.put((order == ByteOrder.LITTLE_ENDIAN ? "II" : "MM").getBytes(StandardCharsets.US_ASCII));
        file.putShort((short) 42).putInt(8).putShort((short) count);
        int[][] all = Arrays.copyOf(tags, count);
        for (int i = 0; i < further.length; i++) {
            all[tags.length + i] = new int[] {further[i], further[i] == 254 ? 1 : 8};
        }
        Arrays.sort(all, (a, b) -> Integer.compare(a[0], b[0]));
        for (int[] tag : all) {
            boolean list = tag[1] == -2 || tag[1] == -3;
            file.putShort((short) tag[0]).putShort((short) (list || tag[0] == 330 ? 4 : 3));
            file.putInt(tag[1] == -1 ? 3 : list ? parts : 1);
            int place = tag[1] == -1 ? bits : offsets + (tag[1] == -3 ? 4 * parts : 0);
            if (list && parts == 1) {
                file.putInt(tag[1] == -2 ? start : data.get(0).length);
            } else if (tag[1] < 0) {
                file.putInt(place);
            } else if (tag[0] == 330) {
                file.putInt(tag[1]);
            } else {
                file.putShort((short) tag[1]).putShort((short) 0);
            }
        }
        file.putInt(0);
        file.putShort((short) 8).putShort((short) 8).putShort((short) 8);
        int at = start;
        for (byte[] part : data) {
            file.putInt(at);
            at += part.length;
        }
        data.forEach(part -> file.putInt(part.length));
        data.forEach(file::put);
        return file.array();
    }

    private static byte[] deflated(int left, int top, int wide, int high) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(bytes)) {
            for (int y = 0; y < high; y++) {
                for (int x = 0; x < wide; x++) {
                    for (int color = 0; color < 3; color++) {
                        out.write(value(left + x, top + y, color));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** OpenCV mirrored each tile instead of the image. Strips it turns right. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void tilesAreTurnedAsOneImage(int orientation) {
        for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
            byte[] strip = tiff(order, false, orientation);
            byte[] tiles = tiff(order, true, orientation);
            byte[] before = tiles.clone();
            assertThat(decoded(tiles)).isEqualTo(decoded(strip));
            assertThat(tiles).as("untouched").isEqualTo(before);
            try (Mat image = ImageReader.decode(tiles, "file")) {
                assertThat(image.cols()).isEqualTo(orientation > 4 ? HEIGHT : WIDTH);
            }
        }
    }

    /** Its preview was read in place of the photograph. */
    @Test
    void aRawImageIsNotItsPreview() {
        for (int[] tags : new int[][] {{50706}, {254, 330}}) {
            assertThatThrownBy(() -> ImageReader.decode(tiff(ByteOrder.LITTLE_ENDIAN, false, 1, tags), "file"))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("a camera's raw image");
        }
        assertThat(decoded(tiff(ByteOrder.LITTLE_ENDIAN, false, 1, 254))).hasSize(3 * WIDTH * HEIGHT);
        byte[] pyramid = tiff(ByteOrder.LITTLE_ENDIAN, false, 1, 254, 330); // of a whole image and reduced ones
        int value = 10 + 8; // of the first tag: 254
        assertThat(pyramid[value]).isEqualTo((byte) 1);
        pyramid[value] = 0;
        assertThat(decoded(pyramid)).hasSize(3 * WIDTH * HEIGHT);
    }

    @Test
    void aGifWithoutItsLastByteIsWhole() {
        byte[] gif = ImageVariants.images().get("interlaced.gif");
        assertThat(decoded(Arrays.copyOf(gif, gif.length - 1))).isEqualTo(decoded(gif));
        byte[] cut = Arrays.copyOf(gif, gif.length - 2);
        assertThatThrownBy(() -> ImageReader.decode(cut, "file")).isInstanceOf(DataException.class);
    }

    /** OpenCV does not look at these masks: red and blue were exchanged. */
    @Test
    void aBitmapWithOtherMasksIsRejected() {
        ByteBuffer bmp = ByteBuffer.allocate(66 + 4 * 4).order(ByteOrder.LITTLE_ENDIAN);
        bmp.put((byte) 'B')
                .put((byte) 'M')
                .putInt(82)
                .putInt(0)
                .putInt(66)
                .putInt(40)
                .putInt(2)
                .putInt(2);
        bmp.putShort((short) 1)
                .putShort((short) 32)
                .putInt(3)
                .putInt(16)
                .putInt(0)
                .putInt(0)
                .putInt(0)
                .putInt(0);
        int masks = bmp.position();
        bmp.putInt(0xff0000).putInt(0xff00).putInt(0xff);
        for (int i = 0; i < 4; i++) {
            bmp.putInt(0x102030);
        }
        assertThat(decoded(bmp.array())).startsWith(0x10, 0x20, 0x30);
        bmp.putInt(masks, 0xff).putInt(masks + 8, 0xff0000);
        assertThatThrownBy(() -> ImageReader.decode(bmp.array(), "file")).isInstanceOf(DataException.class);
    }
}
