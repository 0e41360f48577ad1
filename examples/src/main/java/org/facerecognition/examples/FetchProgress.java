package org.facerecognition.examples;

import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.facerecognition.weights.FetchListener;
import org.facerecognition.weights.RemoteFile;
import org.jspecify.annotations.Nullable;

/** Shows what is being fetched, its license and, on a terminal, the progress. */
final class FetchProgress implements FetchListener, AutoCloseable {
    private static final long MIB = 1L << 20;

    private final PrintWriter err;
    private @Nullable ProgressBar bar;

    FetchProgress(PrintWriter err) {
        this.err = err;
    }

    @Override
    public void begins(RemoteFile remote) {
        err.println("fetching " + remote.address());
        err.println("license: " + remote.license());
        err.flush();
    }

    @Override
    public void progressed(long bytes, long total) {
        if (bar == null && Terminal.isInteractive()) {
            bar = new ProgressBarBuilder()
                    .setTaskName("fetching")
                    .setInitialMax(total)
                    .setUnit(" MiB", MIB)
                    .showSpeed()
                    .setConsumer(new ConsoleProgressBarConsumer(System.err))
                    .build();
        }
        if (bar != null) {
            bar.stepTo(bytes);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
