package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The output of one benchmark, as {@link AllBenchmarks} stores it: a line about commit and machine, then tables. */
final class ResultFile {
    private static final Pattern HEADER =
            Pattern.compile("(?<environment>Commit (?<commit>\\S+), (?<machine>.+), \\d+ \\w+ \\d{4});.*");

    /** Begins the second line. */
    static final String OPTIONS = "Options: ";

    private final Path file;
    private final List<String> lines;
    private final Matcher header;

    private ResultFile(Path file, List<String> lines) throws IOException {
        this.file = file;
        this.lines = lines;
        this.header = HEADER.matcher(lines.isEmpty() ? "" : lines.get(0));
        if (!header.matches()) {
            throw new IOException(file + " does not begin with a commit, a machine and a date; measure it again");
        }
    }

    static ResultFile read(Path file) throws IOException {
        return new ResultFile(file, Files.readAllLines(file));
    }

    /** Returns whether a file has results of one of these commits. */
    static boolean isMeasured(Path file, Set<String> commits) {
        return isMeasured(file, result -> commits.contains(result.commit()));
    }

    /**
     * Returns whether a file has results of a commit, a machine and options that need not be measured again: with
     * another Python, or none, a peer may have been skipped.
     */
    static boolean isMeasured(Path file, String commit, String machine, String options) {
        return !Environment.isChanged(commit)
                && isMeasured(
                        file,
                        result -> result.commit().equals(commit)
                                && result.machine().equals(machine)
                                && result.options().equals(Optional.of(options)));
    }

    private static boolean isMeasured(Path file, Predicate<ResultFile> condition) {
        try {
            return condition.test(read(file));
        } catch (IOException e) {
            return false; // there is none, or no whole one
        }
    }

    /** @throws IllegalArgumentException when the results were measured on different machines */
    static void requireOneMachine(List<Path> files) throws IOException {
        requireOne("machine", files, ResultFile::machine);
    }

    /** @throws IllegalArgumentException when the results were measured at different commits */
    static void requireOneCommit(List<Path> files) throws IOException {
        requireOne("commit", files, ResultFile::commit);
    }

    private static void requireOne(String what, List<Path> files, Function<ResultFile, String> value)
            throws IOException {
        ResultFile first = read(files.get(0));
        for (Path file : files) {
            String other = value.apply(read(file));
            if (!other.equals(value.apply(first))) {
                throw new ArgumentException(String.format(
                        "results of one table must be of one %s, but %s is of %s and %s of %s; measure them again",
                        what, first.file, value.apply(first), file, other));
            }
        }
    }

    /** Returns commit, machine and date. */
    String environment() {
        return header.group("environment");
    }

    String commit() {
        return header.group("commit");
    }

    /** Returns the second line, with which it was measured; nothing in old files. */
    Optional<String> options() {
        return lines.size() > 1 && lines.get(1).startsWith(OPTIONS)
                ? Optional.of(lines.get(1).substring(OPTIONS.length()))
                : Optional.empty();
    }

    /** Returns the machine as {@link Environment#machine} describes it. */
    String machine() {
        return header.group("machine");
    }

    /**
     * Returns the cells of one row, if there is one.
     *
     * @param title start of the first cell of the table's header
     * @param row start of the first cell of the row
     */
    Optional<List<String>> find(String title, String row) {
        boolean inTable = false;
        for (String line : lines) {
            inTable = line.startsWith("| " + title) || inTable && line.startsWith("|");
            if (inTable && line.startsWith("| " + row)) {
                return Optional.of(Arrays.stream(line.substring(1).split("\\|"))
                        .map(String::strip)
                        .toList());
            }
        }
        return Optional.empty();
    }

    /**
     * Returns the cells of one row, as {@link #find}.
     *
     * @throws IllegalStateException when there is no such row
     */
    List<String> row(String title, String row) {
        return find(title, row)
                .orElseThrow(() ->
                        new IllegalStateException(file + " has no row \"" + row + "\" in a table \"" + title + "\""));
    }

    /** Returns the median of a cell such as {@code 63.3 (56.3 to 65.5)}. */
    static double median(String cell) {
        return Double.parseDouble(cell.split(" ")[0]);
    }
}
