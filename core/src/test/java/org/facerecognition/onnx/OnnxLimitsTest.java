package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.EngineRuns;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Small files of strangers that would fill the memory, take forever, or end the thread that reads them. */
class OnnxLimitsTest {
    private static final InputContract PLAIN = InputContract.parse("RGB mean=0 std=1");

    @TempDir
    private Path folder;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    /**
     * A convolution that adds red, 10 times green and 100 times blue, as {@code y}.
     *
     * @param output {@code y}, or what is made of it
     */
    private static OnnxModelWriter colors(String output) {
        return new OnnxModelWriter(17)
                .input("images", FREE, 3, 1, 1)
                .output(output, FREE, 1)
                .floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Conv", "images w -> c")
                .node("Flatten", "c -> y");
    }

    /** A byte of the file would take 8 bytes, and more while they are read. */
    @Test
    void limitsNumbersOutsideOfRawData() throws IOException, InterruptedException {
        int count = 6_000_000;
        Path file = colors("y").written("many", 6, new long[count], count).write(folder.resolve("many.onnx"));
        Process reader = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reader.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(reader.waitFor()).as(output).isZero();
        assertThat(output)
                .contains("numbers outside of raw data in this Java heap, but has more; give Java more memory");
    }

    /** Prints why a file is refused. */
    static final class Reader {
        private Reader() {}

