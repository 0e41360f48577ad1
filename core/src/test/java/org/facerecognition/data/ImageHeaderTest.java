package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** An image's header is interpreted as its decoder interprets it, or the image is rejected. */
class ImageHeaderTest {
    private static final Map<String, byte[]> IMAGES = ImageVariants.images();

    static Stream<Arguments> allImages() {
        return IMAGES.entrySet().stream().map(file -> Arguments.of(Named.of(file.getKey(), file.getValue())));
    }

    @ParameterizedTest
    @MethodSource("allImages")
    void headerAndDecoderAgree(byte[] file) {
        assertThat(ImageSize.of(file)).contains(new ImageSize(ImageVariants.WIDTH, ImageVariants.HEIGHT));
        try (Mat image = ImageReader.decode(file, "painted")) {
            assertThat(image.cols()).isEqualTo(ImageVariants.WIDTH);
            assertThat(image.rows()).isEqualTo(ImageVariants.HEIGHT);
        }
    }

    /** Asserts that a huge image is rejected without allocating memory for it. */
    private static void assertTooLarge(byte[] file, String claim) {
        long before = Pointer.physicalBytes();
        assertThatThrownBy(() -> ImageReader.decode(file, "huge"))
                .isInstanceOf(DataException.class)
                .hasMessage("image huge must have at most 100000000 pixels, but claims " + claim
                        + "; make it smaller or remove it from the data set");
        assertThat(Pointer.physicalBytes() - before).isLessThan(50L << 20);
    }

    private static void assertRejected(byte[] file) {
        assertThat(ImageSize.of(file)).isEmpty();
        assertThatThrownBy(() -> ImageReader.decode(file, "odd"))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("image odd is ");
    }

