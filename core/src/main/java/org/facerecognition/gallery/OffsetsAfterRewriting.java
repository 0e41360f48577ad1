package org.facerecognition.gallery;

import java.util.function.LongConsumer;

/**
 * The offsets of rows in a file that is rewritten without the removed ones, which get the offset of the row before
 * them. Takes the offsets of the other rows in order.
 */
final class OffsetsAfterRewriting implements LongConsumer {
    private final Rows.View view;
    private final LongColumn offsets = new LongColumn();
    private int row;
    private long last;

    OffsetsAfterRewriting(Rows.View view) {
        this.view = view;
    }

    @Override
    public void accept(long offset) {
        addRemoved();
        last = offset;
        offsets.put(row++, offset);
    }

    private void addRemoved() {
        while (row < view.rows() && !view.has(row)) {
            offsets.put(row++, last);
        }
    }

    /** Returns the offsets of all rows, once those of all that are left were taken. */
    LongColumn all() {
        addRemoved();
        return offsets;
    }
}
