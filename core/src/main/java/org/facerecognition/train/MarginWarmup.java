package org.facerecognition.train;

import org.facerecognition.losses.Head;
import org.facerecognition.losses.Margin;
import org.facerecognition.losses.MarginSoftmax;
import org.jspecify.annotations.Nullable;

/**
 * Lets the margin of a head grow linearly from 0 to its full size. The margin of a step is a function of its place in
 * the training alone, so a resumed training has the same margins as one that was never stopped.
 */
public final class MarginWarmup {
    private final @Nullable MarginSoftmax head; // null without a margin
    private final @Nullable Margin fullMargin;
    private final int epochs;

    /** @param epochs over which the margin grows; 0 for its full size from the start */
    public MarginWarmup(Head head, int epochs) {
        this.head = head instanceof MarginSoftmax margins ? margins : null;
        this.fullMargin = this.head == null ? null : this.head.margin();
        this.epochs = epochs;
    }

    /** @param epochsDone of the training, with the fraction of the running one */
    public void apply(double epochsDone) {
        if (epochs > 0 && head != null && fullMargin != null) {
            head.setMargin(fullMargin.scaledBy(Math.min(1, epochsDone / epochs)));
        }
    }

    /** Sets the full margin again. */
    public void restore() {
        if (head != null && fullMargin != null) {
            head.setMargin(fullMargin);
        }
    }
}
