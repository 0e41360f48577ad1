package org.facerecognition.examples;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.facerecognition.losses.LossName;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The options of a training that is resumed, as its {@code args.json} has them. Options given now must agree with them,
 * except those that do not change what is learned.
 */
final class FormerOptions {
    static final String FILE = "args.json";

    /**
     * Options that may differ in a resumed training: they change where or how fast it runs or when it ends, or are
     * checked elsewhere.
     */
    private static final Set<String> MAY_DIFFER = Set.of(
            "--data",
            "--verify-on-unseen",
            "--epochs",
            "--threads",
            "--compute-threads",
            "--device",
            "--cache",
            "--image-cache-mib",
            "--feature-cache-mib",
            "--bad-images",
            "--checkpoint-every-steps",
            "--shard-head",
            "--rank-timeout",
            "--license");

    /** Options of one run of the program, which are not recorded. */
    private static final Set<String> OF_THE_RUN =
            Set.of("--out", "--json", "--resume", "--resume-or-start", "--accept-changed-images");

    /** Options of one run too, which are recorded to say that they do not hold any more. */
    private static final List<String> TO_BE_GIVEN_AGAIN =
            List.of("--max-steps", "--processes", "--max-restarts", "--min-processes");

    private static final Pattern WHOLE_NUMBER = Pattern.compile("[0-9]{1,9}");

    private final Path folder;
    private final Map<String, String> options;

    private FormerOptions(Path folder, Map<String, String> options) {
        this.folder = folder;
        this.options = options;
    }

    /** Returns all options of a command that have a value, in the form in which the command line takes them. */
    static Map<String, String> of(CommandSpec spec) {
        Map<String, String> options = new LinkedHashMap<>();
        spec.options().stream()
                .filter(option -> option.getValue() != null && !option.usageHelp() && !option.versionHelp())
                .filter(option -> !OF_THE_RUN.contains(option.longestName()))
                .filter(option -> !isToBeGivenAgain(option) || !text(option).equals(option.defaultValue()))
                .forEach(option -> options.put(option.longestName(), text(option)));
        return options;
    }

    private static boolean isToBeGivenAgain(OptionSpec option) {
        return TO_BE_GIVEN_AGAIN.contains(option.longestName());
    }

    /** Returns an option's value in the form in which the command line takes it. */
    private static String text(OptionSpec option) {
        Object value = option.getValue();
        return value instanceof Collection<?> several
                ? several.stream().map(String::valueOf).collect(Collectors.joining(","))
                : value.toString();
    }

    /** Returns whether an option's value means the same as a former one. */
    private boolean isSame(OptionSpec option, String former) {
        String now = text(option);
        if (now.equalsIgnoreCase(former)) {
            return true;
        }
        if (!option.longestName().equals(LossOptions.SUB_CENTERS)
                || !WHOLE_NUMBER.matcher(former).matches()) {
            return false;
        }
        OptionSpec given = option.command().findOption(LossOptions.LOSS); // which is checked on its own
        LossName loss;
        try {
            loss = options.containsKey(LossOptions.LOSS)
                    ? LossName.of(options.get(LossOptions.LOSS))
                    : given.getValue();
        } catch (IllegalArgumentException e) {
            throw unusable(e);
        }
        return LossOptions.usedSubCenters(loss, Integer.parseInt(former))
                == LossOptions.usedSubCenters(loss, option.getValue());
    }

    /**
     * Reads the options of the training in a folder, with the names that they have now; none without a file.
     *
     * @throws IllegalStateException when the file cannot be read, or an option has no value
     */
    static FormerOptions in(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            @Nullable
            Map<String, @Nullable String> options =
                    Json.read(Files.readString(file), new TypeReference<Map<String, @Nullable String>>() {});
            FormerOptions former = new FormerOptions(folder, Map.of());
            if (options == null) {
                throw former.unusable("there are none");
            }
            options.forEach((name, value) -> {
                if (value == null) {
                    throw former.unusable(name + " has no value");
                }
            });
            return new FormerOptions(folder, withPresentNames(options));
        } catch (NoSuchFileException e) {
            return new FormerOptions(folder, Map.of());
        } catch (IOException | UncheckedIOException e) {
            throw new IllegalStateException(
                    "the options of the training cannot be read from " + file
                            + "; delete it and give all options again",
                    e);
        }
    }

    /** Returns an exception that says why a value in the file cannot be used. */
    IllegalStateException unusable(RuntimeException error) {
        return new IllegalStateException(
                unusable(String.valueOf(error.getMessage())).getMessage(), error);
    }

    private IllegalStateException unusable(String why) {
        return new IllegalStateException("the options of the training in " + folder.resolve(FILE) + " cannot be used: "
                + why + "; correct the file, or delete it and give all options again");
    }

    private static Map<String, String> withPresentNames(Map<String, String> options) {
        Map<String, String> present = new LinkedHashMap<>();
        options.forEach((former, value) -> {
            String name = FormerNames.option(former);
            present.put(name, FormerNames.value(name, value));
        });
        return present;
    }

    /**
     * Returns the words of a command line with the former options before those that were given.
     *
     * @param spec the command that was parsed
     * @throws ParameterException when an option that was given contradicts a former one
     */
    List<String> mergedWith(CommandSpec spec) {
        ParseResult given = spec.commandLine().getParseResult();
        List<String> contradictions = new ArrayList<>();
        List<String> words = new ArrayList<>();
        options.forEach((name, former) -> {
            OptionSpec option = spec.findOption(name);
            if (option == null || OF_THE_RUN.contains(name) || isToBeGivenAgain(option)) {
                return; // one that no longer exists, too
            }
            String value = option.isMultiValue() ? former.replaceAll("^\\[|\\]$|\\s", "") : former;
            if (!given.hasMatchedOption(name)) {
                words.add(name + "=" + value);
            } else if (!MAY_DIFFER.contains(name) && !isSame(option, value)) {
                contradictions.add(name + " was " + value + ", is now " + text(option));
            }
        });
        for (OptionSpec option : given.matchedOptions()) { // weights are where the training began, once
            String name = option.longestName();
            if (name.startsWith("--init") && !options.isEmpty() && !options.containsKey(name)) {
                contradictions.add(name + " was not given, is now " + text(option));
            }
        }
        if (!contradictions.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    folder.resolve("last.ckpt") + " belongs to another training: "
                            + String.join("; ", contradictions)
                            + "; leave these options out, or start another training in another --out");
        }
        given.matchedOptions().forEach(option -> words.add(option.longestName() + "=" + text(option)));
        return words;
    }

    /**
     * Returns a sentence for each former option of one run that was not given again.
     *
     * @param spec the command that was parsed
     */
    List<String> notes(CommandSpec spec) {
        ParseResult given = spec.commandLine().getParseResult();
        return TO_BE_GIVEN_AGAIN.stream()
                .filter(name -> options.containsKey(name) && !given.hasMatchedOption(name))
                .filter(name ->
                        !Objects.equals(options.get(name), spec.findOption(name).defaultValue()))
                .map(name -> name + " " + options.get(name)
                        + " was for the run before and does not hold any more; give it again if it is to")
                .toList();
    }
}
