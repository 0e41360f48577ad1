package org.facerecognition;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.PreparedNet;
import org.jspecify.annotations.Nullable;

/** From the net's input to embeddings of length 1, in batches, on its device. For many threads at a time. */
final class Embedder implements AutoCloseable {
    private static final int IMAGES_AT_A_TIME = 16;
    private static final int LOADER_THREADS = 2;
    private static final int WORTH_PREPARING = 512; // pictures

    private final RecognizerModel model;
    private final Module net;
    private final Backbone encoder;
    private Device device = new Device("cpu");

    /** @param net that {@code encoder} is part of; both stay their owner's to close */
    Embedder(RecognizerModel model, Module net, Backbone encoder) {
        this.model = model;
        this.net = net;
        this.encoder = encoder;
    }

    /** Where the work is done; its own, not to be closed. */
    Device device() {
        return device;
    }

    /** Where the work is done; the caller closes it. */
    Device copyOfDevice() {
        return copyOf(device);
    }

    private static Device copyOf(Device device) {
        return new Device(device.type(), device.index());
    }

    /** Moves the weights; further work is done there. */
    void to(Device device) {
        net.to(device, false);
        Device former = this.device;
        this.device = copyOf(device); // the other is the caller's
        former.close();
    }

    /**
     * Embeds pictures that are the net's input already.
     *
     * @param input makes the i-th, of the input's size; it is closed here
     * @param flip adds the embedding of the mirrored picture before length 1
     */
    List<float[]> embed(int count, IntFunction<Mat> input, boolean flip) {
        if (count == 0) {
            return List.of();
        }
        float[][] embeddings = new float[count][];
        int atATime = Math.min(IMAGES_AT_A_TIME, count);
        try (BatchBuffer buffer = newBuffer(atATime)) {
            for (int from = 0; from < count; from += atATime) {
                int size = Math.min(atATime, count - from);
                for (int i = 0; i < size; i++) {
                    try (Mat face = input.apply(from + i)) {
                        buffer.put(i, face, 0);
                    }
                }
                System.arraycopy(embed(buffer, size, flip), 0, embeddings, from, size);
            }
        }
        return List.of(embeddings);
    }

