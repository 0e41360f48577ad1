package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.flip;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Normalization;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests the path from photographs to decisions with colored squares as faces: what happens between detector and
 * network, not their accuracy.
 */
class PhotographTest {
    /** The landmarks of the small face, a square of 8 pixels at (80, 120): eyes, nose, corners of the mouth. */
    private static final double[][] POINTS_AT_80_120 = {{72, 116}, {96, 116}, {84, 128}, {76, 136}, {92, 136}};

    @TempDir
    Path folder;

    private FaceDetector detector;
    private Recognizer recognizer;
    private Mat photo;

    @BeforeEach
    void open() {
        detector = FaceDetector.open(SquareFaces.detector());
        recognizer = TinyTraining.recognizer();
        photo = SquareFaces.photo(320, 240, 1);
        SquareFaces.small(photo, 80, 120, 1);
    }

    @AfterEach
    void close() {
        recognizer.close();
        detector.close();
        photo.close();
    }

    @Test
    void embedsTheDetectedAndAlignedFace() {
        float[] expected;
        try (Mat crop = FaceAligner.align(photo, POINTS_AT_80_120, TinyTraining.IMAGE_PX)) {
            expected = recognizer.embed(crop); // without a detector, an image is a crop as in training
        }
        float[] whole = recognizer.embed(photo);
        recognizer.useDetector(detector);

        assertThat(recognizer.embed(photo)).isEqualTo(expected).isNotEqualTo(whole);
        List<EmbeddedFace> faces = recognizer.faces(ImageSource.of(photo));
        assertThat(faces).hasSize(1);
        assertThat(faces.get(0).embedding()).isEqualTo(expected);
        assertThat(faces.get(0).where().pointArray()).isDeepEqualTo(POINTS_AT_80_120);
        try (Stream<EmbeddedImage> each = recognizer.embedEach(Stream.of(ImageSource.of(photo)))) {
            assertThat(each.findFirst().orElseThrow().face())
                    .contains(faces.get(0).where());
        }

        recognizer.useDetector(null);
        assertThat(recognizer.embed(photo)).isEqualTo(whole);
    }

