package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.WeightTransfer.Assignment;
import org.jspecify.annotations.Nullable;

/**
 * Finds the weights of a network in the graph of another that has the same structure, whatever its weights are called.
 *
 * <p>Exporters fold batch normalizations into the layers before them, and then neither their scales nor their
 * statistics can be told from the weights of the layer. Such a normalization becomes one that only adds the bias of the
 * folded layer: embeddings are the same. In training it would normalize by the statistics of the batch, which changes
 * what the network computes; so {@link #normalizeBy} gives it the statistics that its input really has, and the scale
 * and shift that undo them, which are those it was trained with up to the difference of the images.
 */
public final class GraphMatch {
    private static final int NONE = -1;
    private static final int MAX_STEPS = 200_000; // with orders of inputs that are tried: real networks take hundreds

    private final Graph net;
    private final Graph other;
    private final int[] netUses;
    private final int[] otherUses;
    private final Map<Operation, String> names;
    private Map<Integer, Integer> partners = new HashMap<>(); // nodes of the net, and of the other graph
    private List<Assignment> assignments = new ArrayList<>();
    private String misfit = "";
    private int furthest = -1;
    private int steps;

    /** Thrown inside, to try another order of inputs. */
    private static final class Misfit extends RuntimeException {
        private static final long serialVersionUID = 1;

        Misfit() {
            super(null, null, false, false);
        }
    }

    private GraphMatch(Graph net, Graph other, Map<Operation, String> names) {
        this.net = net;
        this.other = other;
        this.netUses = net.uses();
        this.otherUses = other.uses();
        this.names = names;
    }

    /**
     * Compares a network with a graph; nothing is changed yet.
     *
     * @param net the graph of the network, whose constants are its tensors; borrowed as long as the match is used
     * @param other the graph with the weights; borrowed in the same way
     * @param names what messages call the operations of {@code other}, by identity; those that are not named are named
     *     by the next one that is
     * @throws IllegalArgumentException when the graphs differ in structure, naming the first layers, counted from the
     *     end, that differ
     */
    public static GraphMatch of(Graph net, Graph other, Map<Operation, String> names) {
        GraphMatch match = new GraphMatch(net, other, names);
        try {
            match.match(net.nodes().size() - 1, other.nodes().size() - 1, NONE);
        } catch (Misfit e) {
            throw new IllegalArgumentException(match.misfit);
        }
        return match;
    }

    /** Copies the weights as {@link #copy(Runnable)} does. */
    public int copy() {
        return copy(() -> {});
    }

    /**
     * Copies the weights into the network. All of them are read before the first is changed.
     *
     * @param beforeWriting is run between the two; if it throws, nothing is changed
     * @return how many tensors of the network were set
     * @throws IllegalArgumentException when a weight of the network cannot hold what the other graph has, or that is
     *     not finite; the network is not changed then
     */
    public int copy(Runnable beforeWriting) {
        return new WeightTransfer(assignments).run(beforeWriting);
    }

    /** The nodes of the network that are batch normalizations of which the other graph has no statistics. */
    public Set<Integer> withoutStatistics() {
        return new WeightTransfer(assignments).withoutStatistics();
    }

    /**
     * Sets the statistics of a network's batch normalization, and its scale and shift so that it computes the same.
     *
     * @param net the graph of the network; borrowed
     * @param node of {@link #withoutStatistics}
     * @param mean of each channel of the node's input
     * @param variance of each channel of the node's input
     */
    public static void normalizeBy(Graph net, int node, float[] mean, float[] variance) {
        WeightTransfer.normalizeBy((BatchNorm) net.nodes().get(node).operation(), mean, variance);
    }

    /** @param norm the node of the normalization after this one that can take the bias of a layer; or {@link #NONE} */
    private void match(int node, int partner, int norm) {
        if (++steps > MAX_STEPS) {
            throw new IllegalArgumentException(
                    "the structures cannot be compared, because too many layers of the file are alike");
        }
        Integer known = partners.get(node);
        if (known != null) {
            require(known == partner, node, partner);
            return;
        }
        Operation mine = net.nodes().get(node).operation();
        Operation theirs = other.nodes().get(partner).operation();
        if (mine instanceof BatchNorm own) {
            normalization(node, own, partner, theirs);
            return;
        }
        int from = partner;
        if (theirs instanceof BatchNorm folding) { // the other graph has it apart, the network in a layer's weights
            from = other.nodes().get(partner).input().node();
            Operation layer = other.nodes().get(from).operation();
            Operation folded = otherUses[from] == 1 ? BatchNormFolding.foldInto(layer, folding) : null;
            require(folded != null, node, partner);
            theirs = Objects.requireNonNull(folded);
        }
        require(fits(mine, theirs), node, partner);
        partners.put(node, partner);
        weights(mine, theirs, norm, node, partner);
        inputs(node, from, mine instanceof Add);
    }

    private void normalization(int node, BatchNorm mine, int partner, Operation theirs) {
        BatchNorm source = theirs instanceof BatchNorm norm ? norm : null;
        require(source == null || source.mean().count() == mine.mean().count(), node, partner);
        int input = net.nodes().get(node).input().node();
        Operation before = net.nodes().get(input).operation();
        boolean takesBias = netUses[input] == 1 && (before instanceof Convolution || before instanceof Linear);
        int from = source == null ? partner : other.nodes().get(partner).input().node();
        assignments.add(new WeightTransfer.Normalize(node, mine, source));
        match(input, from, takesBias ? node : NONE);
        partners.put(node, partner);
    }

