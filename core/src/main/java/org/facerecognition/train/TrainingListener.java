package org.facerecognition.train;

import java.nio.file.Path;
import java.util.Map;

/**
 * Receives the events of a training, on the training thread, between steps. An exception it throws ends the training.
 */
public interface TrainingListener {
    /** Called before the first step; after a resume, with the history so far. */
    default void started(History soFar) {}

    /**
     * Called batch by batch while images are embedded but not trained on.
     *
     * @param what the images are for: "first centers" (before the first step, see {@code headFromMeans}), "validation"
     *     or "verification"
     * @param done number of images so far
     * @param images total number of images
     */
    default void passed(String what, int done, int images) {}

    /** Whether to call {@link #embeddingStats}, which costs a product of embeddings and centers in every batch. */
    default boolean wantsEmbeddingStats() {
        return false;
    }

    /** Called for each batch before its step, if {@link #wantsEmbeddingStats}. */
    default void embeddingStats(BatchEmbeddingStats batch) {}

    /**
     * Called with something the user should know although it is not an error: before the first step, or after one when
     * other programs have begun to slow the training down.
     *
     * @param message one sentence
     */
    default void noted(String message) {}

    /** Called after an optimizer step. */
    default void stepped(StepReport step) {}

    /** Called after an epoch and its validation; {@code soFar} includes it. */
    default void epochEnded(EpochReport epoch, History soFar) {}

    /**
     * Called after an epoch in which more images were skipped than before.
     *
     * @param images all images that were skipped since the training was started or resumed, with the reason for each
     */
    default void skipped(Map<String, String> images) {}

    /** Called after a checkpoint was written and synced to disk. */
    default void checkpointSaved(Path file) {}
}
