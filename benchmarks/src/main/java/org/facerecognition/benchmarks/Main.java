package org.facerecognition.benchmarks;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.facerecognition.natives.Libtorch;

/** Runs a benchmark by its name: {@code java -jar benchmarks/target/benchmarks.jar NAME}. */
public final class Main {
    private static final Map<String, Benchmark> BENCHMARKS = new TreeMap<>(Map.of(
            "training", new Benchmark("[ROUNDS [STEPS]]", TrainingBenchmark::run),
            "loading", new Benchmark("[ROUNDS [DIR]]", LoadingBenchmark::run),
            "losses", new Benchmark("[ORL_DIR [LOSS ...]]", LossesBenchmark::run),
            "weights", new Benchmark("[ROUNDS]", WeightsBenchmark::run),
            "recognition", new Benchmark("YUNET MOBILEFACENET LFW [ROUNDS]", RecognitionBenchmark::run),
            "inference",
                    new Benchmark("[ROUNDS] [nets=...] [batches=...] [parts=...] [peers=...]", InferenceBenchmark::run),
            "exports", new Benchmark("[ENCODER ...]", ExportsBenchmark::run),
            "soak", new Benchmark("[EMBEDDINGS]", Soak::run),
            "heads", new Benchmark("[ROUNDS [CLASSES]]", HeadsBenchmark::run),
            "gallery", new Benchmark("[ROUNDS [N [N_HNSW]]]", GalleryBenchmark::run)));

    private record Benchmark(String arguments, Body body) {}

    private interface Body {
        void run(String[] args) throws IOException, InterruptedException;
    }

    private Main() {}

    /** The first argument is the benchmark's name, the rest are its own. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Locale.setDefault(Locale.ROOT);
        System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0"); // tensors are not the heap's business
        Libtorch.load(); // before any of its classes, which the contestants begin with
        Benchmark benchmark = args.length == 0 ? null : BENCHMARKS.get(args[0]);
        if (benchmark == null) {
            System.err.println("benchmark must be one of:");
            BENCHMARKS.forEach((name, one) -> System.err.println("  " + name + " " + one.arguments()));
            System.exit(2);
        }
        benchmark.body().run(Arrays.copyOfRange(args, 1, args.length));
    }
}
