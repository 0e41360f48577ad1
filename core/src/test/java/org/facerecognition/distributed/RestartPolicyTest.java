package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RestartPolicyTest {
    @Test
    void pausesDoubleUpToHalfAMinute() {
        RestartPolicy policy = new RestartPolicy(100, 1);
        assertThat(IntStream.rangeClosed(1, 7)
                        .mapToLong(failures -> policy.pause(failures).toSeconds()))
                .containsExactly(1L, 2L, 4L, 8L, 16L, 30L, 30L);
        assertThat(policy.pause(Integer.MAX_VALUE).toSeconds()).isEqualTo(30);
    }

    @Test
    void groupsShrinkFromTheSecondFailureInARowOn() {
        RestartPolicy policy = new RestartPolicy(100, 2);
        assertThat(IntStream.rangeClosed(1, 5).map(failures -> policy.ranks(4, failures)))
                .containsExactly(4, 3, 2, 2, 2);
    }

    @Test
    void aGroupThatIsSmallAlreadyKeepsItsSize() {
        assertThat(new RestartPolicy(100, 4).ranks(2, 9)).isEqualTo(2);
    }

    @Test
    void rejectsNumbersThatMeanNothing() {
        assertThatThrownBy(() -> new RestartPolicy(-1, 1)).hasMessage("maxRestarts must be at least 0, but was -1");
        assertThatThrownBy(() -> new RestartPolicy(1, 0)).hasMessage("minRanks must be at least 1, but was 0");
    }
}
