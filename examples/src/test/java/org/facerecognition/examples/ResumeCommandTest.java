package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code train --resume}: takes its options from the folder, and options that are given must agree with them. */
class ResumeCommandTest {
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

    private Cli.Result start(Object... more) {
        Cli.Result result = Cli.train(data, out(), more);
        assertThat(result.code()).as(result.err()).isZero();
        return result;
    }

    private Cli.Result resume(Object... more) {
        Object[] words = new Object[more.length + 4];
        System.arraycopy(new Object[] {"train", "--resume", "--out", out()}, 0, words, 0, 4);
        System.arraycopy(more, 0, words, 4, more.length);
        return Cli.run(words);
    }

    /** They used to be recorded as if the training had begun with them. */
    @Test
    void rejectsWeightsToStartFromThatWereNotGivenAtFirst() {
        start("--max-steps", 1);
        Cli.Result resumed = resume("--init", folder.resolve("missing.pth"), "--max-steps", 2);
        assertThat(resumed.code()).isEqualTo(2);
        assertThat(resumed.err()).contains("--init was not given, is now " + folder.resolve("missing.pth"));
    }

    /** They were reported as if they had been given now, or with the text of a NullPointerException. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"--loss\": \"x\"}; Invalid value for option '--loss'",
                "{\"--loss\": \"x\", \"--sub-centers\": \"2\"}; loss must be one of",
                "{\"--lr\": null}; --lr has no value",
                "null; there are none"
            })
    void saysWhichFormerOptionCannotBeUsed(String text, String reason) throws IOException {
        start("--max-steps", 1);
        Path file = Files.writeString(out().resolve("args.json"), text);
        Cli.Result resumed = resume("--sub-centers", 1);
        assertThat(resumed.code()).as(resumed.err()).isEqualTo(Main.FAILED);
        assertThat(resumed.err())
                .contains("error: the options of the training in " + file + " cannot be used: ", reason)
                .contains("; correct the file, or delete it and give all options again")
                .doesNotContain("See 'face-recognition");
    }

    /** The statistics of its embeddings are not in the checkpoint, which nothing said. */
    @Test
    void saysThatStatisticsOfAnEpochAreOfItsRest() {
        assertThat(start("--epochs", 2, "--max-steps", 1).err()).doesNotContain("embedding statistics");
        assertThat(resume("--epochs", 1, "--max-steps", 0).err())
                .contains(
                        "note: if epoch 1 is trained further, its embedding statistics are of the batches from here on");
        assertThat(resume("--epochs", 2, "--max-steps", 0).err()).doesNotContain("embedding statistics");
    }

    /** Defaults that the folder records were taken for given ones. */
    @Test
    void warnsOnlyOfWhatIsGivenAgain() {
        start("--max-steps", 1);
        assertThat(resume("--max-steps", 2).err()).doesNotContain("has no effect");
        assertThat(resume("--max-steps", 3, "--momentum", 0.9).err())
                .contains("warning: --momentum has no effect with --optimizer adamw");
    }

    @Test
    void takesItsOptionsFromTheFolder() {
        Object[] options = {
            "--embedding-size",
            "24,16",
            "--compose",
            "--augmentations",
            "flip",
            "--optimizer",
            "sgd",
            "--nesterov",
            "--scheduler",
            "multi-step",
            "--milestones",
            "1,2",
            "--freezer",
            "3,2",
            "--no-decay-norm-bias"
        };
        JsonNode whole = Cli.train(data, folder.resolve("whole"), options).json();
        Object[] stopped = new Object[options.length + 2];
        System.arraycopy(options, 0, stopped, 0, options.length);
        stopped[options.length] = "--max-steps";
        stopped[options.length + 1] = 4;
        start(stopped);

        Cli.Result resumed = resume("--json");

        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(resumed.err()).contains("resuming after 4 steps");
        for (String figure : new String[] {"epochs", "steps", "first_loss", "train_loss", "val_accuracy"}) {
            assertThat(resumed.json().get(figure)).as(figure).isEqualTo(whole.get(figure));
        }
    }

    @Test
    void rejectsOptionsThatContradictTheTraining() {
        start("--m", 0.1, "--max-steps", 1);

        Cli.Result other = resume("--m", 0.5, "--batch-size", 5);

        assertThat(other.code()).isEqualTo(2);
        assertThat(other.err())
                .contains(
                        "last.ckpt belongs to another training: --m was 0.1, is now 0.5; --batch-size was 6, is now 5;"
                                + " leave these options out, or start another training in another --out");
        assertThat(resume("--m", 0.1, "--batch-size", 6, "--threads", 1, "--max-steps", 2)
                        .code())
                .isZero();
    }

