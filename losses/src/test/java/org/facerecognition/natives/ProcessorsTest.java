package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessorsTest {
    private final String former = System.getProperty(Processors.PROPERTY);

    @AfterEach
    void restore() {
        if (former == null) {
            System.clearProperty(Processors.PROPERTY);
        } else {
            System.setProperty(Processors.PROPERTY, former);
        }
    }

    @Test
    void countsWhatThePropertySays() {
        System.setProperty(Processors.PROPERTY, " 3 ");
        assertThat(Processors.count()).isEqualTo(3);
        assertThat(Processors.given()).hasValue(3);
    }

    @Test
    void countsTheProcessorsOfTheJvmOtherwise() {
        System.clearProperty(Processors.PROPERTY);
        if (System.getenv("OMP_NUM_THREADS") == null) {
            assertThat(Processors.given()).isEmpty();
            assertThat(Processors.count()).isEqualTo(Runtime.getRuntime().availableProcessors());
        } else {
            assertThat(Processors.given()).hasValue(Processors.count());
        }
    }

    @Test
    void aGivenNumberIsABound() {
        System.setProperty(Processors.PROPERTY, "1000");
        assertThat(Processors.areBounded()).isTrue();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void fewerProcessorsThanTheMachineHasAreABound() throws Exception {
        boolean quota = CpuQuota.isSet(Path.of("/"), Processors.ofMachine());
        assertThat(printed("-XX:ActiveProcessorCount=4096")).isEqualTo(String.valueOf(quota));
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
        assertThat(printed("-XX:ActiveProcessorCount=1")).isEqualTo("true");
    }

    /** What is listed on an interrupted thread may be decided for the whole process. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void interruptedThreadsKnowTheMachineToo() throws Exception {
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
        assertThat(printed("-XX:ActiveProcessorCount=1", "interrupted")).isEqualTo("true");
        Thread.currentThread().interrupt();
        assertThat(LibtorchOwner.mappedFiles(Path.of("/proc/self/maps"))).isNotEmpty();
        assertThat(Thread.interrupted()).isTrue();
    }

    /** Prints in a JVM of its own whether the number has a bound. */
    static final class Bounded {
        private Bounded() {}

        public static void main(String[] args) {
            if (args.length > 0) {
                Thread.currentThread().interrupt();
            }
            System.out.print(Processors.areBounded());
        }
    }

    private static String printed(String option, String... arguments) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                option,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Bounded.class.getName());
        builder.command().addAll(List.of(arguments));
        builder.environment().remove("OMP_NUM_THREADS");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return output;
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "", "1.5"})
    void rejectsWhatIsNotANumberOfThreads(String value) {
        System.setProperty(Processors.PROPERTY, value);
        assertThatThrownBy(Processors::count)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("facerecognition.threads must be a whole number of at least 1, but was " + value);
    }
}
