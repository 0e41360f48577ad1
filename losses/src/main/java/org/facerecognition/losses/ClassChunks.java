package org.facerecognition.losses;

/**
 * How a softmax over many classes is split into chunks, so that the memory it needs besides the centers and their
 * gradient is proportional to batch size times chunk size, whatever the number of classes.
 *
 * @param classes the number of classes in a chunk, at least 1. Memory grows with it; with few, the overhead per chunk
 *     adds up
 * @param keptBytes the most bytes of cosines that are kept from the forward pass for the backward pass, at least 0.
 *     Cosines that are not kept are computed again: four matrix products instead of three
 * @param bf16Logits whether the matrix products of both passes run in bfloat16; see {@link MarginSoftmax#setChunks} for
 *     its accuracy
 */
public record ClassChunks(int classes, long keptBytes, boolean bf16Logits) {
    /** 2048 classes per chunk; up to 64 MiB of cosines kept, enough for 131,072 classes and a batch of 128; float32. */
    public static final ClassChunks DEFAULT = new ClassChunks(2048, 64L << 20, false);

    public ClassChunks {
        if (classes < 1) {
            throw new IllegalArgumentException("classes in a chunk must be at least 1, but was " + classes);
        }
        if (keptBytes < 0) {
            throw new IllegalArgumentException("keptBytes must be at least 0, but was " + keptBytes);
        }
    }

    /** Returns these chunks with matrix products in bfloat16, or not. */
    public ClassChunks withBf16Logits(boolean bf16) {
        return new ClassChunks(classes, keptBytes, bf16);
    }
}
