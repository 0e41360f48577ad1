package org.facerecognition.vision;

/** Thrown when the file of a face detector is missing or is not a detector. The message names it and the way out. */
public final class DetectorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DetectorException(String message) {
        super(message);
    }

    DetectorException(String message, Throwable cause) {
        super(message, cause);
    }
}
