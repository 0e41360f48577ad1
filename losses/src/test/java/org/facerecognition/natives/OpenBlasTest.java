package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EnabledOnOs(OS.LINUX)
class OpenBlasTest {
    private static final Set<String> VARIABLES =
            Set.of("OPENBLAS_THREAD_TIMEOUT", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS");

    /** Loads libtorch, and prints what OpenBLAS has read and the environment of a process. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            System.out.println("spins 2^" + ofOpenBlas("openblas_thread_timeout"));
            System.out.println("threads " + ofOpenBlas("openblas_get_num_threads"));
            Libtorch.setThreads(1);
            System.out.println("then " + torch.get_num_threads() + " and " + ofOpenBlas("openblas_get_num_threads"));
            new ProcessBuilder("env").inheritIO().start().onExit().join();
        }

        private static int ofOpenBlas(String function) {
            return NativeLibrary.getInstance("libopenblas_nolapack.so.0")
                    .getFunction(function)
                    .invokeInt(new Object[0]);
        }
    }

    /** Threads that spin take a processor from those that compute the layers between two products. */
    @ParameterizedTest
    @CsvSource({"'', '', 4", "OPENBLAS_THREAD_TIMEOUT, 20, 20"})
    void threadsSleepUnlessTheEnvironmentSaysOtherwise(String variable, String value, int exponent) throws IOException {
        assertThat(run(variable, value, "-Dunused=true")).contains("spins 2^" + exponent);
    }

    /** Earlier, it counted the machine's processors, whatever bound the user or a container gave. */
    @ParameterizedTest
    @CsvSource({
        "'', '', -Dfacerecognition.threads=1, 1",
        "'', '', -XX:ActiveProcessorCount=1, 1",
        "OMP_NUM_THREADS, 1, -Dunused=true, 1",
        "OPENBLAS_NUM_THREADS, 2, -Dfacerecognition.threads=1, 2"
    })
    void threadsHaveTheBoundOfTheOthers(String variable, String value, String option, int threads) throws IOException {
        assertThat(run(variable, value, option))
                .contains("threads " + threads, "then 1 and " + (variable.startsWith("OPENBLAS") ? threads : 1));
    }

    @Test
    void threadsHaveARange() {
        assertThatThrownBy(() -> Libtorch.setThreads(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threads must be at least 1, but was 0");
        assertThatThrownBy(() -> Libtorch.setThreads(1_000_000)) // ended the process
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("compute threads must be at most \\d+, but was 1000000");
    }

    private static List<String> run(String variable, String value, String option) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        option,
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Child.class.getName())
                .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(VARIABLES);
        if (!variable.isEmpty()) {
            environment.put(variable, value);
        }
        List<String> printed = builder.start().inputReader().lines().toList();
        assertThat(printed)
                .as("programs that this one starts have the environment as it was")
                .filteredOn(line -> VARIABLES.stream().anyMatch(name -> line.startsWith(name + "=")))
                .hasSize(variable.isEmpty() ? 0 : 1);
        return printed;
    }
}
