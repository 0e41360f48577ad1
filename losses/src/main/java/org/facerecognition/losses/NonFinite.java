package org.facerecognition.losses;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds the samples whose embeddings made a loss NaN or infinite. It waits for the device, so use it after a loss
 * turned out not to be finite, not in each step.
 */
public final class NonFinite {
    private NonFinite() {}

    /**
     * Returns which samples of a batch have an embedding with a value that is NaN or infinite.
     *
     * @param embeddings [B, D], borrowed
     * @return their rows, ascending; empty if all are finite
     */
    public static List<Integer> rows(Tensor embeddings) {
        List<Integer> rows = new ArrayList<>();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor nonFinite =
                    embeddings.isfinite().logical_not().any(1).nonzero().cpu(); // [N, 1]
            for (long i = 0; i < nonFinite.size(0); i++) {
                rows.add((int) nonFinite.get(i).item_long());
            }
        }
        return rows;
    }

    /**
     * Checks that a loss is finite, for training loops of your own.
     *
     * @param loss the value of the loss
     * @param embeddings [B, D], the embeddings that it was computed from, borrowed
     * @return the loss
     * @throws ArithmeticException if the loss is NaN or infinite; the message lists the rows that are not finite
     */
    public static double check(double loss, Tensor embeddings) {
        if (!Double.isFinite(loss)) {
            throw new ArithmeticException("loss must be finite, but was " + loss + "; " + describe(rows(embeddings)));
        }
        return loss;
    }

    /** Returns a clause for a message about rows that are not finite. */
    static String describe(List<Integer> rows) {
        return rows.isEmpty()
                ? "all embeddings of the batch are finite"
                : "the embeddings of these rows of the batch are not: " + rows;
    }
}
