package org.facerecognition.backbone;

import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/**
 * A small net for faces: Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile
 * Devices", 2018, arXiv 1804.07573. It ends with a depthwise convolution as large as the image in place of an average,
 * since the corners of an aligned face matter less than its middle.
 *
 * <p>The variant with ReLU6 in its blocks and ReLU in the separable convolution, where the paper has PReLU; names as in its
 * weights: {@code conv1.0}, {@code dw_conv.depthwise}, {@code features.0.conv.0.0}, {@code gdconv.bn}, {@code conv3}.
 */
public final class MobileFaceNet extends StagedBackbone {
    /** Expansion, channels, repeats, stride of the first. */
    private static final int[][] BOTTLENECKS = {
        {2, 64, 5, 2}, {4, 128, 1, 2}, {2, 128, 6, 1}, {4, 128, 1, 2}, {2, 128, 2, 1}
    };

    private static final int FEATURES = 512;
    private static final int SHRINKS_BY = 16;

    private final double dropout;
    private Layer last;
    private Module lastModule; // the same
    private BatchNorm2dImpl bn;
    private int embeddingSize;

    MobileFaceNet(int outputs, BackboneOptions options) {
        super("MobileFaceNet", options.imageSizePx());
        this.dropout = options.dropout();
        Sequence conv1 = register_module("conv1", convolution(3, 64, 3, 2, 1));
        Separable separable = register_module("dw_conv", new Separable(64));
        Sequence features = register_module("features", bottlenecks());
        Sequence conv2 = register_module("conv2", convolution(128, FEATURES, 1, 1, 1));
        GlobalDepthwise global =
                register_module("gdconv", new GlobalDepthwise((options.imageSizePx() + SHRINKS_BY - 1) / SHRINKS_BY));
        stages().add("conv1", conv1)
                .add("dw_conv", separable)
                .add("features", features)
                .add("conv2", conv2)
                .add("gdconv", global);
        Conv2dImpl conv3 = register_module("conv3", Layers.pointwiseWithBias(FEATURES, outputs));
        this.last = conv3::forward;
        this.lastModule = conv3;
        this.bn = register_module("bn", Layers.batchNorm(outputs));
        this.embeddingSize = outputs;
        Layers.initializeConvolutions(this);
    }

    /** @param x [B, 512, 1, 1] */
    @Override
    Tensor end(Tensor x) {
        x = Layers.dropout(x, dropout, is_training());
        return torch.flatten(bn.forward(last.forward(x)), 1, -1);
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = stages().describe(graph, images);
        return graph.flatten(Layers.describe(graph, x, lastModule, bn));
    }

    @Override
    public int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public String lastLayerName() {
        return "conv3";
    }

    @Override
    public List<String> replacedNames() {
        return List.of("conv3.*", "bn.*");
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        checkReplacement(name, sizes);
        unregister_module("conv3");
        unregister_module("bn");
        if (sizes.length == 1) {
            Conv2dImpl conv3 = register_module("conv3", Layers.pointwiseWithBias(FEATURES, sizes[0]));
            this.last = conv3::forward;
            this.lastModule = conv3;
        } else {
            Sequence several = new Sequence();
            long from = FEATURES;
            for (int to : sizes) {
                several.add(Layers.pointwiseWithBias(from, to), m -> m::forward);
                from = to;
            }
            this.last = register_module("conv3", several);
            this.lastModule = several;
        }
        this.embeddingSize = sizes[sizes.length - 1];
        this.bn = register_module("bn", Layers.batchNorm(embeddingSize));
        moveNewLayers();
    }

    // ---- blocks ----

    /** Convolution, batch normalization, ReLU6. */
    private static Sequence convolution(long inputs, long outputs, long kernel, long stride, long groups) {
        return new Sequence()
                .add(Layers.conv(inputs, outputs, kernel, stride, groups), m -> m::forward)
                .add(Layers.batchNorm(outputs), m -> m::forward)
                .add(new Layers.Function("ReLU6", torch::relu6_, GraphBuilder::relu6), f -> f);
    }

    private static Sequence bottlenecks() {
        Sequence blocks = new Sequence();
        int inputs = 64;
        for (int[] row : BOTTLENECKS) {
            for (int i = 0; i < row[2]; i++) {
                blocks.add(new Bottleneck(inputs, row[1], row[0], i == 0 ? row[3] : 1), b -> b);
                inputs = row[1];
            }
        }
        return blocks;
    }

    /** Depthwise 3x3, then 1x1, each with batch normalization and ReLU. */
    private static final class Separable extends Module implements Layer, Described {
        private final Layer body;
        private final BiFunction<GraphBuilder, Value, Value> description;

        Separable(long channels) {
            super("DepthwiseSeparableConv");
            Conv2dImpl depthwise = register_module("depthwise", Layers.conv(channels, channels, 3, 1, channels));
            Conv2dImpl pointwise = register_module("pointwise", Layers.conv(channels, channels, 1, 1));
            BatchNorm2dImpl bn1 = register_module("bn1", Layers.batchNorm(channels));
            BatchNorm2dImpl bn2 = register_module("bn2", Layers.batchNorm(channels));
            this.body =
                    x -> torch.relu_(bn2.forward(pointwise.forward(torch.relu_(bn1.forward(depthwise.forward(x))))));
            this.description = (g, x) -> {
                Value out = g.relu(Layers.describe(g, x, depthwise, bn1));
                return g.relu(Layers.describe(g, out, pointwise, bn2));
            };
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return description.apply(graph, x);
        }

        @Override
        public Tensor forward(Tensor x) {
            return body.forward(x);
        }
    }

    /** MobileNetV2's inverted residual: widen, look, narrow without activation; a shortcut where sizes allow. */
    private static final class Bottleneck extends Module implements Layer, Described {
        private final Sequence conv;
        private final boolean shortcut;

        Bottleneck(int inputs, int outputs, int expansion, int stride) {
            super("InvertedResidual");
            int wide = inputs * expansion;
            this.shortcut = stride == 1 && inputs == outputs;
            this.conv = register_module(
                    "conv",
                    new Sequence()
                            .add(convolution(inputs, wide, 1, 1, 1), s -> s)
                            .add(convolution(wide, wide, 3, stride, wide), s -> s)
                            .add(Layers.conv(wide, outputs, 1, 1), m -> m::forward)
                            .add(Layers.batchNorm(outputs), m -> m::forward));
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = conv.forward(x);
            return shortcut ? out.add_(x) : out;
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = conv.describe(graph, x);
            return shortcut ? graph.plus(out, x) : out;
        }
    }

    /** A weight for each place of each channel, and batch normalization. */
    private static final class GlobalDepthwise extends Module implements Layer, Described {
        private final Layer body;
        private final Module[] parts; // of the body, in order

        GlobalDepthwise(int sizePx) {
            super("GDConv");
            Conv2dImpl depthwise = register_module("depthwise", Layers.globalDepthwise(FEATURES, sizePx));
            BatchNorm2dImpl norm = register_module("bn", Layers.batchNorm(FEATURES));
            this.body = x -> norm.forward(depthwise.forward(x));
            this.parts = new Module[] {depthwise, norm};
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return Layers.describe(graph, x, parts);
        }

        @Override
        public Tensor forward(Tensor x) {
            return body.forward(x);
        }
    }
}
