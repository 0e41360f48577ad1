package org.facerecognition.distributed;

import org.jspecify.annotations.Nullable;

/** A group of ranks that cannot go on because of another rank, or because its store is gone. */
final class GroupFailureException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence */
    GroupFailureException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
