package org.facerecognition.graph;

import java.nio.FloatBuffer;

/** Some entries of the first dimension of a constant. */
final class SlicedConstant implements Constant {
    private final Constant whole;
    private final long from;
    private final long to;

    SlicedConstant(Constant whole, long from, long to) {
        this.whole = whole;
        this.from = from;
        this.to = to;
    }

    @Override
    public long[] shape() {
        long[] shape = whole.shape();
        shape[0] = to - from;
        return shape;
    }

    @Override
    public void copyTo(FloatBuffer target) {
        int entry = Math.toIntExact(whole.count() / whole.size(0));
        target.put(whole.values(), Math.toIntExact(from) * entry, Math.toIntExact(to - from) * entry);
    }
}
