package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

class RunningTimeTest {
    /** Time without a processor, here in sleep, as it passes for a thread beside other programs. */
    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "running time is counted in steps of many milliseconds")
    void standsStillWhileTheThreadDoesNotRun() throws InterruptedException {
        RunningTime.nanos(); // loads what it needs
        long start = RunningTime.nanos();
        Thread.sleep(200);
        assertThat(RunningTime.nanos() - start).isBetween(0L, 100_000_000L);
    }
}
