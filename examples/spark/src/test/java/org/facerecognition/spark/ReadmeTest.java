package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The commands of the README parse; its snippets and links are checked with those of the other READMEs. */
class ReadmeTest {
    private static final Pattern COMMAND =
            Pattern.compile("spark-submit --class (\\S+)(.*?)/face-recognition-spark\\.jar(.*?)```", Pattern.DOTALL);
    private static final Map<String, Callable<Integer>> PROGRAMS =
            Map.of(EmbedJob.class.getName(), new EmbedJob(), EnrollJob.class.getName(), new EnrollJob());

    @Test
    void commandsParse() throws IOException {
        List<MatchResult> found = COMMAND.matcher(Files.readString(Path.of("README.md")))
                .results()
                .toList();
        assertThat(found).hasSize(PROGRAMS.size());
        for (MatchResult command : found) {
            Callable<Integer> program = PROGRAMS.get(command.group(1));
            assertThat(program).as(command.group(1)).isNotNull();
            String[] words = command.group(3).replace("\\\n", " ").strip().split("\\s+");
            assertThat(Commands.line(program).parseArgs(words).matchedOptions())
                    .as(Arrays.toString(words))
                    .isNotEmpty();
        }
    }
}
