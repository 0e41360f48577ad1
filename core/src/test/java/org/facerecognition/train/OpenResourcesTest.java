package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenResourcesTest {
    private final List<String> closed = new ArrayList<>();

    /** Earlier, an error left the rest open: among them the lock of a training's folder. */
    @Test
    void closesAllInTheReverseOrderWhateverFails() {
        OpenResources resources = new OpenResources();
        resources.add(() -> closed.add("lock"));
        resources.onClose(() -> {
            throw new IllegalStateException("second");
        });
        resources.add(() -> closed.add("loader"));
        resources.onClose(() -> {
            throw new OutOfMemoryError("first");
        });
        assertThatThrownBy(resources::close)
                .isInstanceOf(OutOfMemoryError.class)
                .satisfies(e -> assertThat(e.getSuppressed())
                        .singleElement()
                        .hasToString("java.lang.IllegalStateException: second"));
        assertThat(closed).containsExactly("loader", "lock");
        resources.close(); // nothing is left
    }

    @Test
    void wrapsOnlyCheckedExceptions() {
        OpenResources resources = new OpenResources();
        resources.add(() -> {
            throw new InterruptedException("checked");
        });
        assertThatThrownBy(resources::close)
                .isInstanceOf(IllegalStateException.class)
                .hasCauseInstanceOf(InterruptedException.class);
    }
}
