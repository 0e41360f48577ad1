package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.NORM_L1;
import static org.bytedeco.opencv.global.opencv_core.norm;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.indexer.UByteIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.FaceTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Photographs that are much larger than a detector needs are read at a fraction of their size. */
class ReducedReadingTest {
    @TempDir
    Path temporary;

    private static final int WIDTH = 2400;
    private static final int HEIGHT = 2000;
    private static final int SIZE_PX = 112;

    /** Says that there is a face of some size in the middle, if it is large enough to be seen. */
    private static final class Middle implements FaceDetector {
        private final double share; // of the image's width
        private final int minPx;
        private final Settings settings;
        private final List<Integer> widths = new ArrayList<>(); // of the images that it was given
        private Runnable meanwhile = () -> {};

        Middle(double share, int minPx, Settings settings) {
            this.share = share;
            this.minPx = minPx;
            this.settings = settings;
        }

        @Override
        public List<DetectedFace> detect(Mat image) {
            widths.add(image.cols());
            meanwhile.run();
            double side = share * image.cols();
            if (side < minPx) {
                return List.of();
            }
            double left = image.cols() / 2.0 - side / 2;
            double top = image.rows() / 2.0 - side / 2;
            List<DetectedFace.Point> points = new ArrayList<>();
            for (double[] point : FaceAligner.template()) {
                points.add(new DetectedFace.Point(
                        left + side * point[0] / SIZE_PX - 0.5, top + side * point[1] / SIZE_PX - 0.5));
            }
            return List.of(new DetectedFace(new DetectedFace.Box(left, top, side, side), points, 1));
        }

        @Override
        public String fingerprint() {
            return "middle";
        }

        @Override
        public Settings settings() {
            return settings;
        }

        @Override
        public void close() {}
    }

    /** Returns a JPEG with waves, whose details are larger than what reading it at a half loses. */
    private static ImageSource photograph() {
        try (Mat image = new Mat(HEIGHT, WIDTH, CV_8UC3);
                BytePointer jpeg = new BytePointer()) {
            try (UByteIndexer pixels = image.createIndexer()) {
                for (int y = 0; y < HEIGHT; y++) {
                    for (int x = 0; x < WIDTH; x++) {
                        for (int c = 0; c < 3; c++) {
                            pixels.put(y, x, c, (int) (128 + 60 * Math.sin(x / (20.0 + c)) + 60 * Math.cos(y / 25.0)));
                        }
                    }
                }
            }
            imencode(".jpg", image, jpeg);
            byte[] bytes = new byte[(int) jpeg.limit()];
            jpeg.get(bytes);
            return ImageSource.of(bytes, "photograph");
        }
    }

    private static FaceCropper cropper(FaceDetector detector, FaceChoice choice) {
        return new FaceCropper(Crop.WHOLE, SIZE_PX, detector, choice);
    }

    /** Returns the largest difference of two crops' mean absolute values per pixel. */
    private static double difference(Mat a, Mat b) {
        return norm(a, b, NORM_L1, null) / (3 * a.total());
    }

    /** All faces were aligned to the square template, whatever the model was trained on. */
    @Test
    void theCropSaysWhichTemplateFacesAreAlignedTo() {
        Middle detector = new Middle(0.25, 1, FaceDetector.Settings.DEFAULT);
        ImageSource photograph = photograph();
        List<byte[]> crops = new ArrayList<>();
        for (Crop crop : List.of(Crop.WHOLE, Crop.CELEBA_ALIGNED, Crop.WIDE)) {
            FaceCropper cropper = new FaceCropper(crop, 128, detector, FaceChoice.MOST_PROMINENT);
            try (Mat found = cropper.crop(photograph);
                    Photograph read = Photograph.read(photograph, detector);
                    Mat expected = read.align(
                            read.detect().get(0),
                            crop == Crop.WIDE ? FaceTemplate.WIDE_128 : FaceTemplate.square(128))) {
                crops.add(ImageReader.pixels(found));
                assertThat(crops.get(crops.size() - 1)).isEqualTo(ImageReader.pixels(expected));
            }
        }
        assertThat(crops.get(1)).isEqualTo(crops.get(0));
        assertThat(crops.get(2)).isNotEqualTo(crops.get(0));
    }

