package org.facerecognition.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;

/**
 * The comparison of a weights file with a network, by names and shapes: what fits, what is allowed to differ, and what
 * must not differ but does.
 */
final class WeightsFit {
    private static final int MAX_NAMES_PRINTED = 5;

    /** A counter that torch before 0.4.1 did not save and that no result depends on; it may be missing. */
    private static final String COUNTER = "num_batches_tracked";

    private final Path file;
    private final String prefix;
    private final List<String> fitting = new ArrayList<>();
    // differences that are allowed
    private final List<String> missing = new ArrayList<>();
    private final List<String> unexpected = new ArrayList<>();
    private final List<String> misshapen = new ArrayList<>();
    private final List<String> outside;
    // differences that are errors
    private final List<String> wronglyMissing = new ArrayList<>();
    private final List<String> wronglyUnexpected = new ArrayList<>();
    private final List<String> wronglyShaped = new ArrayList<>();

    /**
     * Compares names and shapes; no values are read. Tensors outside the network, such as those of a head, and counters
     * may be left over.
     *
     * @param unwrapped the weights under the network's names
     * @param mayDiffer whether the tensor of this name may be missing, unexpected or of another shape
     * @param network the network's tensors by name; borrowed
     */
    WeightsFit(Unwrapped unwrapped, Predicate<String> mayDiffer, Map<String, Tensor> network) {
        Weights weights = unwrapped.weights();
        this.file = weights.file();
        this.prefix = unwrapped.prefix();
        this.outside = unwrapped.outside();
        network.forEach((name, tensor) -> compare(name, Shape.of(tensor), weights, mayDiffer.test(name)));
        for (String name : weights.names()) {
            if (!network.containsKey(name)) {
                (mayDiffer.test(name) || isCounter(name) ? unexpected : wronglyUnexpected).add(name);
            }
        }
    }

    /** Returns whether a tensor of this name only counts batches, so that no result depends on it. */
    static boolean isCounter(String name) {
        return name.endsWith(COUNTER);
    }

    private void compare(String name, Shape shape, Weights weights, boolean mayDiffer) {
        if (!weights.has(name)) {
            if (!isCounter(name)) {
                (mayDiffer ? missing : wronglyMissing).add(name);
            }
            return;
        }
        Shape inFile = Shape.of(weights.shape(name));
        if (inFile.equals(shape)) {
            fitting.add(name);
        } else {
            (mayDiffer ? misshapen : wronglyShaped).add(name + " must be " + shape + ", but was " + inFile);
        }
    }

    /** Returns the names of the tensors to copy, in the order of the network. */
    List<String> fitting() {
        return fitting;
    }

    /** Returns what is loaded and what differs, once the differences are known to be allowed. */
    Weights.Report report() {
        List<String> leftOver = new ArrayList<>(unexpected);
        leftOver.addAll(outside);
        return new Weights.Report(fitting.size(), missing, leftOver, misshapen);
    }

    /** @throws WeightsException naming the tensors that differ and must not */
    void requireFit() {
        List<String> problems = new ArrayList<>();
        describe("Missing in the file", wronglyMissing, problems);
        describe("With another shape", wronglyShaped, problems);
        if (!wronglyUnexpected.isEmpty() || !problems.isEmpty()) {
            List<String> leftOver = new ArrayList<>(wronglyUnexpected);
            leftOver.addAll(outside);
            describe("Not in the network", leftOver, problems);
            String named = prefix.isEmpty() ? "" : "Names are given without their prefix \"" + prefix + "\". ";
            throw new WeightsException(file + " does not fit this network; use it with the network it was saved from,"
                    + " or, in Java, allow the differences. " + named + String.join(" ", problems));
        }
    }

    private static void describe(String problem, List<String> names, List<String> problems) {
        if (!names.isEmpty()) {
            int rest = names.size() - MAX_NAMES_PRINTED;
            problems.add(problem + ": "
                    + names.stream().limit(MAX_NAMES_PRINTED).collect(Collectors.joining("; "))
                    + (rest > 0 ? " and " + rest + " more" : "") + ".");
        }
    }
}
