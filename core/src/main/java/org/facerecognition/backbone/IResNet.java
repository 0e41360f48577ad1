package org.facerecognition.backbone;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;
import org.jspecify.annotations.Nullable;

/**
 * The residual net of face recognition: Deng et al., "ArcFace", CVPR 2019, arXiv 1801.07698, section 3.1, with the block
 * of Han et al., "Deep Pyramidal Residual Networks", CVPR 2017. Names as in insightface's {@code
 * arcface_torch/backbones/iresnet.py}, whose weights load.
 *
 * <p>No stride and no pooling at the start, so that a face of 112 pixels ends as 7x7; PReLU for ReLU; normalization before
 * each convolution; at the end a linear layer over all places and a batch normalization whose scale is fixed at 1.
 */
public final class IResNet extends StagedBackbone {
    private static final int[] WIDTHS = {64, 128, 256, 512};
    private static final int SHRINKS_BY = 16;

    private final Layers.Dropout dropout;
    private final long features; // values that go into the last layer
    private Layer last;
    private Module lastModule; // the same
    private BatchNorm1dImpl norm;
    private int embeddingSize;

    static IResNet iresnet18(int outputs, BackboneOptions options) {
        return new IResNet("IResNet18", outputs, options, 2, 2, 2, 2);
    }

    static IResNet iresnet34(int outputs, BackboneOptions options) {
        return new IResNet("IResNet34", outputs, options, 3, 4, 6, 3);
    }

    static IResNet iresnet50(int outputs, BackboneOptions options) {
        return new IResNet("IResNet50", outputs, options, 3, 4, 14, 3);
    }

    static IResNet iresnet100(int outputs, BackboneOptions options) {
        return new IResNet("IResNet100", outputs, options, 3, 13, 30, 3);
    }

    private IResNet(String name, int outputs, BackboneOptions options, int... depths) {
        super(name, options.imageSizePx());
        Conv2dImpl conv1 = register_module("conv1", Layers.conv(3, 64, 3, 1));
        BatchNorm2dImpl bn1 = register_module("bn1", Layers.batchNorm(64));
        PReLUImpl prelu = register_module("prelu", Layers.prelu(64));

        Sequence layer1 = register_module("layer1", stage(64, WIDTHS[0], depths[0]));
        Sequence layer2 = register_module("layer2", stage(WIDTHS[0], WIDTHS[1], depths[1]));
        Sequence layer3 = register_module("layer3", stage(WIDTHS[1], WIDTHS[2], depths[2]));
        Sequence layer4 = register_module("layer4", stage(WIDTHS[2], WIDTHS[3], depths[3]));
        BatchNorm2dImpl bn2 = register_module("bn2", Layers.batchNorm(WIDTHS[3]));
        stages().add("conv1", conv1, m -> m::forward)
                .add("bn1", bn1, m -> m::forward)
                .add("prelu", prelu, m -> m::forward)
                .add("layer1", layer1)
                .add("layer2", layer2)
                .add("layer3", layer3)
                .add("layer4", layer4)
                .add("bn2", bn2, m -> m::forward);

        this.dropout = register_module("dropout", new Layers.Dropout(options.dropout()));
        long side = (options.imageSizePx() + SHRINKS_BY - 1) / SHRINKS_BY;
        this.features = WIDTHS[3] * side * side;
        LinearImpl fc = register_module("fc", Initialization.linear(features, outputs));
        this.last = fc::forward;
        this.lastModule = fc;
        this.norm = register_module("features", finalNorm(outputs));
        this.embeddingSize = outputs;
        initialize();
    }

    /** insightface's: N(0, 0.1) for all convolutions. */
    private void initialize() {
        if (Initialization.isSkipped()) {
            return;
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            SharedModuleVector modules = modules(false);
            for (long i = 0; i < modules.size(); i++) {
                Conv2dImpl conv = modules.get(i).asConv2d();
                if (conv != null) {
                    conv.weight().normal_(0, 0.1, new GeneratorOptional());
                }
            }
        }
    }

    private static BatchNorm1dImpl finalNorm(int size) {
        try (BatchNormOptions options = new BatchNormOptions(size)) {
            BatchNorm1dImpl norm = new BatchNorm1dImpl(options);
            try (Tensor weight = norm.weight()) {
                weight.set_requires_grad(false); // stays at 1: lengths of embeddings mean nothing
            }
            return norm;
        }
    }

    /** @param x [B, 512, H/16, W/16] */
    @Override
    Tensor end(Tensor x) {
        return norm.forward(last.forward(torch.flatten(dropout.forward(x), 1, -1)));
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = graph.flatten(stages().describe(graph, images));
        return Layers.describe(graph, x, lastModule, norm);
    }

    @Override
    public int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public String lastLayerName() {
        return "fc";
    }

    @Override
    public List<String> replacedNames() {
        return List.of("fc.*", "features.*");
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        checkReplacement(name, sizes);
        int outputs = sizes[sizes.length - 1];
        unregister_module("fc");
        unregister_module("features");
        if (sizes.length == 1) {
            LinearImpl linear = register_module("fc", Initialization.linear(features, outputs));
            this.last = linear::forward;
            this.lastModule = linear;
        } else {
            Sequence linears = register_module("fc", Sequence.ofLinears(features, sizes));
            this.last = linears;
            this.lastModule = linears;
        }
        this.norm = register_module("features", finalNorm(outputs));
        this.embeddingSize = outputs;
        moveNewLayers();
    }

    // ---- blocks ----

    /** Normalization, convolution, normalization, PReLU, convolution with the stride, normalization; and a shortcut. */
    private static final class Block extends Module implements Layer, Described {
        private final Layer body;
        private final Module[] parts; // of the body, in order
        private final @Nullable Sequence downsample;

        Block(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("IBasicBlock");
            BatchNorm2dImpl bn1 = register_module("bn1", Layers.batchNorm(inputs));
            Conv2dImpl conv1 = register_module("conv1", Layers.conv(inputs, width, 3, 1));
            BatchNorm2dImpl bn2 = register_module("bn2", Layers.batchNorm(width));
            PReLUImpl prelu = register_module("prelu", Layers.prelu(width));
            Conv2dImpl conv2 = register_module("conv2", Layers.conv(width, width, 3, stride));
            BatchNorm2dImpl bn3 = register_module("bn3", Layers.batchNorm(width));
            this.body = x -> bn3.forward(conv2.forward(prelu.forward(bn2.forward(conv1.forward(bn1.forward(x))))));
            this.parts = new Module[] {bn1, conv1, bn2, prelu, conv2, bn3};
            this.downsample = downsample == null ? null : register_module("downsample", downsample);
        }

        @Override
        public Tensor forward(Tensor x) {
            return body.forward(x).add_(downsample == null ? x : downsample.forward(x));
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = Layers.describe(graph, x, parts);
            return graph.plus(out, downsample == null ? x : downsample.describe(graph, x));
        }
    }

    /** Each stage halves the image in its first block. */
    private static Sequence stage(long inputs, long width, int depth) {
        Sequence downsample = new Sequence()
                .add(Layers.conv(inputs, width, 1, 2), m -> m::forward)
                .add(Layers.batchNorm(width), m -> m::forward);
        Sequence blocks = new Sequence().add(new Block(inputs, width, 2, downsample), b -> b);
        for (int i = 1; i < depth; i++) {
            blocks.add(new Block(width, width, 1, null), b -> b);
        }
        return blocks;
    }
}
