package org.facerecognition.train;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.SynchronizedBatchNorm;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchShare;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * Several processes that train together.
 *
 * <p>Each rank embeds its part of a batch. Then all ranks exchange embeddings and labels, and every rank computes the
 * loss of the whole batch, with the same head and the same random numbers. So every loss means the same for any number
 * of ranks: those that compare the samples of a batch, those whose margin has a running mean, and Partial FC, which
 * samples the same centers (for one process only if the encoder draws nothing from the same generator: no dropout or
 * stochastic depth on a CPU). The head's gradients are then the same on all ranks and are not sent; a rank's gradient
 * of the embeddings is complete for its own rows, and the encoder's gradients are the sum over the ranks.
 *
 * <p>Embeddings of other ranks are constants in a rank's graph: its loss depends on them, but their gradient is
 * computed where they were.
 */
/*
 * Why not libtorch's Reducer: it requires a gradient of every parameter in every step, averages where a sum is needed,
 * and has to be built anew when a freezer changes what trains. These buckets do without all three. What the Reducer
 * would gain is that buckets travel during the backward pass; between processes of one machine, whose processors are
 * busy with that pass, there is little to gain.
 */
final class RanksOfGroup implements Ranks {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Distributed group;
    private final BatchShare share;
    private final SynchronizedBatchNorm batchNorm;
    private final boolean syncBatchNorm;
    private final Backbone encoder;
    private final Device device;
    private final long seed;
    private final @Nullable HeadShards shards; // null if each rank has all class centers
    private boolean isHeadSharded;

    /**
     * @param encoder borrowed
     * @param head borrowed
     * @param device borrowed
     * @throws IllegalArgumentException when batch normalization of a custom encoder is to be synchronized, or a head is
     *     to be spread that cannot be
     */
    RanksOfGroup(DataParallel settings, Backbone encoder, Head head, Device device, long seed) {
        this.group = settings.group();
        this.share = new BatchShare(group.rank(), group.worldSize());
        this.syncBatchNorm = settings.syncBatchNorm();
        this.encoder = encoder;
        this.device = device;
        this.seed = seed;
        this.batchNorm = new SynchronizedBatchNorm(new SynchronizedBatchNorm.Exchange() {
            @Override
            public Tensor gather(Tensor mine) {
                return group.gather(mine);
            }

            @Override
            public void sum(Tensor mine) {
                group.sum(List.of(mine));
            }
        });
        if (syncBatchNorm && !encoder.synchronizesBatchNorm()) {
            throw new IllegalArgumentException(
                    "syncBatchNorm must go with one of the library's encoders, but the encoder" + " was "
                            + encoder.getClass().getSimpleName());
        }
        this.shards = settings.shardHead() ? shards(head) : null;
    }

    private HeadShards shards(Head head) {
        if (!(head instanceof MarginSoftmax margins)) {
            throw new IllegalArgumentException("shardHead must go with a margin-softmax loss, but the head was "
                    + head.getClass().getSimpleName() + "; train without it, or with a margin");
        }
        return new HeadShards(group, margins);
    }

    @Override
    public boolean isFirst() {
        return group.rank() == 0;
    }

    @Override
    public BatchShare share() {
        return share;
    }

    @Override
    public boolean seesWholeBatches() {
        return syncBatchNorm;
    }

    // ---- a step ----

    @Override
    public ForwardPass.Result forward(ForwardPass pass, Batch batch, RandomStream random, int epoch) {
        int own = share.size(batch.wholeSize(), share.rank()); // 0 in a batch with fewer samples than ranks
        Tensor embeddings = embed(pass, batch, epoch, own > 0);
        Tensor all = withOthers(embeddings, batch.wholeSize(), own);
        Tensor labels = whole(group.gather(padded(batch.labels(), batch.wholeSize())), batch.wholeSize());
        return pass.headTraining(all, labels, random);
    }

    @Override
    public ForwardPass.@Nullable Result evaluation(ForwardPass pass, Batch batch) {
        Tensor embeddings = pass.embed(batch.images());
        Tensor all = whole(group.gather(padded(embeddings, batch.wholeSize())), batch.wholeSize());
        Tensor labels = whole(group.gather(padded(batch.ownLabels(), batch.wholeSize())), batch.wholeSize());
        return pass.ofLabeled(all, labels);
    }

    /** Embeds this rank's images, with random numbers of this rank's and this batch's own. */
    private Tensor embed(ForwardPass pass, Batch batch, int epoch, boolean counts) {
        try (RandomStream own = new RandomStream(device, seedOf(epoch, batch.index()))) {
            Supplier<Tensor> embedding = () -> pass.drawingFrom(own, () -> pass.embed(batch.images()));
            return syncBatchNorm ? batchNorm.during(counts, embedding) : embedding.get();
        }
    }

    /** A function of its numbers, so that a resumed training has the same random numbers. */
    private long seedOf(int epoch, int batch) {
        long mixed = new SplittableRandom(seed).nextLong();
        mixed = new SplittableRandom(mixed ^ epoch).nextLong();
        mixed = new SplittableRandom(mixed ^ batch).nextLong();
        return new SplittableRandom(mixed ^ ~share.rank()).nextLong();
    }

