package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that are calibrated for 8-bit integers, in memory and in files. */
class Int8ModelTest {
    private static final int SIZE_PX = 32;
    private static final PrepareOptions INT8 = PrepareOptions.INT8.withMinCosine(0.5); // the weights are random

    @TempDir
    private Path folder;

    private Recognizer recognizer;
    private List<Mat> mats;
    private List<ImageSource> faces;

    @BeforeEach
    void make() {
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(SIZE_PX)
                .build());
        SyntheticFaces people = new SyntheticFaces(0, SIZE_PX);
        mats = IntStream.range(0, 20).mapToObj(i -> people.image(i, 0)).toList();
        faces = mats.stream().map(ImageSource::of).toList();
    }

    @AfterEach
    void close() {
        recognizer.close();
        mats.forEach(Mat::close);
    }

    private PreparedRecognizer load(Path file) {
        return PreparedRecognizer.load(file, INT8, null, FaceChoice.MOST_PROMINENT, false);
    }

    @Test
    void aFileKeepsTheCalibrationAndGivesTheSameBits() {
        Int8Calibration calibration = recognizer.calibrateInt8(faces);
        Path file = folder.resolve("model.safetensors");
        recognizer.save(file);
        try (PreparedRecognizer prepared = recognizer.prepare(INT8);
                PreparedRecognizer fromFile = load(file);
                Recognizer loaded = Recognizer.load(file);
                PreparedRecognizer again = loaded.prepare(INT8);
                PreparedRecognizer full = recognizer.prepare()) {
            float[] expected = prepared.embed(mats.get(0));
            assertThat(fromFile.embed(mats.get(0))).isEqualTo(expected);
            assertThat(again.embed(mats.get(0))).isEqualTo(expected);
            assertThat(prepared.arithmetic()).isEqualTo("int8, " + calibration);
            assertThat(fromFile).hasToString(prepared.toString());
            assertThat(prepared.embeddingMode().precision())
                    .isEqualTo("int8-" + calibration.ranges().digest());
            assertThat(fromFile.embeddingMode()).isEqualTo(prepared.embeddingMode());
            assertThat(full.embeddingMode().precision()).doesNotContain("int8"); // never chosen by itself
            assertThat(prepared.fingerprint()).isEqualTo(full.fingerprint());
        }
    }

    /** A data set's images had to be in files of their own. */
    @Test
    void aDataSetIsCalibratedOnAsItsImagesAre() {
        List<Integer> done = new ArrayList<>();
        FaceDataset data = FaceDataset.synthetic(
                new SyntheticFaces(0, SIZE_PX).identities(0, 5).images(0, 8), Split.TRAIN);
        List<ImageSource> images =
                IntStream.range(0, 20).mapToObj(i -> data.sample(2 * i).image()).toList();
        Int8Calibration ofImages = recognizer.calibrateInt8(images, done::add);
        assertThat(done).isSorted().startsWith(0).endsWith(20);
        done.clear();
        assertThat(recognizer.calibrateInt8(data, 20, done::add)).isEqualTo(ofImages);
        assertThat(done).isSorted().startsWith(0).endsWith(20);
        assertThatThrownBy(() -> recognizer.calibrateInt8(data, 15, all -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs at least 16 faces");
    }

    @Test
    void withoutACalibrationItIsRefused() {
        assertThatThrownBy(() -> recognizer.prepare(INT8))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("must have been calibrated for int8")
                .hasMessageContaining("calibrateInt8");
    }

    @Test
    void theBarIsTheUsers() {
        Int8Calibration calibration = recognizer.calibrateInt8(faces);
        double bar = Math.nextUp(calibration.minCosine());
        assertThatThrownBy(() -> recognizer.prepare(INT8.withMinCosine(bar)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("embeddings in int8 must have a cosine of at least " + bar)
                .hasMessageContaining(calibration.toString());
    }

    /** A calibration where weights become integers of up to 127 says nothing of a processor with 63. */
    @Test
    void aCalibrationOfAnotherProcessorIsMeasuredAgain() {
        recognizer.calibrateInt8(faces);
        Path file = folder.resolve("model.safetensors");
        recognizer.save(file);
        String here;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            here = tensors.metadata().get("int8");
        }
        assertThat(here).containsPattern("\"largestWeight\":(127|63)");
        Path elsewhere = rewritten(file, "int8", here.replaceFirst("\"largestWeight\":\\d+", "\"largestWeight\":31"));
        try (PreparedRecognizer prepared = load(elsewhere)) {
            assertThat(prepared.arithmetic()).startsWith("int8, minimum cosine to float32 ");
        }
        Path perfect = rewritten(
                file,
                "int8",
                here.replaceFirst("\"largestWeight\":\\d+", "\"largestWeight\":31")
                        .replaceFirst("\"minCosine\":[^,}]+", "\"minCosine\":1.0"));
        assertThatThrownBy(() -> PreparedRecognizer.load(
                        perfect, INT8.withMinCosine(Math.nextDown(1.0)), null, FaceChoice.MOST_PROMINENT, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("on this processor, which is of another kind than that of the calibration");
        Path former = rewritten(file, "int8", here.replaceFirst(",\"largestWeight\":\\d+", ""));
        try (PreparedRecognizer prepared = load(former)) {
            assertThat(prepared.arithmetic()).startsWith("int8, cosine to float32 ");
        }
    }

    /** Thresholds of other modes were counted too, at embeddings to which they do not belong. */
    @Test
    void decisionsAreCountedAtTheThresholdsOfThePresentMode() {
        keepThreshold(0.3);
        recognizer.useFlip(true);
        keepThreshold(0.4);
        assertThat(recognizer.calibrateInt8(faces).changedDecisions()).containsOnlyKeys(0.4);
        recognizer.useFlip(false);
        assertThat(recognizer.calibrateInt8(faces).changedDecisions()).containsOnlyKeys(0.3);
    }

    private void keepThreshold(double cosine) {
        Threshold.Evidence evidence = new Threshold.Evidence(100, 1, 30, 0.1, recognizer.embeddingMode());
        recognizer.keepThresholds(List.of(new Threshold(cosine, OptionalDouble.of(0.01), Optional.of(evidence))));
    }

    @Test
    void otherWeightsDropIt() {
        recognizer.calibrateInt8(faces);
        Path file = folder.resolve("model.safetensors");
        recognizer.save(file);
        recognizer.startFrom(Weights.read(file));
        assertThatThrownBy(() -> recognizer.prepare(INT8)).hasMessageContaining("must have been calibrated for int8");
    }

    @Test
    void galleriesDoNotMixItWithFloat32() {
        recognizer.calibrateInt8(faces);
        Path file = folder.resolve("people.gallery");
        try (PreparedRecognizer prepared = recognizer.prepare(INT8);
                Gallery gallery = Gallery.open(file, prepared.fingerprint(), prepared.embeddingSize())) {
            gallery.bindEmbeddingMode(prepared.embeddingMode().toString());
            gallery.enroll("Ann", prepared.embed(mats.get(0)));
            assertThatThrownBy(() ->
                            gallery.bindEmbeddingMode(recognizer.embeddingMode().toString()))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining(prepared.embeddingMode().precision())
                    .hasMessageContaining("float32");
        }
    }

    @Test
    void anOnnxModelIsRefusedWithAWayOut() {
        Path file = folder.resolve("model.onnx");
        recognizer.calibrateInt8(faces);
        recognizer.export(file, ExportFormat.ONNX, false);
        assertThatThrownBy(() -> load(file))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("int8 is for models of this library, but " + file + " is an ONNX model")
                .hasMessageContaining("startFrom");
    }

    @Test
    void damagedCalibrationsAreRefusedInOneSentence() {
        recognizer.calibrateInt8(faces);
        Path file = folder.resolve("model.safetensors");
        recognizer.save(file);
        String good;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            good = tensors.metadata().get("int8");
        }
        for (String damaged : List.of(
                "{",
                "[]",
                "{}",
                "{\"minCosine\":0.99,\"changedDecisions\":{}}",
                "{\"ranges\":{\"values\":{}},\"minCosine\":0.99,\"changedDecisions\":{}}",
                good.replaceFirst("\"limit\":[^,]*", "\"limit\":-1"),
                good.replaceFirst("\"limit\":[^,]*", "\"limit\":\"NaN\""),
                good.replaceFirst("\"values\":\\{", "\"values\":{\"x\":{\"limit\":1,\"signed\":true},"))) {
            assertThat(damaged).isNotEqualTo(good);
            Path other = rewritten(file, "int8", damaged);
            assertThatThrownBy(() -> load(other))
                    .as(damaged)
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith(other + " is damaged: its metadata cannot be understood");
        }
        Path foreign = rewritten(file, "int8", good.replaceFirst("\"network\":\"....", "\"network\":\"0000"));
        assertThatThrownBy(() -> load(foreign))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("of another network")
                .hasMessageEndingWith("calibrate the model again");
    }

    @Test
    void settingsOfAnotherFormAreDamage() {
        Path file = folder.resolve("plain.model");
        recognizer.save(file);
        for (String settings : List.of("5", "[]", "null", "{\"normalization\":7}")) {
            Path other = rewritten(file, "args", settings);
            assertThatThrownBy(() -> load(other))
                    .as(settings)
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith(other + " is damaged: its metadata cannot be understood");
        }
    }

    /** Writes a model's file again with another entry of its metadata. */
    private Path rewritten(Path file, String key, String value) {
        Path other = folder.resolve("other.safetensors");
        try (PointerScope scope = new PointerScope();
                SafeTensors tensors = SafeTensors.open(file)) {
            Map<String, Tensor> values = new LinkedHashMap<>();
            tensors.names().forEach(name -> values.put(name, tensors.read(name)));
            Map<String, String> metadata = new LinkedHashMap<>(tensors.metadata());
            metadata.put(key, value);
            SafeTensors.write(other, values, metadata);
        }
        return other;
    }
}
