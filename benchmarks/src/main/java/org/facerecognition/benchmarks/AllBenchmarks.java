package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;

/**
 * Measures what the tables of the READMEs say about speed and accuracy, at one commit and on one machine, and writes
 * them. Each benchmark runs in a process of its own, those of speed twice: on an idle machine, and beside a program
 * that keeps one processor busy. Large galleries and those in a database are measured on an idle machine only.
 *
 * <p>Run in the root of a clone: {@code java -jar benchmarks/target/benchmarks.jar all [NAME ...] [orl=DIR]
 * [celeba=DIR] [celeba-ir=DIR] [lfw=DIR] [mobilefacenet=FILE] [yunet=FILE] [database=URL] [tables=COMMIT,...]}; by
 * default all benchmarks whose data is given, which takes hours. A NAME is that of a benchmark, or of one of its two
 * runs, such as {@code training-busy}; tables are written once both are measured. Results are kept in
 * {@code benchmarks/results}. A run that was interrupted continues: results of the same commit and machine are not
 * measured again, unless tracked files differ from the commit. {@code tables=COMMIT,...} measures nothing and writes
 * the tables from the results of these commits, named as in their first lines.
 */
final class AllBenchmarks {
    /**
     * One benchmark.
     *
     * @param name of its results, and of its markers in a README
     * @param minutes about how long it takes once
     * @param speed whether it measures speed, and is repeated beside a busy loop
     * @param heapGib maximum heap
     * @param words its command line; {@code {orl}} stands for the value of {@code orl=}
     */
    private record Section(String name, int minutes, boolean speed, int heapGib, String words) {
        /** Returns the command line, or nothing if it needs data that is not given. */
        Optional<List<String>> commandLine(Map<String, String> data) {
            List<String> all = new ArrayList<>();
            for (String word : words.split(" ")) {
                if (word.startsWith("{")) {
                    String value = data.get(word.substring(1, word.length() - 1));
                    if (value == null) {
                        return Optional.empty();
                    }
                    all.add(value);
                } else {
                    all.add(word);
                }
            }
            return Optional.of(all);
        }

        /** Returns the keys of the data that it needs. */
        Stream<String> keys() {
            return Stream.of(words.split(" "))
                    .filter(word -> word.startsWith("{"))
                    .map(word -> word.substring(1, word.length() - 1));
        }

        /** Returns whether it runs the program of the examples. */
        boolean usesProgram() {
            return name.equals("accuracy") || name.equals("fine-tuning") || name.equals("serve");
        }

        /** Returns the options of its JVM and its command line, without the paths of data. */
        String options() {
            return "-Xmx" + heapGib + "g " + words;
        }
    }

    private static final int DEFAULT_HEAP_GIB = 2;

    private static final List<Section> SECTIONS = List.of(
            new Section("training", 10, true, 2, "training 7 8"),
            new Section("distributed", 8, true, 2, "distributed"),
            new Section("loading", 5, true, 2, "loading 3 {celeba}"),
            new Section("weights", 2, true, 2, "weights"),
            new Section("inference-resnet34", 11, true, 2, "inference 7 nets=resnet34 parts=throughput"),
            new Section("inference-mobilefacenet", 11, true, 2, "inference 7 nets=mobilefacenet parts=throughput"),
            new Section(
                    "int8",
                    10,
                    true,
                    2,
                    "inference 3 nets=resnet34,iresnet50,mobilefacenet parts=throughput peers=prepared,int8"),
            new Section(
                    "imported",
                    5,
                    true,
                    2,
                    "inference 3 nets=resnet34,iresnet50,mobilefacenet batches=1,16 parts=throughput peers=imported"),
            new Section(
                    "latency", 14, true, 2, "inference 7 nets=resnet34,mobilefacenet,iresnet50 parts=latency,start"),
            new Section("photographs", 4, true, 2, "photographs {yunet} {lfw} 5 20000"),
            new Section("exports", 4, false, 2, "exports"),
            new Section("heads", 16, true, 2, "heads 7"),
            new Section("gallery", 10, true, 3, "gallery 7 1000000 100000"),
            new Section("gallery-million", 15, false, 3, "gallery 3 0 1000000"),
            new Section("gallery-large", 15, false, 2, "gallery-large"),
            new Section("gallery-database", 6, false, 2, "gallery-database {database}"),
            new Section("accuracy", 8, false, 2, "accuracy {mobilefacenet} {yunet} {lfw} {celeba-ir} {orl} {celeba}"),
            new Section("fine-tuning", 15, false, 2, "fine-tuning {mobilefacenet} {celeba}"),
            new Section("losses", 30, false, 2, "losses {orl}"),
            new Section("serve", 8, true, 2, "serve {mobilefacenet} {yunet} {lfw}"),
            new Section("recognition", 4, true, 2, "recognition {yunet} {mobilefacenet} {lfw} 5 int8"));

