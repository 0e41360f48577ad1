package org.facerecognition.backbone;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.MaxPool2dOptions;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ReLUImpl;
import org.bytedeco.pytorch.ReLUOptions;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Makes the layers that architectures share, without leaving their option objects behind. */
final class Layers {
    private Layers() {}

    /** A square convolution without bias that keeps the size, but for its stride. */
    static Conv2dImpl conv(long inputs, long outputs, long kernel, long stride) {
        try (PointerScope scope = new PointerScope()) {
            Conv2dOptions options = new Conv2dOptions(inputs, outputs, new LongPointer(pair(kernel)));
            options.stride().put(pair(stride));
            options.padding().put(new LongPointer(pair(kernel / 2)));
            options.bias().put(false);
            return new Conv2dImpl(options).retainReference();
        }
    }

    static BatchNorm2dImpl batchNorm(long channels) {
        try (BatchNormOptions options = new BatchNormOptions(channels)) {
            return new BatchNorm2dImpl(options);
        }
    }

    /** Rectifies in place: one activation fewer to keep in memory. */
    static ReLUImpl relu() {
        try (ReLUOptions options = new ReLUOptions(true)) {
            return new ReLUImpl(options);
        }
    }

    /** 3x3, stride 2. */
    static MaxPool2dImpl maxPool3x3() {
        try (PointerScope scope = new PointerScope()) {
            MaxPool2dOptions options = new MaxPool2dOptions(new LongPointer(pair(3)));
            options.stride().put(pair(2));
            options.padding().put(pair(1));
            return new MaxPool2dImpl(options).retainReference();
        }
    }

    /** Always an array: {@code LongPointer.put(long, long)} would take the two numbers for an index and a value. */
    private static long[] pair(long value) {
        return new long[] {value, value};
    }

    /**
     * Averages over the picture, [B, C, H, W] to [B, C, 1, 1]. libtorch's own module takes its output size as an array
     * of C++ optionals, which JavaCPP cannot make.
     */
    static final class GlobalAveragePool extends Module implements Layer {
        GlobalAveragePool() {
            super("AdaptiveAvgPool2d");
        }

        @Override
        public Tensor forward(Tensor x) {
            return torch.adaptive_avg_pool2d(x, 1, 1);
        }
    }

    /**
     * Draws all convolution weights below {@code root}, in order, from N(0, 2 / fan_out): He initialisation as
     * torchvision's ResNets use it ({@code kaiming_normal_(mode="fan_out", nonlinearity="relu")}).
     */
    static void initializeConvolutions(Module root) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            SharedModuleVector modules = root.modules(false);
            for (long i = 0; i < modules.size(); i++) {
                Conv2dImpl conv = modules.get(i).asConv2d();
                if (conv != null) {
                    Tensor weight = conv.weight(); // [out, in, k, k]
                    long fanOut = weight.size(0) * weight.size(2) * weight.size(3);
                    weight.normal_(0, Math.sqrt(2.0 / fanOut), new GeneratorOptional());
                }
            }
        }
    }
}
