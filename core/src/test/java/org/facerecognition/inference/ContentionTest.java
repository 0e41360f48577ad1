package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ContentionTest {
    private final Contention contention = new Contention();

    private void computes(double fraction, double share) {
        for (int i = 0; i < 200; i++) {
            contention.add(0.02 * fraction, 0.02, share);
        }
    }

    @Test
    void isPresentWhenThreadsDoNotRunAllTheTime() {
        assertThat(contention.present()).isFalse();
        computes(0.99, 1);
        assertThat(contention.present()).isFalse();
        computes(0.67, 1); // two threads and a loop on two processors
        assertThat(contention.present()).isTrue();
        computes(0.99, 1);
        assertThat(contention.present()).isFalse();
    }

    /** Further threads lower each one's share, and what is lost to others, but do not end what permitted them. */
    @Test
    void stays() {
        computes(0.67, 1);
        computes(2 / 9.0, 2 / 8.0); // eight threads and a loop on two processors
        assertThat(contention.present()).isTrue();
        computes(0.99 * 2 / 8, 2 / 8.0); // the loop has ended
        assertThat(contention.present()).isFalse();
    }

    @Test
    void isNotBelievedAfterOneShortDelay() {
        computes(0.99, 1);
        contention.add(0.001, 0.05, 1);
        assertThat(contention.present()).isFalse();
    }

    /** As on Windows, which counts in steps of 15.6 ms: work of 5 ms seems to run for none of them or for one. */
    @Test
    void coarseClocksAreNoContention() {
        for (int i = 0; i < 1000; i++) {
            contention.add(i % 3 == 2 ? 0.0156 : 0, 0.0052, 1);
            assertThat(contention.present()).isFalse();
        }
    }

    @Test
    void doesNotFailOnTimesThatAreNone() {
        contention.add(0, 0, 1);
        contention.add(0.03, 0.02, 1); // clocks differ
        contention.add(-1, 0.02, 1);
        assertThat(contention.present()).isFalse();
    }

    @Test
    void runsTheWorkThatItMeasures() {
        int[] runs = new int[1];
        contention.measure(() -> runs[0]++, 1, 1);
        assertThat(runs[0]).isEqualTo(1);
    }
}
