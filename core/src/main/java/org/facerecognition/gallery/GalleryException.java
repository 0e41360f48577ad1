package org.facerecognition.gallery;

/**
 * Thrown if a gallery's file or database cannot be read, written or used. The message names the gallery, the problem
 * and the remedy, and no credentials.
 */
public final class GalleryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GalleryException(String message) {
        super(message);
    }

    GalleryException(String message, Throwable cause) {
        super(message, cause);
    }
}
