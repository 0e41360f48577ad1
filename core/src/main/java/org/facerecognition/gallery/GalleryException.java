package org.facerecognition.gallery;

/** A gallery's file cannot be read, written or used. The message names the file, what is wrong and the way out. */
public final class GalleryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GalleryException(String message) {
        super(message);
    }

    GalleryException(String message, Throwable cause) {
        super(message, cause);
    }
}
