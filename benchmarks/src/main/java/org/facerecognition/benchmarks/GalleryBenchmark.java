package org.facerecognition.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.gallery.SearchMethod;

/**
 * Measures searching a gallery. The first part compares exact search with a bare matrix product over one tensor of the
 * same embeddings, and with merely reading that tensor. The second part measures approximate search, by codes and by a
 * graph, and how often it misses the nearest entry.
 *
 * <p>Run with {@code java -Xmx3g -jar benchmarks/target/benchmarks.jar gallery [ROUNDS [N [N_APPROXIMATE]]]}. The
 * default is 7 rounds, 1,000,000 entries in the first part and 100,000 in the second, of 512 values each. A number of 0
 * skips its part. The benchmark needs 4 GB in addition to the heap, or 7 GB for 1,000,000 entries in the second part.
 * {@link GalleryDatabaseBenchmark} measures galleries in a database.
 */
/*
 * The embeddings are random, with ten images of each identity. An identity is a random direction whose i-th value has
 * the standard deviation (1 + i)^-0.25. The cosines of different identities then have a standard deviation of 0.06, as
 * those of face models with 512 values have; for isotropic directions it would be 1/sqrt(512) = 0.044. An image is its
 * identity's direction plus another random direction of the same kind, weighted so that the cosine of two images of one
 * identity is 0.6. Probes are further images of the identities.
 */
final class GalleryBenchmark {
    static final int DIMENSION = 512;
    static final int MIN_ENTRIES = 100; // ten identities, as many as a search for the top 10 finds
    private static final int IMAGES_PER_IDENTITY = 10;
    private static final int TOP_K = 10;
    private static final int EXACT_PROBES = 64;
    private static final int APPROXIMATE_PROBES = 1_000;
    private static final int[] SCAN_WIDTHS = {16, 64, 256};
    private static final int[] GRAPH_WIDTHS = {32, 64, 128, 256, 512, 1024};
    private static final int ENROLLMENT_BATCH = 10_000;
    private static final double SPECTRUM = Double.parseDouble(System.getProperty("spectrum", "0.25"));
    private static final double GENUINE_COSINE = 0.6;
    private static final double ROUND_MS = 1_000; // of each contestant
    private static final int MIN_FOR_P99 = 100; // of fewer durations it is the maximum

    private static final float[] STD = new float[DIMENSION]; // of each value of a direction

    static {
        for (int i = 0; i < DIMENSION; i++) {
            STD[i] = (float) Math.pow(1 + i, -SPECTRUM);
        }
    }

