package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClosedSetTest {
    @Test
    void aFaceGoesToTheNearestMeanByDirection() {
        Embedded known = new Embedded(new float[][] {{1, 0}, {0.8f, 0.6f}, {0, -1}}, new int[] {0, 0, 2}); // none of 1
        ClosedSet people = ClosedSet.of(known);

        assertThat(people.identify(new float[] {0.9f, 0.2f})).isZero();
        assertThat(people.identify(new float[] {0.5f, -0.6f})).isEqualTo(2);
        assertThat(people.accuracy(new Embedded(
                        new float[][] {{1, 0}, {0, -1}, {1, 0}, {0, 1}}, new int[] {0, 2, 2, 0})))
                .isEqualTo(0.75);
    }

    @Test
    void noFacesAreASentence() {
        assertThatThrownBy(() -> new Embedded(new float[0][], new int[0]))
                .hasMessage("embeddings and labels must be as many and at least one, but were 0 and 0");
    }
}
