package org.facerecognition.backbone;

import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * A network from images to embeddings. Parameters, buffers and children have the names that the architecture's origin
 * gives them, in the origin's order, so that its weights load by name.
 *
 * <p>A backbone is owned: closing it frees all of its layers. The library's backbones may be created anywhere. Create
 * your own subclass through {@link #built}, or outside of every {@link PointerScope} that closes before the backbone
 * does.
 */
public abstract class Backbone extends Module {
    private volatile int replacements; // of the last layer

    private @Nullable PointerScope layers; // native objects created by built

    /** @param name name of the architecture, which libtorch prints */
    protected Backbone(String name) {
        super(name);
    }

    /**
     * Creates a backbone that owns every native object created by {@code maker}. Otherwise its layers, to which Java
     * objects hold references, would be freed only when the garbage collector runs.
     *
     * @return owned
     */
    protected static <B extends Backbone> B built(Supplier<B> maker) {
        PointerScope scope = new PointerScope();
        boolean done = false;
        try {
            B backbone = maker.get();
            // extend keeps the scope open; the close below then only removes it from this thread
            ((Backbone) backbone).layers = scope.extend();
            done = true;
            return backbone;
        } finally {
            scope.close();
            if (!done) {
                scope.deallocate();
            }
        }
    }

    /** Frees the backbone and all of its layers. */
    @Override
    public void close() {
        super.close();
        if (layers != null) {
            layers.close();
            layers = null;
        }
    }

    /**
     * Embeds a batch of images.
     *
     * @param images [B, 3, H, W], float, in the color order and normalization that the weights were trained with;
     *     borrowed
     * @return [B, D], not L2-normalized; scoped
     */
    public abstract Tensor forward(Tensor images);

    /**
     * Runs the first part of {@link #forward}, up to the input of a layer.
     *
     * @param layer name of a layer outside of blocks, such as {@code layer3} or {@code features.9}, or {@link
     *     #lastLayerName}
     * @param images [B, 3, H, W], as for {@link #forward}; borrowed
     * @return the input of the layer, scoped; of the last layer, the output of the layer or block before it, which is
     *     not flattened, and without dropout
     * @throws IllegalArgumentException if the network has no such layer; the message lists its layers
     * @throws UnsupportedOperationException if this is not one of the library's backbones
     */
    public final Tensor forwardBefore(String layer, Tensor images) {
        StagedBackbone staged = staged();
        return staged.isLast(layer)
                ? staged.stages().forward(images)
                : staged.stages().before(layer, images);
    }

    /**
     * Runs the second part of {@link #forward}, starting with a layer.
     *
     * @param layer as for {@link #forwardBefore}
     * @param x the input of the layer, as returned by {@link #forwardBefore}; borrowed, but may be overwritten
     * @return [B, D], not L2-normalized; scoped
     */
    public final Tensor forwardFrom(String layer, Tensor x) {
        StagedBackbone staged = staged();
        return staged.head(staged.isLast(layer) ? x : staged.stages().from(layer, x));
    }

    /**
     * Checks whether {@link #forwardBefore} knows a layer.
     *
     * @throws IllegalArgumentException if the network has no such layer; the message lists its layers
     * @throws UnsupportedOperationException if this is not one of the library's backbones
     */
    public final void requireSplit(String layer) {
        StagedBackbone staged = staged();
        if (!staged.isLast(layer)) {
            staged.stages().requireSplit(layer);
        }
    }

    /** Returns whether {@link SynchronizedBatchNorm} reaches the layers: only those of the library's backbones. */
    public final boolean synchronizesBatchNorm() {
        return this instanceof StagedBackbone;
    }

    private StagedBackbone staged() {
        if (this instanceof StagedBackbone staged) {
            return staged;
        }
        throw new UnsupportedOperationException(getClass().getSimpleName()
                + " cannot be run in two parts, which a feature cache needs; only the library's own backbones can");
    }

    /**
     * Returns the operations of {@link #forward} in evaluation mode, from which the network is prepared for speed or
     * exported to other formats.
     *
     * @return owned; its tensors share the memory of this backbone's weights
     * @throws UnsupportedOperationException if this class does not override {@link #describe}
     */
    public final Graph graph() {
        Libtorch.keepCacheFolder(); // for classes that a training of hours has not used
        return Graph.of(this::describe);
    }

    /**
     * Records forward's operations in evaluation mode, in the same order. Override it in your own backbone if that is
     * to be prepared or exported; the default throws.
     *
     * @param graph records the operations
     * @param images [B, 3, H, W]
     * @return the embeddings, [B, D]
     * @throws UnsupportedOperationException if it is not overridden, or a layer has options that a graph cannot express
     */
    protected Value describe(GraphBuilder graph, Value images) {
        throw new UnsupportedOperationException("a net to be prepared or exported must override describe, but "
                + getClass().getSimpleName() + " does not");
    }

    /** Returns the length of an embedding, D. */
    public abstract int embeddingSize();

    /** Returns the name of the layer that {@link #replaceLastLayer} replaces: {@code fc} for a ResNet. */
    public abstract String lastLayerName();

    /**
     * Replaces the last layer by newly initialized linear layers, the last of which sets the length of embeddings.
     *
     * @param name name of the layer to replace; must be {@link #lastLayerName()}
     * @param sizes outputs of the new layers: one size makes a linear layer named like the old one, several make a
     *     sequence of linear layers {@code name.0}, {@code name.1}, ... with nothing between them
     * @throws IllegalArgumentException if the network has no such last layer, or a size is less than 1
     */
    public abstract void replaceLastLayer(String name, int... sizes);

    /** Returns patterns of the names that {@link #replaceLastLayer} initializes anew; {@code *} matches any text. */
    public List<String> replacedNames() {
        return List.of(lastLayerName() + ".*");
    }

    /**
     * Checks the arguments of {@link #replaceLastLayer}, which must call it first: it counts in {@link #replacements}.
     *
     * @throws IllegalArgumentException as declared there
     */
    protected final void checkReplacement(String name, int... sizes) {
        if (!name.equals(lastLayerName())) {
            throw new IllegalArgumentException(
                    "last layer must be \"" + lastLayerName() + "\" for this backbone, but was \"" + name + "\"");
        }
        if (sizes.length == 0) {
            throw new IllegalArgumentException("sizes must name at least one layer, but was empty");
        }
        for (int size : sizes) {
            if (size < 1) {
                throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + size);
            }
        }
        replacements++;
    }

    /** Returns how often the last layer was replaced, so that what was made of the former layers can be made again. */
    public final int replacements() {
        return replacements;
    }

    /** Moves the layers that {@link #replaceLastLayer} has created on the CPU to the device of the other layers. */
    protected final void moveNewLayers() {
        try (PointerScope scope = new PointerScope()) {
            TensorVector parameters = parameters();
            if (!parameters.get(0).is_cpu()) {
                to(parameters.get(0).device(), false);
            }
        }
    }

    /**
     * Sets the memory layout of convolution weights; pass images in the same layout. It changes the speed, and results
     * only by rounding.
     *
     * @param channelsLast true for channels_last, with which convolutions are faster on CPUs and GPUs alike; false for
     *     contiguous
     */
    public final void setChannelsLast(boolean channelsLast) {
        MemoryFormat layout = channelsLast ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            TensorVector parameters = parameters();
            for (long i = 0; i < parameters.size(); i++) {
                Tensor parameter = parameters.get(i);
                if (parameter.dim() == 4) {
                    parameter.set_data(parameter.detach().contiguous(layout));
                }
            }
        }
    }
}
