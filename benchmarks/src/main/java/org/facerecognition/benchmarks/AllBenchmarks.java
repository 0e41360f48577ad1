package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Measures everything that the READMEs say about speed and accuracy, at one commit and on one machine, and writes their
 * tables. Each benchmark runs in a process of its own, those of speed twice: on an idle machine, and beside a program
 * that keeps one processor busy.
 *
 * <p>Run in the root of a clone: {@code java -jar benchmarks/target/benchmarks.jar all [NAME ...] [orl=DIR]
 * [celeba=DIR] [celeba-ir=DIR] [lfw=DIR] [mobilefacenet=FILE] [yunet=FILE] [database=URL] [tables=COMMIT]}; by default
 * all benchmarks whose data is given, which takes hours. A NAME is that of a benchmark, or of one of its two runs, such
 * as {@code training-busy}; tables are written once both are measured. Results are kept in
 * {@code benchmarks/results}. A run that was interrupted continues: results of the same commit are not measured again.
 * {@code tables=COMMIT} measures nothing and writes the tables from the results of that commit, named as in their first
 * lines.
 */
final class AllBenchmarks {
    private static final Path RESULTS = Path.of("benchmarks/results");

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

        /** Returns whether it runs the program of the examples. */
        boolean usesProgram() {
            return name.equals("accuracy") || name.equals("fine-tuning") || name.equals("serve");
        }