        public static void main(String[] args) {
            try {
                ProtoReader.read(Path.of(args[0]));
            } catch (WeightsException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** A sparse file beside a small model claims to hold them. */
    @Test
    void limitsIntegersThatAreReadAtOnce() {
        long[] shape = {1 << 12, 1 << 13};
        TensorProto table =
                new TensorProto("table", TensorProto.INT8, shape, new TensorProto.InFile(folder, 0, 1 << 25));
        assertThatThrownBy(() -> Known.of(table))
                .isInstanceOf(Uncovered.class)
                .hasMessage("constant table is of 33554432 integers, but must be of at most 16777216");
    }

    /** Java kept, for each thread, as much memory outside of its heap as the largest constant has. */
    @Test
    void readsConstantsInPieces() throws Exception {
        int bytes = 64 << 20;
        int start = 1 << 20;
        int[] places = {0, (256 << 10) - 8, 256 << 10, start - 8, bytes - 8}; // around the ends of pieces
        Path file = folder.resolve("w.bin");
        try (RandomAccessFile values = new RandomAccessFile(file.toFile(), "rw")) {
            values.setLength(1 + bytes);
            for (int place : places) {
                values.seek(1 + place);
                values.writeLong(Long.reverseBytes(0x3f80_4000_3f80_4000L + place)); // floats, halves or integers
            }
        }
        var whole = new TensorProto.InFile(file, 1, bytes);
        var part = new TensorProto.InFile(file, 1, start);
        BufferPoolMXBean direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .findFirst()
                .orElseThrow();
        FutureTask<Long> reading = new FutureTask<>(() -> {
            long before = direct.getMemoryUsed();
            float[] floats = new TensorProto("w", TensorProto.FLOAT, new long[] {bytes / 4}, whole)
                    .constant()
                    .values();
            float[] halves = new TensorProto("w", TensorProto.FLOAT16, new long[] {start / 2}, part)
                    .constant()
                    .values();
            long[] integers = new TensorProto("w", TensorProto.INT64, new long[] {start / 8}, part).numbers();
            for (int place : places) {
                assertThat(floats[place / 4]).isEqualTo(Float.intBitsToFloat(0x3f80_4000 + place));
            }
            for (int i = 0; i < 4; i++) {
                int place = places[i];
                assertThat(halves[place / 2 + 2]).isEqualTo(2);
                assertThat(integers[place / 8]).isEqualTo(0x3f80_4000_3f80_4000L + place);
            }
            return direct.getMemoryUsed() - before;
        });
        new Thread(reading).start(); // it has no such memory yet
        assertThat(reading.get()).isLessThan(1 << 20);
    }

    /** Small files that would fill the memory or take forever. */
    @Test
    void limitsWhatIsComputedFromConstants() {
        OnnxModelWriter doubling = colors("y").integers("size", 1 << 23).node("ConstantOfShape", "size -> c0");
        for (int i = 0; i < 100; i++) {
            doubling.node("Add", "c%d c%d -> c%d".formatted(i, i, i + 1));
        }
        Path file = doubling.node("Mul", "y c100 -> z").output("z", FREE, 5).write(folder.resolve("x.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.uncovered().orElseThrow()).contains("values are computed from constants");
        }
        OnnxModelWriter converting = colors("y").integers("size", 1 << 22).node("ConstantOfShape", "size -> c0");
        for (int i = 0; i < 100; i++) { // from floats to integers and back
            converting.node("Cast", "c%d -> c%d".formatted(i, i + 1), attribute("to", i % 2 == 0 ? 7 : 1));
        }
        Path casts = converting.node("Mul", "y c100 -> z").output("z", FREE, 5).write(folder.resolve("casts.onnx"));
        try (OnnxModel model = OnnxModel.open(casts, PLAIN)) {
            assertThat(model.uncovered().orElseThrow()).contains("values are computed from constants");
        }
        String many = "y ".repeat(150_000).strip();
        Path wide = colors("y")
                .node("Sum", many + " -> a")
                .node("Sum", "a ".repeat(40_000).strip() + " -> z")
                .output("z", FREE, 5)
                .write(folder.resolve("wide.onnx"));
        try (OnnxModel model = OnnxModel.open(wide, PLAIN)) {
            assertThat(model.graph()).isEmpty();
        }
        Path wider = colors("y")
                .node("Sum", many + " " + many + " -> z")
                .output("z", FREE, 5)
                .write(folder.resolve("wider.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(wider, PLAIN))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("more than 200000 nodes");
    }

    /** A detector whose output depends on itself used to be followed forever. */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aDetectorThatDependsOnItselfIsNotCovered() {
        Path file = new OnnxModelWriter(11)
                .input("images", 1, 3, 64, 64)
                .output("o", 1, FREE, 1)
                .node("Transpose", "p -> o")
                .node("Reshape", "o -> p")
                .write(folder.resolve("x.onnx"));
        assertThatThrownBy(() -> DetectorGraph.read(file, List.of("o"))).isInstanceOf(Uncovered.class);
    }

    /** Values that only change their shape many times; reading them used to take two calls for each. */
    @Test
    void reshapesAConstantManyTimes() throws Exception {
        OnnxModelWriter writer = colors("z").floats("c0", new float[] {2}, 1).integers("to", 1);
        for (int i = 0; i < 40_000; i++) {
            writer.node("Reshape", "c%d to -> c%d".formatted(i, i + 1));
        }
        Path file = writer.node("Mul", "y c40000 -> z").write(folder.resolve("x.onnx"));
        FutureTask<OnnxModel> opening = new FutureTask<>(() -> OnnxModel.open(file, PLAIN));
        new Thread(null, opening, "small-stack", 1 << 19).start();
        try (OnnxModel model = opening.get()) {
            assertThat(EngineRuns.all(model.graph().orElseThrow(), new float[] {1, 1, 1}, 1)
                            .get("oneDNN")[0])
                    .containsExactly(222);
        }
    }

    /** Each part used to be a copy of all parts before it. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void joinsManyConstantsInOneGo() {
        Path file = colors("z")
                .integers("k", new long[80])
                .node("Concat", "k ".repeat(180_000).strip() + " -> big", attribute("axis", 0))
                .node("Cast", "big -> reals", attribute("to", 1))
                .node("Mul", "y reals -> z")
                .write(folder.resolve("x.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.uncovered().orElseThrow()).contains("a constant of the shape [14400000] is not");
        }
    }

    @Test
    void limitsTheValuesOfAResult() {
        long border = 1 << 20;
        Path file = new OnnxModelWriter(17)
                .input("images", FREE, 3, 16, 16)
                .output("y", FREE, 1, FREE, FREE)
                .floats("w", new float[] {1, 10, 100}, 1, 3, 1, 1)
                .node("Conv", "images w -> y", attribute("pads", new long[] {border, border, border, border}))
                .write(folder.resolve("x.onnx"));
        try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
            assertThat(model.uncovered().orElseThrow()).contains("values per image");
        }
    }
}
