package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.facerecognition.data.Crop;
import org.facerecognition.data.Normalization;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a graph normalizes itself must not be normalized before. */
class FittingInputTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private static OnnxModelWriter images() {
        return new OnnxModelWriter(17).input("images", FREE, 3, 1, 1).output("y", FREE, 1);
    }

    /** Ends a model with a layer, and with a node that only ONNX Runtime can run. */
    private Path ending(OnnxModelWriter writer, String last, boolean covered) {
        writer.floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Conv", last + " w -> c")
                .node("Flatten", covered ? "c -> y" : "c -> f");
        return (covered ? writer : writer.node("Sinh", "f -> y")).write(folder.resolve("x.onnx"));
    }

    private Path ofPixels(String second, double factor, boolean covered) {
        OnnxModelWriter writer = images().floats("mean", new float[] {127.5f})
                .floats("factor", new float[] {(float) factor})
                .node("Shape", "images -> shape") // as exporters write it for their reshaping
                .node("Sub", "images mean -> s")
                .node(second, "s factor -> m");
        return ending(writer, "m", covered);
    }

    /** Everybody was the same person, without a word. */
    @ParameterizedTest
    @ValueSource(strings = {"adaface", "facenet", "imagenet", "RGB mean=127.5 std=127.5", "BGR mean=0 std=255"})
    void refusesToNormalizePixelsTwice(String text) {
        InputContract input = InputContract.parse(text);
        for (boolean covered : new boolean[] {true, false}) {
            for (Path file : List.of(ofPixels("Mul", 1 / 128.0, covered), ofPixels("Div", 128, covered))) {
                assertThatThrownBy(() -> OnnxModel.open(file, input))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith(
                                file + "'s graph begins with (x - [127.5, 127.5, 127.5]) / [128.0, 128.0, 128.0], so it"
                                        + " normalizes pixels itself: the input must have mean=0 std=1, such as \""
                                        + input.order() + " mean=0 std=1\", but was " + text + " with mean=");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void insightfaceLeavesPixelsToAGraphThatNormalizesThem(boolean covered) {
        for (Path file : List.of(ofPixels("Mul", 1 / 128.0, covered), ofPixels("Div", 128, covered))) {
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"))) {
                assertThat(model.contract().spelled()).isEqualTo("RGB mean=0 std=1");
                assertThat(model.input().normalization().std().get(0)).isEqualTo(covered ? 128.0 : 1.0);
            }
        }
    }

    /** Models of these run in ONNX Runtime, and were normalized twice there. */
    @Test
    void seesTheNormalizationOfOperatorSetsThatAreNotCovered() {
        OnnxModelWriter writer = new OnnxModelWriter(26)
                .input("images", FREE, 3, 1, 1)
                .output("y", FREE, 1)
                .floats("mean", new float[] {127.5f})
                .floats("factor", new float[] {1 / 128f})
                .node("Sub", "images mean -> s")
                .node("Mul", "s factor -> m");
        Path file = ending(writer, "m", true);
        assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse("adaface")))
                .hasMessageContaining("so it normalizes pixels itself");
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"))) {
            assertThat(model.uncovered()).isPresent();
            assertThat(model.contract().spelled()).isEqualTo("RGB mean=0 std=1");
        }
    }

    @Test
    void seesANormalizationOfImagesWithTheirChannelsLast() {
        OnnxModelWriter writer = new OnnxModelWriter(17)
                .input("images", FREE, 2, 2, 3)
                .output("y", FREE, 4)
                .floats("mean", new float[] {123, 117, 104}, 3)
                .node("Sub", "images mean -> s")
                .node("Transpose", "s -> x", attribute("perm", new long[] {0, 3, 1, 2}));
        Path file = ending(writer, "x", true);
        assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse("imagenet")))
                .hasMessageContaining("begins with (x - [123.0, 117.0, 104.0]) / [1.0, 1.0, 1.0]");
    }

    /** Values 0..1 with the mean and the deviation of ImageNet: torchvision's transforms, half of them in the graph. */
    @Test
    void letsAGraphNormalizeValuesThatAreNormalizedBefore() {
        OnnxModelWriter writer = images().floats("mean", new float[] {0.485f, 0.456f, 0.406f}, 1, 3, 1, 1)
                .floats("std", new float[] {0.229f, 0.224f, 0.225f}, 1, 3, 1, 1)
                .node("Sub", "images mean -> s")
                .node("Div", "s std -> d");
        Path file = ending(writer, "d", true);
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("RGB mean=0 std=255"))) {
            assertThat(model.input().normalization().isNearly(Normalization.IMAGENET))
                    .isTrue();
        }
        assertThatThrownBy(() -> OnnxModel.open(file))
                .hasMessageContaining("so it most likely takes values that are normalized before it, such as 0..1:"
                        + " mean=0 std=255");
    }

    /** MXNet's residual networks begin with one, whose statistics are those of normalized values. */
    @Test
    void letsAGraphBeginWithABatchNormalization() {
        OnnxModelWriter writer = images().floats("scale", new float[] {0.9f, 0.08f, 1.1f}, 3)
                .floats("shift", new float[] {0.3f, -0.2f, 0}, 3)
                .floats("mean", new float[] {0.1f, -0.05f, -0.2f}, 3)
                .floats("variance", new float[] {0.4f, 0.3f, 0.2f}, 3)
                .node("BatchNormalization", "images scale shift mean variance -> b");
        Path file = ending(writer, "b", true);
        for (String input : List.of("insightface", "adaface", "imagenet")) {
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse(input))) {
                assertThat(model.contract()).isEqualTo(InputContract.parse(input));
            }
        }
    }

    /** What no text was read for is checked as well, but not what the file itself says. */
    @Test
    void refusesNumbersOfOtherUnitsThanPixels() {
        Normalization halves = new Normalization(List.of(0.5, 0.5, 0.5), List.of(0.5, 0.5, 0.5));
        InputContract input = new InputContract("halves", InputContract.ColorOrder.RGB, halves, OptionalInt.empty());
        Path silent = ending(images(), "images", true);
        assertThatThrownBy(() -> OnnxModel.open(silent, input))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("but was RGB mean=0.5 std=0.5, which looks like those of values 0..1; for pixel"
                        + " values it is \"RGB mean=127.5 std=127.5\"");
        Path own = ending(
                images().metadata("format", "face-recognition export 1")
                        .metadata("normalization", "{\"mean\": [0.5, 0.5, 0.5], \"std\": [0.5, 0.5, 0.5]}"),
                "images",
                true);
        try (OnnxModel model = OnnxModel.open(own)) {
            assertThat(model.input().normalization()).isEqualTo(halves);
        }
    }

    /** PReLU is written so by some exporters: neither node has to do with pixels. */
    @Test
    void insightfaceNormalizesPixelsBeforeOtherProductsAndDifferences() {
        OnnxModelWriter writer = images().floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .floats("a", new float[] {0.25f})
                .node("Conv", "images w -> c")
                .node("Relu", "c -> r")
                .node("Neg", "c -> n")
                .node("Relu", "n -> rn")
                .node("Mul", "rn a -> m")
                .node("Sub", "r m -> p")
                .node("Flatten", "p -> y");
        Path file = writer.write(folder.resolve("prelu.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"))) {
            assertThat(model.contract().spelled()).isEqualTo("RGB mean=127.5 std=127.5");
        }
    }

    /** As norm_crop of insightface: the crop of 128x128 is not that of 112x112, scaled. */
    @Test
    void insightfaceAlignsFacesByTheSizeOfTheImages() {
        for (int size : new int[] {112, 128, 224, 256, 896, 160}) {
            Path file = new OnnxModelWriter(17)
                    .input("images", FREE, 3, size, size)
                    .output("y", FREE, 3)
                    .node("GlobalAveragePool", "images -> g")
                    .node("Flatten", "g -> y")
                    .write(folder.resolve("x.onnx"));
            boolean wide = size == 128 || size == 256;
            try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"));
                    OnnxModel square = OnnxModel.open(file, InputContract.parse("RGB mean=127.5 std=127.5"))) {
                assertThat(model.input().crop()).isEqualTo(wide ? Crop.WIDE : Crop.WHOLE);
                assertThat(model.contract().spelled())
                        .isEqualTo("RGB mean=127.5 std=127.5" + (wide ? " align=wide" : ""));
                assertThat(square.input().crop()).isEqualTo(Crop.WHOLE);
                assertThat(model.fingerprint().equals(square.fingerprint())).isEqualTo(!wide);
                try (OnnxModel spelled = OnnxModel.open(
                        file, InputContract.parse(model.contract().spelled()))) {
                    assertThat(spelled.fingerprint()).isEqualTo(model.fingerprint());
                }
            }
        }
    }
}
