package org.facerecognition.data;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.Transform;

/**
 * Reads, crops and augments the samples of a data set; keeps cropped images as far as memory was given. Thread-safe.
 */
final class SampleReader implements AutoCloseable {
    private final FaceDataset dataset;
    private final int sizePx;
    private final long seed;
    private final DecodedImageCache cache;

    /**
     * @param sizePx side of the square images that are returned
     * @param seed of the augmentations
     * @param cacheBytes memory for decoded and cropped images
     */
    SampleReader(FaceDataset dataset, int sizePx, long seed, long cacheBytes) {
        this.dataset = dataset;
        this.sizePx = sizePx;
        this.seed = seed;
        this.cache = new DecodedImageCache(dataset.images().size(), sizePx, cacheBytes);
    }

    /**
     * Reads, crops and augments a sample.
     *
     * @param occurrence how often the epoch has used it before: it is augmented in another way each time
     * @return RGB, CV_8UC3, sizePx x sizePx unless a transform changed the size; owned
     * @throws DataException when its image cannot be used
     * @throws IllegalStateException when a program's own image source or transform fails; the message names the image
     */
    Mat read(int index, int epoch, int occurrence) {
        Sample sample = dataset.sample(index);
        requireSize(sample.image(), sizePx);
        try {
            return transformed(sample, index, epoch, occurrence);
        } catch (DataException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new IllegalStateException(
                    "image " + sample.image().name() + " could not be prepared: "
                            + (e.getMessage() == null ? e : e.getMessage()),
                    e);
        } catch (InternalError e) { // how Java reports a page that cannot be read of a file that a user's source maps
            throw new DataException(
                    "image " + sample.image().name()
                            + " cannot be read: its file was shortened after it had been opened,"
                            + " or its disk or network failed",
                    e);
        }
    }

    private Mat transformed(Sample sample, int index, int epoch, int occurrence) {
        Mat image = cropped(sample.image(), dataset.imageOf(index));
        if (!sample.transforms().isEmpty()) {
            RandomGenerator random = LoaderRandom.forSample(seed, epoch, index, occurrence);
            for (Transform transform : sample.transforms()) {
                try (Mat before = image) {
                    image = transform.apply(before, random);
                }
            }
        }
        return image;
    }

    /** @throws IllegalArgumentException when the image is cropped already, to another size */
    static void requireSize(ImageSource source, int sizePx) {
        boolean packed = PackIndex.decodedPx(source) > 0;
        if (source.croppedPx() > 0 && source.croppedPx() != sizePx) {
            throw new IllegalArgumentException(
                    "the model's input must be " + source.croppedPx() + " px, as these images "
                            + (packed ? "were packed" : "are cropped") + ", but is " + sizePx + " px; "
                            + (packed ? "pack the original images again" : "crop them to that size"));
        }
    }

    private Mat cropped(ImageSource source, int image) {
        if (PackIndex.decodedPx(source) > 0) {
            return source.read();
        }
        Mat cached = cache.get(image);
        if (cached != null) {
            return cached;
        }
        Mat cropped = cropped(source, dataset.crop(), sizePx);
        cache.put(image, cropped);
        return cropped;
    }

    /** Reads and crops an image that may be cropped already, to this size. */
    static Mat cropped(ImageSource source, Crop crop, int sizePx) {
        if (source.croppedPx() > 0) {
            return source.read();
        }
        if (!crop.takesWholeImages()) {
            try (Mat whole = source.read()) {
                return crop.apply(whole, sizePx, source.name());
            }
        }
        ImageSource.Reduced whole = source.readReduced(sizePx);
        try (Mat pixels = whole.pixels()) {
            WholePhotographs.check(source.name(), whole.widthPx(), whole.heightPx(), sizePx);
            return crop.apply(pixels, sizePx, source.name());
        }
    }

    /** Frees the cache; no thread may be reading any more. */
    @Override
    public void close() {
        cache.close();
    }
}
