package org.facerecognition.backbone;

import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.ReLUImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;
import org.jspecify.annotations.Nullable;

/**
 * Residual networks: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385.
 *
 * <p>Written after torchvision's {@code models/resnet.py} (0.14): same names, same order of children, and same draws
 * from the random generator, so that {@code torch.manual_seed(n)} gives the same net here and there. As there, the
 * bottleneck's stride sits in its 3x3 convolution ("ResNet v1.5"). Input of any size from 32x32. For small faces the
 * first convolution can do without its stride and the pooling after it be left out; torchvision's weights fit that too.
 */
public final class ResNet extends StagedBackbone {
    private final double dropout; // before the last layer
    private final int features; // that go into it
    private Layer last;
    private Module lastModule; // the same
    private int embeddingSize;

    /** ResNet-18, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    public static ResNet resnet18(int outputs) {
        return built(() -> resnet18(outputs, BackboneOptions.DEFAULT));
    }

    /** ResNet-34, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    public static ResNet resnet34(int outputs) {
        return built(() -> resnet34(outputs, BackboneOptions.DEFAULT));
    }

    /** ResNet-50, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. */
    public static ResNet resnet50(int outputs) {
        return built(() -> resnet50(outputs, BackboneOptions.DEFAULT));
    }

    static ResNet resnet18(int outputs, BackboneOptions options) {
        return new ResNet("ResNet18", BasicBlock::new, BasicBlock.EXPANSION, outputs, options, 2, 2, 2, 2);
    }

    static ResNet resnet34(int outputs, BackboneOptions options) {
        return new ResNet("ResNet34", BasicBlock::new, BasicBlock.EXPANSION, outputs, options, 3, 4, 6, 3);
    }

    static ResNet resnet50(int outputs, BackboneOptions options) {
        return new ResNet("ResNet50", Bottleneck::new, Bottleneck.EXPANSION, outputs, options, 3, 4, 6, 3);
    }

    static ResNet resnet101(int outputs, BackboneOptions options) {
        return new ResNet("ResNet101", Bottleneck::new, Bottleneck.EXPANSION, outputs, options, 3, 4, 23, 3);
    }

    static ResNet resnet152(int outputs, BackboneOptions options) {
        return new ResNet("ResNet152", Bottleneck::new, Bottleneck.EXPANSION, outputs, options, 3, 8, 36, 3);
    }

    private ResNet(String name, BlockMaker block, int expansion, int outputs, BackboneOptions options, int... depths) {
        super(name, ANY_SIZE);
        this.dropout = options.dropout();
        Conv2dImpl conv1 = register_module("conv1", Layers.conv(3, 64, 7, options.smallFaces() ? 1 : 2));
        BatchNorm2dImpl bn1 = register_module("bn1", Layers.batchNorm(64));
        ReLUImpl relu = register_module("relu", Layers.relu());
        stages().add("conv1", conv1, m -> m::forward)
                .add("bn1", bn1, m -> m::forward)
                .add("relu", relu, m -> m::forward);
        if (options.smallFaces()) {
            stages().add("maxpool", register_module("maxpool", new Layers.Function("Identity", x -> x, (g, x) -> x)));
        } else {
            stages().add("maxpool", register_module("maxpool", Layers.maxPool3x3()), m -> m::forward);
        }

        int e = expansion;
        Sequence layer1 = register_module("layer1", stage(block, 64, 64, 64 * e, depths[0], 1));
        Sequence layer2 = register_module("layer2", stage(block, 64 * e, 128, 128 * e, depths[1], 2));
        Sequence layer3 = register_module("layer3", stage(block, 128 * e, 256, 256 * e, depths[2], 2));
        Sequence layer4 = register_module("layer4", stage(block, 256 * e, 512, 512 * e, depths[3], 2));
        stages().add("layer1", layer1)
                .add("layer2", layer2)
                .add("layer3", layer3)
                .add("layer4", layer4);
        stages().add("avgpool", register_module("avgpool", new Layers.GlobalAveragePool()));
        this.features = 512 * e;
        LinearImpl fc = register_module("fc", Initialization.linear(features, outputs));
        this.last = fc::forward;
        this.lastModule = fc;
        this.embeddingSize = outputs;
        Layers.initializeConvolutions(this);
    }

