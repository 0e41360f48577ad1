package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Shows how much of a long work is done: on a terminal a bar, elsewhere a line every 10 seconds. Accepts the number
 * done so far.
 */
final class CountProgress implements LongConsumer, AutoCloseable {
    private static final long NANOS_BETWEEN_LINES = 10_000_000_000L;

    private final PrintWriter err;
    private final String what;
    private final String unit;
    private final long total;
    private final @Nullable ProgressBar bar;
    private final long start = System.nanoTime();
    private long lastLine = start;

    /** @param unit what is counted, in the plural */
    CountProgress(PrintWriter err, String what, String unit, long total) {
        this.err = err;
        this.what = what;
        this.unit = unit;
        this.total = total;
        this.bar = !Terminal.isInteractive()
                ? null
                : new ProgressBarBuilder()
                        .setTaskName(what)
                        .setInitialMax(total)
                        .setUnit(" " + unit, 1)
                        .showSpeed()
                        .setConsumer(new ConsoleProgressBarConsumer(System.err))
                        .build();
    }

    @Override
    public void accept(long done) {
        if (bar != null) {
            bar.stepTo(done);
        } else if (done > 0 && System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
            lastLine = System.nanoTime();
            double perSecond = done / ((lastLine - start) / 1e9);
            err.printf(
                    Locale.ROOT,
                    "%s: %,d of %,d %s  %,.1f %s/s  %s left%n",
                    what,
                    done,
                    total,
                    unit,
                    perSecond,
                    unit,
                    ProgressPrinter.duration(Math.max(0, total - done) / perSecond));
            err.flush();
        }
    }

    /** Says how fast it was. */
    String speed(long done) {
        double seconds = (System.nanoTime() - start) / 1e9;
        return String.format(Locale.ROOT, "%,.0f %s/s", done / Math.max(1e-9, seconds), unit);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
