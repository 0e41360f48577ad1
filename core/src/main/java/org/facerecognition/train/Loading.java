package org.facerecognition.train;

import org.facerecognition.data.BadImages;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;

/**
 * How training images reach the network.
 *
 * @param batchSize samples in a batch, at least 1
 * @param sampler the order of an epoch's samples, and how often each occurs
 * @param loaderThreads that read and augment, 1 to 256; there is a batch in memory for each
 * @param badImages what to do about an image that cannot be used
 * @param imageCacheMib memory in MiB for decoded images of each data set, at least 0: a cached image is decoded once
 *     instead of once for each copy and epoch
 * @param featureCacheMib memory in MiB for the outputs of frozen layers, at least 0: they process each image once
 *     instead of once an epoch. On a GPU it is the GPU's memory, all of it allocated at the first batch. Useful with a
 *     {@link FreezeBefore} and few kinds of augmentation, since an image that is augmented differently in each epoch is
 *     never seen again
 */
public record Loading(
        int batchSize,
        Sampler sampler,
        int loaderThreads,
        BadImages badImages,
        int imageCacheMib,
        int featureCacheMib) {
    private static final int MAX_THREADS = 256;

    /** @throws IllegalArgumentException when a value is out of its range, naming it */
    public Loading {
        Bounds.given("sampler", sampler);
        Bounds.given("badImages", badImages);
        Bounds.atLeast(1, "batchSize", batchSize);
        Bounds.atLeast(1, "loaderThreads", loaderThreads);
        Bounds.atMost(MAX_THREADS, "loaderThreads", loaderThreads);
        Bounds.atLeast(0, "imageCacheMib", imageCacheMib);
        Bounds.atLeast(0, "featureCacheMib", featureCacheMib);
    }

    /** Returns the settings of a loader of training batches for a network's input. */
    public BatchLoader.Settings batches(int imageSizePx, Normalization normalization, long seed) {
        return BatchLoader.Settings.of(imageSizePx, normalization)
                .withBatchSize(batchSize)
                .withSampler(sampler)
                .withSeed(seed)
                .withThreads(loaderThreads)
                .withBadImages(badImages)
                .withImageCacheMib(imageCacheMib)
                .withJoinsLastOne(true);
    }
}
