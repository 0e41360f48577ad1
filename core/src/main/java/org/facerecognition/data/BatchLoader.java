package org.facerecognition.data;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.facerecognition.augment.Transform;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Lifetime;

/**
 * Turns a data set into batches: worker threads read, frame and augment ahead of the net, into buffers that are used
 * again and again.
 *
 * <p>What a batch holds is a function of (data set, settings, epoch, index) alone. The order of an epoch is drawn from
 * (seed, epoch), and the chance in a sample's augmentation from (seed, epoch, sample): the number of threads and where
 * the reading starts make no difference.
 */
public final class BatchLoader implements AutoCloseable {
    private static final long LONGEST_LAST_PICTURE_NANOS = 60_000_000_000L;

    private final FaceDataset dataset;
    private final Settings settings;
    private final Device device;
    private final boolean channelsLast;
    private final int[] labels;
    private final int samples; // in an epoch
    private final DecodedImageCache memory;
    private final Map<String, String> skipped = new ConcurrentSkipListMap<>();
    private final Set<Integer> skippedSamples = ConcurrentHashMap.newKeySet();
    private final Lifetime lifetime = new Lifetime("batch loader");
    private final ExecutorService workers;
    private final Deque<BatchBuffer> free = new ConcurrentLinkedDeque<>();
    private final Queue<BatchBuffer> buffers = new ConcurrentLinkedQueue<>();

    /**
     * What batches look like.
     *
     * @param batchSize samples in a batch, at least 1; an epoch's last batch may be smaller
     * @param imageSizePx side of the net's square input in pixels, at least 1
     * @param normalization of pixel values
     * @param sampler the order of an epoch; of as many samples in each
     * @param seed of order and augmentation
     * @param threads worker threads, at least 1
     * @param badImages what to do about an image that cannot be used
     * @param imageCacheMib memory for images that are decoded and framed already, kept for their other copies and the next
     *     epoch; 0 for none, as where each image is read once
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

        /** @throws IllegalArgumentException when a value is out of its range, naming it */
        public Settings {
            atLeastOne("batchSize", batchSize);
            atLeastOne("imageSizePx", imageSizePx);
            atLeastOne("threads", threads);
            if (imageCacheMib < 0) {
                throw new IllegalArgumentException("imageCacheMib must be at least 0, but was " + imageCacheMib);
            }
        }