    /** It used to be recorded beside the model, but not in it. */
    @Test
    void aLicenseThatIsGivenLaterIsThatOfTheModel() {
        start("--max-steps", 1, "--license", "to be clarified");
        assertThat(resume("--max-steps", 2).code()).isZero();
        assertThat(license()).isEqualTo("to be clarified");
        assertThat(resume("--max-steps", 3, "--license", "MIT").code()).isZero();
        assertThat(license()).isEqualTo("MIT");
    }

    private String license() {
        try (Recognizer recognizer = Recognizer.load(out().resolve("last.ckpt"))) {
            return recognizer.origin().license();
        }
    }

    /** The cosine's period stays that of the first command, so that the learning rate rises again. */
    @Test
    void moreEpochsThanACosineWasMadeForAreCommentedOn() {
        start("--scheduler", "cosine", "--max-steps", 1);
        assertThat(resume("--epochs", 9, "--max-steps", 1).err())
                .contains("warning: the learning rate is lowest in epoch 3 of 9 and rises again after it");
    }

    @Test
    void readsListsAndRunOptionsOfEarlierVersions() throws IOException {
        start("--max-steps", 1);
        Path file = out().resolve("args.json"); // lists had brackets, and options of the run were recorded
        ObjectNode args = (ObjectNode) new ObjectMapper().readTree(file.toFile());
        args.put("--embedding-size", "[16]").put("--milestones", "[20, 35]");
        args.put("--out", "elsewhere")
                .put("--resume", "false")
                .put("--max-steps", "1")
                .put("--gone", "1");
        Files.writeString(file, args.toString());

        Cli.Result resumed = resume("--json");

        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(resumed.json().get("epochs").asInt()).isEqualTo(2);
    }

    @Test
    void readsFormerOptionNamesOfEarlierVersions() throws IOException {
        start("--preset", "finetune", "--license", "MIT", "--max-steps", 1);
        Path file = out().resolve("args.json");
        String args = Files.readString(file);
        assertThat(args).contains("\"--head-lr-multiplier\" : \"10.0\"", "\"--freezer\" : \"all:1\"", "\"--license\"");
        Files.writeString(
                file,
                args.replace("--license", "--licence")
                        .replace("--head-lr-multiplier", "--head-lr-factor")
                        .replace("--image-cache-mib", "--cache-mib")
                        .replace("--feature-cache-mib", "--frozen-memory-mib")
                        .replace("--checkpoint-every-steps", "--backup-every-steps")
                        .replace("all:1", "wholly:1"));

        Cli.Result other = resume("--head-lr-multiplier", 3, "--freezer", "all:2");
        assertThat(other.code()).isEqualTo(2);
        assertThat(other.err())
                .contains("--head-lr-multiplier was 10.0, is now 3.0", "--freezer was all:1, is now all:2");

        Cli.Result resumed =
                resume("--head-lr-factor", 10, "--freezer", "wholly:1", "--cache-mib", 8, "--max-steps", 2);
        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(resumed.err())
                .containsOnlyOnce("note: --head-lr-factor is now --head-lr-multiplier")
                .containsOnlyOnce("note: wholly:1 is now all:1")
                .doesNotContain("--licence", "--backup-every-steps");
        assertThat(Files.readString(file))
                .contains("\"--image-cache-mib\" : \"8\"", "\"--license\" : \"MIT\"", "\"--freezer\" : \"all:1\"")
                .doesNotContain("--licence", "\"--cache-mib\"");
    }

    @Test
    void readsEmbeddingStatisticsOfEarlierVersions() throws IOException {
        start("--epochs", 2, "--max-steps", 4, "--augmentations", "none");
        Files.move(out().resolve("embedding-stats.jsonl"), out().resolve("looks.jsonl"));
        Cli.Result resumed = resume();
        assertThat(resumed.code()).as(resumed.err()).isZero();
        assertThat(Files.readAllLines(out().resolve("embedding-stats.jsonl"))).hasSize(2);
    }

    @Test
    void damagedEmbeddingStatisticsAreNamed() throws IOException {
        start("--epochs", 2, "--max-steps", 4, "--augmentations", "none");
        Path stats = Files.writeString(out().resolve("embedding-stats.jsonl"), "{x\n");
        Cli.Result resumed = resume();
        assertThat(resumed.code()).isNotZero();
        assertThat(resumed.err())
                .contains("cannot read " + stats + ", which is damaged; delete it to continue without it");
    }

    /** A training that was killed before the report of its last epoch never had one. */
    @Test
    void writesAReportThatIsMissing() throws IOException {
        start("--augmentations", "none");
        Files.delete(out().resolve("report.html"));
        assertThat(resume().code()).isZero();
        assertThat(Files.readString(out().resolve("report.html"))).contains("Angles of embeddings in epoch 2");
    }

