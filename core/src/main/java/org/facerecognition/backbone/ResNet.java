package org.facerecognition.backbone;

import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.ReLUImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * Residual networks: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385.
 *
 * <p>Follows torchvision's {@code models/resnet.py} (0.14): the same names, the same order of children and the same
 * draws from the random generator, so that {@code torch.manual_seed(n)} gives the same network in both. As there, the
 * bottleneck's stride is in its 3x3 convolution ("ResNet v1.5").
 *
 * <p>Outputs, where E is the expansion of the block, 1 for ResNet-18 and ResNet-34 and 4 for the deeper networks:
 * <pre>
 * layer              channels    112 px images    224 px images
 * conv1, bn1, relu   64          56x56            112x112
 * maxpool            64          28x28            56x56
 * layer1             64 E        28x28            56x56
 * layer2             128 E       14x14            28x28
 * layer3             256 E       7x7              14x14
 * layer4             512 E       4x4              7x7
 * avgpool            512 E       1x1              1x1
 * fc                 D
 * </pre>
 *
 * <p>Takes images of any size from 32x32. For small faces, the stride of {@code conv1} and the pooling can be left out,
 * which doubles the width and height of the first row and quadruples those of the next five; torchvision's weights fit
 * that variant too.
 */
public final class ResNet extends StagedBackbone {

    // ---- blocks ----

    private interface BlockMaker {
        Block make(long inputs, long width, long stride, @Nullable Sequence downsample);
    }

    /** A body and a shortcut, whose sum is rectified. */
    private abstract static class ResidualBlock extends Block {
        private Layer body = Layers.IDENTITY;
        private Layer shortcut = Layers.IDENTITY;

        ResidualBlock(String name) {
            super(name);
        }

        final void setBody(Layer... layers) {
            this.body = Layer.chain(layers);
        }

        final void setShortcut(@Nullable Sequence downsample) {
            this.shortcut = downsample == null ? Layers.IDENTITY : add("downsample", downsample);
        }

        @Override
        public final Tensor forward(Tensor x) {
            Tensor out = body.forward(x);
            return torch.relu_(out.add_(shortcut.forward(x)));
        }

        @Override
        public final Value describe(GraphBuilder graph, Value x) {
            Value out = body.describe(graph, x);
            return graph.relu(graph.plus(out, shortcut.describe(graph, x)));
        }
    }

    /** Two 3x3 convolutions and a shortcut. */
    private static final class BasicBlock extends ResidualBlock {
        static final int EXPANSION = 1;

        BasicBlock(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("BasicBlock");
            setBody(
                    add("conv1", Layers.conv(inputs, width, 3, stride)),
                    add("bn1", Layers.batchNorm(width)),
                    add("relu", Layers.relu()),
                    add("conv2", Layers.conv(width, width, 3, 1)),
                    add("bn2", Layers.batchNorm(width)));
            setShortcut(downsample);
        }
    }

    /** A 1x1 convolution that reduces, a 3x3 convolution, a 1x1 convolution that expands, and a shortcut. */
    private static final class Bottleneck extends ResidualBlock {
        static final int EXPANSION = 4;

        Bottleneck(long inputs, long width, long stride, @Nullable Sequence downsample) {
            super("Bottleneck");
            ReLUImpl relu = Layers.relu();
            setBody(
                    add("conv1", Layers.conv(inputs, width, 1, 1)),
                    add("bn1", Layers.batchNorm(width)),
                    Layer.of(relu),
                    add("conv2", Layers.conv(width, width, 3, stride)),
                    add("bn2", Layers.batchNorm(width)),
                    Layer.of(relu),
                    add("conv3", Layers.conv(width, width * EXPANSION, 1, 1)),
                    add("bn3", Layers.batchNorm(width * EXPANSION)));
            add("relu", relu); // after bn3, where torchvision registers it
            setShortcut(downsample);
        }
    }

    /** {@code depth} blocks, the first of which has the stride. */
    private static Sequence stage(BlockMaker block, long inputs, long width, long outputs, int depth, long stride) {
        Sequence downsample = stride == 1 && inputs == outputs
                ? null
                : new Sequence(Layers.conv(inputs, outputs, 1, stride), Layers.batchNorm(outputs));
        Sequence blocks = new Sequence(block.make(inputs, width, stride, downsample));
        for (int i = 1; i < depth; i++) {
            blocks.append(block.make(outputs, width, 1, null));
        }
        return blocks;
    }

    // ---- network ----

    private final double dropout; // before fc
    private final int features; // inputs of fc
    private Module last; // fc as a module
    private Layer fc;
    private int embeddingSize;

    private ResNet(String name, BlockMaker block, int e, int outputs, BackboneOptions options, int... depths) {
        super(name);
        addStage("conv1", Layers.conv(3, 64, 7, options.smallFaces() ? 1 : 2));
        addStage("bn1", Layers.batchNorm(64));
        addStage("relu", Layers.relu());
        addStage("maxpool", options.smallFaces() ? Layers.identity() : Layers.maxPool3x3());
        addStage("layer1", stage(block, 64, 64, 64 * e, depths[0], 1));
        addStage("layer2", stage(block, 64 * e, 128, 128 * e, depths[1], 2));
        addStage("layer3", stage(block, 128 * e, 256, 256 * e, depths[2], 2));
        addStage("layer4", stage(block, 256 * e, 512, 512 * e, depths[3], 2));
        addStage("avgpool", new Layers.GlobalAveragePool());
        this.dropout = options.dropout();
        this.features = 512 * e;
        this.embeddingSize = outputs;
        this.last = Layers.linears(features, outputs);
        this.fc = add("fc", last);
        Layers.initializeConvolutions(this, Layers::heStdByFanOut);
    }

    @Override
    public Tensor forward(Tensor images) {
        Tensor x = stages().forward(images); // [B, features, 1, 1]
        return head(x); // [B, D]
    }

    @Override
    Tensor head(Tensor x) {
        x = torch.flatten(x, 1, -1); // [B, features]
        x = dropoutBefore(last, x, dropout);
        return fc.forward(x); // [B, D]
    }

    @Override
    protected Value describe(GraphBuilder graph, Value images) {
        Value x = stages().describe(graph, images);
        return fc.describe(graph, graph.flatten(x));
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
        unregister_module("fc");
        this.last = Layers.linears(features, sizes);
        this.fc = add("fc", last);
        this.embeddingSize = sizes[sizes.length - 1];
        moveNewLayers();
    }

    // ---- builders ----

    /** ResNet-18, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. Owned. */
    public static ResNet resnet18(int outputs) {
        return built(() -> resnet18(outputs, BackboneOptions.DEFAULT));
    }

    /** ResNet-34, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. Owned. */
    public static ResNet resnet34(int outputs) {
        return built(() -> resnet34(outputs, BackboneOptions.DEFAULT));
    }

    /** ResNet-50, initialized from torch's random generator; {@code outputs} is torchvision's num_classes. Owned. */
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
}
