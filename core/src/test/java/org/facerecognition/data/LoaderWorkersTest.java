package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoaderWorkersTest {
    /** The caller went on, and freed memory that the task still wrote to. */
    @Test
    void awaitTheEndOfATaskWhenMemoryRunsOut() {
        AtomicInteger waits = new AtomicInteger();
        FutureTask<Boolean> task = new FutureTask<>(() -> true) {
            @Override
            public Boolean get() throws InterruptedException, ExecutionException {
                if (waits.incrementAndGet() <= 2) {
                    throw new OutOfMemoryError("of a test");
                }
                run();
                return super.get();
            }
        };
        assertThatCode(() -> LoaderWorkers.awaitEnd(task)).doesNotThrowAnyException();
        assertThat(task).isDone();
    }

    @Test
    void awaitTheEndOfATaskThatFails() {
        FutureTask<Boolean> task = new FutureTask<>(() -> {
            throw new IllegalStateException("of a test");
        });
        task.run();
        assertThat(LoaderWorkers.awaitEnd(task)).isFalse();
    }
}
