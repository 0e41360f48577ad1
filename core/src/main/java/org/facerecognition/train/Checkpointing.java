package org.facerecognition.train;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where and when a training writes checkpoints, and whether it continues from one.
 *
 * @param folder for {@code last.ckpt} and {@code best.ckpt}; null for no checkpoints
 * @param everySteps writes {@code last.ckpt} within an epoch too, every so many steps; 0 for at its end only
 * @param resume whether to continue from {@code last.ckpt} where there is one
 * @param acceptChangedImages whether to resume even if images have other contents than before under the same names, for
 *     example because a damaged one was replaced
 */
public record Checkpointing(@Nullable Path folder, int everySteps, boolean resume, boolean acceptChangedImages) {

    /** @throws IllegalArgumentException when a value is out of its range, or a folder is needed and there is none */
    public Checkpointing {
        Bounds.atLeast(0, "checkpointEverySteps", everySteps);
        if (resume && folder == null) {
            throw new IllegalArgumentException(
                    "resume must go with a checkpoint folder to continue from, but checkpoints was not set");
        }
        if (everySteps > 0 && folder == null) {
            throw new IllegalArgumentException(
                    "checkpointEverySteps must go with a folder to write checkpoints to, but checkpoints was not set");
        }
    }
}
