package org.facerecognition.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets contestants take turns, so that a noisy neighbor meets all of them alike, and tells medians and spread. Ratios
 * are medians of the ratios within a round.
 */
final class Rounds {
    private static final long SPINNING_MS = 300;

    private final Map<String, List<Double>> results = new LinkedHashMap<>();

    static Rounds run(List<? extends Contestant> contestants, int rounds, int steps, PrintStream progress) {
        Rounds all = new Rounds();
        contestants.forEach(contestant -> contestant.imagesPerSecond(2)); // warm caches and clocks
        for (int round = 0; round < rounds; round++) {
            for (Contestant contestant : contestants) {
                settle(contestant);
                double rate = contestant.imagesPerSecond(steps);
                all.results
                        .computeIfAbsent(contestant.name(), name -> new ArrayList<>())
                        .add(rate);
                progress.printf("round %d/%d  %-44s %6.1f images/s%n", round + 1, rounds, contestant.name(), rate);
            }
        }
        return all;
    }

    /** Threads of the one before spin for a while when their work is done, and its data are in the caches. */
    private static void settle(Contestant contestant) {
        try {
            Thread.sleep(SPINNING_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        contestant.imagesPerSecond(1);
    }

    void print(PrintStream out, String title, String baseline) {
        out.printf("%n| %s | images/s, median (least to most) | over %s |%n", title, baseline);
        out.println("|---|---|---|");
        results.forEach((name, rates) -> out.printf(
                "| %s | %.1f (%.1f to %.1f) | %.2f |%n",
                name,
                median(rates),
                rates.stream().min(Double::compare).orElseThrow(),
                rates.stream().max(Double::compare).orElseThrow(),
                ratio(name, baseline)));
    }

    /** Images per second. */
    double median(String name) {
        return median(results.get(name));
    }

    double ratio(String name, String baseline) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < results.get(name).size(); i++) {
            ratios.add(results.get(name).get(i) / results.get(baseline).get(i));
        }
        return median(ratios);
    }

    static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
