package org.facerecognition.vision;

/** A face detector's file is missing or is none. The message names it and the way out. */
public final class DetectorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DetectorException(String message) {
        super(message);
    }

    DetectorException(String message, Throwable cause) {
        super(message, cause);
    }
}
