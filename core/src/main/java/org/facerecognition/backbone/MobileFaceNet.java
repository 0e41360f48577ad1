package org.facerecognition.backbone;

import java.util.List;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/**
 * A small network for faces: Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on
 * Mobile Devices", 2018, arXiv 1804.07573. It ends with a depthwise convolution as large as the image in place of an
 * average, since the corners of an aligned face matter less than its center.
 *
 * <p>This is the variant with ReLU6 in its blocks and ReLU in the separable convolution, where the paper has PReLU.
 * Names are those of that variant's weights: {@code conv1.0}, {@code dw_conv.depthwise}, {@code features.0.conv.0.0},
 * {@code gdconv.bn}, {@code conv3}.
 *
 * <p>Outputs; a network takes images of the size it was built for and no other:
 * <pre>
 * layer               channels    112 px images    224 px images
 * conv1               64          56x56            112x112
 * dw_conv             64          56x56            112x112
 * features.0 to 4     64          28x28            56x56
 * features.5 to 11    128         14x14            28x28
 * features.12 to 14   128         7x7              14x14
 * conv2               512         7x7              14x14
 * gdconv              512         1x1              1x1
 * conv3, bn           D           1x1              1x1
 * </pre>
 */
public final class MobileFaceNet extends StagedBackbone {

    // ---- blocks ----

    /** Convolution, batch normalization, ReLU6. */
    private static Sequence convolution(long inputs, long outputs, long kernel, long stride, long groups) {
        return new Sequence(
                Layers.conv(inputs, outputs, kernel, stride, groups), Layers.batchNorm(outputs), Layers.relu6());
    }

    /** A depthwise 3x3 convolution and a 1x1 convolution, each with batch normalization and ReLU. */
    private static final class Separable extends Block {
        private final Layer body;

        Separable(long channels) {
            super("DepthwiseSeparableConv");
            Layer depthwise = add("depthwise", Layers.conv(channels, channels, 3, 1, channels));
            Layer pointwise = add("pointwise", Layers.conv(channels, channels, 1, 1));
            Layer bn1 = add("bn1", Layers.batchNorm(channels));
            Layer bn2 = add("bn2", Layers.batchNorm(channels));
            this.body = Layer.chain(depthwise, bn1, Layers.RELU, pointwise, bn2, Layers.RELU);
        }

        @Override
        public Tensor forward(Tensor x) {
            return body.forward(x);
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return body.describe(graph, x);
        }
    }

    /**
     * MobileNetV2's inverted residual: expansion, depthwise convolution, projection without activation; a shortcut if
     * input and output have the same shape.
     */
    private static final class Bottleneck extends Block {
        private final Layer conv;
        private final boolean hasShortcut;

        Bottleneck(int inputs, int outputs, int expansion, int stride) {
            super("InvertedResidual");
            int expanded = inputs * expansion;
            this.hasShortcut = stride == 1 && inputs == outputs;
            this.conv = add(
                    "conv",
                    new Sequence(
                            convolution(inputs, expanded, 1, 1, 1),
                            convolution(expanded, expanded, 3, stride, expanded),
                            Layers.conv(expanded, outputs, 1, 1),
                            Layers.batchNorm(outputs)));
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = conv.forward(x);
            return hasShortcut ? out.add_(x) : out;
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = conv.describe(graph, x);
            return hasShortcut ? graph.plus(out, x) : out;
        }
    }

    /** Rows of table 1 of the paper: expansion, channels, repeats, stride of the first. */
    private static final int[][] BOTTLENECKS = {
        {2, 64, 5, 2}, {4, 128, 1, 2}, {2, 128, 6, 1}, {4, 128, 1, 2}, {2, 128, 2, 1}
    };

    private static Sequence bottlenecks() {
        Sequence blocks = new Sequence();
        int inputs = 64;
        for (int[] row : BOTTLENECKS) {
            for (int i = 0; i < row[2]; i++) {
                blocks.append(new Bottleneck(inputs, row[1], row[0], i == 0 ? row[3] : 1));
                inputs = row[1];
            }
        }
        return blocks;
    }

    /** One weight for each position of each channel, and batch normalization. */
    private static final class GlobalDepthwise extends Block {
        private final Layer body;

        GlobalDepthwise(int channels, int sizePx) {
            super("GDConv");
            this.body = Layer.chain(
                    add("depthwise", Layers.globalDepthwise(channels, sizePx)), add("bn", Layers.batchNorm(channels)));
        }

        @Override
        public Tensor forward(Tensor x) {
            return body.forward(x);
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return body.describe(graph, x);
        }
    }

    // ---- network ----

    private static final int FEATURES = 512;
    private static final int STRIDE = 16; // of the whole network

    private final int imageSizePx;
    private final double dropout; // before conv3
    private Module last; // conv3 as a module
    private Layer conv3;
    private Layer bn;
    private int embeddingSize;

    /** Initializes the network from torch's random generator. */
    MobileFaceNet(int outputs, BackboneOptions options) {
        super("MobileFaceNet");
        this.imageSizePx = options.imageSizePx();
        addStage("conv1", convolution(3, 64, 3, 2, 1));
        addStage("dw_conv", new Separable(64));
        addStage("features", bottlenecks());
        addStage("conv2", convolution(128, FEATURES, 1, 1, 1));
        addStage("gdconv", new GlobalDepthwise(FEATURES, (imageSizePx + STRIDE - 1) / STRIDE));
        this.dropout = options.dropout();
        this.embeddingSize = outputs;
        this.last = Layers.pointwises(FEATURES, outputs);
        this.conv3 = add("conv3", last);
        this.bn = add("bn", Layers.batchNorm(outputs));
        Layers.initializeConvolutions(this, Layers::heStdByFanOut);
    }

    @Override
    public Tensor forward(Tensor images) {
        requireSize(images, imageSizePx);
        Tensor x = stages().forward(images); // [B, 512, 1, 1]
        return head(x); // [B, D]
    }

    @Override
    Tensor head(Tensor x) {
        x = dropoutBefore(last, x, dropout);
        x = bn.forward(conv3.forward(x)); // [B, D, 1, 1]
        return torch.flatten(x, 1, -1); // [B, D]
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = stages().describe(graph, images);
        return graph.flatten(bn.describe(graph, conv3.describe(graph, x)));
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
        this.embeddingSize = sizes[sizes.length - 1];
        this.last = Layers.pointwises(FEATURES, sizes);
        this.conv3 = add("conv3", last);
        this.bn = add("bn", Layers.batchNorm(embeddingSize));
        moveNewLayers();
    }
}
