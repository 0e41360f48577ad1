package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.facerecognition.data.UnsuitableDataException;
import org.junit.jupiter.api.Test;

class VerificationTest {
    @Test
    void comparesEveryFaceWithEveryOther() {
        float[][] embeddings = {{1, 0}, {2, 0}, {0, 3}, {-1, 0}};
        Verification verification = Verification.ofAllPairs(embeddings, new int[] {7, 7, 2, 2});

        assertThat(verification.same()).containsExactlyInAnyOrder(1, 0);
        assertThat(verification.different()).containsExactlyInAnyOrder(0, 0, -1, -1);
        assertThat(verification.roc().auc()).isCloseTo((1 + 1 + 1 + 1 + 0.5 + 0.5 + 1 + 1) / 8, within(1e-12));
    }

    @Test
    void numbersPairsRowByRow() {
        int faces = 300;
        float[][] embeddings = new float[faces][1];
        for (float[] embedding : embeddings) {
            embedding[0] = 1;
        }
        Verification all = Verification.ofAllPairs(embeddings, new int[faces]);
        int pair = 0;
        for (int i = 0; i < faces; i++) {
            for (int j = 0; j < i; j++) {
                assertThat(all.first(pair)).isEqualTo(i);
                assertThat(all.second(pair++)).isEqualTo(j);
            }
        }
        assertThat(all.size()).isEqualTo(pair);
        var largest = new Pairing.AllPairs(new int[0]);
        int last = (int) Pairing.AllPairs.pairsBefore(65_536) - 1;
        assertThat(largest.first(last)).isEqualTo(65_535);
        assertThat(largest.second(last)).isEqualTo(65_534);
    }

