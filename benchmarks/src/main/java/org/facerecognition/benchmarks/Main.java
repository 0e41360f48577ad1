package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.facerecognition.data.DataException;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.vision.DetectorException;
import org.facerecognition.weights.WeightsException;

/**
 * Runs a benchmark: {@code java -jar benchmarks/target/benchmarks.jar NAME [ARGUMENT ...]}. Without a name it lists all
 * benchmarks.
 */
public final class Main {
    private static final Map<String, Benchmark> BENCHMARKS = new TreeMap<>(Map.ofEntries(
            Map.entry(
                    "all",
                    new Benchmark(
                            "[NAME ...] [orl=DIR] [celeba=DIR] [celeba-ir=DIR] [lfw=DIR]"
                                    + " [mobilefacenet=FILE] [yunet=FILE] [database=URL] [tables=COMMIT,...]",
                            AllBenchmarks::run)),
            Map.entry("training", new Benchmark("[ROUNDS [STEPS [DEVICE [BATCH]]]]", TrainingBenchmark::run)),
            Map.entry("loading", new Benchmark("[ROUNDS [DIR]]", LoadingBenchmark::run)),
            Map.entry(
                    "accuracy", new Benchmark("MOBILEFACENET YUNET LFW CELEBA_IR ORL CELEBA", AccuracyBenchmark::run)),
            Map.entry("fine-tuning", new Benchmark("MOBILEFACENET CELEBA", AccuracyBenchmark::fineTuning)),
            Map.entry("losses", new Benchmark("[ORL_DIR [LOSS ...]]", LossesBenchmark::run)),
            Map.entry("weights", new Benchmark("[ROUNDS]", WeightsBenchmark::run)),
            Map.entry(
                    "recognition",
                    new Benchmark("YUNET MOBILEFACENET LFW [ROUNDS [bf16 or int8]]", RecognitionBenchmark::run)),
            Map.entry(
                    "inference",
                    new Benchmark(
                            "[ROUNDS] [nets=...] [batches=...] [parts=...] [peers=...] [neighbors=...] [threads=...]",
                            InferenceBenchmark::run)),
            Map.entry("photographs", new Benchmark("YUNET LFW [ROUNDS [MANY]]", PhotographsBenchmark::run)),
            Map.entry("exports", new Benchmark("[ENCODER ...]", ExportsBenchmark::run)),
            Map.entry(
                    "serve",
                    new Benchmark("MOBILEFACENET YUNET LFW [CLIENTS [ROUNDS [SECONDS]]]", ServeBenchmark::run)),
            Map.entry("soak", new Benchmark("[EMBEDDINGS [NEIGHBORS]]", Soak::run)),
            Map.entry("heads", new Benchmark("[ROUNDS [CLASSES]]", HeadsBenchmark::run)),
            Map.entry("distributed", new Benchmark("[ROUNDS [STEPS]]", DistributedBenchmark::run)),
            Map.entry(
                    "gallery-database",
                    new Benchmark("jdbc:postgresql://HOST/DATABASE [N]", GalleryDatabaseBenchmark::run)),
            Map.entry("gallery-large", new Benchmark("[FOLDER [N ...]]", LargeGalleryBenchmark::run)),
            Map.entry("gallery", new Benchmark("[ROUNDS [N [N_APPROXIMATE]]]", GalleryBenchmark::run))));

    /** Of threads that call ONNX Runtime: on some processors it overflows Java's 1 MiB, and the process dies. */
    static final long STACK_BYTES = 16 << 20;

    private record Benchmark(String arguments, Action action) {}

    private interface Action {
        void run(String[] args) throws IOException, InterruptedException;
    }

    private Main() {}

    /** Returns the names of the benchmarks. */
    static Set<String> names() {
        return BENCHMARKS.keySet();
    }

    /** Takes the benchmark's name and its arguments. */
    public static void main(String[] args) throws Exception {
        Locale.setDefault(Locale.ROOT);
        System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0"); // the heap's size does not limit tensors
        Libtorch.load(); // before any of its classes is used by a contestant
        Benchmark benchmark = args.length == 0 ? null : BENCHMARKS.get(args[0]);
        if (benchmark == null) {
            System.err.println("NAME must be one of the following:");
            BENCHMARKS.forEach((name, listed) -> System.err.println("  " + name + " " + listed.arguments()));
            System.exit(2);
            return;
        }
        FutureTask<Void> work = new FutureTask<>(() -> {
            benchmark.action().run(Arrays.copyOfRange(args, 1, args.length));
            return null;
        });
        Thread thread = new Thread(null, work, "benchmark", STACK_BYTES);
        thread.start();
        try {
            work.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            System.exit(status(cause, benchmark.arguments(), System.err)); // even if threads of it still run
        }
    }

    /**
     * Prints why a benchmark failed, and returns the status to exit with: 2 if an argument is wrong. What a user can
     * mend is one sentence, and other failures have their stack trace.
     */
    static int status(Throwable cause, String arguments, PrintStream errors) {
        Throwable reason = cause instanceof UncheckedIOException && cause.getCause() != null ? cause.getCause() : cause;
        if (reason instanceof ArgumentException) {
            errors.println("error: " + reason.getMessage() + "; arguments are " + arguments);
            return 2;
        }
        if (reason instanceof NoSuchFileException) {
            errors.println("error: there is no file or folder " + reason.getMessage() + "; arguments are " + arguments);
        } else if (reason instanceof IOException
                || reason instanceof DataException
                || reason instanceof WeightsException
                || reason instanceof DetectorException) {
            errors.println("error: " + (reason.getMessage() == null ? reason : reason.getMessage()));
        } else {
            reason.printStackTrace(errors); // a mistake of a benchmark or of the library
        }
        return 1;
    }
}
