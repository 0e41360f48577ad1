package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.ResNet;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Precision;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.BatchEmbeddingStats;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Everything that has to work on an NVIDIA GPU, compared with the CPU. Needs nothing but the class path; skipped where
 * there is no GPU. With {@code -Dgpu.rehearsal=true} the CPU stands in for the GPU: that tests these tests, and nothing
 * of a GPU.
 */
@Tag("gpu")
class GpuTest {
    private static final boolean REHEARSAL = Boolean.getBoolean("gpu.rehearsal");
    private static final ComputeDevice GPU = REHEARSAL ? ComputeDevice.CPU : ComputeDevice.CUDA;

    private static final int SIDE = 64;
    private static final int EMBEDDING = 32;
    private static final SyntheticFaces FACES = new SyntheticFaces(0, SIDE);
    private static final FaceDataset TRAIN =
            FaceDataset.synthetic(FACES.identities(0, 6).images(0, 8), Split.TRAIN);
    private static final FaceDataset VALIDATION =
            FaceDataset.synthetic(FACES.identities(0, 6).images(8, 10), Split.VAL);
    private static final FaceDataset UNSEEN =
            FaceDataset.synthetic(FACES.identities(100, 106).images(0, 4), Split.TEST);
    private static final FaceDataset MANY_PEOPLE =
            FaceDataset.synthetic(FACES.identities(200, 224).images(0, 2), Split.TRAIN);

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    static {
        Libtorch.load();
    }

    @BeforeEach
    void needsAGpu() {
        assumeTrue(REHEARSAL || torch.cuda_is_available(), () -> "needs a GPU; " + ComputeDevice.whyNoGpu());
    }

    /** A model that was trained a little, so that its embeddings differ. */
    @BeforeAll
    static void trainAModel() {
        if (REHEARSAL || torch.cuda_is_available()) {
            try (Recognizer recognizer = Recognizer.arcFace(recipe(6).build())) {
                fit(recognizer, TRAIN, args().device(ComputeDevice.CPU).epochs(2));
                recognizer.save(model());
            }
        }
    }

    private static Path model() {
        return shared.resolve("model.safetensors");
    }

    private static RecognizerArgs.Builder recipe(int people) {
        return RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(EMBEDDING)
                .classes(people)
                .imageSizePx(SIDE)
                .s(10.0)
                .m(0.1)
                .seed(1);
    }

    /** 3 steps an epoch. */
    private static TrainerArgs.Builder args() {
        return TrainerArgs.builder()
                .optimizer(new AdamW(1e-3, 0.01))
                .batchSize(16)
                .epochs(4)
                .device(GPU);
    }

    private static History fit(Recognizer recognizer, FaceDataset train, TrainerArgs.Builder args) {
        return new Trainer(args.build()).fit(recognizer, train, null);
    }

    /** The loss of each step of a new recognizer's training. */
    private static List<Double> losses(LossName loss, FaceDataset train, TrainerArgs.Builder args) {
        try (Recognizer recognizer =
                Recognizer.withLoss(loss, recipe(train.classes()).build())) {
            return losses(recognizer, train, args);
        }
    }

