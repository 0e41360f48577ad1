package org.facerecognition.losses;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds whose embedding made a loss NaN or infinite. It waits for the device, so it is for after the fact: when a loss that was
 * read is not finite, not in each step.
 */
public final class NonFinite {
    private NonFinite() {}

    /**
     * Which samples of a batch have an embedding that is not finite.
     *
     * @param embeddings [B, D]
     * @return their rows, ascending; empty when all are finite
     */
    public static List<Integer> rows(Tensor embeddings) {
        List<Integer> rows = new ArrayList<>();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor bad = embeddings.isfinite().logical_not().any(1).nonzero().cpu(); // [N, 1]
            for (long i = 0; i < bad.size(0); i++) {
                rows.add((int) bad.get(i).item_long());
            }
        }
        return rows;
    }

    /**
     * Refuses a loss that is not finite, saying whose embedding did it: for training loops of your own.
     *
     * @param loss a scalar that was read already
     * @param embeddings [B, D], those it was computed from
     * @return the loss
     * @throws ArithmeticException when it is NaN or infinite, naming the rows
     */
    public static double check(double loss, Tensor embeddings) {
        if (!Double.isFinite(loss)) {
            throw new ArithmeticException("loss must be finite, but was " + loss + "; " + describe(rows(embeddings)));
        }
        return loss;
    }

    /** A clause for people. */
    static String describe(List<Integer> rows) {
        return rows.isEmpty()
                ? "all embeddings of the batch are finite"
                : "the embeddings of these rows of the batch are not: " + rows;
    }
}
