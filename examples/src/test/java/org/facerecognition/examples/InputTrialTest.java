package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.Map;
import org.facerecognition.onnx.InputContract;
import org.junit.jupiter.api.Test;

class InputTrialTest {
    private static final InputContract RGB = InputContract.parse("RGB mean=0 std=1");
    private static final InputContract BGR = InputContract.parse("BGR mean=0 std=1");
    private static final InputContract SYMMETRIC = InputContract.parse("RGB mean=127.5 std=127.5");

    private final StringWriter err = new StringWriter();
    private final InputTrial trial = new InputTrial(new PrintWriter(err));

    private static Map<String, ?> verification(double auc, int pairs) {
        return Map.of(InputTrial.SIZE, 112, "auc", auc, "genuine_pairs", pairs, "impostor_pairs", pairs);
    }

    private static Map<String, ?> identification(double rate, int probes) {
        return Map.of(InputTrial.SIZE, 112, "rank_1", rate, "mated_probes", probes, "people", 10);
    }

    private String printed() {
        StringWriter out = new StringWriter();
        trial.print(new PrintWriter(out));
        return out.toString();
    }

    @Test
    void namesTheInputThatTheFacesDecide() {
        trial.measure(RGB, () -> verification(0.8, 300));
        trial.measure(BGR, () -> verification(0.99, 300));
        trial.measure(SYMMETRIC, () -> verification(0.9, 300));
        assertThat(printed())
                .contains("BGR mean=0 std=1 size=112")
                .endsWith("best: --input \"BGR mean=0 std=1 size=112\"" + System.lineSeparator());
    }

    /** The first of those with equal figures was said to be the best. */
    @Test
    void namesNoneOfThoseThatAreCloseTogether() {
        trial.measure(RGB, () -> identification(1, 12));
        trial.measure(BGR, () -> identification(1, 12));
        trial.measure(SYMMETRIC, () -> identification(0.2, 12));
        assertThat(printed().lines().toList())
                .endsWith(
                        "not decided: more faces are needed to tell apart",
                        "    --input \"RGB mean=0 std=1 size=112\"",
                        "    --input \"BGR mean=0 std=1 size=112\"");
    }

    @Test
    void differencesCountByTheNumberOfFaces() {
        trial.measure(RGB, () -> identification(0.93, 60));
        trial.measure(BGR, () -> identification(0.85, 60));
        assertThat(printed()).contains("not decided").doesNotContain("best");
        InputTrial larger = new InputTrial(new PrintWriter(err));
        larger.measure(RGB, () -> identification(0.93, 6_000));
        larger.measure(BGR, () -> identification(0.85, 6_000));
        StringWriter out = new StringWriter();
        larger.print(new PrintWriter(out));
        assertThat(out.toString()).contains("best: --input \"RGB");
    }

    @Test
    void pairsOfFewPeopleDecideNoMoreThanThesePeople() {
        for (InputContract input : new InputContract[] {RGB, BGR}) {
            Map<String, Object> figures = new HashMap<>(verification(input == RGB ? 0.95 : 0.9, 1_000));
            figures.put("people", 10);
            trial.measure(input, () -> figures);
        }
        assertThat(printed()).contains("not decided").doesNotContain("best");
    }

    @Test
    void saysThatAllAreAboutChance() {
        trial.measure(RGB, () -> verification(0.55, 50));
        trial.measure(BGR, () -> verification(0.5, 50));
        assertThat(printed())
                .contains("not decided: no input is better than chance")
                .doesNotContain("best");
    }

    @Test
    void keepsWhatWasMeasuredWhenOneFails() {
        trial.measure(RGB, () -> {
            throw new IllegalStateException("the network's embeddings of faces contain NaN");
        });
        trial.measure(BGR, () -> Map.of(InputTrial.SIZE, 112));
        assertThat(err.toString())
                .contains("note: not measured: the network's embeddings of faces contain NaN")
                .contains("note: not measured: the protocol has neither an AUC nor a rank-1 rate");
        assertThatThrownBy(this::printed).hasMessageStartingWith("the protocol has neither");
        trial.measure(SYMMETRIC, () -> verification(0.99, 300));
        assertThat(err.toString()).contains("auc or rank_1: 0.9900");
        assertThat(printed()).contains("best: --input \"RGB mean=127.5 std=127.5 size=112\"");
    }
}