    private final Path root;
    private final Path results;

    /** @param root of the repository */
    AllBenchmarks(Path root) {
        this.root = root;
        this.results = root.resolve("benchmarks").resolve("results");
    }

    /** Runs what is not measured yet and writes the tables. */
    static void run(String[] args) throws IOException, InterruptedException {
        new AllBenchmarks(Path.of("")).runAll(args);
    }

    void runAll(String[] args) throws IOException, InterruptedException {
        AllArguments arguments = arguments(args);
        Figures.requireRoot(root);
        Map<String, String> data = arguments.values();
        Set<String> names = arguments.names();
        String tables = data.getOrDefault("tables", "");
        boolean measure = tables.isEmpty();
        String commit = measure ? Environment.commit() : tables;
        Set<String> commits = Set.of(commit.split(","));
        Map<Section, List<Run>> all = new LinkedHashMap<>();
        for (Section section : SECTIONS) {
            Optional<List<String>> words = measure ? section.commandLine(data) : Optional.of(List.of());
            if (words.isEmpty()) {
                System.out.printf("%s is left out: it needs %s%n", section.name, section.words);
                continue;
            }
            List<Run> ofSection = Stream.of(false, true)
                    .filter(busy -> section.speed || !busy)
                    .map(busy -> new Run(results, section, busy, words.get()))
                    .filter(run -> names.isEmpty() || names.contains(section.name) || names.contains(run.name()))
                    .toList();
            if (!ofSection.isEmpty()) {
                all.put(section, ofSection);
            }
        }
        List<Run> runs = all.values().stream().flatMap(List::stream).toList();
        List<String> failed = measure ? measure(runs, commit, Environment.machine()) : List.of();
        Set<String> measured = runs.stream()
                .map(Run::name)
                .filter(name -> failed.stream().noneMatch(failure -> failure.startsWith(name + " ")))
                .collect(Collectors.toSet());
        boolean onlyMeasured = measure && Environment.isChanged(commit);
        writeTables(
                all.keySet(),
                commit,
                run -> onlyMeasured ? measured.contains(run.name()) : ResultFile.isMeasured(run.file(), commits));
        if (!failed.isEmpty()) {
            throw new IOException("these measurements failed: " + String.join("; ", failed)
                    + "; run the same command again to repeat them");
        }
    }

    /** @throws IllegalArgumentException when an argument is wrong */
    AllArguments arguments(String[] args) {
        return AllArguments.parse(args, names(), keys());
    }

