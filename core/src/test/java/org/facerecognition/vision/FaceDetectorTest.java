package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.flip;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.Races;
import org.facerecognition.SharedFiles;
import org.facerecognition.SquareFaces;
import org.facerecognition.data.Crop;
import org.facerecognition.data.ImageReader;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaceDetectorTest {
    private static final String YUNET = "weights/yunet/yunet_s_640_640.onnx";

    @TempDir
    Path folder;

    @Test
    void rejectsLargeModelsWithoutReadingThem() throws IOException {
        Path file = folder.resolve("glintr100.onnx");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(3L << 30);
        }
        assertThatThrownBy(() -> FaceDetector.open(file))
                .isInstanceOf(DetectorException.class)
                .hasMessageStartingWith("face detector " + file + " must be YuNet's .onnx file")
                .hasMessageEndingWith(
                        "but it has 3072 MiB, while those have 100 at most; is it the model of an encoder?");
    }

    @Test
    void findsFacesAtTheirPlaces() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(320, 240, 1)) {
            SquareFaces.small(photo, 80, 120, 1);
            SquareFaces.large(photo, 192, 96, 1);

            List<DetectedFace> faces = detector.detect(photo);

            assertThat(faces).hasSize(2);
            assertThat(faces.get(0).box()).isEqualTo(new DetectedFace.Box(160, 56, 80, 96)); // its center is (200, 104)
            assertBox(faces.get(1), 64, 100, 40, 48);
            // eyes, nose, mouth; of each pair the one on the image's left comes first
            double[][] expected = {{72, 116}, {96, 116}, {84, 128}, {76, 136}, {92, 136}};
            assertThat(faces.get(1).pointArray()).isDeepEqualTo(expected);
            assertThat(faces).allSatisfy(face -> assertThat(face.score()).isCloseTo(1, within(1e-6)));
        }
    }

    private static void assertBox(DetectedFace face, double x, double y, double width, double height) {
        double[] box = {
            face.box().x(), face.box().y(), face.box().width(), face.box().height()
        };
        assertThat(box).containsExactly(new double[] {x, y, width, height}, within(1e-3));
    }

    /** Case F1: 8000 px are reduced to 640, and a face of 125 px to 10. */
    @Test
    void smallestVisibleFaceGrowsAsTheImageIsReduced() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector())) {
            assertThat(detector.smallestVisibleFacePx(8000, 5000)).hasValue(125);
            assertThat(detector.smallestVisibleFacePx(480, 960)).hasValue(15);
            assertThat(detector.smallestVisibleFacePx(640, 480)).isEmpty();
        }
    }

    @Test
    void mostProminentFaceComesFirst() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(320, 240, 1)) {
            SquareFaces.large(photo, 32, 48, 1);
            SquareFaces.small(photo, 160, 120, 1); // in the middle
            assertThat(detector.detect(photo).get(0).box().width()).isCloseTo(40, within(1e-3));
            SquareFaces.large(photo, 192, 112, 1); // near enough to the middle for its size
            List<DetectedFace> faces = detector.detect(photo);
            assertThat(faces).hasSize(3);
            assertBox(faces.get(0), 160, 72, 80, 96);
            assertBox(faces.get(1), 144, 100, 40, 48);
            assertBox(faces.get(2), 0, 8, 80, 96);
        }
    }

    @Test
    void returnsNoFacesForEmptyImages() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector())) {
            for (int[] size : new int[][] {{320, 240}, {1, 1}, {7, 5}, {3000, 1}, {1, 3000}, {641, 33}}) {
                try (Mat photo = SquareFaces.photo(size[0], size[1], 2)) {
                    assertThat(detector.detect(photo)).isEmpty();
                }
            }
        }
    }

    @Test
    void returnsPixelsOfTheOriginalImageWhenItIsReduced() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(6400, 4800, 3)) {
            SquareFaces.small(photo, 1600, 2400, 10);

            DetectedFace face = detector.detect(photo).get(0);

            // in the reduced image the square is at (160, 240) with center (164, 244); pixel centers are whole numbers
            assertBox(face, (144 + 0.5) * 10 - 0.5, (220 + 0.5) * 10 - 0.5, 400, 480);
            assertThat(face.points().get(0).x()).isCloseTo((152 + 0.5) * 10 - 0.5, within(1e-3));
            assertThat(face.points().get(0).y()).isCloseTo((236 + 0.5) * 10 - 0.5, within(1e-3));
        }
    }

    @Test
    void settingsExcludeSmallAndUncertainFaces() {
        FaceDetector.Settings defaults = FaceDetector.Settings.DEFAULT;
        try (Mat photo = SquareFaces.photo(320, 240, 4)) {
            SquareFaces.large(photo, 64, 64, 1);
            SquareFaces.small(photo, 240, 120, 1);
            SquareFaces.unclear(photo, 160, 200);
            assertThat(found(photo, defaults)).isEqualTo(3);
            assertThat(found(photo, defaults.withScoreThreshold(0.72))).isEqualTo(2);
            assertThat(found(photo, defaults.withSmallestFacePx(40))).isEqualTo(3);
            assertThat(found(photo, defaults.withSmallestFacePx(41))).isEqualTo(1);
            assertThat(found(photo, defaults.withLargestSidePx(40))).isZero();
            assertThat(found(photo, new FaceDetector.Settings(0.7, 0.3, 1, 16, 640)))
                    .isEqualTo(1);
        }
    }

    private static int found(Mat photo, FaceDetector.Settings settings) {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector(), settings)) {
            return detector.detect(photo).size();
        }
    }

    @Test
    void manyThreadsFindTheSameFacesAsOne() throws Exception {
        List<Mat> photos = new ArrayList<>();
        for (int i = 0; i < 8; i++) { // different sizes: a detector's state must not affect the next image
            Mat photo = SquareFaces.photo(200 + 40 * i, 400 - 40 * i, i);
            SquareFaces.small(photo, 80, 8 * (i % 4 + 3), 1);
            SquareFaces.large(photo, 16 * (i + 1), 16 * 2, 1);
            photos.add(photo);
        }
        ExecutorService threads = Executors.newFixedThreadPool(16);
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector())) {
            List<List<DetectedFace>> expected =
                    photos.stream().map(detector::detect).toList();
            List<Callable<List<DetectedFace>>> tasks = new ArrayList<>();
            for (int i = 0; i < 320; i++) {
                Mat photo = photos.get(i % photos.size());
                tasks.add(() -> detector.detect(photo));
            }
            List<Future<List<DetectedFace>>> results = threads.invokeAll(tasks);
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i).get()).isNotEmpty().isEqualTo(expected.get(i % photos.size()));
            }
        } finally {
            threads.shutdownNow();
            photos.forEach(Mat::close);
        }
    }

    @Test
    void canBeClosedWhileOtherThreadsUseIt() throws Exception {
        try (Mat photo = SquareFaces.photo(320, 240, 1)) {
            Races.closedWhileUsed(
                    20,
                    () -> FaceDetector.open(SquareFaces.detector()),
                    detector -> detector.detect(photo),
                    "face detector " + SquareFaces.detector() + " is closed");
        }
    }

    @Test
    void survivesTheCallersScope() {
        try (Mat photo = SquareFaces.photo(320, 240, 1)) {
            SquareFaces.small(photo, 80, 120, 1);
            FaceDetector detector;
            try (PointerScope scope = new PointerScope()) {
                detector = FaceDetector.open(SquareFaces.detector());
                assertThat(detector.detect(photo)).hasSize(1);
            }
            assertThat(detector.detect(photo)).hasSize(1);
            detector.close();
            assertThatThrownBy(() -> detector.detect(photo))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("face detector " + SquareFaces.detector() + " is closed");
        }
    }

    @Test
    void leaksNoPointers() {
        try (Mat photo = SquareFaces.photo(320, 240, 1)) {
            SquareFaces.small(photo, 80, 120, 1);
            detectTwice(photo);
            long before = Pointer.totalCount();
            for (int i = 0; i < 6; i++) {
                detectTwice(photo);
            }
            assertThat(Pointer.totalCount() - before).isLessThanOrEqualTo(3);
        }
    }

    private static void detectTwice(Mat photo) {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector())) {
            detector.detect(photo);
            detector.detect(photo);
        }
    }

    @Test
    void namesFilesThatAreNotDetectors() throws IOException {
        Path nowhere = folder.resolve("nowhere.onnx");
        assertThatThrownBy(() -> FaceDetector.open(nowhere))
                .isInstanceOf(DetectorException.class)
                .hasMessage("face detector " + nowhere + " does not exist");
        Path empty = Files.write(folder.resolve("empty.onnx"), new byte[0]);
        assertThatThrownBy(() -> FaceDetector.open(empty))
                .hasMessage("face detector " + empty + " is empty; give YuNet's or SCRFD's .onnx file");
        Path text = Files.writeString(folder.resolve("text.onnx"), "this is no net");
        assertThatThrownBy(() -> FaceDetector.open(text))
                .isInstanceOf(DetectorException.class)
                .hasMessageStartingWith("face detector " + text + " must be YuNet's .onnx file");
        String instead =
                " must be YuNet's .onnx file (face_detection_yunet_2023mar.onnx) or SCRFD's with five landmarks"
                        + " (such as scrfd_500m_bnkps.onnx), but it is %s, not a detector; fetch the file itself%s,"
                        + " or fetch YuNet: WeightsCache.standard().fetch(RemoteFile.faceDetector()), --detector fetch";
        Path page = Files.writeString(folder.resolve("page.onnx"), "<!DOCTYPE html><title>Not found</title>");
        assertThatThrownBy(() -> FaceDetector.open(page))
                .isInstanceOf(DetectorException.class)
                .hasMessage("face detector " + page + instead.formatted("a web page or other markup", ""));
        Path pointer = Files.writeString(
                folder.resolve("pointer.onnx"),
                "version https://git-lfs.github.com/spec/v1\noid sha256:8f23\nsize 232589\n");
        assertThatThrownBy(() -> FaceDetector.open(pointer))
                .hasMessage("face detector " + pointer + instead.formatted("a Git LFS pointer", " (git lfs pull)"));
        byte[] whole = Files.readAllBytes(SquareFaces.detector());
        Path cut = Files.write(folder.resolve("cut.onnx"), Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> FaceDetector.open(cut))
                .isInstanceOf(DetectorException.class)
                .hasMessageContaining(cut.toString());
    }

    @Test
    void rejectsInvalidArguments() {
        FaceDetector.Settings defaults = FaceDetector.Settings.DEFAULT;
        assertThatThrownBy(() -> defaults.withScoreThreshold(1.1))
                .hasMessage("score threshold must be in [0, 1], but was 1.1");
        assertThatThrownBy(() -> defaults.withScoreThreshold(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new FaceDetector.Settings(0.5, -1, 1, 1, 640))
                .hasMessage("nms threshold must be in [0, 1], but was -1.0");
        assertThatThrownBy(() -> new FaceDetector.Settings(0.5, 0.3, 0, 1, 640))
                .hasMessage("top-k must be at least 1, but was 0");
        assertThatThrownBy(() -> defaults.withSmallestFacePx(0))
                .hasMessage("smallest face must be at least 1 px, but was 0");
        assertThatThrownBy(() -> defaults.withLargestSidePx(31))
                .hasMessage("largest side must be 32 to 10000 px, but was 31");
        assertThatThrownBy(() -> new DetectedFace(new DetectedFace.Box(0, 0, 1, 1), List.of(), 1))
                .hasMessage("points must be 5, but were 0");
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat gray = new Mat(9, 9, CV_8UC1)) {
            assertThatThrownBy(() -> detector.detect(gray)).hasMessage("image must be RGB, CV_8UC3, but was CV_8UC1");
        }
    }

    /** A closed image was a NullPointerException, and an empty one an error inside of OpenCV. */
    @Test
    void rejectsImagesWithoutPixels() {
        DetectedFace face = new DetectedFace(
                new DetectedFace.Box(1, 1, 20, 20), Collections.nCopies(5, new DetectedFace.Point(4, 4)), 0.1);
        double[][] points = FaceAligner.template();
        Mat closed = new Mat(9, 9, CV_8UC3);
        closed.close();
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat empty = new Mat()) {
            for (Mat image : List.of(closed, empty)) {
                String was = image == empty ? "empty" : "closed";
                for (ThrowingCallable use : List.<ThrowingCallable>of(
                        () -> detector.detect(image),
                        () -> detector.isUpsideDown(image, face),
                        () -> Crop.WHOLE.apply(image, 8, "x"),
                        () -> ImageReader.png(image),
                        () -> Pixels.of(image))) {
                    assertThatThrownBy(use)
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("image must be RGB, CV_8UC3, but was " + was);
                }
                assertThatThrownBy(() -> FaceAligner.align(image, points, 112))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("image must have pixels, but was " + was);
            }
        }
    }

    // ---- YuNet itself ----

    @Test
    void landmarksOfRealPhotographsAreInOrder() throws IOException {
        Path photos = SharedFiles.orSkip("data/photos");
        try (FaceDetector detector = FaceDetector.open(SharedFiles.orSkip(YUNET));
                var files = Files.list(photos)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".jpg")).toList()) {
                try (Mat photo = ImageReader.read(file);
                        Mat mirrored = new Mat()) {
                    flip(photo, mirrored, 1);
                    List<DetectedFace> faces = detector.detect(photo);
                    List<DetectedFace> theirMirrors = detector.detect(mirrored);
                    assertThat(faces).as(file.toString()).hasSize(1);
                    assertThat(theirMirrors).hasSize(1);
                    for (DetectedFace face : List.of(faces.get(0), theirMirrors.get(0))) {
                        assertUpright(face);
                    }
                    // the left eye of the mirror image is the right eye of the photograph
                    double eyes = distance(faces.get(0), 0, 1);
                    double x = photo.cols()
                            - 1
                            - theirMirrors.get(0).points().get(0).x();
                    assertThat(x).isCloseTo(faces.get(0).points().get(1).x(), within(0.3 * eyes));
                }
            }
        }
    }

    private static void assertUpright(DetectedFace face) {
        double[][] p = face.pointArray();
        assertThat(p[0][0]).as("eyes of %s", face).isLessThan(p[1][0]);
        assertThat(p[3][0]).as("mouth of %s", face).isLessThan(p[4][0]);
        assertThat(p[2][1]).as("nose of %s", face).isBetween(Math.max(p[0][1], p[1][1]), Math.min(p[3][1], p[4][1]));
        for (double[] point : p) {
            assertThat(point[0] - face.box().x()).isBetween(0.0, face.box().width());
            assertThat(point[1] - face.box().y()).isBetween(0.0, face.box().height());
        }
    }

    private static double distance(DetectedFace face, int a, int b) {
        double[][] p = face.pointArray();
        return Math.hypot(p[a][0] - p[b][0], p[a][1] - p[b][1]);
    }

    @Test
    void findsTheSameFaceInAnEnlargedPhotograph() {
        Path photo = SharedFiles.orSkip("data/photos/obama.jpg");
        try (FaceDetector detector = FaceDetector.open(SharedFiles.orSkip(YUNET));
                Mat once = ImageReader.read(photo);
                Mat large = new Mat();
                Size size = new Size(once.cols() * 8, once.rows() * 8)) {
            resize(once, large, size, 0, 0, INTER_LINEAR);
            assertThat(large.type()).isEqualTo(CV_8UC3);
            DetectedFace face = detector.detect(once).get(0);
            DetectedFace same = detector.detect(large).get(0);
            for (int i = 0; i < 5; i++) {
                assertThat(same.points().get(i).x())
                        .isCloseTo(8 * face.points().get(i).x(), within(24.0));
                assertThat(same.points().get(i).y())
                        .isCloseTo(8 * face.points().get(i).y(), within(24.0));
            }
        }
    }

    /** OpenCV counts the processors of the host, whatever the user or a container allows. */
    @Test
    void detectionKeepsToTheBoundOnThreads() {
        int former = opencv_core.getNumThreads();
        System.setProperty(Processors.PROPERTY, "1");
        try (Mat image = SquareFaces.photo(160, 120, 1)) {
            opencv_core.setNumThreads(opencv_core.getNumberOfCPUs()); // as OpenCV chooses;
            try (FaceDetector bounded = FaceDetector.open(SquareFaces.detector())) {
                bounded.detect(image);
            }
            assertThat(opencv_core.getNumThreads()).isEqualTo(1);
        } finally {
            System.clearProperty(Processors.PROPERTY);
            opencv_core.setNumThreads(former);
        }
    }
}
