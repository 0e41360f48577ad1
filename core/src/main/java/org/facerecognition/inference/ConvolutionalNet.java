package org.facerecognition.inference;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.OpenMp;
import org.facerecognition.natives.PlatformThreads;
import org.jspecify.annotations.Nullable;

/**
 * A fully convolutional network on the CPU, in float32: it takes images of any size, and its result has a size that
 * depends on theirs. Callers compute on {@link ComputeThreads}, each image on one thread; where processors are free,
 * the layers of an image that comes alone are cut into parts that they share out. An image has the same result, bit
 * for bit, in either way. It owns a copy of the weights and is thread-safe.
 *
 * <p>Making oneDNN's calls for a size of images takes as long as a few images. They are kept for the
 * {@value #MAX_SIZES} sizes that were used last, or fewer if their buffers are larger than {@value #MAX_BYTES} bytes
 * together.
 */
public final class ConvolutionalNet implements AutoCloseable {
    private static final int MAX_SIZES = 48;
    private static final long MAX_BYTES = 256L << 20;

    private record Size(int heightPx, int widthPx) {}

    /** The calls for one size of images. */
    private static final class Sized {
        private final OneDnnPool whole;
        private final AtomicBoolean wasAlone = new AtomicBoolean(); // when an image came
        private final AtomicBoolean cutting = new AtomicBoolean(); // once
        private volatile @Nullable OneDnnPool cut; // layers in parts; made for the second image that comes alone
        private int users; // guarded by the map

        Sized(OneDnnPlan plan) {
            this.whole = new OneDnnPool(plan);
        }

        long bytes() {
            OneDnnPool parts = cut;
            return whole.idleBytes() + (parts == null ? 0 : parts.idleBytes());
        }

        void close() {
            whole.close();
            OneDnnPool parts = cut;
            if (parts != null) {
                parts.close();
            }
        }
    }

    private final List<FusedNode> nodes; // without the values of constants
    private final int valueCount;
    private final OneDnnWeights weights = new OneDnnWeights();
    private final Map<Size, Sized> sizes = new LinkedHashMap<>(16, 0.75f, true); // guarded by itself; last used last
    private final ComputeThreads threads;
    private final int parts; // of a layer, for an image that comes alone; 1 where there is nobody to help
    private final Lifetime lifetime = new Lifetime("convolutional net");

