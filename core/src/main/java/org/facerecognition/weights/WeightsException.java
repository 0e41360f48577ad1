package org.facerecognition.weights;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a file of weights cannot be downloaded, read or written, or does not fit the network. The message names
 * the file, what is wrong and the way out.
 */
public final class WeightsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for the user */
    public WeightsException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for the user
     * @param cause the underlying exception
     */
    public WeightsException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
