package org.facerecognition.eval;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.data.UnsuitableDataException;

/**
 * Cross-validated verification accuracy: each fold is measured with the threshold that is best on all other folds
 * (Huang et al., "Labeled Faces in the Wild", 2007). Unlike in insightface's verification.py, the threshold does not
 * come from a grid: it is the best of all thresholds, halfway between two scores.
 *
 * @param accuracies per fold, in [0, 1]
 * @param thresholds per fold, chosen on the other folds
 */
public record CrossValidation(double[] accuracies, double[] thresholds) {
    /**
     * Divides the list into contiguous folds. With 10 folds this is the LFW protocol: pairs.txt lists one set after
     * another, and so do insightface's files. When the pairs do not divide evenly, the first folds have one pair more.
     *
     * @param folds at least 2
     * @throws IllegalArgumentException when there are fewer than 2 folds
     * @throws UnsuitableDataException when there are fewer pairs than folds, or when all folds but one have only
     *     genuine or only impostor pairs
     */
    public static CrossValidation contiguous(Verification pairs, int folds) {
        int[] fold = new int[pairs.size()];
        int longer = fold.length % Math.max(1, folds);
        int length = fold.length / Math.max(1, folds);
        for (int pair = 0; pair < fold.length; pair++) {
            int inLonger = pair / (length + 1);
            fold[pair] = inLonger < longer ? inLonger : longer + (pair - longer * (length + 1)) / Math.max(1, length);
        }
        return of(pairs, fold, folds);
    }

    /**
     * Distributes the pairs over interleaved folds: the first genuine pair goes to the first fold, the second to the
     * second fold, and so on, and the impostor pairs likewise. Genuine and impostor pairs are counted separately, so
     * every fold gets its share of both whatever the order of the list: all genuine pairs first, as in LFW's View 1, or
     * alternating.
     *
     * @param folds at least 2; see {@link #maxFolds}
     * @throws IllegalArgumentException when there are fewer than 2 folds
     * @throws UnsuitableDataException when there are fewer pairs than folds, when a fold would have none, or when there
     *     are fewer than two genuine or two impostor pairs
     */
    public static CrossValidation interleaved(Verification pairs, int folds) {
        int[] fold = new int[pairs.size()];
        int genuine = 0;
        int impostor = 0;
        for (int pair = 0; pair < fold.length; pair++) {
            fold[pair] = (pairs.isSame(pair) ? genuine++ : impostor++) % Math.max(1, folds);
        }
        return of(pairs, fold, folds);
    }

    /**
     * Returns the largest number of interleaved folds that each have at least one genuine and one impostor pair.
     *
     * @param limit the number of folds to return at most, at least 1
     * @return at most {@code limit}; below 2 when there are fewer than two genuine or two impostor pairs, so that no
     *     threshold can be chosen on pairs other than those it is measured on
     */
    public static int maxFolds(Verification pairs, int limit) {
        int genuine =
                (int) IntStream.range(0, pairs.size()).filter(pairs::isSame).count();
        return Math.min(limit, Math.min(genuine, pairs.size() - genuine));
    }

    private static CrossValidation of(Verification pairs, int[] foldOf, int folds) {
        if (folds < 2) {
            throw new IllegalArgumentException("folds must be at least 2, but were " + folds);
        }
        if (pairs.size() < folds) {
            throw new UnsuitableDataException(
                    "folds must be at least 2 and at most as many as pairs, " + pairs.size() + ", but were " + folds);
        }
        boolean[] hasPair = new boolean[folds];
        for (int fold : foldOf) {
            hasPair[fold] = true;
        }
        for (int fold = 0; fold < folds; fold++) {
            if (!hasPair[fold]) {
                throw new UnsuitableDataException("each of the " + folds + " folds must have a pair, but fold "
                        + (fold + 1) + " has none; use at most as many as maxFolds says");
            }
        }
        pairs.roc(); // rejects pairs on which no threshold can be chosen
        double[] accuracies = new double[folds];
        double[] thresholds = new double[folds];
        for (int fold = 0; fold < folds; fold++) {
            int current = fold;
            thresholds[fold] = threshold(pairs, fold, pair -> foldOf[pair] != current);
            accuracies[fold] = accuracy(pairs, thresholds[fold], pair -> foldOf[pair] == current);
        }
        return new CrossValidation(accuracies, thresholds);
    }

    private static double threshold(Verification pairs, int fold, IntPredicate inOtherFolds) {
        double[] genuine = scores(pairs, inOtherFolds, true);
        double[] impostor = scores(pairs, inOtherFolds, false);
        if (genuine.length == 0 || impostor.length == 0) {
            throw new UnsuitableDataException("all folds but fold " + (fold + 1)
                    + " must together have genuine and impostor pairs to choose a threshold on, but have "
                    + genuine.length + " genuine and " + impostor.length
                    + " impostor pairs; use interleaved folds and at least two pairs of each kind");
        }
        return Roc.ofOwned(genuine, impostor).bestAccuracy().threshold();
    }

    private static double[] scores(Verification pairs, IntPredicate selected, boolean genuine) {
        return IntStream.range(0, pairs.size())
                .filter(pair -> selected.test(pair) && pairs.isSame(pair) == genuine)
                .mapToDouble(pairs::score)
                .toArray();
    }

    private static double accuracy(Verification pairs, double threshold, IntPredicate selected) {
        return IntStream.range(0, pairs.size())
                .filter(selected)
                .mapToDouble(pair -> (pairs.score(pair) >= threshold) == pairs.isSame(pair) ? 1 : 0)
                .average()
                .orElseThrow();
    }

    /**
     * Returns the share of pairs that a given threshold classifies correctly.
     *
     * @throws UnsuitableDataException when there are no pairs
     */
    public static double accuracyAt(double threshold, Verification pairs) {
        if (pairs.size() == 0) {
            throw new UnsuitableDataException("pairs must have at least one entry, but was empty");
        }
        return accuracy(pairs, threshold, pair -> true);
    }

    /** Returns the mean accuracy of the folds. */
    public double mean() {
        return Arrays.stream(accuracies).average().orElseThrow();
    }

    /**
     * Returns the standard error of the mean, as LFW reports it: the sample standard deviation of the fold accuracies,
     * divided by the square root of the number of folds.
     */
    public double standardError() {
        double mean = mean();
        double squares =
                Arrays.stream(accuracies).map(a -> (a - mean) * (a - mean)).sum();
        return Math.sqrt(squares / (accuracies.length - 1) / accuracies.length);
    }
}