    private static byte[] bytes(Object... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Object part : parts) {
            if (part instanceof byte[] some) {
                bytes.writeBytes(some);
            } else if (part instanceof String text) {
                bytes.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
            } else {
                bytes.write((Integer) part);
            }
        }
        return bytes.toByteArray();
    }

    @Nested
    class Jpeg {
        private final byte[] plain = IMAGES.get("plain.jpg");
        private final byte[] huge = huge(plain);

        /** 20,000 x 20,000. */
        private static byte[] huge(byte[] jpeg) {
            return sized(jpeg, 20_000);
        }

        private static byte[] sized(byte[] jpeg, int side) {
            byte[] sized = jpeg.clone();
            int frame = frame(sized);
            ByteBuffer.wrap(sized).putShort(frame + 5, (short) side).putShort(frame + 7, (short) side);
            return sized;
        }

        private static int frame(byte[] jpeg) {
            int at = 2;
            while ((jpeg[at + 1] & 0xff) < 0xc0 || (jpeg[at + 1] & 0xff) > 0xc2) {
                at += 2 + ((jpeg[at + 2] & 0xff) << 8 | jpeg[at + 3] & 0xff);
            }
            return at;
        }

        private static byte[] inserted(byte[] file, int at, byte[] more) {
            return bytes(Arrays.copyOf(file, at), more, Arrays.copyOfRange(file, at, file.length));
        }

        /** Regression: one stray byte behind APP0 was enough to turn half a megabyte into 411 MiB. */
        @Test
        void findsTheSizeBehindStrayBytesBetweenSegments() {
            int behindApp0 = 4 + 16;
            for (byte[] stray : new byte[][] {bytes(0), bytes(0x41), bytes(0xff, 0xff, 0xff), bytes(1, 2, 0xff, 0)}) {
                assertTooLarge(inserted(huge, behindApp0, stray), "20000x20000");
                try (Mat image = ImageReader.decode(inserted(plain, behindApp0, stray), "stray")) {
                    assertThat(image.cols()).isEqualTo(ImageVariants.WIDTH);
                }
            }
        }

        @Test
        void ignoresThumbnails() {
            int length = 2 + plain.length;
            byte[] segment = bytes(0xff, 0xe1, length >> 8, length & 0xff, plain);
            assertTooLarge(inserted(huge, 2, segment), "20000x20000");
        }

        @Test
        void usesTheFirstFrameHeader() {
            int at = frame(plain);
            byte[] small = Arrays.copyOfRange(plain, at, at + 19);
            byte[] both = inserted(huge, frame(huge), small);
            assertThat(ImageSize.of(both)).contains(new ImageSize(ImageVariants.WIDTH, ImageVariants.HEIGHT));
            assertThatThrownBy(() -> ImageReader.decode(both, "two frames")) // libjpeg rejects the second one
                    .isInstanceOf(DataException.class);
        }

        @Test
        void rejectsFilesWithoutAFrameHeader() {
            assertRejected(bytes(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xd9));
            assertRejected(bytes(0xff, 0xd8, 0xff, 0xda, 0, 2, plain, 0xff, 0xd9));
        }

        /**
         * Regression: a scan of a few bytes makes the decoder go over all pixels again, and 95 scans, 0.6 MB, took 12
         * seconds.
         */
        @Test
        void rejectsThousandsOfScans() {
            byte[] progressive = IMAGES.get("progressive.jpg");
            int end = progressive.length - 2;
            int scan = end;
            while ((progressive[scan] & 0xff) != 0xff || (progressive[scan + 1] & 0xff) != 0xda) {
                scan--;
            }
            byte[] last = Arrays.copyOfRange(progressive, scan, end);
            ByteArrayOutputStream more = new ByteArrayOutputStream();
            for (int i = 0; i < 2_000; i++) {
                more.writeBytes(last);
            }
            byte[] bomb = inserted(progressive, end, more.toByteArray());
            assertThatThrownBy(() -> ImageReader.decode(sized(bomb, 8_000), "large"))
                    .hasMessageStartingWith(
                            "image large must have at most 18 scans of its 8000x8000 pixels, but has 20");
            assertThatThrownBy(() -> ImageReader.decode(bomb, "bomb"))
                    .hasMessageStartingWith("image bomb must have at most 100 scans of its 37x29 pixels, but has 20");
        }
    }

    @Nested
    class Tiff {
        /** Returns an RGB TIFF with these tags and values, without pixels. */
        private static byte[] tiff(ByteOrder order, int... tagsAndValues) {
            ByteBuffer tiff = ByteBuffer.allocate(8 + 2 + 6 * tagsAndValues.length + 4 + 64)
                    .order(order);
            byte mark = (byte) (order == ByteOrder.LITTLE_ENDIAN ? 'I' : 'M');
            tiff.put(mark).put(mark).putShort((short) 42).putInt(8).putShort((short) (tagsAndValues.length / 2));
            for (int i = 0; i < tagsAndValues.length; i += 2) {
                tiff.putShort((short) tagsAndValues[i])
                        .putShort((short) 4)
                        .putInt(1)
                        .putInt(tagsAndValues[i + 1]);
            }
            return tiff.array();
        }

        @Test
        void readsTiledImages() {
            assertThat(ImageSize.of(ImageVariants.tiledTiff()))
                    .contains(new ImageSize(ImageVariants.WIDTH, ImageVariants.HEIGHT));
        }

        @Test
        void rejectsHugeImagesOfBothByteOrders() {
            for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
                assertTooLarge(tiff(order, 256, 20_000, 257, 30_000), "20000x30000");
                byte[] big = ImageVariants.bigTiff(order);
                ByteBuffer.wrap(big)
                        .order(order)
                        .putShort(16 + 8 + 12, (short) 40_000)
                        .putShort(56, (short) 40_000);
                assertTooLarge(big, "40000x40000");
            }
        }

        /** The decoder allocates up to 1 GiB for one tile of a small image. */
        @Test
        void rejectsTilesLargerThanTheLimit() {
            byte[] tiled = tiff(ByteOrder.LITTLE_ENDIAN, 256, 10, 257, 10, 322, 16_000, 323, 16_000);
            assertThatThrownBy(() -> ImageReader.decode(tiled, "tiled"))
                    .hasMessage("image tiled must have at most 400000000 bytes in its decoder's buffers, but"
                            + " claims 1024000000 for its 10x10 pixels; make it smaller or remove it from the data"
                            + " set");
        }

        @Test
        void rejectsAmbiguousFiles() {
            assertRejected(tiff(ByteOrder.LITTLE_ENDIAN, 256, 10, 256, 30_000, 257, 30_000));
            assertRejected(tiff(ByteOrder.LITTLE_ENDIAN, 257, 10));
            assertRejected(tiff(ByteOrder.LITTLE_ENDIAN, 256, 10, 257, 10, 277, 3, 277, 3));
            byte[] offset = tiff(ByteOrder.LITTLE_ENDIAN, 256, 10, 257, 10);
            offset[7] = 0x7f; // a directory beyond the end
            assertRejected(offset);
        }
    }

    static Stream<Arguments> hugeImages() {
        byte[] bmp = IMAGES.get("plain.bmp").clone();
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 50_000).putInt(22, -50_000);
        byte[] os2 = IMAGES.get("os2.bmp").clone();
        Arrays.fill(os2, 18, 22, (byte) 0xff);
        byte[] sun = IMAGES.get("plain.ras").clone();
        ByteBuffer.wrap(sun).putInt(4, 30_000).putInt(8, 30_000);
        byte[] gif = IMAGES.get("plain.gif").clone();
        Arrays.fill(gif, 6, 10, (byte) 0xff);
        String comment = "# " + "x".repeat(300) + "\n";
        return Stream.of(
                Arguments.of(Named.of("BMP from the top", bmp), "50000x50000"),
                Arguments.of(Named.of("OS/2's BMP", os2), "65535x65535"),
                Arguments.of(Named.of("Sun raster", sun), "30000x30000"),
                Arguments.of(Named.of("GIF", gif), "65535x65535"),
                Arguments.of(Named.of("PPM", bytes("P6\n", comment, "30000 30000\n255\n...")), "30000x30000"),
                Arguments.of(Named.of("PPM of Mac lines", bytes("P6\r#x\r30000\r30000\r255\r")), "30000x30000"),
                Arguments.of(Named.of("PBM", bytes("P4 30000 30000\n")), "30000x30000"),
                Arguments.of(
                        Named.of("PAM", bytes("P7\nWIDTH 30000\nHEIGHT 30000\nDEPTH 3\nMAXVAL 255\nENDHDR\n")),
                        "30000x30000"),
                Arguments.of(
                        Named.of("HDR", bytes("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30000 +X 30000\n")),
                        "30000x30000"));
    }

    @ParameterizedTest
    @MethodSource("hugeImages")
    void rejectsHugeImagesOfAllFormatsBeforeAllocating(byte[] file, String claim) {
        assertTooLarge(file, claim);
    }

    @Test
    void rejectsSidesThatTheDecoderDoesNotSupport() {
        assertThatThrownBy(() -> ImageReader.decode(bytes("P4 2000000 1\n", new byte[250_000]), "long"))
                .hasMessageStartingWith("image long must have at most 1048576 pixels on a side, but claims 2000000x1;");
    }

    @Test
    void rejectsFilesThatAreTooShortForTheirPixels() {
        byte[] png = IMAGES.get("plain.png").clone();
        ByteBuffer.wrap(png).putInt(16, 9_000).putInt(20, 9_000);
        byte[] bmp = IMAGES.get("plain.bmp").clone();
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 9_000).putInt(22, 9_000);
        for (byte[] file : new byte[][] {png, bmp, bytes("P6 9000 9000 255\n"), bytes("P1 9000 9000\n1")}) {
            long before = Pointer.physicalBytes();
            assertThatThrownBy(() -> ImageReader.decode(file, "short"))
                    .hasMessage("image short is truncated: " + file.length + " bytes are too few for the 9000x9000"
                            + " pixels that its header claims; replace the file or remove it from the data set");
            assertThat(Pointer.physicalBytes() - before).isLessThan(50L << 20);
        }
    }

    /** OpenCV would decode a WebP without its container and a PNG that begins with another chunk. */
    @Test
    void rejectsUnusualBeginnings() {
        byte[] webp = IMAGES.get("lossless.webp");
        assertRejected(Arrays.copyOfRange(webp, 20, webp.length)); // a bare VP8L
        byte[] png = IMAGES.get("plain.png");
        byte[] text = bytes(0, 0, 0, 1, "tEXtx", 0, 0, 0, 0);
        assertRejected(bytes(Arrays.copyOf(png, 8), text, Arrays.copyOfRange(png, 8, png.length)));
        assertRejected(bytes("P7\nWIDTH 2\nWIDTH 30000\nHEIGHT 2\nENDHDR\n"));
        byte[] negative = IMAGES.get("plain.bmp").clone();
        negative[21] = (byte) 0x80;
        assertRejected(negative);
    }

    @ParameterizedTest
    @CsvSource({"PF, a PFM image", "Pf, a PFM image"})
    void namesFormatsThatOpenCvDecodesIncorrectly(String magic, String what) {
        assertThatThrownBy(() -> ImageReader.decode(bytes(magic, "\n2 2\n-1.0\n", new byte[48]), "a"))
                .hasMessage("image a is " + what + ", which cannot be read; convert it to JPEG");
    }

    @Nested
    class Gif {
        @Test
        void decodesTheFirstFrameOfAnAnimation() {
            byte[] animated = IMAGES.get("animated.gif");
            byte[] first = GifFrames.first(animated).orElseThrow();
            assertThat(first.length).isLessThan(animated.length - 2 * 100);
            assertThat(first).endsWith((byte) 0x3b);
            try (Mat one = ImageReader.decode(first, "one");
                    Mat all = ImageReader.decode(animated, "all")) {
                assertThat(TestImages.bytes(one)).isEqualTo(TestImages.bytes(all));
            }
        }

        @Test
        void rejectsIncompleteBlocks() {
            byte[] whole = IMAGES.get("plain.gif");
            for (int length = 6; length < whole.length; length += 5) {
                byte[] cut = Arrays.copyOf(whole, length);
                assertThat(GifFrames.first(cut)).isEmpty();
            }
            byte[] outside = whole.clone();
            outside[6] = 1; // a screen smaller than the frame
            assertThatThrownBy(() -> ImageReader.decode(outside, "outside"))
                    .hasMessage("image outside is a damaged GIF image; replace the file");
        }
    }

    /** Regression: for a chunk of 100 bytes that claimed 3.3 GB, that much was allocated, in half a minute. */
    @Test
    void rejectsPngChunksBeyondTheEndOfTheFile() {
        byte[] plain = IMAGES.get("plain.png");
        byte[] end = plain.clone();
        end[plain.length - 12] = (byte) 0xc6;
        byte[] middle = plain.clone();
        middle[33] = 0x7f; // the length of the first chunk behind the header
        byte[] withoutPixels =
                bytes(Arrays.copyOf(plain, 33), Arrays.copyOfRange(plain, plain.length - 12, plain.length));
        for (byte[] file : new byte[][] {end, middle, withoutPixels}) {
            long before = Pointer.physicalBytes();
            assertThat(PngChunks.still(file)).isEmpty();
            assertThatThrownBy(() -> ImageReader.decode(file, "odd")).isInstanceOf(DataException.class);
            assertThat(Pointer.physicalBytes() - before).isLessThan(50L << 20);
        }
    }

    @Nested
    class Animations {
        /** Regression: a file of 144 bytes took 1.3 GB. */
        @Test
        void rejectsAWebpThatNeedsLargeBuffers() {
            byte[] animation = bytes("RIFF\u0016\0\0\0WEBPVP8X\n\0\0\0", 2, 0, 0, 0, 0x0f, 0x27, 0, 0xab, 0x26, 0);
            assertThat(ImageSize.of(animation)).contains(new ImageSize(10_000, 9_900));
            assertThatThrownBy(() -> ImageReader.decode(animation, "webp"))
                    .hasMessageStartingWith("image webp must have at most 400000000 bytes in its decoder's buffers, but"
                            + " claims 792000000 for its 10000x9900 pixels;");
        }

        @Test
        void decodesTheFirstImageOfAnAnimatedPng() {
            byte[] plain = IMAGES.get("plain.png");
            byte[] control = bytes(0, 0, 0, 8, "acTL", 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0); // its checksum is wrong
            byte[] animated = bytes(Arrays.copyOf(plain, 33), control, Arrays.copyOfRange(plain, 33, plain.length));
            assertThat(PngChunks.still(animated)).contains(plain);
            assertThat(PngChunks.still(plain).orElseThrow()).isSameAs(plain);
            try (Mat image = ImageReader.decode(animated, "animated")) {
                assertThat(image.cols()).isEqualTo(ImageVariants.WIDTH);
            }
        }
    }

    /** The decoder keeps the coefficients of all scans: 6 bytes per pixel. */
    @Test
    void rejectsLargeProgressiveImagesWithoutSubsampling() {
        byte[] frame =
                bytes(0xff, 0xd8, 0xff, 0xc2, 0, 17, 8, 0x26, 0xac, 0x27, 0x10, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0);
        byte[] scan = bytes(0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0);
        for (byte[] scans : new byte[][] {bytes(scan, scan), scan}) { // all are kept, since another scan may follow
            assertBuffersTooLarge(bytes(frame, scans, 0xff, 0xd9), "594000000 for its 10000x9900 pixels");
        }
        frame[3] = (byte) 0xc0; // baseline, whose first scan has one component of three
        assertBuffersTooLarge(bytes(frame, scan, 0xff, 0xd9), "594000000 for its 10000x9900 pixels");
    }

    /** Regression: the canvases of a file of a few bytes took 1.2 GB. */
    @Test
    void rejectsLargeImagesThatAreDecodedOnCanvases() {
        byte[] gif = IMAGES.get("plain.gif").clone();
        ByteBuffer.wrap(gif)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(6, (short) 9_000)
                .putShort(8, (short) 9_000);
        assertBuffersTooLarge(gif, "729000000 for its 9000x9000 pixels");
        int size = 8_999 | 8_999 << 14;
        byte[] webp = bytes("RIFF", 26, 0, 0, 0, "WEBPVP8L", 13, 0, 0, 0, 0x2f, new byte[13]);
        ByteBuffer.wrap(webp).order(ByteOrder.LITTLE_ENDIAN).putInt(21, size);
        assertBuffersTooLarge(webp, "648000000 for its 9000x9000 pixels");
    }

    private static void assertBuffersTooLarge(byte[] file, String claim) {
        assertThatThrownBy(() -> ImageReader.decode(file, "large"))
                .hasMessageStartingWith("image large must have at most 400000000 bytes in its decoder's buffers,"
                        + " but claims " + claim + ";");
    }

    /** Only the first frame of an animation is decoded, so that later frames do not matter. */
    @Test
    void ignoresALaterFrameBeyondTheScreen() {
        byte[] gif = IMAGES.get("plain.gif");
        byte[] still = Arrays.copyOf(gif, gif.length - 1);
        byte[] beyond = {0x2c, 1, 0, 0, 0, gif[6], gif[7], gif[8], gif[9], 0, 2, 2, 0x4c, 1, 0, 0x3b};
        try (Mat image = ImageReader.decode(bytes(still, beyond), "animation.gif");
                Mat alone = ImageReader.decode(gif, "still.gif")) {
            assertThat(ImageReader.png(image)).isEqualTo(ImageReader.png(alone));
        }
    }

    @Test
    void acceptsALowerLimit() {
        byte[] file = IMAGES.get("plain.jpg");
        int pixels = ImageVariants.WIDTH * ImageVariants.HEIGHT;
        ImageReader.decode(file, "upload", pixels).close();
        assertThatThrownBy(() -> ImageReader.decode(file, "upload", pixels - 1))
                .hasMessageStartingWith("image upload must have at most 1072 pixels, but claims 37x29;");
        assertThatThrownBy(() -> ImageReader.decode(file, "upload", 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxPixels must be in [1, 100000000], but was 0");
    }
}
