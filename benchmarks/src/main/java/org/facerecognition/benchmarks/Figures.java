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

    /** Returns the tables that a benchmark printed, and what it printed after the first one. */
    static String tables(String output) {
        int first = ("\n" + output).indexOf("\n|");
        return first < 0 ? "" : output.substring(first).strip();
    }
}
