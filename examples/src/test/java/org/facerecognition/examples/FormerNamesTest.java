package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/** Names of earlier versions work, are answered with the present ones, and are shown nowhere. */
class FormerNamesTest {
    private final StringWriter err = new StringWriter();
    private final CommandLine main =
            Main.commandLine(new Main(), new PrintWriter(err, true), new PrintWriter(err, true));

    private ParseResult parse(String... words) {
        ParseResult parsed = main.parseArgs(words);
        while (parsed.hasSubcommand()) {
            parsed = parsed.subcommand();
        }
        return parsed;
    }

    @ParameterizedTest
    @CsvSource({
        "--licence, --license, MIT",
        "--init-licence, --init-license, CC-BY-4.0",
        "--backup-every-steps, --checkpoint-every-steps, 7",
        "--cache-mib, --image-cache-mib, 8",
        "--frozen-memory-mib, --feature-cache-mib, 9",
        "--head-lr-factor, --head-lr-multiplier, 2.5"
    })
    void setTheOptionThatReplacedThem(String former, String present, String value) {
        for (String[] words : new String[][] {{"train", former, value}, {"train", former + "=" + value}}) {
            err.getBuffer().setLength(0);
            ParseResult train = parse(words);
            assertThat(train.hasMatchedOption(present)).isTrue();
            assertThat(train.matchedOptionValue(present, (Object) null)).hasToString(value);
            assertThat(err.toString()).isEqualToNormalizingNewlines("note: " + former + " is now " + present + "\n");
        }
    }

    @Test
    void setTheFlagThatReplacedThem() {
        ParseResult export = parse("export", "--model", "a", "--format", "onnx", "--normalise", "--out", "b");
        assertThat(export.hasMatchedOption("--normalize")).isTrue();
        assertThat(err.toString()).isEqualToNormalizingNewlines("note: --normalise is now --normalize\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--freezer wholly:2", "--freezer=wholly:2"})
    void areReadInValues(String line) {
        ParseResult train = parse(("train " + line).split(" "));
        assertThat(train.<String>matchedOptionValue("--freezer", null)).isEqualTo("all:2");
        assertThat(err.toString()).isEqualToNormalizingNewlines("note: wholly:2 is now all:2\n");
    }

    @Test
    void areReadInArgumentFiles(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("options"), "--data x --cache-mib 8 # of an earlier version\n");
        assertThat(parse(ArgumentFiles.expanded("train", "@" + file))
                        .<Integer>matchedOptionValue("--image-cache-mib", null))
                .isEqualTo(8);
    }

    @Test
    void areCommandsToo() {
        assertThat(parse("suspects", "--model", "m").commandSpec().name()).isEqualTo("find-label-noise");
        assertThat(parse("gallery", "enrol", "--gallery", "g", "--model", "m")
                        .commandSpec()
                        .name())
                .isEqualTo("enroll");
        assertThat(err.toString())
                .isEqualToNormalizingNewlines(
                        "note: suspects is now find-label-noise\n" + "note: enrol is now enroll\n");
    }

    @Test
    void areSchemasToo() {
        Cli.Result suspects = Cli.run("schema", "suspects");
        assertThat(suspects.out()).isEqualTo(SchemaCommand.read("find-label-noise"));
        assertThat(suspects.err()).contains("note: suspects is now find-label-noise");
        assertThat(Cli.run("schema", "gallery", "enrol").out()).isEqualTo(SchemaCommand.read("gallery-enroll"));
    }

    @Test
    void areNotedOnce() {
        parse("evaluate", "--model", "m", "--protocol", "bin"); // has no former names
        assertThat(err.toString()).isEmpty();
        parse("gallery", "enrol", "--gallery", "enrol", "--model", "suspects", "enrol", "enrol");
        assertThat(err.toString()).isEqualToNormalizingNewlines("note: enrol is now enroll\n");
    }

    @Test
    void areNotReplacedAfterTheEndOfOptions() {
        ParseResult list = parse("gallery", "remove", "--gallery", "g", "--", "--licence");
        assertThat(list.matchedPositionalValue(0, List.of())).containsExactly("--licence");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void areNeitherInHelpNorInCompletion() {
        List<String> texts =
                new ArrayList<>(List.of(Cli.run("generate-completion").out()));
        main.getSubcommands().values().forEach(command -> texts.add(command.getUsageMessage()));
        main.getSubcommands()
                .get("gallery")
                .getSubcommands()
                .values()
                .forEach(command -> texts.add(command.getUsageMessage()));
        assertThat(texts)
                .allSatisfy(text -> assertThat(text)
                        .doesNotContain("licence", "normalise", "-factor", "--cache-mib", "frozen-memory", "backup-")
                        .doesNotContainPattern("\\b(enrol|suspects|wholly)\\b"));
    }
}
