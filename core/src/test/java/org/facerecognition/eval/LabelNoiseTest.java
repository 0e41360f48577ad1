package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.facerecognition.eval.LabelNoise.Suspect;
import org.junit.jupiter.api.Test;

class LabelNoiseTest {
    /** Returns a vector in the plane; embeddings and centers may have any norm. */
    private static float[] at(double degrees, double norm) {
        double angle = Math.toRadians(degrees);
        return new float[] {(float) (norm * Math.cos(angle)), (float) (norm * Math.sin(angle))};
    }

    @Test
    void suspectsFacesThatAreFarFromTheirCenterOrNearerToAnother() {
        float[][] centers = {at(0, 2), at(90, 3)};
        Embedded faces = new Embedded(
                new float[][] {at(5, 1), at(-80, 1), at(80, 1), at(90, 5), at(40, 1)}, new int[] {0, 0, 0, 1, 0});

        List<Suspect> suspects = LabelNoise.suspects(faces, centers, 1, 75);

        assertThat(suspects).extracting(Suspect::face).containsExactly(1, 2); // the farthest first
        assertThat(suspects).extracting(Suspect::nearest).containsExactly(0, 1); // merely far; nearer to identity 1
        assertThat(suspects.get(0).degrees()).isCloseTo(80, within(1e-4));
        assertThat(suspects.get(1).degrees()).isCloseTo(80, within(1e-4));
        assertThat(suspects.get(1).nearestDegrees()).isCloseTo(10, within(1e-4));
    }

    @Test
    void theDominantSubCenterIsTheNearestToMostFaces() {
        // identity 0 has centers at 100 (two mislabeled faces) and 0 degrees (three correct faces), identity 1 at 180
        // and 190
        float[][] centers = {at(100, 1), at(0, 1), at(180, 1), at(190, 1)};
        Embedded faces = new Embedded(
                new float[][] {at(100, 1), at(101, 1), at(1, 1), at(2, 1), at(3, 1), at(180, 1)},
                new int[] {0, 0, 0, 0, 0, 1});

        List<Suspect> suspects = LabelNoise.suspects(faces, centers, 2, 75);

        assertThat(suspects).extracting(Suspect::face).containsExactly(1, 0);
        assertThat(suspects).extracting(Suspect::nearest).containsOnly(1);
    }

    @Test
    void rejectsCentersAndLabelsThatDoNotFit() {
        Embedded faces = new Embedded(new float[][] {at(0, 1)}, new int[] {2});
        assertThatThrownBy(() -> LabelNoise.suspects(faces, new float[][] {at(0, 1), at(1, 1), at(2, 1)}, 2, 75))
                .hasMessage("centers must be a multiple of 2 per identity, but were 3");
        assertThatThrownBy(() -> LabelNoise.suspects(faces, new float[][] {at(0, 1), at(1, 1)}, 1, 75))
                .hasMessage("labels must be below 2, the number of identities with centers, but one was 2");
    }
}
