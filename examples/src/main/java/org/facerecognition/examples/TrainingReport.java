package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.eval.HtmlReport;
import org.facerecognition.eval.HtmlReport.Image;
import org.facerecognition.eval.Verification;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.EpochEmbeddingStats;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.Unseen;
import org.facerecognition.train.History;

/** Builds {@code report.html}, the report of a training: charts, tables, settings and, for the demo, images. */
final class TrainingReport {
    private static final int PEOPLE_SHOWN = 8;
    private static final int IMAGES_EACH = 6;
    private static final int EPOCHS_SHOWN = 6;

    private final HtmlReport html;
    private final History history;

    private TrainingReport(HtmlReport html, History history) {
        this.html = html;
        this.history = history;
    }

    /** Starts a report with the losses and accuracies of all epochs. */
    static TrainingReport of(String title, History history) {
        HtmlReport html = HtmlReport.titled(title).summary(summary(history));
        html.lines(
                "Loss",
                "epoch",
                series(history, "training", EpochReport::trainLoss, "validation", EpochReport::valLoss));
        html.lines(
                "Accuracy",
                "epoch",
                series(history, "training", EpochReport::trainAccuracy, "validation", EpochReport::valAccuracy));
        if (history.epochs().stream().anyMatch(epoch -> epoch.unseen() != null)) {
            unseen(html, history);
        }
        return new TrainingReport(html, history);
    }

    private static void unseen(HtmlReport html, History history) {
        html.lines(
                "Verification of people not trained on",
                "epoch",
                series(
                        history,
                        "area under ROC",
                        of(Unseen::auc),
                        "true accept rate at a small false accept rate",
                        of(Unseen::tar)));
        html.table(
                "People not trained on",
                List.of("epoch", "AUC", "equal error rate", "TAR", "at FAR"),
                history.epochs().stream()
                        .filter(epoch -> epoch.unseen() != null)
                        .map(epoch -> List.of(
                                Integer.toString(epoch.epoch()),
                                number(epoch.unseen().auc()),
                                number(epoch.unseen().equalErrorRate()),
                                number(epoch.unseen().tar()),
                                String.format(
                                        Locale.ROOT, "%.0e", epoch.unseen().far())))
                        .toList());
    }

    private static ToDoubleFunction<EpochReport> of(ToDoubleFunction<Unseen> value) {
        return epoch -> epoch.unseen() == null ? Double.NaN : value.applyAsDouble(epoch.unseen());
    }

    /** Adds the angles and norms of the embeddings of training batches, for some of the epochs. */
    TrainingReport embeddingStats(List<EpochEmbeddingStats> epochs) {
        if (epochs.isEmpty()) {
            return this;
        }
        // earlier versions recorded epochs without batches, of trainings that were interrupted while they validated
        List<EpochEmbeddingStats> withAngles =
                epochs.stream().filter(EpochEmbeddingStats::hasAngles).toList();
        if (!withAngles.isEmpty()) {
            for (EpochEmbeddingStats epoch : evenlySpaced(withAngles, EPOCHS_SHOWN)) {
                Map<String, long[]> angles = new LinkedHashMap<>();
                angles.put("to the nearest other identity's center", epoch.toNearestOther());
                angles.put("to their own identity's center", epoch.toOwn());
                String heading = "Angles of embeddings in epoch " + epoch.epoch();
                html.counted(heading, "degrees", centersOfAngleBins(epoch.toOwn().length), false, angles);
            }
            html.table(
                    "Angles of embeddings, medians in degrees",
                    List.of("epoch", "to their own center", "to the nearest other"),
                    withAngles.stream()
                            .map(epoch -> List.of(
                                    Integer.toString(epoch.epoch()),
                                    degrees(epoch.toOwn()),
                                    degrees(epoch.toNearestOther())))
                            .toList());
        }
        Map<String, long[]> norms = new LinkedHashMap<>();
        evenlySpaced(epochs, 3).forEach(epoch -> norms.put("epoch " + epoch.epoch(), epoch.norms()));
        html.counted(
                "Norms of embeddings", "norm", centersOfNormBins(epochs.get(0).norms().length), true, norms);
        return this;
    }

    /** Returns at most {@code max} elements: the first, the last, and some evenly spaced between them. */
    private static <T> List<T> evenlySpaced(List<T> all, int max) {
        return all.size() <= max
                ? all
                : IntStream.range(0, max)
                        .mapToObj(i -> all.get((int) Math.round((double) i * (all.size() - 1) / (max - 1))))
                        .toList();
    }

    private static double[] centersOfAngleBins(int bins) {
        return IntStream.range(0, bins)
                .mapToDouble(bin -> (bin + 0.5) * EpochEmbeddingStats.DEGREES_PER_BIN)
                .toArray();
    }

    private static double[] centersOfNormBins(int bins) {
        return IntStream.range(0, bins)
                .mapToDouble(bin -> Math.sqrt(EpochEmbeddingStats.normAt(bin) * EpochEmbeddingStats.normAt(bin + 1)))
                .toArray();
    }