    /** A prepared recognizer keeps the detector and the flip setting that it was prepared with. */
    @Test
    void preparedRecognizerKeepsItsSettings() throws InterruptedException {
        try (Recognizer resnet = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(2)
                .imageSizePx(TinyTraining.IMAGE_PX)
                .build())) {
            float[] plain = resnet.embed(photo);
            resnet.useDetector(detector);
            resnet.useFlip(true);
            EmbeddedFace expected = resnet.faces(ImageSource.of(photo)).get(0);
            try (PreparedRecognizer prepared =
                            resnet.prepare(PrepareOptions.DEFAULT.withArithmetic(PrepareOptions.Arithmetic.FP32));
                    FaceBatcher batcher = prepared.batcher()) {
                resnet.useFlip(false);
                float[] unflipped = resnet.embed(photo);
                resnet.useDetector(null);

                List<EmbeddedFace> faces = prepared.faces(ImageSource.of(photo));
                assertThat(faces).hasSize(1);
                assertThat(faces.get(0).where()).isEqualTo(expected.where());
                for (float[] embedding : List.of(
                        faces.get(0).embedding(),
                        prepared.embed(photo),
                        batcher.embed(photo).join())) {
                    double cosine = Recognizer.similarity(embedding, expected.embedding());
                    assertThat(cosine).isGreaterThan(1 - 1e-6);
                    assertThat(cosine).isGreaterThan(Recognizer.similarity(unflipped, expected.embedding()));
                    assertThat(cosine).isGreaterThan(Recognizer.similarity(plain, expected.embedding()));
                }
            }
        }
    }

    @Test
    void embedsTheMostProminentOfSeveralFaces() {
        recognizer.useDetector(detector);
        float[] small = recognizer.embed(photo);
        SquareFaces.large(photo, 208, 96, 1);

        float[] embedding = recognizer.embed(photo);
        List<EmbeddedFace> faces = recognizer.faces(ImageSource.of(photo));

        assertThat(faces).hasSize(2);
        assertThat(Recognizer.similarity(faces.get(0).embedding(), embedding)).isCloseTo(1, within(1e-6));
        assertThat(Recognizer.similarity(faces.get(1).embedding(), small)).isCloseTo(1, within(1e-6));
        assertThat(Recognizer.similarity(small, embedding)).isLessThan(0.9999);
    }

    @Test
    void embedsMoreFacesThanOneBatchInOrder() {
        recognizer.useDetector(detector);
        try (Mat crowd = SquareFaces.photo(640, 640, 5)) {
            for (int i = 0; i < 70; i++) {
                SquareFaces.small(crowd, 40 + 56 * (i % 10), 40 + 80 * (i / 10), 1);
            }
            List<EmbeddedFace> faces = recognizer.faces(ImageSource.of(crowd));
            assertThat(faces).hasSize(70);
            for (int i : new int[] {0, 31, 32, 69}) {
                double[][] points = faces.get(i).where().pointArray();
                recognizer.useDetector(null);
                try (Mat crop = FaceAligner.align(crowd, points, TinyTraining.IMAGE_PX)) {
                    assertThat(Recognizer.similarity(
                                    recognizer.embed(crop), faces.get(i).embedding()))
                            .isCloseTo(1, within(1e-6));
                }
            }
        }
    }

    @Test
    void missingFaceIsReportedWithTheImagesName() {
        recognizer.useDetector(detector);
        try (Mat empty = SquareFaces.photo(64, 48, 1)) {
            assertThat(recognizer.faces(ImageSource.of(empty))).isEmpty();
            assertThatThrownBy(() -> recognizer.embed(empty))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image given must show a face, but none was found in its 64x48 pixels (score at least"
                            + " 0.7, side at least 16 px); take one where the face is upright, larger or clearer");
        }
        Path missing = folder.resolve("missing.jpg");
        assertThatThrownBy(() -> recognizer.faces(ImageSource.of(missing)))
                .hasMessage("image " + missing + " does not exist");
        assertThatThrownBy(() -> recognizer.embed(ImageSource.of(new byte[] {1, 2, 3}, "upload")))
                .hasMessageStartingWith("image upload is not an image");
    }

    /** A larger side has no effect on a detector whose file is for images of one size, and has a limit. */
    @Test
    void aLargerSideIsAdvisedOnlyWhereItHasAnEffect() throws URISyntaxException {
        Path fixed = Path.of(PhotographTest.class
                .getResource("/vision/scrfd-squares-fixed.onnx")
                .toURI());
        String shrunk = "; it was shrunk from %d to %d px, where faces smaller than about %d px are lost: %suse tiles"
                + " (--tiles); take one";
        FaceDetector.Settings widest = FaceDetector.Settings.DEFAULT.withLargestSidePx(10_000);
        try (FaceDetector one = FaceDetector.open(fixed);
                FaceDetector wide = FaceDetector.open(SquareFaces.detector(), widest);
                Mat empty = SquareFaces.photo(960, 480, 1);
                Mat panorama = SquareFaces.photo(10_500, 32, 1)) {
            assertThat(one.maxSidePx()).isEqualTo(320);
            assertThat(detector.maxSidePx()).isEqualTo(10_000);
            recognizer.useDetector(detector);
            assertThatThrownBy(() -> recognizer.embed(empty))
                    .hasMessageContaining(
                            shrunk.formatted(960, 640, 15, "raise the detector's largest side (--max-side) or "));
            recognizer.useDetector(one);
            assertThatThrownBy(() -> recognizer.embed(empty)).hasMessageContaining(shrunk.formatted(960, 320, 30, ""));
            recognizer.useDetector(wide);
            assertThatThrownBy(() -> recognizer.embed(panorama))
                    .hasMessageContaining(shrunk.formatted(10_500, 10_000, 11, ""));
            recognizer.useDetector(null);
        }
    }

    @Test
    void findingFacesRequiresADetector() {
        assertThatThrownBy(() -> recognizer.faces(ImageSource.of(photo)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a detector must be set to find faces, but there is none:"
                        + " recognizer.useDetector(FaceDetector.open(file))");
    }

    @Test
    void modelOfAnotherCropRejectsDetectedFaces() {
        String message = "faces that a detector finds must not be given to this model: it was trained on faces with"
                + " crop celeba-crop; train it with crop celeba-aligned (--align mean) or on aligned crops, or use it"
                + " without a detector";
        recognizer.useDetector(detector);
        recognizer.model().trainedOn(Crop.CELEBA_CROP, List.of("person0"));
        assertThatThrownBy(() -> recognizer.embed(photo)).hasMessage(message);
        assertThatThrownBy(() -> recognizer.faces(ImageSource.of(photo))).hasMessage(message);
        assertThatThrownBy(() -> recognizer.useDetector(detector)).hasMessage(message);
        recognizer.model().trainedOn(Crop.CELEBA_ALIGNED, List.of("person0"));
        recognizer.useDetector(detector);
        assertThat(recognizer.embed(photo)).hasSize(16);
    }

    @Test
    void flipMakesAnImageAndItsMirrorImageEqual() {
        float[] plain = recognizer.embed(photo);
        recognizer.useFlip(true);
        float[] both = recognizer.embed(photo);
        try (Mat mirrored = new Mat()) {
            flip(photo, mirrored, 1);
            assertThat(recognizer.embed(mirrored)).containsExactly(both, within(1e-5f));
            recognizer.useFlip(false);
            assertThat(recognizer.embed(mirrored)).isNotEqualTo(plain);
        }
        assertThat(both).isNotEqualTo(plain);
    }

    @Test
    void verifiesWithTheModelsThresholdOrAGivenOne() {
        recognizer.useDetector(detector);
        ImageSource one = ImageSource.of(photo);
        try (Mat other = SquareFaces.photo(320, 240, 7)) {
            SquareFaces.large(other, 160, 96, 1);
            ImageSource two = ImageSource.of(other);
            double cosine = Recognizer.similarity(recognizer.embed(one), recognizer.embed(two));

            assertThatThrownBy(() -> recognizer.verify(one, two))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "threshold for a false accept rate of 0.001 must have been calibrated, but this model has"
                                    + " none; calibrate it on faces of people it does not know (Recognizer.calibrate,"
                                    + " evaluate --calibrate) or give a custom threshold");

            VerificationResult equal = recognizer.verify(one, one, Threshold.of(0.999));
            assertThat(equal.same()).isTrue();
            assertThat(equal.cosine()).isCloseTo(1, within(1e-6));
            VerificationResult different = recognizer.verify(one, two, Threshold.of(cosine + 1e-4));
            assertThat(different.same()).isFalse();
            assertThat(different.cosine()).isCloseTo(cosine, within(1e-6));
            assertThat(different.threshold()).isEqualTo(cosine + 1e-4);
            assertThat(different.falseAcceptRate()).isEmpty();

            recognizer
                    .model()
                    .setThresholds(List.of(
                            new Threshold(cosine - 0.001, OptionalDouble.of(0.01)),
                            new Threshold(cosine + 0.001, OptionalDouble.of(0.001))));
            VerificationResult calibrated = recognizer.verify(one, two);
            assertThat(calibrated.same()).isFalse();
            assertThat(calibrated.falseAcceptRate()).isEqualTo(OptionalDouble.of(0.001));
            assertThat(recognizer.verify(one, two, recognizer.threshold(0.01)).same())
                    .isTrue();
            assertThatThrownBy(() -> recognizer.threshold(0.5)).hasMessageContaining("has those for [0.001, 0.01]");
        }
        assertThat(Threshold.of(0.5).judge(0.5).same())
                .as("a cosine at the threshold")
                .isTrue();
        assertThatThrownBy(() -> Threshold.of(Double.NaN))
                .hasMessage("threshold must be a cosine, from -1 to 1, but was NaN");
    }

    @Test
    void sixteenThreadsGetBitwiseEqualEmbeddings() throws Exception {
        recognizer.close();
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(128)
                .classes(2)
                .build());
        recognizer.useDetector(detector);
        recognizer.useFlip(true);
        List<Mat> photos = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(16);
        try {
            for (int i = 0; i < 6; i++) {
                Mat some = SquareFaces.photo(200 + 40 * i, 320 - 20 * i, i);
                SquareFaces.small(some, 80, 8 * (i + 5), 1);
                SquareFaces.large(some, 16 * (i + 2), 16 * 9, 1);
                photos.add(some);
            }
            List<float[]> expected = photos.stream().map(recognizer::embed).toList();
            List<Callable<float[]>> tasks = new ArrayList<>();
            for (int i = 0; i < 96; i++) {
                Mat some = photos.get(i % photos.size());
                tasks.add(() -> recognizer.embed(some));
            }
            List<Future<float[]>> results = threads.invokeAll(tasks);
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i).get()).isEqualTo(expected.get(i % photos.size()));
            }
            assertThat(expected.get(0)).isNotEqualTo(expected.get(1));
        } finally {
            threads.shutdownNow();
            photos.forEach(Mat::close);
        }
    }

    @Test
    void fingerprintDependsOnWeightsAndInputOnly() {
        String fingerprint = recognizer.fingerprint();
        assertThat(fingerprint).matches("[0-9a-f]{16}");
        Path file = folder.resolve("some.model");
        recognizer.setLicense("CC0"); // does not change the embeddings
        recognizer.save(file);
        try (Recognizer reloaded = Recognizer.load(file, new TinyBackbone(16), TinyTraining.head());
                Recognizer sameSeed = TinyTraining.recognizer();
                Recognizer otherWeights = Recognizer.of(new TinyBackbone(16), TinyTraining.head());
                Recognizer otherInput = Recognizer.of(
                        sameSeed.encoder(), TinyTraining.head(), TinyTraining.IMAGE_PX, Normalization.IMAGENET)) {
            assertThat(reloaded.fingerprint()).isEqualTo(fingerprint);
            assertThat(sameSeed.fingerprint()).isEqualTo(fingerprint);
            assertThat(otherWeights.fingerprint()).isNotEqualTo(fingerprint);
            assertThat(otherInput.fingerprint()).isNotEqualTo(fingerprint);
        }
        recognizer.model().trainedOn(Crop.CELEBA_ALIGNED, List.of());
        assertThat(recognizer.fingerprint()).isNotEqualTo(fingerprint);
    }
}
