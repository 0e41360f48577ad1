package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StopHookTest {
    @Test
    void isRegisteredUntilRemoved() {
        Thread removed = StopHook.add("test", () -> {});
        StopHook.remove(removed);
        assertThat(Runtime.getRuntime().removeShutdownHook(removed))
                .as("still there")
                .isFalse();

        Thread left = StopHook.add("test", () -> {});
        assertThat(Runtime.getRuntime().removeShutdownHook(left)).as("there").isTrue();
    }

    @Test
    void canBeRemovedTwice() {
        Thread hook = StopHook.add("test", () -> {});
        StopHook.remove(hook);
        StopHook.remove(hook);
    }
}
