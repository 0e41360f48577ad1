package org.facerecognition.data;

/** Something is wrong with the user's data. The message names the file, what is wrong with it and the way out. */
public final class DataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for people */
    public DataException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for people
     * @param cause what was thrown below
     */
    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
