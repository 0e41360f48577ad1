package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** Java does not say how long a virtual thread was running. */
@EnabledForJreRange(min = JRE.JAVA_21, disabledReason = "there are no virtual threads before Java 21")
class VirtualThreadClockTest {
    private static <T> T onVirtual(Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
        return task.get();
    }

    private static void compute() {
        long start = System.nanoTime();
        while (System.nanoTime() - start < 20_000_000) {
            Thread.onSpinWait();
        }
    }

    /** Every implementation of a layer seemed to take no time, and the first was kept. */
    @Test
    void layersTakeTime() throws Exception {
        long nanos = onVirtual(() -> {
            long start = RunningTime.nanos();
            compute();
            return RunningTime.nanos() - start;
        });
        assertThat(nanos).isGreaterThanOrEqualTo(20_000_000);
    }

    /** All of the time seemed to be taken by other programs. */
    @Test
    void nobodyElseSeemsToTakeTheProcessors() throws Exception {
        Contention contention = new Contention();
        onVirtual(() -> {
            for (int i = 0; i < 10; i++) {
                contention.measure(VirtualThreadClockTest::compute, 2, 1);
            }
            return true;
        });
        assertThat(contention.present()).isFalse();
    }
}
