package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledOnOs(OS.LINUX)
class SystemMemoryTest {
    private static final int BLOCK_MIB = 30; // below the threshold

    /** Prints the MiB of resident memory that a freed block has left, while freed memory is kept and afterwards. */
    static final class FreesBlocks {
        private FreesBlocks() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            block().close();
            long before = residentMiB();
            SystemMemory.Reuse other = SystemMemory.reuse();
            try (SystemMemory.Reuse reuse = SystemMemory.reuse()) {
                block().close();
            }
            long kept = residentMiB() - before;
            other.close();
            other.close(); // without effect
            System.out.println(kept + " " + (residentMiB() - before));
        }

        private static Tensor block() {
            return torch.ones(BLOCK_MIB << 18);
        }

        private static long residentMiB() throws IOException {
            return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) >> 8;
        }
    }

    /** Prints whether a large tensor is in a mapping for which large pages were asked, flag "hg". */
    static final class AsksForLargePages {
        private AsksForLargePages() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            try (Tensor large = torch.ones(BLOCK_MIB << 18)) {
                long address = large.data_ptr().address() + (4 << 20);
                boolean inside = false;
                for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
                    String[] words = line.split("[ -]");
                    if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                        inside = Long.parseUnsignedLong(words[0], 16) <= address
                                && address < Long.parseUnsignedLong(words[1], 16);
                    } else if (inside && words[0].equals("VmFlags:")) {
                        System.out.println("asked " + Arrays.asList(words).contains("hg"));
                    }
                }
            }
            System.out.println("inherited "
                    + new ProcessBuilder("env")
                            .start()
                            .inputReader()
                            .lines()
                            .anyMatch(line -> line.contains("THP_MEM")));
        }
    }

    @Test
    void freedMemoryIsKeptUntilTheLastReuseIsClosed() throws IOException {
        String[] left = run(FreesBlocks.class, Map.of()).get(0).split(" ");
        assertThat(Integer.parseInt(left[0])).as("MiB kept").isGreaterThan(BLOCK_MIB - 10);
        assertThat(Integer.parseInt(left[1])).as("MiB kept afterwards").isLessThan(10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"})
    void theEnvironmentDecidesWhatIsKept(String variable) throws IOException {
        String[] left =
                run(FreesBlocks.class, Map.of(variable, "131072")).get(0).split(" ");
        assertThat(Integer.parseInt(left[0])).as("MiB kept").isLessThan(10);
    }

    @Test
    void largeTensorsAreInLargePages() throws IOException {
        assumeThat(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")))
                .as("Linux with transparent huge pages")
                .isTrue();
        assertThat(run(AsksForLargePages.class, Map.of())).containsExactly("asked true", "inherited false");
        assertThat(run(AsksForLargePages.class, Map.of("THP_MEM_ALLOC_ENABLE", "0")))
                .containsExactly("asked false", "inherited true");
    }

    /** Returns what the main method of a class prints in a process of its own. */
    private static List<String> run(Class<?> main, Map<String, String> environment) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-Xms64m",
                "-XX:+AlwaysPreTouch",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment()
                .keySet()
                .removeAll(Set.of(
                        "GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "THP_MEM_ALLOC_ENABLE"));
        builder.environment().putAll(environment);
        return builder.start().inputReader().lines().toList();
    }
}
