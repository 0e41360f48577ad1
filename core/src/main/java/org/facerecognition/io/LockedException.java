package org.facerecognition.io;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Thrown if another writer holds a {@link WriterLock}. */
public final class LockedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean byThisProcess;
    private final @Nullable String holder;
    private final boolean mayBeLeftBehind;

    LockedException(Path lockFile, boolean byThisProcess, @Nullable String holder) {
        this(lockFile, byThisProcess, holder, false);
    }

    /** @param mayBeLeftBehind whether the holder may have ended without releasing the lock */
    LockedException(Path lockFile, boolean byThisProcess, @Nullable String holder, boolean mayBeLeftBehind) {
        super(lockFile + " is already held by " + (byThisProcess ? "this process" : "another process")
                + (holder == null ? "" : ": " + holder));
        this.byThisProcess = byThisProcess;
        this.holder = holder;
        this.mayBeLeftBehind = mayBeLeftBehind;
    }

    /** Returns whether the holder may have ended without releasing the lock, so that waiting for it may have no end. */
    boolean mayBeLeftBehind() {
        return mayBeLeftBehind;
    }

    /** Returns whether the holder is in this process. */
    public boolean byThisProcess() {
        return byThisProcess;
    }

    /**
     * Returns who holds the lock, for example {@code process 4711 on host x, a training since 2026-01-31T12:00:00Z};
     * null if unknown.
     */
    public @Nullable String holder() {
        return holder;
    }
}
