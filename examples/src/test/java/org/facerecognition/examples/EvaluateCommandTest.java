package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.facerecognition.Threshold;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.ImageReader;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Every protocol, on synthetic faces, with a network that was trained on them for one step. */
class EvaluateCommandTest {
    @TempDir
    static Path root;

    private static Path faces;
    private static Path model;

    @BeforeAll
    static void train() {
        faces = Cli.faces(root.resolve("faces"));
        Cli.Result result = Cli.train(faces, root.resolve("model"), "--max-steps", 1);
        assertThat(result.code()).as(result.err()).isZero();
        model = root.resolve("model/last.ckpt");
    }

    private static Cli.Result evaluate(String protocol, Path data, Object... more) {
        List<Object> words = new ArrayList<>(
                List.of("evaluate", "--protocol", protocol, "--model", model, "--data", data, "--json"));
        words.addAll(Arrays.asList(more));
        return Cli.run(words.toArray());
    }

    private static JsonNode figures(String protocol, Path data, Object... more) {
        Cli.Result result = evaluate(protocol, data, more);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.json().get("protocol").asText()).isEqualTo(protocol);
        return result.json();
    }

    private static void shares(JsonNode figures, String... names) {
        for (String name : names) {
            assertThat(Cli.number(figures, name)).as(name).isBetween(0.0, 1.0);
        }
    }

    @Test
    void closedSetMeasuresByMeansAndNeighbors() {
        shares(
                figures("closed-set", faces, "--layout", "folders"),
                "val_accuracy",
                "val_accuracy_5nn",
                "rank_1",
                "rank_5");
    }

    @Test
    void openSetHasNonMatedProbes() {
        Cli.Result result = evaluate("open-set", faces, "--layout", "folders", "--unseen", 0.34, "--val-fraction", 0.5);
        JsonNode figures = result.json();
        assertThat(result.err())
                .contains("note: dir_at_far_0.1 and dir_at_far_0.01 cannot be measured: a false alarm rate of 0.1 needs"
                        + " at least 10 images of people who are not enrolled (non-mated probes), but there are 3;");
        shares(figures, "rank_1");
        assertThat(figures.get("people").asInt()).isEqualTo(2);
        assertThat(figures.get("probes").asInt()).isEqualTo(6);
        assertThat(figures.get("strangers").asInt()).isEqualTo(3);
        assertThat(figures.get("dir_at_far_0.1").isNull()).isTrue();
    }

    @Test
    void allPairsReportsTheHardestPairs() throws IOException {
        Path report = root.resolve("reports/all.html");
        JsonNode figures = figures("all-pairs", faces, "--layout", "folders", "--report", report);
        assertThat(figures.get("people").asInt()).isEqualTo(3);
        assertThat(figures.get("images").asInt()).isEqualTo(18);
        assertThat(figures.get("pairs_same").asInt()).isEqualTo(3 * 15);
        assertThat(figures.get("pairs_different").asInt()).isEqualTo(3 * 36);
        shares(figures, "auc", "eer", "tar_at_far_1e-2", "tar_at_far_1e-2_low", "tar_at_far_1e-2_high");
        assertThat(Files.readString(report))
                .contains("ROC", "DET", "FNMR", "Genuine pairs with the lowest", "person0/");
        assertThat(root.resolve("reports/all.json")).content().contains("\"auc\"");
        assertThat(figures("all-pairs", faces, "--layout", "folders", "--unseen", 0.67)
                        .get("pairs_same")
                        .asInt())
                .isEqualTo(2 * 15);
    }

    @Test
    void pairsReadsAList() throws IOException {
        Path list = root.resolve("pairs.tsv");
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            lines.append("person0/0.png\tperson0/%d.png\t1%n".formatted(i + 1));
            lines.append("person0/0.png\tperson1/%d.png\t0%n".formatted(i));
            lines.append("person1/0.png\tperson1/%d.png\t1%n".formatted(i + 1));
            lines.append("person1/0.png\tperson2/%d.png\t0%n".formatted(i));
        }
        Files.writeString(list, lines);
        JsonNode figures = figures("pairs", faces, "--pairs", list);
        shares(figures, "accuracy", "standard_error", "auc");
        assertThat(figures.get("folds").asInt()).isEqualTo(10);
        assertThat(figures.get("people_in_training").asInt())
                .as("by their folders")
                .isEqualTo(3);
        Cli.Result missing = evaluate("pairs", faces);
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).contains("list of pairs " + faces.resolve("pairs.tsv") + " must exist");
    }

    /** One image under two names lowered the rates without a word, and a list could repeat its pairs. */
    @Test
    void notesOneImageUnderTwoNames() throws IOException {
        Path copied = new CliData(root.resolve("copied")).faces();
        Files.copy(copied.resolve("person0/3.png"), copied.resolve("person2/copy.png"));
        Path list = root.resolve("copied.tsv");
        Files.writeString(
                list,
                "person2/copy.png\tperson0/3.png\t0\nperson0/3.png\tperson0/1.png\t1\n"
                        + "person0/1.png\tperson0/3.png\t1\n");
        Path report = root.resolve("copied.html");
        Cli.Result result = evaluate("pairs", copied, "--pairs", list, "--report", report);
        assertThat(result.err())
                .containsOnlyOnce(
                        "note: 1 impostor pair has a cosine above 0.9999: person0/3.png and person2/copy.png;")
                .contains("warning: 1 pair is listed again")
                .contains("faces: 3 images,");
        assertThat(result.json().get("images").asInt()).isEqualTo(3);
        assertThat(report).content().contains("1 impostor pair has a cosine above 0.9999");
        assertThat(evaluate("all-pairs", copied).err())
                .as("as many as a model of one step takes for one image")
                .containsOnlyOnce("have a cosine above 0.9999, the first of them person");
    }

    /** Earlier, fewer than ten pairs had no figures at all, and an alternating list had folds of one kind. */
    @Test
    void fewPairsHaveTheFiguresThatNeedNoFolds() throws IOException {
        CliData data = new CliData(root);
        Cli.Result four = evaluate("pairs", faces, "--pairs", data.pairs("four.tsv", 2, 2));
        assertThat(four.code()).as(four.err()).isZero();
        assertThat(four.err())
                .contains("note: accuracy is left out: cross-validation needs at least 10 pairs, but there are 4");
        assertThat(four.json().get("accuracy").isNull()).isTrue();
        shares(four.json(), "auc", "eer", "best_accuracy");

        Cli.Result oneImpostor = evaluate("pairs", faces, "--pairs", data.pairs("twelve.tsv", 12, 1));
        assertThat(oneImpostor.code()).as(oneImpostor.err()).isZero();
        assertThat(oneImpostor.err())
                .contains("needs at least two genuine and two impostor pairs, but there are 12 and 1");

        Cli.Result fewer = evaluate("pairs", faces, "--pairs", data.pairs("fewer.tsv", 12, 3));
        assertThat(fewer.code()).as(fewer.err()).isZero();
        assertThat(fewer.err())
                .contains("note: accuracy is over 3 folds instead of 10, so that each has a pair of both kinds");
        assertThat(fewer.json().get("folds").asInt()).isEqualTo(3);
        assertThat(figures("pairs", faces, "--pairs", data.pairs("alternating.tsv", 10, 10))
                        .get("folds")
                        .asInt())
                .isEqualTo(10);
    }

    /** Earlier, they went to standard error. */
    @Test
    void printsFiguresOnStandardOutput() {
        Cli.Result result = Cli.run("evaluate", "--model", model, "--data", faces);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out().lines())
                .startsWith("protocol: closed-set")
                .contains("people: 3", "test_accuracy: not measured")
                .allMatch(line -> line.matches("[a-z0-9_.-]+: .+"));
        assertThat(result.err())
                .contains("layout: folders, detected", "gallery: TRAIN")
                .doesNotContain("val_accuracy");
    }

    /** Earlier, evaluate had a separate detector option, which took local files only and had no settings. */
    @Test
    void takesTheDetectorOptionsOfOtherCommands() throws IOException {
        CliData data = new CliData(root);
        data.photograph("found/ann/1.png", true, 320, 240);
        data.photograph("found/ann/2.png", true, 320, 240);
        data.photograph("found/bob/1.png", false, 320, 240);
        data.photograph("found/bob/2.png", true, 320, 240);
        Path photos = root.resolve("found");
        Path report = root.resolve("found.html");
        JsonNode all = figures("all-pairs", photos, "--detector", CliData.DETECTOR, "--report", report);
        assertThat(all.get("faces_not_found").asInt()).isEqualTo(1);
        assertThat(report).content().contains("found by squares.onnx");
        Cli.Result large = evaluate("all-pairs", photos, "--detector", CliData.DETECTOR, "--min-face", 100);
        assertThat(large.json().get("faces_not_found").asInt()).isEqualTo(4);
        assertThat(large.err()).contains("no usable face was found in 4 images");
        String help = Cli.run("evaluate", "--help").out().replaceAll("\\s+", " ");
        assertThat(help).contains("or fetch, which downloads YuNet", "--min-score", "--max-side", "--detector-cache");
    }

    /** Earlier, the first image whose face cannot be used ended the evaluation, after minutes. */
    @Test
    void oneImageWithoutAUsableFaceDoesNotEndTheEvaluation() throws IOException {
        CliData data = new CliData(root);
        for (String name : List.of("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png")) {
            data.photograph("usable/" + name, true, 320, 240);
        }
        Path two = root.resolve("usable/bob/2.png");
        BufferedImage one = ImageIO.read(two.toFile());
        BufferedImage both = new BufferedImage(640, 240, BufferedImage.TYPE_INT_RGB);
        both.createGraphics().drawImage(one, 0, 0, null);
        both.createGraphics().drawImage(one, 320, 0, null);
        ImageIO.write(both, "png", two.toFile());
        Cli.Result result =
                evaluate("all-pairs", root.resolve("usable"), "--detector", CliData.DETECTOR, "--face", "only");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.json().get("faces_not_found").asInt()).isEqualTo(1);
    }

    @Test
    void lfwAndView1ReadPairs() throws IOException {
        Path lfw = root.resolve("lfw-data");
        SyntheticFaces synthetic = new SyntheticFaces(0, 48);
        StringBuilder pairs = new StringBuilder("10\t1\n");
        for (int person = 0; person < 11; person++) {
            String name = "P" + person;
            for (int i = 0; i < 2; i++) {
                Path file = lfw.resolve("lfw/%s/%s_000%d.png".formatted(name, name, i + 1));
                Files.createDirectories(file.getParent());
                try (var image = synthetic.image(person, i)) {
                    Files.write(file, ImageReader.png(image));
                }
            }
            if (person > 0) {
                pairs.append("%s\t1\t2%n%s\t1\tP0\t2%n".formatted(name, name));
            }
        }
        Files.writeString(lfw.resolve("pairs.txt"), pairs);
        JsonNode tenSets = figures("lfw", lfw);
        shares(tenSets, "accuracy", "standard_error", "auc", "eer");
        assertThat(tenSets.get("folds").asInt()).isEqualTo(10);
        Files.writeString(lfw.resolve("pairs.txt"), pairs.toString().replace("10\t1\n", "5\t2\n"));
        assertThat(figures("lfw", lfw).get("folds").asInt())
                .as("earlier, five sets were cut into ten folds")
                .isEqualTo(5);
        String sorted = pairs.toString()
                .lines()
                .skip(1)
                .sorted(Comparator.comparing(line -> line.split("\t").length))
                .collect(Collectors.joining("\n"));
        Files.writeString(lfw.resolve("pairs.txt"), sorted);
        JsonNode noSets = figures("lfw", lfw);
        shares(noSets, "accuracy");
        assertThat(noSets.get("folds").asInt()).isEqualTo(10);

        Files.writeString(lfw.resolve("pairsDevTest.txt"), "1\nP1\t1\t2\nP1\t1\tP2\t1\n");
        Cli.Result few = evaluate("view1", lfw);
        assertThat(few.code()).as("earlier, two pairs had no figures").isZero();
        assertThat(few.err())
                .contains("note: accuracy is left out: cross-validation needs at least two genuine and two impostor"
                        + " pairs, but there are 1 and 1");
        assertThat(few.json().get("accuracy").isNull()).isTrue();
        shares(few.json(), "auc", "eer", "best_accuracy");
        Files.writeString(lfw.resolve("pairsDevTrain.txt"), "1\nP3\t1\t2\nP3\t1\tP4\t1\n");
        JsonNode figures = figures("view1", lfw);
        shares(figures, "accuracy");
        assertThat(Cli.number(figures, "threshold")).isBetween(-1.0, 1.1);
    }

    @Test
    void celebaIrMeasuresTprAtFpr() throws IOException {
        Path ir = root.resolve("ir");
        StringBuilder lines = new StringBuilder("img,id\n");
        SyntheticFaces synthetic = new SyntheticFaces(0, 48);
        for (String folder : List.of("celebA_query", "celebA_distractors")) {
            Files.createDirectories(ir.resolve(folder));
            for (int i = 0; i < 60; i++) {
                try (var image = synthetic.image(folder.equals("celebA_query") ? i / 6 : 100 + i, i)) {
                    Files.write(ir.resolve(folder + "/" + i + ".png"), ImageReader.png(image));
                }
                if (folder.equals("celebA_query")) {
                    lines.append(i).append(".png,person").append(i / 6).append('\n');
                }
            }
        }
        Files.writeString(ir.resolve("celebA_anno_query.csv"), lines);
        JsonNode figures = figures("celeba-ir", ir); // whole images, as in the training
        assertThat(Cli.number(figures, "people_in_training"))
                .as("its people are not those of the training, even with equal names")
                .isZero();
        shares(figures, "tpr_at_fpr_0.5", "tpr_at_fpr_0.2", "tpr_at_fpr_0.1", "tpr_at_fpr_0.05", "tpr_at_fpr_0.01");
        assertThat(figures.get("tpr_at_fpr_0.5").asDouble())
                .isGreaterThanOrEqualTo(figures.get("tpr_at_fpr_0.01").asDouble());
        assertThat(figures.get("pairs_same").asInt()).isEqualTo(10 * 15);
        assertThat(figures.get("pairs_different").asInt()).isEqualTo(60 * 59 / 2 - 150 + 60 * 60);
        assertThat(evaluate("celeba-ir", ir, "--align", "mean").err())
                .contains("faces must be cropped as this model was trained, whole, but were celeba-crop-aligned");
    }

    /** Its people and its crop were unknown, although they are in the file. */
    @Test
    void aModelOfThisProgramThatIsReadAsWeightsSaysWhomItKnows() throws IOException {
        Path out = root.resolve("weights");
        Cli.Result trained = Cli.train(
                faces, out, "--max-steps", 1, "--image-size", 112, "--embedding-size", 128, "--batch-size", 2);
        assertThat(trained.code()).as(trained.err()).isZero();
        Object[] words = {"--model", out.resolve("last.ckpt"), "--encoder", "mobilefacenet", "--json"};
        Path ir = new CliData(root.resolve("ir-of-weights")).celebaIr(3);
        Cli.Result closed = Cli.run(with(words, "evaluate", "--data", faces, "--layout", "folders"));
        assertThat(closed.code()).as(closed.err()).isZero();
        assertThat(closed.json().get("people_in_training").asInt()).isEqualTo(3);
        assertThat(closed.err()).doesNotContain("does not say on whom it was trained");
        Cli.Result whole = Cli.run(with(words, "evaluate", "--data", ir, "--protocol", "celeba-ir"));
        assertThat(whole.code()).as(whole.err()).isZero();
    }

    private static Object[] with(Object[] more, Object... words) {
        return Stream.of(words, more).flatMap(Arrays::stream).toArray();
    }

    @Test
    void explainsWrongUseInOneSentence() {
        Cli.Result calibrated = evaluate("bin", faces, "--calibrate", root.resolve("x.model"));
        assertThat(calibrated.code()).isEqualTo(2);
        assertThat(calibrated.err()).contains("--calibrate must go with a protocol that has validation faces");
        Cli.Result noDetector =
                evaluate("all-pairs", faces, "--layout", "folders", "--detector", root.resolve("y.onnx"));
        assertThat(noDetector.code()).isEqualTo(1);
        assertThat(noDetector.err()).contains("face detector " + root.resolve("y.onnx") + " does not exist");
        assertThat(evaluate("bin", root.resolve("z.bin")).err()).contains("z.bin does not exist");
    }

    @Test
    void trainVerifiesOnUnseenPeople() throws IOException {
        Path out = root.resolve("unseen");
        Cli.Result result = Cli.train(faces, out, "--verify-on-unseen", 0.5, "--best-by", "unseen-auc");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("of 1 identities", "unseen: each with each of", "people not trained on: AUC");
        assertThat(result.err()).contains("note: the training data shows only \"person0\"");
        shares(result.json(), "unseen_auc", "unseen_eer", "unseen_tar");
        assertThat(out.resolve("report.html")).content().contains("Verification of people not trained on");
        Cli.Result folder = Cli.train(faces, root.resolve("other"), "--verify-on-unseen", faces, "--epochs", 1);
        assertThat(folder.code()).as(folder.err()).isZero();
        shares(folder.json(), "unseen_auc");
        assertThat(Cli.train(faces, root.resolve("none"), "--verify-on-unseen", "some")
                        .err())
                .contains("--verify-on-unseen must be a fraction in (0, 1) or a folder, but was \"some\"");
    }

    /** Hours of measuring used to be lost to a report that could not be written, or to too few people. */
    @Test
    void figuresAreNotLostToWhatFailsAfterMeasuring() throws IOException {
        Cli.Result fewPeople = evaluate(
                "closed-set", faces, "--layout", "folders", "--namesakes", "--calibrate", root.resolve("c.model"));
        assertThat(fewPeople.code()).isEqualTo(1);
        assertThat(fewPeople.err()).contains("needs at least 25 people");
        shares(fewPeople.json(), "val_accuracy");
        assertThat(fewPeople.json().get("calibration").isNull()).isTrue();
    }

    /** The thresholds, which do not need the report, were lost to it. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "needs a file that is always full")
    void aReportThatCannotBeWrittenDoesNotPreventTheCalibration() throws IOException {
        Path full = Files.createSymbolicLink(root.resolve("full.html"), Path.of("/dev/full"));
        Path people = Cli.faces(root.resolve("thirty"), 30, 2);
        Path trained = root.resolve("thirty-trained");
        Cli.train(faces, trained, "--max-steps", 1, "--encoder", "resnet18"); // tells people apart without training
        Path calibrated = root.resolve("thirty.model");
        Cli.Result result = Cli.run(
                "evaluate",
                "--protocol",
                "all-pairs",
                "--model",
                trained.resolve("last.ckpt"),
                "--data",
                people,
                "--namesakes",
                "--report",
                full,
                "--calibrate",
                calibrated,
                "--json");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err()).contains("warning: cannot write " + full, "error: cannot write " + full);
        shares(result.json(), "auc");
        assertThat(result.json().get("calibration")).isNotEmpty();
        assertThat(calibrated).exists();
    }

    /** One of them ended the command, after all that was embedded before it. */
    @Test
    void unusableImagesAreSkippedIfAskedFor() throws IOException {
        CliData data = new CliData(root.resolve("unusable"));
        Path some = data.faces();
        Files.writeString(some.resolve("person0/0.png"), "no image");
        Files.writeString(some.resolve("person1/3.png"), "no image");
        Path list = data.pairs("unusable.tsv", 10, 10);
        for (String protocol : List.of("closed-set", "open-set", "all-pairs", "pairs")) {
            Object[] pairs = protocol.equals("pairs") ? new Object[] {"--pairs", list} : new Object[0];
            assertThat(evaluate(protocol, some, pairs).code()).as(protocol).isEqualTo(1);
            Object[] skip = Arrays.copyOf(pairs, pairs.length + 2);
            skip[pairs.length] = "--bad-images";
            skip[pairs.length + 1] = "skip";
            Cli.Result skipped = evaluate(protocol, some, skip);
            assertThat(skipped.code()).as(skipped.err()).isZero();
            assertThat(skipped.err())
                    .contains("skipped: ", "person0/0.png")
                    .containsPattern("note: \\d of \\d+ images could not be used and were left out");
            assertThat(skipped.err().contains("figures and folds are not those of the whole list"))
                    .isEqualTo(protocol.equals("pairs"));
            assertThat(skipped.err().lines().filter(line -> line.contains("skipped: ")))
                    .as("once each")
                    .doesNotHaveDuplicates();
        }
        assertThat(figures("all-pairs", some, "--bad-images", "skip")
                        .get("images")
                        .asInt())
                .isEqualTo(16);
        Object[] noise = {"find-label-noise", "--model", model, "--data", some, "--degrees", 0, "--val-fraction", 0};
        assertThat(Cli.run(noise).code()).isEqualTo(1);
        Object[] skip = Arrays.copyOf(noise, noise.length + 2);
        skip[noise.length] = "--bad-images";
        skip[noise.length + 1] = "skip";
        Cli.Result found = Cli.run(skip);
        assertThat(found.code()).as(found.err()).isZero();
        assertThat(found.out().lines()).hasSize(17).noneMatch(line -> line.contains("person0/0.png"));
    }

    /** The list was lost, although finding it takes as long as an epoch. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "needs a file that is always full")
    void aListOfSuspectsThatCannotBeWrittenIsPrinted() throws IOException {
        Path full = Files.createSymbolicLink(root.resolve("full.tsv"), Path.of("/dev/full"));
        Object[] words = {"find-label-noise", "--model", model, "--data", faces, "--degrees", 0, "--out", full};
        Cli.Result list = Cli.run(words);
        assertThat(list.code()).isEqualTo(1);
        assertThat(list.err()).contains("error: cannot write " + full, "15 of 15 images are suspected");
        assertThat(list.out().lines()).hasSize(16);
        Object[] json = Arrays.copyOf(words, words.length + 1);
        json[words.length] = "--json";
        assertThat(Cli.run(json).json().get("suspect_list")).hasSize(15);
    }

    /** The gallery was embedded, for hours, before it turned out that there is nothing to compare it with. */
    @Test
    void readsAllPartsBeforeItEmbedsAny() throws IOException {
        for (String protocol : List.of("closed-set", "open-set")) {
            Cli.Result noProbes = evaluate(protocol, faces, "--layout", "folders", "--val-fraction", 0);
            assertThat(noProbes.code()).as(noProbes.err()).isEqualTo(1);
            assertThat(noProbes.err()).doesNotContain("gallery:", "enrolled:");
        }
        Path two = root.resolve("two-of-them"); // the only probes are of one person
        for (String image : List.of("a/0.png", "a/1.png", "a/2.png", "a/3.png", "a/4.png", "b/0.png")) {
            Files.createDirectories(two.resolve(image).getParent());
            Files.copy(faces.resolve("person0/0.png"), two.resolve(image));
        }
        Cli.Result onePerson = evaluate("open-set", two, "--layout", "folders");
        assertThat(onePerson.code()).as(onePerson.err()).isEqualTo(1);
        assertThat(onePerson.err()).doesNotContain("enrolled:");
        Path lfw = new CliData(root.resolve("broken")).lfw();
        Files.writeString(lfw.resolve("pairsDevTrain.txt"), "1\nnobody\t1\n");
        Cli.Result broken = evaluate("view1", lfw);
        assertThat(broken.code()).as(broken.err()).isEqualTo(1);
        assertThat(broken.err()).contains("pairsDevTrain.txt").doesNotContain("test faces:");
    }

    /** Nothing said that only some of the rates have a threshold, nor why. */
    @Test
    void saysWhyRatesHaveNoThreshold() {
        EmbeddingMode mode = new EmbeddingMode(null, true, EmbeddingMode.FLOAT32);
        Threshold found = new Threshold(
                0.5, OptionalDouble.of(0.01), Optional.of(new Threshold.Evidence(1000, 10, 100, 0.02, mode)));
        assertThat(CalibrationNotes.missing(CalibrationSettings.DEFAULT, List.of(found)))
                .containsExactly(
                        "no threshold for a false accept rate of 0.001: the model gives faces of different people"
                                + " the same"
                                + " embedding; check the data for equal images under different names",
                        "no threshold for a false accept rate of 0.0001: it needs 246 people, there are 100");
        assertThat(CalibrationNotes.missing(CalibrationSettings.DEFAULT.withBounded(true), List.of(found)))
                .containsExactly(
                        "no threshold for a false accept rate of 0.001: 100 people cannot show that the rate holds on"
                                + " others",
                        "no threshold for a false accept rate of 0.0001: it needs 246 people or more, there are 100");
    }

    @Test
    void thresholdsCanBeBounds() throws IOException {
        Path trained = root.resolve("apart");
        Cli.train(faces, trained, "--max-steps", 1, "--encoder", "resnet18"); // tells people apart without training
        Path people = Cli.faces(root.resolve("people"), 90, 2);
        double estimated = threshold(trained, people);
        double bounded = threshold(trained, people, "--bounded");
        assertThat(bounded).isGreaterThan(estimated);
        Cli.Result alone = evaluate("all-pairs", people, "--layout", "folders", "--bounded");
        assertThat(alone.code()).isEqualTo(2);
        assertThat(alone.err()).contains("--bounded must go with --calibrate, but was given without");
    }

    /** Calibrates and returns the threshold for a rate of 0.01. */
    private static double threshold(Path trained, Path people, String... options) throws IOException {
        List<Object> words =
                new ArrayList<>(List.of("evaluate", "--protocol", "all-pairs", "--data", people, "--json"));
        words.addAll(List.of("--val-fraction", 0, "--namesakes", "--model", trained.resolve("last.ckpt")));
        words.addAll(List.of("--calibrate", root.resolve(options.length + "bounded.model")));
        words.addAll(List.of(options));
        Cli.Result result = Cli.run(words.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        JsonNode found = result.json().get("calibration").get(0);
        assertThat(found.get("false_accept_rate").asDouble()).isEqualTo(0.01);
        assertThat(found.get("upper_bound").asDouble() <= 0.01).isEqualTo(options.length > 0);
        return found.get("cosine").asDouble();
    }
}
