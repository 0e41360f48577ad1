package org.facerecognition.backbone;

import java.util.List;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * The residual network of face recognition: Deng et al., "ArcFace", CVPR 2019, arXiv 1801.07698, section 3.1, with the
 * block of Han et al., "Deep Pyramidal Residual Networks", CVPR 2017. Names are those of insightface's
 * {@code arcface_torch/backbones/iresnet.py}, so that its weights load.
 *
 * <p>Differs from a ResNet in four ways: no stride and no pooling at the start, so that a face of 112 pixels ends as
 * 7x7; PReLU in place of ReLU; a normalization before each convolution; at the end, a linear layer over all positions
 * and a batch normalization whose scale is fixed at 1.
 *
 * <p>Outputs; a network takes images of the size it was built for and no other:
 * <pre>
 * layer               channels    112 px images    224 px images
 * conv1, bn1, prelu   64          112x112          224x224
 * layer1              64          56x56            112x112
 * layer2              128         28x28            56x56
 * layer3              256         14x14            28x28
 * layer4, bn2         512         7x7              14x14
 * fc, features        D
 * </pre>
 */
public final class IResNet extends StagedBackbone {

    // ---- blocks ----

    /** Normalization, convolution, normalization, PReLU, convolution with the stride, normalization; and a shortcut. */
    private static final class BasicBlock extends Block {
        private final Layer body;
        private final Layer shortcut;

        BasicBlock(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("IBasicBlock");
            this.body = Layer.chain(
                    add("bn1", Layers.batchNorm(inputs)),
                    add("conv1", Layers.conv(inputs, width, 3, 1)),
                    add("bn2", Layers.batchNorm(width)),
                    add("prelu", Layers.prelu(width)),
                    add("conv2", Layers.conv(width, width, 3, stride)),
                    add("bn3", Layers.batchNorm(width)));
            this.shortcut = downsample == null ? Layers.IDENTITY : add("downsample", downsample);
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = body.forward(x);
            return out.add_(shortcut.forward(x));
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = body.describe(graph, x);
            return graph.plus(out, shortcut.describe(graph, x));
        }
    }

    /** {@code depth} blocks, the first of which halves the image. */
    private static Sequence stage(long inputs, long width, int depth) {
        Sequence downsample = new Sequence(Layers.conv(inputs, width, 1, 2), Layers.batchNorm(width));
        Sequence blocks = new Sequence(new BasicBlock(inputs, width, 2, downsample));
        for (int i = 1; i < depth; i++) {
            blocks.append(new BasicBlock(width, width, 1, null));
        }
        return blocks;
    }

    private static BatchNorm1dImpl finalNorm(int size) {
        try (BatchNormOptions options = new BatchNormOptions(size)) {
            BatchNorm1dImpl norm = new BatchNorm1dImpl(options);
            try (Tensor weight = norm.weight()) {
                weight.set_requires_grad(false); // stays at 1: the length of an embedding carries no meaning
            }
            return norm;
        }
    }

    // ---- network ----

    private static final int STRIDE = 16; // of the whole network

    private final int imageSizePx;
    private final Layer dropout;
    private final long features; // inputs of fc
    private Layer fc;
    private Layer norm;
    private int embeddingSize;

    private IResNet(String name, int outputs, BackboneOptions options, int... depths) {
        super(name);
        addStage("conv1", Layers.conv(3, 64, 3, 1));
        addStage("bn1", Layers.batchNorm(64));
        addStage("prelu", Layers.prelu(64));
        addStage("layer1", stage(64, 64, depths[0]));
        addStage("layer2", stage(64, 128, depths[1]));
        addStage("layer3", stage(128, 256, depths[2]));
        addStage("layer4", stage(256, 512, depths[3]));
        addStage("bn2", Layers.batchNorm(512));
        this.imageSizePx = options.imageSizePx();
        long side = (imageSizePx + STRIDE - 1) / STRIDE;
        this.features = 512 * side * side;
        this.embeddingSize = outputs;
        this.dropout = add("dropout", new Layers.Dropout(options.dropout()));
        this.fc = add("fc", Layers.linears(features, outputs));
        this.norm = add("features", finalNorm(outputs));
        Layers.initializeConvolutions(this, weight -> 0.1); // as insightface
    }

    @Override
    public Tensor forward(Tensor images) {
        requireSize(images, imageSizePx);
        Tensor x = stages().forward(images); // [B, 512, H/16, W/16]
        return head(x); // [B, D]
    }

    @Override
    Tensor head(Tensor x) {
        x = torch.flatten(dropout.forward(x), 1, -1); // [B, features]
        return norm.forward(fc.forward(x)); // [B, D]
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = stages().describe(graph, images);
        return norm.describe(graph, fc.describe(graph, graph.flatten(x)));
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
        unregister_module("fc");
        unregister_module("features");
        this.embeddingSize = sizes[sizes.length - 1];
        this.fc = add("fc", Layers.linears(features, sizes));
        this.norm = add("features", finalNorm(embeddingSize));
        moveNewLayers();
    }

    // ---- builders ----

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
}
