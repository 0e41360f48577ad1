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
 * oneDNN, called without libtorch between. There is a plan for each power of two up to the most that go through the
 * layers at a time; another number of images is done in several.
 */
/*
 * A workspace has room for the values of all layers: megabytes. As many calls are at work at a time as there are
 * processors, so that there are at most as many workspaces for each plan, whatever number of threads ever came; further
 * calls wait for their turn, in order. They would only have waited for a processor.
 */
final class OneDnnExecution implements Execution {
    /** A plan and workspaces for it that nobody is using. */
    private record Prepared(OneDnnPlan plan, Queue<OneDnnWorkspace> idle) {}

    private final List<LayerCost.Kind> kinds;
    private final List<long[]> results; // shapes of the nodes' values
    private final long pictureSize;
    private final long embeddingSize;
    private final OneDnnWeights weights = new OneDnnWeights();
    private final List<Prepared> plans = new ArrayList<>(); // for 1, 2, 4, ... images
    private final Semaphore turns = new Semaphore(Runtime.getRuntime().availableProcessors(), true);

    /**
     * @param nodes whose tensors are not needed afterwards
     * @param shapes of the nodes' values, without the batch
     * @param most images that may go through the layers at a time
     * @param type of the values between layers
     */
    OneDnnExecution(List<FusedNode> nodes, long[][] shapes, int most, ScalarType type) {
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.results = nodes.stream().map(node -> shapes[node.output()]).toList();
        this.pictureSize = Shapes.size(shapes[0]);
        this.embeddingSize = Shapes.size(results.get(results.size() - 1));
        boolean done = false;
        try {
            OneDnnAutotuner trials = new OneDnnAutotuner();
            // the largest first: how to do a layer is tried with many images
            for (int count = Integer.highestOneBit(most); count >= 1; count /= 2) {
                OneDnnPlan plan = new OneDnnPlan(nodes, shapes, count, OneDnn.type(type), weights, trials);
                plans.add(0, new Prepared(plan, new ConcurrentLinkedQueue<>()));
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    @Override
    public int turn() {
        return plans.get(plans.size() - 1).plan().count();
    }

    @Override
    public Tensor run(Tensor images) {
        return run(images, new double[0]);
    }

    /** @param seconds as {@link OneDnnWorkspace#run} takes it */
    private Tensor run(Tensor images, double[] seconds) {
        long count = images.size(0);
        Tensor pictures = images.to(new Device("cpu"), ScalarType.Float).contiguous();
        Tensor embeddings = torch.empty(count, embeddingSize);
        FloatPointer from = pictures.data_ptr_float();
        FloatPointer to = embeddings.data_ptr_float();
        turns.acquireUninterruptibly();
        try {
            for (long done = 0; done < count; ) {
                int place = Math.min(plans.size() - 1, 63 - Long.numberOfLeadingZeros(count - done));
                Prepared prepared = plans.get(place);
                run(prepared, from.getPointer(done * pictureSize), to.getPointer(done * embeddingSize), seconds);
                done += prepared.plan().count();
            }
        } finally {
            turns.release();
        }
        return embeddings;
    }

    private static void run(Prepared prepared, Pointer images, Pointer embeddings, double[] seconds) {
        OneDnnWorkspace free = prepared.idle().poll();
        OneDnnWorkspace workspace = free == null ? new OneDnnWorkspace(prepared.plan()) : free;
        try {
            workspace.run(images, embeddings, seconds);
        } finally {
            prepared.idle().add(workspace);
        }
    }

    @Override
    public int workspaces() {
        return plans.stream().mapToInt(prepared -> prepared.idle().size()).sum();
    }

    @Override
    public long workspaceBytes() {
        return plans.stream()
                .mapToLong(prepared -> prepared.idle().size() * prepared.plan().workspaceBytes())
                .sum();
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        int some = Integer.highestOneBit((int) Math.min(turn(), images.size(0)));
        double[] seconds = new double[kinds.size()];
        run(images.narrow(0, 0, some), seconds);
        List<LayerCost> costs = new ArrayList<>();
        for (int i = 0; i < seconds.length; i++) {
            costs.add(kinds.get(i).of(Shapes.batched(some, results.get(i)), seconds[i]));
        }
        return costs;
    }

    /** When nobody is at work. */
    @Override
    public void close() {
        for (Prepared prepared : plans) {
            prepared.idle().forEach(OneDnnWorkspace::close);
            prepared.plan().close();
        }
        weights.close();
    }
}
