package org.facerecognition.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
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
import org.facerecognition.eval.HtmlReport.Picture;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * What an evaluation came to: figures by name, charts, and the hardest errors to look at, in one HTML file; the same
 * figures and the points of the curves as JSON.
 */
public final class EvaluationReport {
    private static final double[] RATES = {1e-2, 1e-3, 1e-4};
    private static final String[] RATE_NAMES = {"1e-2", "1e-3", "1e-4"};
    private static final double[] IDENTIFICATION_RATES = {0.1, 0.01};
    private static final int CURVE_POINTS = 200;
    private static final int BINS = 50;
    private static final int RANKS = 20;
    private static final int HARDEST = 12;
    private static final int THUMBNAIL_PX = 112;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String title;
    private final Map<String, String> facts = new LinkedHashMap<>();
    private final Map<String, @Nullable Object> figures = new LinkedHashMap<>();
    private final Map<String, Object> curves = new LinkedHashMap<>();
    private final List<Section> sections = new ArrayList<>();

    /** What is shown below the figures. */
    private interface Section {
        void into(HtmlReport html);
    }

    private EvaluationReport(String title) {
        this.title = title;
    }

    /** An empty report. */
    public static EvaluationReport titled(String title) {
        return new EvaluationReport(title);
    }

    /** Says what was measured: the model, the data. */
    public EvaluationReport fact(String name, String value) {
        facts.put(name, value);
        return this;
    }

    /** Adds a figure of your own; one that is not finite cannot be measured, and is null. */
    public EvaluationReport figure(String name, double value) {
        figures.put(name, Double.isFinite(value) ? value : null);
        return this;
    }

    /** Adds figures that this data cannot give: null, so that every report of a kind has the same names. */
    public EvaluationReport unmeasured(String... names) {
        for (String name : names) {
            figures.put(name, null);
        }
        return this;
    }

    /** Adds a number of things. */
    public EvaluationReport count(String name, int count) {
        figures.put(name, count);
        return this;
    }

    /** Adds a sentence. */
    public EvaluationReport note(String sentence) {
        sections.add(html -> html.paragraph(sentence));
        return this;
    }

    /**
     * Adds what the scores of pairs say: {@code genuine_pairs} and {@code impostor_pairs} (of the same person, of
     * different people), {@code auc}, {@code eer}, {@code best_accuracy}, {@code tar_at_far_1e-2} to {@code 1e-4} with
     * the ends of their 95 % intervals ({@code ..._low}, {@code ..._high}) and, in the words of ISO/IEC 19795-1, {@code
     * fnmr_at_fmr_1e-2} to {@code 1e-4}, which is 1 less that. A false accept rate (FAR, of single comparisons the
     * false match rate, FMR) of less than one impostor pair cannot be measured, and is null. Charts: ROC, DET, scores.
     *
     * @param bootstrap draws people where each face was compared with each, else pairs
     * @throws IllegalArgumentException when a kind of pair is missing or a score is NaN
     */
    public EvaluationReport verification(Verification pairs, Bootstrap bootstrap) {
        Roc roc = pairs.roc();
        figures.put("pairs_same", roc.genuinePairs()); // as ISO's two, by the names of former versions
        figures.put("pairs_different", roc.impostorPairs());
        figures.put("genuine_pairs", roc.genuinePairs());
        figures.put("impostor_pairs", roc.impostorPairs());
        figures.put("auc", roc.auc());
        figures.put("eer", roc.equalErrorRate());
        figures.put("best_accuracy", roc.bestAccuracy().accuracy());
        figures.put("best_accuracy_threshold", roc.bestAccuracy().threshold());
        acceptRates(pairs, roc, bootstrap);
        chartsOf(roc);
        double[] same = pairs.same();
        double[] different = pairs.different();
        sections.add(html -> histogram(html, same, different));
        return this;
    }

