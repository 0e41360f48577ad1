package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs {@link ServeLoad} for a few seconds in each build. With -Dtests.long=true it runs for two minutes and also
 * checks that memory does not grow.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "reads resident memory from /proc")
class ServeLoadTest {
    private static final int CLIENTS = 32;
    private static final boolean LONG = Boolean.getBoolean("tests.long");
    private static final long MAX_GROWTH_MIB = 64;

    @TempDir
    Path folder;

    @Test
    void answers32ClientsWithoutErrorsOrMemoryGrowth() throws Exception {
        ServeLoad.Result result = ServeLoad.run(ServeLoad.Load.synthetic(folder), folder, CLIENTS, LONG ? 120 : 4);
        if (LONG) {
            System.out.print(result);
        }
        assertThat(result.errors()).isEmpty();
        long answered = result.nanoseconds().values().stream()
                .mapToLong(times -> times.length)
                .sum();
        assertThat(result.rejected()).as("rejected, of %d answered", answered).isLessThan(answered / 10);
        assertThat(result.nanoseconds()).containsOnlyKeys("identify", "compare", "list", "enroll", "remove");
        assertThat(result.residentAtEnd()).isLessThan(1024);
        if (LONG) {
            assertThat(result.residentAtEnd()).isLessThanOrEqualTo(result.residentAtMiddle() + MAX_GROWTH_MIB);
        }
    }
}
