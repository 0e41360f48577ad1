package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.jspecify.annotations.Nullable;

/**
 * The prepared form of an encoder on the CPU, in float32: made on first use, and again when the weights have changed.
 * libtorch counts the changes of each tensor, whoever makes them, except for those through {@code data()} or a raw
 * pointer to its memory.
 *
 * <p>Thread-safe.
 */
public final class CurrentNet implements AutoCloseable {
    private static final int BATCH_SIZE = 16;
    private static final int ALL = Integer.MAX_VALUE; // a ReentrantReadWriteLock may have only 65,535 users

    private final Supplier<Graph> graph;
    private final Supplier<Collection<Tensor>> weights;
    private final IntSupplier layers;
    private final int sizePx;
    private final Semaphore shares = new Semaphore(ALL, true); // of the net: a user has one, who changes it has all
    private @Nullable List<Tensor> tensors; // of the encoder; owned handles
    private int ofLayers; // of the tensors
    private @Nullable PreparedNet net;
    private long version; // of the weights that it was made with
    private volatile boolean impossible; // the network does not describe its operations

    /**
     * Prepares nothing yet.
     *
     * @param graph describes the network; owned. Throws an UnsupportedOperationException if it cannot be described
     * @param weights the network's parameters and buffers; scoped
     * @param layers a number that changes when the network has other layers
     * @param sizePx side of the images
     */
    public CurrentNet(Supplier<Graph> graph, Supplier<Collection<Tensor>> weights, IntSupplier layers, int sizePx) {
        this.graph = graph;
        this.weights = weights;
        this.layers = layers;
        this.sizePx = sizePx;
    }

    /**
     * Uses the prepared net.
     *
     * @param use must not keep it
     * @return empty when the encoder cannot be prepared
     * @throws IllegalArgumentException when oneDNN is to run weights that are not finite
     */
    public <T> Optional<T> use(Function<PreparedNet, T> use) {
        if (impossible) {
            return Optional.empty();
        }
        shares.acquireUninterruptibly();
        try {
            PreparedNet current = net;
            if (current != null && version == version()) {
                return Optional.of(use.apply(current));
            }
        } finally {
            shares.release();
        }
        shares.acquireUninterruptibly(ALL);
        int kept = 0;
        try {
            make();
            kept = 1; // nobody else changes it before its use
        } catch (UnsupportedOperationException e) {
            impossible = true; // a network of one's own
            return Optional.empty();
        } finally {
            shares.release(ALL - kept);
        }
        try {
            return Optional.ofNullable(net).map(use);
        } finally {
            shares.release();
        }
    }

    private void make() {
        if (tensors != null && ofLayers != layers.getAsInt()) {
            tensors.forEach(Tensor::close);
            tensors = null;
        }
        if (tensors == null) {
            ofLayers = layers.getAsInt();
            List<Tensor> handles = new ArrayList<>();
            try (PointerScope scope = new PointerScope()) {
                weights.get().forEach(tensor -> handles.add(tensor.retainReference()));
            }
            tensors = handles;
        }
        long now = version();
        if (net != null && version == now) {
            return;
        }
        free();
        try (Graph described = graph.get();
                Device cpu = new Device("cpu")) {
            net = PreparedNet.of(described, BATCH_SIZE, sizePx, ScalarType.Float, cpu);
            version = now;
        }
    }

    /** Returns a number that changes whenever one of the tensors changes, or gets other data. */
    private long version() {
        long number = layers.getAsInt();
        for (Tensor tensor : tensors == null ? List.<Tensor>of() : tensors) {
            number = 31 * (31 * number + tensor._version()) + tensor.data_ptr().address();
        }
        return number;
    }

    /** Frees the prepared net until it is used again. */
    public void drop() {
        shares.acquireUninterruptibly(ALL);
        try {
            free();
        } finally {
            shares.release(ALL);
        }
    }

    private void free() {
        if (net != null) {
            net.close();
            net = null;
        }
    }

    @Override
    public void close() {
        drop();
        if (tensors != null) {
            tensors.forEach(Tensor::close);
        }
    }
}
