package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ColumnsTest {
    /** Enough for several chunks. */
    private static final int COUNT = 200_000;

    @Test
    void columnsKeepEveryValueWhileTheyGrow() {
        IntColumn ints = new IntColumn();
        LongColumn longs = new LongColumn();
        for (int i = 0; i < COUNT; i++) {
            ints.put(i, -i);
            longs.put(i, (long) i * i * 31 - 7);
        }
        ints.set(70_000, 5);
        for (int i = 0; i < COUNT; i++) {
            assertThat(ints.get(i)).isEqualTo(i == 70_000 ? 5 : -i);
            assertThat(longs.get(i)).isEqualTo((long) i * i * 31 - 7);
        }
    }

    @Test
    void aColumnGrowsToAnyLengthAtOnce() {
        for (int length : new int[] {1, 16, 17, 65_535, 65_536, 65_537, COUNT}) {
            IntColumn ints = new IntColumn();
            ints.reserve(length);
            ints.set(length - 1, 3);
            ints.reserve(length + 1);
            ints.set(length, 4);
            assertThat(ints.get(length - 1)).isEqualTo(3);
            assertThat(ints.get(length)).isEqualTo(4);
        }
    }

    @Test
    void searchesAscendingValues() {
        LongColumn longs = new LongColumn();
        assertThat(longs.search(1, 0)).isEqualTo(-1);
        for (int i = 0; i < 1_000; i++) {
            longs.put(i, 10L + 3L * i);
        }
        assertThat(longs.search(10, 1_000)).isZero();
        assertThat(longs.search(10 + 3 * 999, 1_000)).isEqualTo(999);
        assertThat(longs.search(10 + 3 * 999, 999))
                .as("beyond the searched values")
                .isEqualTo(-1 - 999);
        assertThat(longs.search(11, 1_000)).isEqualTo(-1 - 1);
        assertThat(longs.search(9, 1_000)).isEqualTo(-1);
        assertThat(longs.search(1L << 40, 1_000)).isEqualTo(-1 - 1_000);
    }
}