    private ConvolutionalNet(FusedLayers layers, ComputeThreads threads) {
        this.threads = threads;
        this.parts = OneDnnPool.parts(threads);
        this.valueCount = layers.folded().nodes().size();
        this.nodes = layers.nodes().stream().map(FusedNode::withoutValues).toList();
        boolean done = false;
        try {
            long[] input = layers.shapes()[0];
            Size size = new Size((int) input[1], (int) input[2]);
            sizes.put(size, new Sized(plan(layers.nodes(), layers.shapes(), 1))); // packs the weights
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
        return of(graph, heightPx, widthPx, ComputeThreads.shared());
    }

    static Optional<ConvolutionalNet> of(Graph graph, int heightPx, int widthPx, ComputeThreads threads) {
        if (!OneDnn.isFast() || !OneDnnLayers.supports(graph)) {
            return Optional.empty();
        }
        return PlatformThreads.call(() -> {
            try (PointerScope scope = new PointerScope();
                    FusedLayers layers = FusedLayers.of(graph, 1, heightPx, widthPx)) {
                return Optional.of(new ConvolutionalNet(layers, threads));
            }
        });
    }

    private OneDnnPlan plan(List<FusedNode> described, long[][] shapes, int parts) {
        try (OpenMp.Scope alone = OpenMp.alone()) { // primitives keep the number of threads that they are made with
            return new OneDnnPlan(
                    described,
                    shapes,
                    1,
                    parts,
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
        try (Lifetime.Use use = lifetime.enter()) {
            float[][] rows = new float[1][];
            threads.run(() -> call(new One(image), rows));
            return rows[0];
        } finally {
            Reference.reachabilityFence(this); // else a network that nobody keeps could be freed in the meantime
        }
    }

    private Call call(One image, float[][] rows) {
        Sized sized = sized(new Size(image.image.heightPx(), image.image.widthPx()));
        try {
            return new Call(sized, image, rows);
        } catch (RuntimeException | Error e) {
            release(sized);
            throw e;
        }
    }

    /** Returns the calls for a size, to be {@link #release released}; they are made on first use. */
    private Sized sized(Size size) {
        synchronized (sizes) {
            Sized known = sizes.get(size);
            if (known == null) {
                known = new Sized(plan(nodes, shapes(size), 1));
                sizes.put(size, known);
            }
            known.users++;
            return known;
        }
    }

    private long[][] shapes(Size size) {
        return Shapes.of(nodes, valueCount, size.heightPx, size.widthPx);
    }

    private void release(Sized sized) {
        synchronized (sizes) {
            sized.users--;
            dropOldest();
        }
    }

    /** One image, which passes through the layers alone or in parts. */
    private final class Call implements ComputeThreads.Work {
        private final Sized sized;
        private final One image;
        private final float[][] rows;
        private final ComputeThreads.@Nullable Work inParts;

        /** @param sized is released after the call */
        Call(Sized sized, One image, float[][] rows) {
            this.sized = sized;
            this.image = image;
            this.rows = rows;
            OneDnnPool cut = parts > 1 && threads.idle() > 0 ? sized.cut : null;
            this.inParts = cut == null ? null : cut.inParts(image, rows);
        }

        @Override
        public int usefulHelpers() {
            return inParts == null ? 0 : inParts.usefulHelpers();
        }

        @Override
        public void lead(Runnable callHelpers) {
            try (PointerScope scope = new PointerScope()) {
                if (inParts != null) {
                    inParts.lead(callHelpers);
                    return;
                }
                threads.compute(() -> sized.whole.run(image, 0, rows, new double[0]));
                if (parts > 1 && threads.idle() > 0 && sized.wasAlone.getAndSet(true)) {
                    cut(sized, image, rows[0]);
                }
            } finally {
                release(sized);
            }
        }

        @Override
        public void help() {
            if (inParts != null) {
                inParts.help();
            }
        }

        @Override
        public void abandon() {
            try {
                if (inParts != null) {
                    inParts.abandon();
                }
            } finally {
                release(sized);
            }
        }
    }

    /**
     * Makes the calls for parts of layers, unless another thread does it, and keeps them if they give an image the
     * same bits.
     *
     * @param row the result for the image
     */
    private void cut(Sized sized, One image, float[] row) {
        if (!sized.cutting.compareAndSet(false, true)) {
            return;
        }
        OneDnnPool made = null;
        boolean same = false;
        try {
            made = new OneDnnPool(plan(nodes, shapes(new Size(image.image.heightPx(), image.image.widthPx())), parts));
            float[][] again = new float[1][];
            made.run(image, 0, again, new double[0]);
            same = Arrays.equals(again[0], row);
        } catch (RuntimeException | OutOfMemoryError e) {
            // images of this size pass through the whole layers then
        }
        if (same) {
            sized.cut = made;
        } else if (made != null) {
            made.close();
        }
    }

    /** Frees the sizes that were not used for the longest time, as long as there is too much. */
    private void dropOldest() {
        long bytes = sizes.values().stream().mapToLong(Sized::bytes).sum();
        Iterator<Sized> oldest = sizes.values().iterator();
        while ((bytes > MAX_BYTES || sizes.size() > MAX_SIZES) && sizes.size() > 1 && oldest.hasNext()) {
            Sized sized = oldest.next();
            if (sized.users == 0) {
                bytes -= sized.bytes();
                oldest.remove();
                sized.close();
            }
        }
    }

    /** Returns for how many sizes of images there are calls. */
    int sizes() {
        synchronized (sizes) {
            return sizes.size();
        }
    }

    /** Returns for how many of them layers are cut into parts. */
    int sizesInParts() {
        synchronized (sizes) {
            return (int)
                    sizes.values().stream().filter(sized -> sized.cut != null).count();
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
            sizes.values().forEach(Sized::close);
            weights.close();
        });
    }
}
