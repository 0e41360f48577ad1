package org.facerecognition.eval;

import java.awt.AWTError;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Renders charts as PNG images. The result is empty where this Java runtime cannot draw text, as without fonts. */
final class Charts {
    private static final int WIDTH_PX = 640;
    private static final int HEIGHT_PX = 360;
    private static final double LARGEST = 1e15; // XChart looks for the labels of an axis to 1e20 without end
    private static final String WITH_LEADING_ZERO = "0.######";
    private static final Color[] COLORS = {new Color(0x1f77b4), new Color(0xd95f02), new Color(0x2ca02c)};

    private Charts() {}

    /** Draws lines through values at x = 1, 2, 3, ...; NaN and values beyond &plusmn;1e15 leave a gap. */
    static Optional<byte[]> lines(String title, String xTitle, Map<String, double[]> series) {
        return png(() -> {
            XYChart chart = new XYChartBuilder()
                    .width(WIDTH_PX)
                    .height(HEIGHT_PX)
                    .title(title)
                    .xAxisTitle(xTitle)
                    .build();
            style(chart.getStyler());
            chart.getStyler().setSeriesColors(COLORS);
            chart.getStyler().setYAxisDecimalPattern(WITH_LEADING_ZERO);
            chart.getStyler().setLegendVisible(series.size() > 1);
            boolean any = false;
            for (Map.Entry<String, double[]> one : series.entrySet()) {
                double[] values = one.getValue();
                if (Arrays.stream(values).anyMatch(Charts::isDrawable)) {
                    double[] x = new double[values.length];
                    Arrays.setAll(x, i -> i + 1);
                    chart.addSeries(one.getKey(), x, gaps(values)).setMarker(SeriesMarkers.CIRCLE);
                    any = true;
                }
            }
            return any ? BitmapEncoder.getBufferedImage(chart) : null;
        });
    }

    /** The title of an axis, and whether its scale is logarithmic. */
    record Axis(String title, boolean logarithmic) {}

    /**
     * Draws curves through points.
     *
     * @param series the x and y coordinates per name; points that are not positive are left out on a logarithmic axis,
     *     those that are NaN or beyond &plusmn;1e15 on any
     */
    static Optional<byte[]> curves(String title, Axis x, Axis y, Map<String, double[][]> series) {
        return png(() -> {
            XYChart chart = new XYChartBuilder()
                    .width(WIDTH_PX)
                    .height(HEIGHT_PX)
                    .title(title)
                    .xAxisTitle(x.title())
                    .yAxisTitle(y.title())
                    .build();
            style(chart.getStyler());
            chart.getStyler().setSeriesColors(COLORS);
            chart.getStyler().setXAxisLogarithmic(x.logarithmic());
            chart.getStyler().setYAxisLogarithmic(y.logarithmic());
            if (!y.logarithmic()) {
                chart.getStyler().setYAxisDecimalPattern(WITH_LEADING_ZERO);
            }
            chart.getStyler().setLegendVisible(series.size() > 1);
            boolean any = false;
            for (Map.Entry<String, double[][]> one : series.entrySet()) {
                double[] xs = one.getValue()[0];
                double[] ys = one.getValue()[1];
                int[] shown = IntStream.range(0, xs.length)
                        .filter(i -> isDrawable(xs[i]) && isDrawable(ys[i]))
                        .filter(i -> (xs[i] > 0 || !x.logarithmic()) && (ys[i] > 0 || !y.logarithmic()))
                        .toArray();
                if (shown.length > 0) {
                    chart.addSeries(
                                    one.getKey(),
                                    Arrays.stream(shown).mapToDouble(i -> xs[i]).toArray(),
                                    Arrays.stream(shown).mapToDouble(i -> ys[i]).toArray())
                            .setMarker(SeriesMarkers.NONE);
                    any = true;
                }
            }
            return any ? BitmapEncoder.getBufferedImage(chart) : null;
        });
    }

    private static boolean isDrawable(double value) {
        return Math.abs(value) <= LARGEST;
    }

    private static double[] gaps(double[] values) {
        return Arrays.stream(values).map(v -> isDrawable(v) ? v : Double.NaN).toArray();
    }

    /** Draws histograms in equal bins over [from, to], each as shares of its own values. */
    static Optional<byte[]> histogram(
            String title, String xTitle, double from, double to, int bins, Map<String, double[]> series) {
        return png(() -> {
            CategoryChart chart = new CategoryChartBuilder()
                    .width(WIDTH_PX)
                    .height(HEIGHT_PX)
                    .title(title)
                    .xAxisTitle(xTitle)
                    .yAxisTitle("share")
                    .build();
            style(chart.getStyler());
            chart.getStyler().setSeriesColors(COLORS);
            chart.getStyler().setAvailableSpaceFill(0.98);
            chart.getStyler().setOverlapped(true);
            chart.getStyler().setXAxisDecimalPattern(pattern(to - from));
            chart.getStyler().setYAxisDecimalPattern(WITH_LEADING_ZERO);
            chart.getStyler().setXAxisMaxLabelCount(11);
            double[] centers = new double[bins];
            Arrays.setAll(centers, i -> from + (to - from) * (i + 0.5) / bins);
            series.forEach((name, values) -> chart.addSeries(name, centers, shares(values, from, to, bins)));
            return BitmapEncoder.getBufferedImage(chart);
        });
    }

    /** Returns the format of numbers whose tenths of a range differ. */
    static String pattern(double range) {
        int decimals = (int) Math.max(1, Math.ceil(1 - Math.log10(range) - 1e-9));
        return "0." + "0".repeat(Math.min(decimals, 15)); // a double has no more
    }

    /** Returns the share of the values per bin; the first and the last bin include the values beyond them. */
    static double[] shares(double[] values, double from, double to, int bins) {
        double[] shares = new double[bins];
        for (double value : values) {
            int bin = (int) Math.floor((value - from) / (to - from) * bins);
            shares[Math.max(0, Math.min(bins - 1, bin))] += 1.0 / values.length;
        }
        return shares;
    }

    private static void style(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBackgroundColor(Color.WHITE);
        styler.setLegendPosition(Styler.LegendPosition.OutsideS);
        styler.setLegendLayout(Styler.LegendLayout.Horizontal);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setChartTitleBoxVisible(false);
        styler.setPlotBorderVisible(false);
        styler.setLocale(Locale.ROOT);
    }

    /** Draws an image; null if there is nothing to draw. */
    interface Drawing {
        @Nullable
        BufferedImage draw();
    }

    /** Returns what is drawn; empty if there is nothing, or if this Java runtime cannot draw it. */
    static Optional<byte[]> png(Drawing drawing) {
        try {
            var image = drawing.draw();
            if (image == null) {
                return Optional.empty();
            }
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            try (var stream = new MemoryCacheImageOutputStream(png)) { // else ImageIO needs a temporary file
                ImageIO.write(image, "png", stream);
            }
            return Optional.of(png.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot encode a chart", e);
        } catch (LinkageError | InternalError | AWTError | RuntimeException e) {
            // what AWT throws where there are no fonts, which differs from Java to Java, or no screen although DISPLAY
            // names one
            System.getLogger(Charts.class.getName()).log(System.Logger.Level.DEBUG, "a chart cannot be drawn", e);
            return Optional.empty();
        }
    }
}
