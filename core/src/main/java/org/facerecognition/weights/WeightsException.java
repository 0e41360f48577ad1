package org.facerecognition.weights;

/** A weights file cannot be read, written or does not fit. The message names the file, what is wrong and the way out. */
public final class WeightsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for people */
    public WeightsException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for people
     * @param cause what was thrown below
     */
    public WeightsException(String message, Throwable cause) {
        super(message, cause);
    }
}
