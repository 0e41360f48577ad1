package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_16U;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC4;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.pytorch.Device;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Case J1: images that a program passes in are RGB, or are rejected with a message that names their type. */
class GivenImageTest {
    private static void assertRejected(Mat image, String was) {
        assertThatThrownBy(() -> ImageSource.of(image).read())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image must be RGB, CV_8UC3, but was " + was);
        assertThatThrownBy(() -> ImageSource.of(image).read(10)).hasMessageEndingWith(was);
        assertThatThrownBy(() -> ImageReader.pixels(image)).hasMessageEndingWith(was);
    }

    @Nested
    class Matrices {
        @Test
        void rejectsOtherTypesByName() {
            try (Mat rgb = TestImages.noise(8, 8, 1);
                    Mat floats = new Mat();
                    Mat wide = new Mat();
                    Mat gray = new Mat(8, 8, CV_8UC1, Scalar.all(1));
                    Mat four = new Mat(8, 8, CV_8UC4, Scalar.all(1));
                    Mat empty = new Mat();
                    Mat solid = new Mat(new int[] {4, 4, 4}, CV_8UC3)) {
                rgb.convertTo(floats, CV_32F);
                rgb.convertTo(wide, CV_16U);
                assertRejected(floats, "CV_32FC3");
                assertRejected(wide, "CV_16UC3");
                assertRejected(gray, "CV_8UC1");
                assertRejected(four, "CV_8UC4");
                assertRejected(empty, "empty");
                assertRejected(solid, "of 3 dimensions");
            }
        }

        @Test
        void rejectsAClosedImage() {
            Mat image = TestImages.noise(8, 8, 1);
            ImageSource source = ImageSource.of(image);
            image.close();
            assertThatThrownBy(source::read).hasMessage("image must be RGB, CV_8UC3, but was closed");
        }

        @Test
        void rejectsMorePixelsThanTheLimit() {
            try (Mat pixel = new Mat(10_001, 10_000, CV_8UC3)) { // untouched pages take no memory
                assertThatThrownBy(() -> ImageSource.of(pixel).read())
                        .hasMessage("image must have at most 100000000 pixels, but was 10000x10001");
            }
        }

        @Test
        void readsARegionRowByRow() {
            try (Mat whole = TestImages.noise(20, 20, 1);
                    Mat region = new Mat(whole, new Rect(3, 5, 8, 8));
                    Mat copy = region.clone();
                    Mat read = ImageSource.of(region).read()) {
                assertThat(region.isContinuous()).isFalse();
                assertThat(ImageReader.pixels(read)).isEqualTo(ImageReader.pixels(copy));
                assertThat(ImageSource.of(region).contentChecksum())
                        .isEqualTo(ImageSource.of(copy).contentChecksum());
            }
        }
    }

    @Nested
    class Batches {
        private BatchBuffer buffer() {
            return new BatchBuffer(2, 8, Normalization.SYMMETRIC, new Device("cpu"), true);
        }

        @Test
        void acceptARegionAndRejectOtherTypes() {
            try (BatchBuffer buffer = buffer();
                    Mat whole = TestImages.noise(20, 20, 1);
                    Mat region = new Mat(whole, new Rect(3, 5, 8, 8));
                    Mat copy = region.clone();
                    Mat floats = new Mat();
                    Mat small = TestImages.noise(7, 8, 1);
                    PointerScope scope = new PointerScope()) {
                buffer.put(0, region, 0);
                buffer.put(1, copy, 0);
                var images = buffer.images(2);
                assertThat(images.get(0).equal(images.get(1))).isTrue();
                copy.convertTo(floats, CV_32F);
                assertThatThrownBy(() -> buffer.put(0, floats, 0))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("a transform changed the size or type of an image: it must be RGB, CV_8UC3, of 8x8,"
                                + " but was CV_32FC3");
                assertThatThrownBy(() -> buffer.put(0, small, 0)).hasMessageEndingWith("but was CV_8UC3 of 7x8");
            }
        }
    }

