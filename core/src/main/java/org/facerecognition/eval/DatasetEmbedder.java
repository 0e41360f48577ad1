package org.facerecognition.eval;

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
import org.facerecognition.data.Split;
import org.facerecognition.natives.TensorRows;

/**
 * Embeds the samples of data sets in batches, without augmentation.
 *
 * @param input that the network takes
 * @param device where the network works
 * @param net from [B, 3, S, S] to [B, D], in the scope around it
 */
public record DatasetEmbedder(ModelInput input, Device device, UnaryOperator<Tensor> net) {
    /** Images in a batch. */
    public static final int BATCH_SIZE = 16;

    private static final int LOADER_THREADS = 2;

    /**
     * Embeddings of the images that can be used.
     *
     * @param faces in the data set's order
     * @param skipped numbers of the samples that could not be used, which {@code faces} does not have
     * @param reasons what is wrong with them, by image
     */
    public record Usable(Embedded faces, Set<Integer> skipped, Map<String, String> reasons) {}

    /**
     * Embeds a data set's samples in their order.
     *
     * @param flip adds the embedding of the mirrored image before the norm becomes 1
     * @param embedded is told the number of samples done so far
     * @param badImages what to do about an image that cannot be used
     * @throws org.facerecognition.data.DataException when an image cannot be used and may not be skipped, or none can
     */
    public Usable embed(FaceDataset data, boolean flip, IntConsumer embedded, BadImages badImages) {
        FaceDataset plain = data.split() == Split.TRAIN ? data.withAugmentations(List.of()) : data;
        float[][] embeddings = new float[plain.size()][];
        try (BatchLoader loader = new BatchLoader(plain, settings(badImages), device, true);
                BatchLoader.Epoch batches = loader.epoch(0)) {
            while (batches.hasNext()) {
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

    private BatchLoader.Settings settings(BadImages badImages) {
        return BatchLoader.Settings.of(input.sizePx(), input.normalization())
                .withBatchSize(BATCH_SIZE)
                .withThreads(LOADER_THREADS)
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

    /** Inside a scope: [B, 3, S, S] to [B, D]. */
    public static Tensor embeddings(Tensor images, boolean flip, UnaryOperator<Tensor> net) {
        Tensor sum = net.apply(images);
        return flip ? sum.add(net.apply(torch.flip(images, 3))) : sum;
    }
}
