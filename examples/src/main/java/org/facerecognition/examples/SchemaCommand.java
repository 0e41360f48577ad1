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

/** {@code schema}: what a command's {@code --json} looks like. */
@Command(
        name = "schema",
        description = "Print the JSON Schema (draft 2020-12) of what a command prints with --json. Without a command,"
                + " list the commands that have one.",
        mixinStandardHelpOptions = true)
final class SchemaCommand implements Callable<Integer> {
    /** The commands that have {@code --json}, by their names; those of {@code gallery} with a hyphen. */
    static final List<String> NAMES = List.of(
            "demo",
            "train",
            "augment",
            "pack",
            "detect",
            "align",
            "embed",
            "verify",
            "gallery-enrol",
            "gallery-identify",
            "gallery-list",
            "gallery-remove",
            "evaluate",
            "suspects",
            "export");

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "Such as evaluate, or gallery list.")
    private List<String> words = List.of();

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (words.isEmpty()) {
            NAMES.forEach(out::println);
            return 0;
        }
        String name = String.join("-", words);
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException(
                    "command must be one of " + String.join(", ", NAMES) + ", but was " + name);
        }
        out.print(read(name));
        out.flush();
        return 0;
    }

    /** The schema of a command, as the file has it. */
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
