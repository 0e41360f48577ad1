package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.TensorRows;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints with contents that few have; {@code weights/contents/make.py} writes them. */
class CheckpointContentsTest {
    @TempDir
    Path folder;

    private static Path resource(String name) {
        return WeightsTest.resource("contents/" + name);
    }

    private static Weights read(String name) {
        return Weights.read(resource(name));
    }

    private static double sum(Weights weights, String name) {
        try (PointerScope scope = new PointerScope()) {
            return weights.read(name).to(ScalarType.Double).sum().item_double();
        }
    }

    @Nested
    class Values {
        @ParameterizedTest
        @ValueSource(strings = {"negative.pth", "negative-old.pth"})
        void haveTheOtherSignWhereTorchNegatesLazily(String name) {
            Weights weights = read(name);
            try (PointerScope scope = new PointerScope()) {
                assertThat(TensorRows.of(weights.read("float")))
                        .isDeepEqualTo(new float[][] {{-1, -2, -3}, {-4, -5, -6}});
                assertThat(TensorRows.of(weights.read("dense")))
                        .isDeepEqualTo(new float[][] {{0, -1, -2}, {-3, -4, -5}});
                assertThat(weights.read("none").numel()).isZero();
            }
            assertThat(sum(weights, "column")).isEqualTo(-7);
            assertThat(sum(weights, "int")).isEqualTo(1);
            assertThat(sum(weights, "positive")).isEqualTo(15);
        }

        @Test
        void ofUnreadableKindsMayLieBesideTheWeights() {
            Weights weights = read("unreadable.pth");
            assertThat(weights.names())
                    .containsExactly("w", "head.float8", "head.uint16", "head.complex", "head.sparse", "head.meta");
            try (PointerScope scope = new PointerScope()) {
                Map<String, Tensor> net = new LinkedHashMap<>(Map.of("w", torch.zeros(2, 3)));
                assertThat(weights.into(net).unexpected()).hasSize(5).contains("head.float8");
            }
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "float8 | type such as float32, float16 or int64, but was torch.float8_e4m3fn; convert it in Python"
                            + " first",
                    "uint16 | type such as float32, float16 or int64, but was torch.uint16; convert it in Python first",
                    "complex | type such as float32, float16 or int64, but was torch.complex64; convert it in Python"
                            + " first"
                })
        void ofOtherTypesAreRefusedByTheirNames(String name, String sentence) {
            assertThatThrownBy(() -> read("unreadable.pth").read("head." + name))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(resource("unreadable.pth") + ": \"head." + name + "\" must be of a " + sentence);
        }

        @ParameterizedTest
        @CsvSource({"sparse, torch._utils._rebuild_sparse_tensor", "meta, torch._utils._rebuild_meta_tensor_no_storage"
        })
        void ofOtherKindsAreRefusedByTheirNames(String name, String kind) {
            assertThatThrownBy(() -> read("unreadable.pth").shape("head." + name))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(resource("unreadable.pth") + ": \"head." + name + "\" must be a dense tensor of"
                            + " floating-point or integer values, but was of another kind (" + kind
                            + "); save an ordinary tensor instead");
        }