    /** @param x [B, features, 1, 1] */
    @Override
    Tensor end(Tensor x) {
        x = torch.flatten(x, 1, -1); // [B, features]
        x = Layers.dropout(x, dropout, is_training());
        return last.forward(x); // [B, D]
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = graph.flatten(stages().describe(graph, images));
        return Layers.describe(graph, x, lastModule);
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
    public void replaceLastLayer(String name, int... sizes) {
        checkReplacement(name, sizes);
        unregister_module(name);
        if (sizes.length == 1) {
            LinearImpl linear = register_module(name, Initialization.linear(features, sizes[0]));
            this.last = linear::forward;
            this.lastModule = linear;
        } else {
            Sequence linears = register_module(name, Sequence.ofLinears(features, sizes));
            this.last = linears;
            this.lastModule = linears;
        }
        this.embeddingSize = sizes[sizes.length - 1];
        moveNewLayers();
    }

    // ---- blocks ----

    private interface BlockMaker {
        Block make(long inputs, long width, long stride, @Nullable Sequence downsample);
    }

    private abstract static class Block extends Module implements Layer, Described {
        Block(String name) {
            super(name);
        }
    }

    /** Two 3x3 convolutions and a shortcut. */
    private static final class BasicBlock extends Block {
        static final int EXPANSION = 1;
        private final Conv2dImpl conv1;
        private final BatchNorm2dImpl bn1;
        private final ReLUImpl relu;
        private final Conv2dImpl conv2;
        private final BatchNorm2dImpl bn2;
        private final @Nullable Sequence downsample;

        BasicBlock(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("BasicBlock");
            this.conv1 = register_module("conv1", Layers.conv(inputs, width, 3, stride));
            this.bn1 = register_module("bn1", Layers.batchNorm(width));
            this.relu = register_module("relu", Layers.relu());
            this.conv2 = register_module("conv2", Layers.conv(width, width, 3, 1));
            this.bn2 = register_module("bn2", Layers.batchNorm(width));
            this.downsample = downsample == null ? null : register_module("downsample", downsample);
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = relu.forward(bn1.forward(conv1.forward(x)));
            out = bn2.forward(conv2.forward(out));
            return relu.forward(out.add_(downsample == null ? x : downsample.forward(x)));
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = Layers.describe(graph, x, conv1, bn1, relu, conv2, bn2);
            return graph.relu(graph.plus(out, downsample == null ? x : downsample.describe(graph, x)));
        }
    }

    /** A 3x3 convolution between two 1x1 ones, four times as wide at its ends, and a shortcut. */
    private static final class Bottleneck extends Block {
        static final int EXPANSION = 4;
        private final Conv2dImpl conv1;
        private final BatchNorm2dImpl bn1;
        private final Conv2dImpl conv2;
        private final BatchNorm2dImpl bn2;
        private final Conv2dImpl conv3;
        private final BatchNorm2dImpl bn3;
        private final ReLUImpl relu;
        private final @Nullable Sequence downsample;

        Bottleneck(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("Bottleneck");
            this.conv1 = register_module("conv1", Layers.conv(inputs, width, 1, 1));
            this.bn1 = register_module("bn1", Layers.batchNorm(width));
            this.conv2 = register_module("conv2", Layers.conv(width, width, 3, stride));
            this.bn2 = register_module("bn2", Layers.batchNorm(width));
            this.conv3 = register_module("conv3", Layers.conv(width, width * EXPANSION, 1, 1));
            this.bn3 = register_module("bn3", Layers.batchNorm(width * EXPANSION));
            this.relu = register_module("relu", Layers.relu());
            this.downsample = downsample == null ? null : register_module("downsample", downsample);
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor out = relu.forward(bn1.forward(conv1.forward(x)));
            out = relu.forward(bn2.forward(conv2.forward(out)));
            out = bn3.forward(conv3.forward(out));
            return relu.forward(out.add_(downsample == null ? x : downsample.forward(x)));
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            Value out = Layers.describe(graph, x, conv1, bn1, relu, conv2, bn2, relu, conv3, bn3);
            return graph.relu(graph.plus(out, downsample == null ? x : downsample.describe(graph, x)));
        }
    }

    private static Sequence stage(BlockMaker block, long inputs, long width, long outputs, int depth, long stride) {
        Sequence downsample = null;
        if (stride != 1 || inputs != outputs) {
            downsample = new Sequence()
                    .add(Layers.conv(inputs, outputs, 1, stride), m -> m::forward)
                    .add(Layers.batchNorm(outputs), m -> m::forward);
        }
        Sequence blocks = new Sequence();
        blocks.add(block.make(inputs, width, stride, downsample), b -> b);
        for (int i = 1; i < depth; i++) {
            blocks.add(block.make(outputs, width, 1, null), b -> b);
        }
        return blocks;
    }
}
