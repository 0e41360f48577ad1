package org.facerecognition.inference;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.OpenMp;
import org.facerecognition.natives.Processors;

/**
 * A fully convolutional network on the CPU, in float32: it takes images of any size, and its result has a size that
 * depends on theirs. Each call runs on its own thread, alone, so that callers do not wait for one another; at most as
 * many as there are processors (and at least two) run at the same time. It owns a copy of the weights and is
 * thread-safe.
 *
 * <p>Making oneDNN's calls for a size of images takes as long as a few images. They are kept for the
 * {@value #MAX_SIZES} sizes that were used last, or fewer if their buffers are larger than {@value #MAX_BYTES} bytes
 * together.
 */
public final class ConvolutionalNet implements AutoCloseable {
    private static final int MAX_SIZES = 48;
    private static final long MAX_BYTES = 256L << 20;

    private record Size(int heightPx, int widthPx) {}

    /** The calls for one size of images, and workspaces that are not in use. */
    private static final class Pool {
        private final OneDnnPlan plan;
        private final Deque<OneDnnWorkspace> idle = new ArrayDeque<>();
        private int users;

        Pool(OneDnnPlan plan) {
            this.plan = plan;
        }

        long bytes() {
            return idle.size() * plan.workspaceBytes();
        }

        void close() {
            idle.forEach(OneDnnWorkspace::close);
            plan.close();
        }
    }

    private final List<FusedNode> nodes; // without the values of constants
    private final int valueCount;
    private final OneDnnWeights weights = new OneDnnWeights();
    private final Map<Size, Pool> pools = new LinkedHashMap<>(16, 0.75f, true); // guarded by itself; last used last
    private final Semaphore permits = new Semaphore(Math.max(2, Processors.count()), true);
    private final Lifetime lifetime = new Lifetime("convolutional net");

    private ConvolutionalNet(FusedLayers layers) {
        this.valueCount = layers.folded().nodes().size();
        this.nodes = layers.nodes().stream().map(FusedNode::withoutValues).toList();
        boolean done = false;
        try {
            long[] input = layers.shapes()[0];
            Size size = new Size((int) input[1], (int) input[2]);
            pools.put(size, new Pool(plan(layers.nodes(), layers.shapes()))); // packs the weights
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /**
     * Prepares a network.
     *
     * @param graph without layers that depend on the size of the images, ending in rows; borrowed, may be closed
     *     afterwards
     * @param heightPx of the images that are likely to come first
     * @param widthPx of the images that are likely to come first
     * @return owned; empty where oneDNN cannot run the network, or has no fast code for this processor
     * @throws UnsupportedOperationException when the graph's layers do not fit each other
     */
    public static Optional<ConvolutionalNet> of(Graph graph, int heightPx, int widthPx) {
        if (!OneDnn.isFast() || !OneDnnLayers.supports(graph)) {
            return Optional.empty();
        }
        try (PointerScope scope = new PointerScope();
                FusedLayers layers = FusedLayers.of(graph, 1, heightPx, widthPx)) {
            return Optional.of(new ConvolutionalNet(layers));
        }
    }

    private OneDnnPlan plan(List<FusedNode> described, long[][] shapes) {
        try (OpenMp.Scope alone = OpenMp.alone()) { // primitives keep the number of threads that they are made with
            return new OneDnnPlan(
                    described,
                    shapes,
                    1,
                    1,
                    OneDnn.type(ScalarType.Float),
                    null,
                    weights,
                    OneDnnAutotuner.withoutMeasuring());
        }
    }

    /** An image in the form that the network takes. */
    public interface Image {
        /** Returns the height in pixels. */
        int heightPx();

        /** Returns the width in pixels. */
        int widthPx();

        /** @param values receives [3, H, W] */
        void read(float[] values);
    }

    /**
     * Runs the network on an image.
     *
     * @return the network's row
     * @throws UnsupportedOperationException when the layers do not fit each other for an image of this size
     * @throws IllegalStateException when the network is closed
     */
    public float[] run(Image image) {
        try (Lifetime.Use use = lifetime.enter();
                PointerScope scope = new PointerScope();
                OpenMp.Scope alone = OpenMp.alone()) {
            permits.acquireUninterruptibly();
            try {
                return runOn(pool(new Size(image.heightPx(), image.widthPx())), image);
            } finally {
                permits.release();
            }
        }
    }

    private Pool pool(Size size) {
        synchronized (pools) {
            Pool pool = pools.get(size);
            if (pool == null) {
                pool = new Pool(plan(nodes, Shapes.of(nodes, valueCount, size.heightPx, size.widthPx)));
                pools.put(size, pool);
            }
            pool.users++;
            return pool;
        }
    }

    private float[] runOn(Pool pool, Image image) {
        OneDnnWorkspace free;
        synchronized (pools) {
            free = pool.idle.poll();
        }
        OneDnnWorkspace workspace = null;
        try {
            workspace = free == null ? new OneDnnWorkspace(pool.plan) : free;
            float[][] rows = new float[1][];
            workspace.run(new One(image), 0, rows, new double[0]);
            return rows[0];
        } finally {
            synchronized (pools) {
                pool.users--;
                if (workspace != null) {
                    pool.idle.push(workspace);
                }
                dropOldest();
            }
        }
    }

    /** Frees the sizes that were not used for the longest time, as long as there is too much. */
    private void dropOldest() {
        long bytes = pools.values().stream().mapToLong(Pool::bytes).sum();
        Iterator<Pool> oldest = pools.values().iterator();
        while ((bytes > MAX_BYTES || pools.size() > MAX_SIZES) && pools.size() > 1 && oldest.hasNext()) {
            Pool pool = oldest.next();
            if (pool.users == 0) {
                bytes -= pool.bytes();
                oldest.remove();
                pool.close();
            }
        }
    }

    /** Returns for how many sizes of images there are calls. */
    int sizes() {
        synchronized (pools) {
            return pools.size();
        }
    }

    /** The only image of a call. */
    private record One(Image image) implements InputImages {
        @Override
        public int count() {
            return 1;
        }

        @Override
        public int sizePx() {
            throw new UnsupportedOperationException("the image may be oblong");
        }

        @Override
        public void read(int index, float[] values) {
            image.read(values);
        }
    }

    /** Waits for the calls that are in progress and frees the memory. Closing again has no effect. */
    @Override
    public void close() {
        lifetime.close(() -> {
            pools.values().forEach(Pool::close);
            weights.close();
        });
    }
}
