package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final long MAX_MS = 20_000; // for one file, beside other programs
    private static final long MAX_MINUTES = 60;

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
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command(kind, seed))
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD) // decoders print a line per damaged file
                .start();
        boolean ended;
        try {
            ended = process.waitFor(MAX_MINUTES, TimeUnit.MINUTES);
        } finally {
            process.destroyForcibly().waitFor();
        }
        String last = Files.readString(output).strip();
        System.out.println(kind + ", seed " + seed + ": " + last);
        ByteBuffer number = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("case")));
        assertThat(process.exitValue())
                .as("%s, seed %d, %s in case %d: %s", kind, seed, ended ? "ended" : "stuck", number.getInt(), last)
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
