package org.facerecognition.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.eval.Bootstrap.Interval;
import org.facerecognition.eval.HtmlReport.Image;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * The results of an evaluation: named figures, charts and images of the hardest errors in one HTML file, and the same
 * figures with the points of the curves as JSON.
 *
 * <p>Figures carry the names of the field (TAR at FAR, DIR at FAR) and, beside them, those of ISO/IEC 19795-1 (FNMR at
 * FMR, FNIR at FPIR). A figure that the data cannot show is null in JSON, so that all reports of a kind have the same
 * keys.
 */
public final class EvaluationReport {
    private static final double[] RATES = {1e-2, 1e-3, 1e-4}; // descending
    private static final String[] RATE_NAMES = {"1e-2", "1e-3", "1e-4"};
    private static final double[] IDENTIFICATION_RATES = {0.1, 0.01};
    private static final int BINS = 50;
    private static final int RANKS = 20;
    private static final int HARDEST = 12;
    private static final int THUMBNAIL_PX = 112;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String title;
    private final Map<String, String> facts = new LinkedHashMap<>();
    private final Map<String, @Nullable Object> figures = new LinkedHashMap<>();
    private final Map<String, String> reasons = new HashMap<>();
    private final Map<String, Object> curves = new LinkedHashMap<>();
    private final List<Section> sections = new ArrayList<>();

    /** A part of the page below the figures. */
    private interface Section {
        void appendTo(HtmlReport html);
    }

    private EvaluationReport(String title) {
        this.title = title;
    }

    /** Returns an empty report. */
    public static EvaluationReport titled(String title) {
        return new EvaluationReport(title);
    }

    /** Adds a fact about what was measured, such as the model or the data. */
    public EvaluationReport fact(String name, String value) {
        facts.put(name, value);
        return this;
    }

    /** Adds a custom figure; NaN and infinities are recorded as null. */
    public EvaluationReport figure(String name, double value) {
        figures.put(name, Double.isFinite(value) ? value : null);
        return this;
    }

    /** Adds null for figures that this data cannot show, so that all reports of a kind have the same names. */
    public EvaluationReport unmeasured(String... names) {
        for (String name : names) {
            figures.put(name, null);
        }
        return this;
    }

    /** Adds null for a figure that is not known, and the reason, which the page shows in its place. */
    public EvaluationReport unknown(String name, String why) {
        reasons.put(name, why);
        return unmeasured(name);
    }

    /** Adds a count. */
    public EvaluationReport count(String name, int count) {
        figures.put(name, count);
        return this;
    }

    /** Adds a sentence to the page; it is not part of the JSON. */
    public EvaluationReport note(String sentence) {
        sections.add(html -> html.paragraph(sentence));
        return this;
    }

    /**
     * Adds the figures of verification:
     *
     * <ul>
     *   <li>{@code genuine_pairs} and {@code impostor_pairs}: the number of pairs of the same person and of different
     *       people
     *   <li>{@code auc}, {@code eer} and {@code best_accuracy} with its threshold
     *   <li>{@code tar_at_far_1e-2} to {@code 1e-4}, with the ends of their 95 % intervals ({@code ..._low}, {@code
     *       ..._high}) and the thresholds
     *   <li>in the terms of ISO/IEC 19795-1, {@code fnmr_at_fmr_1e-2} to {@code 1e-4}, which are 1 minus the TAR
     * </ul>
     *
     * <p>A false accept rate (FAR; for single comparisons, the false match rate, FMR) below one impostor pair cannot be
     * measured, and its figures are null. The charts are ROC, DET and a histogram of the scores.
     *
     * @param bootstrap resamples people where every face was compared with every other, and draws intervals over pairs
     *     otherwise
     * @throws IllegalArgumentException when there are no genuine or no impostor pairs, or a score is not finite
     */
    public EvaluationReport verification(Verification pairs, Bootstrap bootstrap) {
        Roc roc = pairs.roc();
        figures.put("pairs_same", roc.genuinePairs()); // these two are the names of former versions
        figures.put("pairs_different", roc.impostorPairs());
        figures.put("genuine_pairs", roc.genuinePairs());
        figures.put("impostor_pairs", roc.impostorPairs());
        figures.put("auc", roc.auc());
        figures.put("eer", roc.equalErrorRate());
        figures.put("best_accuracy", roc.bestAccuracy().accuracy());
        figures.put("best_accuracy_threshold", roc.bestAccuracy().threshold());
        acceptRates(pairs, roc, bootstrap);
        chartsOf(roc);
        double[] genuine = pairs.same();
        double[] impostor = pairs.different();
        sections.add(html -> histogram(html, genuine, impostor));
        return this;
    }