        /** Returns the command line as a README shows it. */
        String shown() {
            return "java" + (heapGib == DEFAULT_HEAP_GIB ? "" : " -Xmx" + heapGib + "g")
                    + " -jar benchmarks/target/benchmarks.jar "
                    + words.replace("{", "").replace("}", "").toLowerCase(Locale.ROOT);
        }
    }

    private static final int DEFAULT_HEAP_GIB = 2;

    private static final List<Section> SECTIONS = List.of(
            new Section("training", 5, true, 2, "training 3 8"),
            new Section("distributed", 8, true, 2, "distributed"),
            new Section("loading", 5, true, 2, "loading 3 {celeba}"),
            new Section("weights", 2, true, 2, "weights"),
            new Section("inference-resnet34", 8, true, 2, "inference 3 nets=resnet34 parts=throughput"),
            new Section("inference-mobilefacenet", 8, true, 2, "inference 3 nets=mobilefacenet parts=throughput"),
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
            new Section("latency", 8, true, 2, "inference 2 nets=resnet34,mobilefacenet,iresnet50 parts=latency,start"),
            new Section("photographs", 4, true, 2, "photographs {yunet} {lfw} 5 20000"),
            new Section("exports", 4, false, 2, "exports"),
            new Section("heads", 8, true, 2, "heads 3"),
            new Section("gallery", 8, true, 3, "gallery 3 1000000 100000"),
            new Section("gallery-million", 15, false, 3, "gallery 3 0 1000000"),
            new Section("gallery-large", 15, false, 2, "gallery-large"),
            new Section("gallery-database", 6, false, 2, "gallery-database {database}"),
            new Section("accuracy", 8, false, 2, "accuracy {mobilefacenet} {yunet} {lfw} {celeba-ir} {orl} {celeba}"),
            new Section("fine-tuning", 15, false, 2, "fine-tuning {mobilefacenet} {celeba}"),
            new Section("losses", 40, false, 2, "losses {orl}"),
            new Section("serve", 8, true, 2, "serve {mobilefacenet} {yunet} {lfw}"),
            new Section("recognition", 4, true, 2, "recognition {yunet} {mobilefacenet} {lfw} 5 int8"));

    private AllBenchmarks() {}

    /** Runs what is not measured yet and writes the tables. */
    static void run(String[] args) throws IOException, InterruptedException {
        Map<String, String> data = Arrays.stream(args)
                .filter(word -> word.contains("="))
                .map(word -> word.split("=", 2))
                .collect(Collectors.toMap(word -> word[0], word -> word[1]));
        List<String> names =
                Arrays.stream(args).filter(word -> !word.contains("=")).toList();
        String tables = data.getOrDefault("tables", "");
        boolean measure = tables.isEmpty();
        String commit = measure ? Environment.commit() : tables;
        Map<Section, List<Run>> all = new LinkedHashMap<>();
        for (Section section : SECTIONS) {
            Optional<List<String>> words = measure ? section.commandLine(data) : Optional.of(List.of());
            if (words.isEmpty()) {
                System.out.printf("%s is left out: it needs %s%n", section.name, section.words);
                continue;
            }
            List<Run> ofSection = Stream.of(false, true)
                    .filter(busy -> section.speed || !busy)
                    .map(busy -> new Run(section, busy, words.get()))
                    .filter(run -> names.isEmpty() || names.contains(section.name) || names.contains(run.name()))
                    .toList();
            if (!ofSection.isEmpty()) {
                all.put(section, ofSection);
            }
        }
        if (measure) {
            measure(all.values().stream().flatMap(List::stream).toList(), commit);
        }
        writeTables(all.keySet(), commit);
    }

    private static void measure(List<Run> runs, String commit) throws IOException, InterruptedException {
        List<Run> open = runs.stream().filter(run -> !run.isMeasuredAt(commit)).toList();
        if (open.stream().anyMatch(run -> run.section.usesProgram())) {
            Program.requireJar(); // now, not after hours
        }
        int minutes = open.stream().mapToInt(run -> run.section.minutes).sum();
        System.out.printf(
                "%d of %d measurements at commit %s are left, about %.1f hours%n",
                open.size(), runs.size(), commit, minutes / 60.0);
        for (Run run : open) {
            System.out.printf(
                    "%s, about %d minutes (%.1f hours left)%n", run.name(), run.section.minutes, minutes / 60.0);
            run.measure(commit);
            minutes -= run.section.minutes;
        }
    }

    /** Writes the tables of those benchmarks that are measured at a commit, and the summary if all that it uses are. */
    private static void writeTables(Set<Section> sections, String commit) throws IOException {
        for (Section section : sections) {
            if (isMeasuredAt(section, commit)) {
                int readmes = Figures.write(Path.of(""), section.name, markdown(runs(section)));
                System.out.printf("%s: written to %d README(s)%n", section.name, readmes);
            } else {
                System.out.printf("%s: not measured at commit %s%n", section.name, commit);
            }
        }
        Set<String> measured = SECTIONS.stream()
                .filter(section -> isMeasuredAt(section, commit))
                .map(Section::name)
                .collect(Collectors.toSet());
        Summary summary = new Summary(RESULTS);
        if (measured.containsAll(Summary.DRAWN)) {
            summary.draw(Summary.CHART);
            System.out.printf("%s: drawn%n", Summary.CHART);
        }
        if (measured.containsAll(Summary.SECTIONS)) {
            int readmes = Figures.write(Path.of(""), Summary.NAME, summary.markdown());
            System.out.printf("%s: written to %d README(s)%n", Summary.NAME, readmes);
        }
    }

    /** Returns all runs of a benchmark, to read their results. */
    private static List<Run> runs(Section section) {
        return Stream.of(false, true)
                .filter(busy -> section.speed || !busy)
                .map(busy -> new Run(section, busy, List.of()))
                .toList();
    }

    private static boolean isMeasuredAt(Section section, String commit) {
        return runs(section).stream().allMatch(run -> run.isMeasuredAt(commit));
    }

    private static String markdown(List<Run> runs) throws IOException {
        StringBuilder text = new StringBuilder();
        for (Run run : runs) {
            List<String> lines = Files.readAllLines(run.file());
            if (!run.busy) {
                text.append(lines.get(0))
                        .append("\n`")
                        .append(run.section.shown())
                        .append("`\n\n");
            } else {
                text.append("\nBeside one busy loop:\n\n");
            }
            text.append(Figures.tables(String.join("\n", lines.subList(1, lines.size()))))
                    .append('\n');
        }
        return text.toString();
    }

    /** One benchmark on an idle machine or beside a busy loop. */
    private record Run(Section section, boolean busy, List<String> words) {
        String name() {
            return section.name + (busy ? "-busy" : "-idle");
        }

        Path file() {
            return RESULTS.resolve(name() + ".md");
        }

        boolean isMeasuredAt(String commit) {
            try (var lines = Files.lines(file())) {
                return lines.findFirst().orElse("").startsWith("Commit " + commit + ",");
            } catch (IOException e) {
                return false;
            }
        }

        /** Runs the benchmark and keeps what it prints. */
        void measure(String commit) throws IOException, InterruptedException {
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            String classPath = System.getProperty("java.class.path");
            List<String> command = new ArrayList<>(List.of(java, "-Xmx" + section.heapGib + "g"));
            Optional.ofNullable(System.getProperty("python")).ifPresent(file -> command.add("-Dpython=" + file));
            command.addAll(List.of("-cp", classPath, Main.class.getName()));
            command.addAll(words);
            long start = System.nanoTime();
            String output;
            try (Neighbors neighbors = new Neighbors(busy ? 1 : 0)) {
                Process process = new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
                Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
                output = echoed(process.getInputStream());
                int status = process.waitFor();
                if (status != 0) {
                    throw new IOException(name() + " ended with status " + status
                            + "; run the same command again to continue with it");
                }
            }
            Files.createDirectories(RESULTS);
            Path part = RESULTS.resolve(name() + ".part");
            Files.writeString(
                    part,
                    String.format(
                            Locale.ROOT,
                            "Commit %s, %s, %s; %d min. Median (minimum to maximum).%n%s",
                            commit,
                            Environment.machine(),
                            Environment.today(),
                            Math.round((System.nanoTime() - start) / 60e9),
                            output));
            Files.move(part, file(), StandardCopyOption.ATOMIC_MOVE);
        }

        private static String echoed(InputStream stream) throws IOException {
            StringBuilder all = new StringBuilder();
            byte[] buffer = new byte[8192];
            for (int n; (n = stream.read(buffer)) > 0; ) {
                String text = new String(buffer, 0, n, StandardCharsets.UTF_8);
                System.out.print(text);
                all.append(text);
            }
            return all.toString();
        }
    }
}
