package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.ResNet;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.Sgd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests heads, optimizers, random streams and batch loading on a GPU against the CPU. */
class GpuComponentsTest extends GpuFixture {
    @Test
    void randomStreamIsRestoredFromItsState() {
        try (Device device = GPU.resolve();
                RandomStream stream = new RandomStream(device, 7);
                PointerScope scope = new PointerScope()) {
            Tensor like = torch.zeros(1000).to(device, ScalarType.Float);
            float[] first = uniform(stream, like);
            Tensor cpu = stream.cpuState();
            Tensor accelerator = stream.acceleratorState();
            float[] second = uniform(stream, like);
            stream.restore(cpu, accelerator);
            assertThat(uniform(stream, like)).isEqualTo(second).isNotEqualTo(first);
            torch.manual_seed(5);
            float[] lent = stream.lendDuring(() -> values(torch.rand_like(like)));
            float[] own = values(torch.rand_like(like));
            torch.manual_seed(5);
            assertThat(values(torch.rand_like(like))).isEqualTo(own).isNotEqualTo(lent);
        }
    }

    private static float[] uniform(RandomStream stream, Tensor like) {
        return stream.during(() -> values(torch.empty_like(like).uniform_(0, 1, RandomStream.generatorFor(like))));
    }

    // ---- heads and optimizers ----

    /** Returns a head's scores, losses and gradients for fixed embeddings, over two forward passes. */
    private static List<float[]> outputsAndGradients(
            LossName loss, LossSettings settings, Consumer<Head> configure, ComputeDevice computeDevice) {
        int classes = 12;
        float[] values = new float[8 * EMBEDDING_SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (3 * Math.sin(1.7 * i));
        }
        Head head = RandomStream.seeded(3, () -> loss.create(classes, EMBEDDING_SIZE, settings));
        try (head;
                Device device = computeDevice.resolve();
                RandomStream stream = new RandomStream(device, 5);
                PointerScope scope = new PointerScope()) {
            configure.accept(head);
            head.to(device, false);
            Tensor labels = Tensor.create(new long[] {0, 0, 1, 1, 5, 5, 11, 3}).to(device, ScalarType.Long);
            Tensor x = Tensor.create(values).reshape(8, EMBEDDING_SIZE).to(device, ScalarType.Float);
            x.set_requires_grad(true);
            List<float[]> results = new ArrayList<>();
            for (int step = 0; step < 2; step++) { // the second step uses the state that the first one left
                Head.Output output = stream.during(() -> head.forward(x, labels));
                results.add(values(output.scores()));
                output.loss().backward();
                results.add(values(output.loss()));
            }
            results.add(values(x.grad()));
            TensorVector parameters = head.parameters();
            for (long i = 0; i < parameters.size(); i++) {
                if (parameters.get(i).grad().defined()) {
                    results.add(values(parameters.get(i).grad()));
                }
            }
            if (head instanceof MarginSoftmax margins) {
                margins.sampled().ifPresent(sampled -> {
                    results.add(values(sampled.rows()));
                    results.add(values(sampled.values().grad()));
                });
            }
            return results;
        }
    }

