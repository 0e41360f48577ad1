package org.facerecognition.backbone;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.RandomStream;

/**
 * Nets of inverted residual blocks scaled alike in depth, width and input: Tan and Le, "EfficientNet", ICML 2019, arXiv
 * 1905.11946, and "EfficientNetV2", ICML 2021, arXiv 2104.00298.
 *
 * <p>Written after torchvision's {@code models/efficientnet.py} (0.14): same names, same order of children, and same draws
 * from the random generator. The first convolution's stride is the only thing that {@code smallFaces} leaves out.
 */
public final class EfficientNet extends StagedBackbone {
    private static final int FEATURES = 1280;

    private final double dropout;
    private Sequence classifier;
    private int embeddingSize;

    /** A stage of like blocks; the first of them has the stride. */
    private record Stage(Kind kind, int expansion, int kernel, int stride, int inputs, int outputs, int depth) {}

    private enum Kind {
        FUSED, // one convolution for the expansion and the depthwise one
        MOBILE
    }

    private static final List<Stage> B0 = List.of(
            new Stage(Kind.MOBILE, 1, 3, 1, 32, 16, 1),
            new Stage(Kind.MOBILE, 6, 3, 2, 16, 24, 2),
            new Stage(Kind.MOBILE, 6, 5, 2, 24, 40, 2),
            new Stage(Kind.MOBILE, 6, 3, 2, 40, 80, 3),
            new Stage(Kind.MOBILE, 6, 5, 1, 80, 112, 3),
            new Stage(Kind.MOBILE, 6, 5, 2, 112, 192, 4),
            new Stage(Kind.MOBILE, 6, 3, 1, 192, 320, 1));

    private static final List<Stage> V2_M = List.of(
            new Stage(Kind.FUSED, 1, 3, 1, 24, 24, 3),
            new Stage(Kind.FUSED, 4, 3, 2, 24, 48, 5),
            new Stage(Kind.FUSED, 4, 3, 2, 48, 80, 5),
            new Stage(Kind.MOBILE, 4, 3, 2, 80, 160, 7),
            new Stage(Kind.MOBILE, 6, 3, 1, 160, 176, 14),
            new Stage(Kind.MOBILE, 6, 3, 2, 176, 304, 18),
            new Stage(Kind.MOBILE, 6, 3, 1, 304, 512, 5));

    /** EfficientNet-B0, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    static EfficientNet b0(int outputs, BackboneOptions options) {
        return new EfficientNet("EfficientNetB0", B0, Layers.BATCH_NORM_EPSILON, 0.2, outputs, options);
    }

    /** EfficientNetV2-M, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    static EfficientNet v2m(int outputs, BackboneOptions options) {
        return new EfficientNet("EfficientNetV2M", V2_M, 1e-3, 0.3, outputs, options);
    }

    private EfficientNet(
            String name, List<Stage> stages, double epsilon, double dropout, int outputs, BackboneOptions options) {
        super(name, ANY_SIZE);
        this.dropout = options.dropout() > 0 ? options.dropout() : dropout;
        int first = stages.get(0).inputs();
        int last = stages.get(stages.size() - 1).outputs();
        Sequence layers = new Sequence();
        layers.add(convolution(3, first, 3, options.smallFaces() ? 1 : 2, 1, epsilon, true), l -> l);
        int blocks = stages.stream().mapToInt(Stage::depth).sum();
        int block = 0;
        for (Stage stage : stages) {
            Sequence row = new Sequence();
            for (int i = 0; i < stage.depth(); i++, block++) {
                double drop = 0.2 * block / blocks; // stochastic depth, the deeper the likelier
                int inputs = i == 0 ? stage.inputs() : stage.outputs();
                row.add(new Block(stage, inputs, i == 0 ? stage.stride() : 1, drop, epsilon), b -> b);
            }
            layers.add(row, r -> r);
        }
        layers.add(convolution(last, FEATURES, 1, 1, 1, epsilon, true), l -> l);
        stages().add("features", register_module("features", layers))
                .add("avgpool", register_module("avgpool", new Layers.GlobalAveragePool()));
        setClassifier(Initialization.linear(FEATURES, outputs), outputs);
        Layers.initializeConvolutions(this);
        initializeLinear();
    }

    private void setClassifier(LinearImpl linear, int outputs) {
        Sequence sequence =
                new Sequence().add(new Layers.Dropout(dropout), d -> d).add(linear, l -> l::forward);
        this.classifier = register_module("classifier", sequence);
        this.embeddingSize = outputs;
    }

    /** torchvision draws linear weights evenly from +-1/sqrt(outputs), and sets their biases to zero. */
    private void initializeLinear() {
        if (Initialization.isSkipped()) {
            return;
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            LinearImpl linear = named_modules("", false).get("classifier.1").asLinear();
            double range = 1 / Math.sqrt(embeddingSize);
            linear.weight().uniform_(-range, range, new GeneratorOptional());
            linear.bias().zero_();
        }
    }

