package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.inference.OneDnnWorkspace.BoundPart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TeamCallTest {
    private static final BoundPart PART = new BoundPart(List.of());

    private static TeamCall call() {
        return new TeamCall(new TeamCall.Parts(List.of(List.of(PART, PART), List.of(PART), List.of(PART, PART, PART))));
    }

    @Test
    void theLeaderCallsHelpersBeforeEachStep() {
        AtomicInteger calls = new AtomicInteger();
        TeamCall call = call();
        assertThat(call.usefulHelpers()).isEqualTo(2);
        call.lead(calls::incrementAndGet);
        assertThat(calls.get()).isEqualTo(3);
    }

    @Test
    void anErrorEndsTheCallAfterAllParts() {
        AtomicInteger calls = new AtomicInteger();
        assertThatThrownBy(() -> call().lead(() -> {
                    calls.incrementAndGet();
                    throw new OutOfMemoryError("of a test");
                }))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(calls.get()).isEqualTo(3);
    }

    @Test
    void aFailureToCallThemEndsTheCallInOrder() {
        assertThatThrownBy(() -> call().lead(() -> {
                    throw new IllegalStateException("no threads");
                }))
                .hasMessage("no threads");
    }
}
