package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a wait for a place cannot be interrupted
class DetectorPoolTest {
    /** A network that could not be made, also for want of memory, does not take the place of others for ever. */
    @Test
    void failuresLeaveRoomForOthers() {
        AtomicInteger made = new AtomicInteger();
        int failures = 2 * Math.max(2, Processors.count());
        DetectorPool<String> pool = new DetectorPool<>(
                () -> {
                    int number = made.getAndIncrement();
                    if (number >= failures) {
                        return "network";
                    }
                    throw number % 2 == 0 ? new OutOfMemoryError("no room") : new LinkageError("no library");
                },
                network -> {});
        for (int i = 0; i < failures; i++) {
            assertThatThrownBy(() -> pool.with(network -> network)).isInstanceOf(Error.class);
        }
        assertThat(pool.<String>with(network -> network)).isEqualTo("network");
    }
}
