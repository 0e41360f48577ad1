package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.Writer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class UseErrorsTest {
    /** Only the first word was replaced, and only that of an option on the command line. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        batchSize must be at least 2, but was 1 | --batch-size must be at least 2, but was 1
        train without shardHead, or alone       | train without --shard-head, or alone
        use loaderThreads                       | use --threads
        the file /x/batchSize is "shardHead"    | the file /x/batchSize is "shardHead"
        use byIdentity, or batchSize(4)         | use byIdentity, or batchSize(4)
        epochs must be at least 3, but was 2    | --epochs must be at least 3, but was 2
        seed must be at least 3, but was 2      | seed must be at least 3, but was 2
        """)
    void namesTheOptionsOfTheCommand(String message, String sentence) {
        PrintWriter quiet = new PrintWriter(Writer.nullWriter());
        CommandLine train = Main.commandLine(new Main(), quiet, quiet)
                .parseArgs("train", "--epochs", "2")
                .subcommand()
                .commandSpec()
                .commandLine();
        assertThat(UseErrors.withOptionName(message, train)).isEqualTo(sentence);
    }
}
