package org.facerecognition.examples;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/** A bar on standard error for work on many images, where a person is looking. */
final class ImagesProgress implements AutoCloseable {
    private static final int FEW = 5; // over before a bar is read

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
