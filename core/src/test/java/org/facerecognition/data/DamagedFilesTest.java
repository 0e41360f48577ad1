package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.facerecognition.data.DamagedFilesDrill.Kind;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Damaged and hostile files are read or rejected with a sentence, in bounded time and memory. */
class DamagedFilesTest {
    private static final int CASES_IN_A_BUILD = 300;
    private static final int CASES = 20_000;
    private static final long MAX_RESIDENT = 1L << 30;
    private static final long MAX_MS = 2_000;

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource
    void readsOrRejectsDamagedFiles(Kind kind) throws Exception {
        DamagedFilesDrill.Result result = new DamagedFilesDrill(kind, 7, folder).run(0, CASES_IN_A_BUILD, number -> {});
        assertThat(result.failures()).isEmpty();
        assertThat(result.read()).isPositive();
        assertThat(result.rejected()).isPositive();
    }

    /** Runs in a separate Java process with 256 MiB of heap and at most 1 GiB of memory; a crash names the case. */
    @ParameterizedTest
    @EnumSource
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "takes several minutes; run it with -Dtests.long=true")
    void readsOrRejectsTwentyThousandDamagedFiles(Kind kind) throws Exception {
        long seed = Long.getLong("drill.seed", System.nanoTime());
        Process process = new ProcessBuilder(command(kind, seed))
                .redirectErrorStream(false)
                .redirectError(ProcessBuilder.Redirect.DISCARD) // decoders print a line per damaged file
                .start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output = process.inputReader()) {
            output.lines().forEach(lines::add);
            process.waitFor(1, TimeUnit.MINUTES);
        } finally {
            process.destroyForcibly();
        }
        String last = String.join("\n", lines);
        System.out.println(kind + ", seed " + seed + ": " + last);
        ByteBuffer number = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("case")));
        assertThat(process.exitValue())
                .as("%s, seed %d, ended in case %d: %s", kind, seed, number.getInt(), last)
                .isZero();
        assertThat(last).contains("failures 0");
        long slowest = Long.parseLong(last.replaceAll("(?s).*slowest (\\d+) ms.*", "$1"));
        assertThat(slowest).as(last).isLessThan(MAX_MS);
    }

    private List<String> command(Kind kind, long seed) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                DamagedFilesDrill.class.getName(),
                kind.name(),
                Long.toString(seed),
                "0",
                Integer.toString(CASES),
                folder.toString(),
                Long.toString(MAX_RESIDENT));
    }
}
