package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Shows how much of the work on many images is done, as {@link CountProgress} does. Any thread may step. */
final class ImagesProgress implements AutoCloseable {
    private static final int FEW = 5; // done before anyone could read a bar

    private final @Nullable CountProgress progress;
    private long done;

    ImagesProgress(PrintWriter err, String task, long images) {
        this(err, task, images, Terminal.isInteractive(), System::nanoTime);
    }

    /** @param onTerminal whether a bar is shown */
    ImagesProgress(PrintWriter err, String task, long images, boolean onTerminal, LongSupplier nanoTime) {
        this.progress = images > FEW ? new CountProgress(err, task, "images", images, onTerminal, nanoTime) : null;
    }

    synchronized void step() {
        done++;
        if (progress != null) {
            progress.accept(done);
        }
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
    }
}
