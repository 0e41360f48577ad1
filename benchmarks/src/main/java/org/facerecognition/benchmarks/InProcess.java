package org.facerecognition.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

/** Contestants that run in this process. Each prepares its input in advance and discards its embeddings. */
final class InProcess {
    private InProcess() {}

    /**
     * Returns a contestant that embeds the same random batch again and again with libtorch.
     *
     * @param channelsLast whether the images are in channels_last memory format
     * @param embed maps [B, 3, 112, 112], borrowed, to [B, D], owned
     * @return owned
     */
    static Contestant libtorch(String name, int batch, boolean channelsLast, UnaryOperator<Tensor> embed) {
        Tensor images;
        try (PointerScope scope = new PointerScope()) {
            Tensor random = torch.rand(batch, 3, Net.SIZE_PX, Net.SIZE_PX);
            images = random.contiguous(channelsLast ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous)
                    .retainReference();
        }
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                for (int i = 0; i < steps; i++) {
                    try (PointerScope scope = new PointerScope();
                            NoGradGuard noGrad = new NoGradGuard();
                            Tensor result = embed.apply(images)) {
                        result.data_ptr();
                    }
                }
                return batch * steps / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {
                images.close();
            }
        };
    }

    /** Loads the TorchScript file of a network, then freezes and optimizes it; the module is owned. */
    static JitModule frozen(Net net) {
        try (NoGradGuard noGrad = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            JitModule loaded = torch.load(net.file("pt").toString());
            return torch.optimize_for_inference(torch.freeze(loaded)).retainReference();
        }
    }

    /** Runs a TorchScript module on images, which are borrowed; the result is owned. */
    static Tensor run(JitModule module, Tensor images) {
        try (IValueVector arguments = new IValueVector();
                IValue argument = new IValue(images)) {
            arguments.push_back(argument);
            try (IValue result = module.forward(arguments)) {
                return new Tensor(result.toTensor()); // a second handle, which outlives the IValue
            }
        }
    }

    /** Opens an ONNX Runtime session with a number of threads for each call; owned. */
    static OrtSession onnxRuntime(Net net, int threads) throws OrtException {
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        return OrtEnvironment.getEnvironment().createSession(net.file("onnx").toString(), options);
    }

    /** Returns random images [B, 3, 112, 112]; owned. */
    static OnnxTensor onnxInput(int batch) throws OrtException {
        FloatBuffer values = ByteBuffer.allocateDirect(batch * 3 * Net.SIZE_PX * Net.SIZE_PX * 4)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
        Random random = new Random(0);
        while (values.hasRemaining()) {
            values.put(random.nextFloat());
        }
        return OnnxTensor.createTensor(
                OrtEnvironment.getEnvironment(), values.flip(), new long[] {batch, 3, Net.SIZE_PX, Net.SIZE_PX});
    }

    /** Returns a contestant that embeds the same random batch again and again. The session is borrowed. */
    static Contestant onnxRuntime(OrtSession session, int batch) throws OrtException {
        OnnxTensor input = onnxInput(batch);
        return new Contestant() {
            @Override
            public String name() {
                return "ONNX Runtime, fp32";
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                for (int i = 0; i < steps; i++) {
                    try (OrtSession.Result result = session.run(Map.of("images", input))) {
                        result.size();
                    } catch (OrtException e) {
                        throw new IllegalStateException(e);
                    }
                }
                return batch * steps / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {
                input.close();
            }
        };
    }
}
