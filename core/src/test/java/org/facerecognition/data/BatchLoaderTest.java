package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.Races;
import org.facerecognition.augment.Presets;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchLoaderTest {
    private static final int SIZE = 24;

    @TempDir
    static Path root;

    /** The contents of a batch. */
    private record BatchValues(List<Float> pixels, List<Long> labels) {}

    @BeforeAll
    static void write() {
        for (int person = 0; person < 3; person++) {
            for (int i = 0; i < 5; i++) {
                TestImages.write(root.resolve("person" + person + "/" + i + ".png"), 20, 30, 10L * person + i);
            }
        }
    }

    private static FaceDataset data() {
        return FaceDataset.folders(root, Split.TRAIN).withAugmentations(Presets.fiveColor()); // 12 images, 72 samples
    }

    private static BatchLoader loader(int threads, boolean shuffle) {
        return new BatchLoader(
                data(),
                BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                        .withBatchSize(7)
                        .withSampler(shuffle ? Sampler.shuffled() : Sampler.sequential())
                        .withSeed(42)
                        .withThreads(threads));
    }

    private static List<BatchValues> readFrom(BatchLoader loader, int epoch, int from) {
        List<BatchValues> batches = new ArrayList<>();
        try (BatchLoader.Epoch pass = loader.epoch(epoch, from)) {
            while (pass.hasNext()) {
                try (Batch batch = pass.next();
                        PointerScope scope = new PointerScope()) {
                    Tensor flat = batch.images().contiguous();
                    float[] pixels = new float[(int) flat.numel()];
                    flat.data_ptr_float().get(pixels);
                    long[] labels = new long[batch.size()];
                    batch.labels().data_ptr_long().get(labels);
                    List<Float> boxed = new ArrayList<>(pixels.length);
                    for (float pixel : pixels) {
                        boxed.add(pixel);
                    }
                    batches.add(
                            new BatchValues(boxed, Arrays.stream(labels).boxed().toList()));
                }
            }
        }
        return batches;
    }

    @Test
    void epochContainsEachSampleOnce() {
        try (BatchLoader loader = loader(2, true)) {
            List<Long> labels = readFrom(loader, 0, 0).stream()
                    .flatMap(t -> t.labels().stream())
                    .toList();
            for (long label = 0; label < 3; label++) {
                long expected = label;
                assertThat(labels.stream().filter(l -> l == expected)).hasSize(24);
            }
            assertThat(labels).isNotEqualTo(labels.stream().sorted().toList());
        }
    }

    @Test
    void pixelsAreNormalizedRgbPlanes() {
        FaceDataset plain = FaceDataset.folders(root, Split.TRAIN);
        Normalization normalization = Normalization.IMAGENET;
        try (BatchLoader loader = new BatchLoader(
                        plain,
                        BatchLoader.Settings.of(SIZE, normalization)
                                .withBatchSize(4)
                                .withThreads(1));
                BatchLoader.Epoch epoch = loader.epoch(0);
                Batch batch = epoch.next();
                PointerScope scope = new PointerScope();
                Mat image = plain.sample(1).image().read();
                Mat cropped = plain.crop().apply(image, SIZE, "x")) {
            byte[] bytes = TestImages.bytes(cropped);
            Tensor second = batch.images().get(1).contiguous(); // [3, H, W]
            float[] planes = new float[3 * SIZE * SIZE];
            second.data_ptr_float().get(planes);
            for (int i = 0; i < planes.length; i++) {
                int channel = i / (SIZE * SIZE);
                double expected = ((bytes[3 * (i % (SIZE * SIZE)) + channel] & 0xff)
                                - normalization.mean().get(channel))
                        / normalization.std().get(channel);
                assertThat((double) planes[i]).isCloseTo(expected, within(1e-5));
            }
            assertThat(batch.images().is_contiguous(org.bytedeco.pytorch.global.torch.MemoryFormat.ChannelsLast))
                    .isTrue();
        }
    }

    /** They used to be the same pixels, whose cosine of 1 tells a loss that compares them nothing. */
    @Test
    void aSampleThatAnEpochRepeatsIsAugmentedAnewEachTime() {
        FaceDataset one = FaceDataset.folders(root, Split.TRAIN)
                .withIdentities(List.of("person0"))
                .withAtMost(1)
                .withAugmentations(TransformLine.parse("RandomErasing(p=1)"), true);
        List<List<Float>> images = images(one, Sampler.identities(1, 4), 1);
        assertThat(images).hasSize(4).doesNotHaveDuplicates();
        assertThat(images(one, Sampler.identities(1, 4), 4)).isEqualTo(images);
        assertThat(images(one, Sampler.sequential(), 2))
                .as("the first time, as in an epoch without repetitions")
                .containsExactly(images.get(0));
    }

    private static List<List<Float>> images(FaceDataset data, Sampler sampler, int threads) {
        try (BatchLoader loader = new BatchLoader(data, repeating(sampler, threads))) {
            return readFrom(loader, 0, 0).stream()
                    .flatMap(batch -> IntStream.range(0, batch.labels().size()).mapToObj(i -> {
                        int size = batch.pixels().size() / batch.labels().size();
                        return batch.pixels().subList(i * size, (i + 1) * size);
                    }))
                    .toList();
        }
    }

    private static BatchLoader.Settings repeating(Sampler sampler, int threads) {
        return BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(4)
                .withSampler(sampler)
                .withSeed(42)
                .withThreads(threads);
    }

    /** Of an epoch that uses samples up to four times. */
    @Test
    void repeatedSamplesAreTheSameWhenResumedAndInSeveralProcesses() {
        Sampler sampler = (labels, random) -> new int[] {0, 1, 0, 2, 0, 0, 3, 1, 4, 2, 2, 5};
        List<BatchValues> whole;
        try (BatchLoader loader = new BatchLoader(data(), repeating(sampler, 3))) {
            whole = readFrom(loader, 1, 0);
            assertThat(readFrom(loader, 1, 1)).isEqualTo(whole.subList(1, 3));
        }
        for (int rank = 0; rank < 2; rank++) {
            try (Device cpu = new Device("cpu");
                    BatchLoader part =
                            new BatchLoader(data(), repeating(sampler, 1), cpu, true, new BatchShare(rank, 2))) {
                List<BatchValues> parts = readFrom(part, 1, 0);
                for (int i = 0; i < whole.size(); i++) {
                    List<Float> pixels = whole.get(i).pixels();
                    int half = pixels.size() / 2;
                    assertThat(parts.get(i).pixels()).isEqualTo(pixels.subList(rank * half, (rank + 1) * half));
                }
            }
        }
    }

    @Test
    void samplerDeterminesTheEpoch() {
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(6)
                .withSampler(Sampler.identities(3, 2))
                .withSeed(42);
        try (BatchLoader loader = new BatchLoader(FaceDataset.folders(root, Split.TRAIN), settings)) {
            assertThat(loader.batches()).isEqualTo(2);
            for (BatchValues batch : readFrom(loader, 0, 0)) {
                assertThat(batch.labels().stream().sorted()).containsExactly(0L, 0L, 1L, 1L, 2L, 2L);
            }
        }
    }

    @Test
    void epochCanStartInTheMiddle() {
        try (BatchLoader loader = loader(2, true)) {
            List<BatchValues> whole = readFrom(loader, 3, 0);
            assertThat(readFrom(loader, 3, 4)).isEqualTo(whole.subList(4, 11));
            assertThat(whole.get(10).labels()).hasSize(2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 8})
    void givesTheSameBytesForAnyNumberOfThreads(int threads) {
        try (BatchLoader one = loader(1, true);
                BatchLoader many = loader(threads, true)) {
            assertThat(many.batches()).isEqualTo(11); // 72 samples in batches of 7
            assertThat(readFrom(many, 0, 0)).isEqualTo(readFrom(one, 0, 0));
            assertThat(readFrom(many, 1, 0)).isEqualTo(readFrom(one, 1, 0)).isNotEqualTo(readFrom(one, 0, 0));
        }
    }

    /** Memory for a whole batch, of which most is never used: with 100 million, 3.8 TB. */
    @Test
    void batchesThatAreLargerThanTheDataTakeNoMoreMemoryThanTheData() {
        assertThat(new BatchPlan(47, 100_000_000, true).largestBatch()).isEqualTo(47);
        assertThat(new BatchPlan(47, 46, true).largestBatch()).isEqualTo(47);
        assertThat(new BatchPlan(47, 16, true).largestBatch()).isEqualTo(16);
    }

    @Test
    void cachedImagesAreIdenticalAndNotReadAgain(@TempDir Path folder) throws IOException {
        for (int i = 0; i < 10; i++) {
            TestImages.write(folder.resolve("person/" + i + ".png"), 20, 30, i);
        }
        FaceDataset data = FaceDataset.folders(folder, Split.TRAIN, 0, 0, 0).withAugmentations(Presets.fiveColor());
        var plain = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(7)
                .withSampler(Sampler.shuffled())
                .withSeed(42)
                .withThreads(3);
        int fits = (1 << 20) / (3 * SIZE * SIZE);
        assertThat(fits).as("room for all").isGreaterThan(10);
        try (BatchLoader uncached = new BatchLoader(data, plain);
                BatchLoader cached = new BatchLoader(data, plain.withImageCacheMib(1))) {
            List<BatchValues> first = readFrom(uncached, 0, 0);
            List<BatchValues> second = readFrom(uncached, 1, 0);
            assertThat(readFrom(cached, 0, 0)).isEqualTo(first);
            for (int i = 0; i < 10; i++) {
                Files.delete(folder.resolve("person/" + i + ".png"));
            }
            assertThat(readFrom(cached, 1, 0)).isEqualTo(second);
            assertThatThrownBy(() -> readFrom(uncached, 1, 0)).hasMessageContaining("does not exist");
        }
    }

    @Test
    void cacheHoldsOnlyAsManyImagesAsFit() {
        try (DecodedImageCache cache = new DecodedImageCache(3, SIZE, 2 * 3 * SIZE * SIZE + 1);
                Mat image = new Mat(SIZE, SIZE, CV_8UC3)) {
            for (int i = 0; i < 3; i++) {
                assertThat(cache.get(i)).isNull();
                Pointer.memset(image.data(), i + 1, 3L * SIZE * SIZE);
                cache.put(i, image);
            }
            try (Mat first = cache.get(0);
                    Mat second = cache.get(1)) {
                assertThat(TestImages.bytes(first)).containsOnly(1);
                assertThat(TestImages.bytes(second)).containsOnly(2);
            }
            assertThat(cache.get(2)).as("room for two").isNull();
        }
        try (DecodedImageCache none = new DecodedImageCache(3, SIZE, 0)) {
            assertThat(none.get(0)).isNull();
        }
    }

    @Test
    void namesABrokenImageAndStaysUsable() throws IOException {
        Path folder = Files.createTempDirectory(root, "broken");
        for (int i = 0; i < 4; i++) {
            TestImages.write(folder.resolve("person/" + i + ".png"), 20, 20, i);
        }
        FaceDataset data = FaceDataset.folders(folder, Split.TRAIN);
        Path broken = Path.of(data.sample(1).image().name());
        Path file = folder.resolve(broken);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
        try (BatchLoader loader = new BatchLoader(
                data, BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC).withBatchSize(2))) {
            assertThatThrownBy(() -> readFrom(loader, 0, 0))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(broken.toString())
                    .hasMessageContaining("is truncated");
            Files.write(file, whole);
            assertThat(readFrom(loader, 0, 0)).hasSize(2);
        } finally {
            try (var files = Files.walk(folder)) {
                files.sorted(java.util.Comparator.reverseOrder())
                        .forEach(f -> f.toFile().delete());
            }
        }
    }

    @Test
    void skipsAndReportsBrokenImages(@TempDir Path folder) throws IOException {
        for (int i = 0; i < 10; i++) {
            TestImages.write(folder.resolve("person/" + i + ".png"), 20, 20, i);
        }
        FaceDataset data = FaceDataset.folders(folder, Split.TRAIN, 0, 0, 0);
        Files.write(folder.resolve("person/3.png"), new byte[0]);
        Files.writeString(folder.resolve("person/4.png"), "no image");
        List<List<BatchValues>> byThreads = new ArrayList<>();
        for (int threads : new int[] {1, 2, 4, 8}) {
            var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                    .withBatchSize(4)
                    .withSampler(Sampler.shuffled())
                    .withSeed(42)
                    .withThreads(threads)
                    .withBadImages(BadImages.SKIP);
            try (BatchLoader loader = new BatchLoader(data, settings)) {
                byThreads.add(readFrom(loader, 0, 0));
                assertThat(byThreads.get(0)).flatMap(BatchValues::labels).hasSize(10);
                assertThat(loader.skipped()).containsOnlyKeys("person/3.png", "person/4.png");
                assertThat(loader.skipped().get("person/3.png")).contains("is empty");
                List<BatchValues> whole = readFrom(loader, 5, 0);
                assertThat(readFrom(loader, 5, 1)).isEqualTo(whole.subList(1, 3));
            }
        }
        assertThat(byThreads).allMatch(batches -> batches.equals(byThreads.get(0)));
        for (int i = 0; i < 10; i++) {
            Files.write(folder.resolve("person/" + i + ".png"), new byte[0]);
        }
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(4)
                .withSampler(Sampler.shuffled())
                .withSeed(42)
                .withBadImages(BadImages.SKIP);
        try (BatchLoader loader = new BatchLoader(data, settings)) {
            assertThatThrownBy(() -> readFrom(loader, 0, 0))
                    .isInstanceOf(DataException.class)
                    .hasMessage("at least one image must be usable, but none of 10 is");
        }
    }

    /** A program's own image source or transform used to end a training without the name of the image. */
    @Test
    void namesTheImageThatAProgramFailsAt() {
        try (BatchLoader loader = failing(new IllegalArgumentException("no such channel"));
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThatThrownBy(epoch::next)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("image portrait could not be prepared: no such channel")
                    .hasCauseInstanceOf(IllegalArgumentException.class);
        }
        try (BatchLoader loader = failing(new NullPointerException());
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThatThrownBy(epoch::next)
                    .hasMessage("image portrait could not be prepared: java.lang.NullPointerException");
        }
    }

    /** Java's message has no name of a file, and speaks of "a recent unsafe memory access operation". */
    @Test
    void namesTheImageInAMappedFileThatCannotBeReadAnyMore() {
        try (BatchLoader loader = failing(new InternalError("a fault occurred"));
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThatThrownBy(epoch::next)
                    .isInstanceOf(DataException.class)
                    .hasMessage("at least one image must be usable, but none of 1 is");
            assertThat(loader.skipped().get("portrait")).startsWith("image portrait cannot be read: its file was");
        }
    }

    /** A training explains what to do about such an error, which used to be wrapped. */
    @Test
    void throwsErrorsOfItsThreadsAsTheyAre() {
        NoClassDefFoundError error = new NoClassDefFoundError("org/bytedeco/opencv/Removed");
        try (BatchLoader loader = failing(error);
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThatThrownBy(epoch::next).isSameAs(error);
            assertThat(epoch.hasNext()).isFalse();
        }
    }

    private static BatchLoader failing(Throwable failure) {
        ImageSource image = new ImageSource() {
            @Override
            public String name() {
                return "portrait";
            }

            @Override
            public Mat read() {
                if (failure instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) failure;
            }
        };
        FaceDataset data = FaceDataset.of(List.of(new LabeledImage(image, 0)), List.of("a"), Split.TEST, Crop.WHOLE);
        return new BatchLoader(
                data, BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC).withBadImages(BadImages.SKIP));
    }

    /** Each place used to read all the unusable images that follow it, 80,000 here. */
    @Test
    void readsARunOfBrokenImagesOnceOrTwice() {
        AtomicInteger reads = new AtomicInteger();
        List<LabeledImage> images = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            images.add(new LabeledImage(counted(i, reads, true), 0));
        }
        images.add(new LabeledImage(counted(400, reads, false), 0));
        FaceDataset data = FaceDataset.of(images, List.of("a"), Split.TEST, Crop.WHOLE);
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC).withBadImages(BadImages.SKIP);
        try (BatchLoader loader = new BatchLoader(data, settings)) {
            assertThat(readFrom(loader, 0, 0)).flatMap(BatchValues::labels).hasSize(401);
            assertThat(loader.skippedSamples()).hasSize(400);
            List<Integer> replacements = new ArrayList<>();
            try (BatchLoader.Epoch epoch = loader.epoch(0, 24)) { // of 16 samples, then one
                while (epoch.hasNext()) {
                    try (Batch batch = epoch.next();
                            PointerScope scope = new PointerScope()) {
                        replacements.addAll(batch.replacements());
                        long[] labels = new long[batch.size()];
                        batch.ownLabels().data_ptr_long().get(labels);
                        assertThat(labels).containsOnly(batch.size() == 1 ? 0 : -1);
                    }
                }
            }
            assertThat(replacements).isEqualTo(IntStream.range(0, 16).boxed().toList());
        }
        assertThat(reads.get()).isLessThan(401 * 4); // two workers may begin with the same image
    }

    /** Closing interrupts what is being read, which counted as unusable, and each image after it in turn. */
    @Test
    @Timeout(60)
    void closingWhileAnImageIsReadSkipsNone() throws InterruptedException {
        AtomicInteger reads = new AtomicInteger();
        CountDownLatch reading = new CountDownLatch(1);
        List<LabeledImage> images = new ArrayList<>();
        images.add(new LabeledImage(counted(0, reads, false), 0));
        images.add(new LabeledImage(
                new GivenImage(() -> {
                    reading.countDown();
                    try {
                        Thread.sleep(Long.MAX_VALUE);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    throw new DataException("closed by an interrupt");
                }),
                0));
        for (int i = 2; i < 100; i++) {
            images.add(new LabeledImage(counted(i, reads, true), 0));
        }
        FaceDataset data = FaceDataset.of(images, List.of("a"), Split.TEST, Crop.WHOLE);
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(1)
                .withThreads(1)
                .withBadImages(BadImages.SKIP);
        BatchLoader loader = new BatchLoader(data, settings);
        loader.epoch(0).next().close();
        reading.await();
        loader.close();
        assertThat(loader.skipped()).isEmpty();
        assertThat(loader.skippedSamples()).isEmpty();
        assertThat(reads).hasValue(1);
    }

    private static ImageSource counted(int number, AtomicInteger reads, boolean broken) {
        return new ImageSource() {
            @Override
            public String name() {
                return String.valueOf(number);
            }

            @Override
            public Mat read() {
                reads.incrementAndGet();
                if (broken) {
                    throw new DataException("image " + number + " is broken");
                }
                return TestImages.noise(SIZE, SIZE, number);
            }
        };
    }

    /** Other lengths dropped or repeated samples without a word. */
    @Test
    void rejectsASamplerWhoseEpochsDiffer() {
        int[] calls = {0};
        Sampler growing = Sampler.named(
                "growing",
                (labels, random) -> IntStream.range(0, 4 + calls[0]++).toArray());
        try (BatchLoader loader = new BatchLoader(
                data(), BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC).withSampler(growing))) {
            assertThatThrownBy(() -> loader.epoch(1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("sampler growing must give as many samples in each epoch as in the first, 4, but gives"
                            + " 5 in epoch 2");
        }
        Sampler beyond = Sampler.named("beyond", (labels, random) -> new int[] {0, labels.length});
        try (BatchLoader loader = new BatchLoader(
                data(), BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC).withSampler(beyond))) {
            assertThatThrownBy(() -> loader.epoch(0)).hasMessageContaining("but gives 72 in epoch 1");
        }
    }

    @Test
    void rejectsASamplerWithoutSamples() {
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withSampler(Sampler.named("nobody", (labels, random) -> new int[0]));
        assertThatThrownBy(() -> new BatchLoader(data(), settings))
                .isInstanceOf(DataException.class)
                .hasMessage("there must be at least one sample to load, but sampler nobody gives none of the 72 of the"
                        + " data set");
    }

    /** The cache of decoded images used to leave out those in which faces are looked for. */
    @Test
    void looksForTheFaceInAnImageOnce() {
        List<LabeledImage> images = List.of(new LabeledImage(ImageSource.of(root.resolve("person0/0.png")), 0));
        List<ImageSource> withoutFace = new CopyOnWriteArrayList<>();
        AtomicInteger looks = new AtomicInteger();
        FaceDataset data = FaceDataset.of(images, List.of("a"), Split.TRAIN, Crop.WHOLE)
                .withFacesFound(new FindsNothing(looks), SIZE, withoutFace::add)
                .withAugmentations(Presets.fiveColor());
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withThreads(1)
                .withImageCacheMib(1);
        try (BatchLoader loader = new BatchLoader(data, settings)) {
            assertThat(readFrom(loader, 1, 0)).hasSize(1);
            assertThat(readFrom(loader, 1, 0)).isEqualTo(readFrom(loader, 1, 0));
        }
        assertThat(withoutFace).hasSize(1);
        assertThat(looks).hasValue(1);
        var larger = BatchLoader.Settings.of(SIZE + 1, Normalization.SYMMETRIC);
        try (BatchLoader loader = new BatchLoader(data, larger)) {
            assertThatThrownBy(() -> readFrom(loader, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the model's input must be 24 px, as these images are cropped, but is 25 px; crop them"
                            + " to that size");
        }
    }

    private record FindsNothing(AtomicInteger looks) implements FaceDetector {
        @Override
        public List<DetectedFace> detect(Mat image) {
            looks.incrementAndGet();
            return List.of();
        }

        @Override
        public Settings settings() {
            return Settings.DEFAULT;
        }

        @Override
        public String fingerprint() {
            return "nothing";
        }

        @Override
        public void close() {}
    }

    @Test
    void settingsRejectValuesOutOfRange() {
        assertThatThrownBy(() -> BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                        .withBatchSize(0)
                        .withSampler(Sampler.shuffled())
                        .withThreads(1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> BatchLoader.Settings.of(0, Normalization.SYMMETRIC)
                        .withBatchSize(1)
                        .withSampler(Sampler.shuffled())
                        .withThreads(1))
                .hasMessage("imageSizePx must be at least 1, but was 0");
        assertThatThrownBy(() -> BatchLoader.Settings.of(1, Normalization.SYMMETRIC)
                        .withBatchSize(1)
                        .withSampler(Sampler.shuffled())
                        .withThreads(0))
                .hasMessage("threads must be at least 1, but was 0");
        assertThatThrownBy(() -> BatchLoader.Settings.of(1, Normalization.SYMMETRIC)
                        .withBatchSize(1)
                        .withSampler(Sampler.shuffled())
                        .withThreads(1)
                        .withImageCacheMib(-1))
                .hasMessage("imageCacheMib must be at least 0, but was -1");
    }

    @Test
    void closeDoesNotWaitForUnreadBatches() {
        long start;
        try (BatchLoader loader = slow(300, -1, number -> number < 100 ? 0 : 400, 100);
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThat(epoch.next().size()).isEqualTo(100);
            start = System.nanoTime(); // the other batches, of 20 seconds each, have just begun
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    @Timeout(60)
    void epochCanBeClosedAfterItsLoader() {
        BatchLoader loader = loader(1, true);
        BatchLoader.Epoch epoch = loader.epoch(0);
        epoch.next().close(); // more batches are read ahead
        loader.close();
        assertThatThrownBy(epoch::next)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("batch loader is closed");
        epoch.close();
        loader.close(); // has no further effect
    }

    /** Regression: the threads ended with unread batches, for which other threads waited forever. */
    @Test
    @Timeout(60)
    void canBeClosedWhileOtherThreadsRead() throws Exception {
        Races.closedWhileUsed(20, () -> loader(2, true), loader -> readFrom(loader, 0, 9), "batch loader is closed");
    }

    /**
     * Regression: when the closing thread had been interrupted, close freed buffers that workers were still writing to.
     */
    @Test
    void closeWaitsForTheWorkersEvenWhenInterrupted() {
        for (int i = 0; i < 200; i++) { // a pool without threads that are joined fails within 200
            BatchLoader loader = loader(3, true);
            loader.epoch(i).next().close(); // the epoch stays open: more of its batches are being read
            Thread.currentThread().interrupt();
            loader.close();
            assertThat(Thread.interrupted()).as("interrupt status is kept").isTrue();
            assertThat(Thread.getAllStackTraces().keySet())
                    .noneMatch(thread -> thread.getName().equals("batch-loader"));
        }
    }

    /** An image that takes its time; broken if so asked for. */
    private record SlowImage(int number, boolean broken, int millis) implements ImageSource {
        @Override
        public String name() {
            return "image " + number;
        }

        @Override
        public Mat read() {
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (broken) {
                throw new DataException("image " + number + " is broken");
            }
            return new Mat(SIZE, SIZE, CV_8UC3, org.bytedeco.opencv.opencv_core.Scalar.all(number));
        }
    }

    private static BatchLoader slow(int images, int broken, int millis, int batchSize) {
        return slow(images, broken, number -> millis, batchSize);
    }

    private static BatchLoader slow(int images, int broken, IntUnaryOperator millis, int batchSize) {
        FaceDataset data = FaceDataset.of(
                IntStream.range(0, images)
                        .mapToObj(i -> new LabeledImage(new SlowImage(i, i == broken, millis.applyAsInt(i)), i % 2))
                        .toList(),
                List.of("Ann", "Bob"),
                Split.TRAIN,
                Crop.WHOLE);
        return new BatchLoader(
                data,
                BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                        .withBatchSize(batchSize)
                        .withSampler(Sampler.sequential())
                        .withThreads(2));
    }

    /** A training that was asked to stop waited for all images that were read ahead, and then had no time to save. */
    @Test
    @Timeout(20)
    void closingAnEpochWaitsForNoMoreThanAnImageOfEachThread() throws InterruptedException {
        try (BatchLoader loader = slow(400, -1, 200, 200);
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThat(epoch.hasNext()).isTrue();
            Thread reading = new Thread(() -> {
                try {
                    epoch.next();
                } catch (IllegalStateException e) {
                    // interrupted
                }
            });
            reading.start();
            reading.interrupt(); // while it waits for the first of the batches, of 40 seconds each
            reading.join();
        }
    }

    /** It used to go on with batches under the numbers of others. */
    @Test
    void anEpochEndsWithItsFailure() {
        try (BatchLoader loader = slow(10, 3, 0, 2);
                BatchLoader.Epoch epoch = loader.epoch(0)) {
            assertThat(epoch.next().index()).isZero();
            assertThatThrownBy(epoch::next).isInstanceOf(DataException.class).hasMessageContaining("image 3 is broken");
            assertThat(epoch.hasNext()).isFalse();
        }
    }
}
