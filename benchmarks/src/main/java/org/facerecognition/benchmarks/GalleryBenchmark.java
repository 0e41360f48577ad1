package org.facerecognition.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
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
 * Searching a gallery: every entry, beside a bare matrix product over one tensor of the same embeddings, and how long only
 * reading them takes; then by codes and by a graph, with what they miss.
 *
 * <p>{@code java -Xmx3g -jar benchmarks/target/benchmarks.jar gallery [ROUNDS [N [N_OTHERS]]]}; 7 rounds, 1,000,000 and 100,000
 * entries of 512 values where not said; a number of 0 leaves its part out. 4 GB are needed beside the heap, 7 GB for 1,000,000
 * entries in the second part.
 */
/*
 * The embeddings are drawn: ten images of each identity. An identity is a random direction whose i-th value has the standard
 * deviation (1 + i)^-.25, so that the cosines of strangers have one of .06, as those of face models with 512 values have, and
 * not 1/sqrt(512) = .044 as for directions without preference. An image is that plus a direction of the same kind, so that
 * the cosine of two images of one identity is .6. Probes are further images of the identities.
 */
final class GalleryBenchmark {
    private static final int D = 512;
    private static final int EACH = 10;
    private static final int TOP = 10;
    private static final int PROBES = 64;
    private static final int GRAPH_PROBES = 1_000;
    private static final int[] SCAN_WIDTHS = {16, 64, 256};
    private static final int[] GRAPH_WIDTHS = {32, 64, 128, 256, 512, 1024};
    private static final int AT_A_TIME = 10_000;
    private static final double SPECTRUM = Double.parseDouble(System.getProperty("spectrum", "0.25"));
    private static final double SAME_PERSON = .6;

    private GalleryBenchmark() {}

    /** Runs it and prints tables. */
    static void run(String[] args) {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 7;
        int exact = args.length > 1 ? Integer.parseInt(args[1]) : 1_000_000;
        int approximate = args.length > 2 ? Integer.parseInt(args[2]) : 100_000;
        describe();
        if (exact > 0) {
            exact(rounds, exact);
        }
        if (approximate > 0) {
            approximate(approximate);
        }
    }

    private static void describe() {
        double same = 0;
        double squares = 0;
        int pairs = 2_000;
        for (int i = 0; i < pairs; i++) {
            float[] a = picture(i, 0);
            same += dot(a, picture(i, 1)) / pairs;
            squares += Math.pow(dot(a, picture(i + pairs, 0)), 2) / pairs;
        }
        System.out.printf(
                "drawn embeddings: one person's cosine %.3f in the mean, strangers' standard deviation %.3f%n",
                same, Math.sqrt(squares));
    }

    // ---- every entry ----

    private interface Search {
        void once();
    }

    private static void exact(int rounds, int n) {
        try (Gallery gallery = Gallery.inMemory("drawn", D);
                PointerScope scope = new PointerScope()) {
            Tensor all = torch.empty(n, D); // [N, D]
            FloatPointer values = all.data_ptr_float();
            long start = System.nanoTime();
            forBatches(n, batch -> {
                gallery.enroll(batch);
                for (Enrollment one : batch) {
                    values.put(one.embedding()).position(values.position() + D);
                }
            });
            System.out.printf("made and enrolled %,d in %.0f s%n", n, (System.nanoTime() - start) / 1e9);
            List<float[]> probes = IntStream.range(0, PROBES)
                    .mapToObj(i -> picture(i * 7919 % (n / EACH), EACH))
                    .toList();
            Tensor x = torch.empty(PROBES, D);
            FloatPointer rows = x.data_ptr_float();
            probes.forEach(probe -> rows.put(probe).position(rows.position() + D));
            Tensor first = x.select(0, 0); // [D]
            Map<String, Search> contestants = new LinkedHashMap<>();
            contestants.put(
                    "only reading: the sum of all values", () -> torch.sum(all).item_float());
            contestants.put("bare product, 1 probe", () -> torch.mv(all, first).numel());
            contestants.put(
                    "bare product and top 10, 1 probe",
                    () -> torch.topk(torch.mv(all, first), TOP).get0().numel());
            contestants.put("Gallery.identify, 1 probe", () -> gallery.identify(probes.get(0), TOP, .3));
            contestants.put(
                    "bare product, 64 probes", () -> torch.mm(x, all.t()).numel());
            contestants.put(
                    "bare product and top 10, 64 probes",
                    () -> torch.topk(torch.mm(x, all.t()), TOP).get0().numel());
            contestants.put("Gallery.identify, 64 probes", () -> gallery.identify(probes, TOP, .3));
            table(contestants, rounds, n);
        }
    }

