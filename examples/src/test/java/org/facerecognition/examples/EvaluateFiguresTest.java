package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.facerecognition.Recognizer;
import org.facerecognition.data.Crop;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FacePairs;
import org.facerecognition.data.OpenSetFaces;
import org.facerecognition.data.Split;
import org.facerecognition.eval.ClosedSet;
import org.facerecognition.eval.CrossValidation;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Identification;
import org.facerecognition.eval.IdentificationRate;
import org.facerecognition.eval.NearestNeighbors;
import org.facerecognition.eval.Verification;
import org.facerecognition.eval.VerificationSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The figures of {@code evaluate} are those of the library, called directly. */
class EvaluateFiguresTest {
    private static final double VAL = 0.4;
    private static final double TEST = 0.2;
    private static final long SEED = 2;

    @TempDir
    static Path root;

    private static CliData data;
    private static Path faces;
    private static Path file;
    private static Recognizer model;

    @BeforeAll
    static void train() {
        data = new CliData(root);
        faces = Cli.faces(root.resolve("faces"), 12, 10);
        Cli.Result trained = Cli.train(faces, root.resolve("model"), "--max-steps", 1, "--encoder", "resnet18");
        assertThat(trained.code()).as(trained.err()).isZero();
        file = root.resolve("model/last.ckpt");
        model = Recognizer.load(file);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static JsonNode figures(String protocol, Path of, Object... more) {
        List<Object> words =
                new ArrayList<>(List.of("evaluate", "--protocol", protocol, "--model", file, "--data", of, "--json"));
        words.addAll(Arrays.asList(more));
        Cli.Result result = Cli.run(words.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        return result.json();
    }

    private static void assertFigure(JsonNode figures, String name, double expected) {
        assertThat(Cli.number(figures, name)).as(name).isCloseTo(expected, within(1e-9));
    }

    private static FaceDataset part(Split split) {
        return FaceDataset.folders(faces, split, VAL, TEST, SEED);
    }

    private static Verification verify(VerificationSet set) {
        return set.verify(chosen -> model.embed(chosen, true));
    }

    private static Verification verify(FacePairs pairs) {
        return verify(VerificationSet.of(pairs, Crop.WHOLE));
    }

    @Test
    void closedSetComparesWithMeansAndWithNeighbors() {
        JsonNode figures = figures("closed-set", faces, "--val-fraction", VAL, "--test-fraction", TEST, "--seed", SEED);
        Embedded gallery = model.embed(part(Split.TRAIN), true);
        for (Split split : List.of(Split.VAL, Split.TEST)) {
            Embedded probes = model.embed(part(split), true);
            double means = ClosedSet.of(gallery).accuracy(probes);
            double neighbors = NearestNeighbors.of(gallery, 5).accuracy(probes);
            String name = split == Split.VAL ? "val" : "test";
            assertThat(means).as("one cannot pass for the other").isNotEqualTo(neighbors);
            assertFigure(figures, name + "_accuracy", means);
            assertFigure(figures, name + "_accuracy_5nn", neighbors);
        }
        Identification expected = Identification.of(gallery.centroids(), model.embed(part(Split.VAL), true));
        assertThat(expected.rank(1)).isLessThan(expected.rank(5));
        assertFigure(figures, "rank_1", expected.rank(1));
        assertFigure(figures, "rank_5", expected.rank(5));
    }

    @Test
    void openSetIdentifiesAmongTheEnrolled() {
        JsonNode figures = figures(
                "open-set", faces, "--val-fraction", VAL, "--test-fraction", TEST, "--unseen", 0.25, "--seed", SEED);
        FaceDataset train = part(Split.TRAIN);
        List<String> enrolled = train.byIdentity(0.25, SEED).seen().identities();
        Embedded probes = model.embed(part(Split.VAL), true);
        Embedded all = model.embed(train, true);
        int[] known = IntStream.range(0, all.labels().length)
                .filter(i -> enrolled.contains(train.identities().get(all.labels()[i])))
                .toArray();
        Identification expected = Identification.of(all.chosen(known), probes);
        assertThat(expected.nonMated()).isEqualTo(3 * 4);
        assertFigure(figures, "people", 9);
        assertFigure(figures, "non_mated_probes", 3 * 4);
        assertFigure(figures, "rank_1", expected.rank(1));
        assertFigure(figures, "rank_5", expected.rank(5));
        assertFigure(figures, "dir_at_far_0.1", expected.dirAtFar(0.1));
    }

    @Test
    void mirrorImagesAreAddedUnlessTheyAreDeclined() {
        FaceDataset all = Stream.of(Split.values())
                .map(split -> FaceDataset.folders(faces, split, 0.2, 0.2, 0))
                .reduce(FaceDataset::with)
                .orElseThrow();
        Object[] parts = {"--val-fraction", 0.2, "--test-fraction", 0.2};
        JsonNode added = figures("all-pairs", faces, parts);
        Verification with = Verification.ofAllPairs(model.embed(all, true));
        assertFigure(added, "auc", with.roc().auc());
        assertFigure(added, "eer", with.roc().equalErrorRate());
        assertFigure(added, "tar_at_far_1e-2", with.roc().tarAtFar(0.01));

        Object[] declined = Arrays.copyOf(parts, parts.length + 1);
        declined[parts.length] = "--no-flip";
        JsonNode alone = figures("all-pairs", faces, declined);
        Verification without = Verification.ofAllPairs(model.embed(all, false));
        assertThat(without.roc().auc()).as("shows").isNotEqualTo(with.roc().auc());
        assertFigure(alone, "auc", without.roc().auc());
        assertFigure(alone, "eer", without.roc().equalErrorRate());
    }

    @Test
    void thresholdsAreForTheModeThatWasMeasured() {
        Path people = Cli.faces(root.resolve("people"), 27, 2);
        for (boolean flip : new boolean[] {true, false}) {
            Path calibrated = root.resolve(flip + ".model");
            List<Object> words = new ArrayList<>(List.of("--namesakes", "--calibrate", calibrated));
            words.addAll(flip ? List.of() : List.of("--no-flip"));
            JsonNode found = figures("all-pairs", people, words.toArray()).get("calibration");
            assertThat(found)
                    .isNotEmpty()
                    .allSatisfy(threshold -> assertThat(threshold.get("mode").asText())
                            .isEqualTo(new EmbeddingMode(null, flip, EmbeddingMode.FLOAT32).toString()));
        }
    }

    @Test
    void listsHaveInterleavedFolds() throws IOException {
        Path list = data.pairs("pairs.tsv", 18, 12);
        JsonNode figures = figures("pairs", faces, "--pairs", list);
        Verification pairs = verify(FacePairs.list(list, faces));
        CrossValidation folds = CrossValidation.interleaved(pairs, 10);
        assertFigure(figures, "accuracy", folds.mean());
        assertFigure(figures, "standard_error", folds.standardError());
        assertFigure(figures, "auc", pairs.roc().auc());
    }

    @Test
    void setsAreTheFoldsOfLfwAndOfBinaryFiles() throws IOException {
        Path lfw = data.lfw();
        JsonNode figures = figures("lfw", lfw);
        CrossValidation sets =
                CrossValidation.contiguous(verify(FacePairs.lfw(lfw.resolve("pairs.txt"), lfw.resolve("lfw"))), 10);
        assertFigure(figures, "accuracy", sets.mean());
        assertFigure(figures, "standard_error", sets.standardError());

        List<Boolean> genuine = Collections.nCopies(10, List.of(true, false)).stream()
                .flatMap(List::stream)
                .toList();
        Path bin = data.bin(genuine);
        CrossValidation binary = CrossValidation.contiguous(verify(FacePairs.insightfaceBin(bin)), 10);
        assertFigure(figures("bin", bin), "accuracy", binary.mean());
        assertFigure(figures("bin", bin), "standard_error", binary.standardError());
    }

    /** Genuine pairs of the first seven people, and impostor pairs of neighbors. */
    private static String view1() {
        StringBuilder lines = new StringBuilder("7\n");
        for (int person = 0; person < 7; person++) {
            lines.append("P%d\t1\t2%n".formatted(person));
        }
        for (int person = 0; person < 7; person++) {
            lines.append("P%d\t1\tP%d\t2%n".formatted(person, person + 1));
        }
        return lines.toString();
    }

    @Test
    void view1ChoosesItsThresholdOnOtherPairs() throws IOException {
        Path lfw = new CliData(root.resolve("view1")).lfw();
        Path test = lfw.resolve("pairsDevTest.txt");
        Files.writeString(test, view1());
        Verification pairs = verify(FacePairs.lfw(test, lfw.resolve("lfw")));
        CrossValidation halves = CrossValidation.interleaved(pairs, 2);
        assertThat(halves.accuracies()[0]).isNotEqualTo(halves.accuracies()[1]);
        JsonNode alone = figures("view1", lfw);
        assertFigure(alone, "accuracy", halves.mean());
        assertFigure(alone, "accuracy_first_half", halves.accuracies()[0]);
        assertFigure(alone, "accuracy_second_half", halves.accuracies()[1]);

        Path train = lfw.resolve("pairsDevTrain.txt");
        Files.writeString(train, "2\nP8\t1\t2\nP9\t1\t2\nP8\t1\tP9\t1\nP8\t2\tP10\t1\n");
        double threshold = verify(FacePairs.lfw(train, lfw.resolve("lfw")))
                .roc()
                .bestAccuracy()
                .threshold();
        assertThat(threshold).isNotEqualTo(pairs.roc().bestAccuracy().threshold());
        JsonNode both = figures("view1", lfw);
        assertFigure(both, "threshold", threshold);
        assertFigure(both, "accuracy", CrossValidation.accuracyAt(threshold, pairs));
    }

    @Test
    void celebaIrHasTheRatesOfItsPairs() throws IOException {
        Path ir = data.celebaIr(16);
        OpenSetFaces read = OpenSetFaces.celebaIr(ir, model.crop().ofCrops());
        IdentificationRate rate = IdentificationRate.of(
                model.embed(read.queries(), true),
                model.embed(read.distractors(), true).embeddings());
        JsonNode figures = figures("celeba-ir", ir);
        for (double fpr : new double[] {0.5, 0.2, 0.1, 0.05, 0.01, 0.001}) {
            assertFigure(figures, "tpr_at_fpr_" + fpr, rate.tprAtFpr(fpr));
        }
        assertThat(rate.tprAtFpr(0.1)).isStrictlyBetween(rate.tprAtFpr(0.001), 1.0);
        assertFigure(figures, "auc", rate.pairs().roc().auc());
    }
}
