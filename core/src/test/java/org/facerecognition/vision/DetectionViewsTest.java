package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_CLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_COUNTERCLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.rotate;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.blur;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.SharedFiles;
import org.facerecognition.SquareFaces;
import org.facerecognition.data.ImageReader;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests detection in the turned image and in tiles. */
class DetectionViewsTest {
    private static final String YUNET = "weights/yunet/yunet_s_640_640.onnx";
    private static final String SCRFD = "weights/scrfd/scrfd_500m_kps.onnx";

    private static Path file(String name) {
        try {
            return Path.of(
                    DetectionViewsTest.class.getResource("/vision/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Nested
    class Rotations {
        /** A face that is painted into the turned image at a known place is returned at its place in the original. */
        @ParameterizedTest
        @EnumSource(Turn.class)
        void mapBoxAndLandmarksBack(Turn turn) {
            DetectedFace upright = new DetectedFace(
                    new DetectedFace.Box(10, 20, 30, 40),
                    List.of(point(15, 30), point(35, 30), point(25, 40), point(18, 50), point(32, 50)),
                    1);
            int width = 200;
            int height = 100;
            try (Mat image = SquareFaces.photo(width, height, 1);
                    Mat turned = turn.apply(image)) {
                DetectedFace face = turn.back(upright, width, height);
                for (int i = 0; i < DetectedFace.POINTS; i++) {
                    DetectedFace.Point from = upright.points().get(i);
                    DetectedFace.Point to = face.points().get(i);
                    assertThat(image.ptr((int) to.y(), (int) to.x()).get())
                            .isEqualTo(
                                    turned.ptr((int) from.y(), (int) from.x()).get());
                    assertThat(to.x() - face.box().x())
                            .isBetween(0.0, face.box().width());
                    assertThat(to.y() - face.box().y())
                            .isBetween(0.0, face.box().height());
                }
                assertThat(face.box().area()).isEqualTo(1200);
            }
        }

        private DetectedFace.Point point(double x, double y) {
            return new DetectedFace.Point(x, y);
        }

        /** The crop of a turned photograph is that of the upright one. */
        @ParameterizedTest
        @ValueSource(strings = {YUNET, SCRFD})
        void alignTheFaceOfATurnedPhotograph(String network) {
            Path photo = SharedFiles.orSkip("data/photos/obama.jpg");
            try (FaceDetector detector =
                            FaceDetector.open(SharedFiles.orSkip(network), defaults -> defaults.withRotations(true));
                    Mat upright = ImageReader.read(photo);
                    Mat turned = new Mat()) {
                List<DetectedFace> expected = detector.detect(upright);
                assertThat(expected).hasSize(1);
                for (int code : new int[] {ROTATE_90_CLOCKWISE, ROTATE_180, ROTATE_90_COUNTERCLOCKWISE}) {
                    rotate(upright, turned, code);
                    List<DetectedFace> faces = detector.detect(turned);
                    assertThat(faces).as("turned by %d", code).hasSize(1);
                    assertThat(detector.isUsable(turned, faces.get(0))).isTrue();
                    assertThat(faces.get(0).score()).isCloseTo(expected.get(0).score(), within(0.01));
                    double[][] to = FaceAligner.similarity(faces.get(0).pointArray(), FaceAligner.template());
                    double[][] from = FaceAligner.similarity(expected.get(0).pointArray(), FaceAligner.template());
                    assertThat(Math.hypot(to[0][0], to[1][0]))
                            .as("scale")
                            .isCloseTo(
                                    Math.hypot(from[0][0], from[1][0]),
                                    within(0.02 * Math.hypot(from[0][0], from[1][0])));
                    double angle = Math.toDegrees(Math.atan2(to[1][0], to[0][0]) - Math.atan2(from[1][0], from[0][0]));
                    double expectedAngle = code == ROTATE_180 ? 180 : code == ROTATE_90_CLOCKWISE ? -90 : 90;
                    assertThat(Math.IEEEremainder(angle - expectedAngle, 360)).isCloseTo(0, within(2.0));
                }
            }
        }

        /** A face that is upside down is known in a large image, where it is examined smaller, and in a small one. */
        @ParameterizedTest
        @CsvSource({YUNET + ", 512", YUNET + ", 140", SCRFD + ", 300", SCRFD + ", 140"})
        void knowAFaceThatIsUpsideDown(String network, int sidePx) {
            Path photo = SharedFiles.orSkip("data/photos/obama.jpg");
            Path model = SharedFiles.orSkip(network);
            try (FaceDetector plain = FaceDetector.open(model);
                    Mat upright = ImageReader.read(photo);
                    Mat turned = new Mat();
                    Size size = new Size(sidePx, sidePx * upright.rows() / upright.cols())) {
                resize(upright, upright, size, 0, 0, INTER_AREA);
                rotate(upright, turned, ROTATE_180);
                List<DetectedFace> faces = plain.detect(turned);
                assertThat(faces).isNotEmpty();
                assertThat(plain.isUpsideDown(turned, faces.get(0))).isTrue();
                assertThat(plain.isUpsideDown(upright, plain.detect(upright).get(0)))
                        .isFalse();
                int facePx = (int) faces.get(0).box().width(); // the limit is meant for the image, not for its parts
                try (FaceDetector large =
                        FaceDetector.open(model, defaults -> defaults.withSmallestFacePx(3 * facePx / 4))) {
                    assertThat(large.isUpsideDown(turned, faces.get(0))).isTrue();
                }
            }
        }

        /** The score of a neighbor says nothing about a face. */
        @Test
        void knowAFaceThatIsUpsideDownBesideAnUprightOne() {
            Path photo = SharedFiles.orSkip("data/photos/obama.jpg");
            try (FaceDetector detector = FaceDetector.open(SharedFiles.orSkip(YUNET));
                    Mat upright = ImageReader.read(photo);
                    Mat turned = new Mat();
                    Mat small = new Mat();
                    Size kernel = new Size(61, 61);
                    Size size = new Size(upright.cols() / 5, upright.rows() / 5)) {
                DetectedFace.Box face = detector.detect(upright).get(0).box();
                rotate(upright, turned, ROTATE_180);
                blur(turned, turned, kernel); // its score is lower than that of the small one, however it is turned
                resize(upright, small, size, 0, 0, INTER_AREA);
                int right = (int) (upright.cols() - face.x()); // of the turned face
                int middle = (int) (upright.rows() - face.y() - face.height() / 2);
                try (Rect beside = new Rect(right, middle, small.cols(), small.rows());
                        Mat place = new Mat(turned, beside)) {
                    small.copyTo(place);
                }
                List<DetectedFace> faces = detector.detect(turned);
                assertThat(faces).hasSize(2);
                assertThat(detector.isUpsideDown(turned, faces.get(0))).isTrue();
                assertThat(detector.isUpsideDown(turned, faces.get(1))).isFalse();
            }
        }

        /** What surrounds a region of an image is not a part of the region. */
        @ParameterizedTest
        @CsvSource({"squares.onnx, 120", "scrfd-squares.onnx, 120", "scrfd-squares.onnx, 200"})
        void examineARegionAlone(String network, int sidePx) {
            try (FaceDetector detector = FaceDetector.open(file(network));
                    Mat photo = SquareFaces.photo(480, 480, 1);
                    Rect inside = new Rect(160, 160, sidePx, sidePx);
                    Mat region = new Mat(photo, inside);
                    Mat alone = region.clone();
                    Rect near = new Rect(160 + sidePx + 4, 200, 4, 4); // a face when it is enlarged
                    Mat face = new Mat(photo, near);
                    Scalar red = new Scalar(255, 0, 0, 0)) {
                face.put(red);
                SquareFaces.small(photo, 160 + sidePx + 8, 240, 1);
                assertThat(detector.detect(region)).isEqualTo(detector.detect(alone));
            }
        }

        /** The detector of squares sees them in every position: each is returned once. */
        @Test
        void returnEveryFaceOnce() {
            try (FaceDetector detector =
                            FaceDetector.open(file("scrfd-squares.onnx"), defaults -> defaults.withRotations(true));
                    FaceDetector plain = FaceDetector.open(file("scrfd-squares.onnx"));
                    Mat photo = SquareFaces.photo(320, 256, 1)) {
                SquareFaces.small(photo, 80, 120, 1);
                SquareFaces.large(photo, 192, 96, 1);
                assertThat(plain.detect(photo)).hasSize(2);
                assertThat(detector.detect(photo)).hasSize(2);
                assertThat(detector.isUpsideDown(photo, detector.detect(photo).get(0)))
                        .isFalse();
            }
        }
    }

    @Nested
    class Tiles {
        @Test
        void startEvenlyAndShareAQuarter() {
            assertThat(Tiling.starts(500, 640)).containsExactly(0);
            assertThat(Tiling.starts(640, 640)).containsExactly(0);
            assertThat(Tiling.starts(641, 640)).containsExactly(0, 1);
            assertThat(Tiling.starts(1120, 640)).containsExactly(0, 480);
            for (int length = 641; length < 5000; length += 37) {
                int[] starts = Tiling.starts(length, 640);
                assertThat(starts[starts.length - 1]).isEqualTo(length - 640);
                for (int i = 1; i < starts.length; i++) {
                    assertThat(starts[i] - starts[i - 1]).isBetween(1, 480);
                }
            }
        }

        /** Small faces are found only in tiles, the large one only in the reduced image, and each of them once. */
        @ParameterizedTest
        @ValueSource(strings = {"squares.onnx", "scrfd-squares.onnx"})
        void findSmallFacesWithoutLosingLargeOnes(String network) {
            try (FaceDetector single = FaceDetector.open(file(network));
                    FaceDetector tiled = FaceDetector.open(file(network), defaults -> defaults.withTiles(true));
                    Mat photo = SquareFaces.photo(2560, 1920, 1)) {
                // the tiles start at multiples of 480 px along x and at 0, 426, 853 and 1280 along y
                SquareFaces.small(photo, 80, 120, 1);
                SquareFaces.small(photo, 1000, 200, 1);
                SquareFaces.large(photo, 1600, 1024, 4); // a square of 64 px, 16 in the reduced image
                assertThat(single.detect(photo)).hasSize(1);

                List<DetectedFace> faces = tiled.detect(photo);

                assertThat(faces).hasSize(3);
                assertThat(faces.get(0).box().width()).isCloseTo(320, within(1e-2));
                assertThat(faces.subList(1, 3))
                        .extracting(face -> face.box().x())
                        .containsExactlyInAnyOrder(64.0, 984.0);
                assertThat(faces.subList(1, 3))
                        .allSatisfy(face -> assertThat(face.box().width()).isCloseTo(40, within(1e-3)));
                assertThat(single.smallestVisibleFacePx(2560, 1920)).hasValue(40);
                assertThat(tiled.smallestVisibleFacePx(2560, 1920)).isEmpty();
            }
        }

        @Test
        void changeNothingInAnImageOfOneTile() {
            try (FaceDetector single = FaceDetector.open(file("squares.onnx"));
                    FaceDetector tiled = FaceDetector.open(file("squares.onnx"), d -> d.withTiles(true));
                    Mat photo = SquareFaces.photo(640, 480, 1)) {
                SquareFaces.small(photo, 80, 120, 1);
                assertThat(tiled.detect(photo)).isEqualTo(single.detect(photo)).hasSize(1);
            }
        }

        /** A crowd of real faces of 50 px beside one of 1,600 px, in an image that is reduced to a fifth. */
        @ParameterizedTest
        @ValueSource(strings = {YUNET, SCRFD})
        void findRealFacesOfAllSizes(String network) {
            try (FaceDetector single = FaceDetector.open(SharedFiles.orSkip(network));
                    FaceDetector tiled =
                            FaceDetector.open(SharedFiles.orSkip(network), defaults -> defaults.withTiles(true));
                    Mat photo = ImageReader.read(SharedFiles.orSkip("data/photos/obama.jpg"));
                    Mat group = SquareFaces.photo(3200, 2000, 1)) {
                DetectedFace face = single.detect(photo).get(0);
                List<double[]> centers = new ArrayList<>();
                paste(photo, group, 1500.0 / photo.cols(), 1600, 300, face, centers);
                for (int i = 0; i < 8; i++) {
                    paste(photo, group, 40 / face.box().width(), 50 + 170 * i, 100 + 130 * i, face, centers);
                }

                List<DetectedFace> faces = tiled.detect(group);

                assertThat(faces).hasSize(9);
                for (double[] center : centers) {
                    assertThat(faces).anySatisfy(found -> {
                        DetectedFace.Box box = found.box();
                        double tolerance = 0.15 * box.width();
                        assertThat(box.x() + box.width() / 2).isCloseTo(center[0], within(tolerance));
                        assertThat(box.y() + box.height() / 2).isCloseTo(center[1], within(tolerance));
                    });
                }
                assertThat(single.detect(group)).hasSize(1);
            }
        }

        private void paste(
                Mat photo, Mat group, double scale, int x, int y, DetectedFace face, List<double[]> centers) {
            try (Mat copy = new Mat();
                    Size size = new Size((int) (photo.cols() * scale), (int) (photo.rows() * scale))) {
                resize(photo, copy, size, 0, 0, INTER_LINEAR);
                int width = Math.min(copy.cols(), group.cols() - x);
                int height = Math.min(copy.rows(), group.rows() - y);
                try (Rect from = new Rect(0, 0, width, height);
                        Mat source = new Mat(copy, from);
                        Rect to = new Rect(x, y, width, height);
                        Mat place = new Mat(group, to)) {
                    source.copyTo(place);
                }
            }
            DetectedFace.Box box = face.box();
            centers.add(new double[] {x + scale * (box.x() + box.width() / 2), y + scale * (box.y() + box.height() / 2)
            });
        }
    }

    /** It was dropped afterwards, and nothing was left. */
    @Test
    void aFaceThatIsTooSmallDoesNotTakeThePlaceOfALargeOne() {
        DetectedFace small = face(40, 40, 10, 0.9);
        DetectedFace large = face(0, 0, 100, 0.8);
        FaceDetector.Settings settings = FaceDetector.Settings.DEFAULT;
        assertThat(OnnxFaceDetector.merged(List.of(small, large), settings)).containsExactly(large);
        assertThat(OnnxFaceDetector.merged(List.of(large, small), settings.withSmallestFacePx(10)))
                .containsExactly(small);
    }

    private static DetectedFace face(double x, double y, double side, double score) {
        DetectedFace.Point middle = new DetectedFace.Point(x + side / 2, y + side / 2);
        return new DetectedFace(
                new DetectedFace.Box(x, y, side, side), Collections.nCopies(DetectedFace.POINTS, middle), score);
    }

    @Test
    void leakNoPointers() {
        try (FaceDetector detector = FaceDetector.open(
                        file("squares.onnx"), d -> d.withTiles(true).withRotations(true));
                Mat photo = SquareFaces.photo(1300, 900, 1)) {
            SquareFaces.unclear(photo, 80, 120);
            detector.detect(photo);
            long before = Pointer.totalCount();
            for (int i = 0; i < 5; i++) {
                detector.detect(photo);
            }
            assertThat(Pointer.totalCount() - before).isLessThanOrEqualTo(3);
        }
    }
}
