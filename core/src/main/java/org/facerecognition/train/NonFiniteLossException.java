package org.facerecognition.train;

/** A training stopped because a loss, gradient or weight is NaN or infinite. The message says where and what to try. */
public final class NonFiniteLossException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence */
    public NonFiniteLossException(String message) {
        super(message);
    }
}
