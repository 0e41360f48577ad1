package org.facerecognition.train;

/** Training met a loss that is NaN or infinite, and stopped. The message says where and what to try. */
public final class NonFiniteLossException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for people */
    public NonFiniteLossException(String message) {
        super(message);
    }
}
