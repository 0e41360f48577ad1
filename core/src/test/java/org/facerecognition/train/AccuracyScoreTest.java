package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** Tests top-k accuracy. */
class AccuracyScoreTest {
    private static double score(int k, float[] scores, long... labels) {
        try (PointerScope scope = new PointerScope()) {
            Tensor scoreMatrix = Tensor.create(scores).reshape(labels.length, scores.length / labels.length);
            return new AccuracyScore(k).sum(scoreMatrix, Tensor.create(labels));
        }
    }

    @Test
    void countsRowsWhoseLabelIsAmongTheBestScores() {
        float[] scores = {1, 2, 3, /**/ 9, 0, 0, /**/ 1, 5, 4};
        assertThat(score(1, scores, 2, 0, 2)).isEqualTo(2);
        assertThat(score(2, scores, 2, 0, 2)).isEqualTo(3);
        assertThat(score(2, scores, 0, 1, 0)).isEqualTo(1); // 9 0 0: one score is greater, ties count
        assertThat(score(3, scores, 0, 1, 0)).isEqualTo(3);
    }

    @Test
    void ranksGiveTheSameSums() {
        try (PointerScope scope = new PointerScope()) {
            Tensor ranks = Tensor.create(0L, 2L, 1L, 0L, 5L);
            assertThat(new AccuracyScore().sum(ranks)).isEqualTo(2);
            assertThat(new AccuracyScore(2).sum(ranks)).isEqualTo(3);
        }
    }

    @Test
    void nonFiniteScoresAreNeverCorrect() {
        assertThat(score(1, new float[] {Float.NaN, Float.NaN}, 0)).isZero();
        assertThat(score(5, new float[] {1, Float.POSITIVE_INFINITY}, 1)).isZero();
    }

    @Test
    void hasAName() {
        assertThat(new AccuracyScore().name()).isEqualTo("accuracy");
        assertThat(new AccuracyScore(5).name()).isEqualTo("top-5 accuracy");
        assertThatThrownBy(() -> new AccuracyScore(0)).hasMessage("k must be at least 1, but was 0");
    }
}
