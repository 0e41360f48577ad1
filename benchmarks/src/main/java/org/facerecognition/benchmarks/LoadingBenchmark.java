package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.facerecognition.augment.Presets;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.PackedFaces;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * Measures data loading without a network, in images per second: reading, decoding, the study's crop, its five
 * augmentations as copies, and assembling batches of 16. Compares image files, packs, and Python's torchvision on the
 * same files.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar loading [ROUNDS [DIR]]}, where DIR is a folder in
 * CelebA-500's layout; by default 7 rounds on synthetic faces.
 */
final class LoadingBenchmark {
    private static final int BATCHES = 120;
    private static final int WARM_UP_BATCHES = 2;
    private static final int CACHE_MIB = 512;
    private static final int PEOPLE = 60;
    private static final int IMAGES_EACH = 20;
    private static final int SIZE_PX = 112;
    private static final int GPUS = 8;

    private LoadingBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException {
        int rounds = new Arguments(args).number(0, "ROUNDS", 1, 7);
        try (TemporaryFolder folder = TemporaryFolder.create("loading-benchmark")) {
            Path work = folder.path();
            Path data = args.length > 1 ? Path.of(args[1]) : writeSynthetic(work.resolve("faces"));
            FaceDataset faces = FaceDataset.celeba500(data, Split.TRAIN);
            Path encoded = work.resolve("encoded.pack");
            Path decoded = work.resolve("decoded.pack");
            PackedFaces.write(encoded, List.of(faces), 0, done -> {});
            PackedFaces.write(decoded, List.of(faces), SIZE_PX, done -> {});
            List<Contestant> contestants = new ArrayList<>();
            contestants.add(new Loader("files without cache, 1 loader thread", faces, 1, 0));
            contestants.add(
                    new Loader("files, first epoch, 1 loader thread", faces, 1, CACHE_MIB).measuringFirstEpoch());
            contestants.add(new Loader("files, 1 loader thread", faces, 1, CACHE_MIB).withWarmCache());
            contestants.add(new Loader("files, 2 loader threads", faces, 2, CACHE_MIB).withWarmCache());
            contestants.add(new Loader("pack, 1 loader thread", FaceDataset.packed(encoded, Split.TRAIN), 1, 0));
            contestants.add(
                    new Loader("pack of pixels, 1 loader thread", FaceDataset.packed(decoded, Split.TRAIN), 1, 0));
            contestants.add(
                    new Loader("pack of pixels, 2 loader threads", FaceDataset.packed(decoded, Split.TRAIN), 2, 0));
            Optional<PythonLoop> python = PythonLoop.start(
                    "Python torchvision %s on PIL, DataLoader with 1 worker", "load_faces.py", data.toString());
            python.ifPresent(contestants::add);
            Rounds results = Rounds.run(contestants, rounds, BATCHES, System.out);
            String title = "reading, decoding, crop, five augmentations, batches of 16";
            results.print(System.out, title, contestants.get(0).name());
            printPlan(results, contestants);
            contestants.forEach(Contestant::close);
        }
    }

    /** Prints how many processors load as many images as 8 GPUs train, if each loads as many as one does here. */
    private static void printPlan(Rounds results, List<Contestant> contestants) {
        double needed = GPUS * DistributedBenchmark.GPU_IMAGES_PER_SECOND;
        System.out.printf(
                "%n| Computed, not measured: %,.0f images/s for %d GPUs that train ResNet-34 | processors |%n"
                        + "|---|---|%n",
                needed, GPUS);
        for (Contestant contestant : contestants) {
            String name = contestant.name();
            double each =
                    results.median(name) / processors(name, Runtime.getRuntime().availableProcessors());
            System.out.printf("| %s | %.0f |%n", name, Math.ceil(needed / each));
        }
    }

    /** Returns how many processors a contestant keeps busy: the loader's threads, and one that converts to floats. */
    static int processors(String name, int available) {
        return name.startsWith("Python") ? 1 : Math.min(available, name.contains(" 2 loader threads") ? 3 : 2);
    }

    /** Writes synthetic faces in CelebA-500's layout and size, and returns their folder. */
    private static Path writeSynthetic(Path root) throws IOException {
        Path images = Files.createDirectories(root.resolve("celebA_imgs"));
        SyntheticFaces faces = new SyntheticFaces(0, 218);
        StringBuilder identities = new StringBuilder();
        StringBuilder splits = new StringBuilder();
        for (int person = 0; person < PEOPLE; person++) {
            for (int i = 0; i < IMAGES_EACH; i++) {
                String name = String.format("%06d.jpg", person * IMAGES_EACH + i);
                try (Mat image = faces.image(person, i);
                        Rect middle = new Rect(20, 0, 178, 218);
                        Mat cropped = new Mat(image, middle)) {
                    imwrite(images.resolve(name).toString(), cropped);
                }
                identities.append(name).append(' ').append(person).append('\n');
                splits.append(name).append(" 0\n");
            }
        }
        Files.writeString(root.resolve("celebA_anno.txt"), identities);
        Files.writeString(root.resolve("celebA_train_split.txt"), splits);
        return root;
    }

    /** Loads batches with {@link BatchLoader}. */
    private static final class Loader implements Contestant {
        private final String name;
        private final FaceDataset faces;
        private final BatchLoader.Settings settings;
        private BatchLoader loader;
        private boolean firstEpochOnly;
        private int epoch;

        Loader(String source, FaceDataset faces, int threads, int imageCacheMib) {
            this.name = "BatchLoader, " + source;
            this.faces = faces.withAugmentations(Presets.fiveColor());
            this.settings = BatchLoader.Settings.of(SIZE_PX, Normalization.IMAGENET)
                    .withSampler(Sampler.shuffled())
                    .withThreads(threads)
                    .withImageCacheMib(imageCacheMib);
            this.loader = new BatchLoader(this.faces, settings);
        }

        /** Makes each round one whole epoch of a new loader, which decodes every image once for its six copies. */
        Loader measuringFirstEpoch() {
            firstEpochOnly = true;
            return this;
        }

        /** Fills the cache, so that the rounds measure the second and later epochs. */
        Loader withWarmCache() {
            pass(loader.batches());
            return this;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public double imagesPerSecond(int batches) {
            if (!firstEpochOnly) {
                return pass(batches);
            }
            loader.close();
            loader = new BatchLoader(faces, settings);
            epoch = 0;
            return pass(batches <= WARM_UP_BATCHES ? batches : loader.batches());
        }

        private double pass(int batches) {
            long start = System.nanoTime();
            int images = 0;
            try (BatchLoader.Epoch batchesOfEpoch = loader.epoch(epoch++)) {
                for (int i = 0; i < batches && batchesOfEpoch.hasNext(); i++) {
                    try (Batch batch = batchesOfEpoch.next();
                            PointerScope scope = new PointerScope()) {
                        batch.images();
                        batch.labels();
                        images += batch.size();
                    }
                }
            }
            return images / ((System.nanoTime() - start) / 1e9);
        }

        @Override
        public void close() {
            loader.close();
        }
    }
}
