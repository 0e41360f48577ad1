package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClosedSetTest {
    @Test
    void assignsFacesToTheNearestMeanByCosine() {
        // identity 1 has no faces
        Embedded known = new Embedded(new float[][] {{1, 0}, {0.8f, 0.6f}, {0, -1}}, new int[] {0, 0, 2});
        ClosedSet people = ClosedSet.of(known);

        assertThat(people.identify(new float[] {0.9f, 0.2f})).isZero();
        assertThat(people.identify(new float[] {0.5f, -0.6f})).isEqualTo(2);
        assertThat(people.accuracy(new Embedded(
                        new float[][] {{1, 0}, {0, -1}, {1, 0}, {0, 1}}, new int[] {0, 2, 2, 0})))
                .isEqualTo(0.75);
    }

    @Test
    void rejectsEmptyData() {
        assertThatThrownBy(() -> new Embedded(new float[0][], new int[0]))
                .hasMessage("embeddings and labels must have the same length of at least 1, but had 0 and 0");
    }

    /** Its center is zero, which is nearer than people on the other side. */
    @Test
    void nobodyIsAnIdentityWithoutFaces() {
        ClosedSet people = ClosedSet.of(new Embedded(new float[][] {{1, 0}, {0, 1}}, new int[] {0, 2}));
        assertThat(people.identify(new float[] {-1, -0.5f})).isEqualTo(2);
    }
}