        @Test
        void ofUnreadableKindsAloneAreRefusedWhenTheFileIsOpened() {
            assertThatThrownBy(() -> read("unreadable-alone.pth"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(": \"state_dict.w\" must be of a type such as float32");
        }
    }

    @Nested
    class Names {
        @Test
        void thatAreEqualOnceTheyAreJoinedAreRefused() {
            assertThatThrownBy(() -> read("same-name.pth"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(resource("same-name.pth") + " is refused: two of its tensors are named \"a.b.c\" when"
                            + " their keys are joined by dots; rename one of the keys in Python, or save the weights"
                            + " alone, with torch.save(model.state_dict(), file)");
        }

        @Test
        void ofOneDictionaryUnderTwoKeysAreBothThere() {
            assertThat(read("shared.pth").names()).containsExactly("online.w", "target.w");
        }

        @Test
        void mayHaveIntegersAsParts() {
            Weights weights = read("integer-keys.pth");
            assertThat(weights.names())
                    .containsExactly("layers.0.w", "layers.1.w", "layers.1180591620717411303424.w", "fc");
            assertThat(sum(weights, "layers.1.w")).isEqualTo(615);
        }

        @Test
        void ofADictionaryThatContainsItselfEnd() {
            assertThat(read("cycle.pth").names()).containsExactly("w");
        }

        @Test
        void areNotCut() {
            Weights weights = read("long-names.pth");
            assertThat(weights.names())
                    .containsExactly("x".repeat(99) + "a.w", "x".repeat(99) + "b".repeat(300) + ".w");
            assertThat(sum(weights, weights.names().get(1))).isEqualTo(615);
        }

        @Test
        void ofModulesDeepInATorchScriptArchiveAreAllThere() {
            assertThat(read("torchscript-deep.pt").names())
                    .hasSize(16)
                    .contains("a_long_module_name_7.a_long_module_name_6.a_long_module_name_5.a_long_module_name_4"
                            + ".a_long_module_name_3.a_long_module_name_2.a_long_module_name_1.fc.weight");
        }

        @Test
        void thatAreTooLongAreRefused() {
            assertThatThrownBy(() -> read("longest-name.pth"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("the name of a tensor must have at most 1000 characters, but had 1203");
        }
    }

    @Nested
    class Contents {
        @ParameterizedTest
        @ValueSource(strings = {"frozenset.pth", "large-integer.pth", "values.pth", "package-named-code.pth"})
        void mayBeAnyValuesBesideTheWeights(String name) {
            assertThat(read(name).names()).containsExactly("w");
        }

        @Test
        void ofASingleNumberBesideAWholeNetworkAreNotItsWeights() {
            assertThatThrownBy(() -> read("network-beside-a-number.pth"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("holds a whole pickled network (Python's torch.nn.modules.linear.Linear)");
            assertThat(read("network-beside-weights.pth").names()).containsExactly("mine.w");
        }

        @ParameterizedTest
        @ValueSource(strings = {"arrays-2.pth", "arrays-5.pth"})
        void ofArraysAreNamed(String name) {
            assertThatThrownBy(() -> read(name))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(resource(name) + " holds NumPy arrays rather than tensors; load it in Python, convert"
                            + " them with torch.from_numpy, and save them by name with torch.save(tensors, file)");
        }

        @Test
        void ofAnOptimizerAreDroppedAndNoOthers() {
            assertThat(read("words.pth").names()).containsExactly("optimized_net.w", "upscaler.w");
            assertThatThrownBy(() -> read("optimizer.pth"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("must hold a state dict (names and tensors)");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"code.interact", "code.InteractiveInterpreter.runcode", "commands.getoutput", "os.system"})
    void commandsAreRecognizedBesidePackagesOfTheirNames(String name) {
        assertThat(PythonCommands.contain(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"code.config.Config", "commands.train.Args", "code.Config", "os.stat_result", "optim.Sgd"})
    void othersAreNotTakenForCommands(String name) {
        assertThat(PythonCommands.contain(name)).isFalse();
    }

    /** Formerly, 64 MiB of each file in the old format were read before its pickles were. */
    @Test
    void theValuesOfAnOldFileAreNotInMemory() throws IOException {
        Path file = Files.copy(WeightsTest.resource("old.pth"), folder.resolve("large.pth"));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), 60 << 20);
        }
        Weights.read(WeightsTest.resource("old.pth")); // loads classes
        var allocated = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = allocated.getCurrentThreadAllocatedBytes();
        assertThat(Weights.read(file).names()).hasSize(9);
        assertThat(allocated.getCurrentThreadAllocatedBytes() - before).isLessThan(16 << 20);
    }

    @Test
    void aSectionOfAFileIsReadAsAWhole() throws IOException {
        byte[] bytes = new byte[200_000];
        new Random(1).nextBytes(bytes);
        Path file = Files.write(folder.resolve("section"), bytes);
        try (FileChannel channel = FileChannel.open(file);
                FileSection section = new FileSection(channel, 10, 150_000, 1 << 20)) {
            assertThat(section.read()).isEqualTo(bytes[10] & 0xff);
            section.mark(100_000);
            assertThat(section.readNBytes(100_000)).containsExactly(Arrays.copyOfRange(bytes, 11, 100_011));
            assertThat(section.position()).isEqualTo(100_011);
            section.reset();
            assertThat(section.available()).isEqualTo(149_999);
            assertThat(section.readAllBytes()).containsExactly(Arrays.copyOfRange(bytes, 11, 150_010));
            assertThat(section.read()).isEqualTo(-1);
            assertThat(section.isCut()).isFalse();
        }
        try (FileChannel channel = FileChannel.open(file);
                FileSection section = new FileSection(channel, 10, 150_000, 100_000)) {
            assertThat(section.available()).isEqualTo(100_000);
            assertThat(section.readAllBytes()).hasSize(100_000);
            assertThat(section.isCut()).isTrue();
            assertThat(section.available()).isEqualTo(50_000);
        }
    }
}
