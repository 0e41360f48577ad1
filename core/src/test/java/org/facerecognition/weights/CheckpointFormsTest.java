package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.SharedFiles;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.export.TorchScriptFile;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.natives.TensorRows;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints as training scripts save them; {@code weights/checkpoints/make.py} writes them. */
class CheckpointFormsTest {
    @TempDir
    Path folder;

    private static Path resource(String name) {
        return WeightsTest.resource("checkpoints/" + name);
    }

    /** A network of zeros with the names and shapes of {@code zip.pth}; scoped. */
    private static Map<String, Tensor> net() {
        Weights original = Weights.read(WeightsTest.resource("zip.pth"));
        Map<String, Tensor> net = new LinkedHashMap<>();
        original.names().forEach(name -> net.put(name, torch.zeros(original.shape(name))));
        return net;
    }

    private static Weights.Report assertLoads(Weights weights) {
        try (PointerScope scope = new PointerScope()) {
            Weights original = Weights.read(WeightsTest.resource("zip.pth"));
            Map<String, Tensor> net = net();
            Weights.Report report = weights.into(net);
            assertThat(report.loaded()).isEqualTo(9);
            net.forEach((name, tensor) -> assertThat(
                            tensor.equal(original.read(name).to(ScalarType.Float)))
                    .as(name)
                    .isTrue());
            return report;
        }
    }

