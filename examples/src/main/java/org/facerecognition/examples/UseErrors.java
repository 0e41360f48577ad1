package org.facerecognition.examples;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MaxValuesExceededException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says what is wrong with a command line in its own words: those of picocli and of the library are for programmers. */
final class UseErrors {
    private static final Pattern OPTION = Pattern.compile("--[a-z0-9-]+");
    private static final Pattern GIVEN = Pattern.compile("\\{(--[a-z0-9-]+)");
    private static final Pattern ARGUMENT =
            Pattern.compile("([a-z][a-zA-Z0-9]*(?: [a-z]+)?)( must .*)", Pattern.DOTALL);
    private static final Pattern ARGUMENT_WITHIN =
            Pattern.compile("(?<![\\w./\"-])[a-z]+(?:[A-Z][a-z]+)+(?![\\w./\"(])");
    private static final Pattern LAST_WORD = Pattern.compile("-[a-z0-9]+$");
    private static final Map<String, String> NAMED_OTHERWISE = Map.ofEntries( // options by arguments of the library
            Map.entry("learningRate", "--lr"),
            Map.entry("accumulation", "--accumulate"),
            Map.entry("loaderThreads", "--threads"),
            Map.entry("compute threads", "--compute-threads"),
            Map.entry("fraction", "--verify-on-unseen"),
            Map.entry("fractions", "--val-fraction and --test-fraction"),
            Map.entry("gradientClip", "--clip"),
            Map.entry("partialFraction", "--partial-fc"),
            Map.entry("score threshold", "--min-score"),
            Map.entry("smallest face", "--min-face"),
            Map.entry("largest side", "--max-side"),
            Map.entry("margin", "--m"),
            Map.entry("m2", "--m"),
            Map.entry("m3", "--m"),
            Map.entry("lambda", "--m"));

    private UseErrors() {}

    /** Returns why arguments cannot be parsed or contradict each other. */
    static String sentence(ParameterException error) {
        String text = String.valueOf(error.getMessage());
        if (error instanceof MutuallyExclusiveArgsException) {
            return exclusive(distinct(OPTION, text), text);
        }
        if (error instanceof MaxValuesExceededException && text.contains("expected only one match")) {
            List<String> given = distinct(GIVEN, text);
            return given.size() == 1 ? "option " + given.get(0) + " must be given only once" : exclusive(given, text);
        }
        if (error instanceof OverwrittenOptionException twice && twice.getOverwritten() instanceof OptionSpec option) {
            return "option " + option.longestName() + " must be given only once";
        }
        return error instanceof UnmatchedArgumentException other ? unmatched(text, other.getUnmatched()) : text;
    }

    private static String unmatched(String text, List<String> words) {
        if (words.stream().anyMatch(String::isBlank)) { // as the second of several paths
            return text + ", which is empty; check the variable it came from";
        }
        return words.stream()
                .filter(ArgumentFiles::isReference)
                .findFirst()
                .map(word -> text + "; there is no file " + word.substring(1) + " to read arguments from")
                .orElse(text);
    }

    private static String exclusive(List<String> options, String text) {
        return options.isEmpty() ? text : "only one of " + String.join(" and ", options) + " can be given";
    }

    private static List<String> distinct(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(UseErrors::last).distinct().toList();
    }

    private static String last(MatchResult match) {
        return match.group(match.groupCount());
    }

    /**
     * Returns a message about an argument of the library with the name of the option that was given for it: {@code
     * batchSize must be at least 1} of {@code --batch-size}, and {@code decodedPx} of {@code --decoded}. Names of two
     * words are replaced wherever they are, also those of options that were left to their default.
     */
    static String withOptionName(String message, CommandLine command) {
        return ARGUMENT_WITHIN
                .matcher(withFirstName(message, command))
                .replaceAll(name -> Matcher.quoteReplacement(option(name.group(), command)));
    }

    /** Returns the option of a command for an argument of the library; without one, the argument's name. */
    private static String option(String name, CommandLine command) {
        String option = NAMED_OTHERWISE.getOrDefault(name, kebab(name));
        return distinct(OPTION, option).stream()
                        .allMatch(one -> command.getCommandSpec().findOption(one) != null)
                ? option
                : name;
    }

    private static String kebab(String name) {
        return "--" + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String withFirstName(String message, CommandLine command) {
        Matcher argument = ARGUMENT.matcher(message);
        @Nullable ParseResult given = command.getParseResult();
        if (given == null || !argument.matches()) {
            return message;
        }
        String name = argument.group(1);
        @Nullable String otherwise = NAMED_OTHERWISE.get(name);
        if (otherwise != null && distinct(OPTION, otherwise).stream().anyMatch(given::hasMatchedOption)) {
            return otherwise + argument.group(2);
        }
        String option = kebab(name);
        if (!given.hasMatchedOption(option)) {
            option = LAST_WORD.matcher(option).replaceFirst(""); // a unit
        }
        return option.length() > 2 && given.hasMatchedOption(option) ? option + argument.group(2) : message;
    }
}
