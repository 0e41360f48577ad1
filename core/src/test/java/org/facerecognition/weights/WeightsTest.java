package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Golden;
import org.facerecognition.SharedFiles;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests with files written by Python; {@code weights/make.py} writes them. */
class WeightsTest {
    @TempDir
    Path folder;

    static Path resource(String name) {
        try {
            return Path.of(WeightsTest.class.getResource("/weights/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertSums(Weights weights, JsonNode expected) {
        List<String> names = new ArrayList<>();
        expected.fieldNames().forEachRemaining(names::add);
        assertThat(weights.names()).isEqualTo(names);
        for (String name : names) {
            try (PointerScope scope = new PointerScope()) {
                Tensor tensor = weights.read(name);
                assertThat(Arrays.stream(weights.shape(name)).asDoubleStream().toArray())
                        .as(name)
                        .isEqualTo(Golden.numbers(expected.get(name).get(0)));
                assertThat(Shape.of(tensor)).isEqualTo(Shape.of(weights.shape(name)));
                double sum = expected.get(name).get(1).asDouble();
                assertThat(tensor.to(ScalarType.Double).sum().item_double())
                        .as(name)
                        .isCloseTo(sum, within(1e-9 * Math.max(1, Math.abs(sum))));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zip.pth", "old.pth", "parallel.pth", "nested.pth", "twice.pth"})
    void readsAStateDictInEveryForm(String file) {
        assertSums(
                Weights.read(resource(file)), Golden.read("/weights/sums.json").get("zip.pth"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"odd.pth", "odd-old.pth"})
    void readsAllTypesViewsAndLayouts(String file) {
        Weights weights = Weights.read(resource(file));
        assertSums(weights, Golden.read("/weights/sums.json").get("odd.pth"));
        try (PointerScope scope = new PointerScope()) {
            Tensor transposed = weights.read("transposed"); // 0 3; 1 4; 2 5
            assertThat(transposed.is_contiguous()).isTrue();
            assertThat(transposed.get(1).get(1).item_float()).isEqualTo(4);
            Tensor second = weights.read("second"); // the middle of a shared storage
            assertThat(second.get(0).get(0).item_float()).isEqualTo(4);
            assertThat(weights.read("bfloat").scalar_type().value).isEqualTo(ScalarType.BFloat16.value);
            assertThat(weights.read("long").get(1).item_long()).isEqualTo(-(1L << 40));
        }
    }

    @Test
    void readsAPublishedCheckpointInTheOldFormat() {
        Path file = SharedFiles.orSkip("weights/cifar-resnet/resnet20-12fca82f.th");
        assertSums(Weights.read(file), Golden.read("/weights/sums.json").get("old checkpoint"));
    }

    @Test
    void aPublishedFaceModelFitsItsEncoder() {
        Path file = SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt");
        try (Backbone net = Encoder.MOBILEFACENET.create("conv3", List.of(128))) {
            assertThat(Weights.read(file).into(net))
                    .isEqualTo(new Weights.Report(307, List.of(), List.of(), List.of()));
        }
    }

    @Test
    void readsBitForBitWhatWasWrittenAsSafetensors() {
        Weights pickled = Weights.read(resource("odd.pth"));
        Path file = folder.resolve("odd.safetensors");
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            pickled.names().forEach(name -> tensors.put(name, pickled.read(name)));
            SafeTensors.write(file, tensors, Map.of("licence", "Apache-2.0"));
            Weights written = Weights.read(file);
            assertThat(written.names()).isEqualTo(pickled.names());
            assertThat(written.metadata()).containsEntry("licence", "Apache-2.0");
            tensors.forEach((name, tensor) ->
                    assertThat(written.read(name).equal(tensor)).as(name).isTrue());
        }
    }

    // ---- loading into a network ----

    private static Map<String, Tensor> net() {
        Map<String, Tensor> net = new LinkedHashMap<>();
        net.put("conv.weight", torch.zeros(4, 3, 3, 3));
        net.put("conv.bias", torch.zeros(4));
        net.put("bn.weight", torch.zeros(4));
        net.put("bn.bias", torch.ones(4));
        net.put("bn.running_mean", torch.ones(4));
        net.put("bn.running_var", torch.zeros(4));
        net.put("bn.num_batches_tracked", torch.zeros(new long[0]).to(ScalarType.Long));
        net.put("fc.weight", torch.zeros(2, 4));
        net.put("fc.bias", torch.zeros(2));
        return net;
    }

    @Test
    void copiesTensorsByName() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = net();
            Weights weights = Weights.read(resource("zip.pth"));
            assertThat(weights.into(net).loaded()).isEqualTo(9);
            net.forEach((name, tensor) ->
                    assertThat(tensor.equal(weights.read(name))).as(name).isTrue());
        }
    }

    @Test
    void namesAllDifferencesAndChangesNothing() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = net();
            net.put("fc.weight", torch.zeros(5, 4));
            net.remove("fc.bias");
            net.put("fc2.bias", torch.zeros(5));
            Weights weights = Weights.read(resource("zip.pth"));
            assertThatThrownBy(() -> weights.into(net))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(resource("zip.pth") + " does not fit this network; use it with the network it was saved"
                            + " from, or, in Java, allow the differences. Missing in the file: fc2.bias. With another"
                            + " shape: fc.weight must be [5, 4], but was [2, 4]. Not in the network: fc.bias.");
            assertThat(net.get("conv.weight").any().item_bool()).isFalse();

            Weights.Report report = weights.allowing("fc*").into(net);
            assertThat(report.missing()).containsExactly("fc2.bias");
            assertThat(report.unexpected()).containsExactly("fc.bias");
            assertThat(report.misshapen()).containsExactly("fc.weight must be [5, 4], but was [2, 4]");
            assertThat(report.loaded()).isEqualTo(7);
            assertThat(net.get("conv.weight").any().item_bool()).isTrue();
            assertThat(net.get("fc.weight").any().item_bool()).isFalse();
        }
    }

    @Test
    void doesNotTreatPatternsAsRegularExpressions() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = net();
            net.remove("fc.bias");
            assertThatThrownBy(() -> Weights.read(resource("zip.pth"))
                            .allowing("fc?.*", "f.*")
                            .into(net))
                    .hasMessageContaining("Not in the network: fc.bias.");
        }
    }

