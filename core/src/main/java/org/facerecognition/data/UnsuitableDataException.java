package org.facerecognition.data;

/**
 * The data cannot serve what it was given for: too few pairs, one kind of pairs only, people whom the model does not
 * know. It is an argument that other settings cannot mend, so programs can tell it from a wrong setting, which is a
 * plain {@link IllegalArgumentException}.
 */
public final class UnsuitableDataException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** @param message one sentence for people */
    public UnsuitableDataException(String message) {
        super(message);
    }

    /**
     * @param message one sentence for people
     * @param cause what was thrown below
     */
    public UnsuitableDataException(String message, Throwable cause) {
        super(message, cause);
    }
}
