package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.OpenMp;
import org.jspecify.annotations.Nullable;

/**
 * Runs a network on the CPU by calling oneDNN's primitives directly, without libtorch's overhead per operator, on
 * {@link ComputeThreads}. The threads share a call's images out among themselves, a few at a time, each as soon as it
 * is free. The layers of an image that is alone are cut into parts, which the threads share out in the same way.
 *
 * <p>There is one plan for 1, 2 and 4 images, and one for an image that is alone. All of them give an image the same
 * bits: a layer's outputs are shared out, never a sum. That is verified for the one whose layers are cut; it is not
 * used otherwise.
 */
final class OneDnnExecution implements Execution {
    private static final int MAX_SHARE = 4; // images: larger shares are not faster, and the last one ends later
    private static final int MAX_PARTS = 4; // of a layer: more would be too small

    /** A plan and its idle workspaces. */
    private record Pool(OneDnnPlan plan, Queue<OneDnnWorkspace> idle) {
        Pool(OneDnnPlan plan) {
            this(plan, new ConcurrentLinkedQueue<>());
        }

        void run(InputImages images, int from, float[][] rows, double[] seconds) {
            OneDnnWorkspace free = idle.poll();
            OneDnnWorkspace workspace = free == null ? new OneDnnWorkspace(plan) : free;
            try {
                workspace.run(images, from, rows, seconds);
            } finally {
                idle.add(workspace);
            }
        }

        /** Returns the call of one image in parts, whose workspace goes back to the idle ones after it. */
        ComputeThreads.Work inParts(InputImages images, float[][] rows) {
            OneDnnWorkspace free = idle.poll();
            OneDnnWorkspace workspace = free == null ? new OneDnnWorkspace(plan) : free;
            TeamCall call = workspace.teamCall();
            return new ComputeThreads.Work() {
                @Override
                public int usefulHelpers() {
                    return call.usefulHelpers();
                }

                @Override
                public void lead() {
                    try {
                        workspace.read(images, 0); // while the helpers come
                        call.lead();
                        workspace.write(rows, 0);
                    } finally {
                        idle.add(workspace);
                    }
                }

                @Override
                public void help() {
                    call.help();
                }
            };
        }

        void close() {
            idle.forEach(OneDnnWorkspace::close);
            plan.close();
        }
    }

    private final ComputeThreads threads;
    private final List<LayerCost.Kind> kinds;
    private final List<long[]> results; // by node: the shape of its value without the batch
    private final int imageLength; // floats per image
    private final OneDnnWeights weights = new OneDnnWeights();
    private final List<Pool> pools = new ArrayList<>(); // for 1, 2 and 4 images
    private @Nullable Pool team; // for an image that is alone; null where one thread is all there is

