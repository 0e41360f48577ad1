package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.export.OnnxModelWriter.FREE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models from ONNX files embed images as recognizers do. */
class OnnxRecognizerTest {
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);

    @TempDir
    private Path folder;

    private static PreparedRecognizer load(OnnxModel model) {
        return PreparedRecognizer.load(model, FP32, null, FaceChoice.MOST_PROMINENT, false);
    }

    private static List<ImageSource> faces(int sizePx) {
        SyntheticFaces faces = new SyntheticFaces(3, sizePx);
        List<ImageSource> images = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            images.add(ImageSource.of(faces.image(i, 0)));
        }
        return images;
    }

    private static void assertSame(List<float[]> a, List<float[]> b, double tolerance) {
        assertThat(a).hasSameSizeAs(b);
        for (int i = 0; i < a.size(); i++) {
            for (int j = 0; j < a.get(i).length; j++) {
                assertThat((double) Math.abs(a.get(i)[j] - b.get(i)[j])).isLessThan(tolerance);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void embedsAsTheModelThatWasExported(boolean normalizes) {
        Path file = folder.resolve("exported.onnx");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .classes(5)
                .seed(4)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.export(file, ExportFormat.ONNX, normalizes);
            List<float[]> expected = recognizer.embedAll(faces(112));
            try (OnnxModel model = OnnxModel.open(file);
                    PreparedRecognizer prepared = load(model)) {
                assertSame(prepared.embedAll(faces(112)), expected, 1e-5);
                assertThat(prepared.toString())
                        .startsWith("exported.onnx, 112x112 RGB mean=")
                        .contains("run by oneDNN");
                assertThat(prepared.fingerprint()).isEqualTo(model.fingerprint());
                assertThat(prepared.embeddingSize()).isEqualTo(recognizer.embeddingSize());
            }
        }
    }

    /** The published MobileFaceNet, as ONNX and as PyTorch weights. */
    @Test
    void embedsAsTheSameNetworkFromAnotherFormat() {
        Path onnx = SharedFiles.orSkip("weights/mobilefacenet/MobileFaceNet.onnx");
        Path weights = SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt");
        try (Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(weights));
                OnnxModel model = OnnxModel.open(
                        onnx,
                        InputContract.parse(
                                recognizer.normalization().mean().get(0) > 127 ? "insightface" : "imagenet"));
                PreparedRecognizer prepared = load(model)) {
            assertThat(model.uncovered()).isEmpty();
            assertSame(prepared.embedAll(faces(112)), recognizer.embedAll(faces(112)), 1e-5);
        }
    }

    /** Sinh is no operation of this library. */
    private Path withUncoveredNode(boolean channelsLast) {
        float[] weights = new float[8 * 3 * 9];
        Random random = new Random(2);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian() / 9;
        }
        OnnxModelWriter writer = new OnnxModelWriter(17).output("y", FREE, 8).floats("w", weights, 8, 3, 3, 3);
        writer = channelsLast
                ? writer.input("images", FREE, 16, 16, 3)
                        .node("Transpose", "images -> x", OnnxModelWriter.attribute("perm", new long[] {0, 3, 1, 2}))
                : writer.input("images", FREE, 3, 16, 16).node("Identity", "images -> x");
        return writer.node("Conv", "x w -> c")
                .node("Relu", "c -> r")
                .node("GlobalAveragePool", "r -> g")
                .node("Flatten", "g -> f")
                .node("Sinh", "f -> y")
                .write(folder.resolve("sinh.onnx"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void runsInOnnxRuntimeWhatIsNotCovered(boolean channelsLast) {
        Path file = withUncoveredNode(channelsLast);
        List<List<float[]>> embeddings = new ArrayList<>();
        for (String order : List.of("RGB", "BGR")) {
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse(order + " mean=127.5 std=127.5"));
                    PreparedRecognizer prepared = load(model)) {
                assertThat(prepared.toString())
                        .contains("run by ONNX Runtime, prepared: float32, since node sinh5 (Sinh) is not covered");
                List<float[]> all = prepared.embedAll(faces(32));
                assertThat(prepared.embed(faces(32).get(0))).containsExactly(all.get(0));
                assertThat(prepared.embeddingSize()).isEqualTo(8);
                embeddings.add(all);
            }
        }
        assertThat(embeddings.get(0).get(0)).isNotEqualTo(embeddings.get(1).get(0)); // the order of colors counts
    }

    @Test
    void runsInOnnxRuntimeWhatIsOfALaterOperatorSet() {
        Path file = new OnnxModelWriter(26)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> y")
                .write(folder.resolve("later.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"));
                PreparedRecognizer prepared = load(model)) {
            assertThat(prepared.toString())
                    .contains("run by ONNX Runtime, prepared: float32, since operator set 26 is not covered");
            assertThat(prepared.embedAll(faces(32)).get(0)).hasSize(3);
        }
    }

    /** One image was embedded when the model was loaded; two at once failed later. */
    @Test
    void runsInOnnxRuntimeOneByOneWhatWasTracedWithOneImage() {
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 3)
                .integers("shape", 1, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Reshape", "g shape -> f")
                .node("Sinh", "f -> y")
                .write(folder.resolve("traced.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"));
                PreparedRecognizer prepared = load(model)) {
            assertThat(prepared.toString()).contains("run by ONNX Runtime");
            List<float[]> all = prepared.embedAll(faces(32));
            for (int i = 0; i < all.size(); i++) {
                assertThat(prepared.embed(faces(32).get(i))).containsExactly(all.get(i));
            }
        }
    }

    /** The values of two images were taken apart as if each had its own row. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void runsInOnnxRuntimeOneByOneWhatMixesImages(boolean looksRight) {
        OnnxModelWriter writer = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 3)
                .integers("shape", -1, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> f")
                .node("Sinh", "f -> s")
                .node("Transpose", "s -> t", OnnxModelWriter.attribute("perm", new long[] {1, 0}))
                .node(looksRight ? "Reshape" : "Identity", looksRight ? "t shape -> y" : "t -> y");
        try (OnnxModel model = OnnxModel.open(
                        writer.write(folder.resolve("mixes.onnx")), InputContract.parse("RGB mean=127.5 std=127.5"));
                PreparedRecognizer prepared = load(model)) {
            assertThat(prepared.toString()).contains("run by ONNX Runtime");
            List<float[]> all = prepared.embedAll(faces(32));
            for (int i = 0; i < all.size(); i++) {
                assertThat(prepared.embed(faces(32).get(i))).containsExactly(all.get(i));
            }
        }
    }

    /** A face alone, with zeros beside it, had another embedding than among others. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFixedBatchWhoseImagesAreMixedIsRefused(boolean mixes) {
        OnnxModelWriter writer = new OnnxModelWriter(17)
                .input("images", 4L, 3, 16, 16)
                .output("y", 4L, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> f")
                .node("Sinh", "f -> s")
                .node("ReduceMean", "s -> m", OnnxModelWriter.attribute("axes", new long[] {mixes ? 0 : 1}))
                .node("Sub", "s m -> y");
        Path file = writer.write(folder.resolve("four.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            if (mixes) {
                assertThatThrownBy(() -> load(model))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageEndingWith("embeddings of " + file + " depend on the other 3 images that it takes at"
                                + " once; export it with a batch of one image");
                return;
            }
            try (PreparedRecognizer prepared = load(model)) {
                List<float[]> all = prepared.embedAll(faces(32));
                assertThat(prepared.embed(faces(32).get(0))).containsExactly(all.get(0));
            }
        }
    }

    @Test
    void refusesInOnnxRuntimeWhatIsNoRowPerImage() {
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 3, 16, 16)
                .node("Sinh", "images -> y")
                .write(folder.resolve("maps.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            assertThatThrownBy(() -> load(model))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("must have one embedding per image as its output \"y\", [1, D], but it was of"
                            + " the shape [1, 3, 16, 16]");
        }
    }

    /** The number of values was too large for an int. */
    @Test
    void refusesInOnnxRuntimeABatchThatIsTooLarge() {
        Path file = new OnnxModelWriter(17)
                .input("images", 1000L, 3, 1024, 1024)
                .output("y", 1000, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> f")
                .node("Sinh", "f -> y")
                .write(folder.resolve("large.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            assertThatThrownBy(() -> load(model))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("images that a model takes at once must have at most 268435456 values in all,"
                            + " but " + file + " takes 1000 of 1024x1024 pixels");
        }
    }

    @Test
    void rejectsEmbeddingsThatAreNoFloats() {
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .outputOf(11, "y", FREE, 3) // DOUBLE
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> f")
                .node("Sinh", "f -> s")
                .node("Cast", "s -> y", OnnxModelWriter.attribute("to", 11))
                .write(folder.resolve("doubles.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            assertThatThrownBy(() -> load(model))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(
                            "doubles.onnx must have embeddings of floats as its output \"y\", but they are");
        }
    }

    /** Loads a model twice that needs ONNX Runtime, and prints what is wrong. */
    static final class Loads {
        private Loads() {}

        public static void main(String[] args) {
            for (int i = 0; i < 2; i++) {
                try (OnnxModel model =
                                OnnxModel.open(Path.of(args[0]), InputContract.parse("RGB mean=127.5 std=127.5"));
                        PreparedRecognizer prepared = load(model)) {
                    System.out.println(prepared);
                } catch (WeightsException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    /** It unpacks its library into a temporary folder, and says only the first time that it could not. */
    @Test
    void saysEachTimeThatOnnxRuntimeCannotBeLoaded() throws IOException {
        Path missing = folder.resolve("missing");
        List<String> lines = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + missing,
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Loads.class.getName(),
                        withUncoveredNode(false).toString())
                .start()
                .inputReader()
                .lines()
                .toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.get(1)).isEqualTo(lines.get(0));
        assertThat(lines.get(0))
                .contains("node sinh5 (Sinh) is not covered")
                .contains("ONNX Runtime, which would run it, cannot be unpacked to " + missing
                        + " and loaded: the folder or file is missing; name another folder");
    }

    @Test
    void refusesHalfPrecisionOfOnnxRuntime() {
        Path file = withUncoveredNode(false);
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            PrepareOptions half = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.HALF);
            assertThatThrownBy(() -> PreparedRecognizer.load(model, half, null, FaceChoice.MOST_PROMINENT, false))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("half precision is not possible for " + file + ", which ONNX Runtime runs in float32,"
                            + " since node sinh5 (Sinh) is not covered: there is no such operation here; prepare with"
                            + " arithmetic AUTO or FP32");
        }
    }

    /** Values are read by their places in the file, which another file has elsewhere. */
    @Test
    void rejectsAFileThatWasReplacedAfterItWasOpened() throws IOException {
        Path file = withUncoveredNode(false);
        byte[] other = Files.readAllBytes(file);
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
            Files.delete(file);
            Files.write(file, Arrays.copyOf(other, other.length + 10));
            assertThatThrownBy(model::fingerprint)
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(file + " was changed or replaced after it had been opened; open it again");
            assertThatThrownBy(() -> load(model)).isInstanceOf(WeightsException.class);
        }
    }

    /** Normalized values were rounded to the bytes 255, 0 and 1. */
    @Test
    void rejectsNormalizationOfAModelThatTakesBytes() {
        Path file = new OnnxModelWriter(17)
                .input("images", 2, FREE, 3, 16, 16)
                .output("y", FREE, 3)
                .node("Cast", "images -> x", OnnxModelWriter.attribute("to", 1))
                .node("GlobalAveragePool", "x -> g")
                .node("Flatten", "g -> y")
                .write(folder.resolve("bytes.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse("imagenet")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + " takes bytes, so its graph normalizes them itself: the input must have"
                        + " mean=0 std=1, such as \"RGB mean=0 std=1\", but was imagenet with mean=");
        OnnxModel.open(file, InputContract.parse("BGR mean=0 std=1")).close();
    }

    /** ONNX Runtime follows a graph by recursion; on the stack of a usual thread, this one ended the process. */
    @ParameterizedTest
    @ValueSource(ints = {300, 5_000})
    void deepGraphsDoNotNeedALargeStack(int nodes) throws Exception {
        OnnxModelWriter writer = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> v0");
        for (int i = 1; i < nodes; i++) {
            writer = writer.node("Sin", "v" + (i - 1) + " -> v" + i);
        }
        Path file = writer.node("Sinh", "v" + (nodes - 1) + " -> y").write(folder.resolve("deep.onnx"));
        FutureTask<List<float[]>> embedding = new FutureTask<>(() -> {
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"));
                    PreparedRecognizer prepared = load(model)) {
                assertThat(prepared.toString()).contains("run by ONNX Runtime");
                return prepared.embedAll(faces(32));
            }
        });
        Thread thread = new Thread(null, embedding, "small stack", 256 << 10);
        thread.start();
        assertThat(embedding.get().get(0)).hasSize(3).doesNotContain(Float.NaN);
    }

    @Test
    void keepsThresholdsBesideTheModel() {
        Path file = withUncoveredNode(false);
        InputContract input = InputContract.parse("insightface");
        try (OnnxModel model = OnnxModel.open(file, input);
                PreparedRecognizer prepared = load(model)) {
            assertThatThrownBy(() -> prepared.threshold(0.001)).hasMessageContaining("this model has none");
            prepared.saveThresholds(model);
            assertThat(file.resolveSibling("sinh.onnx.thresholds.json")).exists();
            try (PreparedRecognizer again = load(model)) {
                assertThat(again.allThresholds()).isEmpty();
            }
            for (String other : List.of("RGB mean=0 std=255", "adaface")) { // whose embeddings are others
                try (OnnxModel same = OnnxModel.open(file, InputContract.parse(other))) {
                    assertThatThrownBy(() -> prepared.saveThresholds(same))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("model must be the one that these thresholds were measured with, " + prepared
                                    + ", but was " + same);
                }
            }
        }
    }

    /** Other pixels give other embeddings, for which those thresholds were not measured. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void thresholdsOfAnExportAreForItsOwnInput(boolean normalizes) {
        Path file = folder.resolve("calibrated.onnx");
        List<Threshold> thresholds = List.of(new Threshold(0.25, OptionalDouble.of(0.001)));
        try (Recognizer recognizer = small()) {
            recognizer.model().setThresholds(thresholds);
            recognizer.export(file, ExportFormat.ONNX, normalizes);
        }
        String spelled;
        try (OnnxModel model = OnnxModel.open(file);
                PreparedRecognizer prepared = load(model)) {
            assertThat(prepared.allThresholds()).isEqualTo(thresholds);
            spelled = model.contract().spelled();
        }
        for (String same : List.of(spelled, spelled + " size=32", normalizes ? "insightface" : "imagenet")) {
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse(same));
                    PreparedRecognizer prepared = load(model)) {
                assertThat(prepared.allThresholds()).isEqualTo(thresholds);
            }
        }
        for (String other : List.of(spelled.replace("RGB", "BGR"), "RGB mean=1 std=2")) {
            assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse(other)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(file + " says that it takes " + spelled + ", so the input must be left out or be the"
                            + " same, but was " + other);
        }
        assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse("adaface")))
                .hasMessageEndingWith("but was BGR mean=127.5 std=127.5 (adaface)");
    }

    /** A mode belongs to a prepared recognizer: two modes are calibrated with two of them, perhaps in two programs. */
    @Test
    void thresholdsOfAnotherModeStayBesideTheModel(@TempDir Path folder) {
        Path file = exported(folder, Crop.WHOLE);
        FaceDataset strangers = strangers();
        CalibrationSettings settings = CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.1));
        try (OnnxModel model = OnnxModel.open(file);
                PreparedRecognizer plain = load(model);
                PreparedRecognizer flipped =
                        PreparedRecognizer.load(model, FP32, null, FaceChoice.MOST_PROMINENT, true)) {
            List<Threshold> ofPlain = plain.calibrate(strangers, settings);
            plain.saveThresholds(model);
            List<Threshold> ofFlipped = flipped.calibrate(strangers, settings);
            flipped.saveThresholds(model);
            try (PreparedRecognizer again = load(model)) {
                assertThat(again.allThresholds())
                        .hasSize(2)
                        .containsAll(ofPlain)
                        .containsAll(ofFlipped);
            }
            List<Threshold> recalibrated =
                    plain.calibrate(strangers, CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.05)));
            plain.saveThresholds(model);
            try (PreparedRecognizer again = load(model)) {
                assertThat(again.allThresholds())
                        .hasSize(2)
                        .containsAll(recalibrated)
                        .containsAll(ofFlipped);
            }
        }
    }

    @Test
    void anExportKnowsTheCropOfItsModel(@TempDir Path folder) {
        Path file = exported(folder, Crop.CELEBA_CROP);
        try (OnnxModel model = OnnxModel.open(file);
                PreparedRecognizer prepared = load(model)) {
            assertThatThrownBy(() -> prepared.calibrate(strangers()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("faces must be cropped as this model was trained, celeba-crop, but were whole");
            assertThatThrownBy(() -> prepared.embed(strangers()))
                    .hasMessageContaining("faces must be cropped as this model was trained");
        }
    }

    /** Its file does not say how faces were cropped; the alignment follows from the preset and the size alone. */
    @Test
    void aWideModelFromElsewhereTakesFacesThatAreCroppedInAnotherWay() {
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 128, 128)
                .output("y", FREE, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> y")
                .write(folder.resolve("wide.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"));
                PreparedRecognizer prepared = load(model)) {
            assertThat(model.input().crop()).isEqualTo(Crop.WIDE);
            assertThatThrownBy(() -> prepared.embed(strangers().withCrop(Crop.CELEBA_ALIGNED)))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("must be 178x218 for crop celeba-aligned, but was 32x32");
        }
    }

    private static FaceDataset strangers() {
        return FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 30).images(0, 2), Split.TEST);
    }

    private static Path exported(Path folder, Crop crop) {
        Path file = folder.resolve("model.onnx");
        try (Recognizer recognizer = small()) {
            recognizer.model().trainedOn(crop, List.of("Ada", "Grace"));
            recognizer.export(file, ExportFormat.ONNX, true);
        }
        return file;
    }

    private static Recognizer small() {
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(2)
                .imageSizePx(32)
                .build());
    }
}
