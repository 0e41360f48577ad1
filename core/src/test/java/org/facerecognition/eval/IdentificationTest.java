package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.facerecognition.data.UnsuitableDataException;
import org.junit.jupiter.api.Test;

class IdentificationTest {
    private static final Embedded ENROLLED =
            new Embedded(new float[][] {{1, 0, 0}, {0.8f, 0.6f, 0}, {0, 1, 0}, {0, 0, 2}}, new int[] {0, 0, 1, 2});

    @Test
    void scoresAPersonByTheirNearestFace() {
        // the last probe is nearer to the second face of person 0 than to its own person
        float[][] probes = {{0.9f, 0.5f, 0}, {0.1f, 0.2f, 1}, {0.7f, 0.7f, 0}};
        Identification identification = Identification.of(ENROLLED, new Embedded(probes, new int[] {0, 2, 1}));
        assertThat(identification.cmc(9)).containsExactly(2 / 3.0, 1, 1);
        assertThat(identification.rank(1)).isEqualTo(2 / 3.0);
        assertThat(identification.people()).isEqualTo(3);
        assertThat(identification.mated()).isEqualTo(3);
        assertThat(identification.nonMated()).isZero();
    }

    @Test
    void countsTiesAgainstTheCorrectPerson() {
        Embedded equal = new Embedded(new float[][] {{1, 0}, {1, 0}, {1, 0}}, new int[] {0, 1, 2});
        Identification identification = Identification.of(equal, equal);
        assertThat(identification.cmc(3)).containsExactly(0, 0, 1);
    }

    @Test
    void nonMatedProbesSetTheThreshold() {
        float[][] probes = {{1, 0, 0}, {0, 1, 0.9f}, {0.5f, 0.5f, 0.9f}, {-1, 0, 0.1f}};
        Identification identification = Identification.of(ENROLLED, new Embedded(probes, new int[] {0, 1, 3, 4}));
        assertThat(identification.nonMated()).isEqualTo(2);
        // the second probe scores no higher for its person than the third, which is non-mated, does for another
        assertThat(identification.dirAtFar(0)).isEqualTo(0.5);
        assertThat(identification.dirAtFar(0.5)).isEqualTo(1);
        assertThat(identification.dirAtFar(1)).isEqualTo(1);
        assertThatThrownBy(() -> identification.dirAtFar(-1)).hasMessage("far must be in [0, 1], but was -1.0");
    }

    @Test
    void rejectsProbesThatCannotBeMeasured() {
        Embedded nonMated = new Embedded(new float[][] {{1, 1, 1}}, new int[] {7});
        assertThatThrownBy(() -> Identification.of(ENROLLED, nonMated))
                .hasMessage("probes must include at least one of an enrolled person, but all 1 are of people who are"
                        + " not enrolled");
        Identification closed = Identification.of(ENROLLED, ENROLLED);
        assertThatThrownBy(() -> closed.dirAtFar(0.1))
                .hasMessage("probes must include people who are not enrolled to find a threshold, but there were none");
        assertThatThrownBy(() -> closed.rank(0)).hasMessage("k must be at least 1, but was 0");
        Embedded nan = new Embedded(new float[][] {{Float.NaN, 1, 1}}, new int[] {0});
        assertThatThrownBy(() -> Identification.of(ENROLLED, nan))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
    }

    @Test
    void centroidsAreOneFacePerPerson() {
        // label 1 has no faces, and those of label 3 cancel out
        Embedded means = new Embedded(
                        new float[][] {{1, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}}, new int[] {0, 0, 2, 3, 3})
                .centroids();
        assertThat(means.labels()).containsExactly(0, 2);
        assertThat(means.embeddings()[0][0]).isEqualTo((float) Math.sqrt(0.5));
        assertThat(means.embeddings()[1]).containsExactly(0, -1);
    }