    private static void table(Map<String, Search> contestants, int rounds, int n) {
        Map<String, List<Double>> times = new LinkedHashMap<>();
        for (int round = -1; round < rounds; round++) { // the first warms up
            for (Map.Entry<String, Search> contestant : contestants.entrySet()) {
                double ms = milliseconds(contestant.getValue());
                if (round >= 0) {
                    times.computeIfAbsent(contestant.getKey(), name -> new ArrayList<>())
                            .add(ms);
                }
            }
        }
        double bytes = (double) n * D * Float.BYTES;
        System.out.printf("%n| %,d x %d, float32 | ms, median (least to most) | GB/s read |%n|---|---|---|%n", n, D);
        times.forEach((name, ms) -> System.out.printf(
                "| %s | %.1f (%.1f to %.1f) | %.1f |%n",
                name,
                Rounds.median(ms),
                ms.stream().min(Double::compare).orElseThrow(),
                ms.stream().max(Double::compare).orElseThrow(),
                bytes / 1e6 / Rounds.median(ms)));
        System.out.println();
        for (String count : List.of("1 probe", "64 probes")) {
            List<Double> ours = times.get("Gallery.identify, " + count);
            System.out.printf(
                    "Gallery's speed over the bare one's, %s: %.2f of the product with top 10, %.2f of the product alone%n",
                    count,
                    ratio(times.get("bare product and top 10, " + count), ours),
                    ratio(times.get("bare product, " + count), ours));
        }
    }

    private static double ratio(List<Double> bare, List<Double> ours) {
        return Rounds.median(IntStream.range(0, ours.size())
                .mapToObj(i -> bare.get(i) / ours.get(i))
                .toList());
    }

    private static double milliseconds(Search search) {
        try (PointerScope scope = new PointerScope()) {
            long start = System.nanoTime();
            search.once();
            return (System.nanoTime() - start) / 1e6;
        }
    }

    // ---- not every entry ----

    private static void approximate(int n) {
        try (Gallery exact = Gallery.inMemory("drawn", D);
                Gallery codes = Gallery.inMemory("drawn", D, SearchMethod.RABITQ);
                Gallery graph = Gallery.inMemory("drawn", D, SearchMethod.HNSW)) {
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
            System.out.printf("%n%,d entries; enrolled in so many seconds: %s%n%n", n, seconds);
            List<float[]> probes = IntStream.range(0, GRAPH_PROBES)
                    .mapToObj(i -> picture((int) (i * 7919L % (n / EACH)), EACH))
                    .toList();
            List<Outcome> truth = exact.identify(probes, TOP, -1);
            System.out.println(
                    "| search | nearest entry found | its identity | p50, us | p99, us | all together, a second |");
            System.out.println("|---|---|---|---|---|---|");
            for (SearchMethod method : List.of(SearchMethod.RABITQ, SearchMethod.HNSW)) {
                Gallery gallery = galleries.get(method);
                probes.forEach(probe -> gallery.identify(probe, 1, -1)); // warms up
                for (int width : method == SearchMethod.RABITQ ? SCAN_WIDTHS : GRAPH_WIDTHS) {
                    gallery.setEfSearch(width);
                    compare(gallery, method + ", width " + width, probes, truth);
                }
            }
        }
    }

    private static void compare(Gallery gallery, String name, List<float[]> probes, List<Outcome> truth) {
        double[] us = new double[probes.size()];
        int entries = 0;
        int identities = 0;
        for (int i = 0; i < us.length; i++) {
            long start = System.nanoTime();
            Match found = gallery.identify(probes.get(i), 1, -1).best().orElseThrow();
            us[i] = (System.nanoTime() - start) / 1e3;
            Match best = truth.get(i).best().orElseThrow();
            entries += found.entry() == best.entry() ? 1 : 0;
            identities += found.identity().equals(best.identity()) ? 1 : 0;
        }
        Arrays.sort(us);
        long start = System.nanoTime();
        gallery.identify(probes, 1, -1);
        System.out.printf(
                "| %s | %.3f | %.3f | %.0f | %.0f | %.0f |%n",
                name,
                (double) entries / us.length,
                (double) identities / us.length,
                us[us.length / 2],
                us[us.length * 99 / 100],
                us.length / ((System.nanoTime() - start) / 1e9));
    }

    // ---- drawn embeddings ----

    private interface Batch {
        void take(List<Enrollment> enrollments);
    }

    /** One person's ten images, then the next one's. */
    private static void forBatches(int n, Batch batch) {
        for (int from = 0; from < n; from += AT_A_TIME) {
            List<Enrollment> enrollments = IntStream.range(from, Math.min(n, from + AT_A_TIME))
                    .parallel()
                    .mapToObj(i -> new Enrollment("person " + i / EACH, picture(i / EACH, i % EACH)))
                    .toList();
            batch.take(enrollments);
        }
    }

    /** Of norm 1. */
    private static float[] picture(int person, int number) {
        float[] center = direction(person);
        float[] noise = direction((1L << 40) + (long) person * 64 + number);
        float[] sum = new float[D];
        double weight = Math.sqrt(1 / SAME_PERSON - 1); // of noise; the cosine of two is 1 / (1 + weight^2)
        for (int i = 0; i < D; i++) {
            sum[i] = (float) (center[i] + weight * noise[i]);
        }
        return normalized(sum);
    }

    private static float[] direction(long seed) {
        Random random = new Random(seed * 0x9E3779B97F4A7C15L);
        float[] values = new float[D];
        for (int i = 0; i < D; i++) {
            values[i] = (float) random.nextGaussian() * SCALE[i];
        }
        return normalized(values);
    }

    private static final float[] SCALE = new float[D];

    static {
        for (int i = 0; i < D; i++) {
            SCALE[i] = (float) Math.pow(1 + i, -SPECTRUM);
        }
    }

    private static float[] normalized(float[] values) {
        float factor = (float) (1 / Math.sqrt(dot(values, values)));
        for (int i = 0; i < D; i++) {
            values[i] *= factor;
        }
        return values;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < D; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
