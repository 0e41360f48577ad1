package org.facerecognition.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Runs contestants in interleaved rounds, so that other load on the machine affects all of them alike, and reports
 * median and range. A ratio is the median of the ratios within each round.
 */
final class Rounds {
    private static final long SETTLE_MS = 300;

    private final Map<String, List<Double>> results = new LinkedHashMap<>();

    /** Runs all contestants, which are borrowed, once per round and prints each result. */
    static Rounds run(List<? extends Contestant> contestants, int rounds, int steps, PrintStream progress) {
        contestants.forEach(contestant -> contestant.imagesPerSecond(2)); // warm up caches and clocks
        return run(contestants, rounds, contestant -> steps, progress);
    }

    /**
     * Runs all contestants, which are borrowed, for about some seconds in each round, and prints each result. Before
     * the first round each runs for a while, so that the JIT compiler has compiled those that are Java.
     */
    static Rounds run(
            List<? extends Contestant> contestants,
            int rounds,
            double warmUpSeconds,
            double seconds,
            PrintStream progress) {
        Map<Contestant, Integer> steps = new IdentityHashMap<>();
        contestants.forEach(contestant -> steps.put(contestant, warmUp(contestant, warmUpSeconds, seconds)));
        return run(contestants, rounds, steps::get, progress);
    }

    /** Returns how many steps take some seconds, at least 1. */
    private static int warmUp(Contestant contestant, double warmUpSeconds, double seconds) {
        long start = System.nanoTime();
        double lastSeconds = 0; // of the last steps
        int steps = 1;
        do {
            steps = lastSeconds > seconds ? steps : 2 * steps;
            long startOfSteps = System.nanoTime();
            contestant.imagesPerSecond(steps);
            lastSeconds = (System.nanoTime() - startOfSteps) / 1e9;
        } while ((System.nanoTime() - start) / 1e9 < warmUpSeconds);
        return Math.max(1, (int) Math.round(steps * seconds / lastSeconds));
    }

    private static Rounds run(
            List<? extends Contestant> contestants, int rounds, ToIntFunction<Contestant> steps, PrintStream progress) {
        Rounds measured = new Rounds();
        for (int round = 0; round < rounds; round++) {
            for (Contestant contestant : contestants) {
                settle(contestant);
                double imagesPerSecond = contestant.imagesPerSecond(steps.applyAsInt(contestant));
                measured.results
                        .computeIfAbsent(contestant.name(), name -> new ArrayList<>())
                        .add(imagesPerSecond);
                progress.printf(
                        "round %d/%d  %-44s %6.1f images/s%n", round + 1, rounds, contestant.name(), imagesPerSecond);
            }
        }
        return measured;
    }

    /** Waits until the previous contestant's threads have stopped spinning, then refills the caches with one step. */
    private static void settle(Contestant contestant) {
        try {
            Thread.sleep(SETTLE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        contestant.imagesPerSecond(1);
    }

    /** Prints a table with median, range and the ratio to a baseline. */
    void print(PrintStream out, String title, String baseline) {
        out.printf("%n| %s | images/s, median (min to max) | relative to %s |%n", title, baseline);
        out.println("|---|---|---|");
        results.forEach((name, rates) -> out.printf(
                "| %s | %.1f (%.1f to %.1f) | %.2f |%n",
                name,
                median(rates),
                rates.stream().min(Double::compare).orElseThrow(),
                rates.stream().max(Double::compare).orElseThrow(),
                ratio(name, baseline)));
    }

    /** Returns the median of a contestant in images per second. */
    double median(String name) {
        return median(rates(name));
    }

    /** Returns the median over the rounds of a contestant's speed relative to the baseline. */
    double ratio(String name, String baseline) {
        return medianOfRatios(rates(name), rates(baseline));
    }

    /** Returns the median of the ratios of two lists, element by element; they have as many elements, at least one. */
    static double medianOfRatios(List<Double> numerators, List<Double> denominators) {
        return median(IntStream.range(0, numerators.size())
                .mapToObj(i -> numerators.get(i) / denominators.get(i))
                .toList());
    }

    private List<Double> rates(String name) {
        return Objects.requireNonNull(results.get(name), name);
    }

    /** Returns the median of at least one value. */
    static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
