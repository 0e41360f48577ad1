package org.facerecognition.eval;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.facerecognition.io.AtomicFile;

/**
 * A report in one self-contained HTML file, which loads no other files. A report that shows charts also gives their
 * numbers in tables, for readers who cannot see the charts and for Java runtimes that cannot draw them.
 */
public final class HtmlReport {
    static final int CURVE_POINTS = 200;
    private static final String STYLE = """
            :root { color-scheme: light dark; --edge: #8884; }
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { line-height: 1.2; } p { max-width: 60rem; }
            figure { display: inline-block; margin: 1rem .5rem 1rem 0; } figure img { max-width: 100%; height: auto; }
            table { border-collapse: collapse; margin: .75rem 0; }
            th, td { border: 1px solid var(--edge); padding: .2rem .6rem; text-align: right; }
            th:first-child, td:first-child { text-align: left; }
            pre { overflow: auto; border: 1px solid var(--edge); padding: .5rem; }
            .images { display: flex; flex-wrap: wrap; gap: .25rem; } .images img { width: 5rem; height: 5rem; }
            .pairs { display: flex; flex-wrap: wrap; gap: .75rem; } .pairs figure { margin: 0; }
            .pairs img { width: 7rem; height: 7rem; object-fit: contain; } .pairs figcaption { font-size: .85rem; }
            .absent { display: inline-block; width: 7rem; height: 7rem; overflow: auto; font-size: .7rem; }
            .wide { overflow-x: auto; }
            """;

    private final String title;
    private final StringBuilder body = new StringBuilder();

    private HtmlReport(String title) {
        this.title = title;
    }

    /**
     * An image with its caption.
     *
     * @param png the encoded image; empty if it cannot be shown
     * @param caption text that describes the image, or why it cannot be shown
     */
    public record Image(byte[] png, String caption) {
        /** Returns a tile with text, in place of an image that cannot be shown. */
        static Image absent(String name, String reason) {
            return new Image(new byte[0], name + ": " + reason);
        }
    }

    /** Returns an empty report. */
    public static HtmlReport titled(String title) {
        return new HtmlReport(title);
    }

    /** Adds a paragraph. */
    public HtmlReport paragraph(String text) {
        body.append("<p>").append(escaped(text)).append("</p>\n");
        return this;
    }

    /** Adds preformatted text, such as settings, that the reader can unfold. */
    public HtmlReport listing(String heading, String text) {
        body.append("<details><summary>").append(escaped(heading)).append("</summary><pre>");
        body.append(escaped(text)).append("</pre></details>\n");
        return this;
    }

    /** Adds a table of names and values. */
    public HtmlReport summary(Map<String, String> values) {
        body.append("<table>\n");
        values.forEach((name, value) -> body.append("<tr><th scope=\"row\">")
                .append(escaped(name))
                .append("</th><td>")
                .append(escaped(value))
                .append("</td></tr>\n"));
        body.append("</table>\n");
        return this;
    }

    /** Adds a table with a heading. */
    public HtmlReport table(String heading, List<String> columns, List<List<String>> rows) {
        body.append("<h2>").append(escaped(heading)).append("</h2>\n<div class=\"wide\"><table>\n<tr>");
        columns.forEach(column ->
                body.append("<th scope=\"col\">").append(escaped(column)).append("</th>"));
        body.append("</tr>\n");
        for (List<String> row : rows) {
            body.append("<tr>");
            row.forEach(cell -> body.append("<td>").append(escaped(cell)).append("</td>"));
            body.append("</tr>\n");
        }
        body.append("</table></div>\n");
        return this;
    }

    /**
     * Adds a chart of lines through values at x = 1, 2, 3, ....
     *
     * @param series values by name; NaN leaves a gap
     */
    public HtmlReport lines(String heading, String xTitle, Map<String, double[]> series) {
        return chart(heading, Charts.lines(heading, xTitle, series));
    }

    /** Adds a chart of overlaid histograms in equal bins over [from, to], each as shares of its own values. */
    public HtmlReport histogram(
            String heading, String xTitle, double from, double to, int bins, Map<String, double[]> series) {
        return chart(heading, Charts.histogram(heading, xTitle, from, to, bins, series));
    }

