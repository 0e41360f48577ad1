package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UninterruptedTest {
    /** The caller went on, and freed memory that the task still used. */
    @Test
    void waitsForATaskWhenMemoryRunsOut() {
        AtomicInteger waits = new AtomicInteger();
        FutureTask<String> task = new FutureTask<>(() -> "done") {
            @Override
            public String get() throws InterruptedException, ExecutionException {
                if (waits.incrementAndGet() <= 2) {
                    throw new OutOfMemoryError("of a test");
                }
                run();
                return super.get();
            }
        };
        assertThatCode(() -> assertThat(Uninterrupted.outcome(task, () -> {})).isEqualTo("done"))
                .doesNotThrowAnyException();
    }
}
