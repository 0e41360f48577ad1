package org.facerecognition.export;

/** Thrown when a model cannot be exported; the message states the reason. */
public final class ExportException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ExportException(String message, Throwable cause) {
        super(message, cause);
    }
}
