package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes figures into a README: replaces what is between {@code <!-- figures NAME -->} and {@code <!-- end of figures
 * NAME -->}.
 */
final class Figures {
    private static final Pattern NOT_SHOWN =
            Pattern.compile("^round \\d+/\\d+ |^fraction of the \\w+ matmul peak|^skipping |^beside \\d+ busy loops$");

    private Figures() {}

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
        for (String readme : new String[] {"", "losses", "augment", "core", "examples", "benchmarks"}) {
            Path file = root.resolve(readme).resolve("README.md");
            Matcher markers = marked.matcher(Files.readString(file));
            if (markers.find()) {
                found++;
                Files.writeString(
                        file,
                        markers.replaceAll(match -> Matcher.quoteReplacement(
                                match.group(1) + "\n" + markdown.strip() + "\n\n" + match.group(2))));
            }
        }
        return found;
    }

    /**
     * Returns the tables that a benchmark printed, and what else it printed after the first one, as lists. Progress and
     * figures for those who optimize are left out.
     */
    static String tables(String output) {
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
            } else if (!NOT_SHOWN.matcher(line).find()) {
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
        return text.toString().strip();
    }
}
