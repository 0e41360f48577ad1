package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.SearchMethod;

/**
 * Measures a gallery whose embeddings stay in its file, {@link SearchMethod#ON_DISK}, at growing sizes: enrolling,
 * opening with its index and without, memory, removing, compacting, and searching with the file in the page cache and
 * without. Embeddings are those of {@link GalleryBenchmark}; which entry is nearest to a probe is known from how they
 * are made.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar gallery-large [FOLDER [N ...]]}; the default is a
 * temporary folder and 1, 3 and 10 million entries, which take 21 GB there, twice that
 * while they are compacted. Every step runs in a process of its own,
 * with a heap of 1 GiB, so that its memory can be told. GNU's dd removes the file from the page cache.
 */
final class LargeGalleryBenchmark {
    private static final List<String> DEFAULT_SIZES = List.of("1000000", "3000000", "10000000");
    private static final int EF_SEARCH = 64;
    private static final int REMOVED_PEOPLE = 100;

    private LargeGalleryBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 0) {
            try (TemporaryFolder folder = TemporaryFolder.create("large-gallery")) {
                measure(folder.path(), DEFAULT_SIZES);
            }
        } else {
            List<String> sizes = args.length > 1 ? sizes(args) : DEFAULT_SIZES; // before a folder is made
            measure(Files.createDirectories(Path.of(args[0])), sizes);
        }
    }

    /** Returns the sizes after the folder, which must grow. */
    static List<String> sizes(String[] args) {
        int least = GalleryBenchmark.MIN_ENTRIES;
        for (String word : List.of(args).subList(1, args.length)) {
            least = Arguments.atLeast(least, "N", word) + 1;
        }
        return List.of(args).subList(1, args.length);
    }

    private static void measure(Path folder, List<String> sizes) throws IOException, InterruptedException {
        Path file = folder.resolve("large.gallery");
        Path index = index(file);
        Map<String, List<String>> rows = new LinkedHashMap<>();
        String before = "0";
        Files.deleteIfExists(file);
        Files.deleteIfExists(index);
        for (String size : sizes) {
            add(rows, "", child("enroll", file, before, size));
            evict(file);
            add(rows, ", file not in the page cache", child("search", file, size, "cold"));
            add(rows, "", child("search", file, size, "warm"));
            add(rows, "", child("compact", file, size));
            Files.delete(index);
            add(rows, ", without its index", child("open", file, size));
            before = size;
        }
        System.out.print("\n| Entries of 512 values, ten an identity |");
        sizes.forEach(size -> System.out.printf(" %,d |", Integer.parseInt(size)));
        System.out.println("\n|---|" + "---|".repeat(sizes.size()));
        rows.forEach((name, values) -> System.out.println("| " + name + " | " + String.join(" | ", values) + " |"));
    }

    /** @param measured lines of a name and a value, separated by a tab */
    private static void add(Map<String, List<String>> rows, String suffix, List<String> measured) {
        for (String line : measured) {
            String[] parts = line.split("\t");
            rows.computeIfAbsent(parts[0] + suffix, name -> new ArrayList<>()).add(parts[1]);
        }
    }

    private static Path index(Path file) {
        return file.resolveSibling(file.getFileName() + ".index");
    }

    private static double gigabytes(Path file) throws IOException {
        return Files.size(file) / 1e9;
    }

    /** Removes a file from the page cache. */
    private static void evict(Path file) throws IOException, InterruptedException {
        int status = new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("dd could not remove " + file + " from the page cache (status " + status
                    + "), so that searching without it cannot be measured; install GNU's dd");
        }
    }

    /** Runs a step in a process and returns the lines with a tab that it prints. */
    private static List<String> child(String step, Path file, String... more) throws IOException, InterruptedException {
        List<String> command = Child.javaCommand(LargeGalleryBenchmark.class);
        command.add(1, "-Xmx1g");
        command.add(step);
        command.add(file.toString());
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        List<String> lines;
        try (InputStream in = process.getInputStream()) {
            lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.contains("\t"))
                    .toList();
        }
        if (process.waitFor() != 0) {
            throw new IOException(step + " ended with status " + process.exitValue());
        }
        System.out.println(step + " " + String.join(" ", more) + ": " + lines);
        return lines;
    }

    // ---- steps ----

    /** Runs one step. */
    public static void main(String[] args) throws IOException {
        Locale.setDefault(Locale.ROOT);
        Path file = Path.of(args[1]);
        switch (args[0]) {
            case "enroll" -> enroll(file, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
            case "compact" -> compact(file, Integer.parseInt(args[2]));
            case "search" -> search(file, Integer.parseInt(args[2]), args[3].equals("warm"));
            default -> open(file).close();
        }
    }

    private static void print(String name, String format, Object... values) {
        System.out.printf(name + "\t" + format + "%n", values);
    }

    private static Gallery open(Path file) {
        long start = System.nanoTime();
        Gallery gallery = Gallery.open(file, "random", GalleryBenchmark.DIMENSION, SearchMethod.ON_DISK);
        if (gallery.size() > 0) {
            print("opening, s", "%.1f", (System.nanoTime() - start) / 1e9);
        }
        return gallery;
    }

    /** Enrolls and removes further people, and rewrites the file without them. */
    private static void compact(Path file, int n) throws IOException {
        try (Gallery gallery = Gallery.open(file, "random", GalleryBenchmark.DIMENSION, SearchMethod.ON_DISK)) {
            List<String> people = new ArrayList<>();
            GalleryBenchmark.forBatches(n, n + 10 * REMOVED_PEOPLE, batch -> {
                gallery.enroll(batch);
                batch.stream().map(Enrollment::identity).distinct().forEach(people::add);
            });
            ProcessMemory.resetPeak();
            long start = System.nanoTime();
            people.forEach(gallery::remove);
            print("a person removed and erased in, ms", "%.1f", (System.nanoTime() - start) / 1e6 / people.size());
            start = System.nanoTime();
            gallery.compact();
            print("compacted in, s", "%.1f", (System.nanoTime() - start) / 1e9);
            print("resident memory while compacting, at most, MiB", "%.0f", ProcessMemory.peakMib());
        }
    }

    private static void enroll(Path file, int from, int to) throws IOException {
        double[] seconds = new double[1];
        Gallery gallery = Gallery.open(file, "random", GalleryBenchmark.DIMENSION, SearchMethod.ON_DISK);
        GalleryBenchmark.forBatches(from, to, batch -> {
            long start = System.nanoTime();
            gallery.enroll(batch);
            seconds[0] += (System.nanoTime() - start) / 1e9;
        });
        print("enrolled per second, in batches of 10,000", "%,.0f", (to - from) / seconds[0]);
        long start = System.nanoTime();
        gallery.close();
        print("closing, s", "%.1f", (System.nanoTime() - start) / 1e9);
        print("file and index, GB", "%.2f, %.2f", gigabytes(file), gigabytes(index(file)));
    }

    private static void search(Path file, int n, boolean warm) throws IOException {
        try (Gallery gallery = open(file)) {
            gallery.setEfSearch(EF_SEARCH);
            List<float[]> probes = GalleryBenchmark.probes(n);
            if (warm) {
                probes.forEach(probe -> gallery.identify(probe, 1, -1));
            }
            double[] ms = new double[probes.size()];
            int found = 0;
            for (int i = 0; i < ms.length; i++) {
                long start = System.nanoTime();
                Match match = gallery.identify(probes.get(i), 1, -1).best().orElseThrow();
                ms[i] = (System.nanoTime() - start) / 1e6;
                int nearest = GalleryBenchmark.nearest(probes.get(i), GalleryBenchmark.personOfProbe(i, n));
                found += Objects.equals(match.note(), "image " + nearest) ? 1 : 0;
            }
            Arrays.sort(ms);
            print("one probe, p50 and p99, ms", "%.1f, %.1f", ms[ms.length / 2], ms[ms.length * 99 / 100]);
            if (warm) {
                long start = System.nanoTime();
                gallery.identify(probes, 1, -1);
                print("probes per second, 1,000 together", "%.0f", ms.length / ((System.nanoTime() - start) / 1e9));
                print("probes whose nearest entry was found", "%.3f", (double) found / ms.length);
                print("resident memory, MiB (heap of 1 GiB)", "%.0f", ProcessMemory.residentMib());
            }
        }
    }
}
