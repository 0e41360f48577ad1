package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.Races;
import org.facerecognition.SharedFiles;
import org.facerecognition.SquareFaces;
import org.facerecognition.data.ImageReader;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests SCRFD with networks that take squares for faces, and against a decoder in Python ({@code golden_scrfd.py}). */
class ScrfdTest {
    private static final String SQUARES = "scrfd-squares.onnx";
    private static final String FIXED = "scrfd-squares-fixed.onnx";

    @TempDir
    Path folder;

    private static Path file(String name) {
        try {
            return Path.of(ScrfdTest.class.getResource("/vision/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SQUARES, FIXED})
    void findsTheSameFacesAsYuNet(String network) {
        try (FaceDetector scrfd = FaceDetector.open(file(network));
                FaceDetector yunet = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(310, 250, 1)) {
            SquareFaces.small(photo, 80, 120, 1);
            SquareFaces.large(photo, 192, 96, 1);

            List<DetectedFace> faces = scrfd.detect(photo);

            List<DetectedFace> expected = yunet.detect(photo);
            assertThat(faces).hasSize(2);
            for (int i = 0; i < faces.size(); i++) {
                assertSame(faces.get(i), expected.get(i), 1e-3);
                assertThat(faces.get(i).score()).isBetween(0.999, 1.0);
            }
        }
    }

    private static void assertSame(DetectedFace face, DetectedFace expected, double px) {
        assertThat(numbers(face)).as(expected.toString()).containsExactly(numbers(expected), within(px));
    }

    private static double[] numbers(DetectedFace face) {
        DetectedFace.Box box = face.box();
        List<Double> all = new ArrayList<>(List.of(box.x(), box.y(), box.width(), box.height()));
        face.points().forEach(point -> all.addAll(List.of(point.x(), point.y())));
        return all.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** A network for one size only gets a larger image reduced to that size. */
    @Test
    void returnsPixelsOfTheOriginalImageWhenItIsReduced() {
        for (String network : List.of(SQUARES, FIXED)) {
            try (FaceDetector detector = FaceDetector.open(file(network));
                    Mat photo = SquareFaces.photo(6400, 4800, 3)) {
                int scale = network.equals(FIXED) ? 20 : 10;
                SquareFaces.small(photo, 1600, 2400, scale);

                DetectedFace face = detector.detect(photo).get(0);

                double corner = 1600.0 / scale - 16;
                assertThat(face.box().x()).isCloseTo((corner + 0.5) * scale - 0.5, within(1e-2));
                assertThat(face.box().width()).isCloseTo(40.0 * scale, within(1e-2));
            }
        }
    }

    @Test
    void settingsExcludeSmallUncertainAndOverlappingFaces() {
        FaceDetector.Settings defaults = FaceDetector.Settings.SCRFD;
        try (Mat photo = SquareFaces.photo(320, 240, 4)) {
            SquareFaces.large(photo, 64, 64, 1);
            SquareFaces.small(photo, 240, 120, 1);
            SquareFaces.unclear(photo, 160, 200); // score 0.71
            assertThat(found(photo, defaults)).isEqualTo(3);
            assertThat(found(photo, defaults.withScoreThreshold(0.72))).isEqualTo(2);
            assertThat(found(photo, defaults.withSmallestFacePx(41))).isEqualTo(1);
            assertThat(found(photo, new FaceDetector.Settings(0.5, 0.4, 1, 16, 640)))
                    .isEqualTo(1);
            assertThat(found(photo, new FaceDetector.Settings(0.72, 1, 5000, 16, 640)))
                    .as("both anchors of the small face")
                    .isEqualTo(3);
        }
    }

    private static int found(Mat photo, FaceDetector.Settings settings) {
        try (FaceDetector detector = FaceDetector.open(file(SQUARES), settings)) {
            return detector.detect(photo).size();
        }
    }

    @Test
    void acceptsImagesOfAnySize() {
        for (String network : List.of(SQUARES, FIXED)) {
            try (FaceDetector detector = FaceDetector.open(file(network))) {
                for (int[] size : new int[][] {{320, 240}, {1, 1}, {7, 5}, {3000, 1}, {1, 3000}, {641, 33}}) {
                    try (Mat photo = SquareFaces.photo(size[0], size[1], 2)) {
                        assertThat(detector.detect(photo)).isEmpty();
                    }
                }
            }
        }
    }

    @Test
    void defaultSettingsAreThoseOfTheKind() {
        try (FaceDetector scrfd = FaceDetector.open(file(SQUARES));
                FaceDetector yunet = FaceDetector.open(SquareFaces.detector());
                FaceDetector given = FaceDetector.open(file(SQUARES), FaceDetector.Settings.DEFAULT);
                FaceDetector derived = FaceDetector.open(file(SQUARES), d -> d.withLargestSidePx(320))) {
            assertThat(scrfd.settings()).isEqualTo(FaceDetector.Settings.SCRFD);
            assertThat(yunet.settings()).isEqualTo(FaceDetector.Settings.DEFAULT);
            assertThat(given.settings()).isEqualTo(FaceDetector.Settings.DEFAULT);
            assertThat(derived.settings()).isEqualTo(new FaceDetector.Settings(0.5, 0.4, 5000, 16, 320));
            assertThat(scrfd.fingerprint()).matches("[0-9a-f]{8}").isNotEqualTo(yunet.fingerprint());
        }
    }

    @Nested
    class AgainstPython {
        /** Every box and landmark of a network with random weights, with hundreds of overlapping candidates. */
        @Test
        void randomNetwork() throws IOException {
            try (Mat noise = noise(200, 330)) {
                assertGolden(file("scrfd-random.onnx"), 0.65, 1, noise, "scrfd-random.json", 0.02);
            }
        }

        @Test
        void weightsOfScrfd500m() throws IOException {
            Path weights = SharedFiles.orSkip("weights/scrfd/scrfd_500m_kps.onnx");
            try (Mat group = ImageReader.read(file("scrfd-group.png"))) {
                assertGolden(weights, 0.5, 16, group, "scrfd-group.json", 1);
            }
        }

        private void assertGolden(Path network, double score, int smallestPx, Mat image, String golden, double px)
                throws IOException {
            JsonNode expected = new ObjectMapper().readTree(file(golden).toFile());
            FaceDetector.Settings settings =
                    FaceDetector.Settings.SCRFD.withScoreThreshold(score).withSmallestFacePx(smallestPx);
            try (FaceDetector detector = FaceDetector.open(network, settings)) {
                List<DetectedFace> faces = new ArrayList<>(detector.detect(image));
                faces.sort((a, b) -> Double.compare(b.score(), a.score()));
                assertThat(faces).hasSize(expected.size()).isNotEmpty();
                for (int i = 0; i < faces.size(); i++) {
                    JsonNode face = expected.get(i);
                    assertThat(faces.get(i).score()).isCloseTo(face.get("score").asDouble(), within(1e-3));
                    assertThat(numbers(faces.get(i))).containsExactly(expectedNumbers(face), within(px));
                }
            }
        }

        private double[] expectedNumbers(JsonNode face) {
            List<Double> all = new ArrayList<>();
            face.get("box").forEach(number -> all.add(number.asDouble()));
            face.get("points").forEach(point -> point.forEach(number -> all.add(number.asDouble())));
            return all.stream().mapToDouble(Double::doubleValue).toArray();
        }

        private Mat noise(int height, int width) { // as golden_scrfd.py makes it
            byte[] bytes = new byte[3 * height * width];
            int state = 1;
            for (int i = 0; i < bytes.length; i++) {
                state = state * 1103515245 + 12345 & 0x7fffffff;
                bytes[i] = (byte) (state >> 16);
            }
            Mat image = new Mat(height, width, CV_8UC3);
            image.data().put(bytes);
            return image;
        }
    }

    /** A file for one size reduces larger images, whatever the settings say. */
    @Test
    void aFileForOneSizeSaysHowSmallFacesMayBe() throws Exception {
        try (FaceDetector any = FaceDetector.open(file(SQUARES));
                FaceDetector one = FaceDetector.open(file(FIXED))) {
            assertThat(any.smallestVisibleFacePx(640, 480)).isEmpty();
            assertThat(one.smallestVisibleFacePx(640, 480)).hasValue(20);
            assertThat(one.smallestVisibleFacePx(320, 240)).isEmpty();
        }
    }

    /** It used to be enlarged for the size in the settings, and then reduced below its own for that of the file. */
    @Test
    void anImageIsNotEnlargedBeyondTheSizeThatAFileIsFor() throws Exception {
        try (FaceDetector one = FaceDetector.open(file(FIXED));
                Mat photo = SquareFaces.photo(152, 256, 1)) {
            SquareFaces.small(photo, 72, 160, 1);
            List<DetectedFace> faces = one.detect(photo);
            assertThat(faces).hasSize(1);
            assertThat(faces.get(0).box().width()).isCloseTo(40, within(1e-3));
        }
    }

    @Test
    void tilesHaveTheSizeThatAFileIsFor() throws Exception {
        try (FaceDetector whole = FaceDetector.open(file(FIXED));
                FaceDetector tiles = FaceDetector.open(file(FIXED), FaceDetector.Settings.SCRFD.withTiles(true));
                Mat photo = SquareFaces.photo(1280, 960, 1)) {
            SquareFaces.small(photo, 880, 480, 1);
            assertThat(whole.detect(photo)).isEmpty();
            assertThat(tiles.detect(photo)).hasSize(1);
        }
    }

    @Test
    void refusesScrfdWithoutLandmarks() throws Exception {
        Path boxesOnly = folder.resolve("scrfd.onnx");
        Files.write(boxesOnly, withOutputs(Files.readAllBytes(file(SQUARES)), 6));
        assertThatThrownBy(() -> FaceDetector.open(boxesOnly))
                .isInstanceOf(DetectorException.class)
                .hasMessage("face detector " + boxesOnly + " is an SCRFD without landmarks (6 outputs), which alignment"
                        + " needs; give one with five landmarks (9 outputs), such as scrfd_500m_bnkps.onnx");
    }

    @Test
    void refusesOtherOnnxFilesWhateverTheirName() throws Exception {
        Path other = folder.resolve("face_detection_yunet_2023mar.onnx");
        Files.write(other, withOutputs(Files.readAllBytes(file(SQUARES)), 4));
        assertThatThrownBy(() -> FaceDetector.open(other))
                .isInstanceOf(DetectorException.class)
                .hasMessageMatching(
                        "face detector .*yunet_2023mar.onnx must be YuNet's .onnx file"
                                + " \\(face_detection_yunet_2023mar.onnx\\) or SCRFD's with five landmarks \\(such as"
                                + " scrfd_500m_bnkps.onnx\\), but it is an ONNX file with other outputs: \\d+, \\d+, \\d+, ...");
        Path renamed = Files.copy(file(SQUARES), folder.resolve("yunet.onnx"));
        try (FaceDetector detector = FaceDetector.open(renamed)) {
            assertThat(detector.settings()).isEqualTo(FaceDetector.Settings.SCRFD);
        }
    }

    /** Returns an ONNX file with only its first outputs. */
    private static byte[] withOutputs(byte[] model, int count) throws Exception {
        UnknownFieldSet whole = UnknownFieldSet.parseFrom(model);
        UnknownFieldSet graph = UnknownFieldSet.parseFrom(
                whole.getField(7).getLengthDelimitedList().get(0));
        Field.Builder outputs = Field.newBuilder();
        graph.getField(12).getLengthDelimitedList().subList(0, count).forEach(outputs::addLengthDelimited);
        ByteString changed = UnknownFieldSet.newBuilder(graph)
                .addField(12, outputs.build())
                .build()
                .toByteString();
        return UnknownFieldSet.newBuilder(whole)
                .addField(7, Field.newBuilder().addLengthDelimited(changed).build())
                .build()
                .toByteArray();
    }

    @Test
    void manyThreadsFindTheSameFacesAsOne() throws Exception {
        List<Mat> photos = new ArrayList<>();
        for (int i = 0; i < 8; i++) { // different sizes: a network's state must not affect the next image
            Mat photo = SquareFaces.photo(200 + 40 * i, 400 - 40 * i, i);
            SquareFaces.small(photo, 80, 8 * (i % 4 + 3), 1);
            SquareFaces.large(photo, 16 * (i + 1), 16 * 2, 1);
            photos.add(photo);
        }
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (FaceDetector detector = FaceDetector.open(file(SQUARES))) {
            List<List<DetectedFace>> expected =
                    photos.stream().map(detector::detect).toList();
            List<Callable<List<DetectedFace>>> tasks = new ArrayList<>();
            for (int i = 0; i < 96; i++) {
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
                    10,
                    () -> FaceDetector.open(file(SQUARES)),
                    detector -> detector.detect(photo),
                    "face detector " + file(SQUARES) + " is closed");
        }
    }

    @Test
    void survivesTheCallersScopeAndLeaksNoPointers() {
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
        FaceDetector detector;
        try (PointerScope scope = new PointerScope()) {
            detector = FaceDetector.open(file(SQUARES));
            assertThat(detector.detect(photo)).hasSize(1);
        }
        assertThat(detector.detect(photo)).hasSize(1);
        detector.close();
    }

    @Test
    void realPhotographsGiveTheSameFacesAsYuNet() throws IOException {
        Path weights = SharedFiles.orSkip("weights/scrfd/scrfd_500m_kps.onnx");
        try (FaceDetector scrfd = FaceDetector.open(weights);
                FaceDetector yunet = FaceDetector.open(SharedFiles.orSkip("weights/yunet/yunet_s_640_640.onnx"));
                var files = Files.list(SharedFiles.orSkip("data/photos"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".jpg")).toList()) {
                try (Mat photo = ImageReader.read(file)) {
                    DetectedFace face = scrfd.detect(photo).get(0);
                    DetectedFace other = yunet.detect(photo).get(0);
                    assertThat(scrfd.isUsable(photo, face)).isTrue();
                    double[] from = numbers(face);
                    double[] to = numbers(other);
                    for (int i = 4; i < from.length; i++) {
                        assertThat(from[i])
                                .isCloseTo(to[i], within(0.1 * other.box().width()));
                    }
                }
            }
        }
    }
}