    private void acceptRates(Verification pairs, Roc roc, Bootstrap bootstrap) {
        boolean overPeople = pairs.pairing() instanceof Pairing.AllPairs;
        double[] measurable =
                Arrays.stream(RATES).takeWhile(roc::shows).sorted().toArray(); // ascending, as the bootstrap expects
        Interval[] intervals = overPeople && measurable.length > 0
                ? bootstrap.tarOverIdentities(pairs, measurable)
                : Arrays.stream(measurable)
                        .mapToObj(far -> bootstrap.tarOverPairs(roc, far))
                        .toArray(Interval[]::new);
        for (int i = 0; i < RATES.length; i++) {
            boolean measured = i < intervals.length;
            Interval interval = measured ? intervals[intervals.length - 1 - i] : null;
            String name = "tar_at_far_" + RATE_NAMES[i];
            figures.put(name, measured ? roc.tarAtFar(RATES[i]) : null);
            figures.put(name + "_low", interval == null ? null : interval.low());
            figures.put(name + "_high", interval == null ? null : interval.high());
            figures.put("fnmr_at_fmr_" + RATE_NAMES[i], measured ? 1 - roc.tarAtFar(RATES[i]) : null);
            figures.put("threshold_at_far_" + RATE_NAMES[i], measured ? roc.thresholdAt(RATES[i]) : null);
        }
        fact(
                "intervals",
                String.format(
                        Locale.ROOT,
                        "95 %%, %s %,d %s, seed %d",
                        overPeople ? "bootstrap over people," : "melded exact intervals over pairs,",
                        bootstrap.resamples(),
                        overPeople ? "resamples" : "draws",
                        bootstrap.seed()));
    }

    private void chartsOf(Roc roc) {
        double[][] points = roc.points(HtmlReport.CURVE_POINTS);
        curves.put("roc", ordered("far", points[0], "tar", points[1]));
        sections.add(html -> html.rocAndDet(roc));
        double minFar = 1.0 / roc.impostorPairs();
        sections.add(html -> html.table(
                "Points of the curves", List.of("FAR (FMR)", "TAR (1 - FNMR)", "threshold"), rows(roc, minFar)));
    }

    private static List<List<String>> rows(Roc roc, double minFar) {
        List<List<String>> rows = new ArrayList<>();
        for (double far = 0.5; far >= minFar; far = nextLower(far)) {
            rows.add(List.of(power(far), number(roc.tarAtFar(far)), threshold(roc.thresholdAt(far))));
        }
        return rows;
    }

    /** Returns the next rate of the series 0.5, 0.2, 0.1, 0.05, .... */
    private static double nextLower(double rate) {
        double digits = rate / Math.pow(10, Math.floor(Math.log10(rate * 1.0001)));
        return rate / (Math.round(digits) == 5 ? 2.5 : 2);
    }

