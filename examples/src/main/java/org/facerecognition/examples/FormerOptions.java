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
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The options of a training, as {@code args.json} keeps them for its resumption. */
final class FormerOptions {
    static final String FILE = "args.json";

    /**
     * What may be another in a resumed training: it changes where or how fast it runs, when it ends, or is checked
     * elsewhere.
     */
    private static final Set<String> MAY_DIFFER = Set.of(
            "--data",
            "--verify-on-unseen",
            "--epochs",
            "--threads",
            "--compute-threads",
            "--device",
            "--cache",
            "--cache-mib",
            "--frozen-memory-mib",
            "--bad-images",
            "--backup-every-steps",
            "--licence");

    /** Of the call, not of the training. */
    private static final Set<String> OF_THE_CALL =
            Set.of("--out", "--json", "--max-steps", "--resume", "--resume-or-start", "--accept-changed-images");

    private final Path folder;
    private final Map<String, String> options;

    private FormerOptions(Path folder, Map<String, String> options) {
        this.folder = folder;
        this.options = options;
    }

    /** All options of a command that have a value, as they were used. */
    static Map<String, String> of(CommandSpec spec) {
        Map<String, String> options = new LinkedHashMap<>();
        spec.options().stream()
                .filter(option -> option.getValue() != null && !option.usageHelp() && !option.versionHelp())
                .filter(option -> !OF_THE_CALL.contains(option.longestName()))
                .forEach(option -> options.put(option.longestName(), text(option)));
        return options;
    }

    /** As the command line takes it. */
    private static String text(OptionSpec option) {
        Object value = option.getValue();
        return value instanceof Collection<?> several
                ? several.stream().map(String::valueOf).collect(Collectors.joining(","))
                : value.toString();
    }

    /** Those of the training in a folder; none where it keeps none. */
    static FormerOptions in(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            return new FormerOptions(
                    folder, Json.read(Files.readString(file), new TypeReference<Map<String, String>>() {}));
        } catch (NoSuchFileException e) {
            return new FormerOptions(folder, Map.of());
        } catch (IOException | UncheckedIOException e) {
            throw new IllegalStateException(
                    "the options of the training cannot be read from " + file
                            + "; delete it and give all options again",
                    e);
        }
    }

    /**
     * The words of a command line with the former options in front of those given.
     *
     * @param spec of the command that was parsed
     * @throws ParameterException when a given option contradicts a former one
     */
    List<String> mergedWith(CommandSpec spec) {
        ParseResult given = spec.commandLine().getParseResult();
        List<String> contradictions = new ArrayList<>();
        List<String> words = new ArrayList<>();
        options.forEach((name, former) -> {
            OptionSpec option = spec.findOption(name);
            if (option == null || OF_THE_CALL.contains(name)) { // one that there is no more
                return;
            }
            String value = option.isMultiValue() ? former.replaceAll("^\\[|\\]$|\\s", "") : former;
            if (!given.hasMatchedOption(name)) {
                words.add(name + "=" + value);
            } else if (!MAY_DIFFER.contains(name) && !text(option).equalsIgnoreCase(value)) {
                contradictions.add(name + " was " + value + ", is now " + text(option));
            }
        });
        if (!contradictions.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    folder.resolve("last.ckpt") + " is of another training: "
                            + String.join("; ", contradictions)
                            + "; leave these options out, or start another training in another --out");
        }
        given.matchedOptions().forEach(option -> words.add(option.longestName() + "=" + text(option)));
        return words;
    }
}
