package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Set;
import org.facerecognition.augment.Presets;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;

class VerificationSetTest {
    /** Two images of each of three people: labels 0 0 1 1 2 2. */
    private static final FaceDataset FACES =
            FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 3).images(0, 2), Split.TEST);

    /** Returns one embedding per face, on the unit circle at these angles in degrees. */
    private static Embedded atAngles(List<Integer> degrees, FaceDataset faces) {
        float[][] embeddings = degrees.stream()
                .map(d -> new float[] {(float) Math.cos(Math.toRadians(d)), (float) Math.sin(Math.toRadians(d))})
                .toArray(float[][]::new);
        int[] labels = new int[faces.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = faces.sample(i).label();
        }
        return new Embedded(embeddings, labels);
    }

    /** Copies by augmentations are never embedded, but were counted, and formed genuine pairs. */
    @Test
    void augmentedCopiesAreNoFaces() {
        FaceDataset one = FaceDataset.synthetic(
                        new SyntheticFaces(0, 32).identities(0, 3).images(0, 1), Split.TRAIN)
                .withAugmentations(Presets.fiveColor());
        VerificationSet set = VerificationSet.of(one);
        assertThat(set.faces().size()).isEqualTo(3);
        assertThatThrownBy(set::requireMeasurable).hasMessageContaining("form none of the same person");
    }

    @Test
    void keepsThePairsOfTheRemainingFaces() {
        VerificationSet rest = VerificationSet.of(FACES).without(Set.of(1, 4));

        assertThat(rest.faces().size()).isEqualTo(4);
        Verification verification = rest.verify(faces -> atAngles(List.of(0, 2, 3, 5), faces));
        assertThat(verification.same()).hasSize(1);
        assertThat(verification.same()[0]).isCloseTo(Math.cos(Math.toRadians(1)), within(1e-6)); // faces 2 and 3
        assertThat(verification.different()).hasSize(5);
    }
}
