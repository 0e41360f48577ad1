package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.Existence;
import org.jspecify.annotations.Nullable;

/**
 * Thrown if a gallery's file or database cannot be read, written or used. The message names the gallery, the problem
 * and the remedy, and no credentials.
 */
public final class GalleryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean damage;
    private final boolean unreachable;
    private transient GalleryTransfer.@Nullable Result transferred;

    GalleryException(String message) {
        this(message, null, false, false);
    }

    GalleryException(String message, Throwable cause) {
        this(message, cause, false, false);
    }

    private GalleryException(String message, @Nullable Throwable cause, boolean damage, boolean unreachable) {
        super(message, cause);
        this.damage = damage;
        this.unreachable = unreachable;
    }

    /** Returns an exception about a gallery's file that cannot be opened or read. */
    static GalleryException unreadable(Path file, IOException why) {
        if (Files.isDirectory(file)) {
            return new GalleryException("gallery " + file + " must be a file, but is a folder; name a file in it", why);
        }
        return isMissing(file)
                ? new GalleryException("gallery " + file + " does not exist; check its name", why)
                : new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(why), why);
    }

    private static boolean isMissing(Path file) {
        try {
            return !Existence.of(file);
        } catch (IOException e) {
            return false; // it may be there
        }
    }

    /** Returns an exception about contents of a file that do not fit together. */
    static GalleryException damage(String message) {
        return new GalleryException(message, null, true, false);
    }

    /** Returns an exception about a database that did not answer. */
    static GalleryException unreachable(String message, Throwable cause) {
        return new GalleryException(message, cause, false, true);
    }

    /**
     * Returns whether the contents of a file do not fit together: it is damaged, or another process rewrites it at this
     * moment.
     */
    boolean isDamage() {
        return damage;
    }

    /** Returns whether a database could not be reached or did not answer, so that another attempt later may succeed. */
    public boolean isUnreachable() {
        return unreachable;
    }

    /** Records what a transfer had done when this was thrown; returns this exception. */
    GalleryException after(GalleryTransfer.Result done) {
        transferred = done;
        return this;
    }

    /**
     * Returns what a transfer of many entries had done before it failed, which stays done; empty if it was rejected
     * before the first entry, and for other changes.
     */
    public Optional<GalleryTransfer.Result> transferred() {
        return Optional.ofNullable(transferred);
    }
}
