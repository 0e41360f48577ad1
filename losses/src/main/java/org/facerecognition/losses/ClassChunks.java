package org.facerecognition.losses;

/**
 * How a softmax over many classes goes through them: some at a time, so that what it needs beside the centres and their
 * gradient stays small whatever their number.
 *
 * @param bytes of cosines [batch, chunk] at a time, at least 1; a chunk has one class at least. As many again may be kept from
 *     the forward pass for the backward pass. What is not kept is computed again: four matrix products in place of three
 * @param bf16Logits multiplies in bfloat16, in both passes; see {@link MarginSoftmax#setChunks} for what that costs
 */
public record ClassChunks(long bytes, boolean bf16Logits) {
    /** 64 MiB, 131,072 classes for a batch of 128; float32. */
    public static final ClassChunks DEFAULT = new ClassChunks(64L << 20, false);

    public ClassChunks {
        if (bytes < 1) {
            throw new IllegalArgumentException("bytes of a chunk must be at least 1, but was " + bytes);
        }
    }

    /** The same with products in bfloat16, or not. */
    public ClassChunks withBf16Logits(boolean bf16) {
        return new ClassChunks(bytes, bf16);
    }

    /** How many classes go together where each takes so many bytes. */
    int classes(long bytesOfOne) {
        return (int) Math.max(1, Math.min(Integer.MAX_VALUE / 2, bytes / bytesOfOne));
    }
}
