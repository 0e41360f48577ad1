package org.facerecognition.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Future;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.OpenCvThreads;

/**
 * Turns a data set into batches: worker threads read, crop and augment images ahead of training, into reused buffers.
 *
 * <p>The contents of a batch are a function of (data set, settings, epoch, index) alone. The order of an epoch depends
 * on (seed, epoch), and the random stream of a sample's augmentation on (seed, epoch, sample) and on how often the
 * epoch has used the sample before: neither the number of threads nor the first batch that is read makes a difference.
 *
 * Long because each of the nine settings has a method that changes it.
 */
public final class BatchLoader implements AutoCloseable {
    private final FaceDataset dataset;
    private final Settings settings;
    private final Device device;
    private final boolean channelsLast;
    private final int[] labels;
    private final BatchPlan plan;
    private final SampleReader reader;
    private final Map<String, String> skipped = new ConcurrentSkipListMap<>();
    private final Set<Integer> skippedSamples = ConcurrentHashMap.newKeySet();
    private final Lifetime lifetime = new Lifetime("batch loader");
    private final OpenCvThreads.Scope openCv;
    private final LoaderWorkers workers;
    private final Deque<BatchBuffer> free = new ConcurrentLinkedDeque<>();
    private final Queue<BatchBuffer> buffers = new ConcurrentLinkedQueue<>();

