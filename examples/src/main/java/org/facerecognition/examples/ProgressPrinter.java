package org.facerecognition.examples;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/**
 * Shows a training: for a person a bar per epoch with rate and time left, elsewhere a line now and then. Goes to
 * standard error, so that standard output is for results.
 */
final class ProgressPrinter implements TrainingListener, AutoCloseable {
    private static final long NANOS_BETWEEN_LINES = 10_000_000_000L;

    private static final int MAX_SKIPPED_SHOWN = 5;

    private final PrintWriter out;
    private final boolean bars;
    private @Nullable ProgressBar bar;
    private @Nullable EmbedProgress passing;
    private int epochOfBar;
    private long lastLine = System.nanoTime();
    private long imagesSinceLine;

    ProgressPrinter(PrintWriter out, boolean bars) {
        this.out = out;
        this.bars = bars;
    }

    @Override
    public void started(History soFar) {
        if (soFar.steps() > 0) {
            say("resuming after " + soFar.steps() + " steps, " + soFar.epochs().size() + " epochs");
        }
    }

    @Override
    public void passed(String what, int done, int images) {
        closeBar();
        if (passing == null) {
            passing = new EmbedProgress(out, what, images);
        }
        passing.accept(done);
    }

    private void closePassing() {
        if (passing != null) {
            passing.close();
            passing = null;
            lastLine = System.nanoTime();
        }
    }

    @Override
    public void stepped(StepReport step) {
        closePassing();
        imagesSinceLine += step.images();
        if (bars) {
            advance(step);
        } else if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES || step.step() == 1) {
            say(String.format(
                    Locale.ROOT,
                    "epoch %d/%d  batch %d/%d  step %d  loss %.4f%s",
                    step.epoch(),
                    step.epochs(),
                    step.batch(),
                    step.batches(),
                    step.step(),
                    step.loss(),
                    step.step() == 1 ? "" : speed(step))); // the first has no time of its own
            lastLine = System.nanoTime();
            imagesSinceLine = 0;
        }
    }

    private String speed(StepReport step) {
        double rate = imagesSinceLine / ((System.nanoTime() - lastLine) / 1e9);
        double left = (double) (step.batches() - step.batch()) * step.images() / rate;
        return String.format(Locale.ROOT, "  %.1f images/s  %s left in the epoch", rate, duration(left));
    }

    private void advance(StepReport step) {
        if (bar == null || epochOfBar != step.epoch()) {
            closeBar();
            epochOfBar = step.epoch();
            bar = new ProgressBarBuilder()
                    .setTaskName("epoch " + step.epoch() + "/" + step.epochs())
                    .setInitialMax((long) step.batches() * step.images())
                    .startsFrom((long) (step.batch() - 1) * step.images(), Duration.ZERO)
                    .setUnit(" images", 1)
                    .showSpeed()
                    .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
                    .setConsumer(new ConsoleProgressBarConsumer(System.err))
                    .build();
        }
        bar.stepBy(step.images());
        bar.setExtraMessage(String.format(Locale.ROOT, " loss %.4f", step.loss()));
    }

    @Override
    public void epochEnded(EpochReport epoch, History soFar) {
        closeBar();
        closePassing();
        say(String.format(
                Locale.ROOT,
                "epoch %d  loss %.4f  accuracy %.4f  |  %srate %.2e  %.1f images/s  %s",
                epoch.epoch(),
                epoch.trainLoss(),
                epoch.trainAccuracy(),
                validation(epoch),
                epoch.learningRate(),
                epoch.imagesPerSecond(),
                duration(epoch.seconds())));
        if (epoch.unseen() != null) {
            say(String.format(
                    Locale.ROOT,
                    "  people not trained on: AUC %.4f  equal error rate %.4f  TAR %.4f at FAR %.0e",
                    epoch.unseen().auc(),
                    epoch.unseen().equalErrorRate(),
                    epoch.unseen().tar(),
                    epoch.unseen().far()));
        }
        lastLine = System.nanoTime();
        imagesSinceLine = 0;
    }

    /** Nothing where nothing was measured. */
    private static String validation(EpochReport epoch) {
        if (Double.isNaN(epoch.valAccuracy())) {
            return "";
        }
        String loss = Double.isNaN(epoch.valLoss()) ? "" : String.format(Locale.ROOT, "loss %.4f  ", epoch.valLoss());
        return String.format(Locale.ROOT, "validation: %saccuracy %.4f  |  ", loss, epoch.valAccuracy());
    }

    @Override
    public void noted(String message) {
        say("note: " + message);
    }

    @Override
    public void skipped(Map<String, String> images) {
        say("skipped so far: " + images.size() + " images that cannot be used, such as");
        images.values().stream().limit(MAX_SKIPPED_SHOWN).forEach(why -> say("  " + why));
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }

    private void closeBar() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }

    @Override
    public void close() {
        closeBar();
        closePassing();
    }

    static String duration(double seconds) {
        long whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}
