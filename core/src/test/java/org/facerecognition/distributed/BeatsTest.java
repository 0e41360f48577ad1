package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BeatsTest {
    private static final int NOBODY = Beats.NOBODY;

    /** Returns ranks that have begun as many collective operations, and wait for these. */
    private static Beats waiting(int... peers) {
        return new Beats(
                Arrays.stream(peers).mapToObj(peer -> Beats.value(7, 3, peer)).toList());
    }

    /** Rank 2 sends its share of a checkpoint to rank 0, which waits for that of rank 1. */
    @Test
    void theLastOfThoseThatWaitForEachOtherIsToBlame() {
        Beats beats = waiting(1, NOBODY, 0);
        assertThat(beats.awaited(0)).isEqualTo(1);
        assertThat(beats.awaited(1)).isEqualTo(1);
        assertThat(beats.awaited(2)).isEqualTo(1);
    }

    /** Their connection is lost. */
    @Test
    void ofTwoThatWaitForEachOtherTheOtherIsNamed() {
        Beats beats = waiting(1, 0, NOBODY);
        assertThat(beats.awaited(0)).isEqualTo(0);
        assertThat(beats.awaited(1)).isEqualTo(1);
    }

    @Test
    void theSlowestHasBegunTheFewestOperations() {
        assertThat(new Beats(List.of("7 3 -1", "7 2 -1", "7 3 -1")).slowest()).isEqualTo(1);
        assertThat(new Beats(List.of("7 3 -1", "7 2 -1", "")).slowest()).isEqualTo(2);
        assertThat(waiting(NOBODY, NOBODY).isEven()).isTrue();
    }
}