    private float[][] embed(BatchBuffer buffer, int count, boolean flip) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            return rows(embeddings(buffer.images(count), flip, this::forward), count);
        }
    }

    /**
     * Embeds a data set's samples, without augmentation, in their order. For many of them, on a CPU, the net is
     * prepared first.
     *
     * @param embedded is told the number of samples done so far
     * @param badImages what to do about an image that cannot be used
     */
    Usable embed(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        try (PreparedNet prepared = data.size() < WORTH_PREPARING ? null : prepared()) {
            UnaryOperator<Tensor> net = prepared == null ? this::forward : images -> forward(prepared, images);
            return embed(data, flip, embedded, badImages, net);
        }
    }

    /** Null where there is nothing to gain, or the net cannot say what it does. */
    private @Nullable PreparedNet prepared() {
        if (!device.is_cpu()) {
            return null;
        }
        try (Graph graph = encoder.graph()) {
            return PreparedNet.of(graph, IMAGES_AT_A_TIME, model.imageSizePx(), ScalarType.Float, device);
        } catch (UnsupportedOperationException e) {
            return null; // a net of the caller's own
        }
    }

    private static Tensor forward(PreparedNet net, Tensor images) {
        try (Tensor embeddings = NativeErrors.explained(() -> net.forward(images))) {
            return embeddings.detach(); // a handle of the scope's
        }
    }

    /**
     * Embeddings of the images that can be used.
     *
     * @param faces in the data set's order
     * @param skipped numbers of the samples that could not be used, which {@code faces} does not have
     * @param reasons what is wrong with them, by image
     */
    record Usable(Embedded faces, Set<Integer> skipped, Map<String, String> reasons) {}

    /**
     * The same with a network that works in another way.
     *
     * @param net from [B, 3, S, S] to [B, D], in the scope around it
     */
    Usable embed(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages, UnaryOperator<Tensor> net) {
        FaceDataset plain = data.split() == Split.TRAIN ? data.withAugmentations(List.of()) : data;
        var settings = new BatchLoader.Settings(
                IMAGES_AT_A_TIME,
                model.imageSizePx(),
                model.normalization(),
                Sampler.sequential(),
                0,
                LOADER_THREADS,
                badImages);
        Set<Integer> skipped;
        Map<String, String> reasons;
        float[][] embeddings = new float[plain.size()][];
        this.net.eval();
        try (BatchLoader loader = new BatchLoader(plain, settings, device, true);
                BatchLoader.Epoch batches = loader.epoch(0)) {
            while (batches.hasNext()) {
                try (Batch batch = batches.next();
                        PointerScope scope = new PointerScope();
                        NoGradGuard noGrad = new NoGradGuard()) {
                    Tensor sum = embeddings(batch.images(), flip, net);
                    System.arraycopy(
                            rows(sum, batch.size()), 0, embeddings, batch.index() * IMAGES_AT_A_TIME, batch.size());
                    embedded.accept(batch.index() * IMAGES_AT_A_TIME + batch.size());
                }
            }
            skipped = loader.skippedSamples();
            reasons = loader.skipped();
        }
        int[] usable = IntStream.range(0, plain.size())
                .filter(i -> !skipped.contains(i))
                .toArray();
        float[][] kept = Arrays.stream(usable).mapToObj(i -> embeddings[i]).toArray(float[][]::new);
        int[] labels = Arrays.stream(usable).map(i -> plain.sample(i).label()).toArray();
        return new Usable(new Embedded(kept, labels), skipped, reasons);
    }

    /** [B, 3, S, S] to [B, D], not of length 1; the caller closes it, a scope around does not. */
    Tensor embed(Tensor images) {
        long size = model.imageSizePx();
        if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != size || images.size(3) != size) {
            throw new IllegalArgumentException(
                    "images must be [B, 3, " + size + ", " + size + "], but were " + Arrays.toString(images.shape()));
        }
        try (PointerScope scope = new PointerScope()) {
            return forward(images).retainReference();
        }
    }

    /** Inside a scope: [B, 3, S, S] to [B, D]. */
    private static Tensor embeddings(Tensor images, boolean flip, UnaryOperator<Tensor> net) {
        Tensor sum = net.apply(images);
        return flip ? sum.add(net.apply(torch.flip(images, 3))) : sum;
    }

    /**
     * Inside a scope. On a CPU libtorch gives small convolutions to oneDNN only from two images on; one alone goes through im2col
     * and BLAS, whose threads fight with OpenMP's: several times as long. So one image is done twice.
     */
    private Tensor forward(Tensor images) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor x = images.to(device, ScalarType.Float);
            boolean alone = device.is_cpu() && x.size(0) == 1;
            Tensor input = alone ? torch.cat(new TensorVector(x, x), 0) : x;
            Tensor embeddings = NativeErrors.explained(() -> encoder.forward(input));
            return alone ? embeddings.narrow(0, 0, 1) : embeddings;
        }
    }

    private BatchBuffer newBuffer(int size) {
        return new BatchBuffer(size, model.imageSizePx(), model.normalization(), device, true);
    }

    /** The first rows of [B, D], each brought to length 1. Inside a scope. */
    private float[][] rows(Tensor embeddings, int count) {
        int length = encoder.embeddingSize();
        Tensor onHost = torch.normalize(embeddings)
                .to(new Device("cpu"), ScalarType.Float)
                .contiguous();
        FloatPointer values = onHost.data_ptr_float();
        float[][] rows = new float[count][length];
        for (int i = 0; i < count; i++) {
            values.position((long) i * length).get(rows[i]);
        }
        return rows;
    }

    @Override
    public void close() {
        device.close();
    }
}
