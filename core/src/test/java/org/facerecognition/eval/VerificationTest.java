package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class VerificationTest {
    @Test
    void comparesEachWithEachOther() {
        float[][] embeddings = {{1, 0}, {2, 0}, {0, 3}, {-1, 0}};
        Verification verification = Verification.ofAllPairs(embeddings, new int[] {7, 7, 2, 2});

        assertThat(verification.same()).containsExactlyInAnyOrder(1, 0);
        assertThat(verification.different()).containsExactlyInAnyOrder(0, 0, -1, -1);
        assertThat(verification.roc().auc()).isCloseTo((1 + 1 + 1 + 1 + 0.5 + 0.5 + 1 + 1) / 8, within(1e-12));
    }

    @Test
    void whatCannotBeComparedIsASentence() {
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{0, 0}, {1, 0}}, new int[] {1, 1}))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{1, 0}}, new int[] {1, 1}))
                .hasMessage("labels must be 1 like the embeddings, but were 2");
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{1, 0}, {1, 1}}, new int[] {1, 1})
                        .roc())
                .hasMessage("scores must have pairs of both kinds, but had none of the different people");
    }
}
