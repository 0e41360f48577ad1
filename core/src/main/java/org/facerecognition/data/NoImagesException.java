package org.facerecognition.data;

/**
 * Thrown when the data can be read, but one part of it, or what was selected from a part, has no images. Programs can
 * go on without that part, which they must not where a part cannot be read.
 */
public final class NoImagesException extends DataException {
    private static final long serialVersionUID = 1L;

    NoImagesException(String message) {
        super(message);
    }
}