    @Test
    void comparesThePairsOfAList() {
        float[][] embeddings = {{1, 0}, {0, 2}, {3, 3}};
        Verification list = Verification.ofPairs(
                embeddings, new int[] {0, 2, 1}, new int[] {1, 0, 1}, new boolean[] {false, true, true});
        assertThat(list.score(0)).isZero();
        assertThat(list.score(1)).isCloseTo(Math.sqrt(0.5), within(1e-12));
        assertThat(list.score(2)).isEqualTo(1);
        assertThat(list.same()).containsExactly(list.score(1), 1);
        assertThat(list.first(1)).isEqualTo(2);
        assertThat(list.second(1)).isZero();
        assertThatThrownBy(() -> Verification.ofPairs(embeddings, new int[2], new int[1], new boolean[2]))
                .hasMessage("the arrays of a list of pairs must have the same length, but had 2 and 1");
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[70_000][1], new int[70_000]))
                .hasMessageContaining("faces must be at most 65536 to compare each with each, but were 70000");
    }

    @Test
    void returnsTheHardestPairsFirst() {
        Verification pairs = Verification.ofScores(
                new double[] {0.5, 0.9, 0.1, 0.3, 0.8, 0.2}, new boolean[] {true, false, true, true, false, false});
        assertThat(pairs.hardest(true, 2)).containsExactly(2, 3);
        assertThat(pairs.hardest(true, 9)).containsExactly(2, 3, 0);
        assertThat(pairs.hardest(false, 2)).containsExactly(1, 4);
        assertThat(pairs.hardest(false, 0)).isEmpty();
        assertThat(pairs.knowsFaces()).isFalse();
        assertThatThrownBy(() -> pairs.first(0)).hasMessageContaining("only scores were given");
    }

    @Test
    void measuresEachFoldWithTheThresholdOfTheOthers() {
        double[] scores = {0.9, 0.2, 0.8, 0.1, 0.3, 0.7}; // the last two are in the wrong order
        Verification pairs = Verification.ofScores(scores, new boolean[] {true, false, true, false, true, false});
        CrossValidation folds = CrossValidation.contiguous(pairs, 3);
        assertThat(folds.accuracies()).containsExactly(1, 1, 0);
        assertThat(folds.mean()).isCloseTo(2 / 3.0, within(1e-15));
        assertThat(folds.standardError()).isCloseTo(Math.sqrt(1 / 3.0) / Math.sqrt(3), within(1e-15));
        assertThat(folds.thresholds()[2]).isEqualTo(0.5);
        assertThat(CrossValidation.accuracyAt(0.5, pairs)).isEqualTo(4 / 6.0);
    }

    @Test
    void rejectsFoldsThatNoThresholdCanBeChosenFor() {
        Verification oneGenuine = Verification.ofScores(new double[4], new boolean[] {true, false, false, false});
        assertThatThrownBy(() -> CrossValidation.interleaved(oneGenuine, 2))
                .isInstanceOf(UnsuitableDataException.class)
                .hasMessage("all folds but fold 1 must together have genuine and impostor pairs to choose a threshold"
                        + " on, but have 0 genuine and 1 impostor pairs; use interleaved folds and at least two pairs"
                        + " of each kind");
        Verification allGenuine = Verification.ofScores(new double[4], new boolean[] {true, true, true, true});
        assertThatThrownBy(() -> CrossValidation.interleaved(allGenuine, 2))
                .hasMessage("scores must be of genuine and impostor pairs, but there were no impostor pairs");
        Verification six = Verification.ofScores(new double[6], new boolean[] {true, false, true, false, true, false});
        assertThatThrownBy(() -> CrossValidation.contiguous(six, 7))
                .hasMessage("folds must be at least 2 and at most as many as pairs, 6, but were 7");
    }

    /** Formerly, folds of an alternating list had pairs of one kind only, and equal scores an accuracy of 0. */
    @Test
    void interleavesGenuineAndImpostorPairsSeparately() {
        boolean[] alternating = new boolean[40];
        double[] scores = new double[40];
        for (int i = 0; i < 40; i++) {
            alternating[i] = i % 2 == 0;
        }
        CrossValidation equal = CrossValidation.interleaved(Verification.ofScores(scores, alternating), 10);
        assertThat(equal.mean()).isEqualTo(0.5);
        assertThat(equal.accuracies()).containsOnly(0.5);

        boolean[] sorted = new boolean[40]; // all genuine pairs first, as in LFW's View 1
        for (int i = 0; i < 40; i++) {
            sorted[i] = i < 20;
            scores[i] = Math.sin(i * 37) + (i < 20 ? 0.5 : 0);
        }
        Verification view1 = Verification.ofScores(scores, sorted);
        assertThat(CrossValidation.interleaved(view1, 2).accuracies())
                .containsExactly(accuracyOfEverySecondPair(view1, 0), accuracyOfEverySecondPair(view1, 1));
    }

    /** Returns the accuracy on every second pair of the list, with the threshold of the others. */
    private static double accuracyOfEverySecondPair(Verification pairs, int fold) {
        double[][] kinds = new double[4][pairs.size() / 4];
        for (int i = 0; i < pairs.size(); i++) {
            kinds[(i % 2 == fold ? 0 : 2) + (pairs.isSame(i) ? 0 : 1)][i % 20 / 2] = pairs.score(i);
        }
        double threshold = Roc.of(kinds[2], kinds[3]).bestAccuracy().threshold();
        return (Arrays.stream(kinds[0]).filter(score -> score >= threshold).count()
                        + Arrays.stream(kinds[1])
                                .filter(score -> score < threshold)
                                .count())
                / 20.0;
    }

    @Test
    void maxFoldsAllowsAPairOfBothKindsInEach() {
        Verification pairs =
                Verification.ofScores(new double[7], new boolean[] {true, true, true, true, false, false, false});
        assertThat(CrossValidation.maxFolds(pairs, 10)).isEqualTo(3);
        assertThat(CrossValidation.maxFolds(pairs, 2)).isEqualTo(2);
        assertThatThrownBy(() -> CrossValidation.interleaved(pairs, pairs.size()))
                .isInstanceOf(UnsuitableDataException.class)
                .hasMessageContaining("folds must have a pair, but fold ");
    }

    @Test
    void rejectsFacesThatCannotBeCompared() {
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{0, 0}, {1, 0}}, new int[] {1, 1}))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{1, 0}}, new int[] {1, 1}))
                .hasMessage("labels must be 1 like the embeddings, but were 2");
        assertThatThrownBy(() -> Verification.ofAllPairs(new float[][] {{1, 0}, {1, 1}}, new int[] {1, 1})
                        .roc())
                .hasMessage("scores must be of genuine and impostor pairs, but there were no impostor pairs");
    }
}
