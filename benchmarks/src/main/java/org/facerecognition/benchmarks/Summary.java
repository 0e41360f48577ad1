package org.facerecognition.benchmarks;

import java.awt.AWTError;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import org.facerecognition.io.AtomicFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;

/** The summary in the top README: a table and a chart of the most important results of the benchmarks. */
final class Summary {
    /** The marker of the table in the README. */
    static final String NAME = "summary";

    /** The chart, in the root of the repository. */
    static final Path CHART = Path.of(".github", "images", "speed.png");

    /** The benchmarks whose results the table uses. */
    static final Set<String> SECTIONS =
            Set.of("training", "inference-resnet34", "inference-mobilefacenet", "latency", "heads", "accuracy");

    /** The benchmarks whose results the chart uses. */
    static final Set<String> DRAWN = Set.of("inference-resnet34", "inference-mobilefacenet");

    private static final int CHART_WIDTH_PX = 900;
    private static final int CHART_HEIGHT_PX = 400;
    private static final double BAR_SPACE = 0.85; // of a category
    private static final double ABOVE_BARS = 1.05;
    private static final List<Map.Entry<String, String>> NETS = // by name in the results
            List.of(Map.entry("resnet34", "ResNet-34"), Map.entry("mobilefacenet", "MobileFaceNet"));

    private static final List<Series> SERIES = List.of(
            new Series("prepared, fp32", "this library", 0x1f77b4),
            new Series("ONNX Runtime, fp32", "ONNX Runtime", 0xd95f02),
            new Series("TorchScript, frozen and optimized, fp32", "TorchScript, frozen", 0x9c9c9c),
            new Series("DJL", "DJL, PyTorch engine", 0xbdbdbd),
            new Series("Python", "Python's PyTorch (eager; TorchScript)", 0xd9d9d9));

    private final Path results;

    /** Creates a summary of the results in a folder. */
    Summary(Path results) {
        this.results = results;
    }

    /**
     * A contestant in the results.
     *
     * @param row start of its row's first cell
     * @param name its name in the README
     */
    private record Peer(String row, String name) {}

    /** A series of the chart. */
    private record Series(Peer peer, Color color) {
        Series(String row, String name, int rgb) {
            this(new Peer(row, name), new Color(rgb));
        }
    }

    /**
     * Where a row of the summary comes from.
     *
     * @param section benchmark
     * @param table start of the header of its table
     * @param column of the medians; the ratios stand beside it
     */
    private record Source(String section, String table, int column) {
        Source(String section, String table) {
            this(section, table, 1);
        }
    }

    /** Returns the table. */
    String markdown() throws IOException {
        String batches = "fp32, batches of 16, images/s";
        return environments()
                + ".\nMedians of interleaved rounds. A ratio is the median of the ratios in each round; above 1, this"
                + " library is faster. A busy loop is a\nprogram that keeps one processor busy.\n\n"
                + "| | This library | Peer | Ratio, idle machine | Ratio, beside a busy loop |\n|---|---|---|---|---|\n"
                + line(
                        "Embedding, ResNet-34, " + batches,
                        new Source("inference-resnet34", "resnet34, 112 px, batch 16"),
                        new Peer("prepared, fp32", ""),
                        new Peer("ONNX Runtime, fp32", "ONNX Runtime"))
                + line(
                        "Embedding, MobileFaceNet, " + batches,
                        new Source("inference-mobilefacenet", "mobilefacenet, 112 px, batch 16"),
                        new Peer("prepared, fp32", ""),
                        new Peer("ONNX Runtime, fp32", "ONNX Runtime"))
                + line(
                        "Embedding, ResNet-34, fp32, one image at a time, images/s",
                        new Source("latency", "resnet34, 112 px, one image per call", 4),
                        new Peer("prepared, fp32, from pixels", ""),
                        new Peer("ONNX Runtime, fp32, from floats", "ONNX Runtime"))
                + line(
                        "Training, ResNet-34, " + batches,
                        new Source("training", "training step, ResNet-34"),
                        new Peer("Trainer, loading and augmenting, fp32", ", with loading and augmenting"),
                        new Peer("bare libtorch loop, channels_last, fp32", "bare libtorch on one batch"))
                + line(
                        "ArcFace head, 1,000,000 identities, a tenth of them per step, ms",
                        new Source("heads", "forward and backward"),
                        new Peer("1,000,000 identities, MarginSoftmax, Partial FC 0.1 ", ""),
                        new Peer("1,000,000 identities, plain libtorch", "plain libtorch on the same tenth"))
                + "| Verification, LFW View 1, MobileFaceNet with public weights, accuracy | "
                + accuracy()
                + " | – | – | – |\n";
    }

