package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
    /** Identity 0 has 2 samples, 1 has 40, 2 none, 3 has 5, 4 has 1. */
    private static final int[] LABELS = IntStream.concat(
                    IntStream.concat(
                            IntStream.of(4, 0, 3, 3), IntStream.range(0, 40).map(i -> 1)),
                    IntStream.of(3, 3, 0, 3))
            .toArray();

    private static int[] order(Sampler sampler, long seed) {
        return sampler.order(LABELS, new SplittableRandom(seed));
    }

    private static long[] timesByIdentity(int[] order) {
        long[] times = new long[5];
        Arrays.stream(order).forEach(i -> times[LABELS[i]]++);
        return times;
    }

    @Test
    void sequentialAndShuffledContainEachSampleOnce() {
        int[] all = IntStream.range(0, LABELS.length).toArray();
        assertThat(order(Sampler.sequential(), 1)).isEqualTo(all);
        int[] shuffled = order(Sampler.shuffled(), 1);
        assertThat(shuffled).isNotEqualTo(all).isEqualTo(order(Sampler.shuffled(), 1));
        assertThat(shuffled).isNotEqualTo(order(Sampler.shuffled(), 2));
        assertThat(Arrays.stream(shuffled).sorted().toArray()).isEqualTo(all);
    }

    @Test
    void balancedContainsEachIdentityEquallyOften() {
        int[] order = order(Sampler.balanced(), 1);
        assertThat(order)
                .hasSize(48)
                .isEqualTo(order(Sampler.balanced(), 1))
                .isNotEqualTo(order(Sampler.balanced(), 2));
        assertThat(timesByIdentity(order)).containsExactly(12, 12, 0, 12, 12);
        Set<Integer> seen = new HashSet<>();
        for (int seed = 0; seed < 30; seed++) {
            Arrays.stream(order(Sampler.balanced(), seed)).forEach(seen::add);
        }
        assertThat(seen).as("all after some epochs").hasSize(48);
    }

    @Test
    void batchesOfIdentitiesHaveKImagesOfEach() {
        int[] order = order(Sampler.identities(3, 4), 1);
        assertThat(order).hasSize(48);
        for (int batch = 0; batch < order.length; batch += 12) {
            int[] times = new int[5];
            Set<Integer> distinct = new HashSet<>();
            for (int i = batch; i < batch + 12; i++) {
                times[LABELS[order[i]]]++;
                distinct.add(order[i]);
            }
            assertThat(times).contains(4).containsOnly(0, 4);
            int most = 0; // identity 0 has only 2 samples and identity 4 only one
            for (int identity = 0; identity < times.length; identity++) {
                most += Math.min(times[identity], identity == 0 ? 2 : identity == 4 ? 1 : 4);
            }
            assertThat(distinct).hasSize(most);
        }
        assertThatThrownBy(() -> order(Sampler.identities(5, 2), 1))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("must have 5 identities, but the data set has only 4");
        assertThatThrownBy(() -> Sampler.identities(0, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Sampler.identities(65_536, 65_536))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("identities times images must be below 2^31, but were 65536 and 65536");
    }

    @Test
    void shardsPartitionAnEpoch() {
        Set<Integer> seen = new HashSet<>();
        for (int rank = 0; rank < 5; rank++) {
            int[] part = order(Sampler.sharded(Sampler.shuffled(), rank, 5), 7);
            assertThat(part).hasSize(9);
            Arrays.stream(part).forEach(i -> assertThat(seen.add(i)).isTrue());
        }
        assertThat(Sampler.sharded(Sampler.balanced(), 1, 2)).hasToString("balanced, part 1 of 2");
        assertThatThrownBy(() -> Sampler.sharded(Sampler.shuffled(), 5, 5))
                .hasMessage("rank must be in [0, 5), but was 5");
    }

    @Test
    void shardsKeepGroupsTogether() {
        Sampler groups = Sampler.identities(2, 3);
        int[] whole = order(groups, 3);
        Set<Integer> firstOfGroups = new HashSet<>();
        for (int rank = 0; rank < 2; rank++) {
            Sampler shard = Sampler.sharded(groups, rank, 2);
            assertThat(shard.groupSize()).isEqualTo(6);
            int[] part = order(shard, 3);
            assertThat(part.length % 6).isZero();
            for (int i = 0; i < part.length; i += 6) {
                int at = (i / 6 * 2 + rank) * 6;
                assertThat(Arrays.copyOfRange(part, i, i + 6)).isEqualTo(Arrays.copyOfRange(whole, at, at + 6));
                assertThat(firstOfGroups.add(at)).isTrue();
            }
        }
        assertThat(firstOfGroups).hasSize(whole.length / 6);
    }

    @Test
    void pairedPlacesPairsSideBySideAndContainsEachSampleOnce() {
        int[] order = order(Sampler.paired(), 1);
        assertThat(Arrays.stream(order).sorted().toArray())
                .isEqualTo(IntStream.range(0, LABELS.length).toArray());
        int unpaired = 2; // identities 3 and 4 have an odd number
        for (int i = 0; i < order.length - unpaired; i += 2) {
            assertThat(LABELS[order[i]]).isEqualTo(LABELS[order[i + 1]]);
        }
        assertThat(LABELS[order[0]]).isNotEqualTo(LABELS[order[2]]);
    }

    @Test
    void namedSamplerKeepsTheGroups() {
        Sampler named = Sampler.named("every other", (labels, random) -> new int[] {0, 2});
        assertThat(named).hasToString("every other");
        assertThat(named.groupSize()).isEqualTo(1);
        assertThat(Sampler.named("groups", Sampler.identities(2, 3)).groupSize())
                .isEqualTo(6);
    }
}