    private void inputs(int node, int partner, boolean commutes) {
        List<Value> mine = net.nodes().get(node).inputs();
        List<Value> theirs = other.nodes().get(partner).inputs();
        Map<Integer, Integer> partnersBefore = new HashMap<>(partners);
        List<Assignment> assignmentsBefore = new ArrayList<>(assignments);
        try {
            for (int i = 0; i < mine.size(); i++) {
                match(mine.get(i).node(), theirs.get(i).node(), NONE);
            }
        } catch (Misfit e) {
            if (!commutes) {
                throw e;
            }
            partners = partnersBefore;
            assignments = assignmentsBefore;
            match(mine.get(0).node(), theirs.get(1).node(), NONE);
            match(mine.get(1).node(), theirs.get(0).node(), NONE);
        }
    }

    private static boolean fits(Operation mine, Operation theirs) {
        if (mine instanceof Convolution a && theirs instanceof Convolution b) {
            return Arrays.equals(a.weight().shape(), b.weight().shape())
                    && a.window().equals(b.window())
                    && a.groups() == b.groups();
        }
        if (mine instanceof Linear a && theirs instanceof Linear b) {
            return Arrays.equals(a.weight().shape(), b.weight().shape());
        }
        if (mine instanceof PRelu a && theirs instanceof PRelu b) {
            return b.slopes().count() == 1 || a.slopes().count() == b.slopes().count();
        }
        return mine.equals(theirs);
    }

    private void weights(Operation mine, Operation theirs, int norm, int node, int partner) {
        if (mine instanceof Convolution a && theirs instanceof Convolution b) {
            set(a.weight(), b.weight());
            bias(a.bias(), b.bias(), norm, node, partner);
        } else if (mine instanceof Linear a && theirs instanceof Linear b) {
            set(a.weight(), b.weight());
            bias(a.bias(), b.bias(), norm, node, partner);
        } else if (mine instanceof PRelu a && theirs instanceof PRelu b) {
            boolean same = a.slopes().count() == b.slopes().count();
            set(a.slopes(), same ? b.slopes() : repeated(b.slopes(), a.slopes().count()));
        }
    }

    private static Constant repeated(Constant number, long count) {
        return Constant.of(new long[] {count}, target -> {
            float value = number.values()[0];
            for (long i = 0; i < count; i++) {
                target.put(value);
            }
        });
    }

    private void bias(@Nullable Constant mine, @Nullable Constant theirs, int norm, int node, int partner) {
        if (mine != null) {
            Constant zeros = Constant.of(new float[Math.toIntExact(mine.count())], mine.count());
            set(mine, theirs == null ? zeros : theirs);
        } else if (theirs != null) {
            float[] values = theirs.values();
            boolean nothing = IntStream.range(0, values.length).allMatch(i -> values[i] == 0);
            require(norm != NONE || nothing, node, partner);
            if (norm != NONE) {
                assignments.add(new WeightTransfer.Shift(norm, theirs));
            }
        }
    }

    private void set(Constant target, Constant values) {
        assignments.add(new WeightTransfer.Copy(target, values));
    }

    // ---- messages ----

    /** Records the misfit after the longest agreement, which is the one to name. */
    private void require(boolean fits, int node, int partner) {
        if (fits) {
            return;
        }
        if (partners.size() > furthest) {
            furthest = partners.size();
            misfit = "after " + furthest + " layers that agree, counted from the end, the network has "
                    + title(net.nodes().get(node).operation()) + " where the file has "
                    + title(other.nodes().get(partner).operation()) + name(partner);
        }
        throw new Misfit();
    }

    private static String title(Operation operation) {
        if (operation instanceof Convolution c) {
            return "a convolution " + Arrays.toString(c.weight().shape())
                    + (c.groups() == 1 ? "" : " in " + c.groups() + " groups") + ", stride " + c.window()
                    + (c.bias() == null ? "" : ", with a bias");
        }
        if (operation instanceof Linear l) {
            return "a linear layer " + Arrays.toString(l.weight().shape());
        }
        if (operation instanceof BatchNorm n) {
            return "a batch normalization of " + n.mean().count();
        }
        if (operation instanceof PRelu p) {
            return "a PReLU of " + p.slopes().count();
        }
        return operation instanceof Operation.Input ? "the images" : operation.toString();
    }

    /** Returns what the file calls a node, or the next one that it has a name for. */
    private String name(int partner) {
        int node = partner;
        while (node >= 0) {
            String name = names.get(other.nodes().get(node).operation());
            if (name != null) {
                return node == partner ? " (" + name + ")" : " (before " + name + ")";
            }
            node = user(node);
        }
        return "";
    }

    private int user(int node) {
        Value value = new Value(node);
        return IntStream.range(node + 1, other.nodes().size())
                .filter(i -> other.nodes().get(i).inputs().contains(value))
                .findFirst()
                .orElse(NONE);
    }
}