    /**
     * The size, order and treatment of batches: {@code Settings.of(112, normalization).withBatchSize(64)}.
     *
     * @param batchSize number of samples in a batch, at least 1; an epoch's last batch may be smaller
     * @param imageSizePx side of the model's square input in pixels, at least 1
     * @param normalization of pixel values
     * @param sampler determines the order of an epoch; every epoch must have the same number of samples
     * @param seed of order and augmentation
     * @param threads number of worker threads, at least 1
     * @param badImages what to do with an image that cannot be used
     * @param imageCacheMib memory in MiB for decoded and cropped images, which are kept for their other copies and the
     *     next epoch; 0 for none, which suits data that is read once
     * @param joinsLastOne whether a single sample that is left for an epoch's last batch joins the batch before, which
     *     then has {@code batchSize + 1}: in training, batch normalization cannot work on one sample
     */
    public record Settings(
            int batchSize,
            int imageSizePx,
            Normalization normalization,
            Sampler sampler,
            long seed,
            int threads,
            BadImages badImages,
            int imageCacheMib,
            boolean joinsLastOne) {

        /** @throws IllegalArgumentException when a value is out of its range */
        public Settings {
            atLeastOne("batchSize", batchSize);
            atLeastOne("imageSizePx", imageSizePx);
            atLeastOne("threads", threads);
            if (imageCacheMib < 0) {
                throw new IllegalArgumentException("imageCacheMib must be at least 0, but was " + imageCacheMib);
            }
        }

        /**
         * Returns the defaults: batches of 16 in the data set's order, read without a cache by two threads, or by one
         * where {@link Processors} counts one; an image that cannot be used is an error, and a single last sample is a
         * batch by itself.
         *
         * @throws IllegalArgumentException when the size is not at least 1, or {@link Processors#PROPERTY} is not a
         *     whole number of at least 1
         */
        public static Settings of(int imageSizePx, Normalization normalization) {
            int threads = Math.min(2, Processors.count());
            return new Settings(
                    16, imageSizePx, normalization, Sampler.sequential(), 0, threads, BadImages.FAIL, 0, false);
        }

        public Settings withBatchSize(int batchSize) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withSampler(Sampler sampler) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withSeed(long seed) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withThreads(int threads) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withBadImages(BadImages badImages) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withImageCacheMib(int imageCacheMib) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        public Settings withJoinsLastOne(boolean joinsLastOne) {
            return new Settings(
                    batchSize,
                    imageSizePx,
                    normalization,
                    sampler,
                    seed,
                    threads,
                    badImages,
                    imageCacheMib,
                    joinsLastOne);
        }

        private static void atLeastOne(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " must be at least 1, but was " + value);
            }
        }
    }

    /**
     * Creates a loader for the CPU with channels_last images.
     *
     * @throws DataException when the sampler gives no samples
     */
    public BatchLoader(FaceDataset dataset, Settings settings) {
        this(dataset, settings, cpu(), true);
    }

    private static Device cpu() {
        Libtorch.load();
        return new Device("cpu");
    }

    /**
     * Creates a loader.
     *
     * @param device where the tensors go; for a GPU through pinned memory. Borrowed
     * @param channelsLast memory layout of the images; false for contiguous
     * @throws DataException when the sampler gives no samples
     */
    public BatchLoader(FaceDataset dataset, Settings settings, Device device, boolean channelsLast) {
        this(dataset, settings, device, channelsLast, BatchShare.WHOLE);
    }

    /**
     * Creates a loader of a part of each batch.
     *
     * @param device where the tensors go; for a GPU through pinned memory. Borrowed
     * @param channelsLast memory layout of the images; false for contiguous
     * @param share of this process in every batch. A batch with fewer samples than processes has at least one sample
     *     in each share nevertheless, which is then another process's too: see {@link Batch#wholeSize}
     * @throws DataException when the sampler gives no samples
     */
    public BatchLoader(FaceDataset dataset, Settings settings, Device device, boolean channelsLast, BatchShare share) {
        Libtorch.load();
        ImageReader.load();
        this.dataset = dataset;
        this.settings = settings;
        this.device = device;
        this.channelsLast = channelsLast;
        this.labels = dataset.labels();
        int samples = order(0).length;
        if (samples == 0) {
            throw new DataException("there must be at least one sample to load, but sampler " + settings.sampler()
                    + " gives none of the " + labels.length + " of the data set");
        }
        this.plan = new BatchPlan(samples, settings.batchSize(), settings.joinsLastOne(), share);
        this.reader = new SampleReader(
                dataset, settings.imageSizePx(), settings.seed(), (long) settings.imageCacheMib() << 20);
        this.openCv = OpenCvThreads.one();
        this.workers = new LoaderWorkers(settings.threads());
    }

    private int[] order(int epoch) {
        return settings.sampler().order(labels, LoaderRandom.forOrder(settings.seed(), epoch));
    }

    /** Returns the number of batches in an epoch. */
    public int batches() {
        return plan.batches();
    }

    /** Returns whether each epoch's last batch has one sample more than the others, which would otherwise be alone. */
    public boolean lastOneJoins() {
        return plan.lastOneJoins();
    }

    /**
     * Returns the number of samples of a batch, those of all processes that share it.
     *
     * @param batch number of the batch in the epoch, from 0
     */
    public int wholeSize(int batch) {
        return plan.size(batch);
    }

    /** Returns the size of the smallest batch of an epoch. */
    public int smallestBatch() {
        return plan.smallestBatch();
    }

    /** Returns the smallest number of samples that any process reads for a batch, at least 1. */
    public int smallestShare() {
        return plan.smallestShare();
    }

    /** Returns the names of the images that were skipped so far, with the reason for each. */
    public Map<String, String> skipped() {
        return new TreeMap<>(skipped);
    }

    /** Returns the numbers of the samples that were skipped so far, in the data set. */
    public SortedSet<Integer> skippedSamples() {
        return new TreeSet<>(skippedSamples);
    }

    /**
     * Returns the names of the images in a batch, for messages; when bad images are skipped, the names of the images
     * that were planned for it.
     *
     * @param epoch number of the epoch, from 0
     * @param batch number of the batch in the epoch, from 0
     */
    public List<String> names(int epoch, int batch) {
        return Arrays.stream(order(epoch), plan.start(batch), plan.end(batch))
                .mapToObj(index -> dataset.sample(index).image().name())
                .toList();
    }

    /** Starts an epoch: all its batches, in order. */
    public Epoch epoch(int epoch) {
        return epoch(epoch, 0);
    }

    /**
     * Starts an epoch at one of its batches.
     *
     * @param epoch number of the epoch, from 0
     * @param firstBatch number of the first batch to return, from 0
     */
    public Epoch epoch(int epoch, int firstBatch) {
        return new Epoch(epoch, firstBatch);
    }

    /**
     * One pass over the data set. An epoch is for one thread; other threads may run their own epochs at the same time.
     * Close each batch before asking for the next, so that its buffer is reused.
     */
    public final class Epoch implements Iterator<Batch>, AutoCloseable {
        private record Pending(BatchBuffer buffer, Future<List<Integer>> replacements) {}

        private final int epoch;
        private final int[] order;
        private final Occurrences occurrences;
        private final Deque<Pending> pending = new ArrayDeque<>();
        private int nextToRead;
        private int nextToReturn;
        private volatile boolean closed;

        private Epoch(int epoch, int firstBatch) {
            this.epoch = epoch;
            this.order = order(epoch);
            if (order.length != plan.samples()) {
                throw new IllegalStateException("sampler " + settings.sampler() + " must give as many samples in each"
                        + " epoch as in the first, " + plan.samples() + ", but gives " + order.length + " in epoch "
                        + (epoch + 1));
            }
            for (int sample : order) {
                if (sample < 0 || sample >= labels.length) {
                    throw new IllegalStateException("sampler " + settings.sampler() + " must give numbers of samples,"
                            + " from 0 to " + (labels.length - 1) + ", but gives " + sample + " in epoch "
                            + (epoch + 1));
                }
            }
            this.occurrences = Occurrences.in(order, labels.length);
            this.nextToRead = firstBatch;
            this.nextToReturn = firstBatch;
        }

        @Override
        public boolean hasNext() {
            return nextToReturn < batches();
        }

        /**
         * Waits for the next batch.
         *
         * @return owned
         * @throws DataException when an image in it cannot be used; the message names it
         * @throws IllegalStateException when the loader is closed
         */
        @Override
        public Batch next() {
            if (!hasNext()) {
                throw new NoSuchElementException("epoch " + epoch + " has " + batches() + " batches");
            }
            try (Lifetime.Use use = lifetime.enter()) {
                readAhead();
                List<Integer> replacements;
                try {
                    replacements = LoaderWorkers.await(pending.element().replacements());
                } catch (RuntimeException | Error e) {
                    nextToReturn = batches(); // the epoch ends; what is pending is for close()
                    throw e;
                }
                Pending first = pending.remove();
                int index = nextToReturn++;
                return new Batch(
                        lifetime,
                        first.buffer(),
                        plan.shareEnd(index) - plan.shareStart(index),
                        plan.size(index),
                        index,
                        replacements,
                        () -> free.push(first.buffer()));
            }
        }

        /** Keeps one batch per thread in progress, and one more that is ready. */
        private void readAhead() {
            while (nextToRead < batches() && pending.size() < settings.threads() + 1) {
                BatchBuffer reused = free.poll();
                BatchBuffer buffer = reused == null ? newBuffer() : reused;
                int batch = nextToRead++;
                pending.add(new Pending(buffer, workers.submit(() -> fill(buffer, batch))));
            }
        }

        /** Returns the slots whose own samples could not be used. */
        private List<Integer> fill(BatchBuffer buffer, int batch) {
            int from = plan.shareStart(batch);
            int to = plan.shareEnd(batch);
            List<Integer> replacements = new ArrayList<>();
            for (int i = from; i < to && !isUnwanted(); i++) {
                if (!put(buffer, i - from, i)) {
                    replacements.add(i - from);
                }
            }
            return replacements;
        }

        /** Returns whether nobody will see what is read now. */
        private boolean isUnwanted() {
            return closed || workers.areStopped();
        }

        /**
         * Puts the sample at a place of the order into a slot, or the next sample that can be used. One that could not
         * be used before is tried again in its own place only.
         *
         * @return whether it is the place's own sample
         */
        private boolean put(BatchBuffer buffer, int slot, int place) {
            for (int i = 0; i < order.length && !isUnwanted(); i++) {
                int used = (place + i) % order.length;
                int index = order[used];
                if (i > 0 && skippedSamples.contains(index)) {
                    continue;
                }
                Sample sample = dataset.sample(index);
                try (Mat image = reader.read(index, epoch, occurrences.before(used))) {
                    buffer.put(slot, image, sample.label());
                    return i == 0;
                } catch (DataException e) {
                    if (isUnwanted()) { // the file may be sound: an interrupt ends its reading
                        return false;
                    }
                    if (settings.badImages() == BadImages.FAIL) {
                        throw e;
                    }
                    skipped.put(sample.image().name(), String.valueOf(e.getMessage()));
                    skippedSamples.add(index);
                }
            }
            if (isUnwanted()) {
                return false;
            }
            throw new DataException("at least one image must be usable, but none of " + order.length + " is");
        }

        /**
         * Waits until no worker writes to this epoch's buffers, at most for an image each, and takes back those that
         * were not returned.
         */
        @Override
        public void close() {
            closed = true;
            boolean interrupted = false;
            for (Pending rest : pending) {
                interrupted |= LoaderWorkers.awaitEnd(rest.replacements());
                free.push(rest.buffer());
            }
            pending.clear();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private BatchBuffer newBuffer() {
        BatchBuffer buffer = new BatchBuffer(
                plan.largestBatch(), settings.imageSizePx(), settings.normalization(), device, channelsLast);
        buffers.add(buffer);
        return buffer;
    }

    /**
     * Waits for a batch that another thread is waiting for, stops the worker threads and frees the buffers; tensors
     * that were already returned stay valid. Closing twice has no further effect.
     */
    @Override
    public void close() {
        lifetime.close(this::release);
    }

    private void release() {
        if (workers.shutdown()) { // else a worker may still write: leaking the memory is better than freeing it now
            reader.close();
            buffers.forEach(BatchBuffer::close);
        }
        buffers.clear();
        openCv.close();
    }
}
