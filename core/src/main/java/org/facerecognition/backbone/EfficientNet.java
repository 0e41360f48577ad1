package org.facerecognition.backbone;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.RandomStream;

/**
 * Networks of inverted residual blocks whose depth, width and input size are scaled together: Tan and Le,
 * "EfficientNet", ICML 2019, arXiv 1905.11946, and "EfficientNetV2", ICML 2021, arXiv 2104.00298.
 *
 * <p>Follows torchvision's {@code models/efficientnet.py} (0.14): the same names, the same order of children and the
 * same draws from the random generator. {@code smallFaces} leaves out the stride of the first convolution, nothing
 * else.
 *
 * <p>Outputs, with the channels of B0 and V2-M:
 * <pre>
 * layer         B0      V2-M    112 px images     224 px images
 * features.0    32      24      56x56             112x112
 * features.1    16      24      56x56             112x112
 * features.2    24      48      28x28             56x56
 * features.3    40      80      14x14             28x28
 * features.4    80      160     7x7               14x14
 * features.5    112     176     7x7               14x14
 * features.6    192     304     4x4               7x7
 * features.7    320     512     4x4               7x7
 * features.8    1280    1280    4x4               7x7
 * avgpool       1280    1280    1x1               1x1
 * classifier    D       D
 * </pre>
 */
public final class EfficientNet extends StagedBackbone {

    // ---- blocks ----

    private enum Kind {
        MB_CONV,
        FUSED_MB_CONV
    }

    /** A stage of equal blocks, the first of which has the stride. */
    private record Stage(Kind kind, int expansion, int kernel, int stride, int inputs, int outputs, int depth) {}

    /** Convolution and batch normalization. */
    private static Sequence projection(int inputs, int outputs, int kernel, int stride, int groups, double epsilon) {
        return new Sequence(Layers.conv(inputs, outputs, kernel, stride, groups), Layers.batchNorm(outputs, epsilon));
    }

    /** Convolution, batch normalization, SiLU. */
    private static Sequence convolution(int inputs, int outputs, int kernel, int stride, int groups, double epsilon) {
        return projection(inputs, outputs, kernel, stride, groups, epsilon).append(Layers.silu());
    }

    /** Weights channels by their averages over the whole image: Hu et al., CVPR 2018, arXiv 1709.01507. */
    private static final class SqueezeExcitation extends Block {
        private final Layer weights;

        SqueezeExcitation(int channels, int squeezed) {
            super("SqueezeExcitation");
            this.weights = Layer.chain(
                    add("avgpool", new Layers.GlobalAveragePool()),
                    add("fc1", Layers.pointwiseWithBias(channels, squeezed)),
                    Layers.SILU,
                    add("fc2", Layers.pointwiseWithBias(squeezed, channels)),
                    Layers.SIGMOID);
        }

        @Override
        public Tensor forward(Tensor x) {
            return x.mul(weights.forward(x)); // [B, C, H, W] * [B, C, 1, 1]
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return graph.scale(x, weights.describe(graph, x));
        }
    }

    /** MBConv: expansion, depthwise convolution, squeeze-and-excitation, projection. */
    private static Sequence mbConv(Stage stage, int inputs, int stride, double epsilon) {
        int expanded = inputs * stage.expansion(); // a multiple of 8 in all networks here
        Sequence layers = new Sequence();
        if (expanded != inputs) {
            layers.append(convolution(inputs, expanded, 1, 1, 1, epsilon));
        }
        return layers.append(convolution(expanded, expanded, stage.kernel(), stride, expanded, epsilon))
                .append(new SqueezeExcitation(expanded, Math.max(1, inputs / 4)))
                .append(projection(expanded, stage.outputs(), 1, 1, 1, epsilon));
    }

    /** Fused-MBConv: one full convolution in place of expansion and depthwise convolution, then the projection. */
    private static Sequence fusedMbConv(Stage stage, int inputs, int stride, double epsilon) {
        int expanded = inputs * stage.expansion();
        if (expanded == inputs) {
            return new Sequence(convolution(inputs, stage.outputs(), stage.kernel(), stride, 1, epsilon));
        }
        return new Sequence(
                convolution(inputs, expanded, stage.kernel(), stride, 1, epsilon),
                projection(expanded, stage.outputs(), 1, 1, 1, epsilon));
    }

    /**
     * An MBConv or Fused-MBConv, and a shortcut if input and output have the same shape. In training, stochastic depth
     * skips the block for random images: Huang et al., arXiv 1603.09382.
     */
    private static final class InvertedResidual extends Block {
        private final Sequence layers;
        private final Layer block;
        private final boolean hasShortcut;
        private final double dropProbability;

        InvertedResidual(Stage stage, int inputs, int stride, double dropProbability, double epsilon) {
            super(stage.kind() == Kind.MB_CONV ? "MBConv" : "FusedMBConv");
            this.dropProbability = dropProbability;
            this.hasShortcut = stride == 1 && inputs == stage.outputs();
            this.layers = stage.kind() == Kind.MB_CONV
                    ? mbConv(stage, inputs, stride, epsilon)
                    : fusedMbConv(stage, inputs, stride, epsilon);
            this.block = add("block", layers);
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = block.forward(x);
            return hasShortcut ? stochasticDepth(out).add(x) : out;
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = block.describe(graph, x);
            return hasShortcut ? graph.plus(out, x) : out;
        }