    @Test
    void failsWithoutACheckpoint() throws IOException {
        Cli.Result nothing = Cli.train(data, out(), "--resume");
        assertThat(nothing.code()).isEqualTo(1);
        assertThat(nothing.err())
                .isEqualToNormalizingNewlines("error: there is nothing to resume in " + out()
                        + ": it has no last.ckpt or best.ckpt; check --out, or start without --resume\n");
        assertThat(out()).doesNotExist();

        Files.createDirectories(out());
        Files.writeString(out().resolve("args.json"), "{}");
        assertThat(resume().err())
                .contains(
                        "it has no last.ckpt or best.ckpt; the training there ended before its first checkpoint; check");
    }

    @Test
    void resumeOrStartStartsAndThenResumes() {
        Cli.Result first = start("--resume-or-start", "--max-steps", 2);
        assertThat(first.json().get("steps").asInt()).isEqualTo(2);
        Cli.Result second = start("--resume-or-start", "--max-steps", 3);
        assertThat(second.err()).contains("resuming after 2 steps");
        assertThat(second.json().get("steps").asInt()).isEqualTo(3);
    }

    /** args.json has the number of centers that is used, which was taken for another training's. */
    @ParameterizedTest
    @CsvSource({"subcenter-arcface, 0", "subcenter-arcface, 2", "arcface, 0", "cross-entropy, 3"})
    void theSameCommandLineResumesWhateverItSaysOfSubCenters(String loss, int subCenters) {
        Object[] words = {"--loss", loss, "--sub-centers", subCenters, "--resume-or-start", "--max-steps", 1};
        assertThat(start(words).err()).doesNotContain("resuming");
        assertThat(start(words).err()).contains("resuming after 1 steps");
    }

    @Test
    void rejectsAnotherNumberOfSubCenters() {
        start("--loss", "subcenter-arcface", "--sub-centers", 0, "--max-steps", 1);
        Cli.Result other = resume("--sub-centers", 2);
        assertThat(other.code()).isEqualTo(2);
        assertThat(other.err()).contains("--sub-centers was 3, is now 2; leave these options out");
    }

    @Test
    void requiresDataToStart() {
        Cli.Result result = Cli.run("train", "--out", out());
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("Missing required option: '--data=DIR'");
    }

    @Test
    void acceptsChangedImagesWhenAsked(@TempDir Path own) throws IOException {
        Cli.faces(own);
        Cli.train(own, out(), "--max-steps", 1);
        Files.copy(own.resolve("person0/0.png"), own.resolve("person0/1.png"), StandardCopyOption.REPLACE_EXISTING);

        Cli.Result refused = resume();
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("images have other contents under the same names");
        assertThat(resume("--accept-changed-images", "--max-steps", 2).code()).isZero();
    }

    @Test
    void restoresTheNumberOfComputeThreads() {
        int before = torch.get_num_threads();
        Libtorch.setThreads(3);
        try {
            assertThat(start("--compute-threads", 1, "--max-steps", 1).err()).contains("compute threads: 1");
            assertThat(torch.get_num_threads()).isEqualTo(3);
        } finally {
            Libtorch.setThreads(before);
        }
    }

    @Test
    void choosesTheLastEpochWithoutValidation() throws IOException {
        Cli.Result result = start("--val-fraction", 0);

        assertThat(result.err()).contains("no validation: best.ckpt is the last epoch's");
        assertThat(result.json().get("val_accuracy").isNull()).isTrue();
        assertThat(result.json().get("best_epoch").asInt()).isEqualTo(2);
        JsonNode epoch = new ObjectMapper()
                .readTree(Files.readAllLines(out().resolve("history.jsonl")).get(0));
        assertThat(epoch.get("valLoss").isNull()).isTrue();
        assertThat(Files.readString(out().resolve("report.html")))
                .contains("Accuracy")
                .doesNotContain(">NaN<");
    }

    @Test
    void samplerOfGroupsSetsTheBatchSize() throws IOException {
        Cli.Result result = Cli.run(
                "train",
                "--data",
                data,
                "--layout",
                "folders",
                "--out",
                out(),
                "--encoder",
                "resnet18",
                "--image-size",
                32,
                "--embedding-size",
                16,
                "--augmentations",
                "none",
                "--loss",
                "triplet",
                "--sampler",
                "2x2",
                "--max-steps",
                1);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(new ObjectMapper()
                        .readTree(out().resolve("args.json").toFile())
                        .get("--batch-size")
                        .asText())
                .isEqualTo("4");
    }
}
