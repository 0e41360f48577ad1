package org.facerecognition.losses;

/**
 * How a softmax over many classes goes through them: some at a time, so that what it needs beside the centers and their
 * gradient is of size batch x chunk, whatever their number.
 *
 * @param classes in a chunk, at least 1. Memory grows with it; with few of them, what is done once for each chunk adds up
 * @param keptBytes how many bytes of cosines may be kept from the forward pass for the backward pass, at least 0. What is
 *     not kept is computed again: four matrix products in place of three
 * @param bf16Logits whether to multiply in bfloat16, in both passes; see {@link MarginSoftmax#setChunks} for what that costs
 */
public record ClassChunks(int classes, long keptBytes, boolean bf16Logits) {
    /** 2048 classes at a time; up to 64 MiB of cosines kept, those of 131,072 classes for a batch of 128; float32. */
    public static final ClassChunks DEFAULT = new ClassChunks(2048, 64L << 20, false);

    public ClassChunks {
        if (classes < 1) {
            throw new IllegalArgumentException("classes in a chunk must be at least 1, but was " + classes);
        }
        if (keptBytes < 0) {
            throw new IllegalArgumentException("keptBytes must be at least 0, but was " + keptBytes);
        }
    }

    /** The same with products in bfloat16, or not. */
    public ClassChunks withBf16Logits(boolean bf16) {
        return new ClassChunks(classes, keptBytes, bf16);
    }
}
