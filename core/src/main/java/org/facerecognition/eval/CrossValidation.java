package org.facerecognition.eval;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.data.UnsuitableDataException;

/**
 * Accuracy with a threshold that was chosen on other pairs than those it is measured on: for each fold, the one that is
 * best on all the others (Huang et al., "Labeled Faces in the Wild", 2007). Unlike insightface's verification.py the
 * threshold is not from a grid: it is the best of all, halfway between two scores.
 *
 * @param accuracies on each fold, in [0, 1]
 * @param thresholds chosen for each fold
 */
public record CrossValidation(double[] accuracies, double[] thresholds) {
    /**
     * Cuts the list into runs of pairs: the LFW protocol with 10, whose pairs.txt lists set after set, and so do
     * insightface's files. Where it does not come out even the first runs are longer by one.
     *
     * @param folds at least 2
     * @throws IllegalArgumentException when there are fewer than 2 folds
     * @throws UnsuitableDataException when there are too few pairs, or all but one fold have pairs of one kind only
     */
    public static CrossValidation blocks(Verification pairs, int folds) {
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
     * Deals the pairs of each kind out in turn: the first genuine pair to the first fold, the second to the second, and
     * the impostor pairs likewise, each kind on its own. Every fold then has its share of both kinds in whatever order
     * the list has them: all of one kind first, as LFW's View 1, or in alternation.
     *
     * @param folds at least 2; see {@link #mostFolds}
     * @throws IllegalArgumentException when there are fewer than 2 folds
     * @throws UnsuitableDataException when there are too few pairs, or fewer than two of a kind
     */
    public static CrossValidation dealt(Verification pairs, int folds) {
        int[] fold = new int[pairs.size()];
        int genuine = 0;
        int impostor = 0;
        for (int pair = 0; pair < fold.length; pair++) {
            fold[pair] = (pairs.isSame(pair) ? genuine++ : impostor++) % Math.max(1, folds);
        }
        return of(pairs, fold, folds);
    }

    /**
     * The number of folds that pairs can be dealt into so that each fold has a pair of both kinds at least.
     *
     * @param wanted at least 1
     * @return at most {@code wanted}; below 2 where there are not two pairs of each kind, and no threshold can be
     *     chosen on other pairs than those it is measured on
     */
    public static int mostFolds(Verification pairs, int wanted) {
        int genuine =
                (int) IntStream.range(0, pairs.size()).filter(pairs::isSame).count();
        return Math.min(wanted, Math.min(genuine, pairs.size() - genuine));
    }

    private static CrossValidation of(Verification pairs, int[] foldOf, int folds) {
        if (folds < 2) {
            throw new IllegalArgumentException("folds must be at least 2, but were " + folds);
        }
        if (pairs.size() < folds) {
            throw new UnsuitableDataException(
                    "folds must be at least 2 and at most as many as pairs, " + pairs.size() + ", but were " + folds);
        }
        pairs.roc(); // refuses what no threshold can be chosen on
        double[] accuracies = new double[folds];
        double[] thresholds = new double[folds];
        for (int fold = 0; fold < folds; fold++) {
            int here = fold;
            thresholds[fold] = threshold(pairs, fold, pair -> foldOf[pair] != here);
            accuracies[fold] = accuracy(pairs, thresholds[fold], pair -> foldOf[pair] == here);
        }
        return new CrossValidation(accuracies, thresholds);
    }

    private static double threshold(Verification pairs, int fold, IntPredicate others) {
        double[] same = scores(pairs, others, true);
        double[] different = scores(pairs, others, false);
        if (same.length == 0 || different.length == 0) {
            throw new UnsuitableDataException("the folds beside fold " + (fold + 1)
                    + " must have pairs of both kinds to choose a threshold on, but have " + same.length
                    + " of the same person and " + different.length
                    + " of different people; deal the pairs out in turn, and give at least two of each kind");
        }
        return Roc.ofOwned(same, different).bestAccuracy().threshold();
    }

    private static double[] scores(Verification pairs, IntPredicate chosen, boolean same) {
        return IntStream.range(0, pairs.size())
                .filter(pair -> chosen.test(pair) && pairs.isSame(pair) == same)
                .mapToDouble(pairs::score)
                .toArray();
    }

    private static double accuracy(Verification pairs, double threshold, IntPredicate chosen) {
        return IntStream.range(0, pairs.size())
                .filter(chosen)
                .mapToDouble(pair -> (pairs.score(pair) >= threshold) == pairs.isSame(pair) ? 1 : 0)
                .average()
                .orElseThrow();
    }

    /**
     * Share of pairs that a given threshold tells right.
     *
     * @throws UnsuitableDataException when there are no pairs
     */
    public static double accuracyAt(double threshold, Verification pairs) {
        if (pairs.size() == 0) {
            throw new UnsuitableDataException("pairs must be at least one, but there were none");
        }
        return accuracy(pairs, threshold, pair -> true);
    }

    /** Mean accuracy over the folds. */
    public double mean() {
        return Arrays.stream(accuracies).average().orElseThrow();
    }

    /**
     * Of the mean: the folds' standard deviation (over folds - 1) divided by the root of their number, as LFW asks for.
     */
    public double standardError() {
        double mean = mean();
        double squares =
                Arrays.stream(accuracies).map(a -> (a - mean) * (a - mean)).sum();
        return Math.sqrt(squares / (accuracies.length - 1) / accuracies.length);
    }
}
