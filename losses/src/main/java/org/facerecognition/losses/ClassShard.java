package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * One process's share of the identities of a head whose centers are spread over several processes, as in Partial FC (An
 * et al., CVPR 2022, section 3.2), and what the processes exchange. All of them must call the methods of a sharded head
 * in the same order, with the same embeddings and labels and the same random numbers.
 */
public interface ClassShard {
    /** Returns the first identity of this share. */
    int from();

    /** Returns the end of this share, exclusive; the same as {@link #from} for a share of none. */
    int to();

    /**
     * Replaces a tensor by its sum over all processes.
     *
     * @param mine contiguous, of the same shape in all processes; borrowed
     */
    void sum(Tensor mine);

    /**
     * Returns the tensors of all processes.
     *
     * @param mine contiguous, of the same shape in all processes; borrowed
     * @return [P, ...mine], in the same order in all processes; scoped
     */
    Tensor gather(Tensor mine);
}
