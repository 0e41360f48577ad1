package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Runs a network on the CPU by calling oneDNN's primitives directly, without libtorch's overhead per operator. There is
 * one plan for each power of two up to the chunk size; a batch of another size runs in several chunks, the largest
 * first: 7 images as 4, 2 and 1.
 */
/*
 * A workspace has buffers for the values of all layers, which take megabytes. The semaphore admits as many calls at a
 * time as there are processors, so that no plan ever has more workspaces than that, however many threads call. Further
 * calls wait in order of arrival; without the semaphore they would wait for a processor instead.
 */
final class OneDnnExecution implements Execution {
    /** A plan and its idle workspaces. */
    private record Pool(OneDnnPlan plan, Queue<OneDnnWorkspace> idle) {}

    private final List<LayerCost.Kind> kinds;
    private final List<long[]> results; // by node: the shape of its value without the batch
    private final long imageLength; // floats per image
    private final long embeddingSize;
    private final OneDnnWeights weights = new OneDnnWeights();
    private final List<Pool> pools = new ArrayList<>(); // for 1, 2, 4, ... images
    private final Semaphore permits = new Semaphore(Runtime.getRuntime().availableProcessors(), true);

    /**
     * Creates the plans and packs the weights.
     *
     * @param nodes the network; their tensors may be closed afterwards
     * @param shapes the shapes of the values, without the batch
     * @param maxChunkSize the maximum number of images that may pass through the layers together
     * @param type the type of the values between layers
     */
    OneDnnExecution(List<FusedNode> nodes, long[][] shapes, int maxChunkSize, ScalarType type) {
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.results = nodes.stream().map(node -> shapes[node.output()]).toList();
        this.imageLength = Shapes.size(shapes[0]);
        this.embeddingSize = Shapes.size(results.get(results.size() - 1));
        boolean done = false;
        try {
            OneDnnAutotuner autotuner = new OneDnnAutotuner();
            // The largest first, because the autotuner times layers on the first batch size that it sees.
            for (int count = Integer.highestOneBit(maxChunkSize); count >= 1; count /= 2) {
                OneDnnPlan plan = new OneDnnPlan(nodes, shapes, count, OneDnn.type(type), weights, autotuner);
                pools.add(0, new Pool(plan, new ConcurrentLinkedQueue<>()));
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    @Override
    public int chunkSize() {
        return pools.get(pools.size() - 1).plan().count();
    }

    @Override
    public Tensor run(Tensor images) {
        return run(images, new double[0]);
    }

    /** @param seconds as in {@link OneDnnWorkspace#run} */
    private Tensor run(Tensor images, double[] seconds) {
        long count = images.size(0);
        Tensor rowMajor = images.to(new Device("cpu"), ScalarType.Float).contiguous();
        Tensor embeddings = torch.empty(count, embeddingSize);
        FloatPointer from = rowMajor.data_ptr_float();
        FloatPointer to = embeddings.data_ptr_float();
        permits.acquireUninterruptibly();
        try {
            for (long done = 0; done < count; ) {
                int log2 = 63 - Long.numberOfLeadingZeros(count - done);
                Pool pool = pools.get(Math.min(pools.size() - 1, log2));
                run(pool, from.getPointer(done * imageLength), to.getPointer(done * embeddingSize), seconds);
                done += pool.plan().count();
            }
        } finally {
            permits.release();
        }
        return embeddings;
    }

    private static void run(Pool pool, Pointer images, Pointer embeddings, double[] seconds) {
        OneDnnWorkspace idle = pool.idle().poll();
        OneDnnWorkspace workspace = idle == null ? new OneDnnWorkspace(pool.plan()) : idle;
        try {
            workspace.run(images, embeddings, seconds);
        } finally {
            pool.idle().add(workspace);
        }
    }

    @Override
    public int workspaces() {
        return pools.stream().mapToInt(pool -> pool.idle().size()).sum();
    }

    @Override
    public long workspaceBytes() {
        return pools.stream()
                .mapToLong(pool -> pool.idle().size() * pool.plan().workspaceBytes())
                .sum();
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        int count = Integer.highestOneBit((int) Math.min(chunkSize(), images.size(0)));
        double[] seconds = new double[kinds.size()];
        run(images.narrow(0, 0, count), seconds);
        List<LayerCost> costs = new ArrayList<>();
        for (int i = 0; i < seconds.length; i++) {
            costs.add(kinds.get(i).of(Shapes.batched(count, results.get(i)), seconds[i]));
        }
        return costs;
    }

    @Override
    public void close() {
        for (Pool pool : pools) {
            pool.idle().forEach(OneDnnWorkspace::close);
            pool.plan().close();
        }
        weights.close();
    }
}
