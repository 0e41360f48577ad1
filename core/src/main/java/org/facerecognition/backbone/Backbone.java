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
import org.jspecify.annotations.Nullable;

/**
 * A network from images to embeddings. Parameters, buffers and children carry the names that the architecture's origin
 * gives them, in its order, so that its weights load by name.
 *
 * <p>Closing it frees all of its layers. Those of the library may be made anywhere; one of your own must be made outside any
 * {@link PointerScope} that ends before the network is done with, or through {@link #built}.
 */
public abstract class Backbone extends Module {
    private @Nullable PointerScope parts; // that were made with it

    /** @param name of the architecture, for libtorch's printing */
    protected Backbone(String name) {
        super(name);
    }

    /**
     * Makes a network that owns all native objects made on the way: its layers, which Java holds handles to, would else be
     * freed only when the garbage collector happens to come by.
     */
    protected static <B extends Backbone> B built(Supplier<B> maker) {
        PointerScope scope = new PointerScope();
        boolean done = false;
        try {
            B backbone = maker.get();
            ((Backbone) backbone).parts = scope.extend(); // survives the first close, that takes it off this thread
            done = true;
            return backbone;
        } finally {
            scope.close();
            if (!done) {
                scope.deallocate();
            }
        }
    }

    /** Frees the network and all of its layers. */
    @Override
    public void close() {
        super.close();
        if (parts != null) {
            parts.close();
            parts = null;
        }
    }

    /**
     * Embeds a batch.
     *
     * @param images [B, 3, H, W], float, in the color order and normalization that the weights were trained with
     * @return [B, D], not normalized
     */
    public abstract Tensor forward(Tensor images);

    /**
     * The first part of {@link #forward}: what comes before a layer.
     *
     * @param layer name of one of the net's layers: {@code layer3}, {@code features.9}; not one inside a block
     * @param images [B, 3, H, W], as for {@link #forward}
     * @return what goes into the layer
     * @throws IllegalArgumentException when the net has no such layer; it names those it has
     * @throws UnsupportedOperationException when the net cannot be run in parts, as one of your own
     */
    public final Tensor forwardBefore(String layer, Tensor images) {
        return inParts().stages().before(layer, images);
    }

    /**
     * The second part of {@link #forward}: from a layer on.
     *
     * @param layer as for {@link #forwardBefore}
     * @param values what that gave; may be overwritten
     * @return [B, D], not normalized
     */
    public final Tensor forwardFrom(String layer, Tensor values) {
        StagedBackbone net = inParts();
        return net.end(net.stages().from(layer, values));
    }

    private StagedBackbone inParts() {
        if (this instanceof StagedBackbone net) {
            return net;
        }
        throw new UnsupportedOperationException("a net to be run in parts must be one of the library's, but was "
                + getClass().getSimpleName());
    }

    /**
     * What {@link #forward} computes in evaluation, for those that prepare the net for speed or write it into other formats.
     * Shares the net's weights.
     *
     * @return to be closed
     * @throws UnsupportedOperationException when the net cannot say
     */
    public final Graph graph() {
        return Graph.of(this::describe);
    }

    /**
     * Takes down what {@link #forward} does in evaluation, in the same order; a net of your own that is to be prepared or
     * exported overrides it.
     *
     * @param graph takes the layers down
     * @param images [B, 3, H, W]
     * @return the embeddings, [B, D]
     */
    protected Value describe(GraphBuilder graph, Value images) {
        throw new UnsupportedOperationException("a net to be prepared or exported must override describe, but "
                + getClass().getSimpleName() + " does not");
    }

    /** Length of an embedding, D. */
    public abstract int embeddingSize();

    /** Name of the last layer, the one that {@link #replaceLastLayer} replaces: {@code fc} for a ResNet. */
    public abstract String lastLayerName();

    /**
     * Replaces the last layer by freshly initialized linear layers, and so sets the embedding's length.
     *
     * @param name which layer; must be {@link #lastLayerName()}
     * @param sizes outputs of the new layers: one makes a linear layer named like the old one, several a sequence of
     *     linear layers {@code name.0}, {@code name.1}, ... with nothing between them
     * @throws IllegalArgumentException when the net has no such last layer, or a size is less than 1
     */
    public abstract void replaceLastLayer(String name, int... sizes);

    /** Names of all that {@link #replaceLastLayer} draws anew, {@code *} standing for any text. */
    public List<String> replacedNames() {
        return List.of(lastLayerName() + ".*");
    }

    /** Checks the arguments of {@link #replaceLastLayer}. */
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
    }

    /** Moves the layers that {@link #replaceLastLayer} made, on the CPU, to the device of the others. */
    protected final void moveNewLayers() {
        try (PointerScope scope = new PointerScope()) {
            TensorVector parameters = parameters();
            if (!parameters.get(0).is_cpu()) {
                to(parameters.get(0).device(), false);
            }
        }
    }

    /**
     * Lays out convolution weights; give images in the same layout. Changes speed, and results only by rounding.
     *
     * @param channelsLast true for channels_last, which the CPU's and the GPU's convolutions prefer; false for contiguous
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
