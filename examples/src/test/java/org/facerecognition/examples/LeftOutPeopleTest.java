package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code evaluate --unseen} measures the people whom the training left out. */
class LeftOutPeopleTest {
    private static final int PEOPLE = 10;

    @TempDir
    Path root;

    /** One person more or less, as when align finds no face of somebody, used to give another choice of people. */
    @Test
    void nobodyOfTheTrainingIsMeasuredThoughTheDataHasOneMorePerson() {
        Path crops = Cli.faces(root.resolve("crops"), PEOPLE, 3);
        Path photographs = Cli.faces(root.resolve("people"), PEOPLE + 1, 3);
        Path model = root.resolve("model");
        Cli.Result trained = Cli.train(crops, model, "--max-steps", 1, "--verify-on-unseen", 0.3);
        assertThat(trained.code()).as(trained.err()).isZero();

        Cli.Result same = evaluate(model, crops);
        assertThat(same.json().get("people").asInt()).isEqualTo(3);
        assertThat(same.json().get("people_in_training").asInt()).isZero();
        assertThat(same.err()).doesNotContain("--unseen would choose");

        Cli.Result more = evaluate(model, photographs);
        JsonNode figures = more.json();
        assertThat(figures.get("people").asInt()).isEqualTo(4);
        assertThat(figures.get("people_in_training").asInt()).isZero();
        assertThat(more.err()).contains("--unseen would choose some whom the model knows; the 4 whom it does not know");
    }

    private static Cli.Result evaluate(Path model, Path data) {
        Cli.Result result = Cli.run(
                "evaluate",
                "--protocol",
                "all-pairs",
                "--model",
                model.resolve("last.ckpt"),
                "--data",
                data,
                "--unseen",
                0.3,
                "--json");
        assertThat(result.code()).as(result.err()).isZero();
        return result;
    }
}
