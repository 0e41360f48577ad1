package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import javax.tools.ToolProvider;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EnabledOnOs(OS.LINUX)
class OpenMpTest {
    @BeforeEach
    void load() {
        Libtorch.load();
    }

    /** libtorch returns OpenMP's number of the current thread. */
    @Test
    void thisThreadIsAloneUntilTheScopeIsClosed() {
        int former = torch.get_num_threads();
        torch.set_num_threads(3);
        try {
            try (OpenMp.Scope alone = OpenMp.alone()) {
                assertThat(torch.get_num_threads()).isEqualTo(1);
                try (OpenMp.Scope nested = OpenMp.alone()) {
                    assertThat(torch.get_num_threads()).isEqualTo(1);
                }
                assertThat(torch.get_num_threads()).isEqualTo(1);
            }
            assertThat(torch.get_num_threads()).isEqualTo(3);
        } finally {
            torch.set_num_threads(former);
        }
    }

    @Test
    void otherThreadsKeepTheirNumber() {
        int former = torch.get_num_threads();
        torch.set_num_threads(3);
        try (OpenMp.Scope alone = OpenMp.alone()) {
            assertThat(CompletableFuture.supplyAsync(torch::get_num_threads, task -> new Thread(task).start())
                            .join())
                    .isEqualTo(3);
        } finally {
            torch.set_num_threads(former);
        }
    }

    /** JNA throws an Error, which is no LinkageError, where the system has another version of its library. */
    @Test
    void anotherVersionOfJnaOnTheSystemIsNoHindrance(@TempDir Path folder) throws IOException, InterruptedException {
        Path source = folder.resolve("com/sun/jna/Native.java");
        Files.createDirectories(source.getParent());
        Files.writeString(source, """
                package com.sun.jna;
                public final class Native {
                    static final boolean DEBUG_LOAD = Boolean.getBoolean("no constant"); // the first to be read

                    static {
                        if (System.nanoTime() != 0) {
                            throw new Error("There is an incompatible JNA native library installed on this system");
                        }
                    }
                }
                """);
        assertThat(ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, "-d", folder.toString(), source.toString()))
                .isZero();
        String classPath = folder
                + File.pathSeparator
                + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPath,
                        Loads.class.getName())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("loaded");
        assertThat(process.waitFor()).isZero();
    }

    /** Loads libtorch. */
    static final class Loads {
        private Loads() {}

        public static void main(String[] args) {
            Libtorch.load();
            OpenMp.alone().close();
            System.out.println("loaded");
        }
    }

    /** Loads libtorch, and with it libgomp, which prints its settings; and prints the environment of a process. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws IOException {
            Libtorch.load();
            new ProcessBuilder("env").inheritIO().start().onExit().join();
        }
    }

    /** Threads that spin for long take the processor's time from the thread that they wait for. */
    @ParameterizedTest
    @CsvSource({"'', '', 10000", "GOMP_SPINCOUNT, 70, 70", "OMP_WAIT_POLICY, passive, 0"})
    void threadsSpinBrieflyUnlessTheEnvironmentSaysOtherwise(String variable, String value, String spins)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Child.class.getName())
                .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(Set.of("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"));
        environment.put("OMP_DISPLAY_ENV", "verbose");
        if (!variable.isEmpty()) {
            environment.put(variable, value);
        }
        List<String> printed = builder.start().inputReader().lines().toList();
        assertThat(printed)
                .filteredOn(line -> line.contains("GOMP_SPINCOUNT ="))
                .singleElement()
                .asString()
                .contains("= '" + spins + "'");
        assertThat(printed)
                .as("programs that this one starts have the environment as it was")
                .filteredOn(line -> line.startsWith("GOMP_SPINCOUNT="))
                .hasSize(variable.equals("GOMP_SPINCOUNT") ? 1 : 0);
    }
}
