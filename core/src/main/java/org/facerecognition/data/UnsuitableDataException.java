package org.facerecognition.data;

/**
 * Thrown when data is valid but unsuitable for its purpose: too few pairs, pairs of only one kind, or people whom the
 * model does not know. No other setting can remedy that, so that programs can distinguish it from a wrong setting, for
 * which a plain {@link IllegalArgumentException} is thrown.
 */
public final class UnsuitableDataException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for the user */
    public UnsuitableDataException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for the user
     * @param cause the exception that led to this one
     */
    public UnsuitableDataException(String message, Throwable cause) {
        super(message, cause);
    }
}
