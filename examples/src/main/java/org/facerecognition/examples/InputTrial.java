package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.facerecognition.onnx.InputContract;
import org.jspecify.annotations.Nullable;

/**
 * Compares the inputs that an ONNX model may take by one figure: the AUC of verification, or else the rank-1 rate of
 * identification. An input is named the best one only if the data decide it: each other one is more than two standard
 * errors lower, and chance is too. The error is Hanley and McNeil's of an AUC (Radiology 143, 1982) or the binomial one
 * of a rate, after one more success and one more failure, so that it is not zero where all is right. Pairs of the same
 * people depend on each other, so where their number is known, no more than that of the people are counted. All inputs
 * are tried on the same faces, so their differences vary less than that.
 */
final class InputTrial {
    /** The figure that is the side of the input. */
    static final String SIZE = "input_size";

    private static final double ERRORS = 2;

    private final PrintWriter err;
    private final List<Result> results = new ArrayList<>();
    private @Nullable RuntimeException failure;

    InputTrial(PrintWriter err) {
        this.err = err;
    }

    /** @param chance the figure of a model that guesses */
    record Result(String input, double figure, double error, double chance) {
        /** Returns the decisive figure; empty if there is none. */
        static Optional<Result> of(String input, Map<String, ?> figures) {
            if (figures.get("auc") instanceof Number auc) {
                double people = number(figures, "people", Double.MAX_VALUE);
                double genuine = Math.min(people, number(figures, "genuine_pairs", 1));
                double impostor = Math.min(people, number(figures, "impostor_pairs", 1));
                double error = aucError(shrunk(auc.doubleValue(), Math.min(genuine, impostor)), genuine, impostor);
                return Optional.of(new Result(input, auc.doubleValue(), error, 0.5));
            }
            if (figures.get("rank_1") instanceof Number rate) {
                double probes = number(figures, "mated_probes", 1);
                double near = shrunk(rate.doubleValue(), probes);
                double error = Math.sqrt(near * (1 - near) / probes);
                return Optional.of(new Result(input, rate.doubleValue(), error, 1 / number(figures, "people", 1)));
            }
            return Optional.empty();
        }

        private static double number(Map<String, ?> figures, String name, double otherwise) {
            return figures.get(name) instanceof Number number ? number.doubleValue() : otherwise;
        }

        private static double shrunk(double rate, double trials) {
            return (rate * trials + 1) / (trials + 2);
        }

        private static double aucError(double auc, double genuine, double impostor) {
            double q1 = auc / (2 - auc);
            double q2 = 2 * auc * auc / (1 + auc);
            double variance = auc * (1 - auc) + (genuine - 1) * (q1 - auc * auc) + (impostor - 1) * (q2 - auc * auc);
            return Math.sqrt(variance / (genuine * impostor));
        }

        private boolean isBeatenBy(Result best) {
            return best.figure - figure > ERRORS * Math.max(error, best.error);
        }

        private boolean isAboutChance() {
            return figure - chance <= ERRORS * error;
        }
    }

    /**
     * Measures the model with an input. What fails is noted: the model may refuse the input, or have embeddings with it
     * that cannot be compared, and the others are worth knowing.
     *
     * @param figures by name, with {@link #SIZE}
     */
    void measure(InputContract contract, Supplier<Map<String, ?>> figures) {
        err.println("input " + contract.spelled() + " (" + contract.name() + ")");
        try {
            Map<String, ?> measured = figures.get();
            Result result = Result.of(contract.spelled() + " size=" + measured.get(SIZE), measured)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "the protocol has neither an AUC nor a rank-1 rate of these faces"));
            results.add(result);
            err.printf(Locale.ROOT, "auc or rank_1: %.4f%n", result.figure);
        } catch (IllegalArgumentException | IllegalStateException e) {
            failure = e;
            err.println("note: not measured: " + e.getMessage());
        }
        err.flush();
    }

    /**
     * Prints all figures, and which input is the best one, if that is decided.
     *
     * @throws RuntimeException the last failure when no input could be measured
     */
    void print(PrintWriter out) {
        if (results.isEmpty()) {
            throw Objects.requireNonNull(failure);
        }
        results.sort(Comparator.comparingDouble(Result::figure).reversed());
        out.printf("%-58s %s%n", "input", "auc or rank_1");
        results.forEach(result -> out.printf(Locale.ROOT, "%-58s %.4f%n", result.input, result.figure));
        Result best = results.get(0);
        List<Result> close =
                results.stream().filter(result -> !result.isBeatenBy(best)).toList();
        if (best.isAboutChance()) {
            out.println("not decided: no input is better than chance by more than the error of so few faces; are the"
                    + " faces aligned, or found with --detector, and of the right size?");
        } else if (close.size() == 1) {
            out.println("best: --input \"" + best.input + "\"");
        } else {
            out.println("not decided: more faces are needed to tell apart");
            close.forEach(result -> out.println("    --input \"" + result.input + "\""));
        }
    }
}
