package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Rank 0 works alone, as when it writes a checkpoint, while another rank dies. */
@DisabledOnOs(OS.WINDOWS)
class LastCheckpointTest {
    @TempDir
    Path folder;

    /** Writes a file if it is rank 0, and dies if it is another one. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] args) {
            try (Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(60))) {
                group.onFirst(() -> "all have come");
                if (group.rank() > 0) {
                    Runtime.getRuntime().halt(137);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(700));
                Files.createFile(Path.of(args[0]));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            System.exit(1);
        }
    }

    /** It was killed in the middle of it. */
    @Test
    void theFirstRankFinishesItsCheckpointWhenARankDies() throws InterruptedException {
        Path checkpoint = folder.resolve("checkpoint");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Writer.class.getName(),
                checkpoint.toString());
        try (LocalRanks ranks = LocalRanks.start(2, command, line -> {})) {
            GroupEnding ending = ranks.await(0);
            assertThat(ending.lost()).isTrue();
            assertThat(ending.reason()).contains("rank 1 (");
        }
        assertThat(checkpoint).exists();
    }
}