    private Set<String> names() {
        return SECTIONS.stream()
                .flatMap(section -> Stream.concat(
                        Stream.of(section.name), runs(section).stream().map(Run::name)))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static Set<String> keys() {
        return Stream.concat(SECTIONS.stream().flatMap(Section::keys), Stream.of("tables"))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Measures what is not measured yet, and returns what failed. */
    private List<String> measure(List<Run> runs, String commit, String machine)
            throws IOException, InterruptedException {
        String python = Environment.python();
        MeasuredState start = new MeasuredState(commit, Build.stamp(root));
        List<Run> open = runs.stream()
                .filter(run -> !ResultFile.isMeasured(run.file(), commit, machine, run.options(python)))
                .toList();
        if (!open.isEmpty()) {
            Build.requireCurrent(root); // now, not after hours
        }
        if (open.stream().anyMatch(run -> run.section.usesProgram())) {
            Program.requireJar();
            Build.requireCurrentExamples(root);
        }
        int minutes = open.stream().mapToInt(run -> run.section.minutes).sum();
        System.out.printf(
                "%d of %d measurements at commit %s are left, about %.1f hours%n",
                open.size(), runs.size(), commit, minutes / 60.0);
        List<String> failed = new ArrayList<>();
        for (Run run : open) {
            System.out.printf(
                    "%s, about %d minutes (%.1f hours left)%n", run.name(), run.section.minutes, minutes / 60.0);
            start.requireSame(MeasuredState.now(root), run.name());
            Build.requireCurrent(root);
            long began = System.nanoTime();
            try {
                String output = run.measure();
                start.requireSame(MeasuredState.now(root), run.name());
                run.keep(commit, machine, python, Math.round((System.nanoTime() - began) / 60e9), output);
            } catch (FailedRun e) { // the others are measured all the same
                System.out.println(e.getMessage());
                failed.add(e.getMessage());
            }
            minutes -= run.section.minutes;
        }
        return failed;
    }

    /**
     * Writes the tables of those benchmarks that are measured, and the summary if all that it uses are.
     *
     * @param isMeasured whether the result of a run may be used
     * @throws IllegalArgumentException when results of one table were measured on different machines, or at different
     *     commits, which only the summary may combine
     */
    private void writeTables(Set<Section> sections, String commit, Predicate<Run> isMeasured) throws IOException {
        List<Section> measured = SECTIONS.stream()
                .filter(section -> runs(section).stream().allMatch(isMeasured))
                .toList();
        for (Section section : sections) {
            if (measured.contains(section)) {
                requireOneMachine(Set.of(section.name)); // of all before the first is written
                ResultFile.requireOneCommit(
                        runs(section).stream().map(Run::file).toList());
            }
        }
        for (Section section : sections) {
            if (measured.contains(section)) {
                int readmes = Figures.write(root, section.name, markdown(runs(section)));
                System.out.printf("%s: written to %d README(s)%n", section.name, readmes);
            } else {
                System.out.printf("%s: not measured at commit %s%n", section.name, commit);
            }
        }
        writeSummary(measured.stream().map(Section::name).collect(Collectors.toSet()));
    }

    private void writeSummary(Set<String> measured) throws IOException {
        Summary summary = new Summary(results);
        if (measured.containsAll(Summary.SECTIONS)) {
            requireOneMachine(Summary.SECTIONS);
            int readmes = Figures.write(root, Summary.NAME, summary.markdown());
            System.out.printf("%s: written to %d README(s)%n", Summary.NAME, readmes);
        }
        if (measured.containsAll(Summary.DRAWN)) {
            requireOneMachine(Summary.DRAWN);
            System.out.printf(
                    "%s: %s%n",
                    Summary.CHART,
                    summary.draw(root.resolve(Summary.CHART))
                            ? "drawn"
                            : "not drawn, because this Java runtime cannot draw text, as without fonts");
        }
    }

    private void requireOneMachine(Set<String> sections) throws IOException {
        ResultFile.requireOneMachine(SECTIONS.stream()
                .filter(section -> sections.contains(section.name))
                .flatMap(section -> runs(section).stream())
                .map(Run::file)
                .toList());
    }

    /** Returns all runs of a benchmark, to read their results. */
    private List<Run> runs(Section section) {
        return Stream.of(false, true)
                .filter(busy -> section.speed || !busy)
                .map(busy -> new Run(results, section, busy, List.of()))
                .toList();
    }

    private static String markdown(List<Run> runs) throws IOException {
        StringBuilder text = new StringBuilder();
        for (Run run : runs) {
            List<String> lines = Files.readAllLines(run.file());
            if (!run.busy) {
                String options = ResultFile.read(run.file()).options().orElse(run.section.options());
                text.append(lines.get(0))
                        .append("\n`")
                        .append(command(options.replaceFirst(";.*", "")))
                        .append('`')
                        .append(options.replaceFirst("[^;]*", ""))
                        .append("\n\n");
            } else {
                text.append("\nBeside one busy loop:\n\n");
            }
            text.append(Figures.tables(String.join("\n", lines.subList(1, lines.size()))))
                    .append('\n');
        }
        return text.toString();
    }

    /** Returns a command line as a README shows it: the one that was measured, which may have been another than now. */
    private static String command(String options) {
        int words = options.indexOf(' ') + 1;
        String heap = options.substring(0, words);
        return "java "
                + (heap.equals("-Xmx" + DEFAULT_HEAP_GIB + "g ") ? "" : heap)
                + "-jar benchmarks/target/benchmarks.jar "
                + options.substring(words).replaceAll("[{}]", "").toLowerCase(Locale.ROOT);
    }

    /** One benchmark on an idle machine or beside a busy loop. */
    private record Run(Path results, Section section, boolean busy, List<String> words) {
        String name() {
            return section.name + (busy ? "-busy" : "-idle");
        }

        Path file() {
            return results.resolve(name() + ".md");
        }

        /** Returns what it is measured with: the command line, without the paths of data, and Python. */
        String options(String python) {
            return section.options() + "; " + python;
        }

        /**
         * Runs the benchmark and returns what it prints.
         *
         * @throws FailedRun when it ends with an error
         */
        String measure() throws IOException, InterruptedException {
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            String classPath = System.getProperty("java.class.path");
            List<String> command = new ArrayList<>(List.of(java, "-Xmx" + section.heapGib + "g"));
            Optional.ofNullable(System.getProperty("python")).ifPresent(file -> command.add("-Dpython=" + file));
            command.addAll(List.of("-cp", classPath, Main.class.getName()));
            command.addAll(words);
            return BenchmarkProcess.run(name(), command, busy ? 1 : 0);
        }

        void keep(String commit, String machine, String python, long minutes, String output) throws IOException {
            String result = String.format(
                    Locale.ROOT,
                    "Commit %s, %s, %s; %d min.%s%n%s%s%n%s",
                    commit,
                    machine,
                    Environment.today(),
                    minutes,
                    output.contains("(min to max)") ? " Median (minimum to maximum)." : "",
                    ResultFile.OPTIONS,
                    options(python),
                    output);
            AtomicFile.write(file(), result.getBytes(StandardCharsets.UTF_8));
        }
    }
}
