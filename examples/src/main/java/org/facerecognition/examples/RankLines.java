package org.facerecognition.examples;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Passes on what the processes of a training write; an error that several of them have alike, once. */
final class RankLines implements Consumer<String> {
    private static final Pattern ERROR = Pattern.compile("\\[rank \\d+] (error: .*|See '.*)", Pattern.DOTALL);

    private final Consumer<String> lines;
    private final Set<String> errors = new HashSet<>();

    RankLines(Consumer<String> lines) {
        this.lines = lines;
    }

    @Override
    public synchronized void accept(String line) {
        Matcher error = ERROR.matcher(line);
        if (!error.matches() || errors.add(error.group(1))) {
            lines.accept(line);
        }
    }
}