    @Test
    void largeFaceIsCutOutOfTheReducedImage() {
        Middle detector = new Middle(0.25, 1, FaceDetector.Settings.DEFAULT);
        ImageSource photograph = photograph();
        FaceCropper.Located found = cropper(detector, FaceChoice.MOST_PROMINENT).locate(photograph);
        DetectedFace face = found.face().orElseThrow();
        try (Mat whole = photograph.read();
                Mat crop = found.pixels();
                Mat expected = FaceAligner.align(whole, face.pointArray(), SIZE_PX)) {
            assertThat(detector.widths).containsExactly(WIDTH / 2);
            assertThat(face.box().width()).isCloseTo(600, within(1e-6));
            assertThat(face.box().x()).isCloseTo(900, within(0.6)); // half a pixel of the reduced image
            assertThat(difference(crop, expected)).isLessThan(1.5);
        }
    }

    /** A program that decodes images itself, a folder, a pack and Spark must get the same embeddings. */
    @ParameterizedTest
    @ValueSource(doubles = {0.25, 0.05}) // cut out of the reduced and of the whole image
    void allWaysToGiveAPhotographLeadToTheSameCrop(double share) throws IOException {
        byte[] jpeg = photograph().encoded();
        Path folder = Files.createDirectories(temporary.resolve("people/Ada"));
        Path file = Files.write(folder.resolve("photograph.jpg"), jpeg);
        Path pack = temporary.resolve("photographs.pack");
        FaceDataset people = FaceDataset.folders(temporary.resolve("people"), Split.TRAIN);
        PackedFaces.write(pack, List.of(people), 0, done -> {});
        try (Mat whole = ImageReader.read(file)) {
            byte[] png = ImageReader.png(whole);
            List<ImageSource> ways = List.of(
                    ImageSource.of(file),
                    ImageSource.of(whole),
                    ImageSource.of(ImageIO.read(new ByteArrayInputStream(png))),
                    ImageSource.of(png, "png"),
                    FaceDataset.packed(pack, Split.TRAIN).images().get(0).image());
            Middle detector = new Middle(share, 1, FaceDetector.Settings.DEFAULT);
            FaceCropper cropper = cropper(detector, FaceChoice.MOST_PROMINENT);
            FaceCropper.Located expected = cropper.locate(photograph());
            try (Mat pixels = expected.pixels()) {
                for (ImageSource way : ways) {
                    FaceCropper.Located one = cropper.locate(way);
                    List<FaceCropper.Located> all = cropper.locateAll(way);
                    assertThat(all).hasSize(1);
                    try (Mat alone = one.pixels();
                            Mat amongAll = all.get(0).pixels()) {
                        assertThat(difference(alone, pixels)).as(way.name()).isLessThan(0.5);
                        assertThat(difference(amongAll, alone)).isZero();
                        assertThat(one.face()).isEqualTo(expected.face());
                    }
                }
            }
            assertThat(detector.widths).containsOnly(WIDTH / 2);
        }
    }

    /** Sides that a half does not divide: the last pixels are repeated, as JPEG encoders do. */
    @Test
    void decodedImagesOfOddSidesAreReducedLikeJpegs() {
        try (Mat whole = photograph().read();
                Rect part = new Rect(0, 0, WIDTH - 1, HEIGHT - 1);
                Mat odd = new Mat(whole, part)) {
            Middle detector = new Middle(0.25, 1, FaceDetector.Settings.DEFAULT);
            try (Photograph photograph = Photograph.read(ImageSource.of(odd), detector)) {
                DetectedFace face = photograph.detect().get(0);
                assertThat(detector.widths).containsExactly(WIDTH / 2);
                assertThat(photograph.widthPx()).isEqualTo(WIDTH - 1);
                assertThat(photograph.heightPx()).isEqualTo(HEIGHT - 1);
                try (Mat crop = photograph.align(face, FaceTemplate.SQUARE_112);
                        Mat expected = FaceAligner.align(whole, face.pointArray(), SIZE_PX)) {
                    assertThat(difference(crop, expected)).isLessThan(1.5);
                }
            }
        }
    }