    private static void assertMatchesTheCpu(LossName loss, LossSettings settings, Consumer<Head> configure) {
        List<float[]> onCpu = outputsAndGradients(loss, settings, configure, ComputeDevice.CPU);
        List<float[]> onGpu = outputsAndGradients(loss, settings, configure, GPU);
        assertThat(onGpu).hasSameSizeAs(onCpu);
        for (int i = 0; i < onCpu.size(); i++) {
            assertClose(onGpu.get(i), onCpu.get(i), 1e-3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyHeadMatchesTheCpu(LossName loss) {
        assertMatchesTheCpu(loss, LossSettings.DEFAULTS, head -> {});
        if (loss.hasCenters()) {
            assertMatchesTheCpu(loss, new LossSettings(null, null, 3, 0.1, 2, false), head -> {});
            assertMatchesTheCpu(
                    loss,
                    LossSettings.DEFAULTS,
                    head -> ((MarginSoftmax) head).setChunks(new ClassChunks(5, 1 << 20, false)));
            assertMatchesTheCpu(loss, LossSettings.DEFAULTS, head -> ((MarginSoftmax) head).setPartialFraction(0.6));
        }
    }

    static List<OptimizerSettings> optimizers() {
        return List.of(
                new AdamW(1e-2, 0.01), new Adam(1e-2, 1e-3), new Sgd(1e-2, 0.9, 1e-3, true), new Sgd(1e-2, 0, 1e-3));
    }

    /**
     * Returns the optimizer's state and the parameters after three steps on a convolution weight in channels_last and
     * on some rows of a table, and a fourth step of a second optimizer that was restored from the state.
     */
    private static Map<String, float[]> optimizedParameters(OptimizerSettings settings, ComputeDevice computeDevice) {
        try (Device device = computeDevice.resolve();
                PointerScope scope = new PointerScope()) {
            Tensor convolution = parameter(device, 8, 4, 3, 3).detach().contiguous(torch.MemoryFormat.ChannelsLast);
            convolution.set_requires_grad(true);
            Tensor table = parameter(device, 20, 4);
            Map<String, Tensor> parameters = new LinkedHashMap<>();
            parameters.put("convolution", convolution);
            parameters.put("table", table);
            Map<String, float[]> results = new LinkedHashMap<>();
            try (ParameterOptimizer first = settings.over(List.of(new ParameterGroup(parameters, 1, 0.01)));
                    ParameterOptimizer second = settings.over(List.of(new ParameterGroup(parameters, 1, 0.01)))) {
                for (int step = 0; step < 3; step++) {
                    step(first, convolution, device, step);
                }
                first.state().forEach((name, tensor) -> {
                    assertThat(tensor.is_cuda()).as(name).isEqualTo(device.is_cuda());
                    results.put(name, values(tensor));
                });
                Map<String, Tensor> onCpu = new LinkedHashMap<>();
                first.state().forEach((name, tensor) -> onCpu.put(name, tensor.cpu()));
                second.load(onCpu);
                step(second, convolution, device, 3);
            }
            results.put("convolution", values(convolution));
            results.put("table", values(table));
            return results;
        }
    }

    private static void step(ParameterOptimizer optimizer, Tensor convolution, Device device, int step) {
        convolution.mutable_grad().put(sineTensor(step, 8, 4, 3, 3).to(device, ScalarType.Float));
        for (long[] rows : new long[][] {{1, 4, 7}, {4, 5, 19}}) { // row gradients of two passes, with one row in both
            optimizer.addRowGradient(
                    "table",
                    Tensor.create(rows).to(device, ScalarType.Long),
                    sineTensor(step + 1, 3, 4).to(device, ScalarType.Float));
        }
        optimizer.clipGradients(5);
        optimizer.step(1e-2);
        optimizer.zeroGrad();
    }

    private static Tensor parameter(Device device, long... shape) {
        Tensor parameter = sineTensor(9, shape).to(device, ScalarType.Float);
        parameter.set_requires_grad(true);
        return parameter;
    }

    private static Tensor sineTensor(int phase, long... shape) {
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(0.9 * i + phase);
        }
        return Tensor.create(values).reshape(shape);
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void everyOptimizerMatchesTheCpu(OptimizerSettings settings) {
        Map<String, float[]> onCpu = optimizedParameters(settings, ComputeDevice.CPU);
        Map<String, float[]> onGpu = optimizedParameters(settings, GPU);
        assertThat(onGpu.keySet()).isEqualTo(onCpu.keySet());
        onCpu.forEach((name, expected) -> assertClose(onGpu.get(name), expected, 1e-4));
    }

    @Test
    void replacedLastLayerIsOnTheDeviceOfTheNetwork() {
        try (Device device = GPU.resolve();
                Backbone net = ResNet.resnet18(10);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            net.to(device, false);
            net.replaceLastLayer("fc", 16, 8);
            Tensor images = torch.zeros(2, 3, IMAGE_PX, IMAGE_PX).to(device, ScalarType.Float);
            assertThat(net.forward(images).shape()).containsExactly(2, 8);
        }
    }

    // ---- batch loading ----

    /**
     * Keeps the GPU busy without waiting for it, so that copies from a pinned buffer are still pending when that buffer
     * is used again.
     */
    @ParameterizedTest
    @ValueSource(strings = {"cuda:0", "cuda"})
    void pinnedBuffersAreNotOverwrittenDuringACopy(String name) {
        var settings = BatchLoader.Settings.of(IMAGE_PX, Normalization.SYMMETRIC)
                .withBatchSize(8)
                .withSampler(Sampler.shuffled())
                .withSeed(3)
                .withThreads(4)
                .withImageCacheMib(64);
        int epochs = 10;
        try (Device device = new Device(REHEARSAL ? "cpu" : name);
                PointerScope scope = new PointerScope();
                BatchLoader onGpu = new BatchLoader(TRAIN, settings, device, true);
                BatchLoader onCpu = new BatchLoader(TRAIN, settings)) {
            int size = REHEARSAL ? 64 : 4096;
            Tensor work = torch.ones(size, size).to(device, ScalarType.Float);
            List<Tensor> images = new ArrayList<>();
            List<Tensor> labels = new ArrayList<>();
            for (int epoch = 0; epoch < epochs; epoch++) {
                try (BatchLoader.Epoch batches = onGpu.epoch(epoch)) {
                    while (batches.hasNext()) {
                        try (Batch batch = batches.next()) {
                            torch.mm(work, work).close(); // takes milliseconds
                            images.add(batch.images());
                            labels.add(batch.labels());
                        }
                    }
                }
            }
            assertThat(images).hasSize(epochs * 6);
            int index = 0;
            for (int epoch = 0; epoch < epochs; epoch++) {
                try (BatchLoader.Epoch batches = onCpu.epoch(epoch)) {
                    for (; batches.hasNext(); index++) {
                        try (Batch batch = batches.next();
                                PointerScope each = new PointerScope()) {
                            assertSame("batch " + index, values(images.get(index)), values(batch.images()), 1e-5);
                            assertThat(values(labels.get(index))).isEqualTo(values(batch.labels()));
                        }
                    }
                }
            }
        }
    }
}