    private static void histogram(HtmlReport html, double[] genuine, double[] impostor) {
        double from = Double.POSITIVE_INFINITY;
        double to = Double.NEGATIVE_INFINITY;
        for (double[] scores : List.of(genuine, impostor)) {
            for (double score : scores) {
                from = Math.min(from, score);
                to = Math.max(to, score);
            }
        }
        if (!(from < to) || Double.isInfinite(from) || Double.isInfinite(to)) {
            html.paragraph("Scores: no histogram, because all scores are " + number(from) + " or some are infinite.");
            return;
        }
        Map<String, double[]> both = new LinkedHashMap<>();
        both.put("impostor pairs", impostor);
        both.put("genuine pairs", genuine);
        html.histogram("Scores of genuine and impostor pairs", "score", from, to, BINS, both);
    }

    /** Adds the mean {@code accuracy} with its {@code standard_error}, and the accuracy and threshold of each fold. */
    public EvaluationReport crossValidation(CrossValidation folds) {
        figures.put("accuracy", folds.mean());
        figures.put("standard_error", folds.standardError());
        figures.put("folds", folds.accuracies().length);
        curves.put("folds", ordered("accuracies", folds.accuracies(), "thresholds", folds.thresholds()));
        List<List<String>> rows = new ArrayList<>();
        for (int fold = 0; fold < folds.accuracies().length; fold++) {
            rows.add(List.of(
                    Integer.toString(fold + 1), number(folds.accuracies()[fold]), threshold(folds.thresholds()[fold])));
        }
        sections.add(
                html -> html.table("Folds", List.of("fold", "accuracy", "threshold, chosen on the other folds"), rows));
        return this;
    }

    /**
     * Adds the figures of identification: {@code mated_probes} and {@code non_mated_probes} (probes of people who are
     * and who are not enrolled), {@code rank_1}, {@code rank_5}, {@code dir_at_far_0.1} and {@code 0.01}, and 1 minus
     * these, {@code fnir_at_fpir_0.1} and {@code 0.01}. The rates are null where they are below one non-mated probe.
     * The chart is the CMC.
     */
    public EvaluationReport identification(Identification identification) {
        figures.put("people", identification.people());
        figures.put("probes", identification.mated()); // this and the next are the names of former versions
        figures.put("strangers", identification.nonMated());
        figures.put("mated_probes", identification.mated());
        figures.put("non_mated_probes", identification.nonMated());
        figures.put("rank_1", identification.rank(1));
        figures.put("rank_5", identification.rank(5));
        for (double far : IDENTIFICATION_RATES) {
            boolean measured = Roc.shows(far, identification.nonMated());
            figures.put("dir_at_far_" + far, measured ? identification.dirAtFar(far) : null);
            figures.put("fnir_at_fpir_" + far, measured ? 1 - identification.dirAtFar(far) : null);
        }
        double[] cmc = identification.cmc(RANKS);
        curves.put("cmc", cmc);
        List<List<String>> rows = new ArrayList<>();
        for (int rank = 1; rank <= cmc.length; rank++) {
            rows.add(List.of(Integer.toString(rank), number(cmc[rank - 1])));
        }
        sections.add(html -> html.lines("CMC: share of mated probes identified", "rank", Map.of("model", cmc)));
        sections.add(html -> html.table("Cumulative match characteristic", List.of("rank", "share"), rows));
        return this;
    }

    /**
     * Adds images of the hardest pairs: the genuine pairs with the lowest scores and the impostor pairs with the
     * highest. The report then contains faces: protect it like the data. The images are read when the page is made, and
     * in place of one that cannot be read then, the page says why.
     *
     * @param faces the data sets that the faces of the pairs are numbered over, one after another
     */
    public EvaluationReport hardest(Verification pairs, List<FaceDataset> faces) {
        List<FaceDataset> plain =
                faces.stream().map(part -> part.withAugmentations(List.of())).toList();
        for (boolean genuine : new boolean[] {true, false}) {
            String heading = genuine
                    ? "Genuine pairs with the lowest scores (same person)"
                    : "Impostor pairs with the highest scores (different people)";
            sections.add(html -> html.pairs(heading, shown(pairs, genuine, plain)));
        }
        return this;
    }