    @Test
    void nearestNeighborsVote() {
        Embedded known = new Embedded(
                new float[][] {{1, 0}, {0.95f, 0.3f}, {0.9f, 0.4f}, {0, 1}, {-1, 0}}, new int[] {0, 1, 1, 2, 2});
        assertThat(NearestNeighbors.of(known, 1).identify(new float[] {1, 0.01f}))
                .isZero();
        assertThat(NearestNeighbors.of(known, 3).identify(new float[] {1, 0.01f}))
                .isEqualTo(1);
        assertThat(NearestNeighbors.of(known, 2).identify(new float[] {1, 0.01f}))
                .as("among equal votes, the nearer neighbor wins")
                .isZero();
        assertThat(NearestNeighbors.of(known, 99).identify(new float[] {0, 1}))
                .isEqualTo(2); // labels 1 and 2 have two votes each, and those of 2 are nearer
        assertThat(NearestNeighbors.of(known, 1).accuracy(known)).isEqualTo(1);
        assertThat(NearestNeighbors.of(known, 1).leaveOneOutAccuracy()).isEqualTo(3 / 5.0);
        assertThatThrownBy(() -> NearestNeighbors.of(known, 0)).hasMessage("k must be at least 1, but was 0");
    }

    @Test
    void identificationRateCountsTruePairsAboveTheNthFalsePair() {
        Embedded queries =
                new Embedded(new float[][] {{1, 0}, {0.9f, 0.1f}, {0, 1}, {0.6f, 0.8f}}, new int[] {0, 0, 1, 1});
        IdentificationRate rate = IdentificationRate.of(queries, new float[][] {{-1, 0}});
        assertThat(rate.pairs().size()).isEqualTo(6 + 4);
        assertThat(rate.thresholdAt(0.125)).isBetween(0.68, 0.69); // one of eight: (0.9, 0.1) and (0.6, 0.8)
        assertThat(rate.tprAtFpr(0.125)).isEqualTo(1);
        assertThatThrownBy(() -> rate.tprAtFpr(0.1))
                .hasMessage("fpr must be in (0, 1] and at least one of 8 false pairs, but was 0.1");
    }

    /** Earlier, all of them were embedded first, and then it was "integer overflow". */
    @Test
    void saysThatQueriesAndDistractorsAreTooMany() {
        assertThat(IdentificationRate.pairs(3, 2)).isEqualTo(3 + 6);
        assertThatThrownBy(() -> IdentificationRate.pairs(60_000, 40_000))
                .isInstanceOf(UnsuitableDataException.class)
                .hasMessageContaining("60,000 and 40,000 form 4,199,970,000; use fewer");
    }

    /** A shorter embedding was compared with the beginning of the longer ones, and NaN was the first person. */
    @Test
    void embeddingsThatCannotBeComparedAreRejected() {
        Embedded two = new Embedded(new float[][] {{1, 0}, {0, 1}}, new int[] {0, 1});
        Embedded one = new Embedded(new float[][] {{1}}, new int[] {0});
        String lengths = "embeddings must have the same number of values to be compared, but had ";
        assertThatThrownBy(() -> Identification.of(two, one)).hasMessageContaining(lengths);
        assertThatThrownBy(() -> IdentificationRate.of(two, new float[][] {{1}}))
                .hasMessageContaining(lengths);
        assertThatThrownBy(() -> ClosedSet.of(two).identify(new float[] {1})).hasMessageContaining(lengths);
        assertThatThrownBy(() -> NearestNeighbors.of(two, 1).identify(new float[] {1, 0, 0}))
                .hasMessageContaining(lengths);
        assertThatThrownBy(() -> LabelNoise.suspects(two, new float[][] {{1}, {1}}, 1, 90))
                .hasMessageContaining(lengths);
        assertThatThrownBy(() -> new Embedded(new float[][] {{1, 0}, {1}}, new int[] {0, 1}))
                .hasMessage("embeddings must have the same number of values, at least 1, but had 2 and 1");
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 0}) {
            float[] none = {value, 0};
            assertThatThrownBy(() -> ClosedSet.of(two).identify(none)).isInstanceOf(UnsuitableDataException.class);
            assertThatThrownBy(() -> NearestNeighbors.of(two, 1).identify(none))
                    .isInstanceOf(UnsuitableDataException.class);
        }
        Roc roc = Roc.of(new double[] {0.5}, new double[] {0.1});
        assertThatThrownBy(() -> roc.far(Double.NaN)).hasMessage("threshold must be a number, but was NaN");
        assertThatThrownBy(() -> roc.tar(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
