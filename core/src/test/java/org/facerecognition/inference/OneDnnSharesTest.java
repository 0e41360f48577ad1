package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class OneDnnSharesTest {
    @Test
    void equalThreadsGetEqualWorkInLargeShares() {
        assertThat(OneDnnShares.even(16, 2, 8)).containsExactly(8, 8);
        assertThat(OneDnnShares.even(64, 2, 8)).containsOnly(8).hasSize(8);
        assertThat(OneDnnShares.even(13, 2, 8)).containsExactly(4, 4, 2, 2, 1);
        assertThat(OneDnnShares.even(40, 2, 8)).containsExactly(8, 8, 8, 8, 4, 4);
        assertThat(OneDnnShares.even(3, 4, 8)).containsExactly(1, 1, 1);
        assertThat(OneDnnShares.even(7, 1, 4)).containsExactly(4, 2, 1);
    }

    @Test
    void sharesBesideOthersDecrease() {
        assertThat(OneDnnShares.decreasing(16, 2, 4)).containsExactly(4, 4, 4, 2, 1, 1);
        assertThat(OneDnnShares.decreasing(1, 8, 4)).containsExactly(1);
    }

    @Property
    void sharesAreAllImagesInPowersOfTwo(
            @ForAll @IntRange(min = 1, max = 300) int images,
            @ForAll @IntRange(min = 1, max = 20) int threads,
            @ForAll @IntRange(min = 0, max = 4) int log) {
        int max = 1 << log;
        for (List<Integer> shares :
                List.of(OneDnnShares.even(images, threads, max), OneDnnShares.decreasing(images, threads, max))) {
            assertThat(shares.stream().mapToInt(Integer::intValue).sum()).isEqualTo(images);
            assertThat(shares).allMatch(share -> Integer.bitCount(share) == 1 && share <= max);
        }
    }
}