    /** @param x [B, 1280, 1, 1] */
    @Override
    Tensor end(Tensor x) {
        return classifier.forward(torch.flatten(x, 1, -1));
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = graph.flatten(stages().describe(graph, images));
        return classifier.describe(graph, x);
    }

    @Override
    public int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public String lastLayerName() {
        return "classifier.1";
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        checkReplacement(name, sizes);
        unregister_module("classifier");
        int outputs = sizes[sizes.length - 1];
        if (sizes.length == 1) {
            setClassifier(Initialization.linear(FEATURES, outputs), outputs);
        } else {
            Sequence sequence = new Sequence()
                    .add(new Layers.Dropout(dropout), d -> d)
                    .add(Sequence.ofLinears(FEATURES, sizes), l -> l);
            this.classifier = register_module("classifier", sequence);
            this.embeddingSize = outputs;
        }
        moveNewLayers();
    }

    // ---- blocks ----

    /** Convolution, batch normalization and, but for the last of a block, SiLU. */
    private static Sequence convolution(
            int inputs, int outputs, int kernel, int stride, int groups, double epsilon, boolean activate) {
        Sequence layers = new Sequence()
                .add(Layers.conv(inputs, outputs, kernel, stride, groups), m -> m::forward)
                .add(Layers.batchNorm(outputs, epsilon), m -> m::forward);
        return activate ? layers.add(new Layers.Function("SiLU", torch::silu_, GraphBuilder::silu), f -> f) : layers;
    }

    /** Widens, looks, weighs channels against each other, narrows; with a shortcut where sizes allow. */
    private static final class Block extends Module implements Layer, Described {
        private final Sequence block;
        private final boolean shortcut;
        private final double drop;

        Block(Stage stage, int inputs, int stride, double drop, double epsilon) {
            super(stage.kind() == Kind.MOBILE ? "MBConv" : "FusedMBConv");
            this.drop = drop;
            this.shortcut = stride == 1 && inputs == stage.outputs();
            this.block = register_module(
                    "block",
                    stage.kind() == Kind.MOBILE
                            ? mobile(stage, inputs, stride, epsilon)
                            : fused(stage, inputs, stride, epsilon));
        }

        private static Sequence mobile(Stage stage, int inputs, int stride, double epsilon) {
            int wide = inputs * stage.expansion(); // a multiple of 8 in all nets here
            Sequence layers = new Sequence();
            if (wide != inputs) {
                layers.add(convolution(inputs, wide, 1, 1, 1, epsilon, true), l -> l);
            }
            layers.add(convolution(wide, wide, stage.kernel(), stride, wide, epsilon, true), l -> l);
            layers.add(new SqueezeExcitation(wide, Math.max(1, inputs / 4)), l -> l);
            return layers.add(convolution(wide, stage.outputs(), 1, 1, 1, epsilon, false), l -> l);
        }

        private static Sequence fused(Stage stage, int inputs, int stride, double epsilon) {
            int wide = inputs * stage.expansion();
            if (wide == inputs) {
                return new Sequence()
                        .add(convolution(inputs, stage.outputs(), stage.kernel(), stride, 1, epsilon, true), l -> l);
            }
            return new Sequence()
                    .add(convolution(inputs, wide, stage.kernel(), stride, 1, epsilon, true), l -> l)
                    .add(convolution(wide, stage.outputs(), 1, 1, 1, epsilon, false), l -> l);
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = block.forward(x);
            return shortcut ? stochasticDepth(out).add(x) : out;
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = block.describe(graph, x);
            return shortcut ? graph.plus(out, x) : out;
        }

        /** In training leaves the block out by chance, image by image: Huang et al., arXiv 1603.09382. */
        private Tensor stochasticDepth(Tensor out) {
            if (drop == 0 || !is_training()) {
                return out;
            }
            double kept = 1 - drop;
            Tensor chance = out.new_empty(out.size(0), 1, 1, 1); // [B, 1, 1, 1]
            return out.mul(
                    chance.bernoulli_(kept, RandomStream.generatorFor(chance)).div_(new Scalar(kept)));
        }
    }

    /** Weighs channels by what they are over the whole image: Hu et al., CVPR 2018, arXiv 1709.01507. */
    private static final class SqueezeExcitation extends Module implements Layer, Described {
        private final Layers.GlobalAveragePool avgpool = register_module("avgpool", new Layers.GlobalAveragePool());
        private final Conv2dImpl reduce;
        private final Conv2dImpl widen;

        SqueezeExcitation(int channels, int squeezed) {
            super("SqueezeExcitation");
            this.reduce = register_module("fc1", Layers.pointwiseWithBias(channels, squeezed));
            this.widen = register_module("fc2", Layers.pointwiseWithBias(squeezed, channels));
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor weight = torch.silu_(reduce.forward(avgpool.forward(x))); // [B, squeezed, 1, 1]
            return x.mul(torch.sigmoid(widen.forward(weight))); // [B, C, H, W]
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value weight = graph.silu(Layers.describe(graph, x, avgpool, reduce));
            return graph.scale(x, graph.sigmoid(graph.convolution(widen, weight)));
        }
    }
}