    /** Puts this rank's embeddings, with their graph, among those of the other ranks: [B, D] of the whole batch. */
    private Tensor withOthers(Tensor embeddings, int wholeSize, int own) {
        Tensor others;
        try (NoGradGuard noGrad = new NoGradGuard()) {
            others = whole(group.gather(padded(embeddings.detach(), wholeSize)), wholeSize);
        }
        if (own == 0) { // joins the backward pass, in which ranks exchange statistics, with a gradient of 0
            return others.add(embeddings.sum().mul(new Scalar(0.0)));
        }
        int start = share.start(wholeSize, share.rank());
        TensorVector parts = new TensorVector();
        parts.push_back(others.narrow(0, 0, start));
        parts.push_back(embeddings);
        parts.push_back(others.narrow(0, start + own, wholeSize - start - own));
        return torch.cat(parts, 0);
    }

    /** Returns a tensor with as many rows on all ranks as the largest share of a batch has. */
    private Tensor padded(Tensor rows, int wholeSize) {
        int most = share.largest(wholeSize);
        long count = rows.size(0);
        if (count == most) {
            return rows.contiguous();
        }
        long[] missing = rows.shape();
        missing[0] = most - count;
        return torch.cat(new TensorVector(rows, rows.new_zeros(missing)), 0);
    }

    /** Returns the rows that count of gathered {@link #padded} tensors: [ranks, most, ...] to [B, ...]. */
    private Tensor whole(Tensor gathered, int wholeSize) {
        TensorVector parts = new TensorVector();
        for (int rank = 0; rank < share.of(); rank++) {
            parts.push_back(gathered.select(0, rank).narrow(0, 0, share.size(wholeSize, rank)));
        }
        return torch.cat(parts, 0);
    }

    @Override
    public void checkBackward() {
        batchNorm.check();
    }

    @Override
    public void sumGradients() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            List<GradientBucket> buckets =
                    GradientBucket.of(NamedTensors.parameters(encoder).values());
            group.sum(buckets.stream().map(GradientBucket::pack).toList());
            buckets.forEach(GradientBucket::unpack);
        }
    }

    // ---- beside the steps ----

    @Override
    public void averageStatistics() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<String, Tensor> parameters = NamedTensors.parameters(encoder);
            List<Tensor> statistics = NamedTensors.of(encoder).entrySet().stream()
                    .filter(entry -> !parameters.containsKey(entry.getKey()))
                    .map(Map.Entry::getValue)
                    .filter(Tensor::is_floating_point)
                    .toList();
            if (statistics.isEmpty()) {
                return;
            }
            TensorVector parts = new TensorVector();
            statistics.forEach(tensor -> parts.push_back(tensor.flatten()));
            Tensor flat = torch.cat(parts, 0);
            group.sum(List.of(flat));
            flat.div_(new Scalar((double) share.of()));
            long end = 0;
            for (Tensor tensor : statistics) {
                tensor.copy_(flat.narrow(0, end, tensor.numel()).view_as(tensor));
                end += tensor.numel();
            }
        }
    }

    @Override
    public void align(Module net) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            new TreeMap<>(NamedTensors.of(net)).forEach((name, tensor) -> { // in one order on all ranks
                if (isHeadSharded && HeadShards.isSharded(name)) {
                    return;
                }
                Tensor dense = tensor.detach().contiguous();
                group.broadcast(List.of(dense));
                if (!isFirst()) {
                    tensor.detach().copy_(dense);
                }
            });
        }
    }

    @Override
    public void shardHead(ParameterOptimizer optimizer) {
        if (shards != null) {
            shards.shard();
            optimizer.shardOver(shards);
            isHeadSharded = true;
        }
    }

    @Override
    public void restoreHead() {
        if (isHeadSharded && Objects.requireNonNull(shards).restoreWhole()) {
            isHeadSharded = false;
        }
    }

    @Override
    public void unshardHead() {
        if (shards != null && isHeadSharded) {
            shards.unshard();
            isHeadSharded = false;
        }
    }

    @Override
    public @Nullable HeadShards headShards() {
        return isHeadSharded ? shards : null;
    }

    @Override
    public boolean any(boolean mine) {
        return group.any(mine);
    }

    @Override
    public List<Double> onFirst(Supplier<List<Double>> work) {
        String values =
                group.onFirst(() -> work.get().stream().map(String::valueOf).collect(Collectors.joining(" ")));
        return values.isEmpty()
                ? List.of()
                : Arrays.stream(values.split(" ")).map(Double::valueOf).toList();
    }

    @Override
    public Map<String, String> union(Map<String, String> mine) {
        try (PointerScope scope = new PointerScope()) {
            byte[] text = JSON.writeValueAsBytes(mine);
            Tensor length = Tensor.create(new long[] {text.length}, 1).to(device, ScalarType.Long);
            long longest = group.gather(length).max().item_long();
            Tensor padded = Tensor.create(Arrays.copyOf(text, (int) longest), longest); // int8
            Tensor all = group.gather(padded.to(device, ScalarType.Char)).to(new Device("cpu"), ScalarType.Char);
            Map<String, String> union = new TreeMap<>();
            for (int rank = 0; rank < share.of(); rank++) {
                byte[] theirs = new byte[(int) longest];
                ByteBuffer values = all.select(0, rank).contiguous().createBuffer();
                values.get(theirs);
                union.putAll(JSON.readValue(theirs, new TypeReference<Map<String, String>>() {}));
            }
            return union;
        } catch (IOException e) {
            throw new IllegalStateException("another rank has sent what is not of this version", e);
        }
    }

    @Override
    public void requireSame(Supplier<Map<String, String>> mine) {
        group.requireSame(mine.get());
    }
}
