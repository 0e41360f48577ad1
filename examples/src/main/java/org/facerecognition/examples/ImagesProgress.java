package org.facerecognition.examples;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/** A progress bar on standard error for work on many images; shown on a terminal only. */
final class ImagesProgress implements AutoCloseable {
    private static final int FEW = 5; // done before anyone could read a bar

    private final @Nullable ProgressBar bar;

    ImagesProgress(String task, long images) {
        this.bar = images > FEW && Terminal.isInteractive()
                ? new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(images)
                        .setUnit(" images", 1)
                        .showSpeed()
                        .setConsumer(new ConsoleProgressBarConsumer(System.err))
                        .build()
                : null;
    }

    void step() {
        if (bar != null) {
            bar.step();
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
