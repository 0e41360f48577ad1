package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.facerecognition.Recognizer;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainCommandTest {
    /** Steps per epoch: 15 training images in batches of six; one of each person's six images is for validation. */
    private static final int STEPS = 3;

    @TempDir
    static Path data;

    @TempDir
    Path folder;

    @BeforeAll
    static void write() {
        Cli.faces(data);
    }

    private Path out() {
        return folder.resolve("model");
    }

    private double firstLoss(String name, Object... more) {
        List<Object> words = new ArrayList<>(List.of(more));
        words.addAll(List.of("--augmentations", "none", "--max-steps", 1));
        words.addAll(List.of("--encoder", "resnet18")); // whose first loss bf16 hardly changes
        Cli.Result result = Cli.train(data, folder.resolve(name), words.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        return result.json().get("first_loss").asDouble();
    }

    private List<JsonNode> history() throws IOException {
        List<JsonNode> epochs = new ArrayList<>();
        for (String line : Files.readAllLines(out().resolve("history.jsonl"))) {
            epochs.add(new ObjectMapper().readTree(line));
        }
        return epochs;
    }

    @Test
    void writesCheckpointsHistoryReportAndArgs() throws IOException {
        Cli.Result result = Cli.train(data, out(), "--augmentations", "none");

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out().lines()).hasSize(1);
        JsonNode json = result.json();
        assertThat(json.get("epochs").asInt()).isEqualTo(2);
        assertThat(json.get("steps").asInt()).isEqualTo(2 * STEPS);
        assertThat(json.get("first_loss").asDouble()).isPositive();
        assertThat(json.get("train_loss").asDouble()).isPositive();
        assertThat(Cli.number(json, "val_accuracy")).isBetween(0.0, 1.0);
        assertThat(json.get("images_per_second").asDouble()).isPositive();
        assertThat(json.get("best_epoch").asInt()).isBetween(1, 2);
        assertThat(result.err())
                .contains(
                        "TRAIN: 15 samples of 3 identities",
                        "VAL: 3 samples",
                        "epoch 1/2  lr 3.00e-04  loss ",
                        "epoch 2/2  lr ",
                        " left");

        assertThat(history()).hasSize(2);
        assertThat(Files.readString(out().resolve("report.html")))
                .contains(
                        "Accuracy", "Angles of embeddings in epoch 2", "Norms of embeddings", "data:image/png;base64,");
        assertThat(Files.readAllLines(out().resolve("embedding-stats.jsonl")))
                .hasSize(2)
                .last()
                .asString()
                .startsWith("{\"epoch\":2,\"toOwn\":[");
        JsonNode args = new ObjectMapper().readTree(out().resolve("args.json").toFile());
        assertThat(args.get("--encoder").asText()).isEqualTo("mobilefacenet");
        assertThat(args.get("--s").asText()).isEqualTo("5.0");
        for (String name : List.of("last.ckpt", "best.ckpt")) {
            try (Recognizer recognizer = Recognizer.load(out().resolve(name))) {
                assertThat(recognizer.identities()).containsExactly("person0", "person1", "person2");
            }
        }
    }

    @Test
    void resumesAfterMaxSteps() throws IOException {
        JsonNode whole = Cli.train(data, folder.resolve("whole")).json();

        Cli.Result first = Cli.train(data, out(), "--max-steps", 4);
        assertThat(first.json().get("steps").asInt()).isEqualTo(4);
        assertThat(first.json().get("val_accuracy").isNull()).isTrue();
        Cli.Result again = Cli.train(data, out());
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.err())
                .contains(out() + " already holds a training: continue it with --resume, or choose another --out");
        Cli.Result second = Cli.train(data, out(), "--resume");

        assertThat(second.code()).as(second.err()).isZero();
        assertThat(second.err())
                .contains("resuming after 4 steps")
                .contains("note: --max-steps 4 was for the run before and does not hold any more; give it again if");
        for (String figure : List.of("epochs", "steps", "first_loss", "train_loss", "val_accuracy")) {
            assertThat(second.json().get(figure)).as(figure).isEqualTo(whole.get(figure));
        }
        assertThat(history()).hasSize(2);
        assertThat(Files.readAllLines(out().resolve("embedding-stats.jsonl"))).hasSize(2);
    }

    @Test
    void findLabelNoiseListsImagesFarFromTheirPerson() throws IOException {
        Cli.train(data, out(), "--max-steps", STEPS, "--augmentations", "none");
        Path model = out().resolve("last.ckpt");
        Cli.Result all =
                Cli.run("find-label-noise", "--model", model, "--data", data, "--layout", "folders", "--degrees", 0);
        assertThat(all.code()).as(all.err()).isZero();
        assertThat(all.out().lines().toList())
                .hasSize(16) // a heading and each image
                .first()
                .isEqualTo("image\tidentity\tdegrees\tnearest\tnearest_degrees");
        assertThat(all.err()).contains("15 of 15 images are suspected");
        Cli.Result none = Cli.run("find-label-noise", "--model", model, "--data", folder.resolve("nowhere"), "--json");
        assertThat(none.code()).isEqualTo(1);
    }

    /** It asked for the data of the training, which it had been given. */
    @Test
    void findLabelNoiseLeavesOutPeopleWhoWereNotTrainedOn() {
        Path faces = Cli.faces(folder.resolve("five"), 5, 6);
        Cli.Result trained = Cli.train(faces, out(), "--max-steps", 2, "--verify-on-unseen", 0.4);
        assertThat(trained.code()).as(trained.err()).isZero();
        Path model = out().resolve("last.ckpt");
        Cli.Result result = Cli.run("find-label-noise", "--model", model, "--data", faces, "--degrees", 0, "--json");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains("note: 2 of 5 people are left out, because the model was not trained on them");
        JsonNode list = result.json().get("suspect_list");
        assertThat(list).hasSize(15).hasSize(result.json().get("suspects").asInt());
        List<String> people;
        try (Recognizer recognizer = Recognizer.load(model)) {
            people = recognizer.identities();
        }
        assertThat(people).hasSize(3);
        assertThat(list).allSatisfy(row -> {
            assertThat(people)
                    .contains(row.get("identity").asText(), row.get("nearest").asText());
            assertThat(row.get("image").asText()).startsWith(row.get("identity").asText() + "/");
        });
    }

    /** It trained the head of a random network, without a word. */
    @Test
    void fineTuningWithoutWeightsIsWarnedOf() {
        Cli.Result result = Cli.train(data, out(), "--preset", "finetune", "--max-steps", 1);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains(
                        "warning: --preset finetune is for a network that was trained on faces, but --init names none");
    }

    @Test
    void resumesAfterAFullDisk() throws IOException {
        Path full = Path.of("/dev/full"); // writing there fails as on a full disk
        assumeTrue(Files.exists(full), "needs /dev/full");
        JsonNode whole = Cli.train(data, folder.resolve("whole")).json();
        Files.createDirectories(out());
        for (String name : List.of("report.html", "history.jsonl")) {
            Path link = out().resolve(name);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, full);
            Cli.Result failed = Cli.train(data, out(), "--resume-or-start");
            assertThat(failed.code()).as(failed.err()).isEqualTo(1);
            assertThat(failed.err())
                    .contains("error: cannot write " + link + ": No space left on device; ")
                    .doesNotContain("\tat ");
            Files.delete(link);
        }

        Cli.Result resumed = Cli.train(data, out(), "--resume");
        assertThat(resumed.code()).as(resumed.err()).isZero();
        for (String figure : List.of("epochs", "steps", "first_loss", "train_loss", "val_accuracy")) {
            assertThat(resumed.json().get(figure)).as(figure).isEqualTo(whole.get(figure));
        }
        assertThat(history()).hasSize(2);
        assertThat(out().resolve("report.html")).isRegularFile();
    }

    @Test
    void rejectsOtherSettingsOnResume() {
        Cli.train(data, out(), "--max-steps", 1);
        Cli.Result other = Cli.train(data, out(), "--resume", "--lr", "0.5");
        assertThat(other.code()).isEqualTo(2);
        assertThat(other.err())
                .contains("last.ckpt belongs to another training: --lr was 3.0E-4, is now 0.5; leave these options"
                        + " out");
    }

    /** It decides where the class centers are, not what they are. */
    @Test
    void resumesWithAndWithoutAShardedHead() {
        Cli.train(data, out(), "--max-steps", 1);
        for (String other : List.of("--shard-head", "--shard-head=false")) {
            Cli.Result resumed = Cli.train(data, out(), "--resume", "--max-steps", 1, other);
            assertThat(resumed.code()).as(resumed.err()).isZero();
        }
    }

    @Test
    void fiveAugmentationsMakeTheDataSixTimesAsLarge() {
        Cli.Result copies = Cli.train(data, folder.resolve("copies"), "--augmentations", "five", "--epochs", 1);
        assertThat(copies.json().get("steps").asInt()).isEqualTo(6 * 15 / 6);
        Cli.Result composed =
                Cli.train(data, folder.resolve("composed"), "--augmentations", "five", "--compose", "--epochs", 1);
        assertThat(composed.json().get("steps").asInt()).isEqualTo(STEPS);
        assertThat(composed.err()).contains("composed [Grayscale");
        assertThat(composed.json().get("train_loss"))
                .isNotEqualTo(Cli.train(data, folder.resolve("none"), "--augmentations", "none", "--epochs", 1)
                        .json()
                        .get("train_loss"));
    }

    @Test
    void passesModelOptionsOn() {
        double plain = firstLoss("plain");
        assertThat(firstLoss("same")).isEqualTo(plain);
        assertThat(firstLoss("s", "--s", 20)).isNotCloseTo(plain, within(0.1));
        assertThat(firstLoss("m", "--m", 0.6)).isGreaterThan(plain);
        assertThat(firstLoss("seed", "--seed", 1)).isNotEqualTo(plain);
        assertThat(firstLoss("bf16", "--precision", "bf16")).isNotEqualTo(plain).isCloseTo(plain, within(0.1));
        assertThat(firstLoss("sizes", "--embedding-size", "24,8")).isNotEqualTo(plain);
        try (Recognizer recognizer = Recognizer.load(folder.resolve("sizes/last.ckpt"))) {
            assertThat(recognizer.embeddingSize()).isEqualTo(8);
        }
        firstLoss("cross-entropy", "--loss", "cross-entropy");
        try (Recognizer recognizer = Recognizer.load(folder.resolve("cross-entropy/last.ckpt"))) {
            assertThat(recognizer.head()).isInstanceOf(LinearSoftmax.class);
        }
    }

    @Test
    void lossesUseTheirPapersSettingsAndWarn() throws IOException {
        Cli.Result ada = Cli.train(data, out(), "--loss", "adaface", "--s", 0.5, "--focal-gamma", 2, "--max-steps", 1);
        assertThat(ada.code()).as(ada.err()).isZero();
        assertThat(ada.err())
                .contains(
                        "mobilefacenet, AdaFace s=0.5 m=0.4",
                        "warning: s = 0.5 is small for 3 identities: even a perfect");
        JsonNode args = new ObjectMapper().readTree(out().resolve("args.json").toFile());
        assertThat(args.get("--loss").asText()).isEqualTo("adaface");
        assertThat(args.get("--m").asText()).isEqualTo("0.4");

        Cli.Result triplet = Cli.train(data, folder.resolve("t"), "--loss", "triplet", "--s", 5, "--max-steps", 1);
        assertThat(triplet.code()).as(triplet.err()).isZero();
        assertThat(triplet.err())
                .contains("warning: s has no meaning for triplet and is not used")
                .containsOnlyOnce("note: the loss compares the images of a batch");
        Cli.Result paired =
                Cli.train(data, folder.resolve("p"), "--loss", "triplet", "--sampler", "3x2", "--max-steps", 1);
        assertThat(paired.code()).as(paired.err()).isZero();
        assertThat(paired.err()).doesNotContain("warning").doesNotContain("compares the images of a batch");

        assertThat(firstLoss("smooth", "--label-smoothing", 0.3)).isNotEqualTo(firstLoss("plain"));
        firstLoss("sub", "--loss", "subcenter-arcface", "--sub-centers", 2);
        try (Recognizer recognizer = Recognizer.load(folder.resolve("sub/last.ckpt"))) {
            assertThat(((MarginSoftmax) recognizer.head()).subCenters()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "none, , 0.0003, 0.0003, 0.0003",
        "cosine-warm-restarts, --t0=2, 0.0003, 0.000165, 0.0003",
        "cosine, --t0=2, 0.0003, 0.000165, 0.00003",
        "step, --step-size=2, 0.0003, 0.0003, 0.00003",
        "multi-step, --milestones=1, 0.0003, 0.00003, 0.00003",
        "polynomial, --t0=4, 0.0003, 0.00016875, 0.000075"
    })
    void schedulersSetTheLearningRate(String scheduler, String option, double first, double second, double third)
            throws IOException {
        List<Object> more =
                new ArrayList<>(List.of("--scheduler", scheduler, "--epochs", 3, "--augmentations", "none"));
        if (option != null) {
            more.add(option);
        }
        Cli.Result result = Cli.train(data, out(), more.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(history())
                .extracting(e -> e.get("learningRate").asDouble())
                .satisfiesExactly(
                        a -> assertThat(a).isCloseTo(first, within(1e-12)),
                        a -> assertThat(a).isCloseTo(second, within(1e-12)),
                        a -> assertThat(a).isCloseTo(third, within(1e-12)));
    }

    @Test
    void optionsForSeveralProcessesAreNamedWhereTheyHaveNoEffect() {
        Cli.Result result = Cli.train(
                data, out(), "--augmentations", "none", "--max-steps", 1, "--shard-head", "--sync-batch-norm");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains("warning: --shard-head has no effect in one process")
                .contains("warning: --sync-batch-norm has no effect in one process");
    }

    @Test
    void optionsWithoutWhatTheyAreForAreNamed() {
        Cli.Result result = Cli.train(
                data,
                out(),
                "--augmentations",
                "none",
                "--compose",
                "--max-steps",
                1,
                "--encoder",
                "mobilefacenet",
                "--small-faces",
                "--cache",
                folder,
                "--accept-changed-images",
                "--rank-timeout",
                5,
                "--weight-decay",
                0,
                "--no-decay-norm-bias");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains("warning: smallFaces has no meaning for mobilefacenet, which has no stride and pooling to")
                .contains("warning: --compose has no effect with --augmentations none: there is nothing to apply")
                .contains("warning: --cache has no effect: it is for weights that --init fetches, and there is none")
                .contains("warning: --accept-changed-images has no effect without --resume or --resume-or-start")
                .contains("warning: --rank-timeout has no effect in one process, which waits for no other")
                .contains("warning: --no-decay-norm-bias has no effect with --weight-decay 0");
    }

    @Test
    void warnsOfSettingsThatTheLossDoesNotHave() {
        Object[] words = {"--augmentations", "none", "--max-steps", 1, "--margin-warmup-epochs", 1, "--loss", "normface"
        };
        assertThat(Cli.train(data, out(), words).err())
                .containsOnlyOnce("note: marginWarmupEpochs has no effect: the head, MarginSoftmax, has no margin to");
        words[words.length - 1] = "arcface";
        assertThat(Cli.train(data, folder.resolve("arcface"), words).err()).doesNotContain("marginWarmupEpochs");
        Cli.Result pairs = Cli.train(
                data,
                folder.resolve("pairs"),
                "--augmentations",
                "none",
                "--max-steps",
                1,
                "--loss",
                "supcon",
                "--head-lr-multiplier",
                2);
        assertThat(pairs.err())
                .containsOnlyOnce(
                        "note: headLrMultiplier has no effect: the head, MetricHead, has no weights of its own");
        Cli.Result threads = Cli.train(data, folder.resolve("threads"), "--compute-threads", -4);
        assertThat(threads.code()).isEqualTo(2);
        assertThat(threads.err()).contains("error: --compute-threads must be at least 0, but was -4");
    }

    /** Earlier, the default of --t0 made the learning rate 0 from the fourth epoch. */
    @Test
    void polynomialRunsToTheLastEpoch() throws IOException {
        List<Object> words = new ArrayList<>(List.of("--augmentations", "none", "--epochs", 5, "--warmup-epochs", 1));
        words.addAll(List.of("--scheduler", "polynomial", "--power", 1, "--gamma", 0.5));
        Cli.Result result = Cli.train(data, out(), words.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(history())
                .extracting(e -> e.get("learningRate").asDouble() / 3e-4)
                .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-9 ? 0 : Double.compare(a, b))
                .containsExactly(0.5, 1.0, 0.75, 0.5, 0.25);
        assertThat(result.err()).contains("warning: --gamma has no effect with --scheduler polynomial");
        JsonNode args = new ObjectMapper().readTree(out().resolve("args.json").toFile());
        assertThat(args.get("--t0").asText()).isEqualTo("4");

        Cli.Result refused = Cli.train(data, folder.resolve("refused"), "--warmup-epochs", 2);
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("error: --warmup-epochs must be less than --epochs (2), but was 2");
    }

    @Test
    void passesOptimizationOptionsOn() {
        List<Double> losses = new ArrayList<>();
        List<List<Object>> variants = List.of(
                List.of(),
                List.of("--optimizer", "adam"),
                List.of("--optimizer", "sgd"),
                List.of("--optimizer", "sgd", "--nesterov"),
                List.of("--freezer", "7,7"),
                List.of("--freezer", "first:1"),
                List.of("--freezer", "gradual:1"),
                List.of("--head-lr-multiplier", "10"),
                List.of("--clip", "0.01", "--optimizer", "sgd"),
                List.of("--accumulate", "3"));
        for (List<Object> variant : variants) {
            List<Object> words = new ArrayList<>(List.of("--augmentations", "none", "--lr", "0.01"));
            words.addAll(variant);
            Cli.Result result = Cli.train(data, folder.resolve("v" + losses.size()), words.toArray());
            assertThat(result.code()).as(variant + result.err()).isZero();
            losses.add(result.json().get("train_loss").asDouble());
        }
        assertThat(losses).doesNotHaveDuplicates();
    }

    @Test
    @Timeout(120)
    void savesACheckpointWhenStopped() throws Exception {
        List<String> command =
                Cli.command(Cli.trainWords(data, out(), "--epochs", 10_000).toArray());
        Path json = folder.resolve("out.json");
        Process process = Cli.limit(
                new ProcessBuilder(command).redirectOutput(json.toFile()).start(), 100);
        try (BufferedReader err = process.errorReader()) {
            String line = err.readLine();
            while (line != null && !line.startsWith("epoch 1/")) {
                line = err.readLine();
            }
            assertThat(line).contains("step 1");
            process.toHandle().destroy(); // SIGTERM, which runs the same shutdown hook as Ctrl-C's SIGINT
            List<String> rest = err.lines().toList();
            assertThat(rest)
                    .contains("stopping after this step, with a checkpoint in " + out() + "; continue with --resume");
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(json).content().as("the program ended before it was written").contains("\"steps\"");
        Cli.Result resumed = Cli.train(data, out(), "--resume", "--epochs", 10_000, "--max-steps", 40);
        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(resumed.err()).contains("resuming after");
    }

    /** In a process of its own, because libtorch sets the number itself when it is first loaded. */
    @Test
    @Timeout(120)
    void computesWithTheNumberOfThreadsThatIsGiven() throws Exception {
        int threads = Processors.count() + 1;
        List<String> command = Cli.command(Cli.trainWords(data, out(), "--max-steps", 1, "--compute-threads", threads)
                .toArray());
        Process process = Cli.limit(
                new ProcessBuilder(command)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start(),
                100);
        try (BufferedReader err = process.errorReader()) {
            assertThat(err.lines().toList()).contains("compute threads: " + threads);
        }
        assertThat(process.waitFor()).isZero();
    }

    // ---- wrong use ----

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--m=28.6 | m must be in [0, pi) radians, but was 28.6 (in degrees? then pass Math.toRadians(28.6))",
                "--s=0 | s must be positive and finite, but was 0.0",
                "--batch-size=0 | error: --batch-size must be at least 1, but was 0",
                "--epochs=0 | epochs must be at least 1, but was 0",
                "--encoder=resnet38 | but was \"resnet38\"",
                "--encoder-last-layer=head | last layer must be \"conv3\" for this backbone, but was \"head\"",
                "--lr=-1 | --lr must be positive and finite, but was -1.0",
                "--freezer=many | --freezer must be numbers separated by commas, first:N, before:LAYER, all:N or gradual:N, but was \"many\"",
                "--freezer=first:99 | freezer must freeze between 0 and 7 children of \"encoder\"",
                "--threads=0 | --threads must be at least 1, but was 0",
                "--loss=nonsense | Invalid value for option '--loss'",
                "--layout=lfw | Invalid value for option '--layout'",
                "--bogus | Unknown option: '--bogus'"
            })
    void explainsWrongUseInOneSentence(String option, String sentence) {
        List<Object> words = Cli.trainWords(data, out());
        String name = option.split("=")[0];
        if (words.contains(name)) {
            words.remove(words.indexOf(name) + 1);
            words.remove(name);
        }
        words.add(option);
        Cli.Result result = Cli.run(words.toArray());

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains(sentence).doesNotContain("\tat ");
        assertThat(out().resolve("last.ckpt")).doesNotExist();
    }

    @Test
    void explainsAMissingOrEmptyFolder() throws IOException {
        Path nowhere = folder.resolve("nowhere");
        Cli.Result missing = Cli.train(nowhere, out());
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err().lines()).hasSize(1).first().asString().startsWith("error: data folder " + nowhere);
        Cli.Result empty = Cli.train(Files.createDirectory(folder.resolve("empty")), out());
        assertThat(empty.code()).isEqualTo(1);
        assertThat(empty.err()).contains("is empty: it must have one folder of images per person");
        assertThat(Cli.train(data, out(), "--align", "crop").err()).contains("must be 178x218 for crop celeba-crop");
    }

    @Test
    void requiresData() {
        assertThat(Cli.run("train").code()).isEqualTo(2);
        assertThat(Cli.run("train").err()).contains("Missing required option: '--data=DIR'");
    }
}
