package org.facerecognition.data;

/** Thrown when the user's data cannot be used. The message names the file, the problem and the way out. */
public sealed class DataException extends RuntimeException permits NoImagesException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for the user */
    public DataException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for the user
     * @param cause the exception that led to this one
     */
    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