    private static String degrees(long[] angles) {
        return String.format(Locale.ROOT, "%.1f", EpochEmbeddingStats.medianDegrees(angles));
    }

    /** Adds what the demonstration measured on people who are not in the training. */
    TrainingReport demo(DemoFigures figures) {
        Verification verification = figures.verification();
        html.table(
                "Verification of people not trained on",
                List.of("", ""),
                List.of(
                        List.of(
                                "threshold, calibrated on other people",
                                figures.threshold().toString()),
                        List.of(
                                "genuine pairs accepted",
                                percent(figures.trueAcceptRate(), verification.same().length)),
                        List.of(
                                "impostor pairs accepted",
                                percent(figures.falseAcceptRate(), verification.different().length)),
                        List.of("area under ROC", number(verification.roc().auc())),
                        List.of("equal error rate", number(verification.roc().equalErrorRate()))));
        Map<String, double[]> both = new LinkedHashMap<>();
        both.put("different people", verification.different());
        both.put("same person", verification.same());
        html.histogram("Similarity of people not trained on", "cosine", -1, 1, 50, both);
        html.rocAndDet(verification.roc());
        html.table(
                "Identification in a gallery of " + figures.enrolled() + " people with " + DemoFigures.ENROLLED_IMAGES
                        + " images each",
                List.of("images", "number", "identified as the right person", "taken for somebody else"),
                List.of(
                        List.of(
                                "of enrolled people",
                                Integer.toString(figures.mated()),
                                Integer.toString(figures.identified()),
                                Integer.toString(figures.confused())),
                        List.of(
                                "of people not enrolled",
                                Integer.toString(figures.nonMated()),
                                "-",
                                Integer.toString(figures.accepted()))));
        return this;
    }

    private static String percent(double share, int pairs) {
        return String.format(Locale.ROOT, "%.2f %% of %,d", 100 * share, pairs);
    }

    /** Adds images of synthetic people, starting with identity {@code first}. */
    TrainingReport faces(SyntheticFaces faces, int first) {
        List<Image> images = new ArrayList<>();
        for (int identity = first; identity < first + PEOPLE_SHOWN; identity++) {
            for (int index = 0; index < IMAGES_EACH; index++) {
                try (Mat image = faces.image(identity, index)) {
                    images.add(new Image(png(image), "synthetic person " + identity + ", image " + index));
                }
            }
        }
        html.images("Some of the people who are verified: synthetic faces, of no real person", images);
        return this;
    }

    /** Adds the learning rates, a table of the epochs and the settings. */
    TrainingReport details(String settings) {
        html.lines("Learning rate", "epoch", Map.of("lr", values(history, EpochReport::learningRate)));
        html.table(
                "Epochs",
                List.of("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "lr", "images/s", "time"),
                history.epochs().stream().map(TrainingReport::row).toList());
        html.listing("Settings", settings);
        return this;
    }

    void write(Path file) {
        html.write(file);
    }

    private static byte[] png(Mat rgb) {
        try (Mat bgr = new Mat();
                BytePointer bytes = new BytePointer()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            imencode(".png", bgr, bytes);
            byte[] png = new byte[(int) bytes.limit()];
            bytes.get(png);
            return png;
        }
    }

    private static Map<String, String> summary(History history) {
        Map<String, String> summary = new LinkedHashMap<>();
        summary.put("epochs", Integer.toString(history.epochs().size()));
        summary.put("steps", Long.toString(history.steps()));
        history.best()
                .filter(best -> !Double.isNaN(best.valAccuracy()))
                .ifPresent(best -> summary.put(
                        "best validation accuracy", number(best.valAccuracy()) + " in epoch " + best.epoch()));
        summary.put("first loss", number(history.firstLoss()));
        summary.put("images per second", String.format(Locale.ROOT, "%.1f", history.imagesPerSecond()));
        return summary;
    }

    private static Map<String, double[]> series(
            History history,
            String first,
            ToDoubleFunction<EpochReport> firstValue,
            String second,
            ToDoubleFunction<EpochReport> secondValue) {
        Map<String, double[]> series = new LinkedHashMap<>();
        series.put(first, values(history, firstValue));
        series.put(second, values(history, secondValue));
        series.values().removeIf(values -> Arrays.stream(values).allMatch(Double::isNaN)); // was not measured
        return series;
    }

    private static double[] values(History history, ToDoubleFunction<EpochReport> value) {
        return history.epochs().stream().mapToDouble(value).toArray();
    }

    private static List<String> row(EpochReport epoch) {
        return List.of(
                Integer.toString(epoch.epoch()),
                number(epoch.trainLoss()),
                number(epoch.trainAccuracy()),
                number(epoch.valLoss()),
                number(epoch.valAccuracy()),
                String.format(Locale.ROOT, "%.2e", epoch.learningRate()),
                String.format(Locale.ROOT, "%.1f", epoch.imagesPerSecond()),
                ProgressPrinter.duration(epoch.seconds()));
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.4f", value);
    }
}