    private void acceptRates(Verification pairs, Roc roc, Bootstrap bootstrap) {
        boolean people = pairs.pairing() instanceof Pairing.EachWithEach;
        int measurable = 0;
        while (measurable < RATES.length && roc.shows(RATES[measurable])) {
            measurable++;
        }
        double[] rates = new double[measurable];
        for (int i = 0; i < measurable; i++) {
            rates[i] = RATES[measurable - 1 - i]; // rising
        }
        Interval[] ofPeople = people && measurable > 0 ? bootstrap.tarOverIdentities(pairs, rates) : new Interval[0];
        for (int i = 0; i < RATES.length; i++) {
            String name = "tar_at_far_" + RATE_NAMES[i];
            boolean measured = i < measurable;
            Interval interval =
                    !measured ? null : people ? ofPeople[measurable - 1 - i] : bootstrap.tarOverPairs(roc, RATES[i]);
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
                        "95 %%, bootstrap over %s, %,d resamples, seed %d",
                        people ? "people" : "pairs",
                        bootstrap.resamples(),
                        bootstrap.seed()));
    }

    private void chartsOf(Roc roc) {
        double least = 1.0 / roc.impostorPairs();
        double[] far = new double[CURVE_POINTS];
        double[] tar = new double[CURVE_POINTS];
        double[] refused = new double[CURVE_POINTS];
        for (int i = 0; i < CURVE_POINTS; i++) {
            double wanted = Math.min(1, least * Math.pow(1 / least, (double) i / (CURVE_POINTS - 1)));
            double threshold = roc.thresholdAt(wanted);
            far[i] = wanted;
            tar[i] = roc.tar(threshold);
            refused[i] = 1 - tar[i];
        }
        curves.put("roc", inOrder("far", far, "tar", tar));
        sections.add(html -> html.drawn(
                "ROC: true accept rate (1 - FNMR) against false accept rate (FMR)",
                Charts.curves(
                        "ROC",
                        new Charts.Axis("false accept rate", true),
                        new Charts.Axis("true accept rate", false),
                        Map.of("model", new double[][] {far, tar}))));
        sections.add(html -> html.drawn(
                "DET: false non-match rate (FNMR) against false match rate (FMR)",
                Charts.curves(
                        "DET",
                        new Charts.Axis("false match rate", true),
                        new Charts.Axis("false non-match rate", true),
                        Map.of("model", new double[][] {far, refused}))));
        sections.add(html -> html.table(
                "Points of the curves", List.of("FAR (FMR)", "TAR (1 - FNMR)", "threshold"), rows(roc, least)));
    }

    private static List<List<String>> rows(Roc roc, double least) {
        List<List<String>> rows = new ArrayList<>();
        for (double far = 0.5; far >= least; far = nextOf(far)) {
            rows.add(List.of(plain(far), number(roc.tarAtFar(far)), number(roc.thresholdAt(far))));
        }
        return rows;
    }

    /** 0.5, 0.2, 0.1, 0.05, .... */
    private static double nextOf(double rate) {
        double digits = rate / Math.pow(10, Math.floor(Math.log10(rate * 1.0001)));
        return rate / (Math.round(digits) == 5 ? 2.5 : 2);
    }

    private static void histogram(HtmlReport html, double[] same, double[] different) {
        double from = Double.POSITIVE_INFINITY;
        double to = Double.NEGATIVE_INFINITY;
        for (double[] scores : List.of(same, different)) {
            for (double score : scores) {
                from = Math.min(from, score);
                to = Math.max(to, score);
            }
        }
        if (!(from < to) || Double.isInfinite(from) || Double.isInfinite(to)) {
            html.paragraph("Scores: no histogram, for they are all " + number(from) + " or infinite.");
            return;
        }
        Map<String, double[]> both = new LinkedHashMap<>();
        both.put("impostor pairs", different);
        both.put("genuine pairs", same);
        html.histogram("Scores of the two kinds of pairs", "score", from, to, BINS, both);
    }

    /** Adds {@code accuracy} and {@code standard_error} over folds, and each fold's. */
    public EvaluationReport crossValidation(CrossValidation folds) {
        figures.put("accuracy", folds.mean());
        figures.put("standard_error", folds.standardError());
        figures.put("folds", folds.accuracies().length);
        curves.put("folds", inOrder("accuracies", folds.accuracies(), "thresholds", folds.thresholds()));
        List<List<String>> rows = new ArrayList<>();
        for (int fold = 0; fold < folds.accuracies().length; fold++) {
            rows.add(List.of(
                    Integer.toString(fold + 1), number(folds.accuracies()[fold]), number(folds.thresholds()[fold])));
        }
        sections.add(
                html -> html.table("Folds", List.of("fold", "accuracy", "threshold, chosen on the other folds"), rows));
        return this;
    }

    /**
     * Adds {@code mated_probes} and {@code non_mated_probes} (of people who are enrolled, and of others), {@code
     * rank_1}, {@code rank_5} and, where there are non-mated probes, {@code dir_at_far_0.1} and {@code 0.01} and what
     * they leave of 1, {@code fnir_at_fpir_0.1} and {@code 0.01}; null where the rate is less than one non-mated probe.
     * Chart: CMC.
     */
    public EvaluationReport identification(Identification asked) {
        figures.put("people", asked.people());
        figures.put("probes", asked.mates());
        figures.put("strangers", asked.strangers());
        figures.put("mated_probes", asked.mates());
        figures.put("non_mated_probes", asked.strangers());
        figures.put("rank_1", asked.rank(1));
        figures.put("rank_5", asked.rank(5));
        for (double far : IDENTIFICATION_RATES) {
            boolean measured = Roc.shows(far, asked.strangers());
            figures.put("dir_at_far_" + far, measured ? asked.dirAtFar(far) : null);
            figures.put("fnir_at_fpir_" + far, measured ? 1 - asked.dirAtFar(far) : null);
        }
        double[] cmc = asked.cmc(RANKS);
        curves.put("cmc", cmc);
        List<List<String>> rows = new ArrayList<>();
        for (int rank = 1; rank <= cmc.length; rank++) {
            rows.add(List.of(Integer.toString(rank), number(cmc[rank - 1])));
        }
        sections.add(html -> html.lines("CMC: share found among the first answers", "rank", Map.of("model", cmc)));
        sections.add(html -> html.table("Cumulative match characteristic", List.of("rank", "share"), rows));
        return this;
    }

    /**
     * Adds images of the hardest errors: pairs of the same person with the lowest scores, of different people with
     * the highest. They hold faces: keep the report as safe as the data.
     *
     * @param faces that the numbers in the pairs mean
     */
    public EvaluationReport hardest(Verification pairs, List<FaceDataset> faces) {
        for (boolean same : new boolean[] {true, false}) {
            List<HtmlReport.Pair> shown = new ArrayList<>();
            for (int pair : pairs.hardest(same, HARDEST)) {
                shown.add(new HtmlReport.Pair(
                        thumbnail(faces, pairs.first(pair)),
                        thumbnail(faces, pairs.second(pair)),
                        "score " + number(pairs.score(pair))));
            }
            String heading = same
                    ? "The same person, least alike (genuine pairs)"
                    : "Different people, most alike (impostor pairs)";
            sections.add(html -> html.pairs(heading, shown));
        }
        return this;
    }

    private static Picture thumbnail(List<FaceDataset> parts, int face) {
        int place = face;
        int part = 0;
        while (place >= parts.get(part).size()) {
            place -= parts.get(part++).size();
        }
        ImageSource image = parts.get(part).sample(place).image();
        try (Mat whole = image.read();
                Mat small = image.croppedPx() > 0 ? new Mat(whole) : whole(whole)) {
            return new Picture(ImageReader.png(small), image.name());
        }
    }

    private static Mat whole(Mat image) {
        return Crop.WHOLE.apply(image, THUMBNAIL_PX, "thumbnail");
    }

    // ---- out ----

    /** All figures by name, in the order they were added; null for what cannot be measured on this data. */
    public Map<String, @Nullable Object> figures() {
        return Collections.unmodifiableMap(figures);
    }

    /** Facts, figures and the points of the curves, as one JSON object. */
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

    /** The whole HTML file; it loads nothing. */
    public String html() {
        return page().html();
    }

    private HtmlReport page() {
        HtmlReport html = HtmlReport.titled(title).summary(facts);
        Map<String, String> shown = new LinkedHashMap<>();
        figures.forEach((name, value) -> shown.put(
                name,
                value == null
                        ? "cannot be measured on this data"
                        : value instanceof Double d ? number(d) : String.format(Locale.ROOT, "%,d", value)));
        html.summary(shown);
        sections.forEach(section -> section.into(html));
        return html;
    }

    /**
     * Writes the HTML file, and the JSON beside it: {@code report.html} and {@code report.json}.
     *
     * @throws UncheckedIOException when one cannot be written
     */
    public void write(Path file) {
        page().write(file);
        String name = file.getFileName().toString();
        Path json = file.resolveSibling(name.replaceFirst("\\.html?$", "") + ".json");
        try {
            AtomicFile.write(json, json() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(json, e), e);
        }
    }

    /** {@code Map.of} has another order in each JVM, and files should not. */
    private static Map<String, double[]> inOrder(String first, double[] a, String second, double[] b) {
        Map<String, double[]> both = new LinkedHashMap<>();
        both.put(first, a);
        both.put(second, b);
        return both;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    private static String plain(double rate) {
        return String.format(Locale.ROOT, "%.0e", rate);
    }
}
