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

    /** Returns the first line of an error of OpenCV: the rest is for its developers. */
    static String firstLine(RuntimeException error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("no reason given");
    }
}
