package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.IntConsumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Shows how many faces are embedded: on a terminal a bar, elsewhere a line every 10 seconds. Accepts the number of
 * faces done so far.
 */
final class EmbedProgress implements IntConsumer, AutoCloseable {
    private static final long NANOS_BETWEEN_LINES = 10_000_000_000L;

    private final PrintWriter err;
    private final String what;
    private final int faces;
    private final @Nullable ProgressBar bar;
    private final long start = System.nanoTime();
    private long lastLine = start;

    EmbedProgress(PrintWriter err, String what, int faces) {
        this.err = err;
        this.what = what;
        this.faces = faces;
        this.bar = !Terminal.isInteractive()
                ? null
                : new ProgressBarBuilder()
                        .setTaskName(what)
                        .setInitialMax(faces)
                        .setUnit(" faces", 1)
                        .showSpeed()
                        .setConsumer(new ConsoleProgressBarConsumer(System.err))
                        .build();
    }

    @Override
    public void accept(int done) {
        if (bar != null) {
            bar.stepTo(done);
        } else if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
            lastLine = System.nanoTime();
            double facesPerSecond = done / ((lastLine - start) / 1e9);
            err.printf(
                    Locale.ROOT,
                    "%s: %,d of %,d faces  %.1f faces/s  %s left%n",
                    what,
                    done,
                    faces,
                    facesPerSecond,
                    ProgressPrinter.duration((faces - done) / facesPerSecond));
            err.flush();
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