    /**
     * Adds a chart of histograms whose bins are counted already. They are drawn as curves, each as shares of its own
     * counts.
     *
     * @param bins the center of each bin
     * @param logarithmic whether the axis of the bins is logarithmic
     * @param counts the counts by name, one per bin
     */
    public HtmlReport counted(
            String heading, String xTitle, double[] bins, boolean logarithmic, Map<String, long[]> counts) {
        Map<String, double[][]> curves = new LinkedHashMap<>();
        counts.forEach((name, all) -> {
            double sum = Math.max(1, Arrays.stream(all).sum());
            curves.put(name, new double[][] {
                bins, Arrays.stream(all).mapToDouble(count -> count / sum).toArray()
            });
        });
        var x = new Charts.Axis(xTitle, logarithmic);
        return chart(heading, Charts.curves(heading, x, new Charts.Axis("share", false), curves));
    }

    /** Adds the ROC and the DET curve of a verification, with false accept rates on a logarithmic scale. */
    public HtmlReport rocAndDet(Roc roc) {
        double[][] points = roc.points(CURVE_POINTS);
        double[] far = points[0];
        double[] tar = points[1];
        double[] fnmr = Arrays.stream(tar).map(rate -> 1 - rate).toArray();
        chart(
                "ROC: true accept rate (1 - FNMR) against false accept rate (FMR)",
                Charts.curves(
                        "ROC",
                        new Charts.Axis("false accept rate", true),
                        new Charts.Axis("true accept rate", false),
                        Map.of("model", new double[][] {far, tar})));
        return chart(
                "DET: false non-match rate (FNMR) against false match rate (FMR)",
                Charts.curves(
                        "DET",
                        new Charts.Axis("false match rate", true),
                        new Charts.Axis("false non-match rate", true),
                        Map.of("model", new double[][] {far, fnmr})));
    }

    /** Adds a chart that is rendered already, or a sentence in its place when it is empty. */
    HtmlReport chart(String heading, Optional<byte[]> png) {
        png.ifPresentOrElse(
                bytes -> body.append("<figure>").append(image(bytes, heading)).append("</figure>\n"),
                () -> paragraph(heading + ": no chart, because there are no values or this Java runtime has no fonts to"
                        + " draw it with."));
        return this;
    }

    /**
     * Two images side by side.
     *
     * @param caption text under both images
     */
    public record Pair(Image first, Image second, String caption) {}

    /** Adds pairs of images, each with its caption. */
    public HtmlReport pairs(String heading, List<Pair> pairs) {
        body.append("<h2>").append(escaped(heading)).append("</h2>\n<div class=\"pairs\">\n");
        pairs.forEach(pair -> body.append("<figure>")
                .append(image(pair.first()))
                .append(image(pair.second()))
                .append("<figcaption>")
                .append(escaped(pair.caption()))
                .append("</figcaption></figure>\n"));
        body.append("</div>\n");
        return this;
    }

    /** Adds images side by side. */
    public HtmlReport images(String heading, List<Image> images) {
        body.append("<h2>").append(escaped(heading)).append("</h2>\n<div class=\"images\">\n");
        images.forEach(image -> body.append(image(image)).append('\n'));
        body.append("</div>\n");
        return this;
    }

    private static String image(Image image) {
        return image.png().length == 0
                ? "<span class=\"absent\">" + escaped(image.caption()) + "</span>"
                : image(image.png(), image.caption());
    }

    private static String image(byte[] png, String description) {
        return "<img src=\"data:image/png;base64," + Base64.getEncoder().encodeToString(png) + "\" alt=\""
                + escaped(description) + "\" title=\"" + escaped(description) + "\"/>";
    }

    /** Returns the complete HTML file, which is well-formed XML too. */
    public String html() {
        return "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
                + "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>"
                + escaped(title) + "</title>\n<style>\n" + STYLE + "</style>\n</head>\n<body>\n<h1>" + escaped(title)
                + "</h1>\n" + body + "</body>\n</html>\n";
    }

    /**
     * Writes the HTML file atomically, replacing an existing one.
     *
     * @throws UncheckedIOException when the file cannot be written
     */
    public void write(Path file) {
        try {
            AtomicFile.write(file, html());
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replaceAll("[^\\x09\\x0a\\x0d\\x20-\\ud7ff\\ue000-\\ufffd\\x{10000}-\\x{10ffff}]", "?"); // as in XML
    }
}
