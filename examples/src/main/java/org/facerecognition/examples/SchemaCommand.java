package org.facerecognition.examples;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code schema}: prints the JSON Schema of a command's {@code --json}. */
@Command(
        name = "schema",
        description = {
            "Print the JSON Schema of the output of a command with --json.",
            "The schema is of draft 2020-12. Without a command, lists the commands that have one."
        },
        mixinStandardHelpOptions = true)
final class SchemaCommand implements Callable<Integer> {
    /**
     * The names of the commands that have {@code --json}; subcommands are joined with a hyphen: {@code gallery-list}.
     */
    static final List<String> NAMES = List.of(
            "demo",
            "train",
            "augment",
            "pack",
            "detect",
            "align",
            "embed",
            "verify",
            "gallery-enroll",
            "gallery-identify",
            "gallery-list",
            "gallery-info",
            "gallery-remove",
            "gallery-compact",
            "gallery-export",
            "gallery-import",
            "gallery-copy",
            "gallery-reembed",
            "evaluate",
            "find-label-noise",
            "export",
            "quantize");

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "A command, such as evaluate or gallery list.")
    private List<String> words = List.of();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (words.isEmpty()) {
            NAMES.forEach(out::println);
            return 0;
        }
        String given = String.join("-", words);
        String name = FormerNames.schema(given);
        if (!name.equals(given)) {
            FormerNames.note(spec.commandLine().getErr(), given, name);
        }
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException(
                    "command must be one of " + String.join(", ", NAMES) + ", but was " + name);
        }
        out.print(read(name));
        out.flush();
        return 0;
    }

    /** Returns the text of a command's schema. */
    static String read(String name) {
        String resource = "schema/" + name + ".json";
        try (InputStream in = SchemaCommand.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("resource " + resource + " is missing from the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