    private static List<HtmlReport.Pair> shown(Verification pairs, boolean genuine, List<FaceDataset> faces) {
        List<HtmlReport.Pair> shown = new ArrayList<>();
        for (int pair : pairs.hardest(genuine, HARDEST)) {
            shown.add(new HtmlReport.Pair(
                    thumbnail(faces, pairs.first(pair)),
                    thumbnail(faces, pairs.second(pair)),
                    "score " + number(pairs.score(pair))));
        }
        return shown;
    }

    private static Image thumbnail(List<FaceDataset> parts, int face) {
        int place = face;
        int part = 0;
        while (place >= parts.get(part).size()) {
            place -= parts.get(part++).size();
        }
        ImageSource image = parts.get(part).sample(place).image();
        try (Mat whole = image.read();
                Mat small = image.croppedPx() > 0 ? new Mat(whole) : whole(whole)) {
            return new Image(ImageReader.png(small), image.name());
        } catch (RuntimeException e) { // moved since it was embedded, or of a source that fails: the figures are right
            return Image.absent(image.name(), String.valueOf(e.getMessage()));
        }
    }

    private static Mat whole(Mat image) {
        return Crop.WHOLE.apply(image, THUMBNAIL_PX, "thumbnail");
    }

    // ---- output ----

    /** Returns all figures by name, in the order they were added; null for those that this data cannot show. */
    public Map<String, @Nullable Object> figures() {
        return Collections.unmodifiableMap(figures);
    }

    /** Returns the facts, the figures and the points of the curves as one JSON object. */
    public String json() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("title", title);
        all.put("facts", facts);
        all.put("figures", figures);
        all.put("curves", curves);
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write figures as JSON", e);
        }
    }

    /** Returns the complete HTML file, which loads no other files. */
    public String html() {
        return page().html();
    }

    private HtmlReport page() {
        HtmlReport html = HtmlReport.titled(title).summary(facts);
        Map<String, String> shown = new LinkedHashMap<>();
        figures.forEach((name, value) -> shown.put(
                name,
                value == null
                        ? reasons.getOrDefault(name, "cannot be measured on this data")
                        : value instanceof Double d ? text(name, d) : String.format(Locale.ROOT, "%,d", value)));
        html.summary(shown);
        sections.forEach(section -> section.appendTo(html));
        return html;
    }

    /** Returns the JSON file that is written beside an HTML file: {@code report.json} beside {@code report.html}. */
    public static Path jsonFile(Path file) {
        String name = file.getFileName().toString();
        return file.resolveSibling(name.replaceFirst("\\.html?$", "") + ".json");
    }

    /**
     * Writes the HTML file, and the {@link #jsonFile JSON file} beside it.
     *
     * @throws UncheckedIOException when one of them cannot be written
     */
    public void write(Path file) {
        page().write(file);
        Path json = jsonFile(file);
        try {
            AtomicFile.write(json, json() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(json, e), e);
        }
    }

    /** Returns a map in this order; that of {@code Map.of} changes from one JVM to the next. */
    private static Map<String, double[]> ordered(String first, double[] a, String second, double[] b) {
        Map<String, double[]> both = new LinkedHashMap<>();
        both.put(first, a);
        both.put(second, b);
        return both;
    }

    /** Returns a figure as text; a threshold with digits at which it accepts no more than itself. */
    public static String text(String name, double value) {
        return name.contains("threshold") ? threshold(value) : number(value);
    }

    /** Rounds up: a threshold that is a bit too low has a higher false accept rate than was asked for. */
    private static String threshold(double value) {
        int digits = Math.abs(value) > 0.99 ? 9 : 4;
        return Double.isNaN(value) || Double.isInfinite(value)
                ? number(value)
                : BigDecimal.valueOf(value)
                        .setScale(digits, RoundingMode.CEILING)
                        .toPlainString();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    private static String power(double rate) {
        return String.format(Locale.ROOT, "%.0e", rate);
    }
}
