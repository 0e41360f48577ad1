package org.facerecognition.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.losses.ClassShard;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.TensorParts;
import org.jspecify.annotations.Nullable;

/**
 * The class centers of a head, spread over the ranks of a group: each rank has consecutive identities, with their
 * gradient and optimizer state. A checkpoint has all of them, as one of a single process has: the first rank writes
 * them as they arrive, a block at a time, and each rank reads the rows of its own.
 */
public final class HeadShards implements ClassShard {
    private static final long BLOCK_BYTES = 16 << 20;
    private static final String WEIGHT = ParameterGroup.HEAD_PREFIX + "weight";
    /** The names in a checkpoint of what has a row for each center: the centers and their optimizer state. */
    private static final Pattern SHARDED = Pattern.compile("(model|optimizer\\.[^.]+)\\." + Pattern.quote(WEIGHT));

    private final Distributed group;
    private final MarginSoftmax head;
    private @Nullable Tensor whole; // all centers as they were, until there is no way back

    /**
     * @param group borrowed
     * @param head borrowed
     * @throws IllegalArgumentException when there are more ranks than identities
     * @throws IllegalStateException when the head has a share of its centers alone, of a training that failed
     */
    HeadShards(Distributed group, MarginSoftmax head) {
        if (head.isSharded()) {
            throw new IllegalStateException("a training that failed has left the class centers of this recognizer"
                    + " spread over processes; load its last checkpoint");
        }
        if (head.classes() < group.worldSize()) {
            throw new IllegalArgumentException("to shard the head, there must be at least one person for each of the "
                    + group.worldSize() + " processes, but there were " + head.classes()
                    + "; train without shardHead, or in fewer processes");
        }
        this.group = group;
        this.head = head;
    }

    private int start(int rank) {
        return (int) ((long) head.classes() * rank / group.worldSize());
    }

    private long firstRow(int rank) {
        return (long) start(rank) * head.subCenters();
    }

    private long rows(int rank) {
        return firstRow(rank + 1) - firstRow(rank);
    }

    // ---- a step ----

    @Override
    public int from() {
        return start(group.rank());
    }

    @Override
    public int to() {
        return start(group.rank() + 1);
    }

    @Override
    public void sum(Tensor mine) {
        group.sum(List.of(mine));
    }

    @Override
    public Tensor gather(Tensor mine) {
        return group.gather(mine);
    }

    /** Returns whether a parameter, by its name in the network, is spread. */
    static boolean isSharded(String parameter) {
        return parameter.equals(WEIGHT);
    }

    // ---- the whole head ----

    /** Keeps this rank's centers of a head that all ranks have whole. */
    void shard() {
        try (PointerScope scope = new PointerScope()) {
            whole = head.centers().detach().retainReference();
        }
        head.shard(this);
    }

    /** Frees the memory of all centers, which are not to be {@link #restoreWhole restored} any more. */
    public void dropWhole() {
        if (whole != null) {
            whole.close();
            whole = null;
        }
    }

    /** Gives the head all centers as they were before, without the other ranks; returns whether there were any. */
    boolean restoreWhole() {
        if (whole == null) {
            return false;
        }
        head.unshard(whole);
        dropWhole();
        return true;
    }

    /** Gives all ranks all centers. */
    void unshard() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor mine = head.centers().detach();
            Tensor all = mine.new_empty(firstRow(group.worldSize()), mine.size(1));
            all.narrow(0, firstRow(group.rank()), rows(group.rank())).copy_(mine);
            for (int rank = 0; rank < group.worldSize(); rank++) {
                int root = rank;
                inBlocks(all.narrow(0, firstRow(rank), rows(rank)), block -> group.broadcast(block, root));
            }
            head.unshard(all);
        }
    }

    private static void inBlocks(Tensor rows, Consumer<Tensor> work) {
        for (long from = 0; from < rows.size(0); from += blockRows(rows)) {
            try (PointerScope scope = new PointerScope()) {
                work.accept(rows.narrow(0, from, Math.min(blockRows(rows), rows.size(0) - from)));
            }
        }
    }

    private static long blockRows(Tensor rows) {
        return Math.max(1, BLOCK_BYTES / (rows.size(1) * rows.element_size()));
    }

    // ---- checkpoints ----

    /** Returns a checkpoint as this rank reads it: with its own rows of what is spread. */
    SafeTensors mine(SafeTensors checkpoint) {
        return checkpoint.rows(
                name -> SHARDED.matcher(name).matches() && checkpoint.shape(name).length == 2,
                firstRow(group.rank()),
                rows(group.rank()));
    }

    /**
     * Returns the tensors of a checkpoint as they are written, for the first rank. Other ranks {@link #send} meanwhile.
     *
     * @param tensors by name, with this rank's rows of what is spread
     */
    Map<String, TensorParts> collected(Map<String, Tensor> tensors) {
        Map<String, TensorParts> all = new LinkedHashMap<>();
        tensors.forEach(
                (name, tensor) -> all.put(name, isSharded(name, tensor) ? collected(tensor) : TensorParts.of(tensor)));
        return all;
    }

    private TensorParts collected(Tensor mine) {
        long[] shape = {firstRow(group.worldSize()), mine.size(1)};
        return new TensorParts(mine.scalar_type(), shape, writer -> {
            inBlocks(mine.detach(), writer);
            for (int rank = 1; rank < group.worldSize(); rank++) {
                receive(mine, rank, writer);
            }
        });
    }

    private void receive(Tensor like, int rank, Consumer<Tensor> writer) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            long blockRows = blockRows(like);
            Tensor buffer = like.new_empty(Math.min(blockRows, rows(rank)), like.size(1));
            for (long left = rows(rank); left > 0; left -= blockRows) {
                Tensor block = buffer.narrow(0, 0, Math.min(blockRows, left));
                group.receive(block, rank);
                writer.accept(block);
            }
        }
    }

    /** Sends this rank's rows of what is spread to the first rank, which writes. */
    void send(Map<String, Tensor> tensors) {
        tensors.forEach((name, tensor) -> {
            if (isSharded(name, tensor)) {
                inBlocks(tensor.detach(), block -> group.send(block, 0));
            }
        });
    }

    private static boolean isSharded(String name, Tensor tensor) {
        return tensor.dim() == 2 && SHARDED.matcher(name).matches();
    }

    /** Returns whether a condition holds on any rank. */
    boolean any(boolean mine) {
        return group.any(mine);
    }

    /** Returns the Euclidean norm of a tensor whose rows are spread over the ranks. */
    Tensor norm(Tensor mine) {
        Tensor square = mine.norm().square().reshape(1);
        group.sum(List.of(square));
        return square.sqrt().squeeze(0);
    }
}
