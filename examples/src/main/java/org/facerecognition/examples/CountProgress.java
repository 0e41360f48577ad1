package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
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
    private final LongSupplier nanoTime;
    private final long start;
    private long lastLine;

    /** @param unit what is counted, in the plural */
    CountProgress(PrintWriter err, String what, String unit, long total) {
        this(err, what, unit, total, Terminal.isInteractive(), System::nanoTime);
    }

    /** @param onTerminal whether a bar is shown */
    CountProgress(PrintWriter err, String what, String unit, long total, boolean onTerminal, LongSupplier nanoTime) {
        this.err = err;
        this.what = what;
        this.unit = unit;
        this.total = total;
        this.nanoTime = nanoTime;
        this.start = nanoTime.getAsLong();
        this.lastLine = start;
        this.bar = !onTerminal
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
            return;
        }
        long now = nanoTime.getAsLong();
        if (done > 0 && now - lastLine > NANOS_BETWEEN_LINES) {
            lastLine = now;
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
        double seconds = (nanoTime.getAsLong() - start) / 1e9;
        return String.format(Locale.ROOT, "%,.0f %s/s", done / Math.max(1e-9, seconds), unit);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