    @Test
    void smallFaceIsCutOutOfTheWholeImageAndAnInvisibleOneIsLookedForThere() {
        ImageSource photograph = photograph();
        Middle small = new Middle(0.05, 1, FaceDetector.Settings.DEFAULT); // 60 pixels in the reduced image
        Middle invisible = new Middle(0.05, 100, FaceDetector.Settings.DEFAULT);
        for (Middle detector : List.of(small, invisible)) {
            FaceCropper.Located found = cropper(detector, FaceChoice.LARGEST).locate(photograph);
            double[][] points = found.face().orElseThrow().pointArray();
            try (Mat whole = photograph.read();
                    Mat crop = found.pixels();
                    Mat expected = FaceAligner.align(whole, points, SIZE_PX)) {
                assertThat(difference(crop, expected)).isZero();
            }
        }
        assertThat(small.widths).containsExactly(WIDTH / 2);
        assertThat(invisible.widths).containsExactly(WIDTH / 2, WIDTH);
    }

    /** The landmarks of one image used to cut out another that was written to its file meanwhile. */
    @ParameterizedTest
    @ValueSource(ints = {1, 100}) // found, but small, in the reduced image, and found in the whole one only
    void aFileThatIsReplacedOrRemovedMeanwhileGivesTheFaceOfTheFirstImage(int minPx) throws IOException {
        byte[] first = photograph().encoded();
        byte[] other;
        try (Scalar gray = new Scalar(99, 99, 99, 0);
                Mat second = new Mat(HEIGHT, WIDTH, CV_8UC3, gray)) {
            other = ImageVariants.encoded("jpg", second);
        }
        Path file = temporary.resolve("photograph.jpg");
        Middle detector = new Middle(0.05, minPx, FaceDetector.Settings.DEFAULT);
        FaceCropper cropper = cropper(detector, FaceChoice.LARGEST);
        try (Mat expected = cropper.crop(photograph())) {
            for (byte[] replacement : new byte[][] {other, {}}) {
                Files.write(file, first);
                detector.meanwhile = () -> replace(file, replacement);
                try (Mat crop = cropper.crop(ImageSource.of(file))) {
                    assertThat(difference(crop, expected)).isZero();
                }
            }
        }
    }

