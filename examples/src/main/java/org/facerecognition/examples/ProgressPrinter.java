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
 * Shows the progress of a training: on a terminal a bar per epoch, elsewhere a line every 10 seconds, and a line after
 * each epoch. Writes to standard error, because standard output is for results.
 */
final class ProgressPrinter implements TrainingListener, AutoCloseable {
    private static final long NANOS_BETWEEN_LINES = 10_000_000_000L;

    private static final int MAX_SKIPPED_SHOWN = 5;

    private final PrintWriter out;
    private final boolean bars;
    private final long maxSteps;
    private @Nullable ProgressBar bar;
    private @Nullable EmbedProgress pass;
    private String passTitle = "";
    private int epochOfBar;
    private int epochs; // 0 before the first step
    private int batches; // in an epoch
    private int batchesInStep; // in all steps but an epoch's last
    private long lastLine = System.nanoTime();
    private long imagesSinceLine;

    /**
     * @param bars whether to show bars instead of lines
     * @param maxSteps after which the training ends; 0 for no limit
     */
    ProgressPrinter(PrintWriter out, boolean bars, long maxSteps) {
        this.out = out;
        this.bars = bars;
        this.maxSteps = maxSteps;
    }

    @Override
    public void started(History soFar) {
        if (soFar.steps() > 0) {
            print("resuming after " + soFar.steps() + " steps, "
                    + soFar.epochs().size() + " epochs");
        }
    }

    @Override
    public void passed(String what, int done, int images) {
        closeBar();
        String title = what + " of " + images;
        if (pass != null && !title.equals(passTitle)) {
            closePass(); // one pass follows another
        }
        if (pass == null) {
            pass = new EmbedProgress(out, what, images);
            passTitle = title;
        }
        pass.accept(done);
    }

    private void closePass() {
        if (pass != null) {
            pass.close();
            pass = null;
            lastLine = System.nanoTime();
        }
    }

    @Override
    public void stepped(StepReport step) {
        closePass();
        epochs = step.epochs();
        batches = step.batches();
        batchesInStep = Math.max(batchesInStep, step.batchesInStep());
        imagesSinceLine += step.images();
        if (bars) {
            advance(step);
        } else if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES || step.step() == 1) {
            print(String.format(
                    Locale.ROOT,
                    "epoch %d/%d  batch %d/%d  step %d  lr %.2e  loss %.4f  accuracy %.4f%s",
                    step.epoch(),
                    step.epochs(),
                    step.batch(),
                    step.batches(),
                    step.step(),
                    step.learningRate(),
                    step.loss(),
                    step.accuracy(),
                    step.step() == 1 ? "" : speed(step))); // a single step says little about the speed
            lastLine = System.nanoTime();
            imagesSinceLine = 0;
        }
    }

    private String speed(StepReport step) {
        double imagesPerSecond = imagesSinceLine / ((System.nanoTime() - lastLine) / 1e9);
        long imagesLeft = imagesInEpoch(step) - imagesBefore(step) - step.images();
        if (maxSteps > 0) {
            imagesLeft = Math.min(imagesLeft, (maxSteps - step.step()) * step.images());
        }
        double secondsLeft = imagesLeft / imagesPerSecond;
        return String.format(
                Locale.ROOT, "  %.1f images/s  %s left in the epoch", imagesPerSecond, duration(secondsLeft));
    }

    static long imagesInEpoch(StepReport step) {
        return (long) step.batches() * step.images() / step.batchesInStep();
    }

    /** Returns the number of images of the epoch before a step. */
    static long imagesBefore(StepReport step) {
        return (long) (step.batch() - step.batchesInStep()) * step.images() / step.batchesInStep();
    }

    private void advance(StepReport step) {
        if (bar == null || epochOfBar != step.epoch()) {
            closeBar();
            epochOfBar = step.epoch();
            bar = new ProgressBarBuilder()
                    .setTaskName("epoch " + step.epoch() + "/" + step.epochs())
                    .setInitialMax(imagesInEpoch(step))
                    .startsFrom(imagesBefore(step), Duration.ZERO)
                    .setUnit(" images", 1)
                    .showSpeed()
                    .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
                    .setConsumer(new ConsoleProgressBarConsumer(System.err))
                    .build();
        }
        bar.stepBy(step.images());
        bar.setExtraMessage(String.format(
                Locale.ROOT, " lr %.2e  loss %.4f  accuracy %.4f", step.learningRate(), step.loss(), step.accuracy()));
    }

    @Override
    public void epochEnded(EpochReport epoch, History soFar) {
        closeBar();
        closePass();
        print(String.format(
                Locale.ROOT,
                "epoch %d%s  lr %.2e  loss %.4f  accuracy %.4f  |  %s%.1f images/s  %s%s",
                epoch.epoch(),
                epochs > 0 ? "/" + epochs : "",
                epoch.learningRate(),
                epoch.trainLoss(),
                epoch.trainAccuracy(),
                validation(epoch),
                epoch.imagesPerSecond(),
                duration(epoch.seconds()),
                timeLeft(epoch)));
        if (epoch.unseen() != null) {
            print(String.format(
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

    /** Returns the validation figures, or nothing when none were measured. */
    private static String validation(EpochReport epoch) {
        if (Double.isNaN(epoch.valAccuracy())) {
            return "";
        }
        String loss = Double.isNaN(epoch.valLoss()) ? "" : String.format(Locale.ROOT, "loss %.4f  ", epoch.valLoss());
        return String.format(Locale.ROOT, "validation: %saccuracy %.4f  |  ", loss, epoch.valAccuracy());
    }

    /**
     * Returns the time that the remaining epochs or steps take if they are as long as those of this one; nothing after
     * the last.
     */
    private String timeLeft(EpochReport epoch) {
        double left = epochs - epoch.epoch();
        if (maxSteps > 0 && batches > 0) {
            long stepsInEpoch = (batches - 1) / batchesInStep + 1;
            left = Math.min(left, (double) (maxSteps - epoch.steps()) / stepsInEpoch);
        }
        return left > 0 ? "  about " + duration(left * epoch.seconds()) + " left" : "";
    }

    @Override
    public void noted(String message) {
        closeBar(); // the next step opens it again
        print("note: " + message);
    }

    @Override
    public void skipped(Map<String, String> images) {
        print("skipped so far: " + images.size() + " images that cannot be used, such as");
        images.values().stream().limit(MAX_SKIPPED_SHOWN).forEach(why -> print("  " + why));
    }

    private void print(String line) {
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
        closePass();
    }

    /** Formats a duration as m:ss or h:mm:ss. */
    static String duration(double seconds) {
        long whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}