    @Nested
    class Read {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "tensor-beside.pth",
                    "insightface.pt",
                    "average-alone.pth",
                    "nested.pth",
                    "compiled.pth",
                    "inside.pth",
                    "others-2-zip.ckpt",
                    "others-2-old.ckpt",
                    "others-4-zip.ckpt",
                    "others-4-old.ckpt",
                    "subclasses.pth",
                    "tagged.pth"
                })
        void findsTheWeightsAmongEverythingElse(String name) {
            assertThat(assertLoads(Weights.read(resource(name))).unexpected()).isEmpty();
        }

        @ParameterizedTest
        @CsvSource({
            "lightning.ckpt, head.kernel",
            "unknown-key.pth, my_head.weight",
            "average-beside.ckpt, ema_model.conv.weight",
            "student.pth, teacher.backbone.conv.weight"
        })
        void reportsWhatIsLeftOver(String name, String leftOver) {
            Weights.Report report = assertLoads(Weights.read(resource(name)));
            assertThat(report.unexpected()).contains(leftOver);
            assertThat(report.missing()).isEmpty();
        }

        @Test
        void readsExpandedTensors() {
            try (PointerScope scope = new PointerScope()) {
                Tensor ones = Weights.read(resource("expanded.pth")).read("bn.running_var");
                assertThat(ones.equal(torch.ones(4))).isTrue();
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "module.",
                    "model.",
                    "backbone.",
                    "encoder.",
                    "net.",
                    "_orig_mod.",
                    "student.",
                    "ema_model.",
                    "module.backbone.",
                    "model._orig_mod.",
                    "student.backbone._orig_mod.module.",
                    "any.other.name.0."
                })
        void removesAnyPrefix(String prefix) {
            Weights wrapped = Weights.read(WeightsTest.resource("zip.pth")).renamed(name -> prefix + name);
            assertThat(assertLoads(wrapped).unexpected()).isEmpty();
        }

        /** An insightface-style encoder, with the head of its training beside it. */
        @ParameterizedTest
        @ValueSource(strings = {"", "module.", "backbone.", "module.backbone.", "_orig_mod.backbone."})
        void findsAnIResNetUnderEveryWrapper(String prefix) {
            Path file = folder.resolve("wrapped.safetensors");
            try (PointerScope scope = new PointerScope();
                    Backbone trained = Encoder.IRESNET18.create("fc", List.of(16));
                    Backbone empty = Encoder.IRESNET18.create("fc", List.of(16))) {
                Map<String, Tensor> wrapped = new LinkedHashMap<>();
                NamedTensors.of(trained).forEach((name, tensor) -> wrapped.put(prefix + name, tensor));
                wrapped.put("head.kernel", torch.ones(2, 2));
                SafeTensors.write(file, wrapped, Map.of("format", "pt"));
                Weights.Report report = Weights.read(file).into(empty);
                assertThat(report.unexpected()).containsExactly("head.kernel");
                assertThat(report.leftOver()).isEqualTo("not used, because not of the network: head.kernel");
                assertThat(Fingerprint.of("", empty)).isEqualTo(Fingerprint.of("", trained));
            }
        }
    }

    @Nested
    class Refused {
        @Test
        void namesMissingTensorsBehindAPrefix() {
            try (PointerScope scope = new PointerScope()) {
                Weights partial = Weights.read(WeightsTest.resource("zip.pth"))
                        .renamed(name -> name.equals("fc.bias") ? null : "model." + name);
                Map<String, Tensor> net = net();
                assertThatThrownBy(() -> partial.into(net))
                        .hasMessageEndingWith(
                                "Names are given without their prefix \"model.\"." + " Missing in the file: fc.bias.");
            }
        }

        /** A larger network of the same kind has all names of the smaller one, but is not the same network. */
        @Test
        void rejectsALargerNetworkOfTheSameKind() {
            Path file = folder.resolve("larger.safetensors");
            try (PointerScope scope = new PointerScope();
                    Backbone larger = Encoder.IRESNET34.create("fc", List.of(16));
                    Backbone smaller = Encoder.IRESNET18.create("fc", List.of(16))) {
                Map<String, Tensor> wrapped = new LinkedHashMap<>();
                NamedTensors.of(larger).forEach((name, tensor) -> wrapped.put("backbone." + name, tensor));
                SafeTensors.write(file, wrapped, Map.of());
                assertThatThrownBy(() -> Weights.read(file).into(smaller))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageContaining("Not in the network: layer1.2.");
            }
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "network-in-checkpoint.pth | holds a whole pickled network (Python's torch.nn.",
                    "only-optimizer.pth | must hold a state dict (names and tensors)",
                    "torchscript-frozen.pt | is a TorchScript archive with its weights in its program",
                    "zipped.zip | is a zip archive that contains weights; unpack it",
                    "arrays.npz | is an archive of NumPy arrays (.npz)"
                })
        void saysWhatAFileIs(String name, String sentence) {
            assertThatThrownBy(() -> Weights.read(resource(name)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(resource(name) + " " + sentence);
        }

        @Test
        void namesAQuantizedTensorOfTheNetwork() {
            try (PointerScope scope = new PointerScope()) {
                Map<String, Tensor> net = net();
                assertThatThrownBy(() -> Weights.read(resource("quantized.pth")).into(net))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageContaining(resource("quantized.pth") + ": \"conv.weight\" must be a dense tensor of"
                                + " floating-point or integer values");
            }
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "'' | is empty; fetch it again",
                    "version https://git-lfs.github.com/spec/v1 | is a Git LFS pointer, not weights",
                    "<!DOCTYPE html> | is a web page or other markup",
                    "{\"weight_map\": {}} | is an index of weights in several files",
                    "{\"a\": 1} | is a JSON file",
                    "Not Found | is a text file"
                })
        void recognizesTexts(String start, String sentence) throws IOException {
            Path file = Files.write(folder.resolve("x.pth"), start.getBytes(StandardCharsets.ISO_8859_1));
            assertThatThrownBy(() -> Weights.read(file))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith(file + " " + sentence);
        }

        /** They were text files, or nothing that is known. */
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "<!DOCTYPE html> | is a web page or other markup",
                    "{\"weight_map\": {}} | is an index of weights in several files",
                    "{\"a\": 1} | is a JSON file"
                })
        void recognizesTextsBehindAByteOrderMark(String start, String sentence) throws IOException {
            for (Charset charset :
                    List.of(StandardCharsets.UTF_8, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE)) {
                Path file = Files.write(folder.resolve("x.pth"), ("\ufeff" + start).getBytes(charset));
                assertThatThrownBy(() -> Weights.read(file))
                        .as("%s", charset)
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(file + " " + sentence);
            }
        }

        @ParameterizedTest
        @CsvSource({
            "1f8b0800, is compressed with gzip; unpack it",
            "894844460d0a1a0a00, is an HDF5 file",
            "934e554d50590100, is a NumPy array (.npy)",
            "0801129001, is a TensorFlow model",
            "0a310a05696e7075741200, is a TensorFlow graph",
            "080712077079746f726368, 'is an ONNX model, not a checkpoint of weights; with a name that ends in .onnx'",
            "800495007d, is a Python pickle that torch.save did not write",
            "4641434547414c0001, is a gallery of this library"
        })
        void recognizesOtherFormats(String hex, String sentence) throws IOException {
            Path file = Files.write(folder.resolve("x.pth"), HexFormat.of().parseHex(hex));
            assertThatThrownBy(() -> Weights.read(file))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith(file + " " + sentence);
        }

        @Test
        void saysThatATarOrAFolderIsNoFileOfWeights() throws IOException {
            byte[] tar = new byte[512];
            System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
            Path file = Files.write(folder.resolve("x.tar"), tar);
            assertThatThrownBy(() -> Weights.read(file)).hasMessageStartingWith(file + " is a tar archive; unpack it");
            assertThatThrownBy(() -> Weights.read(folder)).hasMessageStartingWith(folder + " is a folder");
        }

        /** Its parts were said to hold no state dict, and the folder to need the name of one of them. */
        @Test
        void saysHowToJoinADistributedCheckpoint() throws IOException {
            Path metadata = Files.write(folder.resolve(".metadata"), new byte[] {(byte) 0x80, 4, '.'});
            Path part = Files.write(folder.resolve("__0_0.distcp"), new byte[] {'P', 'K', 3, 4});
            for (Path given : List.of(folder, metadata, part)) {
                assertThatThrownBy(() -> Weights.read(given))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(given + " is ")
                        .hasMessageEndingWith("of a checkpoint of torch.distributed.checkpoint; join its files first:"
                                + " python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE");
            }
        }

        @Test
        void saysThatACheckpointIsNoModelOfThisLibrary() {
            Path file = WeightsTest.resource("zip.pth");
            assertThatThrownBy(() -> SafeTensors.open(file))
                    .hasMessage(file + " has no description of its network, unlike the models that this library saves;"
                            + " read it with Weights.read and give it to Recognizer.pretrained");
        }
    }

    /** Cases W1, W2, W3 and W5; their files hold only the first layers of a network. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "W1-checkpoint-with-tensor-best_acc1.pth.tar",
                "W1-checkpoint-with-tensor-loss.pt",
                "W2-lightning-model-prefix.ckpt",
                "W5-insightface-checkpoint_gpu_0.pt"
            })
    void readsReportedCheckpoints(String name) {
        Weights weights = Weights.read(SharedFiles.orSkip("bugs/" + name));
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = new LinkedHashMap<>();
            net.put("conv1.0.weight", torch.zeros(4, 3, 3, 3));
            net.put("conv1.1.weight", torch.zeros(4));
            net.put("conv1.1.bias", torch.zeros(4));
            assertThat(weights.into(net).loaded()).isEqualTo(3);
        }
    }

    @Test
    void readsTheWeightsOfTorchScriptArchives() {
        Weights traced = Weights.read(resource("torchscript.pt"));
        assertThat(traced.names()).containsExactlyInAnyOrder("weight", "bias");
        Weights scripted = Weights.read(resource("torchscript-nested.pt"));
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = new LinkedHashMap<>();
            net.put("layer1.0.downsample.0.body.0.0.weight", torch.zeros(2, 2));
            net.put("layer1.0.downsample.0.body.0.0.bias", torch.zeros(2));
            assertThat(scripted.into(net).loaded()).isEqualTo(2);
            assertThat(TensorRows.of(net.get("layer1.0.downsample.0.body.0.0.weight")))
                    .isDeepEqualTo(new float[][] {{1, 2}, {3, 4}});
        }
    }

    /** Only those of the backbone were read, without its name. */
    @Test
    void readsAllModulesOfATorchScriptArchiveWhateverTheirNames() {
        assertThat(Weights.read(resource("torchscript-backbone.pt")).names())
                .containsExactlyInAnyOrder("backbone.weight", "backbone.bias", "fc.weight", "fc.bias");
    }

    /** Those whose names are like an optimizer's were dropped. */
    @Test
    void readsModulesOfATorchScriptArchiveWithTheNamesOfAnOptimizersParts() {
        assertThat(Weights.read(resource("torchscript-scaler.pt")).names())
                .containsExactlyInAnyOrder("scaler.weight", "scaler.bias", "scheduled.0.weight", "scheduled.0.bias");
    }

    @Test
    void saysWhatToDoWithOwnTorchScriptExports() {
        Path file = folder.resolve("own.pt");
        try (PointerScope scope = new PointerScope();
                Graph graph = Graph.of((builder, images) -> builder.flatten(builder.add(
                        new Convolution(Constant.of(new float[3 * 2], 2, 3, 1, 1), null, 1, 0, 1), images)))) {
            TorchScriptFile.write(file, graph, 8, Map.of());
        }
        Weights weights = Weights.read(file);
        assertThat(weights.hasLayerNames()).isFalse();
        assertThatThrownBy(() -> weights.into(Map.of()))
                .isInstanceOf(WeightsException.class)
                .hasMessage(file + " is a TorchScript export of this library, in which layers have lost their names;"
                        + " start a training from it (train --init, or Recognizer.startFrom(weights, faces)), or else"
                        + " use the model that it was exported from, or an export of that as ONNX");
    }

    @Test
    void readsAReportedTorchScriptArchive() {
        Path file = SharedFiles.orSkip("bugs/W3-torchscript-as-weights.pt");
        assertThat(Weights.read(file).names()).containsExactly("fc.weight", "fc.bias");
    }
}
