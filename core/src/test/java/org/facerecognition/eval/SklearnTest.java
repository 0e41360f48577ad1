package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.Golden;
import org.facerecognition.SharedFiles;
import org.junit.jupiter.api.Test;

/**
 * Checks that figures equal those of scikit-learn, on the random scores of {@code eval/make.py} and on published
 * distances.
 */
class SklearnTest {
    private static final JsonNode SYNTHETIC = Golden.read("/eval/synthetic.json");
    private static final JsonNode IDENTIFICATION = Golden.read("/eval/identification.json");

    private static Verification synthetic() {
        double[] scores = Golden.numbers(SYNTHETIC.get("scores"));
        int[] truth = ints(SYNTHETIC.get("truth"));
        return Verification.ofScores(scores, isGenuine(truth));
    }

    private static int[] ints(JsonNode array) {
        return Arrays.stream(Golden.numbers(array)).mapToInt(d -> (int) d).toArray();
    }

    private static boolean[] isGenuine(int[] truth) {
        boolean[] genuine = new boolean[truth.length];
        for (int i = 0; i < genuine.length; i++) {
            genuine[i] = truth[i] == 1;
        }
        return genuine;
    }

    private static void assertFigures(JsonNode expected, Roc roc, String of) {
        assertThat(roc.auc()).as("AUC of " + of).isCloseTo(expected.get("auc").asDouble(), within(1e-12));
        assertThat(roc.equalErrorRate())
                .as("EER of " + of)
                .isCloseTo(expected.get("eer").asDouble(), within(1e-12));
        assertThat(roc.bestAccuracy().accuracy())
                .as("best accuracy of " + of)
                .isCloseTo(expected.get("best_accuracy").asDouble(), within(1e-12));
        expected.get("tar_at_far")
                .properties()
                .forEach(one -> assertThat(roc.tarAtFar(Double.parseDouble(one.getKey())))
                        .as("TAR at FAR " + one.getKey() + " of " + of)
                        .isCloseTo(one.getValue().asDouble(), within(1e-12)));
    }

    @Test
    void figuresOfScoresWithTiesEqualScikitLearns() {
        assertFigures(SYNTHETIC.get("figures"), synthetic().roc(), "random scores");
    }

    @Test
    void everyPointOfTheCurveEqualsScikitLearns() {
        Roc.Curve curve = synthetic().roc().curve();
        JsonNode expected = SYNTHETIC.get("curve");
        assertThat(curve.thresholds()[0]).isInfinite();
        assertThat(curve.far()[0]).isZero();
        assertThat(curve.tar()[0]).isZero();
        assertThat(withoutFirst(curve.thresholds()))
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(Golden.numbers(expected.get("thresholds")));
        assertThat(withoutFirst(curve.far()))
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(Golden.numbers(expected.get("far")));
        assertThat(withoutFirst(curve.tar()))
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(Golden.numbers(expected.get("tar")));
    }

    private static double[] withoutFirst(double[] values) {
        return Arrays.copyOfRange(values, 1, values.length);
    }

    @Test
    void crossValidationEqualsScikitLearns() {
        // of 407 pairs, seven of ten folds have one pair more
        assertFolds(SYNTHETIC.get("contiguous"), CrossValidation.contiguous(synthetic(), 10));
        assertFolds(SYNTHETIC.get("interleaved"), CrossValidation.interleaved(synthetic(), 2));
    }

    private static void assertFolds(JsonNode expected, CrossValidation folds) {
        assertThat(folds.accuracies())
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(Golden.numbers(expected.get("accuracies")));
        assertThat(folds.mean()).isCloseTo(expected.get("mean").asDouble(), within(1e-12));
        assertThat(folds.standardError())
                .isCloseTo(expected.get("standard_error").asDouble(), within(1e-12));
    }

    @Test
    void identificationEqualsNumPys() {
        Embedded known = embedded("known");
        Embedded probes = embedded("probes");
        Identification identification = Identification.of(known, probes);
        assertThat(identification.cmc(100))
                .usingComparatorWithPrecision(1e-12)
                .containsExactly(Golden.numbers(IDENTIFICATION.get("cmc")));
        IDENTIFICATION
                .get("dir_at_far")
                .properties()
                .forEach(one -> assertThat(identification.dirAtFar(Double.parseDouble(one.getKey())))
                        .as("DIR at FAR " + one.getKey())
                        .isCloseTo(one.getValue().asDouble(), within(1e-12)));
        IdentificationRate rate = IdentificationRate.of(probes, known.embeddings());
        IDENTIFICATION
                .get("tpr_at_fpr")
                .properties()
                .forEach(one -> assertThat(rate.tprAtFpr(Double.parseDouble(one.getKey())))
                        .as("TPR at FPR " + one.getKey())
                        .isCloseTo(one.getValue().asDouble(), within(1e-12)));
        assertThat(NearestNeighbors.of(known, 1).accuracy(probes))
                .isCloseTo(IDENTIFICATION.get("nearest_accuracy").asDouble(), within(1e-12));
    }

    private static Embedded embedded(String name) {
        JsonNode rows = IDENTIFICATION.get(name);
        float[][] embeddings = new float[rows.size()][];
        for (int i = 0; i < embeddings.length; i++) {
            double[] row = Golden.numbers(rows.get(i));
            embeddings[i] = new float[row.length];
            for (int j = 0; j < row.length; j++) {
                embeddings[i][j] = (float) row[j];
            }
        }
        String labels = name.equals("known") ? "known_labels" : "probe_labels";
        return new Embedded(embeddings, ints(IDENTIFICATION.get(labels)));
    }

    @Test
    void figuresOfPublishedDistancesEqualScikitLearns() throws IOException {
        Path csv = SharedFiles.orSkip("fixtures/deepface_pivot/face-recognition-pivot.csv");
        List<String[]> rows =
                Files.readAllLines(csv).stream().map(line -> line.split(",")).toList();
        List<String> heading = List.of(rows.get(0));
        List<String[]> pairs = rows.subList(1, rows.size());
        boolean[] genuine = isGenuine(pairs.stream()
                .mapToInt(row -> row[heading.indexOf("decision")].equals("Yes") ? 1 : 0)
                .toArray());
        JsonNode expected = Golden.read("/eval/pivot.json");
        assertThat(expected).hasSize(11);
        expected.properties().forEach(column -> {
            int at = heading.indexOf(column.getKey());
            double[] scores = IntStream.range(0, pairs.size())
                    .mapToDouble(i -> -Double.parseDouble(pairs.get(i)[at]))
                    .toArray();
            assertFigures(
                    column.getValue(), Verification.ofScores(scores, genuine).roc(), column.getKey());
        });
    }
}
