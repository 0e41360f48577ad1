package org.facerecognition.gallery;

/**
 * Thrown if a gallery's file or database cannot be read, written or used. The message names the gallery, the problem
 * and the remedy, and no credentials.
 */
public final class GalleryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean damage;

    GalleryException(String message) {
        super(message);
        this.damage = false;
    }

    GalleryException(String message, Throwable cause) {
        super(message, cause);
        this.damage = false;
    }

    private GalleryException(String message, boolean damage) {
        super(message);
        this.damage = damage;
    }

    /** Returns an exception about contents of a file that do not fit together. */
    static GalleryException damage(String message) {
        return new GalleryException(message, true);
    }

    /**
     * Returns whether the contents of a file do not fit together: it is damaged, or another process rewrites it at this
     * moment.
     */
    boolean isDamage() {
        return damage;
    }
}