        /**
         * Batches of 16 in the data set's order, read by two threads without a cache; an image that cannot be used is an
         * error, and a last batch of one sample stays by itself.
         */
        public static Settings of(int imageSizePx, Normalization normalization) {
            return new Settings(16, imageSizePx, normalization, Sampler.sequential(), 0, 2, BadImages.FAIL, 0, false);
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

    /** A loader onto the CPU, channels_last. */
    public BatchLoader(FaceDataset dataset, Settings settings) {
        this(dataset, settings, cpu(), true);
    }

    private static Device cpu() {
        Libtorch.load();
        return new Device("cpu");
    }

    /**
     * @param device where the tensors go; for a GPU through pinned memory
     * @param channelsLast memory layout of the images; false for contiguous
     */
    public BatchLoader(FaceDataset dataset, Settings settings, Device device, boolean channelsLast) {
        Libtorch.load();
        this.dataset = dataset;
        this.settings = settings;
        this.device = device;
        this.channelsLast = channelsLast;
        this.labels = dataset.labels();
        this.samples = order(0).length;
        this.memory = new DecodedImageCache(
                dataset.pictures(), settings.imageSizePx(), (long) settings.imageCacheMib() << 20);
        OpenCvThreads.restrict(); // parallel over images already
        this.workers = Executors.newFixedThreadPool(settings.threads(), task -> {
            Thread thread = new Thread(task, "batch-loader");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Number of batches in an epoch. */
    public int batches() {
        return (samples - 1) / settings.batchSize() + 1 - (lastOneJoins() ? 1 : 0);
    }

    /** Whether each epoch's last batch has one sample more than the others, which would have been alone. */
    public boolean lastOneJoins() {
        return settings.joinsLastOne()
                && settings.batchSize() > 1
                && samples > 1
                && samples % settings.batchSize() == 1;
    }

    /** Size of the smallest batch of an epoch: the last one, or all. */
    public int smallestBatch() {
        int from = (batches() - 1) * settings.batchSize();
        return Math.min(settings.batchSize(), samples - from);
    }

    /** Where a batch ends in an epoch's order. */
    private int end(int batch) {
        return batch == batches() - 1 ? samples : (batch + 1) * settings.batchSize();
    }

    /** Images that were skipped so far, and what is wrong with each. */
    public Map<String, String> skipped() {
        return new TreeMap<>(skipped);
    }

    /** Numbers of the samples that were skipped so far, in the data set. */
    public SortedSet<Integer> skippedSamples() {
        return new TreeSet<>(skippedSamples);
    }

    /**
     * Whose images a batch is of, for messages; where bad ones are skipped, those that it should be of.
     *
     * @param epoch which, from 0
     * @param batch which of its batches, from 0
     */
    public List<String> names(int epoch, int batch) {
        return Arrays.stream(order(epoch), batch * settings.batchSize(), end(batch))
                .mapToObj(index -> dataset.sample(index).image().name())
                .toList();
    }

    /** All batches of an epoch, in order. */
    public Epoch epoch(int epoch) {
        return epoch(epoch, 0);
    }

    /**
     * The batches of an epoch from the given one on.
     *
     * @param epoch which, from 0
     * @param firstBatch the first one wanted, from 0
     */
    public Epoch epoch(int epoch, int firstBatch) {
        return new Epoch(epoch, firstBatch);
    }

    /**
     * A pass over the data set. For one thread, while other threads may have passes of their own; close each batch
     * before the next for the buffers to be reused.
     */
    public final class Epoch implements Iterator<Batch>, AutoCloseable {
        private record Pending(BatchBuffer buffer, Future<Integer> size) {}

        private final int epoch;
        private final int[] order;
        private final Deque<Pending> pending = new ArrayDeque<>();
        private int toRead;
        private int toGive;

        private Epoch(int epoch, int firstBatch) {
            this.epoch = epoch;
            this.order = order(epoch);
            this.toRead = firstBatch;
            this.toGive = firstBatch;
        }

        @Override
        public boolean hasNext() {
            return toGive < batches();
        }

        /**
         * Waits for the next batch.
         *
         * @throws DataException when an image in it cannot be used; names it
         * @throws IllegalStateException when the loader is closed
         */
        @Override
        public Batch next() {
            if (!hasNext()) {
                throw new NoSuchElementException("epoch " + epoch + " has " + batches() + " batches");
            }
            try (Lifetime.Use use = lifetime.enter()) {
                readAhead();
                Pending first = pending.remove();
                int size = await(first.size());
                return new Batch(lifetime, first.buffer(), size, toGive++, () -> free.push(first.buffer()));
            }
        }

        /** One batch in hand and one in the making per thread; the buffers for that, once. */
        private void readAhead() {
            while (toRead < batches() && pending.size() < settings.threads() + 1) {
                BatchBuffer known = free.poll();
                BatchBuffer buffer = known == null ? newBuffer() : known;
                int batch = toRead++;
                pending.add(new Pending(buffer, workers.submit(() -> fill(buffer, batch))));
            }
        }

        private int fill(BatchBuffer buffer, int batch) {
            int from = batch * settings.batchSize();
            int to = end(batch);
            for (int i = from; i < to; i++) {
                put(buffer, i - from, i);
            }
            return to - from;
        }

        /** The sample at a place of the order, or the next one that can be used. */
        private void put(BatchBuffer buffer, int slot, int place) {
            for (int i = 0; i < order.length; i++) {
                int index = order[(place + i) % order.length];
                Sample sample = dataset.sample(index);
                try (Mat image = prepare(sample, index, epoch)) {
                    buffer.put(slot, image, sample.label());
                    return;
                } catch (DataException e) {
                    if (settings.badImages() == BadImages.FAIL) {
                        throw e;
                    }
                    skipped.put(sample.image().name(), String.valueOf(e.getMessage()));
                    skippedSamples.add(index);
                }
            }
            throw new DataException("at least one image must be usable, but none of " + order.length + " is");
        }

        /** Waits until nothing writes into the buffers any more, and takes back those not given out. */
        @Override
        public void close() {
            boolean interrupted = false;
            for (Pending rest : pending) {
                interrupted |= awaitEnd(rest.size());
                free.push(rest.buffer());
            }
            pending.clear();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** However it ends. @return whether the thread was interrupted meanwhile */
    private static boolean awaitEnd(Future<Integer> work) {
        boolean interrupted = false;
        while (true) {
            try {
                work.get();
                return interrupted;
            } catch (ExecutionException | CancellationException e) {
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
    }

    private static int await(Future<Integer> size) {
        try {
            return size.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("reading a batch failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a batch", e);
        }
    }

    /** Reads, frames, augments. */
    private Mat prepare(Sample sample, int index, int epoch) {
        Mat image = framed(sample.image(), dataset.pictureOf(index));
        if (!sample.transforms().isEmpty()) {
            RandomGenerator random = stream(settings.seed(), epoch, index);
            for (Transform transform : sample.transforms()) {
                try (Mat before = image) {
                    image = transform.apply(before, random);
                }
            }
        }
        return image;
    }

    private Mat framed(ImageSource source, int picture) {
        int size = settings.imageSizePx();
        if (source.framedPx() > 0) {
            if (source.framedPx() != size) {
                throw new IllegalArgumentException("the net's input must be " + source.framedPx()
                        + " px, as these images were packed, but is " + size + " px; pack them anew");
            }
            return source.read();
        }
        Mat known = memory.recall(picture);
        if (known != null) {
            return known;
        }
        try (Mat whole = dataset.crop() == Crop.WHOLE ? source.read(size) : source.read()) {
            Mat framed = dataset.crop().apply(whole, size, source.name());
            memory.keep(picture, framed);
            return framed;
        }
    }

    private int[] order(int epoch) {
        return settings.sampler().order(labels, stream(settings.seed(), epoch, -1));
    }

    /** Independent streams for neighboring numbers: each step of the chain is a full mix of 64 bits. */
    private static RandomGenerator stream(long seed, long epoch, long index) {
        long mixed = new SplittableRandom(seed).nextLong();
        mixed = new SplittableRandom(mixed ^ epoch).nextLong();
        return new SplittableRandom(mixed ^ index);
    }

    private BatchBuffer newBuffer() {
        BatchBuffer buffer = new BatchBuffer(
                settings.batchSize() + (lastOneJoins() ? 1 : 0),
                settings.imageSizePx(),
                settings.normalization(),
                device,
                channelsLast);
        buffers.add(buffer);
        return buffer;
    }

    /**
     * Waits for the batch that another thread waits for, ends the threads and frees the buffers; tensors already handed
     * out stay valid. A second time does nothing.
     */
    @Override
    public void close() {
        lifetime.close(this::release);
    }

    private void release() {
        for (Runnable waiting : workers.shutdownNow()) {
            if (waiting instanceof Future<?> future) {
                future.cancel(false); // or who closes an epoch later would wait for it for ever
            }
        }
        if (workersEnd()) { // else they may still write there: better left to the collector than freed under them
            memory.close();
            buffers.forEach(BatchBuffer::close);
        }
        buffers.clear();
        free.clear();
        OpenCvThreads.release();
    }

    /** Waits for them, however often interrupted. */
    private boolean workersEnd() {
        boolean interrupted = false;
        try {
            long deadline = System.nanoTime() + LONGEST_LAST_PICTURE_NANOS;
            while (true) {
                try {
                    return workers.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
