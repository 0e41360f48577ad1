package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The output of one benchmark, as {@link AllBenchmarks} stores it: a line about commit and machine, then tables. */
final class ResultFile {
    private final Path file;
    private final List<String> lines;

    private ResultFile(Path file, List<String> lines) {
        this.file = file;
        this.lines = lines;
    }

    static ResultFile read(Path file) throws IOException {
        return new ResultFile(file, Files.readAllLines(file));
    }

    /** Returns commit, machine and date. */
    String environment() {
        return lines.get(0).substring(0, lines.get(0).indexOf(';'));
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
