package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.data.Crop;
import org.facerecognition.export.OnnxFile;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.inference.CalmNets;
import org.facerecognition.inference.EngineRuns;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.vision.DetectionEngine;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxModelTest {
    private static final int SIZE_PX = CalmNets.SIZE_PX;
    private static final int EMBEDDING = 16;
    private static final InputContract PLAIN = InputContract.parse("RGB mean=0 std=1");

    @TempDir
    private Path folder;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private static void assertClose(float[][] rows, float[][] expected, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                assertThat((double) Math.abs(rows[i][j] - expected[i][j]))
                        .isLessThan(tolerance * Math.max(1, Math.abs(expected[i][j])));
            }
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void readsBackWhatThisLibraryExports(Encoder encoder) {
        Path file = folder.resolve("net.onnx");
        try (Backbone net = CalmNets.make(encoder, EMBEDDING);
                Graph graph = net.graph();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, Map.of());
            try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
                Tensor images = torch.rand(2, 3, SIZE_PX, SIZE_PX);
                float[] values = new float[(int) images.numel()];
                images.data_ptr_float().get(values);
                float[][] expected = TensorRows.of(net.forward(images));
                assertThat(model.uncovered()).isEmpty();
                EngineRuns.all(model.graph().orElseThrow(), values, SIZE_PX)
                        .values()
                        .forEach(rows -> assertClose(rows, expected, 4e-5)); // libtorch's sums depend on its threads
            }
        }
    }

    /** The normalizations are done outside of the network, so that it runs as fast as the original. */
    @Test
    void takesTheNormalizationOutOfAnExportThatIncludesIt() {
        Path file = folder.resolve("net.onnx");
        var normalize = new Operation.Normalize(List.of(100.0, 110.0, 120.0), List.of(50.0, 60.0, 70.0));
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                Graph plain = net.graph();
                Graph graph = plain.between(normalize, new Operation.L2Normalize())) {
            Map<String, String> metadata = Map.of(
                    "format", "face-recognition export 1", "normalizationIncluded", "true", "crop", "CELEBA_ALIGNED");
            OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, metadata);
            try (OnnxModel model = OnnxModel.open(file)) {
                assertThat(model.input().normalization().mean()).containsExactly(100.0, 110.0, 120.0);
                assertThat(model.input().normalization().std()).containsExactly(50.0, 60.0, 70.0);
                assertThat(model.input().crop().name()).isEqualTo("CELEBA_ALIGNED");
                assertThat(model.graph().orElseThrow().nodes())
                        .noneMatch(node -> node.operation() instanceof Operation.L2Normalize);
            }
        }
    }

    /** A convolution that adds red, 10 times green and 100 times blue. */
    private static OnnxModelWriter colors() {
        return new OnnxModelWriter(17)
                .input("images", FREE, 3, 1, 1)
                .output("y", FREE, 1)
                .floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Conv", "images w -> c")
                .node("Flatten", "c -> y");
    }

    private static float first(OnnxModel model, float... rgb) {
        return EngineRuns.all(model.graph().orElseThrow(), rgb, 1).get("oneDNN")[0][0];
    }

    @Test
    void exchangesColorsOfAModelThatTakesBlueFirst() {
        Path file = colors().write(folder.resolve("colors.onnx"));
        try (OnnxModel rgb = OnnxModel.open(file, PLAIN);
                OnnxModel bgr = OnnxModel.open(file, InputContract.parse("BGR mean=0 std=1"))) {
            assertThat(first(rgb, 1, 2, 3)).isEqualTo(321);
            assertThat(first(bgr, 1, 2, 3)).isEqualTo(123);
            assertThat(rgb.fingerprint()).isNotEqualTo(bgr.fingerprint());
        }
    }

    @Test
    void saysWhatToGiveForAModelThatDoesNotSayWhatItTakes() {
        Path plain = colors().write(folder.resolve("plain.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(plain))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(plain + " does not say what pixels it takes; give the input")
                .hasMessageContaining("its graph does not begin with a normalization");
        Path normalizing = new OnnxModelWriter(17)
                .input("images", FREE, 3, 1, 1)
                .output("y", FREE, 1)
                .floats("mean", new float[] {127.5f})
                .floats("scale", new float[] {0.0078125f})
                .floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Sub", "images mean -> s")
                .node("Mul", "s scale -> m")
                .node("Conv", "m w -> c")
                .node("Flatten", "c -> y")
                .write(folder.resolve("mxnet.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(normalizing))
                .hasMessageContaining("its graph begins with (x - [127.5, 127.5, 127.5]) / [128.0, 128.0, 128.0]")
                .hasMessageContaining("mean=0 std=1");
        try (OnnxModel model = OnnxModel.open(normalizing, InputContract.parse("insightface"))) {
            assertThat(model.contract().spelled()).isEqualTo("RGB mean=0 std=1");
            assertThat(model.input().normalization().std()).containsExactly(128.0, 128.0, 128.0);
        }
    }

    @Test
    void namesTheNodeThatIsNotCovered() {
        Path file = colors().node("Sinh", "y -> z").output("z", FREE, 5).write(folder.resolve("x.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.graph()).isEmpty();
            assertThat(model.uncovered()).contains("node sinh2 (Sinh) is not covered: there is no such operation here");
        }
    }

    /** It could be opened by no engine, though ONNX Runtime may be able to run it. */
    @Test
    void doesNotCoverOperatorSetsThatItDoesNotKnow() {
        Path file = ofOperatorSet(26).write(folder.resolve("later.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.graph()).isEmpty();
            assertThat(model.uncovered()).contains("operator set 26 is not covered: the latest is 25");
        }
        assertThatThrownBy(() -> OnnxModel.open(file)).hasMessageStartingWith(file + " does not say what pixels");
        assertThatThrownBy(() -> DetectorGraph.read(file, List.of("c")))
                .isInstanceOf(Uncovered.class)
                .hasMessage("operator set 26 is not covered: the latest is 25");
        assertThat(new OnnxDetectionEngine().open(file, List.of("c"), new DetectionEngine.Input(true, 0, 1)))
                .isEmpty();
        for (int opset = 22; opset <= 25; opset++) {
            Path known = ofOperatorSet(opset).write(folder.resolve(opset + ".onnx"));
            DetectorGraph.read(known, List.of("c")).close();
        }
    }

    private static OnnxModelWriter ofOperatorSet(long opset) {
        return new OnnxModelWriter(opset)
                .input("images", FREE, 3, 8, 8)
                .output("y", FREE, 64)
                .floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Conv", "images w -> c")
                .node("Flatten", "c -> y");
    }

    /** A norm of each pixel over the channels is not one of the whole image. */
    @Test
    void doesNotTakeNormsOfPixelsForNormsOfImages() {
        long[] channels = {1};
        for (OnnxModelWriter model : List.of(
                new OnnxModelWriter(17).node("LpNormalization", "images -> n", attribute("axis", 1)),
                new OnnxModelWriter(17)
                        .node("ReduceL2", "images -> l", attribute("axes", channels), attribute("keepdims", 1))
                        .node("Div", "images l -> n"))) {
            Path file = model.input("images", FREE, 3, 4, 4)
                    .node("Flatten", "n -> z")
                    .output("z", FREE, 48)
                    .write(folder.resolve("x.onnx"));
            try (OnnxModel opened = OnnxModel.open(file, PLAIN)) {
                assertThat(opened.graph()).isEmpty();
                assertThat(opened.uncovered().orElseThrow()).contains("it must be over all values of an image");
            }
        }
    }

    @Test
    void callsAnExportWithoutANormalizationDamaged() {
        Path file = colors().metadata("format", "face-recognition export 1")
                .metadata("normalization", "null") // which is JSON
                .write(folder.resolve("x.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " is damaged: its metadata cannot be understood");
    }

    @Test
    void readsWeightsBesideTheFileAndNowhereElse() throws IOException {
        ByteBuffer weights = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
        weights.putInt(7).putFloat(1).putFloat(10).putFloat(100).putInt(9);
        Path inside = Files.createDirectory(folder.resolve("model"));
        Files.write(inside.resolve("w.bin"), weights.array());
        Files.write(folder.resolve("w.bin"), weights.array());
        Path good = external("w.bin", 4, 12).write(inside.resolve("good.onnx"));
        try (OnnxModel model = OnnxModel.open(good, PLAIN)) {
            assertThat(first(model, 1, 2, 3)).isEqualTo(321);
        }
        for (String location : new String[] {"../w.bin", folder.resolve("w.bin").toString(), ""}) {
            Path bad = external(location, 4, 12).write(inside.resolve("bad.onnx"));
            assertThatThrownBy(() -> OnnxModel.open(bad, PLAIN))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(bad + " must keep its weights in its own folder, but those of constant w are in \""
                            + location + "\"; use a model whose files lie together");
        }
        Path absent = external("absent.bin", 4, 12).write(inside.resolve("absent.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(absent, PLAIN)).hasMessageContaining("put that file beside the model");
        Path beyond = external("w.bin", 12, 12).write(inside.resolve("beyond.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(beyond, PLAIN)).hasMessageContaining("must lie in the 20 bytes of");
        Files.writeString(inside.resolve("lfs.bin"), "version https://git-lfs.github.com/spec/v1\n");
        Path pointer = external("lfs.bin", 400, 12).write(inside.resolve("pointer.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(pointer, PLAIN))
                .hasMessage(pointer + " keeps weights in " + inside.resolve("lfs.bin") + ", which is a Git LFS pointer,"
                        + " not weights; fetch the file itself (git lfs pull)");
    }

    private static OnnxModelWriter external(String location, long offset, long length) {
        return new OnnxModelWriter(17)
                .input("images", FREE, 3, 1, 1)
                .output("y", FREE, 1)
                .external("w", location, offset, length, 1, 3, 1, 1)
                .node("Conv", "images w -> c")
                .node("Flatten", "c -> y");
    }

    @Test
    void rejectsWhatIsNoFaceModel() throws IOException {
        Path other = folder.resolve("other.onnx");
        Map<String, String> contents = Map.of(
                "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                "is a Git LFS pointer, not an ONNX model; fetch the file itself (git lfs pull)",
                "<!DOCTYPE html><html>",
                "is a web page or other markup, not an ONNX model; fetch the file itself",
                "\u001f\u008b\b\0",
                "is compressed with gzip; unpack it and give the .onnx file in it",
                "PK\3\4\24\0",
                "is a zip archive; unpack it and give the .onnx file in it",
                "",
                "is empty; fetch it again");
        for (Map.Entry<String, String> content : contents.entrySet()) {
            Files.writeString(other, content.getKey(), StandardCharsets.ISO_8859_1);
            assertThatThrownBy(() -> OnnxModel.open(other, PLAIN))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(other + " " + content.getValue());
        }
        Files.write(other, new byte[] {8, 8, 58, 100, 1});
        assertThatThrownBy(() -> OnnxModel.open(other, PLAIN))
                .hasMessageStartingWith(other + " is damaged or no ONNX model: ");
        Path several = colors().node("Relu", "c -> r")
                .output("r", FREE, 1, 1, 3)
                .output("c", FREE, 1, 1, 3)
                .write(folder.resolve("several.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(several, PLAIN))
                .hasMessageContaining("one output of embeddings, but has the outputs [y, r, c]; keep the one of")
                .hasMessageContaining("onnx.utils.extract_model(FILE, OTHER_FILE, [\"images\"], [OUTPUT])");
        Path absent = folder.resolve("absent.onnx");
        assertThatThrownBy(() -> OnnxModel.open(absent, PLAIN)).hasMessageStartingWith("cannot read " + absent);
        Path gray = new OnnxModelWriter(17)
                .input("images", FREE, 1, 8, 8)
                .output("y", FREE, 64)
                .node("Flatten", "images -> y")
                .write(folder.resolve("gray.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(gray, PLAIN)).hasMessageContaining("images of 3 colors");
        Path oblong = new OnnxModelWriter(17)
                .input("images", FREE, 3, 112, 96)
                .output("y", FREE, 64)
                .node("Flatten", "images -> y")
                .write(folder.resolve("oblong.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(oblong, PLAIN)).hasMessageContaining("takes 96x112");
        Path old = new OnnxModelWriter(6)
                .input("images", FREE, 3, 8, 8)
                .output("y", FREE, 64)
                .node("Flatten", "images -> y")
                .write(folder.resolve("old.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(old, PLAIN))
                .hasMessage(old + " must be of operator set 7 or a later one, but was of 6; export it again with"
                        + " opset_version=17");
        Path open = new OnnxModelWriter(17)
                .input("images", FREE, 3, FREE, FREE)
                .output("y", FREE, 64)
                .node("Flatten", "images -> y")
                .write(folder.resolve("open.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(open, PLAIN)).hasMessageContaining("add for example size=112");
        Path fixed = new OnnxModelWriter(17)
                .input("images", FREE, 3, 8, 8)
                .output("y", FREE, 192)
                .node("Flatten", "images -> y")
                .write(folder.resolve("fixed.onnx"));
        OnnxModel.open(fixed, InputContract.parse("RGB mean=0 std=1 size=8")).close();
        OnnxModel.open(fixed, InputContract.parse("facenet")).close(); // whose 160 pixels are only a default
        assertThatThrownBy(() -> OnnxModel.open(fixed, InputContract.parse("RGB mean=0 std=1 size=16")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "input of " + fixed + " must have size=8, the size of its images, but was \"RGB mean=0 std=1"
                                + " size=16\"; leave the size out");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "rgb",
                "RGB mean=1",
                "XYZ mean=1 std=1",
                "RGB mean=1 std=x",
                "RGB mean=1 std=1 side=3",
                "RGB BGR mean=1 std=1",
                "RGB mean=1 std=1 size=0",
                "RGB mean=1 std=1 size=-5",
                "RGB mean=NaN std=1",
                "RGB mean=1 std=1 align=oblique"
            })
    void rejectsInputsThatAreNotSpelledOut(String text) {
        assertThatThrownBy(() -> InputContract.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("input must be insightface, sface, adaface, facenet, imagenet or, for example, \"BGR"
                        + " mean=127.5 std=128\", perhaps with size= and align=square or wide, but was \"" + text
                        + "\"");
    }

    /** As model cards spell them: a network got values of -1 to 1,100, without a word. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "RGB mean=0.5 std=0.5 | RGB mean=127.5 std=127.5",
                "BGR mean=0.485,0.456,0.406 std=0.229,0.224,0.225 size=112"
                        + " | BGR mean=123.675,116.28,103.53 std=58.395,57.12,57.375",
                "RGB mean=0 std=0.5 align=wide | RGB mean=0 std=127.5 align=wide",
                "RGB mean=0.485,0.456,0.406 std=1 | RGB mean=123.675,116.28,103.53 std=255",
                "RGB mean=127.5 std=0.5 | RGB mean=127.5 std=127.5",
                "RGB mean=127.5 std=0.0078125 | RGB mean=127.5 std=128",
                "RGB mean=0 std=0.00392156862745098 | RGB mean=0 std=255"
            })
    void rejectsInputsInOtherUnitsThanPixels(String text, String ofPixels) {
        assertThatThrownBy(() -> InputContract.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "input must have a mean and std of pixel values 0..255, but was " + text.substring(0, 3))
                .hasMessageEndingWith("; for pixel values it is \"" + ofPixels + "\"");
        assertThat(InputContract.parse(ofPixels).spelled()).isEqualTo(ofPixels);
    }

    /** Those of graphs that normalize pixels themselves, or a part of it. */
    @ParameterizedTest
    @ValueSource(strings = {"0 std=1", "127.5 std=1", "123,117,104 std=1", "1 std=1", "-127.5 std=127.5", "0 std=255"})
    void takesInputsOfPixels(String numbers) {
        assertThat(InputContract.parse("RGB mean=" + numbers).spelled()).isEqualTo("RGB mean=" + numbers);
    }

    @Test
    void readsInputsByNameAndSpelledOut() {
        assertThat(InputContract.parse("AdaFace").spelled()).isEqualTo("BGR mean=127.5 std=127.5");
        InputContract three = InputContract.parse("bgr mean=1,2,3 std=4,5,6 size=160");
        assertThat(three.spelled()).isEqualTo("BGR mean=1,2,3 std=4,5,6");
        assertThat(three.sizePx()).hasValue(160);
        assertThat(three.crop()).isEqualTo(Crop.WHOLE);
        assertThat(InputContract.parse("RGB mean=0 std=1 align=square").crop()).isEqualTo(Crop.WHOLE);
        assertThat(InputContract.parse("RGB mean=0 std=1 align=wide").crop()).isEqualTo(Crop.WIDE);
    }

    @Test
    void keepsThresholdsOfEachInputBesideTheModel() {
        Path model = folder.resolve("x.onnx");
        assertThat(ThresholdsFile.read(model, "a")).isEmpty();
        ThresholdsFile.write(model, "a", present -> Map.of("thresholds", "{}"));
        ThresholdsFile.write(model, "b", present -> Map.of("thresholds", "{\"0.001\":0.5}"));
        assertThat(ThresholdsFile.read(model, "a")).containsExactly(Map.entry("thresholds", "{}"));
        assertThat(ThresholdsFile.read(model, "b")).containsExactly(Map.entry("thresholds", "{\"0.001\":0.5}"));
    }

    @Test
    void saysThatAThresholdsFileIsDamaged() throws IOException {
        Path model = folder.resolve("x.onnx");
        Path thresholds = folder.resolve("x.onnx.thresholds.json");
        for (byte[] content :
                List.of(new byte[] {'{', '"', (byte) 0xff, '"'}, new byte[] {'{'}, new byte[] {'[', ']'})) {
            Files.write(thresholds, content);
            assertThatThrownBy(() -> ThresholdsFile.read(model, "a"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(thresholds
                            + " is damaged or does not hold thresholds; delete it and calibrate the model again");
        }
    }

    /** Who read the file first and wrote it last used to remove what the other had written. */
    @Test
    void keepsThresholdsThatAreRecordedAtTheSameTime() throws Exception {
        Path model = folder.resolve("x.onnx");
        List<Thread> writers = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            writers.add(new Thread(() -> {
                for (int i = 0; i < 20; i++) {
                    ThresholdsFile.write(model, name + i, present -> Map.of("thresholds", "{}"));
                }
            }));
        }
        writers.forEach(Thread::start);
        for (Thread writer : writers) {
            writer.join();
        }
        for (int i = 0; i < 20; i++) {
            assertThat(ThresholdsFile.read(model, "a" + i)).hasSize(1);
            assertThat(ThresholdsFile.read(model, "b" + i)).hasSize(1);
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("x.onnx.thresholds.json"));
        }
    }

    /** Opening it as a detector used to fail with "Index 0 out of bounds". */
    @Test
    void leavesDetectorsWithoutAnInputToOpenCv() {
        Path file = new OnnxModelWriter(17)
                .output("y", FREE, 1)
                .floats("w", new float[] {1}, 1, 1, 1, 1)
                .node("Identity", "w -> y")
                .write(folder.resolve("noinput.onnx"));
        assertThat(new OnnxDetectionEngine().open(file, List.of("y"), new DetectionEngine.Input(true, 0, 1)))
                .isEmpty();
    }

    @Test
    void convertsHalvesAsTheStandardSays() {
        assertThat(TensorProto.half((short) 0x3c00)).isEqualTo(1);
        assertThat(TensorProto.half((short) 0xc000)).isEqualTo(-2);
        assertThat(TensorProto.half((short) 0x7bff)).isEqualTo(65504);
        assertThat(TensorProto.half((short) 0x0001)).isEqualTo(0x1p-24f);
        assertThat(TensorProto.half((short) 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(TensorProto.half((short) 0x7e00)).isNaN();
    }

    @Test
    void damagedFilesGiveASentenceOrAResult() throws IOException {
        int files = Boolean.getBoolean("tests.long") ? 5_000 : 270;
        DamagedOnnxDrill.Results results = DamagedOnnxDrill.run(files, 5, folder);
        assertThat(results.refused()).as("refused").isPositive();
        assertThat(results.uncovered()).as("not covered").isPositive();
        assertThat(results.prepared()).as("prepared").isPositive();
        assertThat(results.compared()).as("compared").isPositive();
    }

    @Test
    void rejectsAttributesOfAnotherType() {
        Path file = colors().node("LeakyRelu", "y -> z", attribute("alpha", "x"))
                .output("z", FREE, 5)
                .write(folder.resolve("x.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.contract()).isEqualTo(PLAIN);
        }
    }

    /** Half a pixel that is not taken away again selects other pixels than repeating does. */
    @Test
    void doesNotTakeAnotherRuleForCoordinatesForRepeatingPixels() {
        for (String rounding : List.of("round_prefer_floor", "floor")) {
            Path file = new OnnxModelWriter(11)
                    .input("images", FREE, 3, 4, 4)
                    .output("y", FREE, 192)
                    .floats("scales", new float[] {1, 1, 2, 2}, 4)
                    .node(
                            "Resize",
                            "images scales scales -> z",
                            attribute("coordinate_transformation_mode", "tf_half_pixel_for_nn"),
                            attribute("nearest_mode", rounding),
                            attribute("mode", "nearest"))
                    .node("Flatten", "z -> y")
                    .write(folder.resolve(rounding + ".onnx"));
            try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
                assertThat(model.graph().isPresent()).as(rounding).isEqualTo(rounding.equals("floor"));
            }
        }
    }

    /** A gallery would mix embeddings of two models. */
    @Test
    void theFingerprintIsThatOfConstantsInOtherFilesToo() throws IOException {
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 1, 1)
                .output("y", FREE, 1)
                .node("Constant", "-> w", OnnxModelWriter.inFile("value", "w.bin", 12, 1, 3, 1, 1))
                .node("Conv", "images w -> c")
                .node("Flatten", "c -> y")
                .write(folder.resolve("x.onnx"));
        List<String> fingerprints = new ArrayList<>();
        for (float red : new float[] {1, 2}) {
            ByteBuffer weights = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(
                    folder.resolve("w.bin"),
                    weights.putFloat(red).putFloat(10).putFloat(100).array());
            try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
                assertThat(model.uncovered()).isEmpty();
                fingerprints.add(model.fingerprint());
            }
        }
        assertThat(fingerprints).doesNotHaveDuplicates();
    }
}
