package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class HtmlReportTest {
    private static Document parsed(String html) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(html.replace("<!DOCTYPE html>", ""))));
    }

    @Test
    void isSelfContainedAndEscapesText(@TempDir Path folder) throws Exception {
        HtmlReport report = HtmlReport.titled("A & <B>")
                .paragraph("\"quoted\" \u0001 \uffff \ud800 <script>alert(1)</script>")
                .summary(Map.of("x", "1"))
                .table("T", List.of("a", "b"), List.of(List.of("1", "<2>")))
                .listing("args", "{\"a\": 1}")
                .lines("Loss", "epoch", Map.of("training", new double[] {3, Double.NaN, 1}))
                .histogram("H", "cosine", -1, 1, 10, Map.of("same", new double[] {0.5, 0.6, -2, 2}));
        Path file = folder.resolve("deep/report.html");
        report.write(file);
        String html = Files.readString(file);
        Document document = parsed(html);

        assertThat(document.getElementsByTagName("script").getLength()).isZero();
        assertThat(document.getElementsByTagName("h1").item(0).getTextContent()).isEqualTo("A & <B>");
        assertThat(html)
                .doesNotContain("http://localhost")
                .doesNotContain("src=\"http")
                .doesNotContain("<link");
        ChartsTest.assumeFonts();
        NodeList images = document.getElementsByTagName("img");
        assertThat(images.getLength()).isEqualTo(2);
        for (int i = 0; i < images.getLength(); i++) {
            String source = ((Element) images.item(i)).getAttribute("src");
            assertThat(source).startsWith("data:image/png;base64,");
            byte[] png = Base64.getDecoder().decode(source.substring(source.indexOf(',') + 1));
            assertThat(ImageIO.read(new java.io.ByteArrayInputStream(png)).getWidth())
                    .isEqualTo(640);
            assertThat(((Element) images.item(i)).getAttribute("alt")).isNotBlank();
        }
    }

    /** A loss of 1e20 held up the training that drew it: XChart looked for labels without end. */
    @Test
    @Timeout(60)
    void leavesOutWhatNoAxisCanShow() throws Exception {
        String html = HtmlReport.titled("t")
                .lines("Loss", "epoch", Map.of("training", new double[] {1, Double.MAX_VALUE, -1e20, 2}))
                .lines("Norm", "epoch", Map.of("mean", new double[] {1e300}))
                .counted("Norms", "norm", new double[] {1, 1e200}, false, Map.of("all", new long[] {1, 2}))
                .html();
        assertThat(html).contains("Norm: no chart, because there are no values");
        ChartsTest.assumeFonts();
        assertThat(parsed(html).getElementsByTagName("img").getLength()).isEqualTo(2);
    }

    @Test
    void replacesAnEmptyChartByASentence() throws Exception {
        String html = HtmlReport.titled("t")
                .lines("Accuracy", "epoch", Map.of("validation", new double[] {Double.NaN}))
                .html();
        assertThat(parsed(html).getElementsByTagName("img").getLength()).isZero();
        assertThat(html).contains("Accuracy: no chart, because there are no values");
    }

    @Test
    void outerBinsIncludeTheValuesBeyondThem() {
        assertThat(Charts.shares(new double[] {-5, -1, 0, 0.99, 5}, -1, 1, 4)).containsExactly(0.4, 0, 0.2, 0.4);
    }

    /** Draws a chart. */
    static final class Drawing {
        private Drawing() {}

        public static void main(String[] args) {
            HtmlReport report = HtmlReport.titled("x");
            report.lines("loss", "epoch", Map.of("train", new double[] {1, 2}));
            System.out.println(report.html().length() > 0 ? "written" : "empty");
        }
    }

    /** A DISPLAY of a connection that has ended made AWT throw an error, which ended a training after an epoch. */
    @Test
    void aDisplayThatLeadsNowhereIsNoFailure() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Drawing.class.getName());
        builder.environment().put("DISPLAY", "127.0.0.1:99");
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("written");
    }
}