    @Test
    void allowsTheBatchCounterToBeMissing() {
        try (PointerScope scope = new PointerScope()) {
            Weights weights = Weights.read(resource("zip.pth"))
                    .renamed(name -> name.endsWith("num_batches_tracked") ? null : name);
            assertThat(weights.into(net()).loaded()).isEqualTo(8);
        }
    }

    @Test
    void renamesTensors() {
        Weights weights = Weights.read(resource("zip.pth")).renamed(name -> "encoder." + name);
        assertThat(weights.names()).contains("encoder.fc.bias").doesNotContain("fc.bias");
        assertThat(weights.shape("encoder.fc.weight")).containsExactly(2, 4);
        assertThatThrownBy(() -> weights.renamed(name -> "x"))
                .hasMessageEndingWith(": two tensors must not be renamed to \"x\"");
        assertThatThrownBy(() -> weights.read("fc.bias")).hasMessageEndingWith(" has no tensor \"fc.bias\"");
    }

    @Test
    void rejectsNanWeights() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = Map.of("weight", torch.zeros(2));
            assertThatThrownBy(() -> Weights.read(resource("nan.pth")).into(net))
                    .hasMessage(
                            resource("nan.pth") + ": tensor \"weight\" must be finite, but contains NaN or infinity;"
                                    + " its training has diverged, so use an earlier file");
            assertThat(net.get("weight").any().item_bool()).isFalse();
        }
    }

    /** A double of 1e300 became infinity in the network. */
    @Test
    void rejectsValuesBeyondTheNetworksType() {
        try (PointerScope scope = new PointerScope()) {
            Path file = folder.resolve("large.safetensors");
            SafeTensors.write(
                    file, Map.of("weight", torch.ones(2).to(ScalarType.Double).mul(new Scalar(1e300))), Map.of());
            Map<String, Tensor> net = Map.of("weight", torch.zeros(2));
            assertThatThrownBy(() -> Weights.read(file).into(net))
                    .hasMessage(file + ": tensor \"weight\" must fit into the network's type float, but has larger"
                            + " values; its training has diverged, so use an earlier file");
            assertThat(net.get("weight").any().item_bool()).isFalse();
            Weights.read(file).into(Map.of("weight", torch.zeros(2).to(ScalarType.Double)));
        }
    }

    /** A quantized network's integers have scales beside them; without these, they "fitted". */
    @Test
    void rejectsIntegersForWeights() {
        try (PointerScope scope = new PointerScope()) {
            Path file = folder.resolve("int8.safetensors");
            SafeTensors.write(file, Map.of("weight", torch.ones(2).to(ScalarType.Char)), Map.of());
            Map<String, Tensor> net = Map.of("weight", torch.zeros(2));
            assertThatThrownBy(() -> Weights.read(file).into(net))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(file + ": tensor \"weight\" must be of a floating-point type, but was I8; dequantize it"
                            + " in Python");
            Weights pickled = Weights.read(resource("odd.pth")).renamed(name -> name.equals("long") ? "weight" : null);
            Map<String, Tensor> other = Map.of("weight", torch.zeros(pickled.shape("weight")));
            assertThatThrownBy(() -> pickled.into(other))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("must be of a floating-point type, but was I64");
            assertThat(net.get("weight").any().item_bool()).isFalse();
            assertThat(other.get("weight").any().item_bool()).isFalse();
            pickled.into(Map.of("weight", torch.zeros(pickled.shape("weight")).to(ScalarType.Long)));
        }
    }

    // ---- malicious and damaged files ----

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "evil.pth | is refused: it asks for Python's posix.system, which no state dict needs. Nothing of it was executed",
                "evil-old.pth | is refused: it asks for Python's posix.system",
                "whole-model.pth | holds a whole pickled network (Python's __main__.Net) rather than its weights",
                "compressed.pth | in it is compressed, which torch.save does not do",
                "no-weights.pth | must hold a state dict (names and tensors)"
            })
    void rejectsFilesThatAreNotStateDicts(String file, String sentence) {
        assertThatThrownBy(() -> Weights.read(resource(file)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(resource(file).toString())
                .hasMessageContaining(sentence);
        assertThat(Path.of("/tmp/face-recognition-was-here")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8002 58 ffffff7f 61", // a string of 2 GiB
                "8002 8d ffffffffffffff7f 61", // a string of 8 EiB
                "8002 8b ffffff7f 01", // an integer of 2 GiB
                "8002 42 ffffff7f 01", // bytes of 2 GiB
                "8002 72 ffffff7f 4e", // the last index of the memo
                "8002 28 28 28 28 28 28 2e", // only marks
                "8002 5d 71 00 68 00 61 2e" // a list that contains itself
            })
    void rejectsASmallPickleWithHugeClaimsWithoutAllocatingThem(String hex) throws IOException {
        byte[] pickle = HexFormat.of().parseHex(hex.replace(" ", ""));
        Path file = folder.resolve("claims.pth");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            ZipEntry entry = new ZipEntry("archive/data.pkl");
            CRC32 crc = new CRC32();
            crc.update(pickle);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(pickle.length);
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(pickle);
        }
        var allocated = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = allocated.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString());
        assertThat(allocated.getCurrentThreadAllocatedBytes() - before).isLessThan(16 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"zip.pth", "old.pth", "odd.pth", "odd-old.pth"})
    void rejectsAFileTruncatedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(resource(name));
        Path truncated = folder.resolve("truncated.pth");
        for (int length = 0; length < whole.length; length += 7) {
            Files.write(truncated, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> Weights.read(truncated))
                    .as("%d of %d bytes", length, whole.length)
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(truncated.toString());
        }
    }

    @Test
    void rejectsAPublishedFileTruncatedAtEvery64KiB() throws IOException {
        for (String name :
                List.of("weights/mobilefacenet/mobilefacenet.pt", "weights/cifar-resnet/resnet20-12fca82f.th")) {
            byte[] whole = Files.readAllBytes(SharedFiles.orSkip(name));
            Path truncated = folder.resolve("truncated.pth");
            for (int length = 0; length < whole.length; length += 1 << 16) {
                Files.write(truncated, Arrays.copyOf(whole, length));
                assertThatThrownBy(() -> Weights.read(truncated)).isInstanceOf(WeightsException.class);
            }
        }
    }

    @Test
    void rejectsMissingAndForeignFiles() throws IOException {
        assertThatThrownBy(() -> Weights.read(folder.resolve("nowhere.pth")))
                .hasMessage("weights file " + folder.resolve("nowhere.pth") + " does not exist");
        Path text = Files.writeString(folder.resolve("text.pth"), "<html>404</html> and some more text");
        assertThatThrownBy(() -> Weights.read(text))
                .hasMessage(text + " is a web page or other markup, not weights; fetch the file itself");
        Path other = Files.write(folder.resolve("other.pth"), new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        assertThatThrownBy(() -> Weights.read(other))
                .hasMessageContaining(other + " is truncated or not a safetensors file");
        assertThatThrownBy(() -> Weights.read(folder)).hasMessageContaining(folder.toString());
    }

    /** Other programs write such files too. */
    @Test
    void aDescriptionBesideTheFileThatIsNotOfTheCacheIsIgnored() throws IOException {
        Path file = folder.resolve("w.safetensors");
        try (PointerScope scope = new PointerScope()) {
            SafeTensors.write(file, Map.of("a", torch.ones(4)), Map.of());
        }
        Files.writeString(folder.resolve("w.safetensors.json"), "{oops");
        assertThat(Weights.read(file).metadata()).isEmpty();
    }

    /** The check has read everything before, so that only a file that changes in between can fail here. */
    @Test
    void saysThatTheNetworkIsIncompleteIfTheFileFailsDuringTheCopy() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> net = new LinkedHashMap<>(Map.of("a", torch.zeros(2)));
            net.put("b", torch.zeros(2));
            Weights weights = Weights.of(new FailingFile(4));
            assertThatThrownBy(() -> weights.into(net))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage("x.pth was replaced; 1 of 2 tensors of the network were replaced before, so load all of"
                            + " them again");
            assertThatThrownBy(() -> Weights.of(new FailingFile(2)).into(net)).hasMessage("x.pth was replaced");
        }
    }

    /** Two tensors of two ones; one of the readings fails. */
    private static final class FailingFile implements TensorFile {
        private final int failing;
        private int readings;

        FailingFile(int failing) {
            this.failing = failing;
        }

        @Override
        public Path file() {
            return Path.of("x.pth");
        }

        @Override
        public List<String> names() {
            return List.of("a", "b");
        }

        @Override
        public Map<String, String> metadata() {
            return Map.of();
        }

        @Override
        public long[] shape(String name) {
            return new long[] {2};
        }

        @Override
        public Tensor read(String name) {
            if (++readings == failing) {
                throw new WeightsException("x.pth was replaced");
            }
            return torch.ones(2);
        }
    }

    /** Values are read by their places in the file, which another checkpoint has elsewhere. */
    @Test
    void aCheckpointThatWasReplacedIsNotReadOn(@TempDir Path folder) throws IOException {
        Path file = Files.copy(resource("zip.pth"), folder.resolve("last.pth"));
        Weights weights = Weights.read(file);
        String name = weights.names().iterator().next();
        try (PointerScope scope = new PointerScope()) {
            assertThat(weights.read(name).numel()).isPositive();
            byte[] other = Files.readAllBytes(file);
            Files.delete(file);
            Files.write(file, Arrays.copyOf(other, other.length + 1));
            assertThatThrownBy(() -> weights.read(name))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(file + " was changed or replaced after it had been opened; open it again");
        }
    }
}