    private static List<Double> losses(Recognizer recognizer, FaceDataset train, TrainerArgs.Builder args) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        fit(recognizer, train, args.listeners(losses));
        return losses.all;
    }

    private static double firstLossOnCpu(LossName loss, FaceDataset train, TrainerArgs.Builder args) {
        return losses(loss, train, args.device(ComputeDevice.CPU).maxSteps(1)).get(0);
    }

    private static void assertFiniteAndFalling(List<Double> losses) {
        assertThat(losses)
                .hasSizeGreaterThan(5)
                .allSatisfy(loss -> assertThat(loss).isFinite());
        assertThat(mean(losses.subList(losses.size() - 3, losses.size()))).isLessThan(mean(losses.subList(0, 3)));
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(value -> value).average().orElseThrow();
    }

    private static void assertClose(double actual, double expected, double share) {
        assertThat(actual).isCloseTo(expected, within(share * Math.abs(expected)));
    }

    private static float[] values(Tensor tensor) {
        try (PointerScope scope = new PointerScope()) {
            float[] values = new float[(int) tensor.numel()];
            tensor.detach()
                    .to(new Device("cpu"), ScalarType.Float)
                    .contiguous()
                    .data_ptr_float()
                    .get(values);
            return values;
        }
    }

    /** Up to a share of the largest value. */
    private static void assertClose(float[] actual, float[] expected, double share) {
        double largest = 1e-12;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertSame("values", actual, expected, share * largest);
    }

    private static void assertSame(String what, float[] actual, float[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double difference = 0;
        for (int i = 0; i < actual.length; i++) {
            difference = Math.max(difference, Math.abs(actual[i] - (double) expected[i])); // NaN stays NaN
        }
        assertThat(difference).as("largest difference of %s", what).isLessThanOrEqualTo(tolerance);
    }

    // ---- training ----

    static Stream<Arguments> recipes() {
        List<OptimizerSettings> optimizers =
                List.of(new AdamW(1e-3, 0.01), new Adam(1e-3, 1e-4), new Sgd(0.02, 0.9, 5e-4));
        return optimizers.stream()
                .flatMap(optimizer ->
                        Stream.of(Precision.values()).map(precision -> Arguments.of(optimizer, precision)));
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void aTrainingStartsAsOnTheCpuAndLearns(OptimizerSettings optimizer, Precision precision) {
        List<Double> losses =
                losses(LossName.ARCFACE, TRAIN, args().optimizer(optimizer).precision(precision));
        assertFiniteAndFalling(losses);
        double onCpu = firstLossOnCpu(LossName.ARCFACE, TRAIN, args().optimizer(optimizer));
        assertClose(losses.get(0), onCpu, precision == Precision.FP32 ? 0.01 : 0.05);
    }

    @Test
    void partialFcLearnsByRows() {
        RecognizerArgs recipe = recipe(24).partialFraction(0.5).subCenters(2).build();
        TrainerArgs.Builder training =
                args().batchSize(8).accumulation(2).gradientClip(5).epochs(6);
        List<Double> losses;
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, recipe)) {
            losses = losses(recognizer, MANY_PEOPLE, training);
        }
        assertFiniteAndFalling(losses);
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, recipe)) {
            double onCpu = losses(
                            recognizer,
                            MANY_PEOPLE,
                            training.device(ComputeDevice.CPU).maxSteps(1))
                    .get(0);
            assertClose(losses.get(0), onCpu, 0.01);
        }
    }

    @Test
    void aHeadFromMeansAndAFeatureCacheGiveWhatTheyGiveOnTheCpu() {
        TrainerArgs.Builder training = args().freezer(new FreezeBefore("encoder.layer4"))
                .featureCacheMib(16)
                .headFromMeans(true);
        List<Double> losses = losses(LossName.ARCFACE, TRAIN, training);
        assertFiniteAndFalling(losses);
        assertClose(losses.get(0), firstLossOnCpu(LossName.ARCFACE, TRAIN, training), 0.02);
    }

    @Test
    void aMetricHeadLearns() {
        TrainerArgs.Builder training = args().sampler(Sampler.identities(4, 4));
        List<Double> losses = losses(LossName.TRIPLET, TRAIN, training);
        assertThat(losses).allSatisfy(loss -> assertThat(loss).isFinite());
        assertClose(losses.get(0), firstLossOnCpu(LossName.TRIPLET, TRAIN, training), 0.05);
    }

    @Test
    void dropoutAndStochasticDepthDrawOnTheGpu() {
        RecognizerArgs recipe =
                recipe(6).encoder(Encoder.EFFICIENTNET_B0).dropout(0.3).build();
        List<List<Double>> twice = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (Recognizer recognizer = Recognizer.arcFace(recipe)) {
                twice.add(losses(recognizer, TRAIN, args().maxSteps(2)));
            }
        }
        assertThat(twice.get(0)).allSatisfy(loss -> assertThat(loss).isFinite());
        assertClose(twice.get(1).get(0), twice.get(0).get(0), 1e-3);
    }

    @Test
    void whatIsMeasuredMeanwhileIsWhatTheCpuMeasures() {
        class Looks implements TrainingListener {
            final List<BatchEmbeddingStats> all = new ArrayList<>();

            @Override
            public boolean wantsEmbeddingStats() {
                return true;
            }

            @Override
            public void embeddingStats(BatchEmbeddingStats look) {
                all.add(look);
            }
        }
        List<History> histories = new ArrayList<>();
        List<Looks> looks = new ArrayList<>();
        for (ComputeDevice device : List.of(ComputeDevice.CPU, GPU)) {
            looks.add(new Looks());
            try (Recognizer recognizer = Recognizer.load(model())) {
                histories.add(new Trainer(args().optimizer(new Sgd(1e-9, 0, 0))
                                .device(device)
                                .epochs(1)
                                .verification(UNSEEN)
                                .listeners(looks.get(looks.size() - 1))
                                .build())
                        .fit(recognizer, TRAIN, VALIDATION));
            }
        }
        var onCpu = histories.get(0).epochs().get(0);
        var onGpu = histories.get(1).epochs().get(0);
        assertClose(onGpu.valLoss(), onCpu.valLoss(), 0.02);
        assertThat(onGpu.valAccuracy()).isCloseTo(onCpu.valAccuracy(), within(0.1));
        assertThat(onGpu.unseen().auc()).isCloseTo(onCpu.unseen().auc(), within(0.02));
        assertThat(looks.get(1).all).hasSize(3);
        assertThat(looks.get(1).all.get(0).norms()[0])
                .isCloseTo(
                        looks.get(0).all.get(0).norms()[0],
                        within(0.01 * looks.get(0).all.get(0).norms()[0]));
    }

    // ---- checkpoints ----

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aTrainingGoesOnOnAnotherDevice(boolean fromGpu) {
        List<Double> whole = losses(LossName.ARCFACE, TRAIN, args().epochs(2).device(ComputeDevice.CPU));
        List<Double> parts = new ArrayList<>(losses(
                LossName.ARCFACE,
                TRAIN,
                args().epochs(2).maxSteps(4).checkpoints(folder).device(fromGpu ? GPU : ComputeDevice.CPU)));
        assertThat(SafeTensors.open(folder.resolve("last.ckpt")).names().contains("random.accelerator"))
                .isEqualTo(fromGpu && !REHEARSAL);
        parts.addAll(losses(
                LossName.ARCFACE,
                TRAIN,
                args().epochs(2).checkpoints(folder).resume(true).device(fromGpu ? ComputeDevice.CPU : GPU)));
        assertThat(parts).hasSameSizeAs(whole);
        for (int i = 0; i < parts.size(); i++) {
            assertThat(parts.get(i)).as("loss of step %d", i).isCloseTo(whole.get(i), within(0.1 * whole.get(i)));
        }
        try (PointerScope scope = new PointerScope()) {
            SafeTensors last = SafeTensors.open(folder.resolve("last.ckpt"));
            assertThat(last.read("optimizer.step.encoder.conv1.weight").item_float())
                    .isEqualTo(6);
        }
    }

    @Test
    void aStreamGoesOnFromItsState() {
        try (Device device = GPU.resolve();
                RandomStream stream = new RandomStream(device, 7);
                PointerScope scope = new PointerScope()) {
            Tensor there = torch.zeros(1000).to(device, ScalarType.Float);
            float[] first = draw(stream, there);
            Tensor cpu = stream.cpuState();
            Tensor accelerator = stream.acceleratorState();
            float[] second = draw(stream, there);
            stream.restore(cpu, accelerator);
            assertThat(draw(stream, there)).isEqualTo(second).isNotEqualTo(first);
            torch.manual_seed(5);
            float[] lent = stream.lendDuring(() -> values(torch.rand_like(there)));
            float[] own = values(torch.rand_like(there));
            torch.manual_seed(5);
            assertThat(values(torch.rand_like(there))).isEqualTo(own).isNotEqualTo(lent);
        }
    }

    private static float[] draw(RandomStream stream, Tensor like) {
        return stream.during(() -> values(torch.empty_like(like).uniform_(0, 1, RandomStream.generatorFor(like))));
    }

    // ---- parts ----

    /** What a head gives for some embeddings, and its gradients. */
    private static List<float[]> learned(
            LossName loss, LossSettings settings, Consumer<Head> change, ComputeDevice where) {
        int classes = 12;
        float[] values = new float[8 * EMBEDDING];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (3 * Math.sin(1.7 * i));
        }
        Head head = RandomStream.seeded(3, () -> loss.create(classes, EMBEDDING, settings));
        try (head;
                Device device = where.resolve();
                RandomStream stream = new RandomStream(device, 5);
                PointerScope scope = new PointerScope()) {
            change.accept(head);
            head.to(device, false);
            Tensor labels = Tensor.create(new long[] {0, 0, 1, 1, 5, 5, 11, 3}).to(device, ScalarType.Long);
            Tensor x = Tensor.create(values).reshape(8, EMBEDDING).to(device, ScalarType.Float);
            x.set_requires_grad(true);
            List<float[]> all = new ArrayList<>();
            for (int step = 0; step < 2; step++) { // the second with what the first has moved
                Head.Output output = stream.during(() -> head.forward(x, labels));
                all.add(values(output.scores()));
                output.loss().backward();
                all.add(values(output.loss()));
            }
            all.add(values(x.grad()));
            TensorVector parameters = head.parameters();
            for (long i = 0; i < parameters.size(); i++) {
                if (parameters.get(i).grad().defined()) {
                    all.add(values(parameters.get(i).grad()));
                }
            }
            if (head instanceof MarginSoftmax margins) {
                margins.sampled().ifPresent(sampled -> {
                    all.add(values(sampled.rows()));
                    all.add(values(sampled.values().grad()));
                });
            }
            return all;
        }
    }

    private static void assertSameOnBoth(LossName loss, LossSettings settings, Consumer<Head> change) {
        List<float[]> onCpu = learned(loss, settings, change, ComputeDevice.CPU);
        List<float[]> onGpu = learned(loss, settings, change, GPU);
        assertThat(onGpu).hasSameSizeAs(onCpu);
        for (int i = 0; i < onCpu.size(); i++) {
            assertClose(onGpu.get(i), onCpu.get(i), 1e-3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyHeadLearnsWhatItLearnsOnTheCpu(LossName loss) {
        assertSameOnBoth(loss, LossSettings.DEFAULTS, head -> {});
        if (loss.hasCenters()) {
            assertSameOnBoth(loss, new LossSettings(null, null, 3, 0.1, 2, false), head -> {});
            assertSameOnBoth(
                    loss,
                    LossSettings.DEFAULTS,
                    head -> ((MarginSoftmax) head).setChunks(new ClassChunks(5, 1 << 20, false)));
            assertSameOnBoth(loss, LossSettings.DEFAULTS, head -> ((MarginSoftmax) head).setPartialFraction(0.6));
        }
    }

    static List<OptimizerSettings> optimizers() {
        return List.of(
                new AdamW(1e-2, 0.01), new Adam(1e-2, 1e-3), new Sgd(1e-2, 0.9, 1e-3, true), new Sgd(1e-2, 0, 1e-3));
    }

    /**
     * Some steps of a convolution's weight in channels_last and of some rows of a table, then out of the state once
     * more.
     */
    private static Map<String, float[]> updated(OptimizerSettings settings, ComputeDevice where) {
        try (Device device = where.resolve();
                PointerScope scope = new PointerScope()) {
            Tensor convolution = parameter(device, 8, 4, 3, 3).detach().contiguous(torch.MemoryFormat.ChannelsLast);
            convolution.set_requires_grad(true);
            Tensor table = parameter(device, 20, 4);
            Map<String, Tensor> parameters = new LinkedHashMap<>();
            parameters.put("convolution", convolution);
            parameters.put("table", table);
            Map<String, float[]> all = new LinkedHashMap<>();
            try (ParameterOptimizer first = settings.over(List.of(new ParameterGroup(parameters, 1, 0.01)));
                    ParameterOptimizer second = settings.over(List.of(new ParameterGroup(parameters, 1, 0.01)))) {
                for (int step = 0; step < 3; step++) {
                    step(first, convolution, device, step);
                }
                first.state().forEach((name, tensor) -> {
                    assertThat(tensor.is_cuda()).as(name).isEqualTo(device.is_cuda());
                    all.put(name, values(tensor));
                });
                Map<String, Tensor> onCpu = new LinkedHashMap<>();
                first.state().forEach((name, tensor) -> onCpu.put(name, tensor.cpu()));
                second.load(onCpu);
                step(second, convolution, device, 3);
            }
            all.put("convolution", values(convolution));
            all.put("table", values(table));
            return all;
        }
    }

    private static void step(ParameterOptimizer optimizer, Tensor convolution, Device device, int step) {
        convolution.mutable_grad().put(wave(step, 8, 4, 3, 3).to(device, ScalarType.Float));
        for (long[] rows : new long[][] {{1, 4, 7}, {4, 5, 19}}) { // of two passes, one row in both
            optimizer.addRowGradient(
                    "table",
                    Tensor.create(rows).to(device, ScalarType.Long),
                    wave(step + 1, 3, 4).to(device, ScalarType.Float));
        }
        optimizer.clipGradients(5);
        optimizer.step(1e-2);
        optimizer.zeroGrad();
    }

    private static Tensor parameter(Device device, long... shape) {
        Tensor parameter = wave(9, shape).to(device, ScalarType.Float);
        parameter.set_requires_grad(true);
        return parameter;
    }

    private static Tensor wave(int phase, long... shape) {
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(0.9 * i + phase);
        }
        return Tensor.create(values).reshape(shape);
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void anOptimizerDoesWhatItDoesOnTheCpu(OptimizerSettings settings) {
        Map<String, float[]> onCpu = updated(settings, ComputeDevice.CPU);
        Map<String, float[]> onGpu = updated(settings, GPU);
        assertThat(onGpu.keySet()).isEqualTo(onCpu.keySet());
        onCpu.forEach((name, expected) -> assertClose(onGpu.get(name), expected, 1e-4));
    }

    @Test
    void aNewLastLayerGoesWhereTheNetworkIs() {
        try (Device device = GPU.resolve();
                Backbone net = ResNet.resnet18(10);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            net.to(device, false);
            net.replaceLastLayer("fc", 16, 8);
            Tensor images = torch.zeros(2, 3, SIDE, SIDE).to(device, ScalarType.Float);
            assertThat(net.forward(images).shape()).containsExactly(2, 8);
        }
    }

    // ---- data ----

    /**
     * The GPU is kept busy and nobody waits for it, so that copies are still to come when a buffer's turn is there
     * again.
     */
    @ParameterizedTest
    @ValueSource(strings = {"cuda:0", "cuda"})
    void pinnedBuffersAreNotOverwrittenUnderACopy(String name) {
        var settings = BatchLoader.Settings.of(SIDE, Normalization.SYMMETRIC)
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
            int side = REHEARSAL ? 64 : 4096;
            Tensor work = torch.ones(side, side).to(device, ScalarType.Float);
            List<Tensor> images = new ArrayList<>();
            List<Tensor> labels = new ArrayList<>();
            for (int epoch = 0; epoch < epochs; epoch++) {
                try (BatchLoader.Epoch batches = onGpu.epoch(epoch)) {
                    while (batches.hasNext()) {
                        try (Batch batch = batches.next()) {
                            torch.mm(work, work).close(); // milliseconds
                            images.add(batch.images());
                            labels.add(batch.labels());
                        }
                    }
                }
            }
            assertThat(images).hasSize(epochs * 6);
            int at = 0;
            for (int epoch = 0; epoch < epochs; epoch++) {
                try (BatchLoader.Epoch batches = onCpu.epoch(epoch)) {
                    for (; batches.hasNext(); at++) {
                        try (Batch batch = batches.next();
                                PointerScope each = new PointerScope()) {
                            assertSame("batch " + at, values(images.get(at)), values(batch.images()), 1e-5);
                            assertThat(values(labels.get(at))).isEqualTo(values(batch.labels()));
                        }
                    }
                }
            }
        }
    }

    // ---- use ----

    private static List<ImageSource> images() {
        return IntStream.range(0, UNSEEN.size())
                .<ImageSource>mapToObj(i -> UNSEEN.sample(i).image())
                .toList();
    }

    @Test
    void aLoadedModelEmbedsAsOnTheCpu() {
        try (Recognizer recognizer = Recognizer.load(model())) {
            List<float[]> onCpu = recognizer.embedAll(images());
            String fingerprint = recognizer.fingerprint();
            Map<Double, Double> thresholds = recognizer.calibrate(UNSEEN, true);
            recognizer.to(GPU);
            List<float[]> onGpu = recognizer.embedAll(images());
            for (int i = 0; i < onCpu.size(); i++) {
                assertSame("image " + i, onGpu.get(i), onCpu.get(i), 1e-3);
            }
            assertThat(recognizer.fingerprint()).isEqualTo(fingerprint);
            recognizer
                    .calibrate(UNSEEN, true)
                    .forEach((far, cosine) -> assertThat(cosine).isCloseTo(thresholds.get(far), within(1e-2)));
            assertThat(recognizer.suspects(TRAIN, 1)).hasSizeGreaterThan(TRAIN.size() / 2);
            Path saved = folder.resolve("from-gpu.safetensors");
            recognizer.save(saved);
            try (Recognizer again = Recognizer.load(saved)) {
                assertThat(again.fingerprint()).isEqualTo(fingerprint);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPreparedModelEmbedsAsOnTheCpu(Arithmetic arithmetic) throws InterruptedException {
        try (Recognizer recognizer = Recognizer.load(model())) {
            List<float[]> onCpu = recognizer.embedAll(images());
            recognizer.to(GPU);
            try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(arithmetic));
                    FaceBatcher batcher = prepared.batcher()) {
                List<float[]> onGpu = prepared.embedAll(images());
                for (int i = 0; i < onCpu.size(); i++) {
                    assertThat(Recognizer.similarity(onGpu.get(i), onCpu.get(i)))
                            .as(prepared.arithmetic())
                            .isGreaterThan(0.999);
                    assertThat(Recognizer.similarity(
                                    batcher.embed(images().get(i)).join(), onCpu.get(i)))
                            .isGreaterThan(0.999);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "IRESNET18"})
    void anExportFromTheGpuIsThatFromTheCpu(Encoder encoder) throws IOException {
        try (Recognizer recognizer = Recognizer.arcFace(
                        recipe(6).encoder(encoder).imageSizePx(112).build());
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<ExportFormat, Path> onCpu = export(recognizer, "cpu");
            recognizer.to(GPU);
            Map<ExportFormat, Path> onGpu = export(recognizer, "gpu");
            for (ExportFormat format : List.of(ExportFormat.ONNX, ExportFormat.SAFETENSORS)) {
                assertThat(Files.mismatch(onGpu.get(format), onCpu.get(format)))
                        .as("first byte of %s that differs", format)
                        .isEqualTo(-1);
            }
            assertThat(run(onGpu.get(ExportFormat.TORCHSCRIPT))).isEqualTo(run(onCpu.get(ExportFormat.TORCHSCRIPT)));
        }
    }

    private Map<ExportFormat, Path> export(Recognizer recognizer, String name) {
        Map<ExportFormat, Path> files = new LinkedHashMap<>();
        for (ExportFormat format : ExportFormat.values()) {
            files.put(format, folder.resolve(name + "." + format));
            recognizer.export(files.get(format), format, format != ExportFormat.SAFETENSORS);
        }
        return files;
    }

    /** TorchScript, on the CPU. */
    private static float[] run(Path file) {
        IValueVector arguments = new IValueVector();
        arguments.push_back(new IValue(torch.ones(2, 3, 112, 112).to(ScalarType.Byte)));
        return values(torch.load(file.toString()).forward(arguments).toTensor());
    }
}
