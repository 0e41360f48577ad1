package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests the calibration of thresholds, their evidence, and when they become invalid. */
class ThresholdTest {
    private static final SyntheticFaces FACES = new SyntheticFaces(0, 32);
    private static final int TRAINED = 6;

    @TempDir
    static Path folder;

    private static Recognizer recognizer;

    @BeforeAll
    static void train() {
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(TRAINED)
                .imageSizePx(32)
                .s(10)
                .m(0.1)
                .build());
        TrainerArgs args = TrainerArgs.builder()
                .optimizer(new AdamW(1e-3, 0.01))
                .epochs(1)
                .batchSize(6)
                .build();
        new Trainer(args).fit(recognizer, people(0, TRAINED, Split.TRAIN));
    }

    @AfterAll
    static void close() {
        recognizer.close();
    }

    private static FaceDataset people(int first, int count, Split split) {
        return FaceDataset.synthetic(FACES.identities(first, first + count).images(0, 2), split);
    }

    private static Path saved(String name) {
        Path file = folder.resolve(name);
        recognizer.save(file);
        return file;
    }

    private static Threshold measured(double cosine, double rate, boolean flip) {
        EmbeddingMode mode = new EmbeddingMode(null, flip, "float32");
        return new Threshold(
                cosine, OptionalDouble.of(rate), Optional.of(new Threshold.Evidence(10_000, 1, 100, 0.02, mode)));
    }

    /** After an edit by hand; the one that was asked for was used, whatever the others said. */
    @Test
    void thresholdsThatContradictEachOtherAreRefused() throws Exception {
        Map<String, String> metadata = new HashMap<>();
        List<Threshold> consistent = List.of(
                measured(0.5, 0.001, false),
                measured(0.5, 0.01, false),
                measured(0.2, 0.0001, true),
                new Threshold(0.1, OptionalDouble.of(0.001)));
        ModelFiles.putThresholds(metadata, consistent);
        assertThat(ModelFiles.thresholds(metadata)).containsExactlyInAnyOrderElementsOf(consistent);
        for (Threshold wrong : List.of(measured(0.6, 0.01, false), measured(0.51, 0.001, false))) {
            ModelFiles.putThresholds(metadata, List.of(wrong, consistent.get(0)));
            assertThatThrownBy(() -> ModelFiles.thresholds(metadata))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the threshold for a false accept rate of 0.001 must not be below that for "
                            + wrong.falseAcceptRate().getAsDouble() + ", but they are 0.5 and " + wrong.cosine()
                            + "; calibrate again");
        }
    }

    @Nested
    class Calibration {
        /** Whole images may be aligned crops, which the model can embed, but it crops single images itself. */
        @Test
        void doesNotHoldForImagesThatTheModelCropsInAnotherWay() {
            try (Recognizer copy = Recognizer.load(saved("framed.model"))) {
                copy.model().trainedOn(Crop.CELEBA_ALIGNED, List.of("somebody"));
                ImageSource image = ImageSource.of(folder.resolve("no-image"));

                Threshold threshold =
                        copy.calibrate(people(100, 30, Split.TEST)).get(0);

                assertThat(threshold.evidence().orElseThrow().mode().framing()).isEqualTo(Crop.WHOLE);
                assertThatThrownBy(() -> copy.threshold(0.01))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("has only those measured on: images cropped by their data set, whole,")
                        .hasMessageContaining("not on: images framed as in training");
                assertThatThrownBy(() -> copy.verify(image, image, threshold))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("was measured on: images cropped by their data set, whole");
                Path file = folder.resolve("framed-too.model");
                copy.save(file);
                try (PreparedRecognizer prepared = PreparedRecognizer.load(file)) {
                    assertThat(prepared.allThresholds()).containsExactly(threshold);
                    assertThat(prepared.calibrate(people(100, 30, Split.TEST))
                                    .get(0)
                                    .evidence()
                                    .orElseThrow()
                                    .mode()
                                    .framing())
                            .isEqualTo(Crop.WHOLE);
                }
            }
        }

        @Test
        void recordsItsEvidence() {
            try (Recognizer copy = Recognizer.load(saved("measured.model"))) {
                List<Threshold> thresholds = copy.calibrate(people(100, 30, Split.TEST));

                assertThat(thresholds).hasSize(1); // 30 people suffice for 1%, but for no lower rate
                Threshold threshold = thresholds.get(0);
                assertThat(threshold.falseAcceptRate()).isEqualTo(OptionalDouble.of(0.01));
                Threshold.Evidence evidence = threshold.evidence().orElseThrow();
                assertThat(evidence.impostorPairs()).isEqualTo(60 * 58 / 2);
                assertThat(evidence.falseAccepts()).isBetween(0L, 17L);
                assertThat(evidence.people()).isEqualTo(30);
                assertThat(evidence.upperBound()).isGreaterThan(0.01);
                assertThat(evidence.mode()).isEqualTo(new EmbeddingMode(null, false, "float32"));
                assertThat(copy.threshold(0.01)).isEqualTo(threshold);
                assertThatThrownBy(() -> copy.threshold(0.001))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("has those for [0.01]");
            }
        }

        @Test
        void rejectsPeopleOfTheTrainingData() {
            FaceDataset overlapping = people(4, 30, Split.TEST); // two of them are in the training data
            assertThatThrownBy(() -> recognizer.calibrate(overlapping))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("people that the model was not trained on")
                    .hasMessageContaining("but it was trained on 2 of these 30 (")
                    .hasMessageContaining("train --verify-on-unseen");
            assertThat(recognizer.allThresholds()).isEmpty();
            assertThat(recognizer.knownPeople(overlapping)).hasSize(2);
        }

        @Test
        void rejectsPeopleOfAnEarlierTraining() {
            Path first = saved("first.model");
            try (Recognizer second = Recognizer.arcFace(RecognizerArgs.builder()
                    .encoder(Encoder.RESNET18)
                    .embeddingSize(16)
                    .classes(3)
                    .imageSizePx(32)
                    .build())) {
                second.startFrom(Weights.read(first));
                assertThatThrownBy(() -> second.calibrate(people(0, 30, Split.TEST)))
                        .hasMessageContaining("but it was trained on 6 of these 30 (");
                second.save(folder.resolve("second.model"));
            }
            try (Recognizer reloaded = Recognizer.load(folder.resolve("second.model"))) {
                assertThat(reloaded.knownPeople(people(0, 30, Split.TEST))).hasSize(6);
            }
        }

        @Test
        void treatsNamesakesAsOtherPeopleIfConfigured() {
            try (Recognizer copy = Recognizer.load(saved("namesakes.model"))) {
                CalibrationSettings settings = CalibrationSettings.DEFAULT.withNamesakes(true);
                assertThat(copy.calibrate(people(4, 30, Split.TEST), settings)).hasSize(1);
            }
        }

        /** A rate of NaN was kept, and a threshold without a rate made the model impossible to save. */
        @Test
        void rejectsThresholdsThatNoFileCanKeep() {
            Threshold.Evidence evidence = recognizer
                    .calibrate(people(100, 30, Split.TEST))
                    .get(0)
                    .evidence()
                    .orElseThrow();
            try {
                assertThatThrownBy(() -> recognizer.keepThresholds(
                                List.of(new Threshold(0.4, OptionalDouble.empty(), Optional.of(evidence)))))
                        .hasMessage("thresholds must have been calibrated, but one has no false accept rate");
                for (double rate : new double[] {Double.NaN, -0.1, 7}) {
                    assertThatThrownBy(() -> new Threshold(0.4, OptionalDouble.of(rate)))
                            .hasMessage("false accept rate must be from 0 to 1, but was " + rate);
                }
                assertThatThrownBy(() -> new Threshold.Evidence(10, 11, 2, 0.1, evidence.mode()))
                        .hasMessageContaining("but has 11 of 10 pairs");
                assertThatThrownBy(() -> new Threshold.Evidence(10, 1, 2, Double.NaN, evidence.mode()))
                        .isInstanceOf(IllegalArgumentException.class);
                recognizer.save(folder.resolve("kept.model"));
            } finally {
                recognizer.model().forgetMeasurements();
            }
        }

        @Test
        void rejectsTooFewPeople() {
            assertThatThrownBy(() -> recognizer.calibrate(people(100, 24, Split.TEST)))
                    .isInstanceOf(DataException.class)
                    .hasMessage(
                            "a false accept rate of 0.01 needs at least 25 people to be estimated, but there are 24;"
                                    + " add more people or ask for a higher rate");
        }

        @Test
        void samplesWholePeople() {
            try (Recognizer copy = Recognizer.load(saved("sampled.model"))) {
                List<Integer> embedded = new ArrayList<>();
                CalibrationSettings settings =
                        CalibrationSettings.DEFAULT.withMaxFaces(57).withProgress(embedded::add);
                Threshold.Evidence evidence = copy.calibrate(people(100, 60, Split.TEST), settings)
                        .get(0)
                        .evidence()
                        .orElseThrow();
                assertThat(evidence.people()).isEqualTo(28); // with two faces each
                assertThat(embedded).isSorted().endsWith(56);
                assertThat(evidence.impostorPairs()).isEqualTo(56 * 54 / 2);
            }
        }
    }

    @Nested
    class AThreshold {
        @Test
        void isSavedInTheModelWithItsEvidence() {
            Path file = folder.resolve("kept.model");
            List<Threshold> thresholds;
            try (Recognizer copy = Recognizer.load(saved("kept-from.model"))) {
                thresholds = copy.calibrate(people(100, 30, Split.TEST));
                copy.save(file);
            }
            try (Recognizer loaded = Recognizer.load(file)) {
                assertThat(loaded.allThresholds()).isEqualTo(thresholds);
                assertThat(loaded.thresholds())
                        .isEqualTo(Map.of(0.01, thresholds.get(0).cosine()));
            }
        }

        @Test
        void isDiscardedByFurtherTraining() {
            try (Recognizer copy = Recognizer.load(saved("trained-on.model"))) {
                copy.calibrate(people(100, 30, Split.TEST));
                TrainerArgs args = TrainerArgs.builder()
                        .optimizer(new AdamW(1e-3, 0.01))
                        .epochs(1)
                        .batchSize(6)
                        .build();
                new Trainer(args).fit(copy, people(0, TRAINED, Split.TRAIN));
                assertThat(copy.allThresholds()).isEmpty();
            }
        }

        @Test
        void isDiscardedWithTheWeights() {
            try (Recognizer copy = Recognizer.load(saved("weights.model"))) {
                copy.calibrate(people(100, 30, Split.TEST));
                copy.startFrom(org.facerecognition.weights.Weights.read(folder.resolve("weights.model")));
                assertThat(copy.allThresholds()).isEmpty();
            }
        }

        @Test
        void isRejectedInAnotherMode() {
            ImageSource image = people(100, 1, Split.TEST).sample(0).image();
            try (Recognizer copy = Recognizer.load(saved("mode.model"))) {
                Threshold plain = copy.calibrate(people(100, 30, Split.TEST)).get(0);
                assertThat(copy.verify(image, image, plain).same()).isTrue();
                copy.useFlip(true);
                assertThatThrownBy(() -> copy.verify(image, image, plain))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage(
                                "the threshold was measured on: images framed as in training, without mirror images,"
                                        + " float32; but the faces are embedded as: images framed as in training, with mirror"
                                        + " images, float32; embed them alike (useDetector, useFlip, prepare; --detector,"
                                        + " --no-flip), or calibrate in this mode, or give a custom threshold");
                assertThatThrownBy(() -> copy.threshold(0.01))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining(
                                "has only those measured on: images framed as in training, without mirror");
                Threshold flipped = copy.calibrate(people(100, 30, Split.TEST)).get(0);
                assertThat(copy.threshold(0.01)).isEqualTo(flipped);
                copy.useFlip(false);
                assertThat(copy.threshold(0.01)).isEqualTo(plain);
            }
        }

        @Test
        void isSharedWithAPreparedModelOfTheSamePrecision() {
            ImageSource image = people(100, 1, Split.TEST).sample(0).image();
            try (Recognizer copy = Recognizer.load(saved("prepared.model"))) {
                PrepareOptions float32 = PrepareOptions.DEFAULT.withArithmetic(PrepareOptions.Arithmetic.FP32);
                Threshold calibrated;
                try (PreparedRecognizer before = copy.prepare(float32)) {
                    calibrated = before.calibrate(people(100, 30, Split.TEST)).get(0);
                    assertThat(before.verify(image, image, calibrated).same()).isTrue();
                    assertThat(copy.allThresholds())
                            .as("thresholds that only the prepared model has")
                            .isEmpty();
                }
                copy.keepThresholds(List.of(calibrated));
                try (PreparedRecognizer after = copy.prepare(float32)) {
                    assertThat(after.threshold(0.01)).isEqualTo(calibrated).isEqualTo(copy.threshold(0.01));
                    assertThat(after.identities()).hasSize(TRAINED);
                    assertThat(after.fingerprint()).isEqualTo(copy.fingerprint());
                }
            }
        }

        @Test
        void dependsOnDetectorAndFaceChoice() {
            try (Recognizer copy = Recognizer.load(saved("detector.model"));
                    FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                    FaceDetector stricter = FaceDetector.open(
                            SquareFaces.detector(), FaceDetector.Settings.DEFAULT.withScoreThreshold(0.8))) {
                copy.useDetector(detector);
                EmbeddingMode mode = copy.embeddingMode();
                copy.useDetector(stricter);
                assertThat(copy.embeddingMode()).isNotEqualTo(mode);
                copy.useDetector(detector, FaceChoice.LARGEST);
                assertThat(copy.embeddingMode()).isNotEqualTo(mode);
                copy.useDetector(detector);
                assertThat(copy.embeddingMode()).isEqualTo(mode);
                assertThat(mode.toString())
                        .isEqualTo("most-prominent face found by detector " + detector.fingerprint()
                                + " (score 0.7, overlap 0.3, top 5000, at least 16 px, in at most 640 px), without"
                                + " mirror images, float32");
            }
        }

        @Test
        void isReadFromModelsOfEarlierVersions() {
            try (Recognizer copy = Recognizer.load(saved("earlier.model"))) {
                copy.model()
                        .setThresholds(List.of(
                                new Threshold(0.4, OptionalDouble.of(0.001)),
                                new Threshold(0.3, OptionalDouble.of(0.01))));
                copy.save(folder.resolve("earlier.model"));
            }
            try (Recognizer loaded = Recognizer.load(folder.resolve("earlier.model"))) {
                assertThat(loaded.thresholds()).isEqualTo(Map.of(0.001, 0.4, 0.01, 0.3));
                assertThat(loaded.threshold(0.001).evidence()).isEmpty();
                loaded.calibrate(people(100, 30, Split.TEST));
                assertThat(loaded.allThresholds())
                        .as("calibrated thresholds replace earlier ones")
                        .hasSize(1);
            }
        }
    }
}
