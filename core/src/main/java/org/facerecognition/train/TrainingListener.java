package org.facerecognition.train;

import java.nio.file.Path;

/** Watches a training. Called on the training thread, between steps; what it throws ends the training. */
public interface TrainingListener {
    /** Before the first step, and after a backup was taken up again, with what that had done already. */
    default void started(History soFar) {}

    /** After an optimiser step. */
    default void stepped(StepReport step) {}

    /** After an epoch and its validation; {@code soFar} has it already. */
    default void epochEnded(EpochReport epoch, History soFar) {}

    /** After a backup is safely on the disk. */
    default void backedUp(Path file) {}
}