        private Tensor stochasticDepth(Tensor out) {
            if (dropProbability == 0 || !layers.is_training()) { // they may be frozen alone
                return out;
            }
            double kept = 1 - dropProbability;
            Tensor noise = out.new_empty(out.size(0), 1, 1, 1); // [B, 1, 1, 1]
            return out.mul(
                    noise.bernoulli_(kept, RandomStream.generatorFor(noise)).div_(new Scalar(kept)));
        }
    }

    private static Sequence features(List<Stage> stages, int firstStride, double epsilon) {
        int first = stages.get(0).inputs();
        int last = stages.get(stages.size() - 1).outputs();
        int blocks = stages.stream().mapToInt(Stage::depth).sum();
        Sequence features = new Sequence(convolution(3, first, 3, firstStride, 1, epsilon));
        int block = 0;
        for (Stage stage : stages) {
            Sequence row = new Sequence();
            for (int i = 0; i < stage.depth(); i++, block++) {
                double dropProbability = 0.2 * block / blocks; // grows with depth
                int inputs = i == 0 ? stage.inputs() : stage.outputs();
                row.append(new InvertedResidual(stage, inputs, i == 0 ? stage.stride() : 1, dropProbability, epsilon));
            }
            features.append(row);
        }
        return features.append(convolution(last, FEATURES, 1, 1, 1, epsilon));
    }

    // ---- network ----

    private static final int FEATURES = 1280;

    private final double dropout;
    private Layer classifier;
    private int embeddingSize;

    private EfficientNet(
            String name, List<Stage> stages, double epsilon, double dropout, int outputs, BackboneOptions options) {
        super(name);
        addStage("features", features(stages, options.smallFaces() ? 1 : 2, epsilon));
        addStage("avgpool", new Layers.GlobalAveragePool());
        this.dropout = options.dropout() > 0 ? options.dropout() : dropout;
        this.embeddingSize = outputs;
        this.classifier = add("classifier", classifier(outputs));
        Layers.initializeConvolutions(this, Layers::heStdByFanOut);
        initializeLinear();
    }

    private Sequence classifier(int... sizes) {
        return new Sequence(new Layers.Dropout(dropout), Layers.linears(FEATURES, sizes));
    }

    /** Like torchvision, draws linear weights uniformly from +-1/sqrt(outputs) and sets their biases to zero. */
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

    @Override
    public Tensor forward(Tensor images) {
        Tensor x = stages().forward(images); // [B, 1280, 1, 1]
        return head(x); // [B, D]
    }

    @Override
    Tensor head(Tensor x) {
        x = torch.flatten(x, 1, -1); // [B, 1280]
        return classifier.forward(x); // [B, D]
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = stages().describe(graph, images);
        return classifier.describe(graph, graph.flatten(x));
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
        this.embeddingSize = sizes[sizes.length - 1];
        this.classifier = add("classifier", classifier(sizes));
        moveNewLayers();
    }

    // ---- builders ----

    private static final List<Stage> B0 = List.of(
            new Stage(Kind.MB_CONV, 1, 3, 1, 32, 16, 1),
            new Stage(Kind.MB_CONV, 6, 3, 2, 16, 24, 2),
            new Stage(Kind.MB_CONV, 6, 5, 2, 24, 40, 2),
            new Stage(Kind.MB_CONV, 6, 3, 2, 40, 80, 3),
            new Stage(Kind.MB_CONV, 6, 5, 1, 80, 112, 3),
            new Stage(Kind.MB_CONV, 6, 5, 2, 112, 192, 4),
            new Stage(Kind.MB_CONV, 6, 3, 1, 192, 320, 1));

    private static final List<Stage> V2_M = List.of(
            new Stage(Kind.FUSED_MB_CONV, 1, 3, 1, 24, 24, 3),
            new Stage(Kind.FUSED_MB_CONV, 4, 3, 2, 24, 48, 5),
            new Stage(Kind.FUSED_MB_CONV, 4, 3, 2, 48, 80, 5),
            new Stage(Kind.MB_CONV, 4, 3, 2, 80, 160, 7),
            new Stage(Kind.MB_CONV, 6, 3, 1, 160, 176, 14),
            new Stage(Kind.MB_CONV, 6, 3, 2, 176, 304, 18),
            new Stage(Kind.MB_CONV, 6, 3, 1, 304, 512, 5));

    /** EfficientNet-B0, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    static EfficientNet b0(int outputs, BackboneOptions options) {
        return new EfficientNet("EfficientNetB0", B0, Layers.BATCH_NORM_EPSILON, 0.2, outputs, options);
    }

    /** EfficientNetV2-M, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    static EfficientNet v2m(int outputs, BackboneOptions options) {
        return new EfficientNet("EfficientNetV2M", V2_M, 1e-3, 0.3, outputs, options);
    }
}