    /** Regression: its pixels would have been copied from beyond the end of its memory. */
    @Test
    void cacheIgnoresImagesOfAnotherType() {
        try (DecodedImageCache cache = new DecodedImageCache(2, 8, 1 << 20);
                Mat gray = new Mat(8, 8, CV_8UC1, Scalar.all(1));
                Mat rgb = TestImages.noise(8, 8, 1)) {
            cache.put(0, gray);
            cache.put(1, rgb);
            assertThat(cache.get(0)).isNull();
            assertThat(TestImages.bytes(cache.get(1))).isEqualTo(TestImages.bytes(rgb));
        }
    }

    @Nested
    class JavaImageTypes {
        private static final int[] VALUES = {0, 50, 128, 255};

        @ParameterizedTest
        @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY})
        void grayKeepsItsValues(int type) {
            BufferedImage image = new BufferedImage(4, 1, type);
            for (int x = 0; x < 4; x++) {
                int value = type == BufferedImage.TYPE_BYTE_GRAY ? VALUES[x] : VALUES[x] << 8 | 0x7f;
                image.getRaster().setSample(x, 0, 0, value);
            }
            assertGray(image, VALUES);
        }

        /** Regression: Java draws gray as if its values were linear, and 50 became 123. */
        @Test
        void transparentGrayKeepsItsValues() {
            var colors = new ComponentColorModel(
                    ColorSpace.getInstance(ColorSpace.CS_GRAY),
                    true,
                    false,
                    Transparency.TRANSLUCENT,
                    DataBuffer.TYPE_BYTE);
            WritableRaster raster = colors.createCompatibleWritableRaster(4, 1);
            for (int x = 0; x < 4; x++) {
                raster.setSample(x, 0, 0, VALUES[x]);
                raster.setSample(x, 0, 1, x == 3 ? 51 : 255);
            }
            assertGray(new BufferedImage(colors, raster, false, null), VALUES);
        }

        private void assertGray(BufferedImage image, int[] values) {
            try (Mat read = ImageSource.of(image).read()) {
                byte[] pixels = ImageReader.pixels(read);
                for (int i = 0; i < pixels.length; i++) {
                    assertThat(pixels[i] & 0xff).isEqualTo(values[i / 3]);
                }
            }
        }

        @ParameterizedTest
        @ValueSource(
                ints = {
                    BufferedImage.TYPE_INT_RGB,
                    BufferedImage.TYPE_INT_ARGB,
                    BufferedImage.TYPE_INT_ARGB_PRE,
                    BufferedImage.TYPE_INT_BGR,
                    BufferedImage.TYPE_4BYTE_ABGR,
                    BufferedImage.TYPE_3BYTE_BGR
                })
        void colorsAreIdenticalInAllLayouts(int type) {
            try (Mat read = ImageSource.of(ImageVariants.javaImage(type)).read();
                    Mat expected = ImageVariants.image()) {
                assertThat(ImageReader.pixels(read)).isEqualTo(ImageReader.pixels(expected));
            }
        }

        /** Hidden colors were those of the file there, and black here: another embedding of the same image. */
        @ParameterizedTest
        @ValueSource(strings = {"argb", "abgr", "palette", "gray", "wide gray", "wide color"})
        void transparentImagesAreThoseOfTheirFiles(String kind) throws IOException {
            BufferedImage image = transparent(kind);
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            ImageIO.write(image, "png", png);
            BufferedImage read = ImageIO.read(new ByteArrayInputStream(png.toByteArray()));
            assertThat(read.getColorModel().hasAlpha()).isTrue();
            try (Mat file = ImageReader.decode(png.toByteArray(), kind);
                    Mat given = ImageReader.from(image);
                    Mat again = ImageReader.from(read)) {
                byte[] expected = ImageReader.pixels(file);
                assertThat(expected[0] & 0xff).isGreaterThan(190); // of the hidden pixel
                assertThat(ImageReader.pixels(again)).isEqualTo(expected);
                assertThat(ImageReader.pixels(given)).isEqualTo(expected);
            }
        }

        /** Rounded here, and cut off there. */
        @ParameterizedTest
        @ValueSource(booleans = {false, true})
        void colorsOfSixteenBitsAreThoseOfTheirFile(boolean alpha) throws IOException {
            ComponentColorModel colors = new ComponentColorModel(
                    ColorSpace.getInstance(ColorSpace.CS_sRGB),
                    alpha,
                    false,
                    alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE,
                    DataBuffer.TYPE_USHORT);
            WritableRaster raster = colors.createCompatibleWritableRaster(64, 3);
            Random random = new Random(1);
            for (int x = 0; x < 64; x++) {
                for (int y = 0; y < 3; y++) {
                    raster.setPixel(x, y, random.ints(4, 0, 1 << 16).toArray());
                }
            }
            BufferedImage image = new BufferedImage(colors, raster, false, null);
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            assertThat(ImageIO.write(image, "png", png)).isTrue();
            try (Mat file = ImageReader.decode(png.toByteArray(), "wide");
                    Mat given = ImageReader.from(image)) {
                assertThat(ImageReader.pixels(given)).isEqualTo(ImageReader.pixels(file));
            }
        }

        private static BufferedImage transparent(String kind) {
            if (kind.equals("palette")) {
                byte[] red = {(byte) 200, 10, 100, (byte) 255};
                byte[] green = {(byte) 150, 20, 90, 0};
                byte[] alpha = {0, (byte) 255, 100, 1};
                IndexColorModel colors = new IndexColorModel(2, 4, red, green, red, alpha);
                BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_BINARY, colors);
                image.getRaster().setPixels(0, 0, 2, 2, new int[] {0, 1, 2, 3});
                return image;
            }
            boolean gray = kind.endsWith("gray");
            boolean wide = kind.startsWith("wide");
            if (gray || wide) {
                var colors = new ComponentColorModel(
                        ColorSpace.getInstance(gray ? ColorSpace.CS_GRAY : ColorSpace.CS_sRGB),
                        true,
                        false,
                        Transparency.TRANSLUCENT,
                        wide ? DataBuffer.TYPE_USHORT : DataBuffer.TYPE_BYTE);
                WritableRaster raster = colors.createCompatibleWritableRaster(2, 2);
                int[] values = {200, 10, 100, 255, 150, 20, 90, 7, 201, 30, 50, 60, 3, 2, 1, 99};
                int bands = raster.getNumBands();
                int[] pixels = new int[4 * bands];
                for (int i = 0; i < pixels.length; i++) {
                    int value = i == bands - 1 ? 0 : values[i]; // the first pixel is hidden
                    pixels[i] = wide ? value << 8 | value : value;
                }
                raster.setPixels(0, 0, 2, 2, pixels);
                return new BufferedImage(colors, raster, false, null);
            }
            BufferedImage image = new BufferedImage(
                    2, 2, kind.equals("argb") ? BufferedImage.TYPE_INT_ARGB : BufferedImage.TYPE_4BYTE_ABGR);
            image.setRGB(0, 0, 2, 2, new int[] {0x00c89664, 0xff0a141e, 0x645a6e78, 0x01ffffff}, 0, 2);
            return image;
        }

        @Test
        void rejectsFloats() {
            var colors = new ComponentColorModel(
                    ColorSpace.getInstance(ColorSpace.CS_sRGB),
                    false,
                    false,
                    Transparency.OPAQUE,
                    DataBuffer.TYPE_FLOAT);
            BufferedImage image = new BufferedImage(colors, colors.createCompatibleWritableRaster(2, 2), false, null);
            assertThatThrownBy(() -> ImageSource.of(image).read())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("image must have values of 8 or 16 bits, but was a Java image of data type "
                            + DataBuffer.TYPE_FLOAT);
        }

        @Test
        void rejectsMorePixelsThanTheLimit() {
            BufferedImage image = new BufferedImage(10_001, 10_000, BufferedImage.TYPE_BYTE_BINARY);
            assertThatThrownBy(() -> ImageReader.from(image))
                    .hasMessage("image must have at most 100000000 pixels, but was 10001x10000");
        }
    }
}
