package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LibtorchTest {
    private static List<String> hidden = List.of();

    static {
        Libtorch.load();
    }

    @Test
    void usesSeveralThreadsOnSeveralProcessors() throws IOException {
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
        assertThat(withHiddenCaches())
                .filteredOn(line -> line.startsWith("threads"))
                .singleElement()
                .isNotEqualTo("threads: 1");
    }

    /** The tests run with one, so that they do not wait for threads that other tests keep from running. */
    @Test
    void usesTheNumberOfThreadsThatIsGivenToItAlone() {
        String given = System.getenv("MKL_NUM_THREADS");
        assumeThat(given).isEqualTo("1");
        assumeThat(Processors.given()).isEmpty();
        assertThat(torch.get_num_threads()).isEqualTo(1);
        assertThat(CompletableFuture.supplyAsync(torch::get_num_threads, task -> new Thread(task).start())
                        .join())
                .isEqualTo(1);
    }

    /** Keeps libtorch to AVX, as on some machines, and starts a program. */
    static final class KeptToAvx {
        private KeptToAvx() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            OneDnnInstructions.keepToAvx();
            new ProcessBuilder("sh", "-c", "echo \"limit: ${ONEDNN_MAX_CPU_ISA-none}\"")
                    .inheritIO()
                    .start()
                    .onExit()
                    .join();
        }
    }

    /** Hides the caches from oneDNN, as some virtual machines do, and computes what crashed there. */
    static final class HiddenCaches {
        private HiddenCaches() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            System.out.println("threads: " + torch.get_num_threads());
            OneDnnInstructions.use();
            OneDnnCaches caches = OneDnnCaches.ofLibtorch().orElseThrow();
            IntBuffer cpu = caches.read();
            System.out.println("levels: " + cpu.get(OneDnnCaches.LEVELS));
            for (int level = 0; level < 3; level++) {
                cpu.put(OneDnnCaches.SIZES + level, 1).put(OneDnnCaches.SHARING + level, 1);
            }
            caches.write(cpu.put(OneDnnCaches.LEVELS, 3));
            System.out.println("repaired: " + caches.repair() + ", again: " + caches.repair());
            computeWithAKernelOfOnePixel(64, 256, 8, 1);
            System.out.println("computed");
        }
    }

    /** They divided by what fits into a cache, which was zero. */
    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void hiddenCachesAreTakenForCommonOnes() throws IOException {
        assertThat(withHiddenCaches())
                .filteredOn(line -> line.matches("(levels|repaired|computed).*"))
                .satisfiesExactly(
                        levels -> assertThat(levels).matches("levels: [0-4]"),
                        repaired -> assertThat(repaired).isEqualTo("repaired: true, again: false"),
                        computed -> assertThat(computed).isEqualTo("computed"));
    }

    /** Returns what {@link HiddenCaches} prints; it is run once. */
    private static synchronized List<String> withHiddenCaches() throws IOException {
        if (hidden.isEmpty()) {
            try (BufferedReader output = child(HiddenCaches.class).start().inputReader()) {
                hidden = output.lines().toList();
            }
        }
        return hidden;
    }

    /** They inherited the limit: Python's PyTorch took 3 to 25 times as long when a Java program started it. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void programsThatThisProcessStartsAreNotKeptToAvx() throws IOException {
        try (BufferedReader output = child(KeptToAvx.class).start().inputReader()) {
            assertThat(output.lines()).contains("limit: none");
        }
    }

    private static ProcessBuilder child(Class<?> main) {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName());
        builder.environment()
                .keySet()
                .removeAll(Set.of("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "OMP_NUM_THREADS", "MKL_NUM_THREADS"));
        return builder;
    }

    /**
     * The convolutions of ResNet-50 for small images. They died of a division by zero on virtual machines that hide the
     * processor's caches.
     */
    @ParameterizedTest
    @CsvSource({"64, 256, 8, 1", "256, 512, 8, 2", "512, 1024, 4, 2", "1024, 2048, 2, 2"})
    void convolutionsWithAKernelOfOnePixelDoNotCrash(long inputs, long outputs, long size, long stride) {
        computeWithAKernelOfOnePixel(inputs, outputs, size, stride);
    }

    private static void computeWithAKernelOfOnePixel(long inputs, long outputs, long size, long stride) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            long[] strides = {stride, stride};
            long[] zeros = {0, 0};
            long[] ones = {1, 1};
            Tensor weight = torch.ones(outputs, inputs, 1, 1).contiguous(MemoryFormat.ChannelsLast);
            for (long batch : new long[] {1, 2, 4, 5, 16}) {
                Tensor x = torch.ones(batch, inputs, size, size).contiguous(MemoryFormat.ChannelsLast);
                Tensor y = torch.conv2d(x, weight, new TensorOptional(), strides, zeros, ones, 1);
                assertThat(y.max().item_double()).isEqualTo(inputs);
            }
        }
    }
}
