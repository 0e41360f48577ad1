package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Options of a training in several processes; {@link RestartDrillTest} starts and kills them. */
class ProcessOptionsTest {
    @TempDir
    Path folder;

    private static List<String> command(int restart, String... words) {
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        CommandLine line = Main.commandLine(new Main(), nowhere, nowhere);
        CommandSpec train = line.parseArgs(words).subcommand().commandSpec();
        List<String> command = ProcessOptions.command(train, 2, restart);
        return command.subList(command.indexOf(Main.class.getName()) + 1, command.size());
    }

    /** Each process said that the command line is wrong. */
    @Test
    void anErrorThatProcessesHaveAlikeIsPassedOnOnce() {
        List<String> passed = new ArrayList<>();
        RankLines lines = new RankLines(passed::add);
        for (int rank = 1; rank < 4; rank++) {
            lines.accept("[rank " + rank + "] note");
            lines.accept("[rank " + rank + "] error: no" + rank / 3);
            lines.accept("[rank " + rank + "] See 'train --help'.");
        }
        assertThat(passed)
                .containsExactly(
                        "[rank 1] note",
                        "[rank 1] error: no0",
                        "[rank 1] See 'train --help'.",
                        "[rank 2] note",
                        "[rank 3] note",
                        "[rank 3] error: no1");
    }

    /** Gloo's lines, and a second result after a restart, went to standard output. */
    @Test
    void onlyTheLastJsonGoesToStandardOutput() {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        RankResult result = new RankResult(new PrintWriter(out), new PrintWriter(err));
        result.print();
        assertThat(out.toString()).isEmpty();
        List.of("[Gloo] Rank 0 is connected", "{\"steps\":1}", "[Gloo]", "{\"steps\":2}")
                .forEach(result);
        result.print();
        result.print();
        assertThat(out.toString().lines()).containsExactly("{\"steps\":2}");
        assertThat(err.toString().lines()).containsExactly("[Gloo] Rank 0 is connected", "[Gloo]");
    }

    @Test
    void aRestartResumesTheCommandLineThatWasGiven() {
        String[] words = {"train", "--data", "people", "--processes", "2", "--max-restarts", "3"};
        assertThat(command(0, words)).containsExactly(words);
        assertThat(command(1, words))
                .startsWith(words)
                .endsWith("--resume-or-start")
                .hasSize(words.length + 1);
    }

    @Test
    void aRestartDoesNotRepeatResumeOrStart() {
        String[] words = {"train", "--data", "people", "--resume-or-start", "--processes", "2"};
        assertThat(command(1, words)).containsExactly(words);
    }

    @Test
    void rejectsNumbersThatMeanNothing() {
        assertThat(error("--max-restarts", -1)).contains("--max-restarts must be at least 0, but was -1");
        assertThat(error("--processes", 2, "--min-processes", 3))
                .contains("--min-processes must be in [0, 2], but was 3");
    }

    private String error(Object... options) {
        Cli.Result result = Cli.train(folder, folder.resolve("out"), options);
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        return result.err();
    }
}
