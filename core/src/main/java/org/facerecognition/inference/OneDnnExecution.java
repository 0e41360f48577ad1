package org.facerecognition.inference;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.OpenMp;
import org.jspecify.annotations.Nullable;

/**
 * Runs a network on the CPU by calling oneDNN's primitives directly, without libtorch's overhead per operator, on
 * {@link ComputeThreads}. The threads share a call's images out among themselves, a few at a time, each as soon as it
 * is free; the images of calls that wait pass through the layers together. The layers of an image that is alone are cut
 * into parts, which the threads share out in the same way.
 *
 * <p>There is one plan for 1, 2, 4 and 8 images, and one for an image that is alone; each is made on first use. All of
 * them give an image the same bits: a layer's outputs are shared out, never a sum. That is verified for the one whose
 * layers are cut, which is not used otherwise, and by {@link OneDnnTrial} for other ways to compute a convolution.
 */
final class OneDnnExecution implements Execution {
    /** Images that pass through the layers together: weights that come from memory are read once for all of them. */
    static final int MAX_SHARE = 8;

    private static final int MAX_SHARE_BESIDE_OTHERS = 4; // a thread that other programs delay has less to finish

    private final ComputeThreads threads;
    private final List<FusedNode> nodes; // without the values of constants
    private final long[][] shapes;
    private final data_type type;
    private final @Nullable Int8Ranges ranges;
    private final List<LayerCost.Kind> kinds;
    private final OneDnnAutotuner autotuner = new OneDnnAutotuner(KernelChoices.shared());
    private final OneDnnWeights weights = new OneDnnWeights();
    private final int parts; // of a layer, for an image that is alone
    private final AtomicReferenceArray<@Nullable OneDnnPool> pools; // for 1, 2, 4 and 8 images
    private final AtomicBoolean wasAlone = new AtomicBoolean(); // an image has been embedded alone
    private volatile @Nullable OneDnnPool team; // for an image that is alone
    private volatile boolean withoutTeam; // one thread is all there is, or others would have other bits

