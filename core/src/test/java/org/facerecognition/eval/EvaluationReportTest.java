package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

class EvaluationReportTest {
    private static final FaceDataset FACES =
            FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 8).images(0, 4), Split.TEST);

    /** Simulates a mediocre network: random embeddings with a component for the identity. */
    private static Embedded embedded(FaceDataset faces) {
        Random random = new Random(1);
        float[][] embeddings = new float[faces.size()][8];
        int[] labels = new int[faces.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = faces.sample(i).label();
            for (int j = 0; j < 8; j++) {
                embeddings[i][j] = (float) (0.6 * random.nextGaussian() + (labels[i] == j ? 1 : 0));
            }
        }
        return new Embedded(embeddings, labels);
    }

    private static Document parsed(String html) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(html.replace("<!DOCTYPE html>", ""))));
    }

    @Test
    void saysWhyAFigureIsNotKnown() {
        EvaluationReport report = EvaluationReport.titled("x")
                .unknown("a", "the file does not say")
                .unmeasured("b");
        assertThat(report.html()).containsOnlyOnce("the file does not say").containsOnlyOnce("cannot be measured");
        assertThat(report.figures()).containsEntry("a", null).containsEntry("b", null);
    }

    @Test
    void writesTheSameFiguresAsHtmlAndJson(@TempDir Path folder) throws Exception {
        Verification pairs = VerificationSet.of(FACES).verify(EvaluationReportTest::embedded);
        Embedded faces = embedded(FACES);
        Identification identification = Identification.of(
                faces.chosen(0, 1, 4, 5, 8, 9, 12, 13), faces.chosen(2, 3, 6, 7, 10, 11, 14, 15, 16, 17, 20, 24));
        EvaluationReport report = EvaluationReport.titled("A <net>")
                .fact("model", "random & simulated")
                .figure("extra", 0.25)
                .verification(pairs, new Bootstrap(100, 0))
                .crossValidation(CrossValidation.interleaved(pairs, 5))
                .identification(identification)
                .hardest(pairs, List.of(FACES));
        Path file = folder.resolve("deep/report.html");
        report.write(file);

        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("deep/report.json").toFile());
        Roc roc = pairs.roc();
        JsonNode figures = json.get("figures");
        assertThat(figures.get("auc").asDouble()).isEqualTo(roc.auc());
        assertThat(figures.get("eer").asDouble()).isEqualTo(roc.equalErrorRate());
        assertThat(figures.get("pairs_same").asInt()).isEqualTo(8 * 6);
        assertThat(figures.get("pairs_different").asInt()).isEqualTo(32 * 31 / 2 - 48);
        double tar = figures.get("tar_at_far_1e-2").asDouble();
        assertThat(tar).isEqualTo(roc.tarAtFar(0.01));
        assertThat(tar)
                .isBetween(
                        figures.get("tar_at_far_1e-2_low").asDouble(),
                        figures.get("tar_at_far_1e-2_high").asDouble());
        assertThat(figures.get("tar_at_far_1e-3").isNull())
                .as("448 impostor pairs cannot show a rate of one in a thousand")
                .isTrue();
        assertThat(figures.get("rank_1").asDouble()).isEqualTo(identification.rank(1));
        assertThat(figures.get("dir_at_far_0.01").isNull()).isTrue();
        assertThat(figures.get("extra").asDouble()).isEqualTo(0.25);
        assertThat(json.get("facts").get("intervals").asText()).contains("over people");
        assertThat(json.get("curves").get("roc").get("far")).hasSize(200);
        assertThat(report.figures()).containsEntry("auc", roc.auc());

        String html = Files.readString(file);
        Document page = parsed(html);
        assertThat(html).doesNotContain("src=\"http").doesNotContain("<link").doesNotContain("<script");
        assertThat(html)
                .contains(
                        "random &amp; simulated",
                        String.format("%.4f", roc.auc()).replace(',', '.'),
                        "cannot be measured on this data",
                        "Genuine pairs with the lowest scores",
                        "synthetic-0/");
        ChartsTest.assumeFonts();
        var images = page.getElementsByTagName("img");
        assertThat(images.getLength()).isEqualTo(2 * 2 * 12 + 4); // the hardest pairs and four charts
        for (int i = 0; i < images.getLength(); i++) {
            assertThat(((Element) images.item(i)).getAttribute("alt")).isNotBlank();
        }
    }

    /** An image that was moved during the evaluation used to cost all its figures, even where none is shown. */
    @Test
    void anAbsentImageCostsOnlyItsTile(@TempDir Path folder) throws Exception {
        for (String image : List.of("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png")) {
            Path file = folder.resolve(image);
            Files.createDirectories(file.getParent());
            try (Mat grey = new Mat(8, 8, CV_8UC3, new Scalar(128))) {
                Files.write(file, ImageReader.png(grey));
            }
        }
        FaceDataset faces = FaceDataset.folders(folder, Split.TRAIN, 0, 0, 1);
        Verification pairs = VerificationSet.of(faces).verify(EvaluationReportTest::embedded);
        Path moved = folder.resolve("ann/2.png");
        byte[] bytes = Files.readAllBytes(moved);
        Files.delete(moved);
        EvaluationReport report = EvaluationReport.titled("t")
                .verification(pairs, Bootstrap.DEFAULT)
                .hardest(pairs, List.of(faces));
        Document page = parsed(report.html());
        assertThat(page.getElementsByTagName("span").getLength()).isEqualTo(3);
        assertThat(page.getElementsByTagName("span").item(0).getTextContent()).contains("2.png", "does not exist");

        Files.write(moved, bytes);
        assertThat(parsed(report.html()).getElementsByTagName("span").getLength())
                .as("images are read when the page is made")
                .isZero();
        ChartsTest.assumeFonts();
        assertThat(page.getElementsByTagName("img").getLength()).isEqualTo(2 * 6 - 3 + 3); // pairs and charts
    }

    @Test
    void reportsEqualScoresOfUnknownFaces() throws Exception {
        Verification pairs = Verification.ofScores(new double[] {1, 1, 1, 1}, new boolean[] {true, true, false, false});
        EvaluationReport report = EvaluationReport.titled("t").verification(pairs, Bootstrap.DEFAULT);
        assertThat(report.figures()).containsEntry("auc", 0.5).containsEntry("tar_at_far_1e-2", null);
        Document page = parsed(report.html());
        assertThat(page.getDocumentElement().getTextContent()).contains("no histogram", "over pairs");
    }

    /** Rounded to the nearest, half of the printed thresholds were exceeded by more impostors than was said. */
    @Test
    void thresholdsAreRoundedUp() {
        assertThat(EvaluationReport.text("threshold_at_far_0.001", 0.40001)).isEqualTo("0.4001");
        assertThat(EvaluationReport.text("threshold", 0.9))
                .as("whose bits are of a bit more")
                .isEqualTo("0.9000");
        assertThat(EvaluationReport.text("best_accuracy_threshold", 0.40001)).isEqualTo("0.4001");
        assertThat(EvaluationReport.text("threshold", -0.12345)).isEqualTo("-0.1234");
        assertThat(EvaluationReport.text("threshold", 0.9999912345)).isEqualTo("0.999991235");
        assertThat(EvaluationReport.text("threshold", Double.POSITIVE_INFINITY)).isEqualTo("Infinity");
        assertThat(EvaluationReport.text("auc", 0.40001)).isEqualTo("0.4000");
    }

    @Test
    void comparesEveryFaceWithEveryOther() {
        Function<FaceDataset, Embedded> embedder = EvaluationReportTest::embedded;
        VerificationSet all = VerificationSet.of(FACES);
        assertThat(all.fingerprint())
                .isNotEqualTo(VerificationSet.of(FACES.withAtMost(2)).fingerprint());
        assertThat(all.toString()).startsWith("each with each of ");
        assertThat(all.verify(embedder).size()).isEqualTo(32 * 31 / 2);
    }
}
