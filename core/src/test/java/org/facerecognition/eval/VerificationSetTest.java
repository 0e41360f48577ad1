package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Set;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;

class VerificationSetTest {
    /** Two images of each of three people: labels 0 0 1 1 2 2. */
    private static final FaceDataset FACES =
            FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 3).images(0, 2), Split.TEST);

    /** Each face's embedding is its number, in degrees. */
    private static Embedded byNumber(List<Integer> numbers, FaceDataset faces) {
        float[][] embeddings = numbers.stream()
                .map(n -> new float[] {(float) Math.cos(Math.toRadians(n)), (float) Math.sin(Math.toRadians(n))})
                .toArray(float[][]::new);
        int[] labels = new int[faces.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = faces.sample(i).label();
        }
        return new Embedded(embeddings, labels);
    }

    @Test
    void withoutSomeFacesThePairsOfTheOthersAreLeft() {
        VerificationSet rest = VerificationSet.of(FACES).without(Set.of(1, 4));

        assertThat(rest.faces().size()).isEqualTo(4);
        Verification verification = rest.verify(faces -> byNumber(List.of(0, 2, 3, 5), faces));
        assertThat(verification.same()).hasSize(1);
        assertThat(verification.same()[0]).isCloseTo(Math.cos(Math.toRadians(1)), within(1e-6)); // faces 2 and 3
        assertThat(verification.different()).hasSize(5);
    }
}
