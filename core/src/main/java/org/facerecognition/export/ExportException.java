package org.facerecognition.export;

/** A model cannot be written for another runtime; the message says why. */
public final class ExportException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ExportException(String message, Throwable cause) {
        super(message, cause);
    }
}
