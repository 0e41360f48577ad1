package org.facerecognition.train;

import java.util.ArrayDeque;
import java.util.Deque;

/** What a training has opened. It is closed in the reverse order, all of it even when closing one fails. */
public final class OpenResources implements AutoCloseable {
    private final Deque<Runnable> closers = new ArrayDeque<>();

    /** Adds a resource and returns it. */
    public <T extends AutoCloseable> T add(T resource) {
        onClose(() -> {
            try {
                resource.close();
            } catch (Exception e) {
                throw e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
            }
        });
        return resource;
    }

    /** Adds an action that is run when its turn to be closed comes. */
    public void onClose(Runnable action) {
        closers.push(action);
    }

    /** @throws RuntimeException the first failure, which may also be an error, with the others suppressed */
    @Override
    public void close() {
        Throwable failure = null;
        while (!closers.isEmpty()) {
            try {
                closers.pop().run();
            } catch (RuntimeException | Error e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw (RuntimeException) failure;
        }
    }
}
