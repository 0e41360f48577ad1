package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.facerecognition.TrainerArgs;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options in {@code --help}: all of them, under headings where there are many. */
class HelpOptionsTest {
    private static Stream<CommandSpec> commands() {
        PrintWriter quiet = new PrintWriter(Writer.nullWriter());
        List<CommandSpec> all = new ArrayList<>();
        collect(Main.commandLine(new Main(), quiet, quiet), all);
        return all.stream();
    }

    private static void collect(CommandLine command, List<CommandSpec> all) {
        all.add(command.getCommandSpec());
        command.getSubcommands().values().forEach(below -> collect(below, all));
    }

    private static String help(String command) {
        return Cli.run(command, "--help").out();
    }

    @ParameterizedTest
    @MethodSource("commands")
    void listEveryOptionOnce(CommandSpec command) {
        List<String> lines = command.commandLine().getUsageMessage().lines().toList();
        assertThat(command.options().stream().filter(option -> !option.hidden()))
                .allSatisfy(option -> assertThat(lines)
                        .filteredOn(line -> line.matches("( {6}|  -., )" + option.longestName() + "([ =].*)?"))
                        .as(option.longestName())
                        .hasSize(1));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void haveHeadingsOnlyWhereThereAreMany(CommandSpec command) {
        boolean hasHeadings = command.commandLine()
                .getUsageMessage()
                .lines()
                .anyMatch(line -> line.equals(Heading.OUTPUT.text() + ":") || line.equals(Heading.HELP.text() + ":"));
        long listed =
                command.options().stream().filter(option -> !option.hidden()).count();
        assertThat(hasHeadings).isEqualTo(listed > HelpOptions.MAX_WITHOUT_HEADINGS);
    }

    @Test
    void ofTrainBeginWithTheMostImportant() {
        List<OptionSpec> common = commands()
                .filter(command -> command.name().equals("train"))
                .map(command -> HelpOptions.sections(command).get(Heading.COMMON))
                .findFirst()
                .orElseThrow();
        assertThat(common)
                .extracting(OptionSpec::longestName)
                .containsExactly(
                        "--data",
                        "--out",
                        "--encoder",
                        "--loss",
                        "--init",
                        "--preset",
                        "--epochs",
                        "--batch-size",
                        "--lr",
                        "--resume");
    }

    @Test
    void ofTrainAreInSections() {
        assertThat(help("train").lines().filter(line -> line.matches("[A-Z][a-z ]+:")))
                .containsExactly(
                        "Common options:",
                        "Data:",
                        "Model:",
                        "Loss:",
                        "Optimization:",
                        "Loading:",
                        "Several processes:",
                        "Checkpoints:",
                        "Output:",
                        "Help:");
    }

    /** They were listed by commands that do not embed with them. */
    @ParameterizedTest
    @ValueSource(strings = {"export", "quantize"})
    void listNoOptionThatIsRefused(String command) {
        assertThat(help(command).lines())
                .anyMatch(line -> line.startsWith("      --model="))
                .noneMatch(line -> line.matches(" +--(int8|bf16|min-cosine|input)\\b.*"))
                .noneMatch(line -> line.contains("[--int8]"));
        String[] words = command.equals("export")
                ? new String[] {"export", "--model=none.model", "--format=onnx", "--out=none.onnx"}
                : new String[] {"quantize", "--model=none.model", "--out=none", "../README.md"};
        for (String option : List.of("--int8", "--bf16", "--min-cosine=0.9", "--input=try")) {
            Cli.Result result =
                    Cli.run(Stream.concat(Stream.of(words), Stream.of(option)).toArray());
            assertThat(result.code()).as(result.err()).isEqualTo(Main.USED_WRONGLY);
            assertThat(result.err()).contains("error: " + option.replaceAll("=.*", "") + " must ");
        }
    }

    @Test
    void mentionArgumentFilesAndCompletion() {
        assertThat(help("train")).contains("face-recognition train @options");
        assertThat(Cli.run("--help").out()).contains("@FILE", "source <(face-recognition generate-completion)");
    }

    /** The number depends on the machine, so the help says how. */
    @Test
    void saysHowManyThreadsReadByDefault() {
        String help = help("train").replaceAll("\\s+", " ");
        assertThat(help).contains("Default: 2, or 1 where there is one processor.");
        LoadingOptions options = new LoadingOptions();
        CommandLine command =
                new CommandLine(CommandSpec.create().addMixin("loading", CommandSpec.forAnnotatedObject(options)));
        command.parseArgs();
        String former = System.getProperty(Processors.PROPERTY);
        System.setProperty(Processors.PROPERTY, "1");
        try {
            assertThat(options.apply(TrainerArgs.builder()).build().loading().loaderThreads())
                    .isEqualTo(1);
        } finally {
            if (former == null) {
                System.clearProperty(Processors.PROPERTY);
            } else {
                System.setProperty(Processors.PROPERTY, former);
            }
        }
    }
}
