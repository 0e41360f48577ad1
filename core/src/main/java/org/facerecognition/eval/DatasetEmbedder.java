package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Sampler;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.Processors;
import org.facerecognition.natives.TensorRows;

/**
 * Embeds the samples of data sets in batches, without augmentation.
 *
 * <p>The embedder holds no native memory of its own between calls. It opens one PointerScope per batch, which closes
 * what the network returns, and it closes the batches; the embeddings that it returns are Java arrays.
 *
 * @param input the image size and normalization that the network expects
 * @param device the device of the network's weights; borrowed
 * @param net maps images [B, 3, S, S] to embeddings [B, D], of any norm; its result is scoped
 */
public record DatasetEmbedder(ModelInput input, Device device, UnaryOperator<Tensor> net) {
    /** The number of images per batch. */
    public static final int BATCH_SIZE = 16;

    private static final int MAX_LOADER_THREADS = 16; // each has a batch in memory

    /**
     * The embeddings of the usable images of a data set.
     *
     * @param faces unit-norm embeddings with their labels, in the order of the data set
     * @param skipped indices of the unusable samples, which {@code faces} leaves out
     * @param reasons what is wrong with each unusable image, by its name
     */
    public record Usable(Embedded faces, Set<Integer> skipped, Map<String, String> reasons) {}

    /**
     * Embeds the samples of a data set in their order. Augmentations of a training set are dropped.
     *
     * @param flip whether to add the embedding of the mirrored image before L2 normalization
     * @param embedded receives the number of samples processed so far, once per batch
     * @param badImages whether an unusable image is an error or is skipped
     * @return the embeddings, and the samples that were skipped
     * @throws org.facerecognition.data.DataException when an image is unusable and may not be skipped, or when none is
     *     usable
     * @throws IllegalStateException when the thread is interrupted, which is seen before each batch
     */
    public Usable embed(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        return PlatformThreads.call(() -> embedHere(data, flip, embedded, badImages));
    }

    private Usable embedHere(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        Libtorch.keepCacheFolder();
        FaceDataset plain = data.withAugmentations(List.of());
        float[][] embeddings = new float[plain.size()][];
        try (BatchLoader loader = new BatchLoader(plain, settings(badImages), device, true);
                BatchLoader.Epoch batches = loader.epoch(0)) {
            while (batches.hasNext()) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IllegalStateException("interrupted while images were embedded");
                }
                try (Batch batch = batches.next();
                        PointerScope scope = new PointerScope();
                        NoGradGuard noGrad = new NoGradGuard()) {
                    float[][] rows = TensorRows.normalized(embeddings(batch.images(), flip, net));
                    System.arraycopy(rows, 0, embeddings, batch.index() * BATCH_SIZE, batch.size());
                    embedded.accept(batch.index() * BATCH_SIZE + batch.size());
                }
            }
            return usable(plain, embeddings, loader.skippedSamples(), loader.skipped());
        }
    }

    /**
     * Reads some samples of a data set, evenly spread over it, without augmentation. Those that cannot be used are
     * skipped.
     *
     * @param max the maximum number of images
     * @return batches [B, 3, S, S] on the CPU; scoped
     * @throws org.facerecognition.data.DataException when no image can be used
     */
    public static List<Tensor> someImages(FaceDataset data, ModelInput input, int max) {
        FaceDataset plain = data.withAugmentations(List.of());
        int count = Math.min(max, plain.size());
        Sampler spread = Sampler.named(
                "spread over the data set",
                (labels, random) -> IntStream.range(0, count)
                        .map(i -> (int) ((long) i * labels.length / count))
                        .toArray());
        List<Tensor> images = new ArrayList<>();
        BatchLoader.Settings settings = BatchLoader.Settings.of(input.sizePx(), input.normalization())
                .withBatchSize(BATCH_SIZE)
                .withBadImages(BadImages.SKIP)
                .withSampler(spread);
        try (BatchLoader loader = new BatchLoader(plain, settings);
                BatchLoader.Epoch batches = loader.epoch(0)) {
            while (batches.hasNext()) {
                try (Batch batch = batches.next()) {
                    images.add(batch.images().clone());
                }
            }
        }
        return images;
    }

    private BatchLoader.Settings settings(BadImages badImages) {
        return BatchLoader.Settings.of(input.sizePx(), input.normalization())
                .withBatchSize(BATCH_SIZE)
                .withThreads(Math.min(MAX_LOADER_THREADS, Processors.count()))
                .withBadImages(badImages);
    }

    private static Usable usable(
            FaceDataset data, float[][] embeddings, Set<Integer> skipped, Map<String, String> reasons) {
        int[] usable = IntStream.range(0, data.size())
                .filter(i -> !skipped.contains(i))
                .toArray();
        float[][] kept = Arrays.stream(usable).mapToObj(i -> embeddings[i]).toArray(float[][]::new);
        int[] labels = Arrays.stream(usable).map(i -> data.sample(i).label()).toArray();
        return new Usable(new Embedded(kept, labels), skipped, reasons);
    }

    /**
     * Embeds a batch of images, without normalizing the result.
     *
     * @param images [B, 3, S, S]; borrowed
     * @param flip whether to add the embeddings of the mirrored images
     * @param net maps [B, 3, S, S] to [B, D]
     * @return [B, D]; scoped
     */
    public static Tensor embeddings(Tensor images, boolean flip, UnaryOperator<Tensor> net) {
        Tensor embeddings = net.apply(images); // [B, D]
        return flip ? embeddings.add(net.apply(torch.flip(images, 3))) : embeddings;
    }
}
