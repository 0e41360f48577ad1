package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.facerecognition.io.AtomicFile;

/**
 * Writes figures into a README: replaces what is between {@code <!-- figures NAME -->} and {@code <!-- end of figures
 * NAME -->}.
 */
final class Figures {
    private static final Pattern NOT_SHOWN =
            Pattern.compile("^round \\d+/\\d+ |^fraction of the \\w+ matmul peak|^beside \\d+ busy loops$");

    /** A table in results of former versions, which left out the processor of the thread that converts to floats. */
    private static final Pattern FORMER_PLAN =
            Pattern.compile("^\\| Computed, not measured: [^|]* \\| threads \\|\n(\\|.*\n?)*", Pattern.MULTILINE);

    private static final String SKIPPED = "skipping ";

    private static final List<String> FOLDERS = List.of("", "losses", "augment", "core", "examples", "benchmarks");

    private Figures() {}

    /** @throws IllegalArgumentException when a folder is not the root of the repository */
    static void requireRoot(Path folder) {
        for (String readme : FOLDERS) {
            Path file = folder.resolve(readme).resolve("README.md");
            if (!Files.exists(file)) {
                throw new ArgumentException("the working folder must be the root of a clone, but was "
                        + folder.toAbsolutePath() + ", which has no " + folder.relativize(file));
            }
        }
    }

    /**
     * Writes figures into every README of the repository that has their markers, and returns how many have.
     *
     * @param root of the repository
     * @param markdown the figures, which replace former ones
     */
    static int write(Path root, String name, String markdown) throws IOException {
        Pattern marked = Pattern.compile(
                "(<!-- figures " + Pattern.quote(name) + " -->\n).*?(<!-- end of figures " + Pattern.quote(name)
                        + " -->)",
                Pattern.DOTALL);
        int found = 0;
        for (String readme : FOLDERS) {
            Path file = root.resolve(readme).resolve("README.md");
            Matcher markers = marked.matcher(Files.readString(file));
            if (markers.find()) {
                found++;
                String text = markers.replaceAll(match ->
                        Matcher.quoteReplacement(match.group(1) + "\n" + markdown.strip() + "\n\n" + match.group(2)));
                AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
            }
        }
        return found;
    }

    /**
     * Returns the tables that a benchmark printed, and what else it printed after the first one, as lists. Progress and
     * figures for those who optimize are left out. What was skipped is listed once, at the end.
     */
    static String tables(String printed) {
        String output = FORMER_PLAN.matcher(printed).replaceAll("");
        int first = ("\n" + output).indexOf("\n|");
        if (first < 0) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        boolean gap = false; // an empty line was seen
        boolean afterTable = true;
        for (String line : output.substring(first).lines().toList()) {
            if (line.isBlank()) {
                gap = true;
            } else if (!NOT_SHOWN.matcher(line).find() && !line.startsWith(SKIPPED)) {
                boolean inTable = line.startsWith("|");
                if (text.length() > 0 && (gap || inTable != afterTable)) {
                    text.append('\n');
                }
                boolean listed = inTable || line.startsWith("- ");
                text.append(listed ? line : "- " + line.strip()).append('\n');
                gap = false;
                afterTable = inTable;
            }
        }
        String skipped = output.lines()
                .filter(line -> line.startsWith(SKIPPED))
                .distinct()
                .map(line -> "\n- " + line)
                .collect(Collectors.joining());
        return (text.toString().strip() + (skipped.isEmpty() ? "" : "\n" + skipped)).strip();
    }
}
