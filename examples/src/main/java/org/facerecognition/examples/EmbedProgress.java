package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.function.IntConsumer;

/** Shows how many faces are embedded. Accepts the number of faces done so far. */
final class EmbedProgress implements IntConsumer, AutoCloseable {
    private final CountProgress progress;

    EmbedProgress(PrintWriter err, String what, int faces) {
        this.progress = new CountProgress(err, what, "faces", faces);
    }

    @Override
    public void accept(int done) {
        progress.accept(done);
    }

    @Override
    public void close() {
        progress.close();
    }
}