    /**
     * Creates the plans and packs the weights.
     *
     * @param threads that run the network
     * @param nodes the network; their tensors may be closed afterwards
     * @param shapes the shapes of the values, without the batch
     * @param maxShare the maximum number of images that may pass through the layers together
     * @param type the type of the values between layers
     */
    OneDnnExecution(ComputeThreads threads, List<FusedNode> nodes, long[][] shapes, int maxShare, ScalarType type) {
        this.threads = threads;
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.results = nodes.stream().map(node -> shapes[node.output()]).toList();
        this.imageLength = Math.toIntExact(Shapes.size(shapes[0]));
        boolean done = false;
        try (OpenMp.Scope alone = OpenMp.alone()) { // primitives keep the number of threads that they are made with
            OneDnnAutotuner autotuner = new OneDnnAutotuner(KernelChoices.shared());
            // One image first, because the autotuner times layers on the first batch size that it sees.
            for (int count = 1; count <= Math.min(MAX_SHARE, maxShare); count *= 2) {
                pools.add(new Pool(new OneDnnPlan(nodes, shapes, count, 1, OneDnn.type(type), weights, autotuner)));
            }
            KernelChoices.shared().save();
            int parts = Integer.highestOneBit(Math.min(MAX_PARTS, threads.count())); // channels divide by it
            if (parts > 1) {
                team = new Pool(new OneDnnPlan(nodes, shapes, 1, parts, OneDnn.type(type), weights, autotuner));
                verifyTeam();
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** Removes the plan whose layers are cut if an image does not get the same bits from it. */
    private void verifyTeam() {
        Random random = new Random(0);
        float[] image = new float[imageLength];
        for (int i = 0; i < image.length; i++) {
            image[i] = 2 * random.nextFloat() - 1;
        }
        InputImages images = new InputImages() {
            @Override
            public int count() {
                return 1;
            }

            @Override
            public void read(int index, float[] values) {
                System.arraycopy(image, 0, values, 0, image.length);
            }
        };
        float[][] whole = new float[1][];
        float[][] inParts = new float[1][];
        pools.get(0).run(images, 0, whole, new double[0]);
        Pool cut = Objects.requireNonNull(team);
        cut.run(images, 0, inParts, new double[0]);
        if (!Arrays.equals(whole[0], inParts[0])) {
            cut.close();
            team = null;
        }
    }

    @Override
    public int chunkSize() {
        return pools.get(pools.size() - 1).plan().count();
    }

    @Override
    public Tensor run(Tensor images) {
        Tensor rowMajor = rowMajor(images);
        float[][] rows = run(new TensorImages(rowMajor, rowMajor.data_ptr_float(), imageLength));
        Tensor embeddings = torch.empty(rows.length, Shapes.size(results.get(results.size() - 1)));
        FloatPointer values = embeddings.data_ptr_float();
        for (int i = 0; i < rows.length; i++) {
            values.position((long) i * rows[i].length).put(rows[i]);
        }
        return embeddings;
    }

    /** Converts images without OpenMP's threads, which would spin for a while afterwards; scoped. */
    private static Tensor rowMajor(Tensor images) {
        try (OpenMp.Scope alone = OpenMp.alone()) {
            return images.to(new Device("cpu"), ScalarType.Float).contiguous();
        }
    }

    /**
     * Images in a tensor, float32, row-major, on the CPU.
     *
     * @param owner keeps the memory
     * @param values of all images, borrowed from the owner
     */
    private record TensorImages(Tensor owner, FloatPointer values, int imageLength) implements InputImages {
        @Override
        public int count() {
            return Math.toIntExact(owner.size(0));
        }

        @Override
        public void read(int index, float[] floats) {
            new FloatPointer(values).position((long) index * imageLength).get(floats);
        }
    }

    /**
     * Embeds images.
     *
     * @return the embedding of each, not normalized
     */
    float[][] run(InputImages images) {
        float[][] rows = new float[images.count()][];
        if (rows.length == 0) {
            return rows;
        }
        threads.run(() -> rows.length == 1 && team != null && threads.idle() > 0
                ? team.inParts(images, rows)
                : new SharedCall(images, rows));
        return rows;
    }

    /** A call whose images several threads take in shares. One that comes late finds none left. */
    private final class SharedCall implements ComputeThreads.Work {
        private final InputImages images;
        private final float[][] rows;
        private final AtomicInteger taken = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final CountDownLatch finished = new CountDownLatch(1);
        private volatile @Nullable Throwable failure;

        SharedCall(InputImages images, float[][] rows) {
            this.images = images;
            this.rows = rows;
        }

        @Override
        public int usefulHelpers() {
            return rows.length - 1;
        }

        @Override
        public void help() {
            for (int from; (from = taken.get()) < rows.length; ) {
                Pool pool = poolFor(rows.length - from);
                int size = pool.plan().count();
                if (taken.compareAndSet(from, from + size)) {
                    try (PointerScope scope = new PointerScope()) {
                        if (failure == null) {
                            pool.run(images, from, rows, new double[0]);
                        }
                    } catch (Throwable e) {
                        failure = e;
                    }
                    if (done.addAndGet(size) == rows.length) {
                        finished.countDown();
                    }
                }
            }
        }

        @Override
        public void lead() {
            help();
            ComputeThreads.uninterruptibly(finished);
            ComputeThreads.rethrow(failure);
        }

        /** Returns the pool for the next share: smaller ones towards the end, so that all threads end together. */
        private Pool poolFor(int left) {
            int share = Math.max(1, left / threads.count());
            return pools.get(Math.min(pools.size() - 1, 31 - Integer.numberOfLeadingZeros(share)));
        }
    }

    @Override
    public int workspaces() {
        return allPools().stream().mapToInt(pool -> pool.idle().size()).sum();
    }

    @Override
    public long workspaceBytes() {
        return allPools().stream()
                .mapToLong(pool -> pool.idle().size() * pool.plan().workspaceBytes())
                .sum();
    }

    private List<Pool> allPools() {
        List<Pool> all = new ArrayList<>(pools);
        if (team != null) {
            all.add(team);
        }
        return all;
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        int count = Integer.highestOneBit((int) Math.min(chunkSize(), images.size(0)));
        double[] seconds = new double[kinds.size()];
        Pool pool = pools.get(Integer.numberOfTrailingZeros(count));
        Tensor rowMajor = rowMajor(images);
        InputImages input = new TensorImages(rowMajor, rowMajor.data_ptr_float(), imageLength);
        try (OpenMp.Scope alone = OpenMp.alone()) {
            pool.run(input, 0, new float[count][], seconds);
        }
        List<LayerCost> costs = new ArrayList<>();
        for (int i = 0; i < seconds.length; i++) {
            costs.add(kinds.get(i).of(Shapes.batched(count, results.get(i)), seconds[i]));
        }
        return costs;
    }

    @Override
    public void close() {
        allPools().forEach(Pool::close);
        weights.close();
    }
}
