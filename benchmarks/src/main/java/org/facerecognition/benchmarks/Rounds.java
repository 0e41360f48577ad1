package org.facerecognition.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Runs contestants in interleaved rounds, so that other load on the machine affects all of them alike, and reports
 * median and range. A ratio is the median of the ratios within each round.
 */
final class Rounds {
    private static final long SETTLE_MS = 300;

    private final Map<String, List<Double>> results = new LinkedHashMap<>();

    /** Runs all contestants, which are borrowed, once per round and prints each result. */
    static Rounds run(List<? extends Contestant> contestants, int rounds, int steps, PrintStream progress) {
        Rounds measured = new Rounds();
        contestants.forEach(contestant -> contestant.imagesPerSecond(2)); // warm up caches and clocks
        for (int round = 0; round < rounds; round++) {
            for (Contestant contestant : contestants) {
                settle(contestant);
                double imagesPerSecond = contestant.imagesPerSecond(steps);
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
        List<Double> rates = rates(name);
        List<Double> baselineRates = rates(baseline);
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < rates.size(); i++) {
            ratios.add(rates.get(i) / baselineRates.get(i));
        }
        return median(ratios);
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
