package org.facerecognition.io;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Another writer holds the lock. */
public final class LockedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean byThisProcess;
    private final @Nullable String holder;

    LockedException(Path lockFile, boolean byThisProcess, @Nullable String holder) {
        super(lockFile + " is held by " + (byThisProcess ? "this process" : "another process") + " already"
                + (holder == null ? "" : ": " + holder));
        this.byThisProcess = byThisProcess;
        this.holder = holder;
    }

    /** Whether the holder is in this process. */
    public boolean byThisProcess() {
        return byThisProcess;
    }

    /**
     * Who holds it, for example {@code process 4711 on host x, a training since 2026-01-31T12:00:00Z}; null when
     * unknown.
     */
    public @Nullable String holder() {
        return holder;
    }
}