    private GalleryBenchmark() {}

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) {
        Arguments arguments = new Arguments(args);
        int rounds = arguments.number(0, "ROUNDS", 1, 7);
        int exact = entries(arguments.number(1, "N", 0, 1_000_000), "N");
        int approximate = entries(arguments.number(2, "N_APPROXIMATE", 0, 100_000), "N_APPROXIMATE");
        describe();
        if (exact > 0) {
            exact(rounds, exact);
        }
        if (approximate > 0) {
            approximate(approximate);
        }
    }

    private static int entries(int n, String name) {
        if (n > 0 && n < MIN_ENTRIES) {
            throw new ArgumentException(name + " must be 0 or at least " + MIN_ENTRIES + ", but was " + n);
        }
        return n;
    }

    /** Prints the distributions of genuine and impostor cosines. */
    private static void describe() {
        double genuine = 0;
        double impostorSquares = 0;
        int pairs = 2_000;
        for (int i = 0; i < pairs; i++) {
            float[] a = embedding(i, 0);
            genuine += dot(a, embedding(i, 1)) / pairs;
            impostorSquares += Math.pow(dot(a, embedding(i + pairs, 0)), 2) / pairs;
        }
        System.out.printf(
                "random embeddings: mean genuine cosine %.3f, standard deviation of impostor cosines %.3f%n",
                genuine, Math.sqrt(impostorSquares));
    }

    // ---- exact search ----

    private interface Search {
        void run();
    }

    private static void exact(int rounds, int n) {
        try (Gallery gallery = Gallery.inMemory("random", DIMENSION);
                PointerScope scope = new PointerScope()) {
            Tensor embeddings = torch.empty(n, DIMENSION); // [N, D]
            FloatPointer values = embeddings.data_ptr_float();
            long start = System.nanoTime();
            forBatches(n, batch -> {
                gallery.enroll(batch);
                for (Enrollment enrollment : batch) {
                    values.put(enrollment.embedding()).position(values.position() + DIMENSION);
                }
            });
            System.out.printf("generated and enrolled %,d entries in %.0f s%n", n, (System.nanoTime() - start) / 1e9);
            List<float[]> probes = IntStream.range(0, EXACT_PROBES)
                    .mapToObj(i -> embedding(i * 7919 % (n / IMAGES_PER_IDENTITY), IMAGES_PER_IDENTITY))
                    .toList();
            Tensor x = torch.empty(EXACT_PROBES, DIMENSION); // [64, D]
            FloatPointer rows = x.data_ptr_float();
            probes.forEach(probe -> rows.put(probe).position(rows.position() + DIMENSION));
            Tensor first = x.select(0, 0); // [D]
            Map<String, Search> contestants = new LinkedHashMap<>();
            contestants.put(
                    "reading only: the sum of all values",
                    () -> torch.sum(embeddings).item_float());
            contestants.put(
                    "bare product, 1 probe", () -> torch.mv(embeddings, first).numel());
            contestants.put(
                    "bare product and top 10, 1 probe",
                    () -> torch.topk(torch.mv(embeddings, first), TOP_K).get0().numel());
            contestants.put("Gallery.identify, 1 probe", () -> gallery.identify(probes.get(0), TOP_K, 0.3));
            contestants.put(
                    "bare product, 64 probes", () -> torch.mm(x, embeddings.t()).numel());
            contestants.put(
                    "bare product and top 10, 64 probes",
                    () -> torch.topk(torch.mm(x, embeddings.t()), TOP_K).get0().numel());
            contestants.put("Gallery.identify, 64 probes", () -> gallery.identify(probes, TOP_K, 0.3));
            printTable(contestants, rounds, n);
        }
    }

    private static void printTable(Map<String, Search> contestants, int rounds, int n) {
        Map<String, Integer> calls = new LinkedHashMap<>();
        contestants.forEach((name, search) -> {
            milliseconds(search, 1); // warm up
            calls.put(name, (int) Math.max(1, Math.round(ROUND_MS / milliseconds(search, 1))));
        });
        Map<String, List<Double>> times = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            contestants.forEach((name, search) -> times.computeIfAbsent(name, first -> new ArrayList<>())
                    .add(milliseconds(search, Objects.requireNonNull(calls.get(name)))));
        }
        double bytes = (double) n * DIMENSION * Float.BYTES;
        System.out.printf(
                "%n| %,d x %d, float32 | ms, median (min to max) | GB/s read |%n|---|---|---|%n", n, DIMENSION);
        times.forEach((name, ms) -> System.out.printf(
                "| %s | %.1f (%.1f to %.1f) | %.1f |%n",
                name,
                Rounds.median(ms),
                ms.stream().min(Double::compare).orElseThrow(),
                ms.stream().max(Double::compare).orElseThrow(),
                bytes / 1e6 / Rounds.median(ms)));
        System.out.println();
        for (String count : List.of("1 probe", "64 probes")) {
            List<Double> gallery = of(times, "Gallery.identify, " + count);
            System.out.printf(
                    "speed of Gallery.identify, %s: %.2f times the bare product with top 10,"
                            + " %.2f times the product alone%n",
                    count,
                    ratio(of(times, "bare product and top 10, " + count), gallery),
                    ratio(of(times, "bare product, " + count), gallery));
        }
    }

    private static List<Double> of(Map<String, List<Double>> times, String contestant) {
        return Objects.requireNonNull(times.get(contestant), contestant);
    }

    private static double ratio(List<Double> bare, List<Double> gallery) {
        return Rounds.median(IntStream.range(0, gallery.size())
                .mapToObj(i -> bare.get(i) / gallery.get(i))
                .toList());
    }

    /** Returns how long a search takes, on average over some calls: a single one is at the mercy of the machine. */
    private static double milliseconds(Search search, int calls) {
        long start = System.nanoTime();
        for (int call = 0; call < calls; call++) {
            try (PointerScope scope = new PointerScope()) {
                search.run();
            }
        }
        return (System.nanoTime() - start) / 1e6 / calls;
    }

    // ---- approximate search ----

    private static void approximate(int n) {
        try (Gallery exact = Gallery.inMemory("random", DIMENSION);
                Gallery codes = Gallery.inMemory("random", DIMENSION, SearchMethod.RABITQ);
                Gallery graph = Gallery.inMemory("random", DIMENSION, SearchMethod.HNSW)) {
            Map<SearchMethod, Gallery> galleries = new EnumMap<>(
                    Map.of(SearchMethod.EXACT, exact, SearchMethod.RABITQ, codes, SearchMethod.HNSW, graph));
            Map<SearchMethod, Double> seconds = new EnumMap<>(SearchMethod.class);
            forBatches(
                    n,
                    batch -> galleries.forEach((method, gallery) -> {
                        long start = System.nanoTime();
                        gallery.enroll(batch);
                        seconds.merge(method, (System.nanoTime() - start) / 1e9, Double::sum);
                    }));
            String each = seconds.entrySet().stream()
                    .map(one -> "%s %.2f".formatted(one.getKey(), one.getValue()))
                    .collect(Collectors.joining(", "));
            System.out.printf("%n%,d entries; seconds to enroll them: %s%n%n", n, each);
            List<float[]> probes = probes(n);
            List<Outcome> truth = exact.identify(probes, TOP_K, -1);
            printHead();
            for (SearchMethod method : List.of(SearchMethod.RABITQ, SearchMethod.HNSW)) {
                Gallery gallery = method == SearchMethod.RABITQ ? codes : graph;
                probes.forEach(probe -> gallery.identify(probe, 1, -1)); // warm up
                for (int width : method == SearchMethod.RABITQ ? SCAN_WIDTHS : GRAPH_WIDTHS) {
                    gallery.setEfSearch(width);
                    printRow(gallery, method + ", efSearch " + width, probes, truth);
                }
            }
        }
    }

    /** Returns further images of identities among n entries. */
    static List<float[]> probes(int n) {
        return IntStream.range(0, APPROXIMATE_PROBES)
                .mapToObj(i -> embedding(personOfProbe(i, n), IMAGES_PER_IDENTITY))
                .toList();
    }

    /** Returns the number of the person whose further image a probe is. */
    static int personOfProbe(int probe, int n) {
        return (int) (probe * 7919L % (n / IMAGES_PER_IDENTITY));
    }

    /** Returns the number of the image of a person, among all images, that is nearest to a probe. */
    static int nearest(float[] probe, int person) {
        int image = IntStream.range(0, IMAGES_PER_IDENTITY)
                .boxed()
                .max(Comparator.comparingDouble(one -> dot(probe, embedding(person, one))))
                .orElseThrow();
        return person * IMAGES_PER_IDENTITY + image;
    }

    static void printHead() {
        System.out.println(
                "| search | nearest entry found | its identity found | p50, us | p99, us | probes/s, batched |");
        System.out.println("|---|---|---|---|---|---|");
    }

    /** @param truth what an exact search finds; entries are compared by their notes */
    static void printRow(Gallery gallery, String name, List<float[]> probes, List<Outcome> truth) {
        double[] us = new double[probes.size()];
        int entriesFound = 0;
        int identitiesFound = 0;
        for (int i = 0; i < us.length; i++) {
            long start = System.nanoTime();
            Match found = gallery.identify(probes.get(i), 1, -1).best().orElseThrow();
            us[i] = (System.nanoTime() - start) / 1e3;
            Match best = truth.get(i).best().orElseThrow();
            entriesFound += Objects.equals(found.note(), best.note()) ? 1 : 0;
            identitiesFound += found.identity().equals(best.identity()) ? 1 : 0;
        }
        Arrays.sort(us);
        long start = System.nanoTime();
        gallery.identify(probes, 1, -1);
        System.out.printf(
                "| %s | %.3f | %.3f | %.0f | %s | %.0f |%n",
                name,
                (double) entriesFound / us.length,
                (double) identitiesFound / us.length,
                us[us.length / 2],
                p99(us),
                us.length / ((System.nanoTime() - start) / 1e9));
    }

    /** Returns the 99th percentile of sorted durations; a dash if there are too few. */
    static String p99(double[] sorted) {
        return sorted.length < MIN_FOR_P99 ? "–" : String.format(Locale.ROOT, "%.0f", sorted[sorted.length * 99 / 100]);
    }

    // ---- random embeddings ----

    interface BatchConsumer {
        void accept(List<Enrollment> enrollments);
    }

    /** Generates n enrollments in batches: ten images of the first person, then ten of the next, and so on. */
    static void forBatches(int n, BatchConsumer consumer) {
        forBatches(0, n, consumer);
    }

    /** Generates the enrollments from a number to another one, like {@link #forBatches(int, BatchConsumer)}. */
    static void forBatches(int first, int end, BatchConsumer consumer) {
        for (int from = first; from < end; from += ENROLLMENT_BATCH) {
            List<Enrollment> enrollments = IntStream.range(from, Math.min(end, from + ENROLLMENT_BATCH))
                    .parallel()
                    .mapToObj(GalleryBenchmark::enrollment)
                    .toList();
            consumer.accept(enrollments);
        }
    }

    private static Enrollment enrollment(int i) {
        int person = i / IMAGES_PER_IDENTITY;
        return new Enrollment("person " + person, embedding(person, i % IMAGES_PER_IDENTITY), "image " + i);
    }

    /** Returns the unit-norm embedding of one image of a person. */
    private static float[] embedding(int person, int image) {
        float[] center = direction(person);
        float[] noise = direction((1L << 40) + (long) person * 64 + image);
        float[] sum = new float[DIMENSION];
        double weight = Math.sqrt(1 / GENUINE_COSINE - 1); // of the noise; two images have cosine 1 / (1 + weight^2)
        for (int i = 0; i < DIMENSION; i++) {
            sum[i] = (float) (center[i] + weight * noise[i]);
        }
        return normalize(sum);
    }

    /** Returns a random unit-norm direction. */
    private static float[] direction(long seed) {
        Random random = new Random(seed * 0x9E3779B97F4A7C15L);
        float[] values = new float[DIMENSION];
        for (int i = 0; i < DIMENSION; i++) {
            values[i] = (float) random.nextGaussian() * STD[i];
        }
        return normalize(values);
    }

    /** L2-normalizes values in place and returns them. */
    private static float[] normalize(float[] values) {
        float factor = (float) (1 / Math.sqrt(dot(values, values)));
        for (int i = 0; i < DIMENSION; i++) {
            values[i] *= factor;
        }
        return values;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < DIMENSION; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