    /**
     * Makes the plan for one image and packs the weights.
     *
     * @param threads that run the network
     * @param nodes the network; their constants are not read later
     * @param shapes the shapes of the values, without the batch
     * @param maxShare the maximum number of images that may pass through the layers together
     * @param type the type of the values between layers that are not integers
     * @param ranges by which values become integers; null if none does
     */
    OneDnnExecution(
            ComputeThreads threads,
            List<FusedNode> nodes,
            long[][] shapes,
            int maxShare,
            ScalarType type,
            @Nullable Int8Ranges ranges) {
        this.ranges = ranges;
        this.threads = threads;
        this.nodes = nodes.stream().map(FusedNode::withoutValues).toList();
        this.shapes = shapes;
        this.type = OneDnn.type(type);
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.pools = new AtomicReferenceArray<>(
                1 + Integer.numberOfTrailingZeros(Integer.highestOneBit(Math.min(MAX_SHARE, maxShare))));
        this.parts = OneDnnPool.parts(threads);
        this.withoutTeam = parts == 1;
        boolean done = false;
        try (OpenMp.Scope alone = OpenMp.alone()) { // primitives keep the number of threads that they are made with
            // One image first: the plans for several take the implementations that it has chosen.
            pools.set(0, new OneDnnPool(new OneDnnPlan(nodes, shapes, 1, 1, this.type, ranges, weights, autotuner)));
            KernelChoices.shared().save();
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** Returns the pool for a number of images, 1, 2, 4 or 8; it is made on first use. */
    private OneDnnPool pool(int count) {
        int index = Integer.numberOfTrailingZeros(count);
        OneDnnPool known = pools.get(index);
        return known != null ? known : make(index, count);
    }

    private synchronized OneDnnPool make(int index, int count) {
        OneDnnPool known = pools.get(index);
        if (known == null) {
            known = new OneDnnPool(plan(count, 1));
            pools.set(index, known);
        }
        return known;
    }

    private OneDnnPlan plan(int count, int parts) {
        try (OpenMp.Scope alone = OpenMp.alone()) {
            return new OneDnnPlan(nodes, shapes, count, parts, type, ranges, weights, autotuner);
        }
    }

    /**
     * Returns the pool for an image that is alone, which is made for the second one; null if there is none, or it would
     * not give an image the bits that the plan for one image gives it.
     */
    private @Nullable OneDnnPool team() {
        if (withoutTeam || team != null || !wasAlone.getAndSet(true)) {
            return team;
        }
        return makeTeam();
    }

    private synchronized @Nullable OneDnnPool makeTeam() {
        if (withoutTeam || team != null) {
            return team;
        }
        OneDnnPool cut = null;
        boolean same = false;
        try {
            cut = new OneDnnPool(plan(1, parts));
            same = sameBits(cut);
        } catch (RuntimeException | OutOfMemoryError e) {
            // a lone image passes through the whole layers then
        }
        if (same) {
            team = cut;
        } else {
            withoutTeam = true;
            if (cut != null) {
                cut.close();
            }
        }
        return team;
    }

    private boolean sameBits(OneDnnPool cut) {
        Random random = new Random(0);
        int sizePx = Math.toIntExact(shapes[0][1]);
        float[] image = new float[3 * sizePx * sizePx];
        for (int i = 0; i < image.length; i++) {
            image[i] = 2 * random.nextFloat() - 1;
        }
        InputImages images = new InputImages() {
            @Override
            public int count() {
                return 1;
            }

            @Override
            public int sizePx() {
                return sizePx;
            }

            @Override
            public void read(int index, float[] values) {
                System.arraycopy(image, 0, values, 0, image.length);
            }
        };
        float[][] whole = new float[1][];
        float[][] inParts = new float[1][];
        pool(1).run(images, 0, whole, new double[0]);
        cut.run(images, 0, inParts, new double[0]);
        return Arrays.equals(whole[0], inParts[0]);
    }

    @Override
    public int chunkSize() {
        return 1 << (pools.length() - 1);
    }

    @Override
    public Tensor run(Tensor images) {
        Tensor rowMajor = rowMajor(images);
        float[][] rows = run(new TensorImages(rowMajor, rowMajor.data_ptr_float(), (int) shapes[0][1]));
        int size = Math.toIntExact(Shapes.size(result(nodes.size() - 1)));
        float[] values = new float[rows.length * size];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(rows[i], 0, values, i * size, size);
        }
        return Tensor.create(values, rows.length, size);
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
    private record TensorImages(Tensor owner, FloatPointer values, int sizePx) implements InputImages {
        @Override
        public int count() {
            return Math.toIntExact(owner.size(0));
        }

        @Override
        public void read(int index, float[] floats) {
            new FloatPointer(values).position((long) index * length()).get(floats);
        }
    }

    @Override
    public float[][] run(InputImages images) {
        float[][] rows = new float[images.count()][];
        if (rows.length == 0) {
            return rows;
        }
        try {
            threads.run(new Call(images, rows));
        } finally {
            Reference.reachabilityFence(this); // else a network that nobody keeps could be freed in the meantime
        }
        return rows;
    }

    /** One call's images. Calls that wait for a processor pass through the network together, up to a share's size. */
    private final class Call implements ComputeThreads.Request {
        private final InputImages images;
        private final float[][] rows;

        Call(InputImages images, float[][] rows) {
            this.images = images;
            this.rows = rows;
        }

        private OneDnnExecution net() {
            return OneDnnExecution.this;
        }

        @Override
        public boolean admits(List<ComputeThreads.Request> joined, ComputeThreads.Request next) {
            int before = rows.length
                    + joined.stream()
                            .mapToInt(call -> ((Call) call).rows.length)
                            .sum();
            return next instanceof Call call && call.net() == net() && before + call.rows.length <= chunkSize();
        }

        @Override
        public ComputeThreads.Work work(List<ComputeThreads.Request> joined) {
            if (joined.isEmpty()) {
                OneDnnPool alone = rows.length == 1 && threads.idle() > 0 ? team() : null;
                return alone != null ? alone.inParts(images, rows) : shared(images, rows, shares(rows.length));
            }
            List<Call> calls = new ArrayList<>(List.of(this));
            joined.forEach(call -> calls.add((Call) call));
            InputImages all = new InputImages.Joined(
                    calls.stream().map(call -> call.images).toList());
            float[][] allRows = new float[all.count()][];
            List<Integer> shares = OneDnnShares.even(allRows.length, 1, chunkSize());
            return new JoinedCalls(
                    shared(all, allRows, shares),
                    allRows,
                    calls.stream().map(call -> call.rows).toList());
        }
    }

    /**
     * Several calls as one.
     *
     * @param all embeds the images of all
     * @param rows the embeddings of all, one call after another
     * @param ofCalls receive the embeddings of each call
     */
    private record JoinedCalls(ComputeThreads.Work all, float[][] rows, List<float[][]> ofCalls)
            implements ComputeThreads.Work {
        @Override
        public int usefulHelpers() {
            return all.usefulHelpers();
        }

        @Override
        public void lead(Runnable callHelpers) {
            all.lead(callHelpers);
            int from = 0;
            for (float[][] ofCall : ofCalls) {
                System.arraycopy(rows, from, ofCall, 0, ofCall.length);
                from += ofCall.length;
            }
        }

        @Override
        public void help() {
            all.help();
        }

        @Override
        public void abandon() {
            all.abandon();
        }
    }

    private ComputeThreads.Work shared(InputImages images, float[][] rows, List<Integer> shares) {
        for (int size : shares) {
            pool(size); // is made, and may be measured, before the work is timed
        }
        return new OneDnnSharedCall(threads, shares, (from, size) -> pool(size).run(images, from, rows, new double[0]));
    }

    /** Returns the sizes of the shares of a call that this thread begins. */
    private List<Integer> shares(int images) {
        return threads.besideOthers()
                ? OneDnnShares.decreasing(images, threads.count(), Math.min(chunkSize(), MAX_SHARE_BESIDE_OTHERS))
                : OneDnnShares.even(images, Math.min(threads.count(), 1 + threads.idle()), chunkSize());
    }

    /** Returns how many layers multiply 8-bit integers. */
    int int8Layers() {
        return pool(1).plan().int8Layers();
    }

    /** Runs the network on one image after another and shows an observer the wanted values of each. */
    void observe(InputImages images, Set<Integer> wanted, OneDnnWorkspace.Observer observer) {
        try (OpenMp.Scope alone = OpenMp.alone();
                OneDnnWorkspace workspace = new OneDnnWorkspace(pool(1).plan())) {
            for (int i = 0; i < images.count(); i++) {
                workspace.observe(nodes, images, i, wanted, observer);
            }
        }
    }

    @Override
    public int workspaces() {
        return allPools().stream().mapToInt(pool -> pool.idle().size()).sum();
    }

    @Override
    public long workspaceBytes() {
        return allPools().stream().mapToLong(OneDnnPool::idleBytes).sum();
    }

    private List<OneDnnPool> allPools() {
        List<OneDnnPool> all = new ArrayList<>();
        for (int i = 0; i < pools.length(); i++) {
            all.add(pools.get(i));
        }
        all.add(team);
        all.removeIf(Objects::isNull);
        return all;
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        int count = Integer.highestOneBit((int) Math.min(chunkSize(), images.size(0)));
        double[] seconds = new double[kinds.size()];
        OneDnnPool pool = pool(count);
        Tensor rowMajor = rowMajor(images);
        InputImages input = new TensorImages(rowMajor, rowMajor.data_ptr_float(), (int) shapes[0][1]);
        try (OpenMp.Scope alone = OpenMp.alone()) {
            pool.run(input, 0, new float[count][], seconds);
        }
        List<LayerCost> costs = new ArrayList<>();
        for (int i = 0; i < seconds.length; i++) {
            costs.add(kinds.get(i).of(Shapes.batched(count, result(i)), seconds[i]));
        }
        return costs;
    }

    /** Returns the shape of a node's value without the batch. */
    private long[] result(int node) {
        return shapes[nodes.get(node).output()];
    }

    @Override
    public void close() {
        allPools().forEach(OneDnnPool::close);
        weights.close();
    }
}