    private static void replace(Path file, byte[] content) {
        try {
            if (content.length == 0) {
                Files.deleteIfExists(file);
            } else {
                Files.write(file, content);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Finds one light spot: its center of gravity, as a box without a size. */
    private static final class Spot implements FaceDetector {
        private static final int DARK = 64;

        private final List<Integer> widths = new ArrayList<>(); // of the images that it was given

        @Override
        public List<DetectedFace> detect(Mat image) {
            widths.add(image.cols());
            byte[] pixels = ImageReader.pixels(image);
            double sum = 0;
            double x = 0;
            double y = 0;
            for (int i = 0; i < pixels.length; i += 3) {
                int light = Math.max(0, (pixels[i] & 0xff) - DARK);
                sum += light;
                x += light * (i / 3 % image.cols());
                y += light * (i / 3 / image.cols());
            }
            DetectedFace.Point center = new DetectedFace.Point(x / sum, y / sum);
            DetectedFace.Box box = new DetectedFace.Box(center.x(), center.y(), 0, 0);
            return List.of(new DetectedFace(box, Collections.nCopies(DetectedFace.POINTS, center), 1));
        }

        @Override
        public String fingerprint() {
            return "spot";
        }

        @Override
        public Settings settings() {
            return Settings.DEFAULT;
        }

        @Override
        public void close() {}
    }

    /** Returns a JPEG of a light spot that is not in the middle. */
    private static byte[] spot(int width, int height) {
        double[] across = light(width, 700);
        double[] down = light(height, 500);
        byte[] pixels = new byte[3 * width * height];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (byte) (220 * across[i / 3 % width] * down[i / 3 / width]);
        }
        try (Mat image = new Mat(height, width, CV_8UC3)) {
            image.data().put(pixels);
            return ImageVariants.encoded("jpg", image);
        }
    }

    private static double[] light(int length, int center) {
        double[] light = new double[length];
        for (int i = 0; i < length; i++) {
            double distance = (i - center) / 150.0;
            light[i] = Math.exp(-distance * distance);
        }
        return light;
    }

    /** Returns a JPEG with an EXIF orientation. */
    private static byte[] turned(byte[] jpeg, int orientation) {
        ByteBuffer turned = ByteBuffer.allocate(jpeg.length + 36).order(ByteOrder.LITTLE_ENDIAN);
        turned.put(jpeg, 0, 2);
        turned.put(new byte[] {(byte) 0xff, (byte) 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0});
        turned.putShort((short) 1)
                .putShort((short) 0x112)
                .putShort((short) 3)
                .putInt(1)
                .putInt(orientation);
        turned.putInt(0);
        return turned.put(jpeg, 2, jpeg.length - 2).array();
    }

    /**
     * The decoder repeats the last pixels at the right and the bottom of a reduced image, and then turns it. They came
     * to lie at the left and the top, and moved all faces.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void facesOfATurnedPhotographAreWhereTheyAreInTheWholeImage(int orientation) {
        ImageSource image = ImageSource.of(turned(spot(WIDTH + 1, HEIGHT + 1), orientation), "turned");
        Spot detector = new Spot();
        try (Mat whole = image.read();
                Photograph photograph = Photograph.read(image, detector);
                Mat reduced = image.read(HEIGHT / 2)) {
            assertThat(whole.cols()).isEqualTo(orientation > 4 ? HEIGHT + 1 : WIDTH + 1);
            DetectedFace.Box expected = detector.detect(whole).get(0).box();
            DetectedFace.Box found = photograph.detect().get(0).box();
            assertThat(found.x()).isCloseTo(expected.x(), within(0.1));
            assertThat(found.y()).isCloseTo(expected.y(), within(0.1));
            assertThat(photograph.widthPx()).isEqualTo(whole.cols());
            assertThat(detector.widths).containsExactly(whole.cols(), (whole.cols() + 1) / 2);
            assertThat(reduced.cols()).isEqualTo(orientation == 1 ? WIDTH / 2 + 1 : whole.cols());
        }
        ImageSource usual = ImageSource.of(turned(spot(WIDTH, HEIGHT), orientation), "usual");
        assertThat(usual.readReduced(HEIGHT / 2).factor()).isEqualTo(2);
    }

    @Test
    void wholeImageIsSearchedForSmallerFacesOnly() {
        ImageSource photograph = photograph();
        FaceDetector.Settings settings = FaceDetector.Settings.DEFAULT;
        List<FaceDetector.Settings> whole =
                List.of(settings.withTiles(true), settings.withSmallestFacePx(17), settings.withLargestSidePx(1280));
        for (FaceDetector.Settings some : whole) {
            Middle detector = new Middle(0.25, 1, some);
            cropper(detector, FaceChoice.MOST_PROMINENT)
                    .locate(photograph)
                    .pixels()
                    .close();
            assertThat(detector.widths).containsExactly(WIDTH);
        }
        for (FaceChoice choice : FaceChoice.values()) {
            Middle detector = new Middle(0.25, 1, settings);
            cropper(detector, choice).locate(photograph).pixels().close();
            assertThat(detector.widths).containsExactly(WIDTH / 2);
        }
    }

    @Test
    void photographWithoutAFaceIsRejectedWithItsOwnSize() {
        Middle blind = new Middle(0.25, 10_000, FaceDetector.Settings.DEFAULT);
        FaceCropper cropper = cropper(blind, FaceChoice.MOST_PROMINENT);
        assertThatThrownBy(() -> cropper.locate(photograph()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("photograph must show a face")
                .hasMessageContaining(WIDTH + "x" + HEIGHT);
        assertThat(cropper.locateIfUsable(photograph())).isEqualTo(Optional.empty());
    }
}
