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

/** Contestants that live in this process. Each has its input ready and throws its results away. */
final class InProcess {
    private InProcess() {}

    /** Batches a second by {@code embed}, given [B, 3, 112, 112]. */
    static Contestant libtorch(String name, int batch, boolean channelsLast, UnaryOperator<Tensor> embed) {
        Tensor images;
        try (PointerScope scope = new PointerScope()) {
            Tensor drawn = torch.rand(batch, 3, Net.SIZE_PX, Net.SIZE_PX);
            images = drawn.contiguous(channelsLast ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous)
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

    /** A TorchScript file, frozen and optimized; the module must be closed by the caller. */
    static JitModule frozen(Net net) {
        try (NoGradGuard noGrad = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            JitModule read = torch.load(net.file("pt").toString());
            return torch.optimize_for_inference(torch.freeze(read)).retainReference();
        }
    }

    static Tensor run(JitModule module, Tensor images) {
        try (IValueVector arguments = new IValueVector();
                IValue argument = new IValue(images)) {
            arguments.push_back(argument);
            try (IValue result = module.forward(arguments)) {
                return new Tensor(result.toTensor()); // a handle of its own
            }
        }
    }

    /** ONNX Runtime's session with as many threads as libtorch has. */
    static OrtSession onnxRuntime(Net net) throws OrtException {
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(torch.get_num_threads());
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        return OrtEnvironment.getEnvironment().createSession(net.file("onnx").toString(), options);
    }

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
