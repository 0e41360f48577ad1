package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafeTensorsTest {
    @TempDir
    Path folder;

    private PointerScope scope;

    @BeforeEach
    void openScope() {
        scope = new PointerScope();
    }

    @AfterEach
    void closeScope() {
        scope.close();
    }

    private Path write(Map<String, Tensor> tensors) {
        Path file = folder.resolve("some.safetensors");
        SafeTensors.write(file, tensors, Map.of("who", "J\u00fcrgen \"\u4e16\u754c\"", "empty", ""));
        return file;
    }

    @Test
    void writesATensorInPartsAndReadsARangeOfItsRows() {
        Tensor table = torch.randn(7, 3).to(ScalarType.BFloat16);
        Tensor other = torch.randn(7, 3);
        Map<String, TensorParts> tensors = new LinkedHashMap<>();
        tensors.put("first", TensorParts.of(other));
        tensors.put("table", new TensorParts(ScalarType.BFloat16, new long[] {7, 3}, writer -> {
            writer.accept(table.narrow(0, 0, 4));
            writer.accept(table.narrow(0, 4, 0));
            writer.accept(table.narrow(0, 4, 3));
        }));
        tensors.put("last", TensorParts.of(other));
        Path path = folder.resolve("parts.safetensors");
        SafeTensors.writeParts(path, tensors, Map.of());
        try (SafeTensors file = SafeTensors.open(path)) {
            assertThat(bytes(file.read("table"))).isEqualTo(bytes(table));
            SafeTensors some = file.rows("table"::equals, 2, 4);
            assertThat(some.shape("table")).containsExactly(4, 3);
            assertThat(bytes(some.read("table")))
                    .isEqualTo(bytes(table.narrow(0, 2, 4).contiguous()));
            assertThat(bytes(some.read("last"))).isEqualTo(bytes(other));
            assertThat(file.rows("table"::equals, 7, 0).read("table").numel()).isZero();
            assertThatThrownBy(() -> file.rows("table"::equals, 5, 3))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(path + ": tensor \"table\" must have at least 8 rows, but is [7, 3]");
        }
    }

    @Test
    void readsBitForBitWhatWasWritten() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("z.first", torch.randn(3, 5));
        tensors.put("channels last", torch.randn(4, 3, 2, 2).contiguous(MemoryFormat.ChannelsLast));
        tensors.put("a scalar", torch.tensor(7L));
        tensors.put("none", torch.zeros(0, 4));
        tensors.put("half", torch.randn(9).to(ScalarType.Half));
        tensors.put("bfloat", torch.randn(9).to(ScalarType.BFloat16));
        tensors.put("double", torch.randn(9).to(ScalarType.Double));
        tensors.put("bytes", torch.arange(new Scalar(256)).to(ScalarType.Byte));
        tensors.put("truth", torch.randn(9).gt(new Scalar(0.0)));
        tensors.put("nan", Tensor.create(Float.NaN, Float.NEGATIVE_INFINITY, -0f, Float.MIN_VALUE));
        SafeTensors file = SafeTensors.open(write(tensors));

        assertThat(file.names()).containsExactlyElementsOf(tensors.keySet());
        assertThat(file.metadata())
                .containsEntry("who", "J\u00fcrgen \"\u4e16\u754c\"")
                .containsEntry("empty", "");
        tensors.forEach((name, tensor) -> {
            Tensor read = file.read(name);
            assertThat(read.scalar_type().value).as(name).isEqualTo(tensor.scalar_type().value);
            assertThat(bytes(read)).as(name).isEqualTo(bytes(tensor));
            assertThat(file.shape(name)).isEqualTo(Shape.of(tensor).toArray());
        });
    }

    /** Formerly, the temporary file was named by the process id alone, which mixed the weights of two threads. */
    @Test
    void concurrentWritersLeaveTheTensorsOfOneOfThem() throws Exception {
        Path file = folder.resolve("some.safetensors");
        for (int round = 0; round < 15; round++) {
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                Map<String, Tensor> tensors = new LinkedHashMap<>();
                for (int i = 0; i < 20; i++) {
                    tensors.put("w" + i, torch.full(new long[] {5_000}, new Scalar((double) thread)));
                }
                writers.add(CompletableFuture.runAsync(() -> SafeTensors.write(file, tensors, Map.of())));
            }
            writers.forEach(CompletableFuture::join);
            SafeTensors read = SafeTensors.open(file);
            Set<Float> values = new HashSet<>();
            for (String name : read.names()) {
                Tensor tensor = read.read(name);
                values.add(tensor.min().item_float());
                values.add(tensor.max().item_float());
            }
            assertThat(values).hasSize(1);
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    private static byte[] bytes(Tensor tensor) {
        Tensor flat = tensor.contiguous();
        byte[] bytes = new byte[(int) (flat.numel() * flat.element_size())];
        if (bytes.length > 0) {
            new BytePointer(flat.data_ptr()).get(bytes);
        }
        return bytes;
    }

    /** A ByteBuffer holds less than 2 GiB, and the centers of a million identities take as much. */
    @Test
    void readsLargeTensorsInParts() throws IOException {
        Path file = Files.write(
                folder.resolve("bytes"), bytes(torch.arange(new Scalar(100)).to(ScalarType.Int)));
        for (long maxBytesPerRead : new long[] {1, 7, 40, 392, 396, 1000}) {
            Tensor tensor = torch.zeros(9, 11).to(ScalarType.Int);
            TensorBytes.read(file, 4, tensor, maxBytesPerRead);
            assertThat(tensor.flatten()
                            .equal(torch.arange(new Scalar(1), new Scalar(100)).to(ScalarType.Int)))
                    .as("%d bytes per read", maxBytesPerRead)
                    .isTrue();
        }
        assertThatThrownBy(() -> TensorBytes.read(file, 8, torch.zeros(9, 11).to(ScalarType.Int), 40))
                .isInstanceOf(WeightsException.class)
                .hasMessage(file + " became shorter while it was read; another program may be writing to it");
    }

    /** Regression: each tensor had a buffer of 256 KiB, which only the garbage collector freed. */
    @Test
    void readsManyTensorsWithTheMemoryOfOne() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < 400; i++) {
            tensors.put("tensor" + i, torch.full(new long[] {5}, new Scalar((float) i)));
        }
        BufferPoolMXBean direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .findFirst()
                .orElseThrow();
        try (SafeTensors file = SafeTensors.open(write(tensors))) {
            long before = direct.getMemoryUsed();
            FloatBuffer values = FloatBuffer.allocate(5 * tensors.size());
            tensors.keySet().forEach(name -> file.readFloats(name, values));
            assertThat(direct.getMemoryUsed() - before).isLessThan(4 << 20);
            assertThat(values.get(5 * 399)).isEqualTo(399);
        }
    }

    @Test
    void rejectsAnUnknownName() {
        SafeTensors file = SafeTensors.open(write(Map.of("w", torch.zeros(1))));
        assertThatThrownBy(() -> file.read("v"))
                .isInstanceOf(WeightsException.class)
                .hasMessage(file.file() + " has no tensor \"v\"");
    }

    @Test
    void rejectsAFileTruncatedAnywhere() throws IOException {
        byte[] whole = Files.readAllBytes(write(Map.of("a", torch.randn(50), "b", torch.randn(3, 3))));
        Path truncated = folder.resolve("truncated.safetensors");
        for (int length = 0; length < whole.length; length++) {
            Files.write(truncated, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> SafeTensors.open(truncated))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(truncated.toString());
        }
    }

    @Test
    void readsOrRejectsAFileWithChangedBytes() throws IOException {
        byte[] whole = Files.readAllBytes(write(Map.of("a", torch.randn(50), "b", torch.randn(3, 3))));
        Path damaged = folder.resolve("damaged.safetensors");
        Random random = new Random(5);
        int read = 0;
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = whole.clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                bytes[random.nextInt(250)] = (byte) random.nextInt(256);
            }
            Files.write(damaged, bytes);
            try (PointerScope inner = new PointerScope()) {
                SafeTensors file = SafeTensors.open(damaged);
                file.names().forEach(file::read);
                read++;
            } catch (WeightsException e) {
                assertThat(e).hasMessageContaining(damaged.toString());
            }
        }
        assertThat(read).isBetween(1, 1999);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | must have 8 bytes, but its data offsets were [0, 4)",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | has the impossible shape [-1]",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4000000000,4000000000],\"data_offsets\":[0,4]}} | has the impossible shape",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}} | has the impossible shape [1.5]",
                "{\"a\":{\"dtype\":\"X9\",\"shape\":[1],\"data_offsets\":[0,4]}} | must be of a known type, but was \"X9\"",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}} | is truncated: tensor \"a\" ends at byte 12 of 8",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}} | but its data offsets were [-4, 0)",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | tensors \"a\" and \"b\" must not overlap",
                "{\"a\":7} | must be of a known type",
                "[1,2] | its header is not a JSON object",
                "{{{{ | its header is not valid JSON"
            })
    void rejectsAnInvalidHeader(String json, String sentence) throws IOException {
        byte[] text = json.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + 8).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(text.length).put(text);
        Path file = Files.write(folder.resolve("hostile.safetensors"), bytes.array());

        assertThatThrownBy(() -> SafeTensors.open(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(sentence);
    }

    /** One tensor of such a type used to make the whole file unreadable, wherever it belongs to. */
    @ParameterizedTest
    @CsvSource({"U16, 2", "U32, 4", "U64, 8", "F8_E4M3, 1", "F8_E5M2, 1", "C64, 8"})
    void leavesOverTensorsOfTypesThatItDoesNotRead(String type, int size) throws IOException {
        String json = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"head.t\":{\"dtype\":\"%s\","
                + "\"shape\":[2],\"data_offsets\":[4,%d]}}";
        byte[] text = json.formatted(type, 4 + 2 * size).getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + 4 + 2 * size).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(text.length).put(text).putFloat(3);
        Path path = Files.write(folder.resolve("types.safetensors"), bytes.array());
        Tensor w = torch.zeros(1);
        assertThat(Weights.read(path).into(Map.of("w", w)).unexpected()).containsExactly("head.t");
        assertThat(w.item_float()).isEqualTo(3);
        assertThatThrownBy(() -> Weights.read(path).into(Map.of("w", w, "head.t", torch.zeros(2))))
                .isInstanceOf(WeightsException.class)
                .hasMessage(path + ": tensor \"head.t\" must be of a type such as F32, F16 or I64, but was " + type
                        + "; convert it first");
        Path shorter =
                Files.write(folder.resolve("shorter.safetensors"), Arrays.copyOf(bytes.array(), bytes.limit() - 1));
        assertThatThrownBy(() -> SafeTensors.open(shorter)).hasMessageContaining("is truncated: tensor \"head.t\"");
    }

    @Test
    void rejectsAHeaderLengthBeyondTheFile() throws IOException {
        for (long length : new long[] {Long.MAX_VALUE, 1L << 31, -1, 1000}) {
            byte[] bytes = ByteBuffer.allocate(100)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(length)
                    .array();
            Path file = Files.write(folder.resolve("huge.safetensors"), bytes);
            assertThatThrownBy(() -> SafeTensors.open(file))
                    .hasMessageContaining("is truncated or not a safetensors file");
        }
    }

    @Test
    void readsTheOpenedFileAfterItWasReplacedOrDeleted() throws IOException {
        try (SafeTensors opened = SafeTensors.open(write(Map.of("w", torch.ones(3))))) {
            // the longer header shifts the values
            SafeTensors.write(opened.file(), Map.of("w", torch.zeros(3)), Map.of("note", "x".repeat(100)));
            assertThat(opened.read("w").equal(torch.ones(3))).isTrue();
            Files.delete(opened.file());
            assertThat(opened.read("w").equal(torch.ones(3))).isTrue();
        }
    }

    /** The names and places are those of the header that was read before. */
    @Test
    void refusesAFileThatWasOverwrittenInPlace() throws IOException {
        try (SafeTensors opened = SafeTensors.open(write(Map.of("w", torch.ones(3))))) {
            assertThat(opened.read("w").equal(torch.ones(3))).isTrue();
            byte[] others = Files.readAllBytes(opened.file());
            Arrays.fill(others, others.length - 12, others.length, (byte) 0);
            FileTime before = Files.getLastModifiedTime(opened.file());
            Files.write(opened.file(), others);
            Files.setLastModifiedTime(opened.file(), FileTime.fromMillis(before.toMillis() + 1000));
            String sentence = opened.file() + " was changed after it had been opened; open it again";
            assertThatThrownBy(() -> opened.read("w"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(sentence);
            assertThatThrownBy(() -> opened.readFloats("w", FloatBuffer.allocate(3)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(sentence);
            assertThatThrownBy(() -> opened.rows(name -> true, 0, 1).read("w"))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(sentence);
        }
    }

    @Test
    void rejectsReadingFromAClosedFile() {
        SafeTensors closed = SafeTensors.open(write(Map.of("w", torch.ones(3))));
        closed.close();
        assertThatThrownBy(() -> closed.read("w"))
                .isInstanceOf(WeightsException.class)
                .hasMessage("weights file " + closed.file() + " cannot be read: it is closed");
    }

    @Test
    void rejectsAMissingFile() {
        assertThatThrownBy(() -> SafeTensors.open(folder.resolve("nowhere")))
                .isInstanceOf(WeightsException.class)
                .hasMessage("file " + folder.resolve("nowhere") + " does not exist");
    }

    @Test
    void leavesNoTemporaryFiles() throws IOException {
        Path file = write(Map.of("a", torch.randn(5)));
        SafeTensors.write(file, Map.of("b", torch.randn(5)), Map.of());
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
        assertThat(SafeTensors.open(file).names()).containsExactly("b");
    }

    /** A file with a larger header than readers take used to be written, and to be called truncated afterwards. */
    @Test
    void aHeaderThatNoReaderTakesIsNotWritten() {
        Path file = folder.resolve("large.safetensors");
        assertThatThrownBy(() ->
                        SafeTensors.write(file, Map.of(), Map.of("note", "short", "identities", "x".repeat(101 << 20))))
                .isInstanceOf(WeightsException.class)
                .hasMessage("the header of a safetensors file must have at most 100 MiB, but would have 101, most of it"
                        + " in the metadata \"identities\"; use shorter names");
        assertThat(file).doesNotExist();
    }

    /** The names of two million people are one text; a model with them used to be called damaged. */
    @Test
    void readsMetadataOfMoreThanTwentyMillionCharacters() {
        Path file = folder.resolve("people.safetensors");
        SafeTensors.write(file, Map.of(), Map.of("identities", "x".repeat(21_000_000)));
        try (SafeTensors opened = SafeTensors.open(file)) {
            assertThat(opened.metadata().get("identities")).hasSize(21_000_000);
        }
    }

    @Test
    void saysThatAnInterruptClosedTheFile() {
        Path file = folder.resolve("a.safetensors");
        try (PointerScope scope = new PointerScope()) {
            SafeTensors.write(file, Map.of("a", torch.ones(4)), Map.of());
        }
        try (SafeTensors opened = SafeTensors.open(file)) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> opened.readFloats("a", FloatBuffer.allocate(4)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining("this thread was interrupted");
        } finally {
            Thread.interrupted();
        }
    }

    /** Opens a file in a small heap. */
    static final class Opening {
        private Opening() {}

        public static void main(String[] args) {
            try (SafeTensors file = SafeTensors.open(Path.of(args[0]))) {
                System.out.println(file.names().size());
            } catch (WeightsException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** Ten megabytes of header, whose tree takes hundreds, ended in an OutOfMemoryError. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":[%s]}", "{\"__metadata__\":{\"a\":[%s]}}"})
    void aHeaderThatDoesNotFitIntoTheHeapIsRefused(String form) throws Exception {
        byte[] header = form.formatted("{},".repeat(3_500_000) + "{}").getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length);
        Path file = Files.write(
                folder.resolve("bomb.safetensors"), bytes.put(header).array());
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Opening.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(child.inputReader().lines())
                .containsExactly(file + " is refused: its header must fit into memory, but it has more values than fit"
                        + " into this Java heap; give Java more memory (-Xmx)");
    }
}
