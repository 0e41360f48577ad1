package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.Stack;
import picocli.CommandLine;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Names that options, commands and option values had in earlier versions. They are read on the command line, in
 * argument files and in {@code args.json}, but neither help nor completion shows them. Each former name on a command
 * line is answered on standard error with the name that it has now.
 */
final class FormerNames implements IParameterPreprocessor {
    private static final Map<String, String> OPTIONS = Map.of(
            "--licence", "--license",
            "--init-licence", "--init-license",
            "--normalise", "--normalize",
            "--backup-every-steps", "--checkpoint-every-steps",
            "--cache-mib", "--image-cache-mib",
            "--frozen-memory-mib", "--feature-cache-mib",
            "--head-lr-factor", "--head-lr-multiplier");

    private static final Map<String, String> COMMANDS = Map.of("enrol", "enroll", "suspects", "find-label-noise");

    private static final Map<String, String> SCHEMAS =
            Map.of("gallery-enrol", "gallery-enroll", "suspects", "find-label-noise");

    private static final String FREEZER = "--freezer";
    private static final String FORMER_FREEZER = "wholly:";
    private static final String PRESENT_FREEZER = "all:";

    private static final String END_OF_OPTIONS = "--";

    /** Makes a command and all its subcommands accept former names. */
    static void acceptedBy(CommandLine command) {
        command.getCommandSpec().preprocessor(new FormerNames());
        command.getSubcommands().values().forEach(FormerNames::acceptedBy);
    }

    /** Returns the present name of an option; a name that is not a former one is returned unchanged. */
    static String option(String name) {
        return OPTIONS.getOrDefault(name, name);
    }

    /** Returns the present name of a schema; a name that is not a former one is returned unchanged. */
    static String schema(String name) {
        return SCHEMAS.getOrDefault(name, name);
    }

    /**
     * Returns the present form of an option's value; a value that has not changed is returned unchanged.
     *
     * @param option the option's present name
     */
    static String value(String option, String value) {
        return option.equals(FREEZER) && value.startsWith(FORMER_FREEZER)
                ? PRESENT_FREEZER + value.substring(FORMER_FREEZER.length())
                : value;
    }

    /** Says what a former name is now. */
    static void note(PrintWriter err, String former, String present) {
        err.println("note: " + former + " is now " + present);
    }

    /**
     * Replaces the former names among the words that a command is about to parse.
     *
     * @param words the words of the command line, the next one on top
     */
    @Override
    public boolean preprocess(Stack<String> words, CommandSpec command, ArgSpec arg, Map<String, Object> info) {
        Set<String> noted = new LinkedHashSet<>();
        PrintWriter err = command.commandLine().getErr();
        boolean commandIsNext = !command.subcommands().isEmpty();
        String previous = "";
        for (int i = words.size() - 1; i >= 0 && !words.get(i).equals(END_OF_OPTIONS); i--) {
            String word = words.get(i);
            String present = commandIsNext ? subcommand(word, command) : renamed(word, previous, command);
            if (!present.equals(word)) {
                words.set(i, present);
                boolean isValue = beforeEquals(word).equals(beforeEquals(present));
                String former = isValue ? afterEquals(word) : beforeEquals(word);
                if (noted.add(former)) {
                    note(err, former, isValue ? afterEquals(present) : beforeEquals(present));
                }
            }
            if (commandIsNext && !word.startsWith("-")) {
                break; // the rest is the subcommand's
            }
            previous = present;
        }
        return false; // picocli parses the words
    }

    private static String subcommand(String word, CommandSpec command) {
        String present = COMMANDS.getOrDefault(word, word);
        return command.subcommands().containsKey(present) ? present : word;
    }

    private static String renamed(String word, String previous, CommandSpec command) {
        if (previous.equals(FREEZER)) {
            return value(FREEZER, word);
        }
        String name = beforeEquals(word);
        String present = option(name);
        if (command.findOption(present) == null) {
            return word;
        }
        String rest = word.substring(name.length()); // empty, or = and the value
        return rest.isEmpty() ? present : present + "=" + value(present, rest.substring(1));
    }

    private static String beforeEquals(String word) {
        int equals = word.indexOf('=');
        return equals < 0 ? word : word.substring(0, equals);
    }

    private static String afterEquals(String word) {
        return word.substring(word.indexOf('=') + 1);
    }
}
