package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A few seconds of {@link ServeLoad} in each build; two minutes, and whether memory stays flat, with -Dtests.long=true.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "reads resident memory from /proc")
class ServeLoadTest {
    private static final int CLIENTS = 32;
    private static final boolean LONG = Boolean.getBoolean("tests.long");
    private static final long GROWTH_MIB = 64;

    @TempDir
    Path folder;

    @Test
    void answersThirtyTwoClientsWithoutAnErrorInMemoryThatStaysFlat() throws Exception {
        ServeLoad.Result result = ServeLoad.run(ServeLoad.Load.painted(folder), folder, CLIENTS, LONG ? 120 : 4);
        if (LONG) {
            System.out.print(result);
        }
        assertThat(result.errors()).isEmpty();
        assertThat(result.nanoseconds()).containsOnlyKeys("identify", "compare", "list", "enroll", "remove");
        assertThat(result.residentAtEnd()).isLessThan(1024);
        if (LONG) {
            assertThat(result.residentAtEnd()).isLessThanOrEqualTo(result.residentAtMiddle() + GROWTH_MIB);
        }
    }
}
