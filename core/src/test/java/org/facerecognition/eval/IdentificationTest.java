package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class IdentificationTest {
    private static final Embedded ENROLLED =
            new Embedded(new float[][] {{1, 0, 0}, {0.8f, 0.6f, 0}, {0, 1, 0}, {0, 0, 2}}, new int[] {0, 0, 1, 2});

    @Test
    void theNearestFaceOfAPersonCounts() {
        Identification asked = Identification.of(
                ENROLLED, new Embedded(new float[][] {{0.9f, 0.5f, 0}, {0.1f, 0.2f, 1}, {0.7f, 0.7f, 0}}, new int[] {
                    0, 2, 1
                })); // the last is nearer to 0's second face
        assertThat(asked.cmc(9)).containsExactly(2 / 3.0, 1, 1);
        assertThat(asked.rank(1)).isEqualTo(2 / 3.0);
        assertThat(asked.people()).isEqualTo(3);
        assertThat(asked.mates()).isEqualTo(3);
        assertThat(asked.strangers()).isZero();
    }

    @Test
    void aNetThatSaysTheSameOfEverybodyRanksNobodyFirst() {
        Embedded alike = new Embedded(new float[][] {{1, 0}, {1, 0}, {1, 0}}, new int[] {0, 1, 2});
        Identification asked = Identification.of(alike, alike);
        assertThat(asked.cmc(3)).containsExactly(0, 0, 1);
    }

    @Test
    void strangersSetTheThreshold() {
        float[][] probes = {{1, 0, 0}, {0, 1, 0.9f}, {0.5f, 0.5f, 0.9f}, {-1, 0, 0.1f}};
        Identification asked = Identification.of(ENROLLED, new Embedded(probes, new int[] {0, 1, 3, 4}));
        assertThat(asked.strangers()).isEqualTo(2);
        assertThat(asked.dirAtFar(0)).isEqualTo(0.5); // {0, 1, .9} is as near to 1 as the stranger is to somebody
        assertThat(asked.dirAtFar(0.5)).isEqualTo(1);
        assertThat(asked.dirAtFar(1)).isEqualTo(1);
        assertThatThrownBy(() -> asked.dirAtFar(-1)).hasMessage("far must be in [0, 1], but was -1.0");
    }

    @Test
    void whatCannotBeAskedIsASentence() {
        Embedded stranger = new Embedded(new float[][] {{1, 1, 1}}, new int[] {7});
        assertThatThrownBy(() -> Identification.of(ENROLLED, stranger))
                .hasMessage("probes must have some of enrolled people, but all 1 are strangers'");
        Identification closed = Identification.of(ENROLLED, ENROLLED);
        assertThatThrownBy(() -> closed.dirAtFar(0.1))
                .hasMessage("probes must have some of people who are not enrolled to find a threshold, but had none");
        assertThatThrownBy(() -> closed.rank(0)).hasMessage("k must be at least 1, but was 0");
        Embedded nan = new Embedded(new float[][] {{Float.NaN, 1, 1}}, new int[] {0});
        assertThatThrownBy(() -> Identification.of(ENROLLED, nan))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
    }

    @Test
    void centroidsAreOneFaceForEachPerson() {
        Embedded means = new Embedded(
                        new float[][] {{1, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}}, new int[] {0, 0, 2, 3, 3})
                .centroids(); // nobody is 1, and 3's faces cancel out
        assertThat(means.labels()).containsExactly(0, 2);
        assertThat(means.embeddings()[0][0]).isEqualTo((float) Math.sqrt(0.5));
        assertThat(means.embeddings()[1]).containsExactly(0, -1);
    }

    @Test
    void neighborsVote() {
        Embedded known = new Embedded(
                new float[][] {{1, 0}, {0.95f, 0.3f}, {0.9f, 0.4f}, {0, 1}, {-1, 0}}, new int[] {0, 1, 1, 2, 2});
        assertThat(NearestNeighbors.of(known, 1).identify(new float[] {1, 0.01f}))
                .isZero();
        assertThat(NearestNeighbors.of(known, 3).identify(new float[] {1, 0.01f}))
                .isEqualTo(1);
        assertThat(NearestNeighbors.of(known, 2).identify(new float[] {1, 0.01f}))
                .as("of equal votes the nearer")
                .isZero();
        assertThat(NearestNeighbors.of(known, 99).identify(new float[] {0, 1}))
                .isEqualTo(2); // two votes like 1, but nearer
        assertThat(NearestNeighbors.of(known, 1).accuracy(known)).isEqualTo(1);
        assertThat(NearestNeighbors.of(known, 1).leaveOneOutAccuracy()).isEqualTo(3 / 5.0);
        assertThatThrownBy(() -> NearestNeighbors.of(known, 0)).hasMessage("k must be at least 1, but was 0");
    }

    @Test
    void theCelebaFigureCountsPairsAboveTheNthFalseOne() {
        Embedded queries =
                new Embedded(new float[][] {{1, 0}, {0.9f, 0.1f}, {0, 1}, {0.6f, 0.8f}}, new int[] {0, 0, 1, 1});
        IdentificationRate rate = IdentificationRate.of(queries, new float[][] {{-1, 0}});
        assertThat(rate.pairs().size()).isEqualTo(6 + 4);
        assertThat(rate.tprAtFpr(0.125)) // one of eight: 0.9, 0.1 with 0.6, 0.8
                .isEqualTo(1);
        assertThat(rate.thresholdAt(0.125)).isBetween(0.68, 0.69);
        assertThatThrownBy(() -> rate.tprAtFpr(0.1))
                .hasMessage("fpr must be in (0, 1] and at least one of 8 false pairs, but was 0.1");
    }
}
