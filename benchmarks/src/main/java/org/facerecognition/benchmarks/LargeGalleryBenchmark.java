package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.SearchMethod;

/**
 * Measures a gallery whose embeddings stay in its file, {@link SearchMethod#ON_DISK}, at growing sizes: enrolling,
 * opening, memory, and searching with the file in the page cache and without. Embeddings are those of {@link
 * GalleryBenchmark}; what the nearest entry of a probe is, is known from how they are made.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar gallery-large [FOLDER [N ...]]}; the default is a
 * temporary folder and 1, 3 and 10 million entries, which take 21 GB. Every step runs in a process of its own, with a
 * heap of 1 GiB, so that its memory can be told.
 */
final class LargeGalleryBenchmark {
    private static final List<String> DEFAULT_SIZES = List.of("1000000", "3000000", "10000000");
    private static final int WARM_UP = 200;
    private static final int EF_SEARCH = 64;

    private LargeGalleryBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        Path folder = args.length > 0 ? Path.of(args[0]) : Files.createTempDirectory("large-gallery");
        Files.createDirectories(folder);
        Path file = folder.resolve("large.gallery");
        Files.deleteIfExists(file);
        List<String> sizes = args.length > 1 ? List.of(args).subList(1, args.length) : DEFAULT_SIZES;
        List<String> rows = new ArrayList<>();
        String before = "0";
        for (String size : sizes) {
            String enrolling = child("enroll", file.toString(), before, size);
            evict(file);
            String cold = child("search", file.toString(), size, "0");
            String warm = child("search", file.toString(), size, Integer.toString(WARM_UP));
            rows.add("| " + size + " | " + enrolling + " | " + warm + " | " + cold + " |");
            before = size;
        }
        System.out.printf(
                "%n| entries | enrolled/s | closing, s | opening, s | resident of it heap and native, MiB"
                        + " | identity found | entry found | p50, ms | p99, ms | probes/s, batched"
                        + " | the same cold: opening, s | MiB | identity | entry | p50, ms | p99, ms | probes/s |%n%s%n",
                "|---".repeat(17) + "|");
        rows.forEach(System.out::println);
        if (args.length == 0) {
            try (var files = Files.list(folder)) {
                for (Path one : files.toList()) {
                    Files.delete(one);
                }
            }
            Files.delete(folder);
        }
    }

    /** Removes a file from the page cache, if GNU dd is there. */
    private static void evict(Path file) throws IOException, InterruptedException {
        new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }

    /** Runs a step in a process and returns the last line that it prints. */
    private static String child(String... args) throws IOException, InterruptedException {
        List<String> command = Child.javaCommand(LargeGalleryBenchmark.class);
        command.add(1, "-Xmx1g");
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        String output;
        try (InputStream in = process.getInputStream()) {
            output = new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", args) + " ended with status " + process.exitValue());
        }
        String line = output.substring(output.lastIndexOf('\n') + 1);
        System.out.println(String.join(" ", args) + ": " + line);
        return line;
    }

    // ---- steps ----

    /** Runs one step. */
    public static void main(String[] args) throws IOException {
        Locale.setDefault(Locale.ROOT);
        Path file = Path.of(args[1]);
        if (args[0].equals("enroll")) {
            enroll(file, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
        } else {
            search(file, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
        }
    }

    private static Gallery open(Path file) {
        return Gallery.open(file, "random", GalleryBenchmark.DIMENSION, SearchMethod.ON_DISK);
    }

    private static void enroll(Path file, int from, int to) {
        double[] seconds = new double[1];
        Gallery gallery = open(file);
        GalleryBenchmark.forBatches(from, to, batch -> {
            long start = System.nanoTime();
            gallery.enroll(batch);
            seconds[0] += (System.nanoTime() - start) / 1e9;
        });
        long start = System.nanoTime();
        gallery.close();
        System.out.printf("%.0f | %.1f%n", (to - from) / seconds[0], (System.nanoTime() - start) / 1e9);
    }

    private static void search(Path file, int n, int warmUp) throws IOException {
        long start = System.nanoTime();
        try (Gallery gallery = open(file)) {
            double opening = (System.nanoTime() - start) / 1e9;
            gallery.setEfSearch(EF_SEARCH);
            List<float[]> probes = GalleryBenchmark.probes(n);
            for (int i = 0; i < warmUp; i++) {
                probes.forEach(probe -> gallery.identify(probe, 1, -1));
                i += probes.size() - 1;
            }
            double[] ms = new double[probes.size()];
            int identities = 0;
            int entries = 0;
            for (int i = 0; i < ms.length; i++) {
                start = System.nanoTime();
                Match found = gallery.identify(probes.get(i), 1, -1).best().orElseThrow();
                ms[i] = (System.nanoTime() - start) / 1e6;
                int person = GalleryBenchmark.personOfProbe(i, n);
                identities += found.identity().equals("person " + person) ? 1 : 0;
                entries += Objects.equals(found.note(), "image " + GalleryBenchmark.nearest(probes.get(i), person))
                        ? 1
                        : 0;
            }
            Arrays.sort(ms);
            start = System.nanoTime();
            gallery.identify(probes, 1, -1);
            double batched = ms.length / ((System.nanoTime() - start) / 1e9);
            System.out.printf(
                    "%.1f | %.0f, %.0f | %.3f | %.3f | %.1f | %.1f | %.0f%n",
                    opening,
                    ProcessMemory.residentMib(),
                    ProcessMemory.anonymousMib(),
                    (double) identities / ms.length,
                    (double) entries / ms.length,
                    ms[ms.length / 2],
                    ms[ms.length * 99 / 100],
                    batched);
        }
    }
}
