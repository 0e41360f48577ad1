package org.facerecognition.train;

import java.nio.file.Path;
import java.util.Map;

/** Watches a training. Called on the training thread, between steps; what it throws ends the training. */
public interface TrainingListener {
    /** Before the first step, and after a backup was taken up again, with what that had done already. */
    default void started(History soFar) {}

    /**
     * On the way through images that are looked at and not learned from, batch by batch.
     *
     * @param what they are for: "first centers" (embedded before the first step, see {@code headFromMeans}), "validation"
     * @param done so far
     * @param images in all
     */
    default void passed(String what, int done, int images) {}

    /** Whether {@link #embeddingStats} is wanted: measuring it costs a product of embeddings and centers in every batch. */
    default boolean wantsEmbeddingStats() {
        return false;
    }

    /** For who {@link #wantsEmbeddingStats}: how a training batch's embeddings lay, before the step that they lead to. */
    default void embeddingStats(BatchEmbeddingStats batch) {}

    /**
     * Something that whoever trains should know, though nothing is wrong for certain. One sentence, once, before the
     * first step.
     */
    default void noted(String message) {}

    /** After an optimizer step. */
    default void stepped(StepReport step) {}

    /** After an epoch and its validation; {@code soFar} has it already. */
    default void epochEnded(EpochReport epoch, History soFar) {}

    /**
     * After an epoch in which images were skipped that had not been before.
     *
     * @param images all that were skipped so far, and what is wrong with each
     */
    default void skipped(Map<String, String> images) {}

    /** After a backup is safely on the disk. */
    default void checkpointSaved(Path file) {}
}
