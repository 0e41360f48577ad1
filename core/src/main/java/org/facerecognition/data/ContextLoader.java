package org.facerecognition.data;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The context class loader of the thread that creates this, for a program's own code that other threads run: that
 * loader finds a program's image readers and other providers.
 */
final class ContextLoader {
    private final @Nullable ClassLoader loader = Thread.currentThread().getContextClassLoader();

    /** Runs work on this thread with the loader, and gives the thread back its own. */
    <T> T call(Supplier<T> work) {
        Thread thread = Thread.currentThread();
        ClassLoader own = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            return work.get();
        } finally {
            thread.setContextClassLoader(own);
        }
    }
}
