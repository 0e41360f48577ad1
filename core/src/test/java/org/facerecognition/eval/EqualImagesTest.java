package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;

class EqualImagesTest {
    private static FaceDataset faces(int from, int to) {
        return FaceDataset.synthetic(
                new SyntheticFaces(0, 48).identities(from, to).images(0, 1), Split.TEST);
    }

    @Test
    void namesTheFirstOfTheImpostorPairsThatAreAlike() {
        FaceDataset one = faces(0, 2);
        FaceDataset two = faces(2, 4);
        float[][] embeddings = {{1, 0}, {0, 1}, {0, 1}, {1, 0.001f}};
        String name = two.sample(0).image().name();
        Verification all = Verification.ofAllPairs(embeddings, new int[] {0, 1, 2, 0});
        assertThat(EqualImages.among(all, List.of(one, two)))
                .contains(new EqualImages(1, one.sample(1).image().name(), name));
        Verification others = Verification.ofAllPairs(embeddings, new int[] {0, 1, 2, 3});
        assertThat(EqualImages.among(others, List.of(one, two)).orElseThrow())
                .hasToString("2 impostor pairs have a cosine above 0.9999, the first of them "
                        + one.sample(1).image().name() + " and " + name
                        + "; if they show one image, or one person under two names, thresholds are too high and the"
                        + " rates too low: remove one of the two, or put both into one person's folder; if they show"
                        + " two"
                        + " people, the model does not tell faces apart");
        Verification same = Verification.ofAllPairs(embeddings, new int[] {0, 1, 1, 0});
        assertThat(EqualImages.among(same, List.of(one, two))).isEmpty();
    }
}