    /** Returns commit, machine and date; of several commits, with the benchmarks that were measured at each. */
    private String environments() throws IOException {
        Map<String, List<String>> sections = new TreeMap<>();
        for (String section : new TreeSet<>(SECTIONS)) {
            sections.computeIfAbsent(file(section, false).commit(), commit -> new ArrayList<>())
                    .add(section);
        }
        List<String> all = new ArrayList<>();
        for (List<String> ofCommit : sections.values()) {
            String environment = file(ofCommit.get(0), false).environment();
            all.add(sections.size() == 1 ? environment : environment + " (" + String.join(", ", ofCommit) + ")");
        }
        return String.join(".\n", all);
    }

    private String accuracy() throws IOException {
        return file("accuracy", false).row("Data", "LFW View 1").get(2).replaceAll("^accuracy ([0-9.]+),.*", "$1");
    }

    /** @param peer the one that the table's ratios are relative to */
    private String line(String label, Source source, Peer ours, Peer peer) throws IOException {
        ResultFile idle = file(source.section(), false);
        ResultFile busy = file(source.section(), true);
        List<String> cells = idle.row(source.table(), ours.row());
        return String.format(
                Locale.ROOT,
                "| %s | %s%s | %s, %s | %s | %s |%n",
                label,
                shown(cells.get(source.column())),
                ours.name(),
                shown(idle.row(source.table(), peer.row()).get(source.column())),
                peer.name(),
                cells.get(source.column() + 1),
                busy.row(source.table(), ours.row()).get(source.column() + 1));
    }

    /** Returns the median of a cell: from 100 on without decimal places, and else as it was measured. */
    static String shown(String cell) {
        double median = ResultFile.median(cell);
        return median < 100 ? cell.split(" ")[0] : String.format(Locale.ROOT, "%,.0f", median);
    }

    private ResultFile file(String section, boolean busy) throws IOException {
        return ResultFile.read(results.resolve(section + (busy ? "-busy" : "-idle") + ".md"));
    }

    /**
     * Draws the speed of embedding beside peers, and writes it as PNG.
     *
     * @return false if this Java runtime cannot draw text, as without fonts
     */
    boolean draw(Path png) throws IOException {
        Map<Series, Map<String, Double>> rates = new LinkedHashMap<>();
        for (Series series : SERIES) {
            Map<String, Double> ofSeries = rates(series.peer());
            if (ofSeries.values().stream().noneMatch(rate -> rate.isNaN())) { // some need Python, or AVX-512
                rates.put(series, ofSeries);
            }
        }
        ByteArrayOutputStream image = new ByteArrayOutputStream();
        try {
            ImageIO.write(BitmapEncoder.getBufferedImage(chart(rates)), "png", image);
        } catch (LinkageError | InternalError | AWTError | NullPointerException e) {
            return false; // what AWT throws where there are no fonts
        }
        AtomicFile.write(png, image.toByteArray());
        return true;
    }

    private static CategoryChart chart(Map<Series, Map<String, Double>> rates) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(CHART_WIDTH_PX)
                .height(CHART_HEIGHT_PX)
                .title("Embeddings per second in fp32, batches of 16")
                .build();
        CategoryStyler styler = chart.getStyler();
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBackgroundColor(Color.WHITE);
        styler.setChartTitleBoxVisible(false);
        styler.setPlotBorderVisible(false);
        styler.setPlotGridVerticalLinesVisible(false);
        styler.setLegendPosition(Styler.LegendPosition.InsideNW);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setAvailableSpaceFill(BAR_SPACE);
        styler.setLabelsVisible(true);
        styler.setLabelsPosition(ABOVE_BARS);
        rates.forEach((series, ofSeries) -> chart.addSeries(
                        series.peer().name(), List.copyOf(ofSeries.keySet()), List.copyOf(ofSeries.values()))
                .setFillColor(series.color()));
        return chart;
    }

    /** Returns the speeds of a contestant by the name of the network; NaN where it was not measured. */
    private Map<String, Double> rates(Peer peer) throws IOException {
        Map<String, Double> rates = new LinkedHashMap<>();
        for (Map.Entry<String, String> net : NETS) {
            for (boolean busy : new boolean[] {false, true}) {
                double rate = file("inference-" + net.getKey(), busy)
                        .find(net.getKey() + ", 112 px, batch 16", peer.row())
                        .map(row -> ResultFile.median(row.get(1)))
                        .orElse(Double.NaN);
                rates.put(
                        net.getValue() + (busy ? ", beside a busy loop" : ""),
                        rate < 100 ? rate : Math.rint(rate)); // as it is labeled
            }
        }
        return rates;
    }
}
