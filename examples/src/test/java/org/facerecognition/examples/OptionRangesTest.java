package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values out of range: some were reported with the names of the library's arguments only. */
class OptionRangesTest {
    @TempDir
    private static Path root;

    private static Path faces;

    @BeforeAll
    static void write() {
        faces = Cli.faces(root.resolve("faces"), 2, 3);
    }

    private static void assertNamed(String option, Object... words) {
        Cli.Result result = Cli.run(words);
        assertThat(result.err()).contains("error: ").containsPattern("error: .*" + option + "\\b");
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
    }

    @ParameterizedTest
    @CsvSource({
        "--val-fraction, 1",
        "--test-fraction, -1",
        "--min-images, -1",
        "--embedding-size, 0",
        "--image-size, 0",
        "--dropout, 1",
        "--s, -1",
        "--m, -1",
        "--sub-centers, -1",
        "--label-smoothing, 1",
        "--focal-gamma, -1",
        "--partial-fc, 2",
        "--epochs, 0",
        "--max-steps, -1",
        "--lr, 0",
        "--weight-decay, -1",
        "--head-lr-multiplier, -1",
        "--margin-warmup-epochs, -1",
        "--clip, -1",
        "--accumulate, 0",
        "--freezer, -1",
        "--freezer, first:-1",
        "--freezer, all:-1",
        "--freezer, gradual:0",
        "--feature-cache-mib, -1",
        "--t0, 0",
        "--warmup-epochs, -1",
        "--compute-threads, -1",
        "--compute-threads, 1000000",
        "--threads, 1000000",
        "--batch-size, 0",
        "--threads, 0",
        "--image-cache-mib, -1",
        "--checkpoint-every-steps, -1",
        "--processes, 0",
        "--rank-timeout, 0",
        "--max-restarts, -1",
        "--min-processes, -1",
        "--verify-on-unseen, 1"
    })
    void ofATrainingNameTheirOption(String option, String value) {
        Object[] words = {"train", "--data", faces, "--out", root.resolve("never"), "--encoder", "mobilefacenet"};
        List<Object> all = new ArrayList<>(List.of(words));
        all.add(option + "=" + value);
        assertNamed(option, all.toArray());
    }

    @ParameterizedTest
    @CsvSource({
        "sgd, constant, --momentum, 1",
        "adamw, cosine-warm-restarts, --t-mult, 0",
        "adamw, cosine, --eta-min, -1",
        "adamw, step, --step-size, 0",
        "adamw, step, --gamma, -1",
        "adamw, multi-step, --milestones, -1",
        "adamw, polynomial, --power, -1"
    })
    void ofAScheduleNameTheirOption(String optimizer, String scheduler, String option, String value) {
        List<Object> words = new ArrayList<>(List.of("train", "--data", faces, "--out", root.resolve("never")));
        words.addAll(List.of("--encoder", "mobilefacenet", "--optimizer", optimizer, option + "=" + value));
        if (!scheduler.equals("constant")) {
            words.addAll(List.of("--scheduler", scheduler));
        }
        assertNamed(option, words.toArray());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "arcface",
                "cosface",
                "sphereface",
                "combined",
                "adaface",
                "magface",
                "curricularface",
                "elasticface-arc",
                "elasticface-cos",
                "circle",
                "circle-pairs",
                "triplet",
                "triplet-semihard",
                "contrastive",
                "center"
            })
    void ofAMarginNameItsOption(String loss) {
        Object[] words = {"train", "--data", faces, "--out", root.resolve("never"), "--encoder", "mobilefacenet"};
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--loss", loss, "--m=-1"));
        assertNamed("--m", all.toArray());
    }

    @ParameterizedTest
    @CsvSource({"--min-score, 2", "--min-score, NaN", "--min-face, 0", "--max-side, 1"})
    void ofADetectorNameTheirOption(String option, String value) {
        assertNamed(option, "detect", faces, "--detector", CliData.DETECTOR, option + "=" + value);
    }
}
